//! `cargo xtask corrupt`: many random corruptions of a journal: bits, sectors, cut-off ends, blocks of other places, of
//! other segments and of earlier lives. Each must be detected, and nothing may be lost but what was hit.

use crate::suite::{cargo, succeed};
use anyhow::Result;
use clap::Args;

/// How many.
#[derive(Args)]
pub(crate) struct CorruptArguments {
    /// Corruptions.
    #[arg(long, default_value_t = 1_000_000)]
    times: u32,
}

/// Runs the journal's own test so often.
pub(crate) fn run(arguments: &CorruptArguments) -> Result<()> {
    let mut test =
        cargo(&["test", "-q", "--locked", "--profile", "release", "-p", "journal", "--test", "damage"]);
    test.args(["--", "--nocapture", "of_random_damage"]);
    test.env("YINKE_JOURNAL_DAMAGES", arguments.times.to_string());
    succeed(test)
}
