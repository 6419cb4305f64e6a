//! What comes back from a payee on a refund record: to the merchant, or to the platform once that has made up for it.

use super::Key;
use super::jobs::compensate_one;
use crate::ledger::Holder;
use crate::ledger::account::payee_of;
use crate::ledger::balance::balance;
use crate::ledger::transfer::post;
use crate::params;
use crate::payouts::MoveError;
use crate::store::{StoreError, Tx, read};
use attribution_core::dispute::{Claim, RecordState, RecoveryGoesTo};
use attribution_core::ids::{MerchantId, ProgrammeId};
use attribution_core::ledger::Account;
use attribution_core::money::Fen;
use attribution_core::time::Instant;

/// A recovery.
#[derive(Debug, Clone)]
pub(super) struct Recovery {
    pub key: Key,
    /// Its own number: the same one again changes nothing.
    pub reference: String,
    pub amount: Fen,
    pub at: Instant,
    /// The payee paid it in, instead of what is available to them.
    pub paid_in: bool,
}

/// Why nothing was recovered.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecoverError {
    /// Money could not move.
    #[error("the money could not move")]
    Move(#[from] MoveError),
    /// No such record.
    #[error("there is no such record")]
    Unknown,
    /// More than is missing.
    #[error("only ¥{missing} are missing")]
    TooMuch {
        /// What is missing.
        missing: Fen,
    },
    /// The merchant broke the rules with the order: what is missing is not returned.
    #[error("the merchant broke the rules with this order, so what is missing is not returned")]
    RulesBroken,
    /// The payee does not have so much.
    #[error("only ¥{free} are available to the payee")]
    NotAvailable {
        /// What there is.
        free: Fen,
    },
    /// The number was used for another amount.
    #[error("recovery {reference} was made with ¥{amount}")]
    Reused {
        /// Which.
        reference: String,
        /// The amount then.
        amount: Fen,
    },
}

impl From<StoreError> for RecoverError {
    fn from(error: StoreError) -> Self {
        Self::Move(error.into())
    }
}

/// What came back so far, and when.
pub(super) fn recoveries(tx: &mut dyn Tx, key: &Key) -> Result<Vec<(Instant, Fen)>, StoreError> {
    let rows = tx.query(
        "SELECT at_ms, amount_fen FROM dispute_recoveries \
         WHERE platform = $1 AND order_id = $2 AND line_id = $3 AND refund_id = $4 ORDER BY at_ms, reference",
        params![&key.platform, &key.order, &key.line, &key.refund],
    )?;
    rows.iter().map(|row| Ok((row.instant(0)?, Fen(row.int(1)?)))).collect()
}

/// Books a recovery and returns the state of the record.
pub(super) fn recover(
    tx: &mut dyn Tx,
    recovery: &Recovery,
    now: Instant,
) -> Result<&'static str, RecoverError> {
    let Recovery { key, reference, amount, at, paid_in } = recovery;
    // The same lock as the compensation: who made up for it must be known.
    tx.lock("compensation")?;
    compensate_one(tx, key, now)?;
    let record = Record::find(tx, key)?.ok_or(RecoverError::Unknown)?;
    let mut list = recoveries(tx, key)?;
    if let Some(then) = amount_of(tx, key, reference)? {
        if then != *amount {
            return Err(RecoverError::Reused { reference: reference.clone(), amount: then });
        }
        return Ok(name(record.claim(&list).record_state().map_err(MoveError::from)?));
    }
    if record.merchant_broke_rules {
        return Err(RecoverError::RulesBroken);
    }
    let missing = record.missing(&list)?;
    if *amount > missing {
        return Err(RecoverError::TooMuch { missing });
    }
    let from = if *paid_in {
        Holder::Outside(key.platform.clone())
    } else {
        available(tx, &record.programme, &record.payee, *amount)?
    };
    let (goes_to, to) = match record.claim(&list).recovery_goes_to() {
        RecoveryGoesTo::Merchant => ("merchant", Account::Merchant { merchant: record.merchant.clone() }),
        RecoveryGoesTo::Platform => ("platform", Account::Platform { platform: key.platform.clone() }),
    };
    let id = format!("recovery/{}/{}", key.text(), reference.replace('%', "%25").replace('/', "%2F"));
    post(tx, &id, "recovery", &from, &Holder::Account(to), *amount, now).map_err(MoveError::from)?;
    tx.execute(
        "INSERT INTO dispute_recoveries (platform, order_id, line_id, refund_id, reference, at_ms, amount_fen, goes_to) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![&key.platform, &key.order, &key.line, &key.refund, reference, *at, *amount, goes_to],
    )?;
    list.push((*at, *amount));
    let shown = name(record.claim(&list).record_state().map_err(MoveError::from)?);
    // A record that is not made yet, or never, has no state of its own to show.
    let kept = matches!(record.state.as_str(), "waiting" | "no_record") && shown != "success";
    tx.execute(
        "UPDATE disputes SET recovered_fen = recovered_fen + $5, state = CASE WHEN $6 = 1 THEN state ELSE $7 END \
         WHERE platform = $1 AND order_id = $2 AND line_id = $3 AND refund_id = $4",
        params![&key.platform, &key.order, &key.line, &key.refund, *amount, kept, shown],
    )?;
    Ok(shown)
}

