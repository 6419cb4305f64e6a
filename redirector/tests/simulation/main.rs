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
    prove(number("YINKE_SIMULATE_FROM", 0), number("YINKE_SIMULATE_SEEDS", FEW), false);
}

/// A quarter of the seeds once more: what fails is the same, and the edge's clock jumps, too.
#[test]
fn what_was_promised_holds_whatever_the_clock_says() {
    let (from, count) = (number("YINKE_SIMULATE_FROM", 0), number("YINKE_SIMULATE_SEEDS", FEW));
    prove(from, count.div_ceil(4), true);
}

#[expect(clippy::print_stdout, reason = "long runs say how far they are")]
fn prove(from: u64, count: u64, jumps: bool) {
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
                    match catch_unwind(AssertUnwindSafe(|| world::run(seed, jumps))) {
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
    let clock = if jumps { "a clock that jumps" } else { "a true clock" };
    println!(
        "simulated with {clock}: {count} seeds from {from}, {} failing {failed:?}, {total:?}",
        failed.len()
    );
    assert!(failed.is_empty(), "failing seeds: {failed:?}");
    // The faults must have had something to take, or the run shows nothing.
    assert!(total.frames > count * 50 && total.repeated > count && total.cut_away > count, "{total:?}");
}

#[test]
fn seeds_that_once_failed_hold() {
    for line in ONCE_FAILED.lines().filter(|line| !line.starts_with('#')) {
        let (jumps, line) = line.strip_prefix("clock ").map_or((false, line), |line| (true, line));
        world::run(line.split(' ').next().unwrap().parse().unwrap(), jumps);
    }
}

#[test]
fn a_seed_repeats_a_run() {
    for seed in 0..40 {
        for jumps in [false, true] {
            assert_eq!(world::run(seed, jumps), world::run(seed, jumps), "seed {seed}, {jumps}");
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
    }
}
