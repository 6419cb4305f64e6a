//! Random numbers and time that a seed repeats: each run has a thread to itself, so both are the thread's.

use attribution_core::time::Instant;
use std::cell::Cell;
use std::time::Duration;

/// When every run begins.
const BEGIN_MS: i64 = 1_763_000_000_000;

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(0) };
    static BASE_MS: Cell<i64> = const { Cell::new(BEGIN_MS) };
    static START: Cell<Option<tokio::time::Instant>> = const { Cell::new(None) };
}

/// Begins a run.
pub(crate) fn begin(seed: u64) {
    STATE.set(mix(seed));
    BASE_MS.set(BEGIN_MS);
    START.set(None);
}

/// The machine's time stands while it is off: to be called inside each new runtime.
pub(crate) fn power_on() {
    START.set(Some(tokio::time::Instant::now()));
}

/// The life is over.
pub(crate) fn power_off() {
    BASE_MS.set(now().millis() + i64::try_from(below(5_000)).unwrap());
    START.set(None);
}

/// The simulated machine's clock.
pub(crate) fn now() -> Instant {
    let running = START.get().map_or(Duration::ZERO, |start| start.elapsed());
    Instant(BASE_MS.get() + i64::try_from(running.as_millis()).unwrap())
}

/// A random word.
pub(crate) fn word() -> u64 {
    STATE.set(STATE.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
    mix(STATE.get())
}

/// For pauses.
pub(crate) fn jitter() -> u32 {
    u32::try_from(word() >> 32).unwrap()
}

/// A random number in `0..limit`.
pub(crate) fn below(limit: u64) -> u64 {
    word() % limit.max(1)
}

/// True once in so many.
pub(crate) fn one_in(many: u64) -> bool {
    below(many) == 0
}

pub(crate) fn mix(word: u64) -> u64 {
    let mut z = word;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
