//! `cargo xtask bench replay`: every decision and transfer again, and a tenth of them for the ratio.

use crate::suite::{cargo, succeed, target_directory};
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

/// How much.
#[derive(Args)]
pub(crate) struct ReplayArguments {
    /// The build profile.
    #[arg(long, default_value = "release")]
    profile: String,
    /// Order lines.
    #[arg(long, default_value_t = 1_000_000)]
    lines: u64,
    /// Clicks before them.
    #[arg(long, default_value_t = 10_000_000)]
    clicks: u64,
    /// Where the stores are built and kept; building takes far longer than replaying [default: target/replay-bench].
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Only build the stores, for measuring when the machine is quiet.
    #[arg(long)]
    build_only: bool,
}

/// Builds the stores that are missing, in one process, and replays them in another, so that the peak of the memory is
/// that of replaying.
pub(super) fn run(arguments: &ReplayArguments) -> Result<()> {
    let folder = match &arguments.folder {
        Some(folder) => folder.clone(),
        None => target_directory()?.join("replay-bench"),
    };
    std::fs::create_dir_all(&folder)?;
    let steps: &[&str] = if arguments.build_only { &["build"] } else { &["build", "measure"] };
    for step in steps {
        let mut command =
            cargo(&["run", "--locked", "--package", "settlement-core", "--example", "replay_bench"]);
        command.args(["--profile", &arguments.profile, "--", step]).arg(&folder);
        command.args([arguments.lines.to_string(), arguments.clicks.to_string()]);
        succeed(command)?;
    }
    Ok(())
}
