//! A line's books after a judgement: what is owed now, posted as the difference to before, and what lists show of it.

use super::books::{self, Change, Known};
use super::judge_error::JudgeError;
use super::review::{self, Finding, Reason};
use super::rows::{self, LineRow};
use super::tell;
use crate::attribution::Catalogue;
use crate::disputes::note::{self, NoteError};
use crate::ledger::earned::{self, Cycle};
use crate::ledger::transfer::Subject;
use crate::notices::write::{Kind, News, tell_by_id};
use crate::order_events::state::{LineState, OrderState};
use crate::store::{StoreError, Tx};
use crate::webhooks::EventKind;
use attribution_core::commission::{Amounts, Payee, Share};
use attribution_core::ids::ProgrammeId;
use attribution_core::ledger::Entry;
use attribution_core::maturity::{Standing, Trade, standing};
use attribution_core::money::Fen;
use attribution_core::policy::{Policy, SettlementPolicy};
use attribution_core::time::Instant;

/// Brings the line's books up to what is known and posts the difference. Returns when a timer that runs will end, if time
/// alone can complete the trade.
pub(super) fn keep_books(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    state: &OrderState,
    line: &LineState,
    row: &mut LineRow,
    now: Instant,
) -> Result<Option<Instant>, JudgeError> {
    let (platform, order) = (&state.created.platform, &state.created.order);
    let (Some(programme), Some(version)) = (row.programme.clone(), row.version) else {
        row.state = "none";
        return Ok(None);
    };
    let whole = catalogue.policy(tx, &programme, version)?;
    let policy = &whole.settlement;
    let (matured, timer) = maturity(state, policy, now);
    // What has settled was complete then, whatever is told of its timer afterwards.
    if row.settled.is_none() {
        row.matured = matured;
    }
    let seen = with_refunds_noted(tx, catalogue, (&whole, &programme, version), state, line, row, now)?;
    let line = &seen;
    let known = Known {
        policy,
        programme: &programme,
        terms: row.terms.as_ref(),
        review: row.held,
        order: state,
        line,
        matured: row.matured,
        settled: row.settled,
    };
    let change = books::reconcile(row.books.as_ref(), known)
        .map_err(|cause| JudgeError::Books { line: line.line.to_string(), cause })?;
    let subject = Subject { platform, order, line: &line.line };
    let at = business_time(state, line, row.settled.is_some());
    let cycle = row.settled.map(|at| Cycle::of(policy, version, row.matured.unwrap_or(at), at));
    earned::post(tx, subject, &change.postings, cycle.as_ref(), at, now)?;
    if change.manual {
        note_manual(tx, state, line, change.books.entry == Entry::Settled, now)?;
    }
    if row.settled.is_some() && change.books.paid != line.amount {
        note_paid_otherwise(tx, state, line, change.books.paid, now)?;
    }
    let before = row.amounts.promoter;
    show_books(row, change);
    if row.settled.is_some() && row.amounts.promoter < before {
        tell_taken_back(tx, state, line, row, before, now)?;
    }
    Ok(timer)
}

/// The line as its books are to see it: what was refunded after the settlement may have a record of its own instead.
fn with_refunds_noted(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    (policy, programme, version): (&Policy, &ProgrammeId, u32),
    state: &OrderState,
    line: &LineState,
    row: &LineRow,
    now: Instant,
) -> Result<LineState, JudgeError> {
    let (Some(at), Some(books)) = (row.settled, &row.books) else { return Ok(line.clone()) };
    let settled = note::Settled { at, books, promoter: row.promoter.as_ref(), programme, version };
    note::refunds(tx, catalogue, policy, state, line, settled, now).map_err(|error| match error {
        NoteError::Store(error) => JudgeError::Store(error),
        NoteError::TooLarge(cause) => JudgeError::Books { line: line.line.to_string(), cause: cause.into() },
    })
}

