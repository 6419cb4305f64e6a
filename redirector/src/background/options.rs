//! What an operator may choose about the background work.

use crate::config::SNAPSHOT_EVERY;
use redis_view::RedisOptions;
use std::time::Duration;

/// How the background works.
#[derive(Debug, Clone)]
pub struct BackgroundOptions {
    /// From one question for changes to the next at least. The core may wait with its answer for a change.
    pub feed_every: Duration,
    /// Changes per question.
    pub feed_page: u32,
    /// A changed table is saved after so many changes ...
    pub snapshot_changes: u64,
    /// ... or so much time, whichever comes first.
    pub snapshot_every: Duration,
    /// Pause between two heartbeats.
    pub heartbeat_every: Duration,
    /// Durable frames wait for company at most so long before they are shipped.
    pub linger: Duration,
    /// Batches on their way at once, over all streams.
    pub batches_in_flight: usize,
    /// Where last-click and binding records go, if anywhere.
    pub recorder: Option<RecorderOptions>,
    /// Random numbers for the length of pauses, so that a fleet does not come back all at once.
    pub jitter: fn() -> u32,
}

impl Default for BackgroundOptions {
    fn default() -> Self {
        Self {
            feed_every: Duration::from_millis(100),
            feed_page: 1_000,
            snapshot_changes: 100_000,
            snapshot_every: SNAPSHOT_EVERY,
            heartbeat_every: Duration::from_secs(1),
            // A commit costs the core as much as a few hundred rows; the lag stays well below a quarter second.
            linger: Duration::from_millis(40),
            batches_in_flight: 4,
            recorder: None,
            // Without randomness the pauses have no jitter, which is no reason to fail.
            jitter: || getrandom::u32().unwrap_or(u32::MAX),
        }
    }
}

/// Where last-click and binding records go.
#[derive(Debug, Clone)]
pub struct RecorderOptions {
    /// The server or cluster.
    pub redis: RedisOptions,
    /// Frames that the journal keeps for the recorder although the core has them. Beyond this a Redis that is away
    /// loses provisional records (the core writes the authoritative ones); the disk does not fill.
    pub hold_frames: u64,
}

impl RecorderOptions {
    /// To this Redis, with the usual hold.
    pub const fn new(redis: RedisOptions) -> Self {
        Self { redis, hold_frames: 2_000_000 }
    }
}
