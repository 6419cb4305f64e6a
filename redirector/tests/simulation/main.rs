//! A simulation of the edge's whole way from a written click to the core: the real journal, shipper, keeper and
//! heartbeat, on a disk and a network in memory that fail at random, in simulated time. A seed repeats a run exactly.
//!
//! `YINKE_SIMULATE_FROM` and `YINKE_SIMULATE_SEEDS` choose the seeds; `cargo xtask simulate` runs many.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod chance;
mod core;
mod damage;
mod oracle;
mod world;

use crate::chance::Trouble;
use crate::core::Figures;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seeds that once failed.
const ONCE_FAILED: &str = include_str!("once_failed.txt");
/// Without optimization a run takes some dozen times as long.
const FEW: u64 = 60;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn what_was_promised_holds_whatever_fails() {
    let total = prove(asked(), Trouble::None);
    // The faults must have had something to take, or the run shows nothing.
    let count = asked().count;
    assert!(total.frames > count * 50 && total.repeated > count && total.cut_away > count, "{total:?}");
}

/// A quarter of the seeds once more: what fails is the same, and the edge's clock jumps, too.
#[test]
fn what_was_promised_holds_whatever_the_clock_says() {
    let seeds = asked().quarter();
    let total = prove(seeds, Trouble::ClockJumps);
    assert!(total.frames > seeds.count * 50 && total.repeated > seeds.count, "{total:?}");
}

/// And once more: nobody makes room on the disk, and yet everything gets through once the core is back.
#[test]
fn what_was_promised_holds_on_a_disk_that_stays_full() {
    let seeds = asked().quarter();
    let total = prove(seeds, Trouble::DiskStaysFull);
    assert!(total.frames > seeds.count * 50 && total.refused > seeds.count * 10, "{total:?}");
    assert!(total.full_starts > seeds.count / 2, "{total:?}");
}

/// The seeds of a run.
#[derive(Clone, Copy)]
struct Seeds {
    from: u64,
    count: u64,
}

impl Seeds {
    fn quarter(self) -> Self {
        Self { count: self.count.div_ceil(4), ..self }
    }
}

fn asked() -> Seeds {
    Seeds { from: number("YINKE_SIMULATE_FROM", 0), count: number("YINKE_SIMULATE_SEEDS", FEW) }
}

#[expect(clippy::print_stdout, reason = "long runs say how far they are")]
fn prove(Seeds { from, count }: Seeds, trouble: Trouble) -> Figures {
    let next = AtomicU64::new(from);
    let failed = Mutex::new(Vec::new());
    let total = Mutex::new(Figures::default());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + count {
                        return;
                    }
                    match catch_unwind(AssertUnwindSafe(|| world::run(seed, trouble))) {
                        Ok(figures) => total.lock().unwrap().add(figures),
                        Err(_) => failed.lock().unwrap().push(seed),
                    }
                    let done = seed + 1 - from;
                    if done.is_multiple_of(10_000) {
                        println!("simulated up to about seed {seed}");
                    }
                }
            });
        }
    });
    let (failed, total) = (failed.into_inner().unwrap(), total.into_inner().unwrap());
    let with = match trouble {
        Trouble::None => "a true clock",
        Trouble::ClockJumps => "a clock that jumps",
        Trouble::DiskStaysFull => "a disk that stays full",
    };
    println!(
        "simulated with {with}: {count} seeds from {from}, {} failing {failed:?}, {total:?}",
        failed.len()
    );
    assert!(failed.is_empty(), "failing seeds: {failed:?}");
    total
}

#[test]
fn seeds_that_once_failed_hold() {
    for line in ONCE_FAILED.lines().filter(|line| !line.starts_with('#')) {
        let named = [("clock ", Trouble::ClockJumps), ("full ", Trouble::DiskStaysFull)];
        let named = named.into_iter().find_map(|(name, trouble)| Some((trouble, line.strip_prefix(name)?)));
        let (trouble, line) = named.unwrap_or((Trouble::None, line));
        world::run(line.split(' ').next().unwrap().parse().unwrap(), trouble);
    }
}

#[test]
fn a_seed_repeats_a_run() {
    for seed in 0..40 {
        for trouble in [Trouble::None, Trouble::ClockJumps, Trouble::DiskStaysFull] {
            assert_eq!(world::run(seed, trouble), world::run(seed, trouble), "seed {seed}, {trouble:?}");
        }
    }
}

impl Figures {
    fn add(&mut self, other: Self) {
        self.frames += other.frames;
        self.named_lost += other.named_lost;
        self.cut_away += other.cut_away;
        self.repeated += other.repeated;
        self.lives += other.lives;
        self.refused += other.refused;
        self.full_starts += other.full_starts;
        self.helped += other.helped;
    }
}
