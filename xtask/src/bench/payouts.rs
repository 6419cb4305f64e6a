//! `cargo xtask bench payouts`: a monthly payout run over settled lines, and a tenth of them for the ratio.

use crate::servers::Postgres;
use crate::suite::{cargo, succeed};
use anyhow::Result;
use clap::Args;

/// How many lines.
#[derive(Args)]
pub(crate) struct PayoutsArguments {
    /// The build profile.
    #[arg(long, default_value = "release")]
    profile: String,
    /// Settled lines.
    #[arg(long, default_value_t = 1_000_000)]
    lines: u32,
    /// Lines of each payee.
    #[arg(long, default_value_t = 100)]
    per_payee: u32,
}

/// Runs the core's payout example on SQLite and on a PostgreSQL of its own.
pub(super) fn run(arguments: &PayoutsArguments) -> Result<()> {
    let postgres = Postgres::start()?;
    let mut command =
        cargo(&["run", "--locked", "--package", "settlement-core", "--example", "payouts_bench"]);
    command.args(["--profile", &arguments.profile, "--"]);
    command.args([arguments.lines.to_string(), arguments.per_payee.to_string()]);
    command.env("YINKE_TEST_POSTGRES_URL", postgres.url());
    succeed(command)
}
