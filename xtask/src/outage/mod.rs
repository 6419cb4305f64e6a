//! `cargo xtask outage`: the core, its PostgreSQL and its Redis are away for as long as asked, under load; meanwhile the
//! edge is killed and starts again from its snapshot. Then all come back, and every click that was answered is in the
//! core, once. Then PostgreSQL is stopped at once and started again under the hands of a core that goes on.
//!
//! The load is made in parts with figures of their own: with everything there, with everything away, around the kill of
//! the edge, and while it catches up. What must hold whatever the machine is checked; times are printed.

pub(crate) mod roles;

use crate::install::{POSTGRES, REDIS, ensure};
use crate::kill::loader::{Loader, oracle};
use crate::kill::world::World;
use crate::kill::{check, with_programs};
use crate::servers::{Postgres, Redis, free_port};
use anyhow::{Context as _, Result};
use clap::Args;
use roles::{Role, Roles};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long, under what.
#[derive(Args)]
pub(crate) struct OutageArguments {
    /// Minutes that everything behind the edge is away.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Requests per second of the load.
    #[arg(long, default_value_t = 5_000)]
    rate: u32,
    /// Links in the catalogue.
    #[arg(long, default_value_t = 1_000)]
    links: u32,
    /// The build profile of the programs.
    #[arg(long, default_value = "release")]
    profile: String,
    /// Keeps the data directories and the logs here, instead of a folder that goes away.
    #[arg(long)]
    keep: Option<PathBuf>,
}

/// What is compared with the outage: everything there.
const BEFORE: Duration = Duration::from_secs(10);
/// Around the kill of the edge.
const KILL: Duration = Duration::from_secs(2);
/// Everything arrives within so long of the end of the load.
const SHIP_WITHIN: Duration = Duration::from_secs(300);
/// Figures count from the first click to this part of what had waited: the end of a backlog is the load itself.
const BACKLOG_PART: f64 = 0.9;
/// The goals. They are printed and not checked: they mean something on a quiet machine only, and after a long outage.
const P99_CHANGE_MAX: f64 = 5.0;
const CATCH_UP: f64 = 10.0;
/// The pause between two looks at the audit.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs the proof.
pub(crate) fn run(arguments: &OutageArguments) -> Result<()> {
    let away = Duration::try_from_secs_f64(arguments.minutes * 60.0).context("--minutes")?;
    prove(away, arguments.rate, arguments.links, &arguments.profile, arguments.keep.as_deref())
}

/// The proof as the test command runs it.
pub(crate) fn prove(away: Duration, rate: u32, links: u32, profile: &str, keep: Option<&Path>) -> Result<()> {
    ensure(&[POSTGRES, REDIS])?;
    with_programs(profile, keep, |programs, folder| outage(away, rate, links, programs, folder))
}

fn outage(away: Duration, rate: u32, links: u32, programs: &Path, folder: &Path) -> Result<()> {
    let (mut postgres, mut redis) = (Postgres::start()?, Redis::start()?);
    let roles = Roles::new(programs, folder, free_port()?, Some(&postgres.url()), Some(&redis.url()))?;
    let core = roles.core()?;
    let world = World::make(&Roles::api(&core)?, links)?;
    roles.admit_edge(&core, Some(&redis.url()))?;
    let (mut edge, _) = roles.edge(world.sample())?;
    let load = |part: &str, edge: &Role| -> Result<Loader> {
        let folder = folder.join(part);
        std::fs::create_dir_all(&folder)?;
        Loader::start(programs, &folder, &world, rate, edge.address("edge")?)
    };

    let loader = load("before", &edge)?;
    live(&mut edge, BEFORE)?;
    let before = loader.stop()?;
    let memory = edge.memory()?;

    core.kill()?;
    redis.kill()?;
    postgres.kill()?;
    println!("core, Redis and PostgreSQL are away for {} s", away.as_secs());
    let loader = load("away", &edge)?;
    live(&mut edge, away)?;
    let alone = loader.stop()?;
    let grown = edge.memory()?;

    let loader = load("killed", &edge)?;
    live(&mut edge, KILL)?;
    edge.kill()?;
    let (mut edge, restart) = roles.edge(world.sample())?;
    loader.goes_to(edge.address("edge")?)?;
    live(&mut edge, KILL)?;
    let killed = loader.stop()?;

    let loader = load("back", &edge)?;
    postgres.revive()?;
    redis.revive()?;
    let core = roles.core()?;
    let answered = |figures: &Value| figures["answered"].as_f64().unwrap_or_default();
    let waited = (answered(&alone) + answered(&killed)) * BACKLOG_PART;
    let caught_up = backlog_arrives(&core, waited)?;
    // And once more, under the core's hands.
    postgres.kill()?;
    live(&mut edge, KILL)?;
    postgres.revive()?;
    live(&mut edge, KILL)?;
    let back = loader.stop()?;

    let audit = everything_arrives(&core)?;
    let oracles = ["before", "away", "killed", "back"].map(|part| oracle(&folder.join(part)));
    check(programs, &oracles, &Roles::api(&core)?)?;
    let converged = roles.redis_converges(SHIP_WITHIN)?;
    edge.drain()?;
    core.drain()?;

    let parts = [before, alone, killed, back];
    let measured = Measured {
        parts,
        memory: [memory, grown],
        restart,
        waited,
        caught_up,
        converged,
        gaps: audit["gaps"].clone(),
    };
    measured.print(away, rate);
    Ok(())
}