/// What a record asks for, before what came back.
struct Record {
    merchant: MerchantId,
    programme: ProgrammeId,
    /// Who owes it.
    payee: String,
    due: Fen,
    /// What the platform made up for.
    compensated: Option<Fen>,
    state: String,
    /// What is missing is neither returned nor made up for.
    merchant_broke_rules: bool,
}

impl Record {
    fn find(tx: &mut dyn Tx, key: &Key) -> Result<Option<Self>, StoreError> {
        let row = tx.query_opt(
            "SELECT merchant, programme, payee, due_fen, compensated_fen, state, merchant_broke_rules FROM disputes \
             WHERE platform = $1 AND order_id = $2 AND line_id = $3 AND refund_id = $4",
            params![&key.platform, &key.order, &key.line, &key.refund],
        )?;
        row.map(|row| {
            Ok(Self {
                merchant: read("merchant id", row.text(0)?)?,
                programme: read("programme id", row.text(1)?)?,
                payee: row.text(2)?.to_owned(),
                due: Fen(row.int(3)?),
                compensated: row.opt_int(4)?.map(Fen),
                state: row.text(5)?.to_owned(),
                merchant_broke_rules: row.flag(6)?,
            })
        })
        .transpose()
    }

    /// The record with what came back so far.
    fn claim<'r>(&self, recovered: &'r [(Instant, Fen)]) -> Claim<'r> {
        Claim { due: self.due, recovered, compensated: self.compensated, merchant_broke_rules: false }
    }

    /// What has still to come back.
    fn missing(&self, recovered: &[(Instant, Fen)]) -> Result<Fen, MoveError> {
        let sum = recovered.iter().map(|(_, part)| part.0).fold(0, i64::saturating_add);
        // What was taken back at once is not in the list, and nothing is missing of it.
        let taken = if self.state == "success" { self.due } else { Fen(sum) };
        Ok(self.due.sub(taken)?)
    }
}

/// The amount of the recovery that has this number already.
fn amount_of(tx: &mut dyn Tx, key: &Key, reference: &str) -> Result<Option<Fen>, StoreError> {
    let row = tx.query_opt(
        "SELECT amount_fen FROM dispute_recoveries WHERE platform = $1 AND order_id = $2 AND line_id = $3 \
         AND refund_id = $4 AND reference = $5",
        params![&key.platform, &key.order, &key.line, &key.refund, reference],
    )?;
    row.map(|row| Ok(Fen(row.int(0)?))).transpose()
}

fn name(state: RecordState) -> &'static str {
    match state {
        RecordState::Created => "created",
        RecordState::Recovering => "recovering",
        RecordState::Success => "success",
        RecordState::Compensated => "compensated",
    }
}

/// The payee's money, if there is so much of it. It no longer counts as ever having become available.
fn available(
    tx: &mut dyn Tx,
    programme: &ProgrammeId,
    owner: &str,
    amount: Fen,
) -> Result<Holder, RecoverError> {
    tx.lock(&format!("purse {programme} {owner}"))?;
    let account = Account::Available { programme: programme.clone(), payee: payee_of(owner)? };
    let holder = Holder::Account(account);
    let free = balance(tx, &holder)?;
    if free < amount {
        return Err(RecoverError::NotAvailable { free });
    }
    tx.execute(
        "UPDATE payout_totals SET available_fen = available_fen - $3 WHERE programme = $1 AND payee = $2",
        params![programme, owner, amount],
    )?;
    Ok(holder)
}
