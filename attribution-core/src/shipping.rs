//! What an edge and the core say to each other, as types and bytes.
//!
//! A batch carries consecutive frames of one stream from behind the durable watermark. The core inserts them and
//! moves the stream's cursor in one transaction, and answers with the cursor.

use crate::click::{EdgeId, Epoch, MAX_SEQUENCE, Stream, WorkerId};
use crate::history::HistoryId;
use crate::record::Tally;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Frames in one batch at most: beyond this a transaction gains nothing.
pub const BATCH_MAX_FRAMES: u32 = 30_000;
/// Bytes of a batch's body at most, before compression.
pub const BATCH_MAX_BYTES: usize = 8 << 20;
/// The largest payload of one frame.
pub const FRAME_MAX_PAYLOAD: usize = 1 << 12;

const MAGIC: [u8; 4] = *b"YKB1";
const HEADER_LEN: usize = 40;

/// Consecutive frames of one stream, ready to send.
///
/// Layout: `YKB1`, edge u16, worker u8, zero u8, epoch u64, first sequence u64, frame count u32, body length u32,
/// reserved u32, CRC-32 of all that precedes and of the body; then per frame time i64, payload length u16, payload.
/// Little-endian. Up to when an edge has shipped everything is not said here but in its heartbeat, beside its clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    stream: Stream,
    first_sequence: u64,
    count: u32,
    body: Vec<u8>,
}

/// One frame of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchFrame<'a> {
    /// Its number in the stream.
    pub sequence: u64,
    /// When the edge received the request.
    pub at: Instant,
    /// A click record or a tally.
    pub payload: &'a [u8],
}

/// Why bytes are not a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Too short, or the lengths inside do not add up.
    #[error("batch is cut short or its lengths do not add up")]
    Length,
    /// Not a batch of a known version.
    #[error("not a batch of a known version")]
    Magic,
    /// The checksum does not match.
    #[error("batch checksum does not match")]
    Checksum,
    /// More than a batch may hold, or a frame longer than any.
    #[error("batch is larger than allowed")]
    TooLarge,
    /// Numbers beyond what a stream can have.
    #[error("batch has sequence numbers that no stream can have")]
    Sequence,
}

impl Batch {
    /// An empty batch.
    pub const fn new(stream: Stream, first_sequence: u64) -> Self {
        Self { stream, first_sequence, count: 0, body: Vec::new() }
    }

    /// Adds the next frame; `false` if the batch is full and the frame was not added.
    pub fn push(&mut self, at: Instant, payload: &[u8]) -> bool {
        let Ok(len) = u16::try_from(payload.len()) else { return false };
        if self.count >= BATCH_MAX_FRAMES
            || !fits_stream(self.first_sequence, self.count + 1)
            || payload.len() > FRAME_MAX_PAYLOAD
            || self.body.len() + 10 + payload.len() > BATCH_MAX_BYTES
        {
            return false;
        }
        self.body.extend_from_slice(&at.millis().to_le_bytes());
        self.body.extend_from_slice(&len.to_le_bytes());
        self.body.extend_from_slice(payload);
        self.count += 1;
        true
    }

    /// Whose frames these are.
    pub const fn stream(&self) -> Stream {
        self.stream
    }

    /// The number of the first frame.
    pub const fn first_sequence(&self) -> u64 {
        self.first_sequence
    }

    /// The number after the last frame.
    pub const fn next_sequence(&self) -> u64 {
        self.first_sequence + self.count as u64
    }

    /// Frames in it.
    pub const fn len(&self) -> u32 {
        self.count
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The frames in order.
    pub fn frames(&self) -> impl Iterator<Item = BatchFrame<'_>> {
        let mut rest = self.body.as_slice();
        let mut sequence = self.first_sequence;
        std::iter::from_fn(move || {
            let (at, payload, tail) = split_frame(rest)?;
            let frame = BatchFrame { sequence, at, payload };
            rest = tail;
            sequence += 1;
            Some(frame)
        })
    }

    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_LEN + self.body.len());
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.stream.edge.0.to_le_bytes());
        out.extend_from_slice(&[self.stream.worker.0, 0]);
        out.extend_from_slice(&self.stream.epoch.0.to_le_bytes());
        out.extend_from_slice(&self.first_sequence.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        #[expect(clippy::cast_possible_truncation, reason = "push keeps the body below BATCH_MAX_BYTES")]
        out.extend_from_slice(&(self.body.len() as u32).to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        let mut crc = crc32fast::Hasher::new();
        crc.update(&out);
        crc.update(&self.body);
        out.extend_from_slice(&crc.finalize().to_le_bytes());
        out.extend_from_slice(&self.body);
        out
    }

    /// Writes the magic, the length and the checksum that `bytes` would need to be a batch; false if they are too short.
    pub(crate) fn seal(bytes: &mut [u8]) -> bool {
        let Some((head, body)) = bytes.split_first_chunk_mut::<HEADER_LEN>() else { return false };
        let Ok(len) = u32::try_from(body.len()) else { return false };
        head[..4].copy_from_slice(&MAGIC);
        head[28..32].copy_from_slice(&len.to_le_bytes());
        let mut crc = crc32fast::Hasher::new();
        crc.update(&head[..36]);
        crc.update(body);
        head[36..].copy_from_slice(&crc.finalize().to_le_bytes());
        true
    }

    /// Reads a batch and checks every length and the checksum.
    ///
    /// # Errors
    /// If the bytes are not exactly one batch.
    pub fn decode(bytes: &[u8]) -> Result<Self, BatchError> {
        let (head, body) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(BatchError::Length)?;
        if head[..4] != MAGIC || head[7] != 0 || head[32..36] != [0; 4] {
            return Err(BatchError::Magic);
        }
        let u64_at = |i: usize| u64::from_le_bytes(head[i..i + 8].try_into().unwrap_or_default());
        let u32_at = |i: usize| u32::from_le_bytes(head[i..i + 4].try_into().unwrap_or_default());
        let count = u32_at(24);
        if count > BATCH_MAX_FRAMES || body.len() > BATCH_MAX_BYTES {
            return Err(BatchError::TooLarge);
        }
        if body.len() != u32_at(28) as usize {
            return Err(BatchError::Length);
        }
        let mut crc = crc32fast::Hasher::new();
        crc.update(&head[..36]);
        crc.update(body);
        if crc.finalize() != u32_at(36) {
            return Err(BatchError::Checksum);
        }
        // Whoever sent this chose the numbers: they must neither overflow nor run into another click's id.
        if !fits_stream(u64_at(16), count) {
            return Err(BatchError::Sequence);
        }
        let mut rest = body;
        for _ in 0..count {
            let payload;
            (_, payload, rest) = split_frame(rest).ok_or(BatchError::Length)?;
            if payload.len() > FRAME_MAX_PAYLOAD {
                return Err(BatchError::TooLarge);
            }
        }
        if !rest.is_empty() {
            return Err(BatchError::Length);
        }
        Ok(Self {
            stream: Stream {
                edge: EdgeId(u16::from_le_bytes([head[4], head[5]])),
                worker: WorkerId(head[6]),
                epoch: Epoch(u64_at(8)),
            },
            first_sequence: u64_at(16),
            count,
            body: body.to_vec(),
        })
    }
}

