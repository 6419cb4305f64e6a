//! Judging an order: decides on every line that is not final, keeps each decision, and brings the books up to date.
//!
//! It can be run at any time and any number of times: with the same facts it changes nothing.

use super::books::{self, Change, Known};
use super::reopen;
use super::report_rows;
use super::review::{self, Finding, Reason};
use super::rows::{self, LineRow, OrderRow};
use super::state::{LineState, OrderState};
use crate::attribution::decide::extend_grace;
use crate::attribution::{Catalogue, Decided, LineQuestion, decide_order, orders_matter};
use crate::disputes;
use crate::ledger::transfer::{Subject, TransferError};
use crate::params;
use crate::payouts::entries::{self, Cycle};
use crate::sourcing;
use crate::store::{StoreError, Tx};
use crate::webhooks::{EventKind, tell};
use attribution_core::attribute::{Attribution, EdgesCaughtUp, Flag, NoCommission, Outcome, final_at};
use attribution_core::click::ClickId;
use attribution_core::commission::{Amounts, Payee};
use attribution_core::ids::{OrderId, PlatformId};
use attribution_core::ledger::{Entry, LedgerError};
use attribution_core::maturity::{Standing, Trade, standing};
use attribution_core::policy::{Policy, SettlementPolicy};
use attribution_core::record::ClickRecord;
use attribution_core::time::{Instant, SECOND_MS};

