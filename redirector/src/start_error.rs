//! Why an edge does not start.

use crate::agents::AgentsError;
use crate::background;
use crate::listen::ListenError;
use std::io;
use std::path::PathBuf;

/// Why an edge did not start. Nothing is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It needs 1 to 128 workers.
    #[error("an edge has 1 to 128 workers, not {0}")]
    Workers(u8),
    /// The public base cannot stand in a link.
    #[error("the public base {0} is not an http or https address of a host")]
    PublicBase(String),
    /// The pattern file.
    #[error("the agent patterns cannot be used")]
    Agents(#[from] AgentsError),
    /// The data directory.
    #[error("the data directory {0} cannot be used")]
    DataDir(PathBuf, #[source] io::Error),
    /// The address.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The journal.
    #[error("the journal cannot be opened")]
    Journal(#[from] journal::OpenError),
    /// The background.
    #[error("the background cannot be started")]
    Background(#[from] background::SpawnError),
    /// Not the key that its table's codes were made with: every link would be unknown.
    #[error(
        "the key of the codes' check character is not the one that this edge has served with: restore check.key, or \
         give this edge a data directory of its own"
    )]
    CheckKey,
    /// No threads, or no randomness.
    #[error("the system gives no threads or no random bytes")]
    System(#[source] io::Error),
}
