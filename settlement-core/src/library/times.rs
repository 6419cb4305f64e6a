//! What time alone changes: rates, plans, rules, bans and withdrawals that begin or end between two looks.

use crate::library_marks;
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::time::{DAY_MS, Instant};

/// When the clock was last looked at.
pub(super) fn looked_at(tx: &mut dyn Tx) -> Result<Instant, StoreError> {
    tx.query_one("SELECT looked_at FROM library_state WHERE one = 1", &[])?.instant(0)
}

/// Whether anything begins or ends in `(since, now]`.
pub(super) fn anything(tx: &mut dyn Tx, since: Instant, now: Instant) -> Result<bool, StoreError> {
    let within = |column: &str| format!("{column} > $1 AND {column} <= $2");
    let sql = format!(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM rates WHERE {}) OR EXISTS (SELECT 1 FROM rates WHERE {}) \
         OR EXISTS (SELECT 1 FROM targets WHERE {}) OR EXISTS (SELECT 1 FROM targets WHERE {}) \
         OR EXISTS (SELECT 1 FROM programme_versions WHERE {}) \
         OR EXISTS (SELECT 1 FROM bans WHERE {}) OR EXISTS (SELECT 1 FROM bans WHERE {}) \
         OR EXISTS (SELECT 1 FROM plans WHERE created_ms > CAST($1 AS BIGINT) - {day} AND created_ms <= $2) \
         OR EXISTS (SELECT 1 FROM plans WHERE {})",
        within("from_ms"),
        within("to_ms"),
        within("cancelled_from"),
        within("delisted_from"),
        within("effective_from"),
        within("effective_from"),
        within("effective_to"),
        within("closes_ms"),
        day = DAY_MS,
    );
    Ok(tx.query_opt(&sql, params![since, now])?.is_some())
}

/// Marks what has begun or ended in `(since, now]`.
pub(super) fn mark(tx: &mut dyn Tx, since: Instant, now: Instant) -> Result<(), StoreError> {
    let within = |column: &str| format!("{column} > $1 AND {column} <= $2");
    for column in ["from_ms", "to_ms"] {
        let sql =
            format!("SELECT DISTINCT programme, subject_kind, subject FROM rates WHERE {}", within(column));
        for row in &tx.query(&sql, params![since, now])? {
            library_marks::subject(tx, row.text(0)?, row.text(1)?, row.text(2)?)?;
        }
    }
    for column in ["cancelled_from", "delisted_from"] {
        let sql = format!("SELECT num FROM targets WHERE kind = 'product' AND {}", within(column));
        for row in &tx.query(&sql, params![since, now])? {
            library_marks::product(tx, row.int(0)?)?;
        }
    }
    let rules = tx.query(
        "SELECT DISTINCT g.id FROM programme_versions v JOIN programmes g ON g.num = v.programme \
         WHERE v.effective_from > $1 AND v.effective_from <= $2",
        params![since, now],
    )?;
    for row in &rules {
        library_marks::programme(tx, row.text(0)?)?;
    }
    for column in ["effective_from", "effective_to"] {
        let sql = format!(
            "SELECT DISTINCT c.id FROM bans b JOIN categories c ON c.num = b.category WHERE {}",
            within(column)
        );
        for row in &tx.query(&sql, params![since, now])? {
            library_marks::category(tx, row.text(0)?)?;
        }
    }
    // A plan takes effect when it is added or at the midnight after, as its programme says.
    let plans = tx.query(
        "SELECT id, created_ms, closes_ms FROM plans WHERE (created_ms > CAST($1 AS BIGINT) - CAST($3 AS BIGINT) AND created_ms <= $2) \
         OR (closes_ms > $1 AND closes_ms <= $2)",
        params![since, now, DAY_MS],
    )?;
    for row in &plans {
        let created = row.instant(1)?;
        let moments = [Some(created), Some(created.next_shanghai_midnight()), row.opt_instant(2)?];
        if moments.into_iter().flatten().any(|at| at > since && at <= now) {
            library_marks::plan(tx, row.text(0)?)?;
        }
    }
    tx.execute("UPDATE library_state SET looked_at = $1 WHERE one = 1", params![now])?;
    Ok(())
}
