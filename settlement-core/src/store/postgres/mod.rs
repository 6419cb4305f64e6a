//! The seam on PostgreSQL: the synchronous client, one connection per store thread.

mod address;
mod copy;
mod statements;
mod statistics;
mod tls;

pub use address::{PostgresUrl, PostgresUrlError};

use self::statements::Statements;
use self::tls::Connector;
use super::clicks::COLUMNS;
use super::row::Answer;
use super::tx::{Connection, Mode, Owed, Tx};
use super::{ClickInsert, Param, Row, STATEMENTS_KEPT, StoreError, value};
use attribution_core::ids::VisitorId;
use bytes::{BufMut, BytesMut};
use postgres::error::SqlState;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, Statement};
use std::time::Duration;

type Boxed = Box<dyn std::error::Error + Send + Sync>;

/// A server that does not answer a connection attempt in this time is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A dead peer is noticed by the kernel after this time without traffic.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);
/// No statement of the core may take longer; a stuck one must not hold a connection for ever.
const SESSION: &str = "SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '60s'; \
                       SET client_min_messages = 'warning'; SET synchronous_commit = 'on'";

/// One connection, remade when lost.
pub(super) struct PgConnection {
    config: Config,
    connector: Connector,
    schema: Option<String>,
    client: Option<Client>,
    statements: Statements<Statement>,
    transient: bool,
    writing: bool,
    /// The server only reads: another one has taken its place.
    demoted: bool,
    /// Rows written since it was last looked how large the tables are.
    written: u64,
    copy_clicks: String,
    buffer: Vec<u8>,
}

impl PgConnection {
    pub(super) fn open(url: &str, schema: Option<String>) -> Result<Self, StoreError> {
        let PostgresUrl { mut config, tls } =
            url.parse().map_err(|e: PostgresUrlError| StoreError::Address(e.into()))?;
        let connector = tls.connector().map_err(|e| StoreError::Address(e.into()))?;
        config
            .connect_timeout(CONNECT_TIMEOUT)
            .keepalives_idle(KEEPALIVE_IDLE)
            .application_name("yinke-core");
        let mut connection = Self {
            config,
            connector,
            schema,
            client: None,
            statements: Statements::new(STATEMENTS_KEPT),
            transient: false,
            writing: false,
            demoted: false,
            written: 0,
            copy_clicks: format!("COPY clicks ({COLUMNS}) FROM STDIN (FORMAT binary)"),
            buffer: Vec::new(),
        };
        // What the core sorts, compares and pages through is in the order of its bytes, here as in SQLite.
        let row = connection.client()?.query_one("SELECT 'Z' < 'a'", &[]).map_err(classify)?;
        if !row.get::<_, bool>(0) {
            return Err(StoreError::Collation);
        }
        Ok(connection)
    }

    fn client(&mut self) -> Result<&mut Client, StoreError> {
        if self.client.as_ref().is_some_and(Client::is_closed) {
            self.client = None;
        }
        if self.client.is_none() {
            self.statements.forget();
            let unreachable = |e: postgres::Error| StoreError::Unreachable(e.into());
            let mut client = self.config.connect(self.connector.clone()).map_err(unreachable)?;
            client.batch_execute(SESSION).map_err(unreachable)?;
            if let Some(schema) = &self.schema {
                let name = schema.replace('"', "\"\"");
                client
                    .batch_execute(&format!(
                        "CREATE SCHEMA IF NOT EXISTS \"{name}\"; SET search_path TO \"{name}\""
                    ))
                    .map_err(unreachable)?;
            }
            return Ok(self.client.insert(client));
        }
        self.client.as_mut().ok_or(StoreError::Closed)
    }

    /// The open transaction's connection. It never reconnects: half a transaction must not go on elsewhere.
    fn open_client(&mut self) -> Result<&mut Client, StoreError> {
        self.client.as_mut().ok_or_else(|| StoreError::Unreachable("the connection was lost".into()))
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement);
        }
        let result = self.open_client()?.prepare(sql);
        let statement = result.map_err(|e| self.fail(e))?;
        self.statements.keep(sql, statement.clone());
        Ok(statement)
    }

    fn fail(&mut self, error: postgres::Error) -> StoreError {
        if self.writing && error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) {
            self.demoted = true;
            return StoreError::Unusable(error.into());
        }
        let error = classify(error);
        // A connection lost in the middle has changed nothing: begin again on a new one.
        self.transient = matches!(error, StoreError::Transient(_) | StoreError::Unreachable(_));
        error
    }
}