/// Whether `count` frames from `first` on have numbers that fit a click id.
fn fits_stream(first: u64, count: u32) -> bool {
    first.checked_add(u64::from(count)).is_some_and(|next| next <= MAX_SEQUENCE + 1)
}

fn split_frame(rest: &[u8]) -> Option<(Instant, &[u8], &[u8])> {
    let (at, rest) = rest.split_first_chunk::<8>()?;
    let (len, rest) = rest.split_first_chunk::<2>()?;
    let (payload, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
    Some((Instant(i64::from_le_bytes(*at)), payload, rest))
}

/// The core's answer to a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipAck {
    /// The stream's cursor: everything below is in the core.
    pub next_sequence: u64,
}

/// How one stream of an edge stands, in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamStatus {
    /// The stream's epoch.
    pub epoch: Epoch,
    /// The stream's worker.
    pub worker: WorkerId,
    /// The process of this epoch still runs.
    pub live: bool,
    /// Its running totals now (for an epoch that ended, as found in its journal, whose click frames behind the last
    /// tally count as recorded).
    pub tally: TallyView,
    /// Clicks of an epoch that ended in a crash that were recorded and perhaps not answered: they are in the tally's
    /// `recorded` and not in its `answered`.
    pub in_doubt: u64,
    /// The number after the last frame in the kernel.
    pub appended: u64,
    /// The number after the last frame on disk.
    pub durable: u64,
    /// The core's cursor as the edge knows it.
    pub shipped: u64,
    /// Click frames that could not be read back: corrupt, set aside.
    pub quarantined: u64,
    /// The journal found that the end of this ended stream is damaged or gone, and cannot say how much was in it.
    #[serde(default)]
    pub incomplete: bool,
}

/// A tally as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TallyView {
    /// See [`Tally::answered`].
    pub answered: u64,
    /// See [`Tally::recorded`].
    pub recorded: u64,
    /// See [`Tally::counted`].
    pub counted: [u64; 4],
    /// See [`Tally::unjournaled`].
    pub unjournaled: u64,
}

impl From<Tally> for TallyView {
    fn from(tally: Tally) -> Self {
        let Tally { answered, recorded, counted, unjournaled } = tally;
        Self { answered, recorded, counted, unjournaled }
    }
}

/// A range of sequence numbers that an edge cannot deliver: named, so that the balance stays provable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostRange {
    /// The stream's epoch.
    pub epoch: Epoch,
    /// The stream's worker.
    pub worker: WorkerId,
    /// First number of the range.
    pub from: u64,
    /// Number after the last.
    pub to: u64,
}

/// Where a stream stands in the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamCursor {
    /// The stream's epoch.
    pub epoch: Epoch,
    /// The stream's worker.
    pub worker: WorkerId,
    /// The core's cursor: everything below is in the core.
    pub next_sequence: u64,
}

/// The core's answer to a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HeartbeatAck {
    /// Streams of which the core has less than the edge believes: it was restored from a backup. The edge goes back.
    pub behind: Vec<StreamCursor>,
}

/// What an edge tells the core every second or so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Which edge.
    pub edge: EdgeId,
    /// The edge's clock.
    pub at: Instant,
    /// The history of changes that its table follows; `None` before the first page, and from edges that know none.
    #[serde(default)]
    pub history: Option<HistoryId>,
    /// The last change number it has applied.
    pub applied: u64,
    /// Everything recorded before this instant has been shipped.
    pub shipped_through: Instant,
    /// All its streams that are not yet wholly shipped, and the live ones.
    pub streams: Vec<StreamStatus>,
}