/// Tells of a settled line whose promoter, who had `before`, has less now.
fn tell_taken_back(
    tx: &mut dyn Tx,
    state: &OrderState,
    line: &LineState,
    row: &LineRow,
    before: i64,
    now: Instant,
) -> Result<(), StoreError> {
    let moved = tell::Moved {
        commission_fen: row.amounts.commission,
        promoter_fen: row.amounts.promoter,
        taken_back_fen: before - row.amounts.promoter,
    };
    if let Some(promoter) = &row.promoter {
        let subject = format!("{}/{}", state.created.platform, state.created.order);
        let amount = Fen(moved.taken_back_fen).to_string();
        let news = News::new(Kind::CommissionTakenBack, &subject, &amount);
        tell_by_id(tx, promoter.as_str(), news, now)?;
    }
    let (facts, merchant) = (tell::line_facts(state, line), &state.created.merchant);
    tell::moved(tx, EventKind::CommissionClawedBack, &facts, merchant, row.promoter.as_ref(), moved, now)
}

/// When the trade was complete: by its event, or so long after the last parcel; and when the timer that runs will end.
pub(crate) fn maturity(
    state: &OrderState,
    policy: &SettlementPolicy,
    now: Instant,
) -> (Option<Instant>, Option<Instant>) {
    let trade = Trade {
        paid: state.paid,
        parcels: &state.parcels,
        more_to_ship: state.more_to_ship,
        completed: state.completed,
        closed: state.closed,
        refunds_asked: &state.refunds_asked,
    };
    match standing(policy.maturity, &trade, now) {
        Standing::Complete { at } => (Some(at), None),
        Standing::Runs { until } => (None, Some(until)),
        Standing::NoTrade | Standing::Waits | Standing::Stopped { .. } => (None, None),
    }
}

/// The time that the postings of a line bear: that of the payment, and after the settlement, when only refunds move
/// money, that of the last refund.
pub(crate) fn business_time(state: &OrderState, line: &LineState, settled: bool) -> Instant {
    let paid = state.paid.unwrap_or_else(|| state.created.at.instant());
    let refunded = line.refunds.iter().map(|refund| refund.at).max();
    refunded.filter(|_| settled).unwrap_or(paid)
}

/// Notes that a line has settled on another amount than was paid for it.
fn note_paid_otherwise(
    tx: &mut dyn Tx,
    state: &OrderState,
    line: &LineState,
    settled_on: Fen,
    now: Instant,
) -> Result<(), StoreError> {
    let detail = format!("settled on {} fen, but {} were paid", settled_on.0, line.amount.0);
    let (line, reason) = (line.line.as_str(), Reason::PaidAfterSettlement);
    review::open(tx, &Finding::of(&state.created, line, reason, "", &detail), now)
}

fn note_manual(
    tx: &mut dyn Tx,
    state: &OrderState,
    line: &LineState,
    settled: bool,
    now: Instant,
) -> Result<(), StoreError> {
    let (reason, detail) = if settled {
        (
            Reason::RefundAfterSettlement,
            "refunded after the settlement: the programme takes nothing back by itself",
        )
    } else {
        (Reason::ManualRefund, "refunded, and paid in a way that merchant and promoter settle by hand")
    };
    let found = line.refunds.last().map_or("", |refund| refund.refund.as_str());
    review::open(tx, &Finding::of(&state.created, line.line.as_str(), reason, found, detail), now)
}

/// What lists and reports show, from the rules' own state.
pub(crate) fn show_books(row: &mut LineRow, change: Change) {
    row.state = match change.books.entry {
        Entry::Invalid if row.promoter.is_none() && row.terms.is_none() => "none",
        Entry::Tracked => "tracked",
        Entry::Expected => "expected",
        Entry::Matured => "matured",
        Entry::Settled => "settled",
        Entry::Invalid => "invalid",
        Entry::ManualRequired => "manual_required",
    };
    row.amounts = shown(&change.books.amounts);
    row.books = Some(change.books);
}

/// Base, whole commission, and what of it the promoter sees as theirs: shares collected at the withdrawal included.
fn shown(amounts: &Amounts) -> rows::Shown {
    let own = |share: &&Share| share.collected_at_withdrawal || matches!(share.payee, Payee::Promoter(_));
    let promoter = amounts.shares.iter().filter(own).map(|share| share.amount.0).sum();
    let agency = amounts.shares.iter().filter(|share| matches!(share.payee, Payee::Agency(_)));
    let agency = agency.map(|share| share.amount.0).sum();
    rows::Shown { base: amounts.base.0, commission: amounts.gross.0, promoter, agency }
}
