//! A database of the core's as it is on the first day, for tests that look at SQLite itself.

use super::migrate::{Dialect, migrate};
use super::sqlite::SqliteConnection;
use super::tx::{Connection as _, Mode};
use attribution_core::time::Instant;
use rusqlite::Connection;
use tempfile::TempDir;

/// Its folder, and a connection of the test's own.
pub(super) fn database() -> (TempDir, Connection) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("core.db");
    let mut core = SqliteConnection::open(&path, false).unwrap();
    core.begin(Mode::Write).unwrap();
    migrate(&mut core, Dialect::Sqlite, Instant(0)).unwrap();
    core.commit().unwrap();
    let db = Connection::open(&path).unwrap();
    db.pragma_update(None, "synchronous", "OFF").unwrap();
    (dir, db)
}
