//! How far the edge has followed the core, and when it last heard from it. Read by every worker, for `max_stale`.

use attribution_core::time::Instant;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// How far the edge has followed the core. Written by the change feed alone.
#[derive(Debug)]
pub struct Contact {
    applied: AtomicU64,
    head: AtomicU64,
    /// Zero until the core has been heard.
    heard_ms: AtomicI64,
}

impl Contact {
    /// `applied` is the last change number in the table's snapshot, or zero; `heard` is when the snapshot's edge had
    /// last heard from the core, if that is known.
    pub fn new(applied: u64, heard: Option<Instant>) -> Self {
        Self {
            applied: AtomicU64::new(applied),
            head: AtomicU64::new(applied),
            heard_ms: AtomicI64::new(heard.map_or(0, Instant::millis)),
        }
    }

    /// The last change number in the table.
    pub fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
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

    pub(super) fn set_applied(&self, number: u64) {
        self.applied.store(number, Ordering::Release);
    }

    pub(super) fn set_head(&self, head: u64, now: Instant) {
        self.head.store(head, Ordering::Release);
        if self.is_current() {
            self.heard_ms.store(now.millis(), Ordering::Relaxed);
        }
    }
}
