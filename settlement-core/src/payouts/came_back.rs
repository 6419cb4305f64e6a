//! Payments of runs that came back from outside. Where a programme pays by itself nobody can withdraw that money, so
//! it is due again on the next payout day, whether or not anything else is.

use super::due::{Open, UNPAID};
use super::run::PAYEES_AT_ONCE;
use super::send::Purse;
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::ids::ProgrammeId;
use attribution_core::time::Instant;

/// Stands for such money where a month is asked for.
pub(super) const NO_MONTH: &str = "";

/// Payments that came back and have not been part of a run since, but for runs that found no account.
const WAITING: &str = "payouts p WHERE p.state = 'returned' AND p.kind = 'run' AND NOT EXISTS (\
     SELECT 1 FROM payouts l WHERE l.payee = p.payee AND l.programme = p.programme AND l.kind = 'run' \
     AND l.id <> p.id AND l.at_ms >= p.closed_ms AND l.state <> 'failed')";

/// Under which rules the payee was last owed anything.
const VERSION: &str = "(SELECT MAX(b.version) FROM payout_buckets b \
     WHERE b.programme = p.programme AND b.payee = p.payee)";

/// The programmes with such money, and the newest rules under which it was owed.
pub(super) fn programmes(tx: &mut dyn Tx) -> Result<Vec<Open>, StoreError> {
    let rows = tx.query(&format!("SELECT DISTINCT p.programme, {VERSION} FROM {WAITING}"), &[])?;
    rows.iter().map(|row| Open::read(row.text(0)?, row.num(1)?, NO_MONTH)).collect()
}

/// Payees of a programme behind `cursor`, in their order.
pub(super) fn payees(
    tx: &mut dyn Tx,
    programme: &ProgrammeId,
    cursor: &str,
) -> Result<Vec<String>, StoreError> {
    let rows = tx.query(
        &format!(
            "SELECT DISTINCT p.payee FROM {WAITING} AND p.programme = $1 AND p.payee > $2 \
             ORDER BY p.payee LIMIT $3"
        ),
        params![programme, cursor, PAYEES_AT_ONCE],
    )?;
    rows.iter().map(|row| Ok(row.text(0)?.to_owned())).collect()
}

/// How many payees of a programme have such money and nothing else that is due.
pub(super) fn others(tx: &mut dyn Tx, programme: &ProgrammeId) -> Result<i64, StoreError> {
    let row = tx.query_one(
        &format!(
            "SELECT COUNT(DISTINCT p.payee) FROM {WAITING} AND p.programme = $1 AND NOT EXISTS (\
             SELECT 1 FROM payout_buckets b WHERE b.programme = p.programme AND b.payee = p.payee AND {UNPAID})"
        ),
        params![programme],
    )?;
    row.int(0)
}

/// Whether some of a programme's money had come back before `end`.
pub(super) fn by(
    tx: &mut dyn Tx,
    programme: &ProgrammeId,
    version: u32,
    end: Instant,
) -> Result<bool, StoreError> {
    let row = tx.query_opt(
        &format!(
            "SELECT 1 FROM {WAITING} AND p.programme = $1 AND {VERSION} = $2 AND p.closed_ms < $3 LIMIT 1"
        ),
        params![programme, i64::from(version), end],
    )?;
    Ok(row.is_some())
}

/// Whether this payee's money has come back.
pub(super) fn to(tx: &mut dyn Tx, purse: &Purse) -> Result<bool, StoreError> {
    let row = tx.query_opt(
        &format!("SELECT 1 FROM {WAITING} AND p.programme = $1 AND p.payee = $2 LIMIT 1"),
        params![&purse.programme, &purse.owner],
    )?;
    Ok(row.is_some())
}
