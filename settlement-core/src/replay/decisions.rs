//! Each decision on an order again, with what was known when it was made, and compared with the one that is stored.
//!
//! Facts bear the millisecond in which they were recorded. That tells what a decision could see but for those that came
//! in the moments around it: on a busy core a fact can be stored a moment after a decision that bears a later time, or
//! before one that bears an earlier. A decision names the clicks it saw; for logins and events in doubt every moment
//! is tried at which it can have looked. What it overlooked the next judgement must have seen: a line that is still open
//! is asked again with everything that is known by now.

use super::difference::{Difference, Place};
use super::load::{Buyer, Standing, StoredDecision};
use super::same_json::is_json_of;
use crate::attribution::recorded::{Again, Doubt, Known, RecordedBuyers};
use crate::attribution::{Catalogue, Decided};
use crate::order_events::state::OrderState;
use crate::orders::hold::Hold;
use crate::orders::judge_error::JudgeError;
use crate::orders::promoter;
use crate::params;
use crate::store::{StoreError, Tx, from_json};
use attribution_core::attribute::EdgesCaughtUp;
use attribution_core::click::ClickId;
use attribution_core::commission::Terms;
use attribution_core::fold::Evidence;
use attribution_core::ids::{OrderId, PlatformId, ProgrammeId, PromoterId};
use attribution_core::time::{Instant, SECOND_MS};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Facts recorded this much earlier or later than a decision are in doubt: a transaction can wait that long for another.
const DOUBT_MS: i64 = 10 * SECOND_MS;
/// Everything that is known by now.
pub(super) const NOW: Instant = Instant(i64::MAX);

/// What came of an order's decisions.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub decisions: u64,
    /// Decisions that came out once the facts in doubt were sorted out.
    pub in_doubt: u64,
    pub differences: Vec<Difference>,
    /// The order has facts that wait to be looked at.
    pub waiting: bool,
    /// What the decisions on each line come to, oldest first.
    pub in_force: Vec<Vec<InForce>>,
}

/// What the books need of a decision.
#[derive(Debug, Clone)]
pub(super) struct InForce {
    pub made: Instant,
    pub programme: ProgrammeId,
    pub version: u32,
    pub promoter: Option<PromoterId>,
    pub terms: Option<Terms>,
    /// What a person must look at before money moves.
    pub holds: Vec<Hold>,
}

impl InForce {
    pub(super) fn of(decided: &Decided, made: Instant) -> Self {
        let attribution = &decided.attribution;
        let award = attribution.award();
        Self {
            made,
            programme: attribution.programme.clone(),
            version: attribution.policy_version,
            promoter: promoter(attribution),
            terms: award.map(|award| award.terms.clone()),
            holds: Hold::all_of(attribution),
        }
    }
}

/// One order with what is recorded around it.
#[derive(Clone, Copy)]
pub(super) struct OrderCase<'a> {
    pub platform: &'a PlatformId,
    pub facts: &'a RecordedBuyers,
    pub buyer: &'a Buyer,
    pub index: usize,
}

impl<'a> OrderCase<'a> {
    pub(super) fn order(&self) -> &'a OrderId {
        &self.buyer.orders[self.index].order
    }

    pub(super) fn standing(&self) -> &'a Standing {
        &self.buyer.standing[self.index]
    }

    /// The order as known then.
    pub(super) fn state(&self, known: Instant) -> Option<OrderState> {
        self.buyer.orders[self.index].as_of(known)
    }

    /// Decides on all lines with what was known at a time.
    pub(super) fn decide(
        &self,
        tx: &mut dyn Tx,
        catalogue: &mut Catalogue,
        (known, now): (Instant, Instant),
    ) -> Result<Vec<Option<Decided>>, JudgeError> {
        let Some(state) = self.state(known) else { return Ok(Vec::new()) };
        self.decide_knowing(tx, catalogue, &state, (Known::at(known), now), self.edges(now), None)
    }

    /// What the edges had delivered at a time.
    fn edges(&self, now: Instant) -> EdgesCaughtUp {
        let caught_up = self.standing().caught_up.filter(|at| *at <= now);
        caught_up.map_or(EdgesCaughtUp::NotYet, EdgesCaughtUp::Since)
    }

    fn decide_knowing(
        &self,
        tx: &mut dyn Tx,
        catalogue: &mut Catalogue,
        state: &OrderState,
        (known, now): (Known, Instant),
        edges: EdgesCaughtUp,
        doubt: Option<Doubt<'_>>,
    ) -> Result<Vec<Option<Decided>>, JudgeError> {
        let again = Again { state, orders: &self.buyer.orders, edges, known, now, doubt };
        Ok(self.facts.decide(tx, catalogue, again)?)
    }
}

