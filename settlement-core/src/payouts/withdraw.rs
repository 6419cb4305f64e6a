//! A payee takes money out of `available`, and the outside says what became of money that was sent.

use super::pay::destination;
use super::send::{MoveError, PayoutRow, Purse, Sent, insert, payout_id, send};
use crate::ledger::Holder;
use crate::ledger::account::payee_of;
use crate::ledger::balance::balance;
use crate::ledger::transfer::post;
use crate::notices::write::{Kind, News, tell_by_id};
use crate::params;
use crate::payout_accounts::bindings::PayoutAccount;
use crate::store::{StoreError, Tx, read};
use crate::webhooks::{EventKind, Owner, tell};
use attribution_core::ids::ProgrammeId;
use attribution_core::money::Fen;
use attribution_core::policy::Policy;
use attribution_core::policy::settlement::Destination;
use attribution_core::time::Instant;
use serde_json::json;

/// Why nothing was withdrawn. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum WithdrawError {
    /// Money could not move.
    #[error("the money could not move")]
    Move(#[from] MoveError),
    /// There is not so much.
    #[error("¥{free} are available{}", if *.wanted > Fen::ZERO { format!(", not ¥{wanted}") } else { String::new() })]
    TooMuch {
        /// What there is; negative while a debt is carried.
        free: Fen,
        /// What was asked for.
        wanted: Fen,
    },
    /// Nobody can receive it.
    #[error("no account can receive it: {0}")]
    NoAccount(&'static str),
    /// The programme pays by itself.
    #[error("this programme pays out by itself, to the account bound on the payout day")]
    Automatic,
}

impl From<StoreError> for WithdrawError {
    fn from(error: StoreError) -> Self {
        Self::Move(error.into())
    }
}

/// A withdrawal that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Withdrawal {
    pub id: String,
    pub sent: Sent,
    pub account: Option<PayoutAccount>,
    /// What is still available.
    pub left: Fen,
}

/// Withdraws `wanted`, or all there is. `policy` is the programme's in force now.
pub(super) fn withdraw(
    tx: &mut dyn Tx,
    purse: &Purse,
    policy: &Policy,
    wanted: Option<Fen>,
    now: Instant,
) -> Result<Withdrawal, WithdrawError> {
    if policy.settlement.destination == Destination::BoundAtPayout {
        return Err(WithdrawError::Automatic);
    }
    purse.lock(tx)?;
    let free = balance(tx, &purse.available())?;
    let gross = wanted.unwrap_or(free);
    if gross <= Fen::ZERO || gross > free {
        return Err(WithdrawError::TooMuch { free, wanted: gross });
    }
    let verified = policy.eligibility.verified_payout_account;
    let account = match (destination(tx, purse, verified, now)?, policy.settlement.destination) {
        (Ok(account), _) => Some(account),
        // The promoter's own balance with the platform needs no account outside.
        (Err(_), Destination::Balance) => None,
        (Err(reason), _) => return Err(WithdrawError::NoAccount(reason)),
    };
    let row = tx.query_one(
        "UPDATE payout_totals SET sendings = sendings + 1 WHERE programme = $1 AND payee = $2 RETURNING sendings",
        params![&purse.programme, &purse.owner],
    )?;
    let (day, number) = (now.shanghai_date().to_string(), row.int(0)?);
    let id = payout_id("withdrawal", purse, &day, number);
    let sent = send(tx, purse, &id, gross, now)?;
    let row = PayoutRow {
        id: &id,
        kind: "withdrawal",
        purse,
        day: &day,
        attempt: number,
        state: "clearing",
        reason: None,
        entries: 0,
        amount: Fen::ZERO,
        sent,
        account: account.as_ref(),
        calendar: None,
    };
    insert(tx, &row, now)?;
    Ok(Withdrawal { id, sent, account, left: balance(tx, &purse.available())? })
}

/// What the outside said of money that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It arrived.
    Paid,
    /// It came back: the payee can withdraw it again. What the platform collected stays collected.
    Returned,
}

