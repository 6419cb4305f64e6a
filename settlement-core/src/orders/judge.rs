//! Judging an order: decides on every line that is not final, [keeps each decision](super::decision), and brings the
//! [books](super::bookkeeping) up to date.
//!
//! It can be run at any time and any number of times: with the same facts it changes nothing.

use super::bookkeeping::keep_books;
use super::deals;
use super::decision::keep_decision;
use super::hold;
use super::judge_error::JudgeError;
use super::reopen;
use super::rows::{self, OrderRow};
use crate::attribution::decide::extend_grace;
use crate::attribution::{Catalogue, Decided, LineQuestion, decide_order, orders_matter};
use crate::holder_marks;
use crate::order_events::log;
use crate::order_events::log::StoredEvent;
use crate::order_events::state::OrderState;
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::attribute::{EdgesCaughtUp, Flag, final_at};
use attribution_core::ids::{OrderId, PlatformId};
use attribution_core::policy::Policy;
use attribution_core::time::{Instant, SECOND_MS};

/// Judges one order. The caller holds the order's lock. `cause` says, for the log of decisions, what made us look.
///
/// # Errors
/// If the store fails or the rules refuse what is stored.
pub(crate) fn judge(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    platform: &PlatformId,
    order: &OrderId,
    cause: &str,
    now: Instant,
) -> Result<(), JudgeError> {
    crate::wake::claim(tx, platform, order)?;
    catalogue.keep_up(tx)?;
    let events = log::events(tx, platform, order)?;
    let now = knowing(&events, now);
    let Some(state) = OrderState::of(&events) else { return Ok(()) };
    let mut row = rows::order(tx, platform, order)?;
    let edges = edges(tx, &state, &mut row, now)?;
    let decisions = decide_order(tx, catalogue, &state, LineQuestion { edges, now })?;
    let created = &state.created;
    let programmes = catalogue.programmes(tx, &created.platform, &created.merchant)?;
    if row.dirty
        && programmes.iter().filter_map(|p| p.in_force(now)).any(|v| orders_matter(&v.policy.attribution))
    {
        holder_marks::buyer(tx, &created.platform, &created.buyer, now)?;
    }
    let mut next = Next::default();
    for (line, decided) in state.lines.iter().zip(decisions) {
        let mut line_row = rows::line(tx, platform, order, &line.line)?;
        if !line_row.is_final() {
            keep_decision(tx, &state, line, &mut line_row, decided.as_ref(), cause, now)?;
            next.provisional_line(tx, catalogue, &state, decided.as_ref(), now)?;
        } else if let Some(decided) = &decided {
            reopen::reopen(tx, &state, line, &mut line_row, decided, cause, now)?;
        }
        hold::note(tx, &state, &mut line_row, now)?;
        let timer = keep_books(tx, catalogue, &state, line, &mut line_row, now)?;
        next.timer = timer.map_or(next.timer, |runs_out| sooner(next.timer, runs_out));
        deals::note(tx, &state, line)?;
        rows::update_line(tx, platform, order, &line_row)?;
    }
    row.dirty = false;
    row.provisional = next.provisional;
    row.grace_until = next.grace_until.unwrap_or(Instant(i64::MAX));
    row.hold_until = next.hold_until.unwrap_or(Instant(i64::MAX));
    row.timer = next.timer;
    row.judged = row.judged.max(Some(now));
    rows::update_order(tx, platform, order, &row)?;
    Ok(())
}

/// The time of who read these events of an order: what came in since its job began was known.
pub(crate) fn knowing(events: &[StoredEvent], now: Instant) -> Instant {
    events.iter().map(|event| event.received).fold(now, Instant::max)
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
            // The payment's event looks at it again, whenever that comes; time alone changes nothing.
            Some(Decided { attribution, .. }) if attribution.flags.contains(&Flag::AwaitingPayment) => {
                self.provisional = true;
                return Ok(());
            }
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
