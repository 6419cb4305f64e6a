//! `cargo xtask kill`: the whole process is killed (kill -9) at random instants under load, and in the end every
//! click that was answered is in the core, once.
//!
//! The load runs through all kills and writes down every answer it got, synced; nothing of the program under test
//! is asked what it did before its last start.

pub(crate) mod api;
mod chance;
mod instants;
pub(crate) mod loader;
pub(crate) mod process;
pub(crate) mod world;

use crate::suite::{cargo, succeed, target_directory};
use anyhow::{Context as _, Result, ensure};
use api::Api;
use chance::Chance;
use clap::Args;
use loader::Loader;
use process::Yinke;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use world::World;

/// How often, under what.
#[derive(Args)]
pub(crate) struct KillArguments {
    /// Kills.
    #[arg(long, default_value_t = 200)]
    times: u32,
    /// Links in the catalogue.
    #[arg(long, default_value_t = 1_000)]
    links: u32,
    /// Requests per second of the load.
    #[arg(long, default_value_t = 1_500)]
    rate: u32,
    /// The build profile of the program under test.
    #[arg(long, default_value = "release")]
    profile: String,
    /// Kills at each named instant instead, in a build that has them.
    #[arg(long)]
    instants: bool,
    /// Keeps the data directory and the logs here, instead of a folder that goes away.
    #[arg(long)]
    keep: Option<PathBuf>,
}

/// A kill comes at the latest so long after the process serves.
const KILL_WITHIN: Duration = Duration::from_millis(600);
/// One kill in so many comes while the process still starts, at the latest this long after its birth.
const EARLY_ONE_IN: u64 = 5;
const EARLY_WITHIN: Duration = Duration::from_millis(150);
/// After the last start, the edge has so long to ship all it has.
const SHIP_WITHIN: Duration = Duration::from_secs(120);
/// A drain takes no longer.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);
/// From the start of the process to the first redirect, median over the kills.
const RESTART_WITHIN: Duration = Duration::from_secs(1);

/// Runs the proof.
pub(crate) fn run(arguments: &KillArguments) -> Result<()> {
    let keep = arguments.keep.as_deref();
    if arguments.instants {
        return prove_instants(keep);
    }
    prove(arguments.times, arguments.links, arguments.rate, &arguments.profile, keep)
}

/// One kill at each named instant. Only builds with debug assertions have them.
pub(crate) fn prove_instants(keep: Option<&Path>) -> Result<()> {
    with_programs("dev", keep, instants::prove)
}

/// The proof as the test command runs it.
pub(crate) fn prove(times: u32, links: u32, rate: u32, profile: &str, keep: Option<&Path>) -> Result<()> {
    with_programs(profile, keep, |programs, folder| kill_and_check(times, links, rate, programs, folder))
}

/// Builds the programs and gives them a folder; says the end of their log if the body fails.
pub(crate) fn with_programs(
    profile: &str,
    keep: Option<&Path>,
    body: impl FnOnce(&Path, &Path) -> Result<()>,
) -> Result<()> {
    // In one go, so that both are built with the same features of what they share.
    let packages = ["--package", "yinke", "--package", "loadtest"];
    let mut build = cargo(&["build", "--locked", "--profile", profile]);
    build.args(packages);
    succeed(build)?;
    let target = target_directory()?;
    let programs = target.join(if profile == "dev" { "debug" } else { profile });
    let scratch = tempfile::Builder::new().prefix("kill-").tempdir_in(&target)?;
    let folder = match keep {
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            folder.to_owned()
        }
        None => scratch.path().to_owned(),
    };
    let result = body(&programs, &folder);
    if result.is_err() {
        println!("the end of the program's log:\n{}", process::log_tail(&folder));
    }
    result
}

fn kill_and_check(times: u32, links: u32, rate: u32, programs: &Path, folder: &Path) -> Result<()> {
    let mut chance = Chance::new();
    let mut yinke = Yinke::start(programs, folder)?;
    yinke.wait_until_listening()?;
    println!("making {links} links");
    let world = World::make(&yinke.core()?, links)?;
    yinke.wait_until_redirecting(world.sample())?;
    let loader = Loader::start(programs, folder, &world, rate, yinke.edge()?)?;

    let mut restarts = Vec::new();
    let mut early = 0;
    for kill in 1..=times {
        if kill > 1 && chance.one_in(EARLY_ONE_IN) {
            early += 1;
            yinke.live_for(chance.up_to(EARLY_WITHIN))?;
        } else {
            let took = yinke.wait_until_redirecting(world.sample())?;
            if kill > 1 {
                restarts.push(took);
            }
            loader.goes_to(yinke.edge()?)?;
            yinke.live_for(chance.up_to(KILL_WITHIN))?;
        }
        yinke.kill()?;
        yinke = Yinke::start(programs, folder)?;
        if kill % 20 == 0 {
            println!("{kill} kills");
        }
    }
    restarts.push(yinke.wait_until_redirecting(world.sample())?);
    loader.goes_to(yinke.edge()?)?;
    yinke.live_for(Duration::from_secs(1))?;
    let figures = loader.stop()?;
    let shipped = wait_until_shipped(&mut yinke)?;
    check(programs, &[loader::oracle(folder)], &yinke.core()?)?;
    let drained = yinke.drain(DRAIN_WITHIN)?;

    restarts.sort();
    let median = restarts[restarts.len() / 2];
    println!(
        "{times} kills ({early} of them while starting) under load: {} answered, {} without an answer; 0 lost, 0 twice",
        figures["answered"], figures["unanswered"]
    );
    println!(
        "from start to the first redirect with {links} links: median {} ms, most {} ms",
        median.as_millis(),
        restarts[restarts.len() - 1].as_millis()
    );
    println!(
        "shipped within {} ms of the end of the load; drained in {} ms",
        shipped.as_millis(),
        drained.as_millis()
    );
    let attributed = figures["by_outcome"]["attributed"].as_u64();
    ensure!(attributed > Some(u64::from(times)), "the load got hardly any answer with a token: {figures}");
    ensure!(median < RESTART_WITHIN, "a restart takes {median:?}");
    Ok(())
}

/// Waits until nothing recorded is missing in the core.
pub(crate) fn wait_until_shipped(yinke: &mut Yinke) -> Result<Duration> {
    let began = Instant::now();
    loop {
        let audit = yinke.core()?.get("/v1/audit/clicks")?;
        if audit["pending"] == 0 && audit["recorded"] == audit["ingested"] {
            return Ok(began.elapsed());
        }
        ensure!(began.elapsed() < SHIP_WITHIN, "not everything was shipped: {audit}");
        yinke.live_for(Duration::from_millis(50))?;
    }
}

/// Compares the oracle's files with the core, click by click.
pub(crate) fn check(programs: &Path, oracles: &[PathBuf], core: &Api) -> Result<()> {
    let status = std::process::Command::new(programs.join("loadtest"))
        .arg("check")
        .args(oracles.iter().flat_map(|file| [OsStr::new("--oracle"), file.as_os_str()]))
        .args(["--core", &core.address.to_string()])
        .env("YINKE_ADMIN_TOKEN", process::ADMIN_TOKEN)
        .status()
        .context("cannot start the check")?;
    ensure!(status.success(), "clicks were lost, doubled, invented or changed");
    Ok(())
}
