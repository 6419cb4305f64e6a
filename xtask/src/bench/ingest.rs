//! `cargo xtask bench ingest`: the core's intake, exactly once, beside plain writes of the same rows.

use crate::install::{POSTGRES, ensure};
use crate::servers::Postgres;
use crate::suite::{cargo, succeed};
use anyhow::Result;
use clap::Args;

/// How much.
#[derive(Args)]
pub(crate) struct IngestArguments {
    /// The build profile.
    #[arg(long, default_value = "release")]
    profile: String,
    /// Rows of a round.
    #[arg(long, default_value_t = 150_000)]
    rows: u32,
    /// Rounds for each batch size; ours and the plain writes take turns.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

/// Runs the core's ingest example on SQLite and on a PostgreSQL of its own.
pub(super) fn run(arguments: &IngestArguments) -> Result<()> {
    ensure(&[POSTGRES])?;
    let postgres = Postgres::start()?;
    let mut command =
        cargo(&["run", "--locked", "--package", "settlement-core", "--example", "ingest_bench"]);
    command.args(["--profile", &arguments.profile, "--"]);
    command.args([arguments.rows.to_string(), arguments.rounds.to_string()]);
    command.env("YINKE_TEST_POSTGRES_URL", postgres.url());
    succeed(command)
}
