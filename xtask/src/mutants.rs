//! `cargo xtask mutants`: changes the code in small ways, one at a time, and asks whether a test notices. What no test
//! notices is listed at the end; `docs/mutants.md` says of each known one why.

use crate::suite::{cargo, command, succeed, target_directory};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use std::path::PathBuf;

/// The program that does it, built from source.
const PROGRAM: &str = "cargo-mutants";
const VERSION: &str = "27.1.0";
/// Where a wrong line costs money or clicks, by package.
const WATCHED: [(&str, &[&str]); 2] = [
    (
        "attribution-core",
        &[
            "attribution-core/src/token/**",
            "attribution-core/src/attribute/**",
            "attribution-core/src/fold/**",
            "attribution-core/src/commission/**",
            "attribution-core/src/calendar/**",
            "attribution-core/src/ledger/**",
        ],
    ),
    ("journal", &["journal/src/**"]),
];

/// What to change.
#[derive(Args)]
pub(crate) struct MutantsArguments {
    /// Files or patterns of files, such as `attribution-core/src/fold/**`; what is watched unless given.
    files: Vec<String>,
    /// Changes tried side by side.
    #[arg(long, default_value_t = 1)]
    jobs: u32,
    /// Only the part K/N of the changes, such as 1/8.
    #[arg(long)]
    shard: Option<String>,
}

/// Runs the mutations package by package; fails if a package could not be run, not if a change went unnoticed.
pub(crate) fn run(arguments: &MutantsArguments) -> Result<()> {
    let target = target_directory()?;
    let program = program(&target.join("tools"))?;
    for (package, watched) in WATCHED {
        let files: Vec<&str> = if arguments.files.is_empty() {
            watched.to_vec()
        } else {
            arguments.files.iter().map(String::as_str).filter(|file| file.starts_with(package)).collect()
        };
        if files.is_empty() {
            continue;
        }
        let mut mutants =
            command(&program.to_string_lossy(), &["mutants", "--package", package, "--colors", "never"]);
        mutants.args(files.iter().flat_map(|file| ["--file", file]));
        mutants.args(["--jobs", &arguments.jobs.to_string()]).args([
            "--timeout",
            "120",
            "--build-timeout",
            "900",
        ]);
        mutants.args(arguments.shard.iter().flat_map(|shard| ["--shard", shard]));
        let lists = target.join("mutants").join(package);
        std::fs::create_dir_all(&lists).with_context(|| format!("cannot make {}", lists.display()))?;
        mutants.arg("--output").arg(&lists);
        // Without debug information each build takes half the time.
        mutants
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_PROFILE_TEST_DEBUG", "0")
            .env_remove("CARGO_TARGET_DIR");
        let status = mutants.status().context("cannot start cargo-mutants")?;
        // 2: some went unnoticed; 3: some ran too long. Both are results.
        if !matches!(status.code(), Some(0 | 2 | 3)) {
            bail!("cargo-mutants ended with {status}");
        }
        println!("{package}: lists in {}", lists.join("mutants.out").display());
    }
    Ok(())
}

/// The program; builds it if it is not there yet.
fn program(tools: &std::path::Path) -> Result<PathBuf> {
    let program = tools.join("bin").join(PROGRAM);
    if !program.is_file() {
        println!("missing: {PROGRAM} {VERSION}; building it");
        let mut install = cargo(&["install", PROGRAM, "--locked", "--version", VERSION]);
        install.arg("--root").arg(tools);
        succeed(install)?;
    }
    Ok(program)
}
