//! `cargo xtask forge`: random tags under sound tokens in large numbers, and whether the time of a refusal tells how much of
//! a tag was right.

use crate::suite::{cargo, succeed};
use anyhow::Result;
use clap::Args;

/// How much of it.
#[derive(Args)]
pub(crate) struct ForgeArguments {
    /// Random tags.
    #[arg(long, default_value_t = 100_000_000)]
    tags: u64,
    /// Refusals whose time is taken.
    #[arg(long, default_value_t = 2_000_000)]
    samples: u64,
}

/// Builds the measuring program and runs it.
pub(crate) fn run(arguments: &ForgeArguments) -> Result<()> {
    let mut forge =
        cargo(&["run", "--locked", "--profile", "release", "--package", "benches", "--bin", "forge", "--"]);
    forge.args(["--tags", &arguments.tags.to_string(), "--samples", &arguments.samples.to_string()]);
    succeed(forge)
}
