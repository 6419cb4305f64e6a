//! Settling what is due: a merchant's matured lines in the order of their completion, each whole or not at all.
//!
//! A line that is not due yet (a programme settled by hand, an open review, an edge that may still hold a click) is
//! not in the queue and holds nobody up. The first line in the queue that the balance cannot pay holds up all behind
//! it: nobody is paid out of turn.

use super::books::Change;
use super::intake;
use super::judge::{judge, knowing};
use super::judge_error::JudgeError;
use super::rows::{self, LineRow};
use super::show_books;
use super::tell;
use crate::attribution::Catalogue;
use crate::ledger::account::Holder;
use crate::ledger::balance::balance;
use crate::ledger::earned::{self, Cycle};
use crate::ledger::top_up::lock_name;
use crate::ledger::transfer::Subject;
use crate::order_events::state::{LineState, OrderState};
use crate::order_events::{EventKey, OrderEvent, log};
use crate::params;
use crate::store::{StoreError, Tx, read};
use crate::webhooks::EventKind;
use attribution_core::commission::{Terms, cashback, cashback_of_line};
use attribution_core::ids::{LineId, MerchantId, OrderId, PlatformId};
use attribution_core::ledger::{Account, Entry, LineEvent, Posting, TransferState, apply};
use attribution_core::money::{Fen, Overflow};
use attribution_core::policy::Policy;
use attribution_core::policy::settlement::{PayMethod, SettleMode};
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

/// What the shop gives back of a line by now (团购返现): its part of what each order of the product gets back.
///
/// # Errors
/// If the store fails or an amount does not fit.
pub(crate) fn cashback_now(
    tx: &mut dyn Tx,
    policy: &Policy,
    order: &OrderState,
    line: &LineState,
    now: Instant,
) -> Result<Fen, JudgeError> {
    let tiers = &policy.commission.cashback;
    if tiers.is_empty() {
        return Ok(Fen::ZERO);
    }
    let orders = orders_of_product(tx, &order.created.platform, line.product.as_str(), now)?;
    let group: Vec<&LineState> = order.lines.iter().filter(|other| other.product == line.product).collect();
    let index = group.iter().take_while(|other| other.line != line.line).count();
    let left = group.iter().map(|of| of.amount.sub(of.refunded())).collect::<Result<Vec<Fen>, Overflow>>();
    left.and_then(|left| cashback_of_line(cashback(tiers, orders), &left, index))
        .map_err(|cause| JudgeError::Books { line: line.line.to_string(), cause: cause.into() })
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

/// Orders in which a product was paid for and not closed, as known at `$3`. As for an order itself, what is paid on delivery
/// is paid with its completion, and what is complete, be it by its timer alone, does not close.
const PAID_FOR: &str = "FROM order_lines l \
     JOIN orders o ON o.platform = l.platform AND o.order_id = l.order_id \
     JOIN order_events e ON e.platform = l.platform AND e.order_id = l.order_id AND e.received_ms <= $3 \
     AND (e.kind = 'paid' OR (e.kind = 'completed' AND o.payment_method = $4)) \
     WHERE l.platform = $1 AND l.product = $2 AND (\
     EXISTS (SELECT 1 FROM order_events c WHERE c.platform = l.platform AND c.order_id = l.order_id \
     AND c.kind = 'completed' AND c.received_ms <= $3) \
     OR (l.matured_ms <= $3 AND NOT EXISTS (SELECT 1 FROM order_events c WHERE c.platform = l.platform \
     AND c.order_id = l.order_id AND c.kind = 'completed')) \
     OR NOT EXISTS (SELECT 1 FROM order_events c WHERE c.platform = l.platform AND c.order_id = l.order_id \
     AND c.kind = 'closed' AND c.received_ms <= $3))";

/// Orders of the product as known at `known`: what a group cashback (团购返现) counts. One whose goods all came back before
/// its completion is none.
fn orders_of_product(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    product: &str,
    known: Instant,
) -> Result<u32, StoreError> {
    let asked = params![platform, product, known, PayMethod::CashOnDelivery.name()];
    let paid_for: u32 =
        tx.query_one(&format!("SELECT COUNT(DISTINCT l.order_id) {PAID_FOR}"), asked)?.num(0)?;
    let with_refunds = tx.query(
        &format!(
            "SELECT l.order_id, MIN(l.matured_ms) {PAID_FOR} AND EXISTS (SELECT 1 FROM order_events r \
             WHERE r.platform = l.platform AND r.order_id = l.order_id AND r.kind = 'refunded' \
             AND r.received_ms <= $3) GROUP BY l.order_id"
        ),
        asked,
    )?;
    let mut came_back = 0;
    for row in &with_refunds {
        let mut events = log::events(tx, platform, &read("order id", row.text(0)?)?)?;
        // Where an event tells of the completion, be it later, the line's time is that event's.
        let is_told = events.iter().any(|stored| matches!(stored.event, OrderEvent::Completed(_)));
        let by_timer = row.opt_instant(1)?.filter(|matured| *matured <= known && !is_told);
        events.retain(|stored| stored.received <= known);
        let Some(order) = OrderState::of(&events) else { continue };
        if !order.keeps(|line| line.product.as_str() == product, order.confirmed.or(by_timer)) {
            came_back += 1;
        }
    }
    Ok(paid_for.saturating_sub(came_back))
}

/// The order to which a line that is settled belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settling<'a> {
    pub platform: &'a PlatformId,
    pub order: &'a OrderId,
    pub at: Instant,
}

