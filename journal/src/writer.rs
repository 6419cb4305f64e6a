//! A worker's end of the journal: append into memory, flush with one write for all that was appended.

use crate::StreamId;
use crate::failpoint;
use crate::frame::{self, Frame, MAX_PAYLOAD, MAX_SEQUENCE};
use crate::lane::{Lane, LaneState, Part, write_parts};
use crate::lock;
use crate::segment::{HEADER_BYTES, Segment};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Room for the frames of one turn, made once.
const PENDING: usize = 256 << 10;
/// Appended bytes that wait for a flush at most: more means that the disk takes nothing.
const PENDING_MAX: usize = 4 << 20;

/// Writes one stream. Used by one thread at a time.
pub struct Writer {
    lane: Arc<Lane>,
    stream: StreamId,
    unsynced_limit: usize,
    /// Where the next frame goes, and the generation of the lane that this was agreed in.
    place: Option<(Arc<Segment>, u64)>,
    generation: u64,
    pending: Vec<u8>,
    parts: Vec<Part>,
    ticks: fn() -> i64,
    /// When the first of them was appended, in ticks.
    appended: i64,
    next_sequence: u64,
}

/// Why a frame was not appended. Nothing was numbered or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// No prepared segment is left: the disk is full, or too slow to prepare the next one in time.
    #[error("no journal space is left")]
    NoSpace,
    /// Too much is written and not durable, or appended and not written: the disk stands still.
    #[error("the disk does not keep up: too many frames are not durable yet")]
    Backlog,
    /// Larger than a frame may be.
    #[error("a frame holds at most {MAX_PAYLOAD} bytes, not {0}")]
    TooLong(usize),
    /// A time thousands of years away.
    #[error("time {0} ms does not fit a frame")]
    Time(i64),
    /// The stream has used all its numbers: start anew.
    #[error("the stream has used all its sequence numbers")]
    Exhausted,
    /// The journal is closed.
    #[error("the journal is closed")]
    Closed,
}

/// Why frames were not written. They stay appended, keep their numbers, and the next flush writes them.
#[derive(Debug, thiserror::Error)]
pub enum FlushError {
    /// No prepared segment is left for them.
    #[error("no journal space is left")]
    NoSpace,
    /// The system refused twice, in two segments.
    #[error("writing to the journal failed")]
    Write(#[source] io::Error),
    /// The journal is closed: they will never be written.
    #[error("the journal is closed")]
    Closed,
}

impl Writer {
    pub(crate) fn new(lane: Arc<Lane>, unsynced_limit: usize, ticks: fn() -> i64) -> Self {
        Self {
            stream: lane.index.stream(),
            lane,
            unsynced_limit,
            place: None,
            generation: 0,
            pending: Vec::with_capacity(PENDING),
            parts: Vec::with_capacity(4),
            ticks,
            appended: 0,
            next_sequence: 0,
        }
    }

    /// The stream it writes.
    pub const fn stream(&self) -> StreamId {
        self.stream
    }

    /// The number the next frame gets.
    pub const fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Bytes appended and not yet flushed.
    pub fn pending_bytes(&self) -> usize {
        self.pending.len()
    }

    /// Appends a frame in memory and gives its number. `at_ms` is milliseconds since 1970.
    ///
    /// # Errors
    /// If there is no place for it; then nothing has changed.
    pub fn append(&mut self, at_ms: i64, payload: &[u8]) -> Result<u64, AppendError> {
        if !frame::time_fits(at_ms) {
            return Err(AppendError::Time(at_ms));
        }
        let size = self.check(payload.len())?;
        let Some((segment, offset)) = &mut self.place else { return Err(AppendError::NoSpace) };
        let sequence = self.next_sequence;
        if self.pending.is_empty() {
            self.appended = (self.ticks)();
        }
        if self.parts.last().is_none_or(|part| part.segment.number != segment.number) {
            let (segment, start) = (Arc::clone(segment), self.pending.len());
            self.parts.push(Part { segment, offset: *offset, start, first: sequence });
        }
        let frame = Frame { sequence, at_ms, durable_before: self.lane.durable(), payload };
        frame::encode(&mut self.pending, self.stream, &frame, segment.seed, *offset);
        *offset += size as u64;
        self.next_sequence += 1;
        Ok(sequence)
    }

