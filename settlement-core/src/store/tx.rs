//! The seam: one synchronous transaction, the same SQL text on both databases.
//!
//! What the text may use: `$1` placeholders, BIGINT, TEXT and bytes, `ON CONFLICT`, `RETURNING`, `CAST(SUM(x) AS
//! BIGINT)` (a bare SUM is NUMERIC on PostgreSQL). What it may not: `FOR UPDATE` (SQLite has no row locks; take
//! [`Tx::lock`] or start with an `UPDATE ... RETURNING`), arrays, and anything that depends on the session.

use super::{ClickInsert, Param, Row, StoreError};
use attribution_core::ids::VisitorId;

/// A transaction in progress. It commits when the closure it was given to returns `Ok`, and rolls back otherwise.
pub trait Tx {
    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    /// If the database refuses it or is gone.
    fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64, StoreError>;

    /// Runs a statement and returns all its rows.
    ///
    /// # Errors
    /// If the database refuses it or is gone.
    fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError>;

    /// Waits until no other transaction holds `scope`, and holds it to the end of this one.
    ///
    /// Statements see what was committed before they start, so what is read after `lock` stays true for
    /// everything that is always changed under the same lock. SQLite has one writer: there it does nothing.
    ///
    /// # Errors
    /// If the database refuses it or is gone.
    fn lock(&mut self, scope: &str) -> Result<(), StoreError>;

    /// Inserts clicks the fastest way the database has. None may be there yet.
    ///
    /// # Errors
    /// [`StoreError::Unique`] if one is there already; the transaction is then good for nothing but rollback.
    fn insert_clicks(&mut self, rows: &[ClickInsert<'_>]) -> Result<(), StoreError>;

    /// Inserts many rows the fastest way the database has. `values` holds them one behind the other, in the order of
    /// `columns`; whole numbers belong into BIGINT columns.
    ///
    /// # Errors
    /// [`StoreError::Unique`] if one is there already; the transaction is then good for nothing but rollback.
    fn insert_rows(&mut self, table: &str, columns: &[&str], values: &[Param<'_>]) -> Result<(), StoreError>;

    /// Prepares for questions about clicks by visitor (`earning_clicks`): they are right without it, and quick after
    /// it. Only a transaction that writes can do it.
    ///
    /// # Errors
    /// If the database refuses it or is gone.
    fn before_asking_by_visitor(&mut self) -> Result<(), StoreError>;

    /// The visitors of clicks that may earn (`earning_clicks`), in their order, from behind `after`; at most `most`.
    ///
    /// # Errors
    /// If the database refuses it or is gone.
    fn visitors_after(&mut self, after: &[u8], most: usize) -> Result<Vec<VisitorId>, StoreError>;

    /// Refuses where nothing can be written, as far as the database says so without a write: it is a replica, or its disk
    /// only reads.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with the reason, or if the database is gone.
    fn require_writable(&mut self) -> Result<(), StoreError>;

    /// Runs a script of several statements (migrations).
    ///
    /// # Errors
    /// If the database refuses it or is gone.
    fn script(&mut self, sql: &str) -> Result<(), StoreError>;

    /// Shows each row of an answer as it comes, instead of keeping all of them. A row that is cloned is kept.
    ///
    /// # Errors
    /// If the database refuses the statement or is gone, or `show` fails.
    fn each(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        show: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.query(sql, params)?.iter().try_for_each(show)
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// If the database refuses the statement or is gone.
    fn query_opt(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// The one row that must be there.
    ///
    /// # Errors
    /// [`StoreError::NoRow`] if there is none.
    fn query_one(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Row, StoreError> {
        self.query_opt(sql, params)?.ok_or(StoreError::NoRow)
    }
}

/// What a transaction may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Reads one unchanging picture; writes are refused.
    Read,
    /// Reads and writes.
    Write,
}

/// Work that a connection has put off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owed {
    Nothing,
    /// It is worth doing once nobody has wanted anything for some seconds.
    AtLeisure,
    /// It can wait until nobody else does.
    Some,
    /// A step of it goes before the next transaction.
    OneStep,
    /// It goes before further transactions.
    TooMuch,
}

/// A connection that a store thread owns.
pub(super) trait Connection: Tx {
    /// Starts a transaction, connecting again first if the last connection was lost.
    fn begin(&mut self, mode: Mode) -> Result<(), StoreError>;
    /// Ends it for good. An error other than a transient one leaves the outcome unknown.
    fn commit(&mut self) -> Result<(), StoreError>;
    /// Ends it without effect; a connection that cannot even do that is dropped.
    fn rollback(&mut self);
    /// Does a part of the work that the connection has put off, in a transaction of its own.
    fn catch_up(&mut self) -> Result<Owed, StoreError>;
    /// How much is put off.
    fn owed(&mut self) -> Result<Owed, StoreError>;
    /// Whether the last transaction failed for a reason that a second attempt may not meet.
    fn failed_transiently(&self) -> bool;
}
