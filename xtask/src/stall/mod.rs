//! `cargo xtask stall`: the disk under a running `yinke up` stands still for a while, under load. How long do clicks wait,
//! how much memory does it take, is the published window the true one, and is every click there afterwards?

mod disk;

use crate::install::{self, MKFS};
use crate::kill::process::Yinke;
use crate::kill::wait_until_shipped;
use crate::kill::world::World;
use crate::siege::honest::{self, Waits};
use crate::siege::{Field, resident_mib};
use crate::suite::{cargo, succeed, target_directory};
use anyhow::{Context as _, Result, ensure};
use clap::Args;
use disk::Disk;
use std::time::{Duration, Instant};

const PROFILE: &str = "release";
const LINKS: u32 = 100;
/// How much longer one click in a thousand may wait.
const SLOWDOWN_MAX: f64 = 2.0;
/// The published window and the stall end at about the same time; the look at it takes a moment.
const WINDOW_SLACK: Duration = Duration::from_millis(500);
/// Everything is on the disk so soon after it goes on.
const RECOVERED_WITHIN: Duration = Duration::from_secs(10);

/// How long, under what.
#[derive(Args)]
pub(crate) struct StallArguments {
    /// Seconds that the disk stands still, and of clicks before and after.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Clicks per second.
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
}

/// Runs it and prints the figures; fails if a click was not served, the window was not the true one, or the audit does not
/// balance. Times are figures: they mean something on a quiet machine.
pub(crate) fn run(arguments: &StallArguments) -> Result<()> {
    install::ensure(&[MKFS])?;
    succeed(cargo(&["build", "--locked", "--package", "yinke", "--profile", PROFILE]))?;
    let target = target_directory()?;
    let folder = tempfile::Builder::new().prefix("stall-").tempdir_in(&target)?;
    let disk = Disk::mount(folder.path())?;
    let mut yinke = Yinke::start(&target.join(PROFILE), disk.folder())?;
    yinke.wait_until_listening()?;
    let world = World::make(&yinke.core()?, LINKS)?;
    yinke.wait_until_redirecting(world.sample())?;
    let field = Field::new(yinke.edge()?);
    let time = Duration::from_secs(arguments.seconds);
    let click = || honest::click(&field, &world.codes, arguments.rate, || Ok(false), time);

    let before = click()?;
    let memory = resident_mib(yinke.pid())?;
    disk.stall(true)?;
    let began = Instant::now();
    let stalled = click()?;
    let (window, truth) = (seconds_of(&yinke, "yinke_journal_unsynced_age_seconds")?, began.elapsed());
    let grown = resident_mib(yinke.pid())?.saturating_sub(memory);
    disk.stall(false)?;
    let recovered = recovers(&mut yinke)?;
    let sync = seconds_of(&yinke, "yinke_journal_slowest_sync_seconds")?;
    let after = click()?;
    wait_until_shipped(&mut yinke)?;
    let audit = yinke.core()?.get("/v1/audit/clicks")?;
    yinke.drain(Duration::from_secs(10))?;

    let all = [("before", &before), ("stalled", &stalled), ("after", &after)];
    print(&all);
    println!(
        "one sync took {:.2} s; published window {:.2} s at the end of {:.2} s; on the disk again after {:.2} s; {grown} MiB more memory",
        sync.as_secs_f64(),
        window.as_secs_f64(),
        truth.as_secs_f64(),
        recovered.as_secs_f64()
    );
    let failed = |waits: &Waits| waits.failed;
    ensure!(all.iter().all(|(_, waits)| failed(waits) == 0), "clicks were not served: {:?}", stalled.why);
    ensure!(sync + WINDOW_SLACK > time, "the disk did not stand still: its slowest sync took {sync:?}");
    ensure!(
        window.abs_diff(truth) < WINDOW_SLACK,
        "a window of {window:?} was published, {truth:?} are true"
    );
    let clicks: usize = all.iter().map(|(_, waits)| waits.served()).sum();
    ensure!(audit["gaps"] == 0 && audit["lost"] == 0, "clicks are missing: {audit}");
    ensure!(audit["recorded"].as_u64() >= Some(clicks as u64), "fewer clicks than answers: {audit}");
    Ok(())
}

/// How long the journal takes to have everything on the disk once that goes on.
fn recovers(yinke: &mut Yinke) -> Result<Duration> {
    let began = Instant::now();
    while seconds_of(yinke, "yinke_journal_unsynced_age_seconds")? > Duration::from_millis(200) {
        yinke.live_for(Duration::from_millis(10))?;
        ensure!(began.elapsed() < RECOVERED_WITHIN, "the disk goes on, and the journal does not");
    }
    Ok(began.elapsed())
}

/// How long clicks waited before, during and after the stall, and how much longer during it.
fn print(all: &[(&str, &Waits); 3]) {
    println!(
        "{:<12} {:>8} {:>8} {:>8} {:>9} {:>8}",
        "clicks", "served", "p50 us", "p99 us", "p99.9 us", "failed"
    );
    for (name, waits) in all {
        let [half, most, nearly_all] = [500, 990, 999].map(|part| waits.quantile(part));
        println!("{name:<12} {:>8} {half:>8} {most:>8} {nearly_all:>9} {:>8}", waits.served(), waits.failed);
    }
    let [(_, before), (_, stalled), _] = all;
    let slowdown = f64::from(stalled.quantile(999)) / f64::from(before.quantile(999).max(1));
    let reached = if slowdown <= SLOWDOWN_MAX { "reached" } else { "NOT REACHED" };
    println!("p99.9 {slowdown:.2} times what it was; at most {SLOWDOWN_MAX}: {reached}");
}

/// A metric that is a number of seconds.
fn seconds_of(yinke: &Yinke, name: &str) -> Result<Duration> {
    let text = crate::kill::api::exchange(yinke.admin()?, "GET", "/metrics", "", "")?.body;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let seconds: f64 = line.with_context(|| format!("no metric {name}"))?.trim().parse()?;
    Ok(Duration::try_from_secs_f64(seconds)?)
}
