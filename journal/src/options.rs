//! How a journal is to be kept, and the check that it can be.

use crate::segment::{HEADER_BYTES, MIN_SEGMENT_BYTES};
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// How a journal is to be kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory; made if it is not there. One process at a time.
    pub dir: PathBuf,
    /// The edge's number.
    pub edge: u16,
    /// Writers.
    pub workers: u8,
    /// Length of a segment file in bytes, a multiple of 4096.
    pub segment_bytes: u64,
    /// Files kept ready for each worker besides the one it writes: what a burst can fill while the disk is slow.
    pub spare_segments: usize,
    /// Names of those who read everything; a segment is recycled once all of them have passed it.
    pub cursors: Vec<String>,
    /// Time from the start of one sync to the next while nobody waits for the disk: what a power cut may take is what
    /// was written in it, and during the sync. With none, the sync thread never rests under load.
    pub sync_interval: Duration,
    /// Bytes per worker that may be written and not durable. They are kept in memory, in case the disk fails a
    /// sync; beyond, append refuses. It covers a stall of the disk of some seconds.
    pub unsynced_bytes: usize,
    /// Microseconds of a clock that never steps: frames that are not durable age by it. The machine's time would make
    /// them younger when it is set back, and a power cut would take more than was published.
    pub ticks: fn() -> i64,
}

/// Since this was first asked.
fn ticks() -> i64 {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    i64::try_from(BEGUN.elapsed().as_micros()).unwrap_or(i64::MAX)
}

/// The usual size of a segment. 32 MiB: some seconds at full load, and quick to search after a crash.
pub const SEGMENT_BYTES: u64 = 32 << 20;
/// 128 MiB: ten seconds of a stalled disk at 100,000 clicks a second on one worker.
const UNSYNCED_BYTES: usize = 128 << 20;
/// Keeps the published window at some twenty milliseconds and a sync; each worker that writes costs one sync in it.
pub const SYNC_INTERVAL: Duration = Duration::from_millis(20);
/// Longest name of a cursor.
const NAME_MAX: usize = 32;

impl Options {
    /// Sensible values for everything else.
    pub fn new(dir: impl Into<PathBuf>, edge: u16, workers: u8) -> Self {
        Self {
            dir: dir.into(),
            edge,
            workers,
            segment_bytes: SEGMENT_BYTES,
            spare_segments: 2,
            cursors: Vec::new(),
            sync_interval: SYNC_INTERVAL,
            unsynced_bytes: UNSYNCED_BYTES,
            ticks,
        }
    }

    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        if self.workers == 0 {
            return Err(OptionsError::NoWorkers);
        }
        // Slots are numbered with 32 bits.
        let largest = u64::from(u32::MAX) * 64;
        if !self.segment_bytes.is_multiple_of(HEADER_BYTES)
            || !(MIN_SEGMENT_BYTES..=largest).contains(&self.segment_bytes)
        {
            return Err(OptionsError::SegmentBytes(self.segment_bytes));
        }
        if self.spare_segments == 0 {
            return Err(OptionsError::NoSpares);
        }
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        for name in &self.cursors {
            if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(good) {
                return Err(OptionsError::CursorName(name.clone()));
            }
        }
        Ok(())
    }
}

/// Why a journal cannot be kept like that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// Nobody would write.
    #[error("a journal needs at least one worker")]
    NoWorkers,
    /// Not a multiple of a page, too small or too large.
    #[error("a segment of {0} bytes is not a multiple of 4096 or out of range")]
    SegmentBytes(u64),
    /// Nothing to roll to.
    #[error("a journal needs at least one spare segment")]
    NoSpares,
    /// A cursor's name becomes part of a file name.
    #[error("{0:?} is not a cursor's name: 1 to 32 of a-z, 0-9 and '_'")]
    CursorName(String),
}