/// Why the outside's word does not fit.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArrivalError {
    /// Money could not move.
    #[error("the money could not move")]
    Move(#[from] MoveError),
    /// No such payout.
    #[error("there is no such payout")]
    Unknown,
    /// It is not on its way.
    #[error("the payout is {0} already")]
    NotOnItsWay(String),
}

impl From<StoreError> for ArrivalError {
    fn from(error: StoreError) -> Self {
        Self::Move(error.into())
    }
}

/// Closes a payout that is on its way. The same word again changes nothing; another reason is another word.
pub(super) fn arrive(
    tx: &mut dyn Tx,
    id: &str,
    arrival: Arrival,
    reason: Option<&str>,
    now: Instant,
) -> Result<(), ArrivalError> {
    let row = tx
        .query_opt("SELECT programme, payee FROM payouts WHERE id = $1", params![id])?
        .ok_or(ArrivalError::Unknown)?;
    let programme: ProgrammeId = read("programme id", row.text(0)?)?;
    let purse = Purse {
        platform: super::run::platform_of(tx, &programme)?,
        programme,
        payee: payee_of(row.text(1)?)?,
        owner: row.text(1)?.to_owned(),
    };
    purse.lock(tx)?;
    let row = tx.query_one("SELECT state, net_fen, reason FROM payouts WHERE id = $1", params![id])?;
    let (was, net, said) = (row.text(0)?, Fen(row.int(1)?), row.opt_text(2)?);
    let is = match arrival {
        Arrival::Paid => "paid",
        Arrival::Returned => "returned",
    };
    if was == is && reason.is_none_or(|reason| said == Some(reason)) {
        return Ok(());
    }
    if was != "clearing" {
        return Err(ArrivalError::NotOnItsWay(was.to_owned()));
    }
    tx.execute(
        "UPDATE payouts SET state = $2, reason = $3, closed_ms = $4 WHERE id = $1",
        params![id, is, reason, now],
    )?;
    if net > Fen::ZERO {
        let to = match arrival {
            Arrival::Paid => Holder::Outside(purse.platform.clone()),
            Arrival::Returned => purse.available(),
        };
        post(tx, &format!("{id}/{is}"), is, &purse.clearing(), &to, net, now).map_err(MoveError::from)?;
    }
    if arrival == Arrival::Returned {
        // It counts as never withdrawn, but for the part that was collected on it, which is not collected again.
        tx.execute(
            "UPDATE payout_totals SET withdrawn_fen = withdrawn_fen - $3 WHERE programme = $1 AND payee = $2",
            params![&purse.programme, &purse.owner, net],
        )?;
    }
    tell_payee(tx, &purse, id, arrival, net, reason, now)?;
    Ok(())
}

/// Tells whoever was paid: a promoter by a notice, and everybody by webhook.
fn tell_payee(
    tx: &mut dyn Tx,
    purse: &Purse,
    id: &str,
    arrival: Arrival,
    net: Fen,
    reason: Option<&str>,
    now: Instant,
) -> Result<(), StoreError> {
    let (notice, event) = match arrival {
        Arrival::Paid => (Kind::WithdrawalPaid, EventKind::PayoutPaid),
        Arrival::Returned => (Kind::WithdrawalReturned, EventKind::PayoutFailed),
    };
    if let Some(promoter) = purse.owner.strip_prefix("promoter/") {
        let row = tx.query_one("SELECT name FROM programmes WHERE id = $1", params![&purse.programme])?;
        let mut detail = format!("¥{net} · {}", row.text(0)?);
        if let Some(reason) = reason {
            detail += " · ";
            detail += reason;
        }
        tell_by_id(tx, promoter, News::new(notice, id, &detail), now)?;
    }
    let data = json!({"payout": id, "programme": purse.programme.as_str(), "payee": purse.owner,
                      "amount_fen": net.0, "reason": reason});
    tell(tx, &[Owner::payee(&purse.owner)], event, &data, now)
}
