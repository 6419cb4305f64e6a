//! Where the core keeps everything: one seam, SQLite or PostgreSQL behind it.
//!
//! Domain code is written once as synchronous functions over [`Tx`]; [`Store::write`] and [`Store::read`] run
//! them on threads that own the connections. A closure may run more than once (a deadlock, a busy database), so it
//! must do nothing outside the transaction.

mod clicks;
mod list;
mod migrate;
#[cfg(test)]
mod planner_tests;
mod postgres;
mod query;
mod queue;
mod row;
mod sqlite;
mod text;
mod threads;
mod tx;
mod value;
mod visitor_index;
#[cfg(test)]
mod young;

pub use clicks::ClickInsert;
pub(crate) use list::List;
pub use migrate::MigrateError;
pub use postgres::{PostgresUrl, PostgresUrlError};
pub(crate) use query::Query;
pub use row::Row;
pub(crate) use text::{from_json, read, to_json};
pub use threads::{OpenStoreError, Store};
pub use tx::{Mode, Tx};
pub use value::Param;

use crate::random::NoRandomness;
use std::path::PathBuf;

/// Statements that a connection keeps prepared: about as many as the core has places that ask, so that those in daily use
/// stay. More are let go, the one not used for longest first.
const STATEMENTS_KEPT: usize = 512;

/// Which database.
#[derive(Clone)]
pub enum StoreConfig {
    /// A file of this process.
    Sqlite {
        /// The database file; made if absent.
        path: PathBuf,
    },
    /// A server, version 15 or newer.
    Postgres {
        /// `postgres://user:password@host/database`, as [`PostgresUrl`] reads it.
        url: String,
        /// A schema to work in, made if absent; the server's default if `None`.
        schema: Option<String>,
        /// Connections for writes, and as many again for reads.
        connections: usize,
    },
}

impl std::fmt::Debug for StoreConfig {
    /// A URL may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite { path } => f.debug_struct("Sqlite").field("path", path).finish(),
            Self::Postgres { schema, connections, .. } => f
                .debug_struct("Postgres")
                .field("schema", schema)
                .field("connections", connections)
                .finish_non_exhaustive(),
        }
    }
}

/// Why a transaction did not happen, or is not known to have happened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Too many transactions wait already; try again later.
    #[error("the store has too much to do")]
    Overloaded,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// A row with the same key is there already.
    #[error("a row with the same key exists ({constraint})")]
    Unique {
        /// Which key.
        constraint: String,
    },
    /// Every attempt met another transaction in its way.
    #[error("gave up after {attempts} attempts that other transactions got in the way of")]
    Contention {
        /// Attempts made.
        attempts: u32,
    },
    /// A deadlock, a serialization failure, or a busy file: another attempt may succeed.
    #[error("another transaction was in the way")]
    Transient(#[source] Cause),
    /// The database's URL cannot be used as it is.
    #[error("the database's URL cannot be used")]
    Address(#[source] Cause),
    /// The database sorts texts by a language's rules and not by their bytes.
    #[error(
        "the database sorts text by a language's rules: make one with \
         CREATE DATABASE ... TEMPLATE template0 LOCALE 'C.UTF-8'"
    )]
    Collation,
    /// The database cannot be reached; nothing was changed.
    #[error("the database cannot be reached")]
    Unreachable(#[source] Cause),
    /// The connection was lost while committing: it may have happened or not. Repeating with the same
    /// idempotency key is safe.
    #[error("the connection was lost while committing; the outcome is unknown")]
    CommitUnknown(#[source] Cause),
    /// The database answers and takes nothing now: its disk is full or fails, it has no room for us, or it only reads
    /// because another server has taken its place. Nothing was changed.
    #[error("the database takes nothing now")]
    Unusable(#[source] Cause),
    /// The database refused a statement.
    #[error("the database refused a statement")]
    Refused(#[source] Cause),
    /// A row breaks a rule of the database other than a key: the same row will be refused again, others may be taken.
    #[error("the database does not take a row")]
    Unfit(#[source] Cause),
    /// A row that must be there is not.
    #[error("a row that must exist is missing")]
    NoRow,
    /// A column holds something else than the code expects.
    #[error("column {column} should hold {wanted} but holds {found}")]
    Column {
        /// Position in the statement.
        column: usize,
        /// What the code expects.
        wanted: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// Stored text or bytes are not what they should be.
    #[error("stored {what} cannot be read")]
    Corrupt {
        /// Which.
        what: &'static str,
        /// Why.
        #[source]
        cause: Cause,
    },
    /// A text of the request has the character U+0000, which PostgreSQL has no place for.
    #[error("text must not have the character U+0000")]
    Nul,
    /// The transaction's code needed randomness.
    #[error("a transaction could not be made")]
    Randomness(#[from] NoRandomness),
    /// The transaction's code panicked; it was rolled back.
    #[error("the transaction's code panicked")]
    Panicked,
}

/// What lies below a store error.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

impl StoreError {
    /// Stored text or bytes are not the `what` that they should be; for `map_err`.
    pub(crate) fn corrupt<E: Into<Cause>>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |cause| Self::Corrupt { what, cause: cause.into() }
    }

    /// Whether repeating the same request later may succeed without anybody changing the request.
    pub const fn may_retry(&self) -> bool {
        matches!(
            self,
            Self::Overloaded
                | Self::Contention { .. }
                | Self::Transient(_)
                | Self::Unreachable(_)
                | Self::Unusable(_)
                | Self::CommitUnknown(_)
        )
    }
}