/// Why an order could not be judged. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The rules could not decide.
    #[error("the order could not be decided")]
    Decide(#[from] crate::attribution::decide::DecideError),
    /// The rules refuse the line's own history.
    #[error("line {line} does not fit its own history")]
    Books {
        /// Which line.
        line: String,
        /// Why.
        #[source]
        cause: LedgerError,
    },
    /// The ledger refused a transfer.
    #[error("the ledger refused a transfer")]
    Ledger(#[from] TransferError),
}

/// Judges one order. The caller holds the order's lock. `cause` says, for the log of decisions, what made us look.
///
/// # Errors
/// If the store fails or the rules refuse what is stored.
pub fn judge(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    platform: &PlatformId,
    order: &OrderId,
    cause: &str,
    now: Instant,
) -> Result<(), JudgeError> {
    super::wake::take(tx, platform, order)?;
    let events = rows::events(tx, platform, order)?;
    let Some(state) = OrderState::of(&events) else { return Ok(()) };
    let mut row = rows::order(tx, platform, order)?;
    let edges = edges(tx, &state, &mut row, now)?;
    let decisions = decide_order(tx, catalogue, &state, LineQuestion { edges, now })?;
    let created = &state.created;
    let programmes = catalogue.programmes(tx, &created.platform, &created.merchant)?;
    if row.dirty
        && programmes.iter().filter_map(|p| p.in_force(now)).any(|v| orders_matter(&v.policy.attribution))
    {
        crate::holders::outbox::buyer(tx, &created.platform, &created.buyer, now)?;
    }
    let mut next = Next::default();
    for (line, decided) in state.lines.iter().zip(decisions) {
        let mut line_row = rows::line(tx, platform, order, line)?;
        if !line_row.is_final() {
            decision(tx, &state, line, &mut line_row, decided.as_ref(), cause, now)?;
            next.provisional_line(tx, catalogue, &state, decided.as_ref(), now)?;
        } else if let Some(decided) = &decided {
            reopen::reopen(tx, &state, line, &mut line_row, decided, cause, now)?;
        }
        bookkeeping(tx, catalogue, &state, line, &mut line_row, &mut next, now)?;
        sourcing::deals::note(tx, &state, line)?;
        rows::update_line(tx, platform, order, &line_row)?;
    }
    row.dirty = false;
    row.provisional = next.provisional;
    row.grace_until = next.grace_until.unwrap_or(Instant(i64::MAX));
    row.hold_until = next.hold_until.unwrap_or(Instant(i64::MAX));
    row.timer = next.timer;
    rows::update_order(tx, platform, order, &row)?;
    Ok(())
}

/// When the order has to be looked at again.
#[derive(Debug, Default)]
struct Next {
    provisional: bool,
    grace_until: Option<Instant>,
    hold_until: Option<Instant>,
    timer: Option<Instant>,
}

fn sooner(a: Option<Instant>, b: Instant) -> Option<Instant> {
    Some(a.map_or(b, |a| a.min(b)))
}

impl Next {
    fn provisional_line(
        &mut self,
        tx: &mut dyn Tx,
        catalogue: &mut Catalogue,
        state: &OrderState,
        decided: Option<&Decided>,
        now: Instant,
    ) -> Result<(), StoreError> {
        let at = state.created.at.instant();
        let (mut policy, order_at) = match decided {
            None => (Policy::default().attribution, at),
            Some(Decided { attribution, .. }) if !attribution.provisional => return Ok(()),
            Some(Decided { attribution, .. }) => {
                let policy = catalogue.policy(tx, &attribution.programme, attribution.policy_version)?;
                (policy.attribution.clone(), attribution.order_at)
            }
        };
        extend_grace(&mut policy, at, state.received);
        let grace = final_at(&policy, order_at, None, EdgesCaughtUp::Since(order_at));
        let hold = final_at(&policy, order_at, None, EdgesCaughtUp::NotYet);
        if decided.is_none() && now >= hold {
            return Ok(());
        }
        self.provisional = true;
        self.grace_until = sooner(self.grace_until, grace);
        self.hold_until = sooner(self.hold_until, hold);
        Ok(())
    }
}

/// Whether all registered edges have delivered what they recorded before the order; remembers since when.
fn edges(
    tx: &mut dyn Tx,
    state: &OrderState,
    row: &mut OrderRow,
    now: Instant,
) -> Result<EdgesCaughtUp, StoreError> {
    if row.caught_up.is_none() {
        // A click counts up to the end of the order's second.
        let through =
            Instant(state.created.at.instant().floor_seconds().saturating_add(1).saturating_mul(SECOND_MS));
        let behind = tx.query_opt("SELECT edge FROM edges WHERE shipped_through < $1", params![through])?;
        if behind.is_none() {
            row.caught_up = Some(now);
        }
    }
    // A sweep may have noted it between an order's arrival and its judgement, which has the time of the arrival: what is
    // judged as of a time rests on nothing later, or a replay would not find the same.
    let known = row.caught_up.filter(|at| *at <= now);
    Ok(known.map_or(EdgesCaughtUp::NotYet, EdgesCaughtUp::Since))
}

/// Keeps the decision if it says anything new, and freezes it on the line.
pub(super) fn decision(
    tx: &mut dyn Tx,
    state: &OrderState,
    line: &LineState,
    row: &mut LineRow,
    decided: Option<&Decided>,
    cause: &str,
    now: Instant,
) -> Result<(), StoreError> {
    let Some(decided) = decided else { return Ok(()) };
    let (platform, order) = (&state.created.platform, &state.created.order);
    let before = rows::decision(tx, platform, order, &line.line, row.decision)?;
    if !before.as_ref().is_some_and(|before| before.same_as(decided)) {
        let number = row.decision.unwrap_or(0) + 1;
        rows::insert_decision(tx, platform, order, &line.line, number, decided, cause, now)?;
        row.decision = Some(number);
        let relation = decided.attribution.relation.as_ref();
        let sub = relation.map(|relation| label(tx, relation.click)).transpose()?.flatten();
        tx.execute(
            "UPDATE order_lines SET placement = $4, sub = $5 WHERE platform = $1 AND order_id = $2 AND line_id = $3",
            params![platform, order, &line.line, relation.map(|relation| &relation.placement), sub.as_ref()],
        )?;
        let owner = |of: &Decided| promoter(&of.attribution);
        let owners = (before.as_ref().and_then(owner), owner(decided));
        let owners = (owners.0.as_ref(), owners.1.as_ref());
        let (facts, provisional) = (tell::line_facts(state, line), decided.attribution.provisional);
        tell::decided(tx, &facts, &state.created.merchant, owners, provisional, now)?;
    }
    let attribution = &decided.attribution;
    row.programme = Some(attribution.programme.clone());
    row.version = Some(attribution.policy_version);
    row.promoter = promoter(attribution);
    row.terms = attribution.award().map(|award| award.terms.clone());
    row.awaits_click = attribution.flags.contains(&Flag::AwaitingClick);
    if !attribution.provisional {
        row.final_at = Some(attribution.final_at);
    }
    let was_held = row.review;
    row.review = false;
    for flag in attribution.held_by() {
        row.review = true;
        let (reason, detail) = match flag {
            Flag::UnnamedAgency => {
                (Reason::UnnamedAgency, "what is stored as the promoter's agency is no id: see `yinke audit`")
            }
            _ => (
                Reason::Unjournaled,
                "the click that decided is known only from its token: no edge ever delivered it",
            ),
        };
        let finding = Finding {
            platform,
            order,
            merchant: Some(&state.created.merchant),
            line: line.line.as_str(),
            reason,
            found: "",
            detail,
            contents: None,
        };
        review::open(tx, &finding, now)?;
    }
    if was_held && attribution.held_by().all(|flag| flag != Flag::UnnamedAgency) {
        review::agency_named(tx, platform, order, line.line.as_str(), now)?;
    }
    Ok(())
}

/// The promoter's own label of a click, once an edge has delivered it.
fn label(tx: &mut dyn Tx, click: ClickId) -> Result<Option<String>, StoreError> {
    let Some(row) = tx.query_opt("SELECT payload FROM clicks WHERE click_id = $1", params![&click])? else {
        return Ok(None);
    };
    let record = ClickRecord::decode(row.blob(0)?)
        .map_err(|cause| StoreError::Corrupt { what: "click record", cause: cause.into() })?;
    Ok(report_rows::label(record.sub_id))
}

/// Whose order it is, whether or not anything is due. Orders paid in an excluded way are nobody's: they are not shown
/// among promoted orders, and the relation goes on without them.
pub(crate) fn promoter(attribution: &Attribution) -> Option<attribution_core::ids::PromoterId> {
    if let Outcome::NoCommission(NoCommission::PaymentExcluded { .. }) = attribution.outcome {
        return None;
    }
    let awarded = attribution.award().and_then(|award| award.promoter.clone());
    awarded.or_else(|| attribution.relation.as_ref().map(|relation| relation.promoter.clone()))
}

/// Brings the line's books up to what is known and posts the difference.
fn bookkeeping(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    state: &OrderState,
    line: &LineState,
    row: &mut LineRow,
    next: &mut Next,
    now: Instant,
) -> Result<(), JudgeError> {
    let (platform, order) = (&state.created.platform, &state.created.order);
    let (Some(programme), Some(version)) = (row.programme.clone(), row.version) else {
        row.state = "none";
        return Ok(());
    };
    let whole = catalogue.policy(tx, &programme, version)?;
    let policy = &whole.settlement;
    let (matured, timer) = maturity(state, policy, now);
    // What has settled was complete then, whatever is told of its timer afterwards.
    if row.settled.is_none() {
        row.matured = matured;
    }
    next.timer = timer.map_or(next.timer, |runs_out| sooner(next.timer, runs_out));
    let seen = disputes::note::refunds(tx, catalogue, &whole, state, line, row, now)?;
    let line = &seen;
    let known = Known {
        policy,
        programme: &programme,
        terms: row.terms.as_ref(),
        review: row.review && !row.review_passed,
        order: state,
        line,
        matured: row.matured,
        settled: row.settled.is_some(),
    };
    let change = books::reconcile(row.books.as_ref(), known)
        .map_err(|cause| JudgeError::Books { line: line.line.to_string(), cause })?;
    let subject = Subject { platform, order, line: &line.line };
    let at = business_time(state, line, row.settled.is_some());
    let cycle = row.settled.map(|at| Cycle::of(policy, version, row.matured.unwrap_or(at), at));
    entries::post(tx, subject, &change.postings, cycle.as_ref(), at, now)?;
    if change.manual {
        note_manual(tx, state, line, row.settled.is_some(), now)?;
    }
    if row.settled.is_some() && change.books.paid != line.amount {
        let detail = format!("settled on {} fen, but {} were paid", change.books.paid.0, line.amount.0);
        let reason = Reason::PaidAfterSettlement;
        let line = line.line.as_str();
        let merchant = Some(&state.created.merchant);
        let finding =
            Finding { platform, order, merchant, line, reason, found: "", detail: &detail, contents: None };
        review::open(tx, &finding, now)?;
    }
    let before = row.amounts.promoter;
    take_over(row, change);
    if row.settled.is_some() && row.amounts.promoter < before {
        let moved = tell::Moved {
            commission_fen: row.amounts.commission,
            promoter_fen: row.amounts.promoter,
            taken_back_fen: before - row.amounts.promoter,
        };
        let (facts, merchant) = (tell::line_facts(state, line), &state.created.merchant);
        tell::moved(
            tx,
            EventKind::CommissionClawedBack,
            &facts,
            merchant,
            row.promoter.as_ref(),
            moved,
            now,
        )?;
    }
    Ok(())
}

/// The time that the postings of a line bear: that of the payment, and after the settlement, when only refunds move
/// money, that of the last refund.
pub(crate) fn business_time(state: &OrderState, line: &LineState, settled: bool) -> Instant {
    let paid = state.paid.unwrap_or_else(|| state.created.at.instant());
    let refunded = line.refunds.iter().map(|refund| refund.at).max();
    refunded.filter(|_| settled).unwrap_or(paid)
}

/// When the trade was complete: by its event, or so long after the last parcel; and when the timer that runs will end.
pub(crate) fn maturity(
    state: &OrderState,
    policy: &SettlementPolicy,
    now: Instant,
) -> (Option<Instant>, Option<Instant>) {
    let trade = Trade {
        paid: state.paid,
        parcels: state.shipped.as_slice(),
        more_to_ship: false,
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
    let finding = Finding {
        platform: &state.created.platform,
        order: &state.created.order,
        merchant: Some(&state.created.merchant),
        line: line.line.as_str(),
        reason,
        found,
        detail,
        contents: None,
    };
    review::open(tx, &finding, now)
}

/// What lists and reports show, from the rules' own state.
pub(crate) fn take_over(row: &mut LineRow, change: Change) {
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
    let own = |share: &&attribution_core::commission::Share| {
        share.collected_at_withdrawal || matches!(share.payee, Payee::Promoter(_))
    };
    let promoter = amounts.shares.iter().filter(own).map(|share| share.amount.0).sum();
    let agency = amounts.shares.iter().filter(|share| matches!(share.payee, Payee::Agency(_)));
    let agency = agency.map(|share| share.amount.0).sum();
    rows::Shown { base: amounts.base.0, commission: amounts.gross.0, promoter, agency }
}
