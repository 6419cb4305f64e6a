//! Settling what is due: a merchant's matured lines in the order of their completion, each whole or not at all.
//!
//! A line that is not due yet (a programme settled by hand, an open review, an edge that may still hold a click) is
//! not in the queue and holds nobody up. The first line in the queue that the balance cannot pay holds up all behind
//! it: nobody is paid out of turn.

use super::books::Change;
use super::group_cashback::cashback_now;
use super::intake;
use super::judge::{judge, knowing};
use super::judge_error::JudgeError;
use super::rows::{self, LineRow};
use super::show_books;
use super::tell;
use super::tiers::{Settling, at_tier, in_turn};
use crate::attribution::Catalogue;
use crate::ledger::account::Holder;
use crate::ledger::balance::balance;
use crate::ledger::earned::{self, Cycle};
use crate::ledger::top_up::lock_name;
use crate::ledger::transfer::Subject;
use crate::order_events::state::{LineState, OrderState};
use crate::order_events::{EventKey, log};
use crate::params;
use crate::store::{StoreError, Tx, read};
use crate::webhooks::EventKind;
use attribution_core::ids::{LineId, MerchantId, OrderId, PlatformId};
use attribution_core::ledger::{Account, Entry, LineEvent, Posting, TransferState, apply};
use attribution_core::money::Fen;
use attribution_core::policy::settlement::SettleMode;
use attribution_core::time::Instant;

/// Lines looked at in one transaction: a merchant with many is served in several.
const BATCH: i64 = 50;

/// What one pass over a merchant's queue did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Settled {
    /// Lines settled.
    pub lines: u32,
    /// The balance did not reach for the line at the head.
    pub out_of_money: bool,
    /// How many lines at the head of the queue are not due, if there may be more behind them; `None` at its end.
    pub next: Option<i64>,
}

/// Merchants with matured lines.
///
/// # Errors
/// If the store fails.
pub(crate) fn merchants(tx: &mut dyn Tx) -> Result<Vec<MerchantId>, StoreError> {
    let rows =
        tx.query("SELECT DISTINCT merchant FROM order_lines WHERE state = 'matured' AND review = 0", &[])?;
    rows.iter().map(|row| read("merchant id", row.text(0)?)).collect()
}

/// Settles up to a batch of one merchant's lines, behind the first `skip`.
///
/// # Errors
/// If the store fails or the rules refuse what is stored.
pub(crate) fn settle_merchant(
    tx: &mut dyn Tx,
    merchant: &MerchantId,
    skip: i64,
    now: Instant,
) -> Result<Settled, JudgeError> {
    tx.lock(&lock_name(merchant))?;
    let rows = tx.query(
        "SELECT platform, order_id, line_id FROM order_lines \
         WHERE merchant = $1 AND state = 'matured' AND review = 0 \
         ORDER BY matured_ms, platform, order_id, line_id LIMIT $2 OFFSET $3",
        params![merchant, BATCH, skip],
    )?;
    let mut done = Settled::default();
    let mut catalogue = Catalogue::default();
    let mut not_due = 0;
    for row in &rows {
        let platform: PlatformId = read("platform id", row.text(0)?)?;
        let order: OrderId = read("order id", row.text(1)?)?;
        let line: LineId = read("line id", row.text(2)?)?;
        match settle_line(tx, &mut catalogue, (&platform, &order, &line), By::Itself, now)? {
            LineResult::Settled => done.lines += 1,
            LineResult::NotDue => not_due += 1,
            LineResult::Gone => {}
            LineResult::OutOfMoney => {
                done.out_of_money = true;
                return Ok(done);
            }
        }
    }
    if i64::try_from(rows.len()).is_ok_and(|n| n == BATCH) {
        done.next = Some(skip + not_due);
    }
    Ok(done)
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineResult {
    Settled,
    /// It stays in the queue, and holds nobody up.
    NotDue,
    /// It has left the queue without being paid: what came in since says otherwise.
    Gone,
    OutOfMoney,
}

/// Who settles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Time: not where the rules leave it to the merchant.
    Itself,
    /// The merchant, who picks: also where the rules leave it to nobody.
    Hand,
}

