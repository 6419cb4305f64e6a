//! `cargo xtask siege`: slow sockets and guesses at codes in large numbers, from networks of their own, against a running
//! `yinke up`, with honest clients among them: are they served, how long do they wait, how much memory does it take?

pub(crate) mod honest;
mod hostile;
mod precedence;

use crate::kill::process::Yinke;
use crate::kill::world::World;
use crate::suite::{cargo, succeed, target_directory};
use anyhow::{Context as _, Result, ensure};
use clap::Args;
use honest::Waits;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Optimized, but built in a third of the time.
const PROFILE: &str = "release";
const LINKS: u32 = 1_000;
/// Memory that the siege may take, beyond what the process had before.
const MEMORY_MAX_MIB: u64 = 256;
/// How much longer the honest may wait.
const SLOWDOWN_MAX: f64 = 2.0;
/// Files beside the slow sockets: those that guess, the honest, and what the edge and the core keep open and in reserve.
const OTHER_FILES: u64 = 1_000;
/// How often the memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How large a siege.
#[derive(Args)]
pub(crate) struct SiegeArguments {
    /// Slow sockets.
    #[arg(long, default_value_t = 20_000)]
    sockets: usize,
    /// Guesses at codes.
    #[arg(long, default_value_t = 1_000_000)]
    guesses: u64,
    /// Honest clicks per second.
    #[arg(long, default_value_t = 500)]
    rate: u32,
    /// Seconds of honest clicks before the siege.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// What attackers and honest clients share.
pub(crate) struct Field {
    edge: SocketAddr,
    over: AtomicBool,
    guessed: AtomicU64,
}

impl Field {
    /// Around this edge.
    pub(crate) const fn new(edge: SocketAddr) -> Self {
        Self { edge, over: AtomicBool::new(false), guessed: AtomicU64::new(0) }
    }
}

/// Runs the siege and prints its figures; fails if an honest click was not served, waited too long or the memory went
/// beyond.
pub(crate) fn run(arguments: &SiegeArguments) -> Result<()> {
    allow_files(arguments.sockets as u64 + OTHER_FILES)?;
    succeed(cargo(&["build", "--locked", "--package", "yinke", "--profile", PROFILE]))?;
    let target = target_directory()?;
    let folder = tempfile::Builder::new().prefix("siege-").tempdir_in(&target)?;
    let mut yinke = Yinke::start(&target.join(PROFILE), folder.path())?;
    yinke.wait_until_listening()?;
    let world = World::make(&yinke.core()?, LINKS)?;
    yinke.wait_until_redirecting(world.sample())?;
    if let Err(error) = precedence::program(yinke.pid()) {
        println!("the attackers compete with the edge for processors, and p99 tells of that, too: {error:#}");
    }
    let field = Field::new(yinke.edge()?);
    let field = &field;

    let before = honest::click(
        field,
        &world.codes,
        arguments.rate,
        || Ok(false),
        Duration::from_secs(arguments.seconds),
    )?;
    let memory_before = resident_mib(yinke.pid())?;
    let mut memory_most = memory_before;
    let siege = std::thread::scope(|scope| -> Result<Waits> {
        let _over = Over(&field.over);
        let slow = hostile::connect_slow(field, arguments.sockets)?;
        println!("{} slow sockets are in; {} MiB", slow.len(), resident_mib(yinke.pid())?);
        scope.spawn(move || hostile::trickle(field, slow));
        for part in 0..hostile::GUESSERS {
            scope.spawn(move || hostile::guess(field, part, arguments.guesses / hostile::GUESSERS));
        }
        let goes_on = || {
            memory_most = memory_most.max(resident_mib(yinke.pid())?);
            yinke.live_for(LOOK_EVERY)?;
            Ok(field.guessed.load(Ordering::Relaxed)
                < arguments.guesses / hostile::GUESSERS * hostile::GUESSERS)
        };
        honest::click(field, &world.codes, arguments.rate, goes_on, Duration::ZERO)
    })?;

    let memory = Memory { before: memory_before, more: memory_most.saturating_sub(memory_before) };
    print(&before, &siege, &memory);
    println!("{} guesses answered", field.guessed.load(Ordering::Relaxed));
    ensure!(before.failed + siege.failed == 0, "honest clicks were not served: {:?}", siege.why);
    ensure!(memory.more <= MEMORY_MAX_MIB, "the siege took {} MiB", memory.more);
    let slowdown = slowdown(&before, &siege);
    ensure!(slowdown <= SLOWDOWN_MAX, "the honest waited {slowdown:.2} times as long");
    Ok(())
}

/// What the program holds of the machine's memory, MiB.
struct Memory {
    before: u64,
    /// Under siege, at most.
    more: u64,
}

/// How many times longer the honest waited under siege.
fn slowdown(before: &Waits, siege: &Waits) -> f64 {
    f64::from(siege.quantile(990)) / f64::from(before.quantile(990).max(1))
}

fn print(before: &Waits, siege: &Waits, memory: &Memory) {
    println!("{:<28} {:>10} {:>10} {:>10} {:>8}", "honest clicks", "served", "p50 us", "p99 us", "failed");
    for (name, waits) in [("before", before), ("under siege", siege)] {
        println!(
            "{name:<28} {:>10} {:>10} {:>10} {:>8}",
            waits.served(),
            waits.quantile(500),
            waits.quantile(990),
            waits.failed
        );
    }
    let slowdown = slowdown(before, siege);
    let reached = |reached: bool| if reached { "reached" } else { "NOT REACHED" };
    println!(
        "p99 {slowdown:.2} times what it was; at most {SLOWDOWN_MAX}: {}",
        reached(slowdown <= SLOWDOWN_MAX)
    );
    println!(
        "memory {} MiB before, {} MiB more under siege; at most {MEMORY_MAX_MIB}: {}",
        memory.before,
        memory.more,
        reached(memory.more <= MEMORY_MAX_MIB)
    );
}

/// Says that it is over, however it ends.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A socket is a file on both sides: the program under test inherits the limit.
fn allow_files(files: u64) -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < files) {
        limit.current = Some(files);
        limit.maximum = limit.maximum.map(|maximum| maximum.max(files));
        setrlimit(Resource::Nofile, limit).with_context(|| {
            format!("{files} open files are not allowed here (ulimit -Hn): fewer --sockets go")
        })?;
    }
    Ok(())
}

/// What a process holds of the machine's memory.
pub(crate) fn resident_mib(pid: u32) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no resident memory")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib >> 10)
}
