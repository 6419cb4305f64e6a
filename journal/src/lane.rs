//! What one worker's writer and the background threads share: prepared segments, frames not yet durable, the two
//! watermarks, and the one way frames get a place on disk.

use crate::bell::{Bell, Rest};
use crate::frame;
use crate::index::{Entry, StreamIndex};
use crate::lock;
use crate::segment::{HEADER_BYTES, Segment};
use crate::storage;
use crate::unsynced::Unsynced;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) struct Lane {
    pub(crate) index: Arc<StreamIndex>,
    /// The next number to be written: everything below is in the kernel.
    written: AtomicU64,
    /// The next number to become durable: everything below survives a power cut.
    durable: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) unsynced_bytes: AtomicUsize,
    pub(crate) state: Mutex<LaneState>,
    pub(crate) sync_bell: Arc<Bell>,
    /// The sync thread's rest; cut short when somebody waits for the disk.
    pub(crate) sync_rest: Arc<Rest>,
    pub(crate) spare_bell: Arc<Bell>,
}

#[derive(Default)]
pub(crate) struct LaneState {
    /// Prepared segments, durable in the directory, in the order of their numbers.
    pub(crate) ready: VecDeque<Arc<Segment>>,
    /// Segments with unsynced frames.
    dirty: Vec<Arc<Segment>>,
    unsynced: Unsynced,
    /// Where the written frames end.
    pub(crate) current: Option<(Arc<Segment>, u64)>,
    /// Length of every prepared segment.
    segment_bytes: u64,
    /// Rises when frames moved: the writer must then place its frames anew.
    pub(crate) generation: u64,
    /// A sync failed and the frames wait for this many segments to be written again.
    pub(crate) moving: Option<usize>,
    /// In ticks: the oldest frame written since the running sync began, and the oldest that the running sync covers.
    oldest: Option<i64>,
    syncing: Option<i64>,
    pub(crate) closed: bool,
}

/// Consecutive frames that go to one segment.
pub(crate) struct Part {
    pub(crate) segment: Arc<Segment>,
    pub(crate) offset: u64,
    /// Where they begin in the bytes to write.
    pub(crate) start: usize,
    /// The number of the first.
    pub(crate) first: u64,
}

/// What a sync is to cover.
pub(crate) struct SyncWork {
    pub(crate) segments: Vec<Arc<Segment>>,
    target: u64,
}

/// There are fewer prepared segments than needed.
pub(crate) struct TooFew;

impl Lane {
    pub(crate) fn new(
        index: Arc<StreamIndex>,
        segment_bytes: u64,
        sync_bell: Arc<Bell>,
        sync_rest: Arc<Rest>,
        spare_bell: Arc<Bell>,
    ) -> Self {
        Self {
            index,
            written: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            unsynced_bytes: AtomicUsize::new(0),
            state: Mutex::new(LaneState { segment_bytes, ..LaneState::default() }),
            sync_bell,
            sync_rest,
            spare_bell,
        }
    }

    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::SeqCst)
    }

    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// When the oldest frame that is written and not durable was appended, in ticks.
    pub(crate) fn oldest_unsynced(&self) -> Option<i64> {
        let state = lock(&self.state);
        state.syncing.into_iter().chain(state.oldest).min()
    }

    /// Notes what [`write_parts`] has written.
    pub(crate) fn commit(
        &self,
        state: &mut LaneState,
        frames: &[u8],
        parts: &[Part],
        next: u64,
        appended: i64,
    ) {
        self.register(state, parts, frames.len());
        state.unsynced.push(frames, next);
        state.oldest.get_or_insert(appended);
        self.unsynced_bytes.store(state.unsynced.bytes(), Ordering::Relaxed);
        self.bytes.fetch_add(frames.len() as u64, Ordering::Relaxed);
        self.index.set_end(next);
        self.written.store(next, Ordering::SeqCst);
    }

    fn register(&self, state: &mut LaneState, parts: &[Part], total: usize) {
        for (i, part) in parts.iter().enumerate() {
            let Segment { number, bytes, .. } = *part.segment;
            self.index.add(Entry { number, first: part.first, bytes });
            if state.dirty.last().is_none_or(|last| last.number != number) {
                state.dirty.push(Arc::clone(&part.segment));
            }
            let end = parts.get(i + 1).map_or(total, |next| next.start);
            state.current = Some((Arc::clone(&part.segment), part.offset + (end - part.start) as u64));
        }
    }

    /// Whether [`begin_sync`](Self::begin_sync) would find something to do. Frames that wait for new segments are
    /// work only once there are enough.
    pub(crate) fn has_sync_work(&self) -> bool {
        let state = lock(&self.state);
        !state.dirty.is_empty() || state.moving.is_some_and(|needed| state.ready.len() >= needed)
    }

    /// What is to be synced now; first moves frames that wait for it. `None` if there is nothing.
    pub(crate) fn begin_sync(&self) -> Option<SyncWork> {
        self.move_unsynced();
        let mut state = lock(&self.state);
        if state.dirty.is_empty() {
            return None;
        }
        state.syncing = state.oldest.take();
        Some(SyncWork { segments: std::mem::take(&mut state.dirty), target: self.written() })
    }

    /// The sync has worked: publishes the watermark.
    pub(crate) fn finish_sync(&self, work: &SyncWork) {
        let mut state = lock(&self.state);
        state.syncing = None;
        state.unsynced.trim(work.target);
        self.unsynced_bytes.store(state.unsynced.bytes(), Ordering::Relaxed);
        self.durable.store(work.target, Ordering::SeqCst);
    }

    /// The sync has failed. It is not tried again: its segments are over, and everything that is not durable is
    /// written to new ones.
    pub(crate) fn fail_sync(&self) {
        let mut state = lock(&self.state);
        state.oldest = state.syncing.take().into_iter().chain(state.oldest).min();
        state.generation += 1;
        state.current = None;
        state.dirty.clear();
        state.moving = Some(1);
        drop(state);
        self.move_unsynced();
    }

    /// Writes what waits for it to new segments. Only the sync thread does this, and without the lock: meanwhile flushes
    /// are refused at once and never wait, so that nothing is added to what moves.
    fn move_unsynced(&self) {
        let mut state = lock(&self.state);
        if state.moving.is_none() {
            return;
        }
        let unsynced = std::mem::take(&mut state.unsynced);
        let room = state.segment_bytes - HEADER_BYTES;
        drop(state);
        let mut frames = unsynced.gather(self.durable());
        let needed = segments_needed(&frames, 0, room);

        let mut state = lock(&self.state);
        state.unsynced = unsynced;
        if needed > state.ready.len() {
            state.moving = Some(needed);
            drop(state);
            return self.spare_bell.ring();
        }
        let fresh: Vec<Arc<Segment>> = state.ready.drain(..needed).collect();
        drop(state);
        let mut parts = Vec::new();
        lay_out(&self.index, &mut frames, None, fresh, &mut parts);
        // If it fails, what was taken is not used again; the next attempt takes other segments.
        if write_parts(&self.index, &parts, &frames).is_ok() {
            let mut state = lock(&self.state);
            state.moving = None;
            self.register(&mut state, &parts, frames.len());
        }
        self.spare_bell.ring();
    }
}

