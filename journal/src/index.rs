//! Where the frames of one stream are: its segments with the first number of each.

use crate::frame::Seed;
use crate::{StreamId, lock};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// A segment that holds frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    /// The number of its first frame.
    pub(crate) first: u64,
    /// The file's length.
    pub(crate) bytes: u64,
}

/// Where a sequence number belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In this segment; the earliest of those after it begins at `until`.
    In { entry: Entry, until: Option<u64> },
    /// Before the first segment, which begins at `first`.
    Before { first: u64 },
    /// There is no segment.
    Nowhere,
}

pub(crate) struct StreamIndex {
    stream: StreamId,
    salt: u64,
    entries: Mutex<Vec<Entry>>,
    /// The number after the last frame that readers may ask for.
    end: AtomicU64,
    /// Everything below has been released in this start.
    released: AtomicU64,
    /// Numbers of segments where a write or a sync failed: their files are not used again.
    suspects: Mutex<Vec<u64>>,
}

impl StreamIndex {
    pub(crate) fn new(stream: StreamId, salt: u64, entries: Vec<Entry>, end: u64) -> Self {
        let (end, released) = (AtomicU64::new(end), AtomicU64::new(0));
        Self { stream, salt, entries: Mutex::new(entries), end, released, suspects: Mutex::default() }
    }

    pub(crate) const fn stream(&self) -> StreamId {
        self.stream
    }

    pub(crate) const fn salt(&self) -> u64 {
        self.salt
    }

    pub(crate) fn seed(&self, number: u64) -> Seed {
        Seed::new(self.salt, self.stream, number)
    }

    pub(crate) fn end(&self) -> u64 {
        self.end.load(Ordering::SeqCst)
    }

    pub(crate) fn set_end(&self, end: u64) {
        self.end.store(end, Ordering::SeqCst);
    }

    pub(crate) fn released(&self) -> u64 {
        self.released.load(Ordering::SeqCst)
    }

    /// Notes that a segment holds frames from `first` on.
    pub(crate) fn add(&self, entry: Entry) {
        let mut entries = lock(&self.entries);
        if entries.last().is_none_or(|last| last.number < entry.number) {
            entries.push(entry);
        }
    }

    pub(crate) fn suspect(&self, number: u64) {
        lock(&self.suspects).push(number);
    }

    pub(crate) fn is_suspect(&self, number: u64) -> bool {
        lock(&self.suspects).contains(&number)
    }

    /// The first number present; the end if there is none. A segment may begin behind the end: a write that failed has
    /// left frames there that were never counted as written.
    pub(crate) fn first(&self) -> u64 {
        let end = self.end();
        least(&lock(&self.entries)).map_or(end, |first| first.min(end))
    }

    pub(crate) fn segments(&self) -> usize {
        lock(&self.entries).len()
    }

    /// The last segment that begins at or before `sequence`: after a failed sync a later segment repeats what an
    /// earlier one may have lost, and the later one counts. What is missing here may therefore be had in any of those after
    /// it, not only in the next, whose own beginning may be what was lost.
    pub(crate) fn locate(&self, sequence: u64) -> Place {
        let entries = lock(&self.entries);
        match entries.iter().rposition(|e| e.first <= sequence) {
            Some(i) => Place::In { entry: entries[i], until: least(&entries[i + 1..]) },
            None => least(&entries).map_or(Place::Nowhere, |first| Place::Before { first }),
        }
    }

    /// The segments that may hold `sequence` or later numbers, in order: also those that a later one repeats.
    pub(crate) fn from(&self, sequence: u64) -> Vec<Entry> {
        let entries = lock(&self.entries);
        let begin = entries.iter().rposition(|e| e.first < sequence).unwrap_or(0);
        entries[begin..].to_vec()
    }

