//! One payee's part of a payout run: everything that is due moves on, or nothing does.

use super::came_back;
use super::due::UNPAID;
use super::schedule::Due;
use super::send::{MoveError, PayoutRow, Purse, Sent, insert, payout_id, send};
use crate::ledger::balance::balance;
use crate::ledger::earned::Cycle;
use crate::ledger::transfer::post;
use crate::notices::write::{Kind, News, tell_by_id};
use crate::params;
use crate::payout_accounts::bindings::{PayoutAccount, bound};
use crate::store::{StoreError, Tx};
use crate::webhooks::{EventKind, Owner, tell};
use attribution_core::money::Fen;
use attribution_core::time::Instant;
use serde_json::json;

/// The run a payment belongs to.
pub(super) struct RunOf<'a> {
    pub day: &'a str,
    pub attempt: i64,
    pub due: &'a [Due],
    pub calendar: &'a str,
    /// The account bound on the day of the run receives the money at once.
    pub sends: bool,
    /// And must be verified.
    pub verified: bool,
}

/// What became of one payee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Paid {
    pub failed: bool,
    pub entries: i64,
    pub amount: i64,
}

/// What a bucket holds that was not paid out yet.
struct Open {
    cycle: Cycle,
    paid_entries: i64,
    paid: Fen,
    paid_part: Fen,
    waiting: Fen,
}

fn open_buckets(tx: &mut dyn Tx, purse: &Purse, due: &[Due]) -> Result<Vec<Open>, StoreError> {
    let rows = tx.query(
        &format!(
            "SELECT b.version, b.month, b.paid_entries, b.paid_fen, b.paid_part_fen, b.amount_fen - b.paid_fen \
             FROM payout_buckets b WHERE b.programme = $1 AND b.payee = $2 AND {UNPAID} ORDER BY b.month, b.version"
        ),
        params![&purse.programme, &purse.owner],
    )?;
    let mut open = Vec::new();
    for row in &rows {
        let cycle = Cycle { version: row.num(0)?, month: row.text(1)?.to_owned() };
        if due.iter().any(|due| due.is(&cycle)) {
            open.push(Open {
                cycle,
                paid_entries: row.int(2)?,
                paid: Fen(row.int(3)?),
                paid_part: Fen(row.int(4)?),
                waiting: Fen(row.int(5)?),
            });
        }
    }
    Ok(open)
}

/// Pays one payee. `None` if another run was faster and nothing is due any more.
pub(super) fn pay(
    tx: &mut dyn Tx,
    purse: &Purse,
    run: &RunOf<'_>,
    now: Instant,
) -> Result<Option<Paid>, MoveError> {
    purse.lock(tx)?;
    let open = open_buckets(tx, purse, run.due)?;
    if open.is_empty() && !came_back::to(tx, purse)? {
        return Ok(None);
    }
    let id = payout_id("run", purse, run.day, run.attempt);
    let account = if run.sends { destination(tx, purse, run.verified, now)?.map(Some) } else { Ok(None) };
    let account = match account {
        Ok(account) => account,
        Err(reason) => {
            let waiting = open.iter().map(|open| open.waiting.0).fold(0, i64::saturating_add);
            let waiting = if open.is_empty() { balance(tx, &purse.available())?.0 } else { waiting };
            let row = PayoutRow { state: "failed", reason: Some(reason), ..row(&id, purse, run) };
            insert(tx, &PayoutRow { amount: Fen(waiting), ..row }, now)?;
            let data = json!({"payout": id, "programme": purse.programme.as_str(), "payee": purse.owner,
                              "amount_fen": waiting, "reason": reason});
            tell(tx, &[Owner::payee(&purse.owner)], EventKind::PayoutFailed, &data, now)?;
            if let Some(promoter) = purse.owner.strip_prefix("promoter/") {
                tell_by_id(tx, promoter, News::new(Kind::PayoutFailed, &id, reason), now)?;
            }
            return Ok(Some(Paid { failed: true, ..Paid::default() }));
        }
    };
    let moved = take(tx, purse, &id, &open)?;
    make_available(tx, purse, &id, moved, now)?;
    let free = balance(tx, &purse.available())?;
    let (state, sent) = match &account {
        Some(_) if free > Fen::ZERO => ("clearing", send(tx, purse, &id, free, now)?),
        // What was taken back earlier has eaten it: the debt is carried on.
        Some(_) => ("carried", Sent::default()),
        None => ("available", Sent::default()),
    };
    let row = PayoutRow { state, sent, account: account.as_ref(), ..row(&id, purse, run) };
    insert(tx, &PayoutRow { entries: moved.entries, amount: moved.amount, ..row }, now)?;
    Ok(Some(Paid { failed: false, entries: moved.entries, amount: moved.amount.0 }))
}

