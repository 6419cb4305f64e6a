//! `cargo xtask bench ingest`: the core's intake, exactly once, beside plain writes of the same rows.

use crate::suite::{cargo, succeed};
use anyhow::Result;
use clap::Args;

/// Passed on to the core's own ingest example.
#[derive(Args)]
pub(crate) struct IngestArguments {
    /// The build profile.
    #[arg(long, default_value = "release")]
    profile: String,
    /// Arguments of the example, after `--`.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Runs the core's ingest example.
pub(super) fn run(arguments: &IngestArguments) -> Result<()> {
    let mut command =
        cargo(&["run", "--locked", "--package", "settlement-core", "--example", "ingest_bench"]);
    command.args(["--profile", &arguments.profile, "--"]).args(&arguments.rest);
    succeed(command)
}
