//! Whether the edge can serve, and if not, why: for the operator's `/readyz`, never for a client.

use std::fmt;

/// One reason why the edge should get no traffic now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotReady {
    /// The table is empty and the core has not been heard: every link would be a miss.
    TableEmpty,
    /// The first load is under way: the table has never held all that the core had, and live links would be misses.
    TableIncomplete,
    /// The journal takes no frames.
    JournalFailed(String),
    /// A worker thread has ended.
    WorkerLost(u8),
    /// It is shutting down.
    Draining,
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TableEmpty => f.write_str("the table is empty and the core has not been heard yet"),
            Self::TableIncomplete => {
                f.write_str("the table has never held all that the core had: the first load is not finished")
            }
            Self::JournalFailed(why) => write!(f, "the journal takes no frames: {why}"),
            Self::WorkerLost(worker) => write!(f, "worker {worker} has ended"),
            Self::Draining => f.write_str("shutting down"),
        }
    }
}

/// The reasons; none means ready.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Why not.
    pub reasons: Vec<NotReady>,
    /// Age in milliseconds of the oldest click that a power cut now would take.
    pub unsynced_ms: u64,
}

impl Readiness {
    /// Whether the edge can serve.
    pub const fn is_ready(&self) -> bool {
        self.reasons.is_empty()
    }
}
