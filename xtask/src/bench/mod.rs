//! `cargo xtask bench ...`: comparisons with a reference in the same run.

use clap::Args;

/// What to compare.
#[derive(Args)]
pub(crate) struct BenchArguments {}

/// Runs the comparison.
pub(crate) fn run(_arguments: &BenchArguments) -> anyhow::Result<()> {
    anyhow::bail!("no benchmark is built yet")
}
