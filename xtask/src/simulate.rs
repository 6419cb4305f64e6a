//! `cargo xtask simulate`: many runs of the edge's simulation, each of another seed: the real journal, shipper and keeper
//! on a disk and a network that fail at random, in simulated time.
//!
//! The simulation itself is a test of the redirector. A seed that fails goes into its list of seeds that every test runs.

use crate::suite::{cargo, succeed};
use anyhow::Result;
use clap::Args;

/// Optimized, so that a run takes milliseconds.
const PROFILE: &str = "release";
/// After so many seeds it says where to go on.
const STRIDE: u64 = 50_000;

/// Which seeds.
#[derive(Args)]
pub(crate) struct SimulateArguments {
    /// Seeds.
    #[arg(long, default_value_t = 1_000_000)]
    seeds: u64,
    /// The first one.
    #[arg(long, default_value_t = 0)]
    from: u64,
}

/// Runs the command; says after each stride with which seed an interrupted run goes on.
pub(crate) fn run(arguments: &SimulateArguments) -> Result<()> {
    let end = arguments.from + arguments.seeds;
    let mut from = arguments.from;
    while from < end {
        let seeds = STRIDE.min(end - from);
        prove(from, seeds)?;
        from += seeds;
        println!(
            "{} of {} seeds hold; to go on: --from {from} --seeds {}",
            from - arguments.from,
            arguments.seeds,
            end - from
        );
    }
    Ok(())
}

/// Runs these seeds on all cores.
pub(crate) fn prove(from: u64, seeds: u64) -> Result<()> {
    let mut test =
        cargo(&["test", "-q", "--locked", "--profile", PROFILE, "-p", "redirector", "--test", "simulation"]);
    test.args(["--", "--nocapture", "what_was_promised_holds"]);
    test.env("YINKE_SIMULATE_FROM", from.to_string()).env("YINKE_SIMULATE_SEEDS", seeds.to_string());
    // Failing seeds say what was wrong; where is in the message.
    test.env("RUST_BACKTRACE", "0");
    succeed(test)
}
