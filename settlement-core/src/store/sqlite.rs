//! The seam on SQLite: one file, write-ahead log, every commit on disk before it returns.

use super::clicks::COLUMNS;
use super::row::Answer;
use super::tx::{Connection, Mode, Owed, Tx};
use super::visitor_index;
use super::{ClickInsert, Param, Row, STATEMENTS_KEPT, StoreError, value};
use attribution_core::ids::VisitorId;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, Statement, ToSql};
use rustix::fs::StatVfsMountFlags;
use std::path::Path;
use std::time::Duration;

/// How long a statement waits for another process's lock before it counts as busy.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// One connection to the file.
pub(super) struct SqliteConnection {
    inner: rusqlite::Connection,
    transient: bool,
    writing: bool,
    /// Writes are refused. Saying so makes SQLite plan all statements anew: it is said when it changes.
    query_only: bool,
    insert_clicks: String,
}

impl SqliteConnection {
    /// `mapped`: pages are read where the operating system has them, without a call and a copy each.
    pub(super) fn open(path: &Path, mapped: bool) -> Result<Self, StoreError> {
        let inner = rusqlite::Connection::open(path).map_err(|e| StoreError::Unreachable(e.into()))?;
        inner.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        let setup = || -> rusqlite::Result<()> {
            inner.busy_timeout(BUSY_TIMEOUT)?;
            inner.pragma_update(None, "journal_mode", "WAL")?;
            // NORMAL may roll back committed transactions at a power cut; edges would have let go of the clicks.
            inner.pragma_update(None, "synchronous", "FULL")?;
            inner.pragma_update(None, "foreign_keys", "ON")?;
            inner.pragma_update(None, "temp_store", "MEMORY")?;
            // In KiB when negative. The tail of the click table and its index should stay in memory.
            inner.pragma_update(None, "cache_size", -65_536)?;
            // In pages. Checkpoints move the same hot pages again and again when they come too often.
            inner.pragma_update(None, "wal_autocheckpoint", 8_192)?;
            if mapped {
                // As much as this SQLite was compiled for.
                inner.pragma_update(None, "mmap_size", i64::MAX)?;
                // Else each new bound of a range makes SQLite plan its statement anew.
                inner.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            }
            Ok(())
        };
        setup().map_err(|e| StoreError::Unreachable(e.into()))?;
        if mapped {
            empty_log(&inner);
        }
        let insert_clicks =
            format!("INSERT INTO clicks ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
        Ok(Self { inner, transient: false, writing: false, query_only: false, insert_clicks })
    }

    fn fail(transient: &mut bool, error: rusqlite::Error) -> StoreError {
        let error = classify(error);
        *transient = matches!(error, StoreError::Transient(_));
        error
    }
}

/// Moves what is committed from the log into the file, as far as nobody is in the way: otherwise a reader looks for every
/// page in the log first. A process that was killed leaves much there.
fn empty_log(connection: &rusqlite::Connection) {
    let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = done {
        tracing::debug!(%error, "the log stays as it is");
    }
}

fn classify(error: rusqlite::Error) -> StoreError {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
    if let rusqlite::Error::SqliteFailure(failure, message) = &error {
        match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                return StoreError::Transient(error.into());
            }
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory => {
                return StoreError::Unusable(error.into());
            }
            ErrorCode::ConstraintViolation
                if matches!(
                    failure.extended_code,
                    SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_UNIQUE
                ) =>
            {
                return StoreError::Unique { constraint: message.clone().unwrap_or_default() };
            }
            ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig => {
                return StoreError::Unfit(error.into());
            }
            _ => {}
        }
    }
    StoreError::Refused(error.into())
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Blob(value) => ValueRef::Blob(value),
        }))
    }
}

/// SQLite numbers `$n` by first appearance, PostgreSQL by n: bind by name.
fn bind(statement: &mut Statement<'_>, params: &[Param<'_>]) -> rusqlite::Result<()> {
    let mut name = String::with_capacity(4);
    for (position, param) in params.iter().enumerate() {
        name.clear();
        let _ = std::fmt::Write::write_fmt(&mut name, format_args!("${}", position + 1));
        match statement.parameter_index(&name)? {
            Some(index) => statement.raw_bind_parameter(index, param)?,
            None => return Err(rusqlite::Error::InvalidParameterName(name)),
        }
    }
    if statement.parameter_count() == params.len() {
        Ok(())
    } else {
        Err(rusqlite::Error::InvalidParameterCount(params.len(), statement.parameter_count()))
    }
}

