//! Why a call to the core failed, and what the caller may do about it.

use std::time::Duration;

/// What stands behind an error.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a call to the core failed. Display says this level only; the cause is in `source()`.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// No connection, a connection that broke, or a core that is shutting down. Whether the call took effect is
    /// unknown.
    #[error("the core cannot be reached")]
    Unreachable(#[source] Source),
    /// No answer in time. Whether the call took effect is unknown.
    #[error("the core did not answer within {0:?}")]
    TimedOut(Duration),
    /// The core asks for patience (429, 503, or a store that is away).
    #[error("the core is busy")]
    Busy {
        /// How long it asks to be left alone, if it says so.
        retry_after: Option<Duration>,
    },
    /// The core failed in itself (5xx).
    #[error("the core failed: {0}")]
    Failed(String),
    /// The batch does not begin where the core's cursor stands.
    #[error("the core expects sequence {next_sequence}")]
    CursorMismatch {
        /// Where the core's cursor stands.
        next_sequence: u64,
    },
    /// The core does not accept this edge's token, or not for this edge.
    #[error("the core does not accept this edge's token")]
    Unauthorised,
    /// More than the core takes at once.
    #[error("the core finds the batch too large")]
    TooLarge,
    /// The core understood and refused; the same bytes will be refused again.
    #[error("the core refused: {code} (status {status})")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The problem's stable code, or empty.
        code: String,
    },
    /// The core's answer is not what was agreed: another version, or something else answers at its address.
    #[error("the core's answer makes no sense: {0}")]
    BadAnswer(String),
}

/// What a caller does after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Say the same again after a pause.
    Later,
    /// Go to this sequence number and go on from there at once.
    From(u64),
    /// Send less at once.
    Smaller,
    /// Nothing changes until a person changes something: pause long, and say it aloud.
    AfterRepair,
}

impl LinkError {
    /// What a caller does now.
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Unreachable(_) | Self::TimedOut(_) | Self::Busy { .. } | Self::Failed(_) => Retry::Later,
            Self::CursorMismatch { next_sequence } => Retry::From(*next_sequence),
            Self::TooLarge => Retry::Smaller,
            Self::Unauthorised | Self::Refused { .. } | Self::BadAnswer(_) => Retry::AfterRepair,
        }
    }

    /// How long the core asked to be left alone.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => *retry_after,
            _ => None,
        }
    }

    /// A short name for metrics: one of a closed set.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::TimedOut(_) => "timed_out",
            Self::Busy { .. } => "busy",
            Self::Failed(_) => "failed",
            Self::CursorMismatch { .. } => "cursor_mismatch",
            Self::Unauthorised => "unauthorised",
            Self::TooLarge => "too_large",
            Self::Refused { .. } => "refused",
            Self::BadAnswer(_) => "bad_answer",
        }
    }
}
