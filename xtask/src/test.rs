//! `cargo xtask test`: everything that must hold, against real servers that it starts itself.

use crate::install::{self, CURL, HAPROXY, NGINX, OPENSSL, POSTGRES, PROMTOOL, REDIS, RSVG, ZBARIMG};
use crate::servers::{Postgres, Redis};
use crate::suite::{Run, cargo, root, succeed};
use crate::{
    browser, check, conformance, examples, kill, outage, powercut, scenarios, simulate, story, watching,
};
use anyhow::{Context as _, Result};
use clap::Args;
use std::time::Duration;

/// Load and faults need a fast server.
pub(crate) const PROFILE: &str = "release";
/// Kills in the test command; more of them by `cargo xtask kill`.
const KILLS: u32 = 200;
/// Links and requests per second under which they happen.
const KILL_LINKS: u32 = 1_000;
const KILL_RATE: u32 = 1_500;

/// Core, PostgreSQL and Redis are away for so long at so many requests per second; longer by `cargo xtask outage`.
const OUTAGE: Duration = Duration::from_secs(10);
const OUTAGE_RATE: u32 = 1_000;
/// Seeds of the simulation; more of them by `cargo xtask simulate`.
const SEEDS: u64 = 10_000;
/// Power cuts, and how long the journal works before each at most; more of them by `cargo xtask powercut`.
const CUTS: u32 = 10;
const CUT_WITHIN: Duration = Duration::from_millis(1_500);

/// What a build from nothing leaves, with room for the suites' own servers and journals.
const ROOM_GB: u64 = 20;

/// Which suites.
#[derive(Args)]
pub(crate) struct TestArguments {
    /// Run only the suites of these names (tidy, format, clippy, docs, tests, ...).
    only: Vec<String>,
}

/// Runs all suites.
pub(crate) fn run(arguments: &TestArguments) -> Result<()> {
    say_room()?;
    let mut run = Run::new(&arguments.only);
    check::lints(&mut run);
    run.suite("tests", 1_200, || {
        install::ensure(&[REDIS, POSTGRES, OPENSSL, PROMTOOL, CURL, HAPROXY, NGINX, ZBARIMG, RSVG])?;
        let redis = Redis::start()?;
        let postgres = Postgres::start_unsynced()?;
        println!("redis at {}, PostgreSQL at {}", redis.url(), postgres.url());
        let mut tests =
            cargo(&["test", "--workspace", "--locked", "--no-fail-fast", "--", "--include-ignored"]);
        tests.env("YINKE_TEST_REDIS_URL", redis.url()).env("YINKE_TEST_POSTGRES_URL", postgres.url());
        succeed(tests)
    });
    run.suite("alert rules", 20, watching::check);
    // The first that needs the optimized program builds it.
    run.suite("examples", 720, || examples::run(PROFILE));
    run.suite("scenarios", 600, || scenarios::hold(PROFILE));
    run.suite("conformance", 180, || conformance::check(PROFILE));
    run.suite("story", 420, || story::tell(PROFILE));
    run.suite("browser", 240, || browser::tell(PROFILE));
    run.suite("kill", 420, || kill::prove(KILLS, KILL_LINKS, KILL_RATE, PROFILE, None));
    run.suite("kill at instants", 180, || kill::prove_instants(None));
    run.suite("outage", 240, || outage::prove(OUTAGE, OUTAGE_RATE, KILL_LINKS, PROFILE, None));
    run.suite("simulate", 240, || simulate::prove(0, SEEDS));
    run.suite("powercut", 180, || powercut::prove(CUTS, CUT_WITHIN));
    run.finish()
}

/// Says how much room the disk has, so that suites that fail for want of it explain themselves.
fn say_room() -> Result<()> {
    let disk = rustix::fs::statvfs(root()).context("cannot ask the disk for its room")?;
    let free_gb = disk.f_bavail * disk.f_frsize / 1_000_000_000;
    println!("free on this disk: {free_gb} GB");
    if free_gb < ROOM_GB {
        println!("a build from nothing takes up to {ROOM_GB} GB, half of it with CARGO_INCREMENTAL=0");
    }
    Ok(())
}

/// The restart test, as often as asked.
pub(crate) fn restarts(times: u32) -> Result<()> {
    let mut test = cargo(&["test", "--package", "yinke", "--locked", "--profile", PROFILE, "--test", "it"]);
    test.args(["restart::", "--", "--nocapture"]).env("YINKE_TEST_RESTARTS", times.to_string());
    succeed(test)
}
