//! The times of a stream's frames: they do not go back when the machine's clock takes a small step back, because what
//! the core may call final rests upon that. Only frames use it: decisions and tokens have the machine's time.
//!
//! A larger step back is the end of a wrong time: it is followed, or one bad second ahead would be kept until the real
//! time has caught up with it.

use attribution_core::time::{Instant, SECOND_MS};
use std::cell::Cell;
use std::sync::{Mutex, PoisonError};

/// A step back of the machine's clock up to this is waited out.
const WAITED_OUT_MS: i64 = 5 * SECOND_MS;

/// Gives the times of one stream's frames.
#[derive(Debug)]
pub struct FrameClock {
    latest: Cell<Instant>,
}

/// A frame's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameTime {
    /// What the frame says.
    pub at: Instant,
    /// The clock went back by so many milliseconds, and the frames' times with it.
    pub stepped_back_ms: Option<i64>,
}

impl FrameClock {
    /// Before the first frame of a stream that began at this time.
    pub const fn new(begun: Instant) -> Self {
        Self { latest: Cell::new(begun) }
    }

    /// The time for frames that are appended at `now`.
    pub fn time(&self, now: Instant) -> FrameTime {
        let latest = self.latest.get();
        let back = latest.millis().saturating_sub(now.millis());
        if (1..=WAITED_OUT_MS).contains(&back) {
            return FrameTime { at: latest, stepped_back_ms: None };
        }
        self.latest.set(now);
        FrameTime { at: now, stepped_back_ms: (back > 0).then_some(back) }
    }
}

/// Where the times of a stream's frames have gone back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepBack {
    /// The number of the first frame of the earlier time.
    pub from: u64,
    /// No frame from there on has a time before this.
    pub at: Instant,
}

/// The last step back of a worker's frames. The worker notes it before the frame can be read; whoever says how far the
/// frames are shipped asks for it.
#[derive(Debug, Default)]
pub struct LastStepBack(Mutex<Option<StepBack>>);

impl LastStepBack {
    /// Frame `from` has an earlier time than the one before it.
    pub fn note(&self, from: u64, at: Instant) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The step before may not have been shipped yet.
        let at = last.map_or(at, |before| before.at.min(at));
        *last = Some(StepBack { from, at });
    }

    /// The last step back, if there was one.
    pub fn get(&self) -> Option<StepBack> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attribution_core::time::HOUR_MS;

    #[test]
    fn small_steps_back_are_waited_out_and_large_ones_followed() {
        let start = 1_700_000_000_000;
        let clock = FrameClock::new(Instant(start + 10));
        // what the machine says, the frame's time, the step back that is told
        let rows = [
            (0, 10, None),
            (1_000, 1_000, None),
            (900, 1_000, None),
            (-4_000, 1_000, None),
            (1_001, 1_001, None),
            (HOUR_MS, HOUR_MS, None),
            (1_500, 1_500, Some(HOUR_MS - 1_500)),
            (1_400, 1_500, None),
            (1_501, 1_501, None),
        ];
        for (says, at, stepped_back_ms) in rows {
            let expected = FrameTime { at: Instant(start + at), stepped_back_ms };
            assert_eq!(clock.time(Instant(start + says)), expected, "{says}");
        }
    }

    #[test]
    fn a_step_back_remembers_the_earliest_time() {
        let last = LastStepBack::default();
        assert_eq!(last.get(), None);
        last.note(10, Instant(500));
        last.note(20, Instant(700));
        assert_eq!(last.get(), Some(StepBack { from: 20, at: Instant(500) }), "frames from 10 on may wait");
    }
}