    /// Takes out the segments that hold only numbers below `limit`; of a live stream never the last one. The segment
    /// behind must have a number below `limit` itself: else a power cut could leave no frame at all, and nobody could
    /// tell where the stream had ended, or whether segments were released or lost.
    pub(crate) fn release(&self, limit: u64, live: bool) -> Vec<Entry> {
        let mut entries = lock(&self.entries);
        let mut done = entries.windows(2).take_while(|pair| pair[1].first < limit).count();
        if !live && limit >= self.end() {
            done = entries.len();
        }
        let gone: Vec<Entry> = entries.drain(..done).collect();
        if !gone.is_empty() {
            let kept = least(&entries).unwrap_or(limit);
            self.released.fetch_max(kept, Ordering::SeqCst);
        }
        gone
    }
}

/// The first number in any of the segments. Not always in the first of them: after a failed sync that one may have lost
/// its beginning, which a later one repeats.
fn least(entries: &[Entry]) -> Option<u64> {
    entries.iter().map(|entry| entry.first).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(firsts: &[u64], end: u64) -> StreamIndex {
        let stream = StreamId { edge: 1, epoch: 1, worker: 0 };
        let entries = (0..).zip(firsts).map(|(number, first)| Entry { number, first: *first, bytes: 0 });
        StreamIndex::new(stream, 0, entries.collect(), end)
    }

    #[test]
    fn a_number_is_found_in_the_last_segment_that_may_have_it() {
        let index = index(&[5, 10, 10, 20], 30);
        let number = |sequence| match index.locate(sequence) {
            Place::In { entry, until } => Some((entry.number, until)),
            _ => None,
        };
        assert_eq!(number(5), Some((0, Some(10))));
        assert_eq!(number(10), Some((2, Some(20))));
        assert_eq!(number(99), Some((3, None)));
        assert_eq!(index.locate(4), Place::Before { first: 5 });
    }

    #[test]
    fn what_is_missing_is_looked_for_in_all_later_segments() {
        // The second one lost its beginning, which the third repeats.
        let index = index(&[5, 16, 10], 30);
        let until = |sequence| match index.locate(sequence) {
            Place::In { entry, until } => (entry.number, until),
            other => panic!("{other:?}"),
        };
        assert_eq!(until(9), (0, Some(10)));
        assert_eq!(until(20), (2, None));
    }

    #[test]
    fn the_first_number_may_be_in_a_segment_that_repeats_an_earlier_one() {
        let index = index(&[5, 3, 9], 30);
        assert_eq!(index.first(), 3);
        assert_eq!(index.locate(2), Place::Before { first: 3 });
        assert_eq!(index.release(4, false).len(), 1);
        assert_eq!(index.released(), 3);
    }

    #[test]
    fn only_whole_segments_are_released_and_never_the_live_one() {
        let index = index(&[0, 10, 20], 30);
        assert!(index.release(10, true).is_empty(), "of the next segment nothing is durable");
        assert_eq!(index.release(19, true).len(), 1);
        assert_eq!(index.released(), 10);
        assert_eq!(index.release(30, true).len(), 1);
        assert_eq!(index.first(), 20);
        assert_eq!(index.release(30, false).len(), 1);
        assert_eq!((index.first(), index.released()), (30, 30));
    }

    #[test]
    fn only_what_was_suspected_is_suspect() {
        let index = index(&[0, 10], 30);
        index.suspect(1);
        assert!(index.is_suspect(1) && !index.is_suspect(0));
    }

    #[test]
    fn a_search_begins_in_the_last_segment_that_begins_before() {
        // The third one repeats what the second may have lost.
        let index = index(&[0, 10, 10, 20], 30);
        let from = |sequence| index.from(sequence).iter().map(|entry| entry.number).collect::<Vec<_>>();
        assert_eq!(from(0), [0, 1, 2, 3]);
        assert_eq!(from(10), [0, 1, 2, 3], "what begins with it may have lost it");
        assert_eq!(from(11), [2, 3]);
        assert_eq!(from(20), [2, 3]);
        assert_eq!(from(25), [3]);
    }
}