fn row<'a>(id: &'a str, purse: &'a Purse, run: &RunOf<'a>) -> PayoutRow<'a> {
    PayoutRow {
        id,
        kind: "run",
        purse,
        day: run.day,
        attempt: run.attempt,
        state: "available",
        reason: None,
        entries: 0,
        amount: Fen::ZERO,
        sent: Sent::default(),
        account: None,
        calendar: Some(run.calendar),
    }
}

/// The account bound now, or why none can be used.
pub(super) fn destination(
    tx: &mut dyn Tx,
    purse: &Purse,
    must_be_verified: bool,
    now: Instant,
) -> Result<Result<PayoutAccount, &'static str>, StoreError> {
    Ok(match bound(tx, &purse.owner, now)? {
        None => Err("no_account_bound"),
        Some(account) if must_be_verified && account.verified.is_none_or(|at| at > now) => {
            Err("account_not_verified")
        }
        Some(account) => Ok(account),
    })
}

/// What left the buckets.
#[derive(Debug, Clone, Copy, Default)]
struct Moved {
    entries: i64,
    amount: Fen,
    part: Fen,
}

/// Takes everything out of the buckets, also what came in since they were read.
fn take(tx: &mut dyn Tx, purse: &Purse, id: &str, open: &[Open]) -> Result<Moved, MoveError> {
    let mut moved = Moved::default();
    for bucket in open {
        let version = i64::from(bucket.cycle.version);
        let after = tx.query_one(
            "UPDATE payout_buckets SET paid_entries = entries, paid_fen = amount_fen, paid_part_fen = part_fen \
             WHERE programme = $1 AND payee = $2 AND version = $3 AND month = $4 \
             RETURNING paid_entries, paid_fen, paid_part_fen",
            params![&purse.programme, &purse.owner, version, &bucket.cycle.month],
        )?;
        let amount = Fen(after.int(1)?).sub(bucket.paid)?;
        tx.execute(
            "INSERT INTO payout_parts (payout, version, month, after_number, to_number, amount_fen) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            params![id, version, &bucket.cycle.month, bucket.paid_entries, after.int(0)?, amount],
        )?;
        moved.entries += after.int(0)? - bucket.paid_entries;
        moved.amount = moved.amount.add(amount)?;
        moved.part = moved.part.add(Fen(after.int(2)?).sub(bucket.paid_part)?)?;
    }
    Ok(moved)
}

fn make_available(
    tx: &mut dyn Tx,
    purse: &Purse,
    id: &str,
    moved: Moved,
    now: Instant,
) -> Result<(), MoveError> {
    tx.execute(
        "INSERT INTO payout_totals (programme, payee, available_fen, part_fen, withdrawn_fen, fee_fen, sendings) \
         VALUES ($1, $2, $3, $4, 0, 0, 0) ON CONFLICT (programme, payee) DO UPDATE SET \
         available_fen = payout_totals.available_fen + excluded.available_fen, \
         part_fen = payout_totals.part_fen + excluded.part_fen",
        params![&purse.programme, &purse.owner, moved.amount, moved.part],
    )?;
    let (earned, available) = (purse.earned(), purse.available());
    let name = format!("{id}/available");
    if moved.amount > Fen::ZERO {
        post(tx, &name, "made_available", &earned, &available, moved.amount, now)?;
    } else if moved.amount < Fen::ZERO {
        // A split that is not monotone can leave a fen too little in a month.
        let back = Fen::ZERO.sub(moved.amount)?;
        post(tx, &name, "made_available", &available, &earned, back, now)?;
    }
    Ok(())
}
