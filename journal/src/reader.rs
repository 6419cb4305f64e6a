//! Reads a stream from a number on, old or live. Damage is named as an exact range of numbers, and reading goes on
//! behind it; nothing is deleted and nothing is given twice.

use crate::frame::{self, Defect, Frame, MAX_PAYLOAD, SLOT, Seed};
use crate::index::{Place, StreamIndex};
use crate::segment::HEADER_BYTES;
use crate::storage::{File, Storage};
use std::io;
use std::sync::Arc;

/// Bytes read at once when far behind.
const CHUNK: u64 = 1 << 20;
/// Bytes read at once at least: room for the largest frame.
const CHUNK_MIN: u64 = 8 << 10;
/// Bytes a frame takes as a rule, to guess how much to read for a few of them.
const TYPICAL: u64 = 192;
/// What is given up at once where the disk cannot read.
const PAGE: usize = 4096;

/// Why the next frame is not there.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// These frames cannot be read any more. The next call goes on at `to`.
    #[error("frames {from} to {to} (exclusive) are lost")]
    Damaged {
        /// First number lost.
        from: u64,
        /// The number after the last one lost.
        to: u64,
    },
    /// The frames were released: every cursor had passed them. The next call goes on at `first`.
    #[error("frames below {first} were released")]
    Released {
        /// The first number still there.
        first: u64,
    },
    /// A segment could not be opened, for another reason than that it is gone. The next call tries again.
    #[error("a journal segment could not be opened")]
    Open(#[source] io::Error),
    /// The disk does not read, now. The next call tries again; see [`Reader::give_up_unreadable`].
    #[error("a journal segment could not be read")]
    Unreadable(#[source] io::Error),
}

/// Reads one stream.
pub struct Reader {
    storage: Arc<dyn Storage>,
    index: Arc<StreamIndex>,
    /// The number of the next frame to give.
    expected: u64,
    give_up: bool,
    open: Option<OpenSegment>,
    buffer: Vec<u8>,
}

/// The segment being read, and the piece of it that is in the buffer.
struct OpenSegment {
    number: u64,
    seed: Seed,
    file: Arc<dyn File>,
    /// The file's length, as far as it could be read.
    end: u64,
    /// The slot to look at next.
    at: u64,
    /// Where the buffer's bytes begin.
    base: u64,
    /// All frames below this number were written when the buffer was read.
    whole_below: u64,
}

/// A sound frame in the buffer.
struct Hit {
    start: usize,
    len: usize,
    sequence: u64,
    at_ms: i64,
    durable_before: u64,
}

impl Reader {
    pub(crate) fn new(storage: Arc<dyn Storage>, index: Arc<StreamIndex>, from: u64) -> Self {
        Self { storage, index, expected: from, give_up: false, open: None, buffer: Vec::new() }
    }

    /// The number of the frame that the next call gives or misses.
    pub const fn position(&self) -> u64 {
        self.expected
    }

    /// Whether pages that the disk cannot read count as damaged. If not, which is so at first, the reader says
    /// [`ReadError::Unreadable`] and tries again: the caller has the clock and knows how long to be patient.
    pub const fn give_up_unreadable(&mut self, give_up: bool) {
        self.give_up = give_up;
    }

    /// The next frame below `below`; `None` if there is none yet. Pass [`crate::Journal::durable`] to get only what
    /// a power cut cannot take back.
    ///
    /// # Errors
    /// If frames are lost or released; the next call goes on behind them.
    pub fn next(&mut self, below: u64) -> Result<Option<Frame<'_>>, ReadError> {
        let below = below.min(self.index.end());
        let Some(hit) = self.seek(below)? else { return Ok(None) };
        self.expected = hit.sequence + 1;
        let Hit { start, len, sequence, at_ms, durable_before } = hit;
        Ok(Some(Frame { sequence, at_ms, durable_before, payload: &self.buffer[start..start + len] }))
    }

    fn seek(&mut self, below: u64) -> Result<Option<Hit>, ReadError> {
        // The first of the slots that the current search found unsound.
        let mut unsound = None;
        loop {
            if self.expected >= below {
                return Ok(None);
            }
            let mut open = match self.open.take() {
                Some(open) => open,
                None => self.open_segment(below)?,
            };
            let seen = self.look(&open);
            match &seen {
                Ok(hit) if hit.sequence <= self.expected => {
                    open.at += frame::size(hit.len) as u64;
                    let wanted = hit.sequence == self.expected;
                    self.open = Some(open);
                    if wanted {
                        return seen.map(Some).map_err(|_| self.damaged(below));
                    }
                    continue;
                }
                _ if self.must_read(&open) => {
                    let read = self.read(&mut open, below);
                    self.open = Some(open);
                    read?;
                    continue;
                }
                _ => {}
            }
            // What the buffer shows is what is on disk. Perhaps a later segment has the frame.
            let until = match self.index.locate(self.expected) {
                Place::In { entry, .. } if entry.number != open.number => continue,
                Place::In { until, .. } => until.unwrap_or(below).min(below),
                Place::Before { .. } | Place::Nowhere => below,
            };
            match seen {
                Ok(hit) => {
                    self.open = Some(open);
                    return Err(self.damaged(until.min(hit.sequence)));
                }
                Err(_) if open.at + (SLOT as u64) < open.end => {
                    unsound.get_or_insert(open.at);
                    open.at += SLOT as u64;
                    self.open = Some(open);
                }
                Err(_) => {
                    // New frames of a live stream may yet follow where the search began.
                    open.at = unsound.unwrap_or(open.at);
                    if open.at < open.base {
                        // The search went on into a later piece: what lies here must be read anew.
                        self.buffer.clear();
                        (open.base, open.whole_below) = (open.at, 0);
                    }
                    self.open = Some(open);
                    return Err(self.damaged(until));
                }
            }
        }
    }

    /// Names what is missing from the expected frame to `to`, and goes on there.
    fn damaged(&mut self, to: u64) -> ReadError {
        let released = self.index.released();
        if self.expected < released {
            self.open = None;
            self.expected = released;
            return ReadError::Released { first: released };
        }
        let from = std::mem::replace(&mut self.expected, to);
        ReadError::Damaged { from, to }
    }

    fn open_segment(&mut self, below: u64) -> Result<OpenSegment, ReadError> {
        let (entry, until) = match self.index.locate(self.expected) {
            Place::In { entry, until } => (entry, until.unwrap_or(below).min(below)),
            Place::Before { first } => return Err(self.damaged(first.min(below))),
            Place::Nowhere => return Err(self.damaged(below)),
        };
        let file = match self.storage.open(&crate::segment::name(self.index.stream(), entry.number)) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(self.damaged(until)),
            Err(e) => return Err(ReadError::Open(e)),
        };
        self.buffer.clear();
        Ok(OpenSegment {
            number: entry.number,
            seed: self.index.seed(entry.number),
            file,
            end: entry.bytes,
            at: HEADER_BYTES,
            base: HEADER_BYTES,
            whole_below: 0,
        })
    }

    /// What is at the slot to look at.
    fn look(&self, open: &OpenSegment) -> Result<Hit, Defect> {
        let start = usize::try_from(open.at - open.base).map_err(|_| Defect::Length)?;
        let bytes = self.buffer.get(start..).ok_or(Defect::Length)?;
        let frame = frame::decode(bytes, self.index.stream(), open.seed, open.at)?;
        let Frame { sequence, at_ms, durable_before, payload } = frame;
        Ok(Hit { start: start + frame::HEADER, len: payload.len(), sequence, at_ms, durable_before })
    }

    /// Whether the buffer may be older than the file, or end before the largest frame would.
    fn must_read(&self, open: &OpenSegment) -> bool {
        let buffered = open.base + self.buffer.len() as u64;
        let cut = open.at + frame::size(MAX_PAYLOAD) as u64 > buffered && buffered < open.end;
        cut || open.whole_below <= self.expected
    }

    /// Reads the piece that begins at the slot to look at.
    fn read(&mut self, open: &mut OpenSegment, below: u64) -> Result<(), ReadError> {
        let wanted = (below - self.expected).saturating_mul(TYPICAL).clamp(CHUNK_MIN, CHUNK);
        let len = usize::try_from(wanted.min(open.end - open.at)).unwrap_or(PAGE);
        self.buffer.resize(len, 0);
        let (got, unreadable) = read_what_can_be_read(&*open.file, &mut self.buffer, open.at);
        if let Some(error) = unreadable.filter(|_| !self.give_up) {
            self.buffer.clear();
            (open.base, open.whole_below) = (open.at, 0);
            return Err(ReadError::Unreadable(error));
        }
        if got < len {
            self.buffer.truncate(got);
            open.end = open.at + got as u64;
        }
        open.base = open.at;
        open.whole_below = below;
        Ok(())
    }
}

/// Reads `bytes`; pages that the disk cannot read are zeros, which are no frames, and the error is returned too. Less
/// only at the end of the file.
pub(crate) fn read_what_can_be_read(
    file: &dyn File,
    bytes: &mut [u8],
    offset: u64,
) -> (usize, Option<io::Error>) {
    if let Ok(got) = file.read_at(bytes, offset) {
        return (got, None);
    }
    let (mut got, mut unreadable) = (0, None);
    for page in bytes.chunks_mut(PAGE) {
        match file.read_at(page, offset + got as u64) {
            Ok(len) if len < page.len() => return (got + len, unreadable),
            Ok(_) => {}
            Err(error) => {
                page.fill(0);
                unreadable = Some(error);
            }
        }
        got += page.len();
    }
    (got, unreadable)
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("stream", &self.index.stream())
            .field("position", &self.expected)
            .finish_non_exhaustive()
    }
}