fn execute(connection: &rusqlite::Connection, sql: &str, params: &[Param<'_>]) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    Ok(statement.raw_execute()? as u64)
}

fn query(connection: &rusqlite::Connection, sql: &str, params: &[Param<'_>]) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let mut answer = Answer::default();
    while let Some(row) = rows.next()? {
        take(row, columns, &mut answer)?;
    }
    Ok(answer.rows(columns))
}

/// The inner error is that of `show`.
fn each(
    connection: &rusqlite::Connection,
    sql: &str,
    params: &[Param<'_>],
    show: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
) -> rusqlite::Result<Result<(), StoreError>> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let mut shown = Row::of(columns);
    while let Some(row) = rows.next()? {
        take(row, columns, shown.emptied())?;
        if let Err(error) = show(&shown) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

fn take(row: &rusqlite::Row<'_>, columns: usize, answer: &mut Answer) -> rusqlite::Result<()> {
    for column in 0..columns {
        answer.push(match row.get_ref(column)? {
            ValueRef::Null => Param::Null,
            ValueRef::Integer(value) => Param::Int(value),
            ValueRef::Text(text) => Param::Text(std::str::from_utf8(text)?),
            ValueRef::Blob(bytes) => Param::Blob(bytes),
            ValueRef::Real(_) => return Err(rusqlite::Error::InvalidQuery),
        });
    }
    Ok(())
}

fn insert_clicks(
    connection: &rusqlite::Connection,
    sql: &str,
    rows: &[ClickInsert<'_>],
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    for row in rows {
        statement.raw_bind_parameter(1, &row.click.0[..])?;
        statement.raw_bind_parameter(2, row.effective.0)?;
        statement.raw_bind_parameter(3, row.edge.0)?;
        statement.raw_bind_parameter(4, row.ingested.0)?;
        statement.raw_bind_parameter(5, row.outcome)?;
        statement.raw_bind_parameter(6, row.visitor.is_some().then_some(&row.visitor.0[..]))?;
        statement.raw_bind_parameter(7, row.code.cast_signed())?;
        statement.raw_bind_parameter(8, row.placement)?;
        statement.raw_bind_parameter(9, row.target)?;
        statement.raw_bind_parameter(10, row.payload)?;
        statement.raw_execute()?;
    }
    visitor_index::put_off(connection, rows.iter().map(|row| row.click))
}

impl Tx for SqliteConnection {
    fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        value::check(params)?;
        execute(&self.inner, sql, params).map_err(|e| Self::fail(&mut self.transient, e))
    }

    fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        value::check(params)?;
        query(&self.inner, sql, params).map_err(|e| Self::fail(&mut self.transient, e))
    }

    fn each(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        show: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        value::check(params)?;
        each(&self.inner, sql, params, show).map_err(|e| Self::fail(&mut self.transient, e))?
    }

    fn lock(&mut self, _scope: &str) -> Result<(), StoreError> {
        Ok(()) // BEGIN IMMEDIATE holds the whole file already.
    }

    fn insert_clicks(&mut self, rows: &[ClickInsert<'_>]) -> Result<(), StoreError> {
        insert_clicks(&self.inner, &self.insert_clicks, rows).map_err(|e| Self::fail(&mut self.transient, e))
    }

    fn insert_rows(&mut self, table: &str, columns: &[&str], values: &[Param<'_>]) -> Result<(), StoreError> {
        value::check(values)?;
        let marks: Vec<String> = (1..=columns.len()).map(|n| format!("${n}")).collect();
        let sql = format!("INSERT INTO {table} ({}) VALUES ({})", columns.join(", "), marks.join(", "));
        for row in values.chunks(columns.len()) {
            execute(&self.inner, &sql, row).map_err(|e| Self::fail(&mut self.transient, e))?;
        }
        Ok(())
    }

    fn before_asking_by_visitor(&mut self) -> Result<(), StoreError> {
        if !self.writing {
            return Ok(());
        }
        visitor_index::before_asking(&self.inner).map_err(|e| Self::fail(&mut self.transient, e))
    }

    fn visitors_after(&mut self, after: &[u8], most: usize) -> Result<Vec<VisitorId>, StoreError> {
        visitor_index::visitors_after(&self.inner, after, most)
            .map_err(|e| Self::fail(&mut self.transient, e))
    }

    fn require_writable(&mut self) -> Result<(), StoreError> {
        // To open the file and close it again would let go of SQLite's locks on it.
        let disk = self.inner.path().and_then(|path| rustix::fs::statvfs(path).ok());
        if disk.is_some_and(|disk| disk.f_flag.contains(StatVfsMountFlags::RDONLY)) {
            return Err(StoreError::Unusable("the file system only reads".into()));
        }
        Ok(())
    }

    fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        self.inner.execute_batch(sql).map_err(|e| Self::fail(&mut self.transient, e))
    }
}

impl Connection for SqliteConnection {
    fn begin(&mut self, mode: Mode) -> Result<(), StoreError> {
        self.transient = false;
        self.writing = mode == Mode::Write;
        if self.query_only == self.writing {
            self.script(if self.writing { "PRAGMA query_only = OFF" } else { "PRAGMA query_only = ON" })?;
            self.query_only = !self.writing;
        }
        self.script(if self.writing { "BEGIN IMMEDIATE" } else { "BEGIN DEFERRED" })
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        // A failed COMMIT of SQLite leaves the transaction open and nothing changed.
        self.script("COMMIT")
    }

    fn rollback(&mut self) {
        if let Err(error) = self.inner.execute_batch("ROLLBACK") {
            // SQLite ends a transaction by itself after some errors (disk full, I/O).
            tracing::debug!(%error, "rollback had nothing to do");
        }
    }

    fn catch_up(&mut self) -> Result<Owed, StoreError> {
        self.begin(Mode::Write)?;
        let done = visitor_index::catch_up(&self.inner).map_err(|e| Self::fail(&mut self.transient, e));
        match done.and_then(|()| self.commit()) {
            // Whoever waits goes first, unless far too many clicks are looked through one by one.
            Ok(()) => Ok(match self.owed()? {
                Owed::OneStep => Owed::Some,
                owed => owed,
            }),
            Err(error) => {
                self.rollback();
                Err(error)
            }
        }
    }

    fn owed(&mut self) -> Result<Owed, StoreError> {
        visitor_index::owed(&self.inner).map_err(|e| Self::fail(&mut self.transient, e))
    }

    fn failed_transiently(&self) -> bool {
        self.transient
    }
}