fn classify(error: postgres::Error) -> StoreError {
    let Some(db) = error.as_db_error() else {
        return if error.is_closed()
            || std::error::Error::source(&error).is_some_and(|s| s.is::<std::io::Error>())
        {
            StoreError::Unreachable(error.into())
        } else {
            StoreError::Refused(error.into())
        };
    };
    let state = db.code();
    if *state == SqlState::T_R_SERIALIZATION_FAILURE || *state == SqlState::T_R_DEADLOCK_DETECTED {
        StoreError::Transient(error.into())
    } else if *state == SqlState::UNIQUE_VIOLATION {
        StoreError::Unique { constraint: db.constraint().unwrap_or_default().to_owned() }
    } else if state.code().starts_with("57P") || state.code().starts_with("08") {
        // The server shuts down, or lost us.
        StoreError::Unreachable(error.into())
    } else if ["53", "58"].iter().any(|class| state.code().starts_with(class)) {
        // Disk, memory or connections have run out; the disk fails.
        StoreError::Unusable(error.into())
    } else if ["22", "23", "P0001"].iter().any(|class| state.code().starts_with(class)) {
        // A value out of range, a rule of the table, a trigger of the operator's own.
        StoreError::Unfit(error.into())
    } else {
        StoreError::Refused(error.into())
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Boxed> {
        match (self, ty) {
            (Param::Null, _) => return Ok(IsNull::Yes),
            (Param::Int(value), &Type::INT8) => out.put_i64(*value),
            (Param::Int(value), &Type::INT4) => out.put_i32(i32::try_from(*value)?),
            (Param::Int(value), &Type::INT2) => out.put_i16(i16::try_from(*value)?),
            (Param::Text(value), &Type::TEXT | &Type::VARCHAR) => out.put_slice(value.as_bytes()),
            (Param::Blob(value), &Type::BYTEA) => out.put_slice(value),
            _ => return Err(format!("parameter {self:?} does not fit the type {ty}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::INT4 | Type::INT2 | Type::TEXT | Type::VARCHAR | Type::BYTEA)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Param<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Boxed> {
        Ok(match *ty {
            Type::INT8 => Self::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Self::Int(i16::from_sql(ty, raw)?.into()),
            Type::BOOL => Self::Int(bool::from_sql(ty, raw)?.into()),
            Type::BYTEA => Self::Blob(raw),
            _ => Self::Text(<&str>::from_sql(ty, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Boxed> {
        Ok(Self::Null)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(
            *ty,
            Type::INT8 | Type::INT4 | Type::INT2 | Type::BOOL | Type::BYTEA | Type::TEXT | Type::VARCHAR
        )
    }
}

fn dynamic<'a>(params: &'a [Param<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    params.iter().map(|param| param as &(dyn ToSql + Sync)).collect()
}

/// Two 32-bit halves of a stable hash: advisory locks are numbered.
fn lock_number(scope: &str) -> i64 {
    xxhash_rust::xxh3::xxh3_64(scope.as_bytes()).cast_signed()
}

impl Tx for PgConnection {
    fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        value::check(params)?;
        let statement = self.prepare(sql)?;
        let result = self.open_client()?.execute(&statement, &dynamic(params));
        let changed = result.map_err(|e| self.fail(e))?;
        self.written += changed;
        Ok(changed)
    }

    fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        value::check(params)?;
        let statement = self.prepare(sql)?;
        let result = self.open_client()?.query(&statement, &dynamic(params));
        let rows = result.map_err(|e| self.fail(e))?;
        let mut answer = Answer::default();
        for row in &rows {
            for column in 0..row.len() {
                answer.push(row.try_get(column).map_err(|e| self.fail(e))?);
            }
        }
        Ok(answer.rows(statement.columns().len()))
    }

    fn lock(&mut self, scope: &str) -> Result<(), StoreError> {
        self.query("SELECT CAST(pg_advisory_xact_lock($1) AS TEXT)", &[Param::Int(lock_number(scope))])?;
        Ok(())
    }

    fn insert_clicks(&mut self, rows: &[ClickInsert<'_>]) -> Result<(), StoreError> {
        let Some(client) = self.client.as_mut() else {
            return Err(StoreError::Unreachable("the connection was lost".into()));
        };
        let copied = copy::rows(client, &self.copy_clicks, rows, &mut self.buffer, copy::click);
        self.written += copied.map_err(|e| self.fail(e))?;
        Ok(())
    }

    fn insert_rows(&mut self, table: &str, columns: &[&str], values: &[Param<'_>]) -> Result<(), StoreError> {
        value::check(values)?;
        let Some(client) = self.client.as_mut() else {
            return Err(StoreError::Unreachable("the connection was lost".into()));
        };
        let sql = format!("COPY {table} ({}) FROM STDIN (FORMAT binary)", columns.join(", "));
        let rows = values.chunks(columns.len());
        let copied = copy::rows(client, &sql, rows, &mut self.buffer, copy::values);
        self.written += copied.map_err(|e| self.fail(e))?;
        Ok(())
    }

    fn before_asking_by_visitor(&mut self) -> Result<(), StoreError> {
        Ok(()) // The index is complete.
    }

    fn visitors_after(&mut self, after: &[u8], most: usize) -> Result<Vec<VisitorId>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = self.query(
            "SELECT DISTINCT visitor FROM earning_clicks WHERE visitor > $1 ORDER BY visitor LIMIT $2",
            &[Param::Blob(after), Param::Int(most)],
        )?;
        rows.iter().map(|row| Ok(VisitorId(row.id16(0)?))).collect()
    }

    fn require_writable(&mut self) -> Result<(), StoreError> {
        // What this transaction may do says nothing: it may be one that reads.
        let sql = "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on'";
        let row = self.query_one(sql, &[])?;
        let why = match (row.flag(0)?, row.flag(1)?) {
            (false, false) => return Ok(()),
            (true, _) => "the server is a replica",
            (false, true) => "the server's default_transaction_read_only is on",
        };
        // The writers have left such a server as soon as it refused them; who only reads is told here.
        self.demoted = true;
        Err(StoreError::Unusable(why.into()))
    }

    fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        let result = self.open_client()?.batch_execute(sql);
        result.map_err(|e| self.fail(e))
    }
}

impl Connection for PgConnection {
    fn begin(&mut self, mode: Mode) -> Result<(), StoreError> {
        (self.transient, self.writing) = (false, mode == Mode::Write);
        let sql = match mode {
            Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Mode::Write => "BEGIN ISOLATION LEVEL READ COMMITTED",
        };
        let kept = self.client.is_some();
        let Err(error) = self.client()?.batch_execute(sql) else { return Ok(()) };
        match self.fail(error) {
            // The server hung up since this connection was used last: a new one tells whether it is there.
            StoreError::Unreachable(_) if kept => {
                self.client = None;
                let result = self.client()?.batch_execute(sql);
                result.map_err(|e| self.fail(e))
            }
            error => Err(error),
        }
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let result = self.open_client()?.batch_execute("COMMIT");
        result.map_err(|e| match self.fail(e) {
            StoreError::Unreachable(cause) => {
                self.transient = false;
                StoreError::CommitUnknown(cause)
            }
            other => other,
        })
    }

    fn rollback(&mut self) {
        if std::mem::take(&mut self.demoted) {
            // The next transaction looks for the server that writes.
            self.client = None;
        }
        if let Some(client) = self.client.as_mut()
            && client.batch_execute("ROLLBACK").is_err()
        {
            self.client = None;
        }
    }

    fn catch_up(&mut self) -> Result<Owed, StoreError> {
        self.written = 0;
        self.begin(Mode::Write)?;
        match statistics::catch_up(self).and_then(|measured| self.commit().map(|()| measured)) {
            Ok(measured) => {
                if !measured.is_empty() {
                    tracing::info!(
                        tables = measured.join(", "),
                        "tables that have grown manyfold were measured"
                    );
                }
                Ok(Owed::Nothing)
            }
            Err(error) => {
                self.rollback();
                Err(error)
            }
        }
    }

    fn owed(&mut self) -> Result<Owed, StoreError> {
        Ok(if self.written < statistics::ROWS { Owed::Nothing } else { Owed::OneStep })
    }

    fn failed_transiently(&self) -> bool {
        self.transient
    }
}
