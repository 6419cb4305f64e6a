//! The moment a merchant confirms: the whole price leaves the merchant's balance, the fee goes to the platform, the
//! rest to the agency first. All of it or nothing.

use super::task::{self, Paid, State, Task};
use super::terms::Terms;
use crate::ledger::Holder;
use crate::ledger::account::owner_of;
use crate::ledger::balance::balance;
use crate::ledger::top_up::lock_name;
use crate::ledger::transfer::{TransferError, post};
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::ledger::Account;
use attribution_core::money::Fen;
use attribution_core::time::Instant;
use attribution_core::video_task::VideoTaskError;

/// Why a task is not confirmed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConfirmError {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The ledger refused a transfer.
    #[error("the ledger refused a transfer")]
    Ledger(#[from] TransferError),
    /// The rules name no amounts.
    #[error("the task cannot be paid")]
    Task(#[from] VideoTaskError),
    /// The talent's agency would be paid, and cannot be named.
    #[error("what is stored as the talent's agency is no id: {0:?}")]
    UnnamedAgency(String),
    /// The merchant has too little.
    #[error("¥{available} are there, and ¥{wanted} are due")]
    BalanceTooLow {
        /// What is there.
        available: Fen,
        /// The price.
        wanted: Fen,
    },
}

/// Pays a task by the rules that hold for it now.
pub(super) fn confirm(tx: &mut dyn Tx, of: &Task, now: Instant) -> Result<(), ConfirmError> {
    let mut terms = Terms::default();
    let rules = terms.of(tx, of, now)?;
    if let Some(agency) = terms.unnamed(tx, of, now)? {
        return Err(ConfirmError::UnnamedAgency(agency));
    }
    tx.lock(&lock_name(&of.merchant))?;
    let seen = terms.as_rules_see_it(tx, of, &rules.policy, now)?;
    let paid = rules.policy.confirm(&seen, &rules.platform)?;
    let merchant = Holder::Account(Account::Merchant { merchant: of.merchant.clone() });
    let available = balance(tx, &merchant)?;
    if available < of.price {
        return Err(ConfirmError::BalanceTooLow { available, wanted: of.price });
    }
    let id = format!("video-task/{}", of.id);
    if paid.fee > Fen::ZERO {
        let to = Holder::Account(Account::Platform { platform: rules.platform.clone() });
        post(tx, &format!("{id}/fee"), "video_task_fee", &merchant, &to, paid.fee, now)?;
    }
    if paid.net > Fen::ZERO {
        let to = Account::Available { programme: of.programme.clone(), payee: paid.payee.clone() };
        post(tx, &id, "video_task", &merchant, &Holder::Account(to), paid.net, now)?;
        // It can be withdrawn like everything else, and the platform has no further part of it.
        tx.execute(
            "INSERT INTO payout_totals (programme, payee, available_fen, part_fen, withdrawn_fen, fee_fen, sendings) \
             VALUES ($1, $2, $3, 0, 0, 0, 0) ON CONFLICT (programme, payee) DO UPDATE SET \
             available_fen = payout_totals.available_fen + excluded.available_fen",
            params![&of.programme, &owner_of(&paid.payee), paid.net],
        )?;
    }
    let paid = Paid { version: rules.version, agency: seen.agency, fee: paid.fee, net: paid.net };
    task::close(tx, &of.id, State::Confirmed, Some(&paid), seen.in_event, now)?;
    Ok(())
}
