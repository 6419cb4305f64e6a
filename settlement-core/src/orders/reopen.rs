//! What reaches back to a line whose decision was final: a ban or a promoter's suspension that was made known or taken back
//! later, a way to pay that is known only with the payment, and the right name of an agency that could not be named.
//!
//! Nothing else may change a final decision. A line that has not settled follows the rules as if they had been known
//! in time; one that has is left as it is, and a person is told.

use super::decision::keep_decision;
use super::review::{self, Finding, Reason};
use super::rows::{self, LineRow};
use crate::attribution::Decided;
use crate::order_events::state::{LineState, OrderState};
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::attribute::{Attribution, Flag, NoCommission, Outcome};
use attribution_core::fold::{Ineligible, Verdict};
use attribution_core::ids::PromoterId;
use attribution_core::time::Instant;

/// Takes the decision over if a ban, a suspension, the way to pay or the name of an agency makes the difference.
pub(super) fn reopen(
    tx: &mut dyn Tx,
    state: &OrderState,
    line: &LineState,
    row: &mut LineRow,
    decided: &Decided,
    cause: &str,
    now: Instant,
) -> Result<(), StoreError> {
    let created = &state.created;
    let before = rows::decision(tx, &created.platform, &created.order, &line.line, row.decision)?;
    let Some(before) = before else { return Ok(()) };
    let named = unnamed(&before) && !unnamed(decided);
    if row.settled.is_none() && (named || paid_otherwise(&before, decided)) {
        return supersede(tx, state, line, row, decided, cause, now);
    }
    if before.outcome_code() == decided.outcome_code()
        && owner(&before.attribution) == owner(&decided.attribution)
    {
        return Ok(());
    }
    let Some(reason) = reason(tx, &before, decided)? else { return Ok(()) };
    if row.settled.is_none() {
        return supersede(tx, state, line, row, decided, cause, now);
    }
    // A line that settled to nothing has nothing to look at.
    if before.attribution.award().is_none() {
        return Ok(());
    }
    let detail = match reason {
        Reason::BannedAfterSettlement => "a ban made known later covers this order, which has settled",
        _ if is_back(&before.attribution, &decided.attribution) => {
            "another promoter's suspension, by which it was not theirs, was taken back, and it has settled"
        }
        _ => "its promoter was disabled with effect from before, and it has settled",
    };
    review::open(tx, &Finding::of(created, line.line.as_str(), reason, "", detail), now)
}

/// The new decision stands; it was final before, and stays so.
fn supersede(
    tx: &mut dyn Tx,
    state: &OrderState,
    line: &LineState,
    row: &mut LineRow,
    decided: &Decided,
    cause: &str,
    now: Instant,
) -> Result<(), StoreError> {
    let final_at = row.final_at;
    keep_decision(tx, state, line, row, Some(decided), cause, now)?;
    row.final_at = final_at;
    Ok(())
}

/// Whether its promoter's agency could not be named.
fn unnamed(decided: &Decided) -> bool {
    decided.attribution.flags.contains(&Flag::UnnamedAgency)
}

/// Whether the way to pay, which may be known only at the delivery, excludes the order or excludes it no more.
fn paid_otherwise(before: &Decided, now: &Decided) -> bool {
    let excluded = |decided: &Decided| {
        matches!(decided.attribution.outcome, Outcome::NoCommission(NoCommission::PaymentExcluded { .. }))
    };
    excluded(before) != excluded(now)
}

fn owner(attribution: &Attribution) -> Option<&PromoterId> {
    attribution.relation.as_ref().map(|relation| &relation.promoter)
}

/// What makes the difference, if it may: a ban or a promoter's suspension, also one that holds no more.
fn reason(tx: &mut dyn Tx, before: &Decided, now: &Decided) -> Result<Option<Reason>, StoreError> {
    let codes = [before.outcome_code(), now.outcome_code()];
    if codes.iter().any(|code| code == "category_banned") {
        return Ok(Some(Reason::BannedAfterSettlement));
    }
    let (was, is) = (&before.attribution, &now.attribution);
    if codes.iter().any(|code| code == "promoter_disabled") || is_back(was, is) || was_disabled(tx, was)? {
        return Ok(Some(Reason::DisabledAfterSettlement));
    }
    Ok(None)
}

/// Whether it is a promoter's now whose click did not count before because they were disabled.
fn is_back(before: &Attribution, now: &Attribution) -> bool {
    const DISABLED: Verdict = Verdict::Ineligible { reason: Ineligible::PromoterDisabled };
    let kept_out =
        |by: &PromoterId| before.candidates.iter().any(|c| c.promoter == *by && c.verdict == DISABLED);
    owner(now).is_some_and(kept_out)
}

/// Whether the promoter who had the line was disabled when it mattered.
fn was_disabled(tx: &mut dyn Tx, before: &Attribution) -> Result<bool, StoreError> {
    let Some(relation) = &before.relation else { return Ok(false) };
    let rows = tx.query(
        "SELECT d.from_ms, d.to_ms FROM periods d JOIN promoters p ON p.num = d.num \
         WHERE d.kind = 'promoter' AND d.what = 'disabled' AND p.id = $1",
        params![&relation.promoter],
    )?;
    for row in &rows {
        let (from, to) = (row.instant(0)?, row.opt_instant(1)?);
        let inside = |at: Instant| at >= from && to.is_none_or(|to| at < to);
        if [relation.bound_at, relation.last_click_at, before.order_at].into_iter().any(inside) {
            return Ok(true);
        }
    }
    Ok(false)
}
