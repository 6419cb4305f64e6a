//! From `available` out of the house: the platform's part is collected, the rest is on its way.

use crate::ledger::Holder;
use crate::ledger::transfer::{TransferError, post};
use crate::params;
use crate::payout_accounts::bindings::PayoutAccount;
use crate::store::{StoreError, Tx};
use attribution_core::commission::Payee;
use attribution_core::commission::withdrawal::{Collected, Lifetime, Withdrawal, WithdrawalError};
use attribution_core::ids::{PlatformId, ProgrammeId};
use attribution_core::ledger::Account;
use attribution_core::money::{Fen, Overflow};
use attribution_core::time::Instant;

/// Whose money in which programme.
#[derive(Debug, Clone)]
pub(super) struct Purse {
    pub platform: PlatformId,
    pub programme: ProgrammeId,
    pub payee: Payee,
    /// As it is stored.
    pub owner: String,
}

/// Why money did not move.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The ledger refused a transfer.
    #[error("the ledger refused a transfer")]
    Ledger(#[from] TransferError),
    /// An amount does not fit.
    #[error("an amount does not fit")]
    Overflow(#[from] Overflow),
    /// The lifetime totals do not allow it.
    #[error("the lifetime totals do not allow it")]
    Totals(#[from] WithdrawalError),
}

impl Purse {
    pub(super) fn earned(&self) -> Holder {
        Holder::Account(Account::Earned { programme: self.programme.clone(), payee: self.payee.clone() })
    }

    pub(super) fn available(&self) -> Holder {
        Holder::Account(Account::Available { programme: self.programme.clone(), payee: self.payee.clone() })
    }

    pub(super) fn clearing(&self) -> Holder {
        Holder::Account(Account::Clearing { programme: self.programme.clone(), payee: self.payee.clone() })
    }

    /// All that moves a payee's money in a programme takes this.
    pub(super) fn lock(&self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        tx.lock(&format!("purse {} {}", self.programme, self.owner))
    }
}

/// What was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sent {
    /// Taken from available.
    pub gross: Fen,
    /// Of it to the platform; below zero if it gives something back.
    pub fee: Fen,
    /// Of it on its way out.
    pub net: Fen,
}

/// Sends `gross` on its way, under the name `id`. The purse is locked and holds so much.
///
/// The platform's part is reckoned on lifetime totals: of everything that ever became available, as much as is the
/// platform's; so that whoever withdraws all has paid exactly that, however often they withdraw.
pub(super) fn send(
    tx: &mut dyn Tx,
    purse: &Purse,
    id: &str,
    gross: Fen,
    now: Instant,
) -> Result<Sent, MoveError> {
    let row = tx.query_one(
        "SELECT available_fen, withdrawn_fen, part_fen, fee_fen FROM payout_totals WHERE programme = $1 AND payee = $2",
        params![&purse.programme, &purse.owner],
    )?;
    let part = Collected {
        payee: Payee::Platform(purse.platform.clone()),
        due: Fen(row.int(2)?),
        taken: Fen(row.int(3)?),
    };
    let lifetime =
        Lifetime { dashboard: Fen(row.int(0)?), withdrawn: Fen(row.int(1)?), collected: vec![part] };
    let Withdrawal { paid: net, .. } = lifetime.withdraw(gross)?;
    let fee = gross.sub(net)?;
    tx.execute(
        "UPDATE payout_totals SET withdrawn_fen = withdrawn_fen + $3, fee_fen = fee_fen + $4 \
         WHERE programme = $1 AND payee = $2",
        params![&purse.programme, &purse.owner, gross, fee],
    )?;
    let platform = Holder::Account(Account::Platform { platform: purse.platform.clone() });
    let name = format!("{id}/fee");
    if fee > Fen::ZERO {
        post(tx, &name, "withdrawal_fee", &purse.available(), &platform, fee, now)?;
    } else if fee < Fen::ZERO {
        // What was collected on commission that has since been refunded is given back.
        post(tx, &name, "withdrawal_fee", &platform, &purse.available(), Fen::ZERO.sub(fee)?, now)?;
    }
    if net > Fen::ZERO {
        post(tx, &format!("{id}/out"), "withdrawn", &purse.available(), &purse.clearing(), net, now)?;
    }
    Ok(Sent { gross, fee, net })
}

/// One row of `payouts`.
pub(super) struct PayoutRow<'a> {
    pub id: &'a str,
    pub kind: &'static str,
    pub purse: &'a Purse,
    pub day: &'a str,
    pub attempt: i64,
    pub state: &'static str,
    pub reason: Option<&'static str>,
    pub entries: i64,
    pub amount: Fen,
    pub sent: Sent,
    pub account: Option<&'a PayoutAccount>,
    pub calendar: Option<&'a str>,
}

pub(super) fn insert(tx: &mut dyn Tx, row: &PayoutRow<'_>, now: Instant) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO payouts (id, kind, programme, payee, run_day, attempt, state, reason, entries, amount_fen, \
         gross_fen, fee_fen, net_fen, account_kind, account, holder, calendar, at_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        params![
            row.id,
            row.kind,
            &row.purse.programme,
            &row.purse.owner,
            row.day,
            row.attempt,
            row.state,
            row.reason,
            row.entries,
            row.amount,
            row.sent.gross,
            row.sent.fee,
            row.sent.net,
            row.account.map(|a| a.kind.name()),
            row.account.map(|a| &a.account),
            row.account.map(|a| &a.holder),
            row.calendar,
            now
        ],
    )?;
    Ok(())
}

/// A payout's id, the same for the same payout.
pub(super) fn payout_id(kind: &str, purse: &Purse, day: &str, number: i64) -> String {
    let key = format!("{kind}\n{}\n{}\n{day}\n{number}", purse.programme, purse.owner);
    format!("po_{:032x}", xxhash_rust::xxh3::xxh3_128(key.as_bytes()))
}