/// When the line settles: now, or where the programme has tiers, behind every order of the promoter that has settled
/// under it. So the times alone tell which orders were counted, though two merchants settle side by side.
fn in_turn(tx: &mut dyn Tx, policy: &Policy, row: &LineRow, of: Settling<'_>) -> Result<Instant, StoreError> {
    let (false, Some(promoter), Some(programme)) =
        (policy.commission.tiers.is_empty(), &row.promoter, &row.programme)
    else {
        return Ok(of.at);
    };
    tx.lock(&format!("tier {programme} {promoter}"))?;
    let last = tx.query_opt(
        "SELECT settled_ms, CASE WHEN (matured_ms, platform, order_id) > ($4, $3, $5) THEN 1 ELSE 0 END \
         FROM order_lines WHERE programme = $1 AND promoter = $2 AND state = 'settled' \
         AND NOT (platform = $3 AND order_id = $5) \
         ORDER BY settled_ms DESC, matured_ms DESC, platform DESC, order_id DESC LIMIT 1",
        params![programme, promoter, of.platform, row.matured.unwrap_or(of.at), of.order],
    )?;
    let Some(last) = last else { return Ok(of.at) };
    let (settled, is_behind) = (last.instant(0)?, last.flag(1)?);
    Ok(of.at.max(if is_behind { settled.plus(1) } else { settled }))
}

/// The terms at the tier that the promoter has reached with this order, if the programme has tiers: what counts is how
/// many of their orders have settled under it before, this one included; in one instant those that were complete
/// earlier came before.
pub(crate) fn at_tier(
    tx: &mut dyn Tx,
    policy: &Policy,
    row: &LineRow,
    of: Settling<'_>,
) -> Result<Option<Terms>, StoreError> {
    let tiers = &policy.commission.tiers;
    let (Some(most), Some(terms), Some(promoter), Some(programme)) = (
        tiers.iter().map(|tier| tier.from_orders).max(),
        row.books.as_ref().and_then(|books| books.terms.as_ref()),
        &row.promoter,
        &row.programme,
    ) else {
        return Ok(None);
    };
    let before = tx.query_one(
        "SELECT COUNT(*) FROM (SELECT DISTINCT platform, order_id FROM order_lines WHERE programme = $1 \
         AND promoter = $2 AND state = 'settled' AND NOT (platform = $3 AND order_id = $4) \
         AND (settled_ms < $5 OR (settled_ms = $5 AND (matured_ms, platform, order_id) < ($6, $3, $4))) LIMIT $7) \
         AS reached",
        params![
            programme,
            promoter,
            of.platform,
            of.order,
            of.at,
            row.matured.unwrap_or(of.at),
            i64::from(most)
        ],
    )?;
    Ok(Some(terms.at_tier(tiers, before.num(0)?.saturating_add(1))))
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