/// Checks all decisions on an order.
pub(super) fn check(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    case: OrderCase<'_>,
) -> Result<Checked, JudgeError> {
    let mut checked = Checked::default();
    let standing = case.standing();
    // One judgement decides on all lines: those made at the same time are computed once.
    let mut made: BTreeMap<Instant, Vec<Option<Decided>>> = BTreeMap::new();
    for (index, line) in standing.lines.iter().enumerate() {
        let place = Place { platform: case.platform, order: case.order(), line: &line.line };
        let mut in_force = Vec::with_capacity(line.decisions.len());
        for stored in &line.decisions {
            checked.decisions += 1;
            let at = stored.made;
            let again = match made.entry(at) {
                Entry::Occupied(made) => made.into_mut(),
                Entry::Vacant(new) => new.insert(case.decide(tx, catalogue, (at, at))?),
            };
            let again = again.get(index).and_then(Option::as_ref);
            if again.is_some_and(|again| is_json_of(&stored.text, again)) {
                in_force.extend(again.map(|again| InForce::of(again, at)));
                continue;
            }
            let before: Decided = from_json("decision", &stored.text)?;
            in_force.push(InForce::of(&before, at));
            if again == Some(&before) {
                continue;
            }
            if sorted_out(tx, catalogue, case, index, stored, &before)? {
                checked.in_doubt += 1;
                continue;
            }
            let (stored_json, again_json) = (serde_json::to_value(&before), serde_json::to_value(again));
            checked.differences.extend(place.differing(
                Some(stored.number),
                "",
                &stored_json.unwrap_or_default(),
                &again_json.unwrap_or_default(),
            ));
        }
        if let Some(last) = line.decisions.last().filter(|_| !line.is_final && !standing.dirty) {
            still_stands(tx, catalogue, case, (index, place), last, &mut checked)?;
        }
        checked.in_force.push(in_force);
    }
    Ok(checked)
}

/// Whether some moment within the doubt makes the decision come out as it is stored.
fn sorted_out(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    case: OrderCase<'_>,
    index: usize,
    stored: &StoredDecision,
    before: &Decided,
) -> Result<bool, JudgeError> {
    let named: HashSet<(ClickId, Evidence)> = std::iter::once(&before.attribution)
        .chain(&before.others)
        .flat_map(|attribution| &attribution.candidates)
        .map(|candidate| (candidate.click, candidate.evidence))
        .collect();
    let (from, to) = (stored.made.plus(-DOUBT_MS), stored.made.plus(DOUBT_MS));
    let doubt = Some(Doubt { from, to, named: &named });
    let made = stored.made;
    let Some(state) = case.state(made).or_else(|| case.state(to)) else { return Ok(false) };
    let recorded = case.facts.recorded_within(&state.created.buyer, &case.buyer.orders, from, to);
    let mut moments: BTreeSet<Known> =
        recorded.iter().flat_map(|at| [*at, at.plus(-1)]).map(Known::at).collect();
    // What was recorded in the very millisecond of the decision came before it or after it, kind by kind.
    let around = [made, made.plus(-1)];
    for joins in around {
        for orders in around {
            moments.extend(around.map(|catalogue| Known { joins, orders, catalogue }));
        }
    }
    for known in moments.into_iter().rev() {
        for edges in [case.edges(made), case.edges(made.plus(-1))] {
            let again = case.decide_knowing(tx, catalogue, &state, (known, made), edges, doubt)?;
            if again.get(index).and_then(Option::as_ref) == Some(before) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// A line that is open and waits for nothing must be decided as everything that is known by now says.
fn still_stands(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    case: OrderCase<'_>,
    (index, place): (usize, Place<'_>),
    last: &StoredDecision,
    checked: &mut Checked,
) -> Result<(), JudgeError> {
    let before: Decided = from_json("decision", &last.text)?;
    let again = case.decide(tx, catalogue, (NOW, last.made))?;
    let Some(again) = again.get(index).and_then(Option::as_ref) else { return Ok(()) };
    if !before.same_as(again) {
        if has_new_clicks(tx, case)? {
            checked.waiting = true;
            return Ok(());
        }
        let (stored, recomputed) = (serde_json::to_value(&before), serde_json::to_value(again));
        let under = "with all that is known since";
        checked.differences.extend(place.differing(
            Some(last.number),
            under,
            &stored.unwrap_or_default(),
            &recomputed.unwrap_or_default(),
        ));
    }
    Ok(())
}

/// Whether clicks of the buyer have come in since orders were last woken for clicks.
fn has_new_clicks(tx: &mut dyn Tx, case: OrderCase<'_>) -> Result<bool, StoreError> {
    let Some(state) = case.state(NOW) else { return Ok(false) };
    for click in case.facts.click_ids(&state.created.buyer) {
        let (stream, sequence) = (click.stream(), click.sequence());
        let row = tx.query_opt(
            "SELECT next_sequence FROM judged_streams WHERE edge = $1 AND epoch = $2 AND worker = $3",
            params![stream.edge, stream.epoch, stream.worker],
        )?;
        if row.map_or(Ok(0), |row| row.count(0))? <= sequence {
            return Ok(true);
        }
    }
    Ok(false)
}
