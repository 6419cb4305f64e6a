//! What a line's ledger state should be, given all that is known of it: pure, and the same for every order of arrival.
//!
//! Until a line settles, its state is computed anew from the decision and the order's events in their fixed order,
//! and only the difference to what is pending now is posted. A settled line only moves forward: what was refunded
//! since then is fed to the rules, which take it back or call a person.

use crate::order_events::state::{LineState as LineFacts, OrderState};
use attribution_core::commission::Terms;
use attribution_core::ids::ProgrammeId;
use attribution_core::ledger::{Entry, LedgerError, LineEvent, LineState, Posting, RefundEvent, apply};
use attribution_core::money::Fen;
use attribution_core::policy::SettlementPolicy;
use attribution_core::policy::settlement::PayMethod;
use attribution_core::time::Instant;

/// What the books need to know of a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    pub policy: &'a SettlementPolicy,
    pub programme: &'a ProgrammeId,
    /// The award's frozen terms, or none.
    pub terms: Option<&'a Terms>,
    /// A person must look before money moves.
    pub review: bool,
    pub order: &'a OrderState,
    pub line: &'a LineFacts,
    /// The trade is complete, by its event or by the timer.
    pub matured: Option<Instant>,
    /// When the merchant was debited; also where that came to nothing.
    pub settled: Option<Instant>,
}

/// What to do about a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub books: LineState,
    pub postings: Vec<Posting>,
    /// A refund that a person must handle.
    pub manual: bool,
}

/// Brings the books of a line up to what is known.
pub(crate) fn reconcile(before: Option<&LineState>, known: Known<'_>) -> Result<Change, LedgerError> {
    match (before, known.settled) {
        (Some(before), Some(settled)) => after_settlement(before, known, settled),
        _ => before_settlement(before, known),
    }
}

fn before_settlement(before: Option<&LineState>, known: Known<'_>) -> Result<Change, LedgerError> {
    let merchant = known.order.created.merchant.clone();
    let mut books = LineState::new(known.programme.clone(), merchant);
    books.revision = before.map_or(0, |b| b.revision);
    let mut written = Vec::new();
    let mut manual = false;
    for event in events(known) {
        let step = apply(known.policy, &books, &event)?;
        books = step.state;
        written.extend(step.postings);
        manual |= step.manual;
    }
    books.waiting_for_balance =
        before.is_some_and(|b| b.waiting_for_balance) && books.entry == Entry::Matured;
    let old_open = before.map_or(&[][..], |b| b.open.as_slice());
    let unchanged = before.is_some_and(|b| {
        b.programme == books.programme && b.amounts == books.amounts && b.open.len() == books.open.len()
    });
    let mut postings = Vec::new();
    if unchanged {
        // What is pending says the same already: it stays, under its own keys.
        books.open = old_open.to_vec();
        books.revision = before.map_or(0, |b| b.revision);
    } else {
        postings.extend(old_open.iter().copied().map(Posting::Void));
        let kept = |posting: &Posting| matches!(posting, Posting::Write(t) if books.open.contains(&t.key));
        postings.extend(written.into_iter().filter(kept));
    }
    Ok(Change { books, postings, manual })
}

/// The line's life so far, in the order in which the rules expect it.
fn events(known: Known<'_>) -> Vec<LineEvent> {
    let mut events = vec![LineEvent::Decided { terms: known.terms.cloned(), hold_for_review: known.review }];
    if known.order.closed.is_some() && known.matured.is_none() {
        events.push(LineEvent::Closed);
        return events;
    }
    if known.order.paid.is_none() {
        return events;
    }
    let method = known.order.payment_method.unwrap_or(PayMethod::Other);
    events.push(LineEvent::Paid { amount: known.line.amount, method });
    let refunded = known.line.refunded();
    if refunded > Fen::ZERO {
        events.push(LineEvent::Refunded(RefundEvent { amount: refunded, in_time: refunded }));
    }
    if known.matured.is_some() {
        events.push(LineEvent::Completed);
    }
    events
}

fn after_settlement(before: &LineState, known: Known<'_>, settled: Instant) -> Result<Change, LedgerError> {
    let new = known.line.refunded().sub(before.refunded)?;
    if new <= Fen::ZERO {
        return Ok(Change { books: before.clone(), postings: Vec::new(), manual: false });
    }
    let before_completion = |at: Instant| known.matured.is_some_and(|matured| at < matured);
    let in_time = known.line.refunded_where(|r| r.received <= settled || before_completion(r.at));
    let step = apply(known.policy, before, &LineEvent::Refunded(RefundEvent { amount: new, in_time }))?;
    Ok(Change { books: step.state, postings: step.postings, manual: step.manual })
}