impl LaneState {
    /// Gives `frames` a place behind the written ones, or in new segments only if `fresh`, and seals them for it.
    /// Takes prepared segments only if there are enough.
    pub(crate) fn place(
        &mut self,
        index: &StreamIndex,
        frames: &mut [u8],
        fresh: bool,
        parts: &mut Vec<Part>,
    ) -> Result<(), TooFew> {
        let begin = self.current.clone().filter(|_| !fresh);
        let room = begin.as_ref().map_or(0, |(segment, offset)| segment.bytes - offset);
        let needed = segments_needed(frames, room, self.segment_bytes - HEADER_BYTES);
        if needed > self.ready.len() {
            return Err(TooFew);
        }
        parts.clear();
        lay_out(index, frames, begin, self.ready.drain(..needed).collect(), parts);
        Ok(())
    }
}

/// How many new segments `frames` need, behind `room` bytes of one that has begun. A new one has `whole` bytes.
fn segments_needed(frames: &[u8], mut room: u64, whole: u64) -> usize {
    let mut needed = 0;
    let mut rest = frames;
    while !rest.is_empty() {
        let size = frame::stored_size(rest);
        if size as u64 > room {
            room = whole;
            needed += 1;
        }
        room -= size as u64;
        rest = &rest[size..];
    }
    needed
}

/// Places `frames` from `at` on and then in the `fresh` segments, of which there are enough, and seals them for it.
fn lay_out(
    index: &StreamIndex,
    frames: &mut [u8],
    mut at: Option<(Arc<Segment>, u64)>,
    fresh: Vec<Arc<Segment>>,
    parts: &mut Vec<Part>,
) {
    let mut fresh = fresh.into_iter();
    let mut start = 0;
    while start < frames.len() {
        let size = frame::stored_size(&frames[start..]);
        let fits = at.as_ref().is_some_and(|(segment, offset)| segment.bytes - offset >= size as u64);
        if !fits {
            at = fresh.next().map(|segment| (segment, HEADER_BYTES));
        }
        let Some((segment, offset)) = &mut at else { return debug_assert!(false, "too few segments") };
        let slot = &mut frames[start..start + size];
        if !fits || parts.is_empty() {
            let first = frame::stored_sequence(slot);
            parts.push(Part { segment: Arc::clone(segment), offset: *offset, start, first });
        }
        frame::seal(slot, index.seed(segment.number), *offset);
        *offset += size as u64;
        start += size;
    }
}

/// Writes frames where they were placed: one call to the system for each segment, as a rule one in all.
pub(crate) fn write_parts(index: &StreamIndex, parts: &[Part], frames: &[u8]) -> io::Result<()> {
    for (i, part) in parts.iter().enumerate() {
        let end = parts.get(i + 1).map_or(frames.len(), |next| next.start);
        let written = storage::write_all(&*part.segment.file, &frames[part.start..end], part.offset);
        if let Err(e) = written {
            index.suspect(part.segment.number);
            return Err(e);
        }
    }
    Ok(())
}