    /// Bytes the frame takes, once there is a place for it.
    fn check(&mut self, payload: usize) -> Result<usize, AppendError> {
        if payload > MAX_PAYLOAD {
            return Err(AppendError::TooLong(payload));
        }
        if self.next_sequence > MAX_SEQUENCE {
            return Err(AppendError::Exhausted);
        }
        let stuck = self.lane.unsynced_bytes.load(Ordering::Relaxed) > self.unsynced_limit;
        if stuck || self.pending.len() > PENDING_MAX {
            self.lane.refused.fetch_add(1, Ordering::Relaxed);
            return Err(AppendError::Backlog);
        }
        let size = frame::size(payload);
        if !self.fits(size) {
            self.roll(size).inspect_err(|_| {
                self.lane.refused.fetch_add(1, Ordering::Relaxed);
            })?;
        }
        Ok(size)
    }

    fn fits(&self, size: usize) -> bool {
        self.place.as_ref().is_some_and(|(segment, offset)| segment.bytes - offset >= size as u64)
    }

    /// Takes the next prepared segment for a frame of `size` bytes.
    fn roll(&mut self, size: usize) -> Result<(), AppendError> {
        let lane = Arc::clone(&self.lane);
        let mut state = lock(&lane.state);
        if state.closed {
            return Err(AppendError::Closed);
        }
        let moved = state.generation != self.generation;
        if state.moving.is_some() || (moved && self.place_anew(&mut state, false).is_err()) {
            return Err(AppendError::NoSpace);
        }
        if self.fits(size) {
            return Ok(());
        }
        let segment = state.ready.pop_front();
        drop(state);
        lane.spare_bell.ring();
        self.place = Some((segment.ok_or(AppendError::NoSpace)?, HEADER_BYTES));
        Ok(())
    }

    /// Writes all appended frames, with one call to the system unless a segment ends among them. On return they
    /// survive the end of this process. Gives the number of the next frame.
    ///
    /// # Errors
    /// If they could not be written; they stay appended.
    pub fn flush(&mut self) -> Result<u64, FlushError> {
        if self.pending.is_empty() {
            return Ok(self.next_sequence);
        }
        failpoint::reach("writer.flush");
        let lane = Arc::clone(&self.lane);
        let mut state = lock(&lane.state);
        if state.closed {
            return Err(FlushError::Closed);
        }
        if state.generation != self.generation {
            self.place_anew(&mut state, false)?;
        }
        if write_parts(&lane.index, &self.parts, &self.pending).is_err() {
            // One more try, in a segment that had no error.
            self.place_anew(&mut state, true)?;
            lane.spare_bell.ring();
            write_parts(&lane.index, &self.parts, &self.pending).map_err(FlushError::Write)?;
        }
        failpoint::reach("writer.written");
        lane.commit(&mut state, &self.pending, &self.parts, self.next_sequence, self.appended);
        drop(state);
        failpoint::reach("writer.committed");
        self.pending.clear();
        self.parts.clear();
        lane.sync_bell.ring();
        Ok(self.next_sequence)
    }

    /// Somebody waits until what was flushed is durable: the sync thread does not take its long rest before.
    pub fn hurry(&self) {
        self.lane.sync_rest.cut();
    }

    /// Gives the appended frames a new place: what they were placed behind has moved, or did not take them.
    fn place_anew(&mut self, state: &mut LaneState, fresh: bool) -> Result<(), FlushError> {
        if state.moving.is_some() {
            return Err(FlushError::NoSpace);
        }
        let placed = state.place(&self.lane.index, &mut self.pending, fresh, &mut self.parts);
        placed.map_err(|_| FlushError::NoSpace)?;
        self.generation = state.generation;
        self.place = match self.parts.last() {
            Some(part) => {
                let len = self.pending.len() - part.start;
                Some((Arc::clone(&part.segment), part.offset + len as u64))
            }
            None => state.current.clone(),
        };
        Ok(())
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("stream", &self.stream).field("next", &self.next_sequence).finish()
    }
}
