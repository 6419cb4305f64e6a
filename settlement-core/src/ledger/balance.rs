//! Reading balances.

use super::account::Holder;
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::money::Fen;

/// What somebody holds: posted entries only.
///
/// # Errors
/// If the store fails.
pub(crate) fn balance(tx: &mut dyn Tx, holder: &Holder) -> Result<Fen, StoreError> {
    let key = holder.key();
    let row = tx.query_opt(
        "SELECT balance_fen FROM ledger_balances WHERE account = $1 AND owner = $2 AND programme = $3",
        params![key.account, &key.owner, &key.programme],
    )?;
    row.map_or(Ok(Fen::ZERO), |row| row.int(0).map(Fen))
}

/// What somebody expects: pending entries that were not voided.
///
/// # Errors
/// If the store fails.
pub(crate) fn pending(tx: &mut dyn Tx, holder: &Holder) -> Result<Fen, StoreError> {
    let key = holder.key();
    let row = tx.query_one(
        "SELECT CAST(COALESCE(SUM(amount_fen), 0) AS BIGINT) FROM ledger_entries \
         WHERE layer = 'pending' AND account = $1 AND owner = $2 AND programme = $3",
        params![key.account, &key.owner, &key.programme],
    )?;
    row.int(0).map(Fen)
}
