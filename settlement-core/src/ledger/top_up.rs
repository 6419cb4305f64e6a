//! A merchant pays money in, out of which commissions are settled.

use super::account::Holder;
use super::balance::balance;
use super::transfer::{TransferError, post};
use crate::params;
use crate::store::Tx;
use attribution_core::ids::{MerchantId, PlatformId};
use attribution_core::ledger::Account;
use attribution_core::money::Fen;
use attribution_core::time::Instant;

/// What became of a top-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ToppedUp {
    /// Done; the balance after it.
    Now(Fen),
    /// A top-up of this reference was made before, with this amount; the balance now.
    Before {
        /// The amount then.
        amount: Fen,
        /// The balance now.
        balance: Fen,
    },
}

/// The lock under which a merchant's money is spent.
pub(crate) fn lock_name(merchant: &MerchantId) -> String {
    format!("funds {merchant}")
}

/// Lets money in, once per reference.
///
/// # Errors
/// If the store fails.
pub(crate) fn top_up(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    merchant: &MerchantId,
    reference: &str,
    amount: Fen,
    now: Instant,
) -> Result<ToppedUp, TransferError> {
    tx.lock(&lock_name(merchant))?;
    let account = Holder::Account(Account::Merchant { merchant: merchant.clone() });
    let id = format!("top-up/{merchant}/{reference}");
    let before = tx.query_opt(
        "SELECT amount_fen FROM ledger_entries WHERE transfer = $1 AND position = 1",
        params![&id],
    )?;
    if let Some(row) = before {
        return Ok(ToppedUp::Before { amount: Fen(row.int(0)?), balance: balance(tx, &account)? });
    }
    post(tx, &id, "top_up", &Holder::Outside(platform.clone()), &account, amount, now)?;
    Ok(ToppedUp::Now(balance(tx, &account)?))
}
