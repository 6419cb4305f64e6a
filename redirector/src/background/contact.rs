//! How far the edge has followed the core, and when it last heard from it. Read by every worker, for `max_stale`.

use attribution_core::history::FeedPosition;
use attribution_core::time::Instant;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How far the edge has followed the core. Written by the change feed alone.
#[derive(Debug)]
pub struct Contact {
    position: Mutex<FeedPosition>,
    /// The number of the position, for those who may not wait for its lock: every click asks.
    applied: AtomicU64,
    head: AtomicU64,
    /// Zero until the core has been heard.
    heard_ms: AtomicI64,
}

impl Contact {
    /// `position` is how far the table's snapshot has followed the core; `heard` is when the snapshot's edge had
    /// last heard from the core, if that is known.
    pub fn new(position: FeedPosition, heard: Option<Instant>) -> Self {
        Self {
            position: Mutex::new(position),
            applied: AtomicU64::new(position.number),
            head: AtomicU64::new(position.number),
            heard_ms: AtomicI64::new(heard.map_or(0, Instant::millis)),
        }
    }

    /// The last change number in the table.
    pub fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    /// The last change in the table, and the history that gave its number.
    pub fn position(&self) -> FeedPosition {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the table holds all that the core had when it was last heard.
    pub fn is_current(&self) -> bool {
        self.applied() >= self.head.load(Ordering::Acquire)
    }

    /// When the table last held everything that the core had, if ever.
    pub fn heard(&self) -> Option<Instant> {
        match self.heard_ms.load(Ordering::Relaxed) {
            0 => None,
            millis => Some(Instant(millis)),
        }
    }

    pub(super) fn set_position(&self, position: FeedPosition) {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner) = position;
        self.applied.store(position.number, Ordering::Release);
    }

    pub(super) fn set_head(&self, head: u64, now: Instant) {
        self.head.store(head, Ordering::Release);
        if self.is_current() {
            self.heard_ms.store(now.millis(), Ordering::Relaxed);
        }
    }
}
