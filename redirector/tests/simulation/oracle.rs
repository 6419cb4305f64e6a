//! What is known of a stream from outside: what was written when, what was promised, and what may therefore be missing.

use crate::chance::mix;
use journal::{StreamId, StreamInfo};
use std::collections::BTreeSet;
use std::ops::Range;

/// The payload that belongs to a number: anything else is invented. Neither a click nor a tally.
pub(crate) fn payload(stream: StreamId, sequence: u64) -> Vec<u8> {
    let word = mix(stream.epoch ^ mix(sequence * 256 + u64::from(stream.worker)));
    let len = if word.is_multiple_of(40) { 2_000 } else { 8 + (word >> 8) % 90 };
    let mut bytes = vec![0xee; usize::try_from(len).unwrap()];
    bytes[1..8].copy_from_slice(&word.to_le_bytes()[..7]);
    bytes
}

/// What is known of a stream.
#[derive(Default)]
pub(crate) struct Known {
    /// The time of every frame that was appended.
    pub(crate) times: Vec<i64>,
    /// When that was in truth.
    true_times: Vec<i64>,
    /// The times of this stream's frames went back.
    stepped_back: bool,
    /// Everything below survives the end of the process; a flush that failed may have written more.
    pub(crate) flushed: u64,
    /// Everything below was promised to survive a power cut.
    pub(crate) durable: u64,
    /// The power was cut while it was live: frames from this number on and of this time or later may be gone.
    cut: Option<(u64, i64)>,
    /// Overwritten behind everyone's back.
    pub(crate) damaged: BTreeSet<u64>,
    /// The core had everything below before it went back to a backup.
    pub(crate) had_once: u64,
    /// Its start is over; what a flush had not taken by then was promised to nobody.
    ended: Option<u64>,
}

impl Known {
    /// The next frame has been appended.
    pub(crate) fn appended(&mut self, at_ms: i64, true_ms: i64) {
        self.stepped_back |= self.times.last().is_some_and(|before| at_ms < *before);
        self.times.push(at_ms);
        self.true_times.push(true_ms);
    }

    /// Nobody can say that all frames of a time are shipped where frames lie about their time: those of a clock that was
    /// behind, and those left by a life whose clock went back.
    pub(crate) fn may_be_early(&self, sequence: u64) -> bool {
        let at = usize::try_from(sequence).unwrap();
        self.times[at] < self.true_times[at] || (self.stepped_back && self.ended.is_some())
    }

    /// The power was cut while `window_ms` was published.
    pub(crate) fn cut(&mut self, now_ms: i64, window_ms: u64) {
        if self.ended.is_none() {
            self.cut = Some((self.durable, now_ms - i64::try_from(window_ms).unwrap()));
        }
    }

    fn cut_may_take(&self, sequence: u64) -> bool {
        let time = self.true_times.get(usize::try_from(sequence).unwrap()).copied();
        self.cut.is_some_and(|(durable, since)| sequence >= durable && time.is_none_or(|time| time >= since))
    }

    /// A later start has looked at what is left; gives how many frames are gone from the end. What the core has need not
    /// be there any more.
    pub(crate) fn recovered(&mut self, info: &StreamInfo, core_has: u64) -> u64 {
        let stream = info.stream;
        assert!(info.next <= self.times.len() as u64, "{stream}: {} found, more than was written", info.next);
        let end = info.next.max(core_has.min(self.flushed));
        let gone = end..self.flushed.max(end);
        if self.ended.is_none() {
            for sequence in gone.clone() {
                let allowed = self.damaged.contains(&sequence) || self.cut_may_take(sequence);
                assert!(
                    allowed,
                    "{stream}: {gone:?} of {} are gone (durable {}, {:?})",
                    self.flushed, self.durable, self.cut
                );
            }
        } else {
            assert!(gone.clone().all(|s| self.damaged.contains(&s)), "{stream}: {gone:?} vanished later");
        }
        self.ended.get_or_insert(self.flushed);
        self.flushed = end;
        gone.end - gone.start
    }

    /// The edge says that these frames are lost for good.
    pub(crate) fn may_be_lost(&self, stream: StreamId, range: Range<u64>) {
        for sequence in range.clone() {
            let allowed = self.damaged.contains(&sequence)
                || sequence < self.had_once
                || self.ended.is_some_and(|promised| sequence >= promised)
                || self.cut_may_take(sequence);
            assert!(allowed, "{stream}: {range:?} is called lost (durable {}, {:?})", self.durable, self.cut);
        }
    }

    /// The number after the last frame that anybody may ever have read.
    pub(crate) fn written(&self) -> u64 {
        self.flushed.max(self.ended.unwrap_or(0))
    }
}