/// Settles one line, if it is due and the balance reaches. The merchant is locked.
pub(super) fn settle_line(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    (platform, order, line): (&PlatformId, &OrderId, &LineId),
    by: By,
    now: Instant,
) -> Result<LineResult, JudgeError> {
    let key = EventKey { platform: platform.clone(), order: order.clone(), kind: "", number: String::new() };
    tx.lock(&intake::lock_name(&key))?;
    let events = log::events(tx, platform, order)?;
    let now = knowing(&events, now);
    // Settling ends the time in which new facts count: look at all of them once more.
    judge(tx, catalogue, platform, order, "before settlement", now)?;
    let Some(state) = OrderState::of(&events) else { return Ok(LineResult::NotDue) };
    let Some(facts) = state.lines.iter().find(|l| l.line == *line) else { return Ok(LineResult::NotDue) };
    let mut row = rows::line(tx, platform, order, &facts.line)?;
    if row.state != "matured" || row.held {
        return Ok(LineResult::Gone);
    }
    if !row.is_final() && waits_for_click(tx, platform, order, row.awaits_click, now)?.is_some() {
        return Ok(LineResult::NotDue);
    }
    let (Some(programme), Some(version), Some(books)) = (&row.programme, row.version, &row.books) else {
        return Ok(LineResult::NotDue);
    };
    let policy = catalogue.policy(tx, programme, version)?;
    if by == By::Itself && policy.settlement.mode == SettleMode::Manual {
        return Ok(LineResult::NotDue);
    }
    let cashback = cashback_now(tx, &policy, &state, facts, now)?;
    let at = in_turn(tx, &policy, &row, Settling { platform, order, at: now })?;
    let terms = at_tier(tx, &policy, &row, Settling { platform, order, at })?;
    let refused = |cause| JudgeError::Books { line: line.to_string(), cause };
    let event = LineEvent::Settled { cashback, terms };
    let step = apply(&policy.settlement, books, &event).map_err(refused)?;
    let account = Holder::Account(Account::Merchant { merchant: books.merchant.clone() });
    if balance(tx, &account)? < debited(&step.postings) {
        let step = apply(&policy.settlement, books, &LineEvent::BalanceTooLow).map_err(refused)?;
        row.books = Some(step.state);
        rows::update_line(tx, platform, order, &row)?;
        return Ok(LineResult::OutOfMoney);
    }
    let matured = row.matured.unwrap_or(now);
    let cycle = Cycle::of(&policy.settlement, version, matured, at);
    earned::post(tx, Subject { platform, order, line }, &step.postings, Some(&cycle), matured, at)?;
    row.settled = Some(at);
    row.final_at = row.final_at.or(Some(at));
    let settled = step.state.entry == Entry::Settled;
    show_books(&mut row, Change { books: step.state, postings: Vec::new(), manual: false });
    rows::update_line(tx, platform, order, &row)?;
    if settled {
        tell_settled(tx, &state, facts, &row, now)?;
    }
    note_settled(tx, platform, order, at)?;
    Ok(match (settled, row.state == "matured") {
        (true, _) => LineResult::Settled,
        (false, true) => LineResult::NotDue,
        (false, false) => LineResult::Gone,
    })
}

/// Tells merchant and promoter what a line that has settled came to.
fn tell_settled(
    tx: &mut dyn Tx,
    order: &OrderState,
    line: &LineState,
    row: &LineRow,
    now: Instant,
) -> Result<(), StoreError> {
    let moved = tell::Moved {
        commission_fen: row.amounts.commission,
        promoter_fen: row.amounts.promoter,
        taken_back_fen: 0,
    };
    let (facts, merchant) = (tell::line_facts(order, line), &order.created.merchant);
    tell::moved(tx, EventKind::CommissionSettled, &facts, merchant, row.promoter.as_ref(), moved, now)
}

/// Until when at the latest a line that is not final waits for a click: one that an edge may still hold from before the
/// order, or the deciding one itself (`awaits_click`). None if nothing can be under way any more.
pub(super) fn waits_for_click(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    order: &OrderId,
    awaits_click: bool,
    now: Instant,
) -> Result<Option<Instant>, StoreError> {
    let order = tx.query_one(
        "SELECT caught_up_ms, hold_until_ms, grace_until_ms FROM orders WHERE platform = $1 AND order_id = $2",
        params![platform, order],
    )?;
    let (caught_up, hold, grace) = (order.opt_instant(0)?.is_some(), order.instant(1)?, order.instant(2)?);
    Ok(match (caught_up, awaits_click) {
        (true, true) => Some(grace),
        (true, false) => None,
        (false, true) => Some(hold),
        (false, false) => Some(hold).filter(|hold| *hold > now),
    })
}

/// What the merchant pays.
fn debited(postings: &[Posting]) -> Fen {
    let posted = postings.iter().filter_map(|posting| match posting {
        Posting::Write(transfer) if transfer.state == TransferState::Posted => Some(transfer.amount.0),
        _ => None,
    });
    Fen(posted.fold(0, i64::saturating_add))
}

/// What is told of the order from here on was not known to this settlement. One whose lines are all final needs no further
/// looks.
fn note_settled(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    order: &OrderId,
    at: Instant,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE orders SET judged_ms = $3, provisional = CASE WHEN EXISTS (SELECT 1 FROM order_lines l \
         WHERE l.platform = $1 AND l.order_id = $2 AND l.final_ms IS NULL) THEN provisional ELSE 0 END \
         WHERE platform = $1 AND order_id = $2",
        params![platform, order, at],
    )?;
    Ok(())
}
