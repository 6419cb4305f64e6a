//! The journal as the background sees it: which streams there are, how far each can be read, and when that moves.

use super::phase::{Phase, Phases};
use journal::{Journal, Reader, ReleaseError, Stats, StreamId, StreamInfo};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::Notify;

/// The journal as the background sees it.
pub(super) struct Streams {
    journal: Arc<Journal>,
    /// What earlier starts left: their ends do not move any more.
    ended: BTreeMap<StreamId, StreamInfo>,
    live: Vec<StreamId>,
    /// Whose end is damaged or gone, as the journal found when it was opened.
    incomplete: BTreeSet<StreamId>,
    progress: Notify,
}

impl Streams {
    /// Looks at the journal once: no stream is added while a process runs.
    pub(super) fn new(journal: Arc<Journal>, incomplete: BTreeSet<StreamId>) -> Arc<Self> {
        let (live, ended): (Vec<_>, Vec<_>) = journal.streams().into_iter().partition(|info| info.live);
        let streams = Arc::new(Self {
            ended: ended.into_iter().map(|info| (info.stream, info)).collect(),
            live: live.into_iter().map(|info| info.stream).collect(),
            incomplete,
            progress: Notify::new(),
            journal,
        });
        let waker = Arc::downgrade(&streams);
        streams.journal.on_durable(Box::new(move || {
            if let Some(streams) = waker.upgrade() {
                streams.progress.notify_waiters();
            }
        }));
        streams
    }

    /// All streams, those of the oldest start first, the live ones last.
    pub(super) fn all(&self) -> Vec<StreamId> {
        self.ended.keys().chain(&self.live).copied().collect()
    }

    /// Whether the stream belongs to an earlier start.
    pub(super) fn is_ended(&self, stream: StreamId) -> bool {
        self.ended.contains_key(&stream)
    }

    /// Whether the stream's start was shut down in order: then nothing in it is in doubt.
    pub(super) fn closed_in_order(&self, stream: StreamId) -> bool {
        self.ended.get(&stream).is_some_and(|info| info.closed)
    }

    /// Whether the stream's end is damaged or gone, and nobody can say how much was in it.
    pub(super) fn is_incomplete(&self, stream: StreamId) -> bool {
        self.incomplete.contains(&stream)
    }

    /// The first number that is still there, of every stream that is still there.
    pub(super) fn firsts(&self) -> BTreeMap<StreamId, u64> {
        self.journal.streams().into_iter().map(|info| (info.stream, info.first)).collect()
    }

    /// Up to which number each stream that is still there was released by this process.
    pub(super) fn released(&self) -> BTreeMap<StreamId, u64> {
        self.journal.streams().into_iter().map(|info| (info.stream, info.released)).collect()
    }

    /// Whether an earlier start's stream has been wholly released: the core has heard all about it.
    pub(super) fn is_gone(&self, stream: StreamId) -> bool {
        self.ended.get(&stream).is_some_and(|info| info.next > 0 && info.first == info.next)
    }

    /// The number after the last frame that may be shipped: the durable watermark of a live stream.
    pub(super) fn end(&self, stream: StreamId) -> u64 {
        match self.ended.get(&stream) {
            Some(info) => info.next,
            None => self.journal.durable(stream.worker),
        }
    }

    /// The number after the last frame in the kernel.
    pub(super) fn written(&self, stream: StreamId) -> u64 {
        match self.ended.get(&stream) {
            Some(info) => info.next,
            None => self.journal.written(stream.worker),
        }
    }

    /// What the journal counts, and how many milliseconds of clicks are not on its disk.
    pub(super) fn journal_stats(&self) -> (Stats, u64) {
        (self.journal.stats(), self.journal.unsynced_age_ms())
    }

    /// Reads a stream from this number on; `None` if it was released as a whole.
    pub(super) fn reader(&self, stream: StreamId, from: u64) -> Option<Reader> {
        self.journal.reader(stream, from)
    }

    /// Releases the segments that hold only numbers below this one.
    pub(super) fn release(&self, stream: StreamId, below: u64) -> Result<(), ReleaseError> {
        self.journal.release(stream, below).map(drop)
    }

    /// Lets everybody who waits for progress look again.
    pub(super) fn look_again(&self) {
        self.progress.notify_waiters();
    }

    /// Waits until progress has made this true, or for the phase to reach `until`.
    pub(super) async fn any_progress(&self, wanted: impl Fn() -> bool, phases: &Phases, until: Phase) {
        loop {
            let progress = self.progress.notified();
            tokio::pin!(progress);
            // Armed before the question: progress cannot fall between the two.
            progress.as_mut().enable();
            if wanted() {
                return;
            }
            tokio::select! {
                biased;
                () = phases.reaches(until) => return,
                () = progress => {}
            }
        }
    }
}
