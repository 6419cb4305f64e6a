//! What a worker counts: plain cells that only it writes, summed when somebody looks. A click costs a few stores.

use crate::frame_clock::LastStepBack;
use attribution_core::outcome::Outcome;
use attribution_core::record::Tally;
use attribution_core::time::Instant;
use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the latency buckets in nanoseconds: 25 us to 1 s.
pub(crate) const LATENCY_BOUNDS_NS: [u64; 14] = [
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    1_000_000_000,
];

/// The status codes that we answer with.
pub(crate) const CODES: [u16; 13] = [200, 302, 304, 400, 404, 405, 410, 414, 421, 429, 431, 503, 500];

/// A counter with one writer: a load and a store, no locked instruction.
#[derive(Default)]
pub(crate) struct Cell(AtomicU64);

impl Cell {
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed) + n, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    /// Sets it after everything this thread did before, for whoever [`observe`](Self::observe)s it.
    fn publish(&self, n: u64) {
        self.0.store(n, Ordering::Release);
    }

    fn observe(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The cells of one worker. Aligned, so that no two workers write to one cache line.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Cells {
    pub(crate) outcomes: [Cell; Outcome::ALL.len()],
    pub(crate) codes: [Cell; CODES.len()],
    pub(crate) latency: [Cell; LATENCY_BOUNDS_NS.len() + 1],
    pub(crate) latency_sum_ns: Cell,
    /// Answers released for requests that have a frame.
    pub(crate) answered: Cell,
    /// Click frames appended.
    pub(crate) recorded: Cell,
    /// Clicks answered without a frame because the journal took none.
    pub(crate) unjournaled: Cell,
    /// Clicks answered, or refused by strict programmes, although their frames could not be written in time. The frames
    /// are among the recorded and are written once the disk takes them.
    pub(crate) unwritten: Cell,
    /// Clients that left while their answer waited; their click is recorded.
    pub(crate) left: Cell,
    /// Answers outside the outcomes: preview pages, QR codes, robots.txt.
    pub(crate) pages: Cell,
    pub(crate) turns: Cell,
    pub(crate) flush_errors: Cell,
    /// Large steps back of the machine's clock.
    pub(crate) clock_steps_back: Cell,
    pub(crate) accepted: Cell,
    pub(crate) rejected: Cell,
    /// Connections closed so that somebody whose network holds fewer gets in.
    pub(crate) displaced: Cell,
    pub(crate) accept_errors: Cell,
    pub(crate) closed: Cell,
    pub(crate) timeouts: Cell,
    /// Connections closed because all unfinished heads together took too much.
    pub(crate) heads_dropped: Cell,
    /// Bytes that unfinished heads take, as of the last second.
    pub(crate) unfinished_bytes: Cell,
    pub(crate) handler_panics: Cell,
    /// Handlers of strict programmes that wait for the disk now.
    pub(crate) disk_queue: Cell,
    /// Time of the oldest frame that is appended and not written, in milliseconds; zero if there is none.
    unwritten_ms: Cell,
    pub(crate) step_back: LastStepBack,
}

impl Cells {
    pub(crate) fn outcome(&self, outcome: Outcome) {
        self.outcomes[outcome as usize].add(1);
    }

    pub(crate) fn code(&self, code: u16) {
        if let Some(at) = CODES.iter().position(|known| *known == code) {
            self.codes[at].add(1);
        }
    }

    /// `count` requests took `nanos` each.
    pub(crate) fn latency(&self, nanos: u64, count: u64) {
        let at = LATENCY_BOUNDS_NS.partition_point(|bound| *bound < nanos);
        self.latency[at].add(count);
        self.latency_sum_ns.add(nanos.saturating_mul(count));
    }

    /// A frame of this time waits for a write, the first one or one of an earlier time than those before it.
    pub(crate) fn unwritten_from(&self, at: Instant) {
        let oldest = self.oldest_unwritten().map_or(at, |oldest| oldest.min(at));
        self.unwritten_ms.publish(u64::try_from(oldest.millis()).unwrap_or(0).max(1));
    }

    /// All appended frames are written.
    pub(crate) fn all_written(&self) {
        self.unwritten_ms.publish(0);
    }

    /// The time of the oldest frame that is appended and not written.
    pub(crate) fn oldest_unwritten(&self) -> Option<Instant> {
        let millis = Some(self.unwritten_ms.observe()).filter(|millis| *millis > 0);
        millis.map(|millis| Instant(millis.cast_signed()))
    }

    /// The running totals, as they go into the worker's own stream.
    pub(crate) fn tally(&self) -> Tally {
        let counted = [Outcome::Refused, Outcome::RateLimited, Outcome::NotFound, Outcome::Overloaded];
        Tally {
            answered: self.answered.get(),
            recorded: self.recorded.get(),
            counted: counted.map(|outcome| self.outcomes[outcome as usize].get()),
            unjournaled: self.unjournaled.get(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_falls_into_the_first_bucket_that_holds_it() {
        let cells = Cells::default();
        for nanos in [1, 25_000, 25_001, 1_000_000_000, 1_000_000_001] {
            cells.latency(nanos, 2);
        }
        let counts: Vec<u64> = cells.latency.iter().map(Cell::get).collect();
        assert_eq!((counts[0], counts[1], counts[13], counts[14]), (4, 2, 2, 2));
    }

    #[test]
    fn every_outcome_is_counted_or_recorded() {
        let cells = Cells::default();
        for outcome in Outcome::ALL {
            cells.outcome(outcome);
        }
        assert_eq!(cells.tally().counted, [1; 4]);
    }
}
