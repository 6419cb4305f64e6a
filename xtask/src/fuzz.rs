//! `cargo xtask fuzz`: coverage-guided fuzzing of everything that parses bytes from outside, with clang's libFuzzer.
//!
//! The targets lie in `fuzz/`, a workspace of its own. What a target checks is a function of the crate it is about, which
//! the property tests of that crate call, too. The inputs that a run has bred stay in the build folder for the next one.

use crate::install::{self, CLANG};
use crate::suite::{command, root, succeed, target_directory};
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use std::path::Path;

/// The targets, and where the repository has good inputs for them to begin with.
const TARGETS: [(&str, &str); 14] = [
    ("address", ""),
    ("batch", "attribution-core/tests/golden"),
    ("code", ""),
    ("frame", "journal/tests/golden"),
    ("holder", "attribution-core/tests/golden"),
    ("import", "fuzz/seeds/import"),
    ("record", "attribution-core/tests/golden"),
    ("redis_answer", "fuzz/seeds/redis_answer"),
    ("request", "fuzz/seeds/request"),
    ("request_head", "fuzz/seeds/request"),
    ("scenario", "scenarios"),
    ("segment", "journal/tests/golden"),
    ("snapshot", "fuzz/seeds/snapshot"),
    ("token", "fuzz/seeds/token"),
];

/// What makes the compiler count edges and comparisons: all of it is stable.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Which targets, and for how long.
#[derive(Args)]
pub(crate) struct FuzzArguments {
    /// Targets; all of them unless given.
    targets: Vec<String>,
    /// Seconds for each.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// The longest input in bytes.
    #[arg(long, default_value_t = 4_096)]
    longest: u32,
}

/// Builds the targets and runs one after the other; stops at the first input that breaks a promise.
pub(crate) fn run(arguments: &FuzzArguments) -> Result<()> {
    for name in &arguments.targets {
        let known = TARGETS.map(|(target, _)| target);
        ensure!(known.contains(&name.as_str()), "no target {name}; there are {}", known.join(", "));
    }
    install::ensure(&[CLANG])?;
    let programs = build()?;
    let folder = target_directory()?.join("fuzz");
    for (target, seeds) in TARGETS {
        if arguments.targets.is_empty() || arguments.targets.iter().any(|wanted| wanted == target) {
            fuzz(&programs.join(target), &folder.join(target), seeds, arguments)?;
        }
    }
    Ok(())
}

/// Builds everything with coverage; gives the folder with the targets.
fn build() -> Result<std::path::PathBuf> {
    let host = host()?;
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let target = target_directory()?.join("fuzz-build");
    // A target is named, so that build scripts and macros stay without coverage.
    let mut build =
        command(&cargo, &["build", "--release", "--locked", "--manifest-path", "fuzz/Cargo.toml"]);
    build
        .args(["--target", &host])
        .arg("--target-dir")
        .arg(&target)
        .env("RUSTFLAGS", COVERAGE)
        .env("CXX", "clang++");
    succeed(build)?;
    Ok(target.join(host).join("release"))
}

fn host() -> Result<String> {
    let output = command("rustc", &["-vV"]).output().context("cannot start rustc")?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say its host")?.to_owned())
}

fn fuzz(program: &Path, folder: &Path, seeds: &str, arguments: &FuzzArguments) -> Result<()> {
    let (corpus, found) = (folder.join("corpus"), folder.join("found"));
    std::fs::create_dir_all(&corpus)?;
    std::fs::create_dir_all(&found)?;
    let mut fuzzer =
        command(&program.to_string_lossy(), &["-print_final_stats=1", "-timeout=10", "-rss_limit_mb=2048"]);
    fuzzer
        .arg(format!("-max_total_time={}", arguments.seconds))
        .arg(format!("-max_len={}", arguments.longest));
    fuzzer.arg(format!("-artifact_prefix={}/", found.display())).arg(&corpus);
    if !seeds.is_empty() {
        let seeds = root().join(seeds);
        ensure!(seeds.is_dir(), "no inputs to begin with in {}", seeds.display());
        fuzzer.arg(seeds);
    }
    if succeed(fuzzer).is_err() {
        bail!("an input breaks a promise; it is in {}; again: {} FILE", found.display(), program.display());
    }
    Ok(())
}
