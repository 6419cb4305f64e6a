//! Random numbers and time that a seed repeats: each run has a thread to itself, so both are the thread's.
//!
//! There are three clocks. The true time goes on evenly; the core and the network have it. The edge's clock may be wrong,
//! and jump. Its ticks only count.

use attribution_core::time::{DAY_MS, HOUR_MS, Instant, SECOND_MS};
use std::cell::Cell;
use std::time::Duration;

/// When every run begins.
const BEGIN_MS: i64 = 1_763_000_000_000;
/// The edge's clock is never wrong by more.
const WRONG_MOST_MS: i64 = 4 * DAY_MS;
/// Jumps of the clock and sizes of disks have random words of their own: a run without them is the same as ever.
const OF_JUMPS: u64 = 0x6a09_e667_f3bc_c908;
const OF_SIZES: u64 = 0xbb67_ae85_84ca_a73b;

/// What else is wrong in a run besides disk, network and processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    /// The edge's clock jumps.
    ClockJumps,
    /// The disk is small, the core is away for long, and nobody makes room: only what the core has taken is free again.
    DiskStaysFull,
}

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(0) };
    static BASE_MS: Cell<i64> = const { Cell::new(BEGIN_MS) };
    static START: Cell<Option<tokio::time::Instant>> = const { Cell::new(None) };
    static JUMPS: Cell<Option<u64>> = const { Cell::new(None) };
    static SIZES: Cell<Option<u64>> = const { Cell::new(None) };
    static WRONG_MS: Cell<i64> = const { Cell::new(0) };
}

/// Begins a run.
pub(crate) fn begin(seed: u64, trouble: Trouble) {
    STATE.set(mix(seed));
    BASE_MS.set(BEGIN_MS);
    START.set(None);
    JUMPS.set((trouble == Trouble::ClockJumps).then(|| mix(seed ^ OF_JUMPS)));
    SIZES.set((trouble == Trouble::DiskStaysFull).then(|| mix(seed ^ OF_SIZES)));
    WRONG_MS.set(0);
}

/// A random word for a disk's size and who else takes of it; `None` where the disk has room again and again.
pub(crate) fn size() -> Option<u64> {
    let state = SIZES.get()?;
    SIZES.set(Some(state.wrapping_add(1)));
    Some(mix(state))
}

/// The machine's time stands while it is off: to be called inside each new runtime.
pub(crate) fn power_on() {
    START.set(Some(tokio::time::Instant::now()));
}

/// The life is over.
pub(crate) fn power_off() {
    BASE_MS.set(true_now().millis() + i64::try_from(below(5_000)).unwrap());
    START.set(None);
}

/// The true time.
pub(crate) fn true_now() -> Instant {
    let running = START.get().map_or(Duration::ZERO, |start| start.elapsed());
    Instant(BASE_MS.get() + i64::try_from(running.as_millis()).unwrap())
}

/// The edge's clock.
pub(crate) fn now() -> Instant {
    true_now().plus(WRONG_MS.get())
}

/// What only counts, in microseconds.
pub(crate) fn ticks() -> i64 {
    true_now().millis() * 1_000
}

/// Once in a while the edge's clock jumps: forwards or back, by a moment or by days, or to the true time.
pub(crate) fn clock() {
    let Some(state) = JUMPS.get() else { return };
    JUMPS.set(Some(state.wrapping_add(1)));
    let word = mix(state);
    let most = match word % 64 {
        0 => return WRONG_MS.set(0),
        1 => 4 * SECOND_MS,
        2 => 60 * SECOND_MS,
        3 => HOUR_MS,
        4 => 2 * DAY_MS,
        _ => return,
    };
    let by = i64::try_from((word >> 8) % most.unsigned_abs()).unwrap();
    let by = if word >> 63 == 0 { by } else { -by };
    WRONG_MS.set((WRONG_MS.get() + by).clamp(-WRONG_MOST_MS, WRONG_MOST_MS));
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
