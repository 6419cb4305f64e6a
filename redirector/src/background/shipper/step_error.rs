//! Why a step of a stream did not succeed.

use crate::core_link::{LinkError, Retry};
use journal::ReadError;
use std::time::Duration;

/// Why a step did not succeed.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    #[error("the core did not take it")]
    Link(#[from] LinkError),
    #[error("the journal could not be read")]
    Read(#[from] ReadError),
    #[error("the journal has released the whole stream")]
    Gone,
    #[error("the core stands at {next_sequence}, beyond the end of what this edge has ({end})")]
    CoreAhead { next_sequence: u64, end: u64 },
}

impl StepError {
    pub(super) const fn reason(&self) -> &'static str {
        match self {
            Self::Link(error) => error.reason(),
            Self::Read(_) | Self::Gone => "journal",
            Self::CoreAhead { .. } => "core_ahead",
        }
    }

    /// Whether it stays until somebody repairs something.
    pub(super) fn needs_repair(&self) -> bool {
        match self {
            Self::Link(link) => link.retry() == Retry::AfterRepair,
            Self::Read(_) | Self::Gone | Self::CoreAhead { .. } => true,
        }
    }

    /// How long the core asked us to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Link(link) => link.retry_after(),
            Self::Read(_) | Self::Gone | Self::CoreAhead { .. } => None,
        }
    }
}