/// Lets time pass; fails if the role ends by itself meanwhile.
fn live(role: &mut Role, time: Duration) -> Result<()> {
    let until = Instant::now() + time;
    while Instant::now() < until {
        role.lives()?;
        std::thread::park_timeout(
            until.saturating_duration_since(Instant::now()).min(Duration::from_millis(100)),
        );
    }
    Ok(())
}

/// From the first click that comes in to the one after `clicks` more.
fn backlog_arrives(core: &Role, clicks: f64) -> Result<Duration> {
    let api = Roles::api(core)?;
    let began = Instant::now();
    let ingested =
        || -> Result<f64> { Ok(api.get("/v1/audit/clicks")?["ingested"].as_f64().unwrap_or_default()) };
    let had = ingested()?;
    let mut first = None;
    loop {
        let now = ingested()?;
        if now > had {
            first.get_or_insert_with(Instant::now);
        }
        if let Some(first) = first
            && now >= had + clicks
        {
            return Ok(first.elapsed().max(LOOK_EVERY));
        }
        anyhow::ensure!(began.elapsed() < SHIP_WITHIN, "after {SHIP_WITHIN:?} {now} of {clicks} are in");
        std::thread::park_timeout(LOOK_EVERY);
    }
}

/// Waits until nothing recorded is missing in the core.
fn everything_arrives(core: &Role) -> Result<Value> {
    let api = Roles::api(core)?;
    let began = Instant::now();
    loop {
        let audit = api.get("/v1/audit/clicks")?;
        if audit["pending"] == 0 && audit["recorded"] == audit["ingested"] {
            return Ok(audit);
        }
        anyhow::ensure!(began.elapsed() < SHIP_WITHIN, "not everything was shipped: {audit}");
        std::thread::park_timeout(LOOK_EVERY);
    }
}

/// What an outage came to.
struct Measured {
    /// The load's figures: before, away, around the kill, and while the edge catches up.
    parts: [Value; 4],
    /// Bytes of the edge's memory, before the outage and after it.
    memory: [u64; 2],
    /// From kill -9 until the edge served again.
    restart: Duration,
    /// Clicks that had waited, and how long they took to arrive.
    waited: f64,
    caught_up: Duration,
    /// From the last click until Redis said what the core says.
    converged: Duration,
    /// Clicks that the audit misses.
    gaps: Value,
}

impl Measured {
    fn print(&self, away: Duration, rate: u32) {
        let [before, alone, killed, back] = &self.parts;
        let p99 = |figures: &Value| figures["service"]["p99_us"].as_u64().unwrap_or_default();
        println!(
            "away for {:.0} s at {rate}/s: {} answered, {} without an answer; 0 lost, 0 twice; audit gaps {}",
            away.as_secs_f64(),
            self.parts.iter().filter_map(|part| part["answered"].as_u64()).sum::<u64>(),
            killed["unanswered"],
            self.gaps
        );
        println!(
            "p99 from sending: {} us before, {} us away, {} us while it catches up",
            p99(before),
            p99(alone),
            p99(back)
        );
        let reached = |reached: bool| if reached { "reached" } else { "NOT REACHED" };
        let [calm, lonely] =
            [before, alone].map(|part| f64::from(u32::try_from(p99(part)).unwrap_or(u32::MAX)));
        let change = (lonely / calm.max(1.0) - 1.0) * 100.0;
        println!(
            "p99 {change:+.1} % while away; within {P99_CHANGE_MAX} %: {}",
            reached(change <= P99_CHANGE_MAX)
        );
        println!(
            "memory of the edge: {} KiB before, {} KiB after the outage",
            self.memory[0] >> 10,
            self.memory[1] >> 10
        );
        println!(
            "Redis said what the core says {:.1} s after the last click came in",
            self.converged.as_secs_f64()
        );
        println!("the edge served again {} ms after kill -9, alone", self.restart.as_millis());
        let times = self.waited / self.caught_up.as_secs_f64() / f64::from(rate);
        println!(
            "{:.0} clicks that had waited arrived in {:.1} s: {times:.1} times the load's rate; at least {CATCH_UP}: {}",
            self.waited,
            self.caught_up.as_secs_f64(),
            reached(times >= CATCH_UP)
        );
    }
}
