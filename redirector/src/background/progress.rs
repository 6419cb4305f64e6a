//! How far every stream has come: what the shipper knows and the heartbeat, the recorder and `shipped_through` read.

use super::Seams;
use crate::frame_clock::StepBack;
use attribution_core::click::WorkerId;
use attribution_core::time::Instant;
use journal::StreamId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A live stream that is wholly shipped speaks for the time up to so long ago: a handler takes the time of its
/// request and appends the frame in the same turn of its event loop.
const TURN_MARGIN_MS: i64 = 2_000;

/// One stream's way to the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreamProgress {
    /// Written by a worker of this process.
    pub(super) live: bool,
    /// The core has everything below.
    pub(super) shipped: u64,
    /// Redis has everything below. `None` without a recorder.
    pub(super) recorded: Option<u64>,
    /// Everything before this time is in the core: times of a stream's frames do not go backwards, but for the steps
    /// back that [`Seams::stepped_back`] tells of.
    pub(super) through: Option<Instant>,
    /// Frames that could not be read back; the core knows which.
    pub(super) lost: u64,
    /// The core said that it stands here, before `shipped`: the shipper goes there.
    pub(super) go_back: Option<u64>,
    /// The stream has ended, the core has all of it, and has heard that this is all.
    pub(super) heard_whole: bool,
}

/// Gives the time of the oldest frame that is appended and not yet written.
type Unwritten = dyn Fn() -> Option<Instant> + Send + Sync;

/// Gives the last step back of a live worker's frames.
type SteppedBack = dyn Fn(WorkerId) -> Option<StepBack> + Send + Sync;

/// All streams that the core does not wholly have, and the live ones.
pub(super) struct Progress {
    streams: Mutex<BTreeMap<StreamId, StreamProgress>>,
    unwritten: Box<Unwritten>,
    stepped_back: Box<SteppedBack>,
}

impl Progress {
    pub(super) fn new(seams: &Arc<Seams>) -> Self {
        let [written, stepped] = std::array::from_fn(|_| Arc::clone(seams));
        Self::asking(move || (written.unwritten)(), move |worker| (stepped.stepped_back)(worker))
    }

    fn asking(
        unwritten: impl Fn() -> Option<Instant> + Send + Sync + 'static,
        stepped_back: impl Fn(WorkerId) -> Option<StepBack> + Send + Sync + 'static,
    ) -> Self {
        let streams = Mutex::default();
        Self { streams, unwritten: Box::new(unwritten), stepped_back: Box::new(stepped_back) }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<StreamId, StreamProgress>> {
        // Every change below is one assignment: there is nothing half done to be afraid of.
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn insert(&self, stream: StreamId, progress: StreamProgress) {
        self.lock().insert(stream, progress);
    }

    /// The core has all of an ended stream and knows it.
    pub(super) fn remove(&self, stream: StreamId) {
        self.lock().remove(&stream);
    }

    pub(super) fn get(&self, stream: StreamId) -> Option<StreamProgress> {
        self.lock().get(&stream).copied()
    }

    pub(super) fn all(&self) -> Vec<(StreamId, StreamProgress)> {
        self.lock().iter().map(|(stream, progress)| (*stream, *progress)).collect()
    }

    /// Changes one stream's progress, if it is still there.
    pub(super) fn update(&self, stream: StreamId, change: impl FnOnce(&mut StreamProgress)) {
        if let Some(progress) = self.lock().get_mut(&stream) {
            change(progress);
        }
    }

    /// The time before which everything this edge recorded is in the core. `end` gives the number after a stream's
    /// last frame in the kernel; a stream for which it gives none is not counted. `now` is taken by the caller
    /// before this call.
    pub(super) fn shipped_through(&self, now: Instant, end: impl Fn(StreamId) -> u64) -> Instant {
        let idle = now.plus(-TURN_MARGIN_MS);
        // Asked before `end`: a frame that is written between the two is seen by the second question.
        let mut through = (self.unwritten)().map_or(idle, |oldest| idle.min(oldest));
        for (stream, progress) in self.lock().iter() {
            let known = progress.through.unwrap_or(Instant(0));
            let whole = progress.shipped >= end(*stream);
            let bound = match (whole, progress.live) {
                (true, false) => continue,
                (true, true) => known.max(idle),
                (false, false) => known,
                // What is shipped may have later times than what is not.
                (false, true) => match (self.stepped_back)(WorkerId(stream.worker)) {
                    Some(step) if progress.shipped <= step.from => known.min(step.at),
                    _ => known,
                },
            };
            through = through.min(bound);
        }
        through
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant(100_000);

    fn stream(epoch: u64) -> StreamId {
        StreamId { edge: 1, epoch, worker: 0 }
    }

    fn progress(live: bool, shipped: u64, through: Option<i64>) -> StreamProgress {
        StreamProgress {
            live,
            shipped,
            recorded: None,
            through: through.map(Instant),
            lost: 0,
            go_back: None,
            heard_whole: false,
        }
    }

    #[test]
    fn everything_before_it_has_been_shipped() {
        let rows: [(&str, Vec<StreamProgress>, i64); 7] = [
            ("no stream at all", vec![], 98_000),
            ("a live stream that is wholly shipped", vec![progress(true, 10, Some(50_000))], 98_000),
            ("a live stream with frames behind", vec![progress(true, 9, Some(50_000))], 50_000),
            ("nothing of it read yet", vec![progress(false, 9, None), progress(true, 10, None)], 0),
            ("an ended stream counts until it is whole", vec![progress(false, 9, Some(7_000))], 7_000),
            ("and then no more", vec![progress(false, 10, Some(7_000)), progress(true, 10, None)], 98_000),
            (
                "the slowest counts",
                vec![progress(true, 3, Some(60_000)), progress(true, 4, Some(40_000))],
                40_000,
            ),
        ];
        for (what, streams, expected) in rows {
            let all = Progress::asking(|| None, |_| None);
            for (epoch, progress) in (1..).zip(streams) {
                all.insert(stream(epoch), progress);
            }
            assert_eq!(all.shipped_through(NOW, |_| 10), Instant(expected), "{what}");
        }
    }

    #[test]
    fn a_frame_that_could_not_be_written_holds_the_time_back() {
        let all = Progress::asking(|| Some(Instant(60_000)), |_| None);
        all.insert(stream(1), progress(true, 10, Some(50_000)));
        assert_eq!(all.shipped_through(NOW, |_| 10), Instant(60_000));
        let all = Progress::asking(|| Some(NOW), |_| None);
        all.insert(stream(1), progress(true, 10, Some(50_000)));
        assert_eq!(all.shipped_through(NOW, |_| 10), Instant(98_000), "a turn under way changes nothing");
    }

    #[test]
    fn a_clock_that_went_back_speaks_for_no_frame_that_is_not_shipped() {
        // Frame 7 is of 40 s, those before it of up to 95 s.
        let all = Progress::asking(|| None, |_| Some(StepBack { from: 7, at: Instant(40_000) }));
        for (shipped, through, expected) in [(6, 95_000, 40_000), (7, 95_000, 40_000), (8, 41_000, 41_000)] {
            all.insert(stream(1), progress(true, shipped, Some(through)));
            assert_eq!(all.shipped_through(NOW, |_| 10), Instant(expected), "{shipped} shipped");
        }
        all.insert(stream(1), progress(true, 10, Some(41_000)));
        assert_eq!(all.shipped_through(NOW, |_| 10), Instant(98_000), "all of it is shipped");
    }
}
