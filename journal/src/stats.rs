//! What a journal says about itself, for metrics and readiness.

use std::time::Duration;

/// A reading of everything that is counted. Totals are since this start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    /// Frames written.
    pub frames: u64,
    /// Bytes of frames written, headers and padding included.
    pub bytes: u64,
    /// Frames written and not yet durable.
    pub unsynced_frames: u64,
    /// Bytes written and not yet durable (kept in memory until they are).
    pub unsynced_bytes: u64,
    /// Appends refused for want of space.
    pub refused: u64,
    /// Files synced.
    pub syncs: u64,
    /// Time spent in syncs.
    pub sync_time: Duration,
    /// The longest sync.
    pub slowest_sync: Duration,
    /// Syncs that failed; each ended its segment.
    pub sync_errors: u64,
    /// Segments prepared and waiting for a writer.
    pub ready_segments: u64,
    /// Segments of this start that hold frames.
    pub live_segments: u64,
    /// Segments of earlier starts that hold frames not yet released.
    pub old_segments: u64,
    /// Released files waiting for reuse.
    pub spare_files: u64,
    /// Files of the reserve for the records of starts on a full disk; sixteen if it is whole.
    pub reserve_files: u64,
    /// Attempts to prepare a segment that failed, most often because the disk is full.
    pub spare_errors: u64,
    /// Why the last attempt to prepare a segment failed, if it did.
    pub spare_error: Option<String>,
    /// Bytes that can still be appended: the ready and spare files, and the free space of the file system. With the
    /// rate of `bytes` this gives the hours that are left.
    pub space_left: u64,
    /// Whether the background threads run. If not, nothing becomes durable any more.
    pub threads_alive: bool,
}
