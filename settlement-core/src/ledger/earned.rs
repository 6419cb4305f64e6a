//! What lies in an `earned` account and since which month: kept up with every posted transfer of an order line.
//!
//! The rules know that a share was settled or taken back, not where its money lies by now. So this
//! is where a counter-entry finds its account: `earned` before the payout, `available` after it.

use super::account::owner_of;
use super::transfer::{Subject, TransferError, execute};
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::commission::Payee;
use attribution_core::ids::ProgrammeId;
use attribution_core::ledger::{Account, Posting, Transfer, TransferState};
use attribution_core::policy::SettlementPolicy;
use attribution_core::policy::commission::Party;
use attribution_core::policy::settlement::{Payout, PayoutKey};
use attribution_core::time::Instant;

/// What decides when an amount is due: the version of the rules the line was decided by, and its civil month.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cycle {
    pub version: u32,
    /// `2020-07`.
    pub month: String,
}

impl Cycle {
    /// Of a line that succeeded and was settled at these times.
    pub(crate) fn of(policy: &SettlementPolicy, version: u32, success: Instant, settled: Instant) -> Self {
        let own = match policy.payout {
            Payout::Monthly { key: PayoutKey::SuccessMonth, .. } => success,
            Payout::Monthly { key: PayoutKey::SettledMonth, .. } | Payout::Immediate => settled,
        };
        Self { version, month: month_of(own) }
    }
}

/// The civil month in Asia/Shanghai, as `2020-07`.
pub(crate) fn month_of(at: Instant) -> String {
    at.to_string().chars().take(7).collect()
}

/// Executes the postings of one line, each against the account where its money lies now.
///
/// # Errors
/// If a posting was executed before, or the store fails.
pub(crate) fn post(
    tx: &mut dyn Tx,
    subject: Subject<'_>,
    postings: &[Posting],
    cycle: Option<&Cycle>,
    at: Instant,
    now: Instant,
) -> Result<(), TransferError> {
    for posting in postings {
        let posting = match posting {
            Posting::Write(transfer) if transfer.state == TransferState::Posted => {
                Posting::Write(keep(tx, subject, transfer, cycle)?)
            }
            other => other.clone(),
        };
        execute(tx, subject, std::slice::from_ref(&posting), at, now)?;
    }
    Ok(())
}

/// A payee's side of a transfer.
struct Side<'a> {
    programme: &'a ProgrammeId,
    payee: &'a Payee,
    /// Negative if it is taken from the payee.
    amount: i64,
    /// The platform's part, which stays with the promoter until they withdraw.
    collected: bool,
}

fn side(transfer: &Transfer) -> Option<Side<'_>> {
    let (account, amount) = match (&transfer.debit, &transfer.credit) {
        (_, account @ Account::Earned { .. }) => (account, transfer.amount.0),
        (account @ Account::Earned { .. }, _) => (account, transfer.amount.0.checked_neg()?),
        _ => return None,
    };
    let Account::Earned { programme, payee } = account else { return None };
    let own = match payee {
        Payee::Promoter(_) => Party::Promoter,
        Payee::Agency(_) => Party::Agency,
        Payee::Platform(_) => Party::Platform,
    };
    Some(Side { programme, payee, amount, collected: transfer.key.party != own })
}

/// Notes the transfer where it belongs, and returns it with the account that holds the money.
fn keep(
    tx: &mut dyn Tx,
    subject: Subject<'_>,
    transfer: &Transfer,
    cycle: Option<&Cycle>,
) -> Result<Transfer, StoreError> {
    let Some(side) = side(transfer) else { return Ok(transfer.clone()) };
    let owner = owner_of(side.payee);
    let original = match transfer.original {
        None => None,
        Some(key) => tx.query_opt(
            "SELECT version, month, number FROM payout_entries WHERE transfer = $1",
            params![&subject.id(key)],
        )?,
    };
    let found = match &original {
        Some(row) => Some((Cycle { version: row.num(0)?, month: row.text(1)?.to_owned() }, row.int(2)?)),
        None => None,
    };
    if let Some((cycle, number)) = &found
        && paid_through(tx, &side, &owner, cycle)? >= *number
    {
        taken_from_available(tx, &side, &owner)?;
        return Ok(from_available(transfer));
    }
    if let Some(cycle) = found.as_ref().map(|(cycle, _)| cycle).or(cycle) {
        add(tx, &side, &owner, cycle, &subject.id(transfer.key))?;
    }
    Ok(transfer.clone())
}

/// How far a bucket has been paid out; holds the bucket to the end of the transaction.
fn paid_through(tx: &mut dyn Tx, side: &Side<'_>, owner: &str, cycle: &Cycle) -> Result<i64, StoreError> {
    let row = tx.query_one(
        "UPDATE payout_buckets SET entries = entries \
         WHERE programme = $1 AND payee = $2 AND version = $3 AND month = $4 RETURNING paid_entries",
        params![side.programme, owner, i64::from(cycle.version), &cycle.month],
    )?;
    row.int(0)
}

/// What is taken back after the payout no longer counts in the lifetime totals.
fn taken_from_available(tx: &mut dyn Tx, side: &Side<'_>, owner: &str) -> Result<(), StoreError> {
    let part = if side.collected { side.amount } else { 0 };
    tx.execute(
        "UPDATE payout_totals SET available_fen = available_fen + $3, part_fen = part_fen + $4 \
         WHERE programme = $1 AND payee = $2",
        params![side.programme, owner, side.amount, part],
    )?;
    Ok(())
}

pub(crate) fn from_available(transfer: &Transfer) -> Transfer {
    let moved = |account: &Account| match account {
        Account::Earned { programme, payee } => {
            Account::Available { programme: programme.clone(), payee: payee.clone() }
        }
        other => other.clone(),
    };
    Transfer { debit: moved(&transfer.debit), credit: moved(&transfer.credit), ..transfer.clone() }
}

fn add(
    tx: &mut dyn Tx,
    side: &Side<'_>,
    owner: &str,
    cycle: &Cycle,
    transfer: &str,
) -> Result<(), StoreError> {
    let part = if side.collected { side.amount } else { 0 };
    let row = tx.query_one(
        "INSERT INTO payout_buckets (programme, payee, version, month, entries, amount_fen, part_fen, paid_entries, \
         paid_fen, paid_part_fen) VALUES ($1, $2, $3, $4, 1, $5, $6, 0, 0, 0) \
         ON CONFLICT (programme, payee, version, month) DO UPDATE SET entries = payout_buckets.entries + 1, \
         amount_fen = payout_buckets.amount_fen + excluded.amount_fen, \
         part_fen = payout_buckets.part_fen + excluded.part_fen RETURNING entries",
        params![side.programme, owner, i64::from(cycle.version), &cycle.month, side.amount, part],
    )?;
    tx.execute(
        "INSERT INTO payout_entries (transfer, programme, payee, version, month, number, amount_fen, collected) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            transfer,
            side.programme,
            owner,
            i64::from(cycle.version),
            &cycle.month,
            row.int(0)?,
            side.amount,
            side.collected
        ],
    )?;
    Ok(())
}
