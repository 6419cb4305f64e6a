//! A decision on a line is kept if it says anything new, and the line bears what it says until it is superseded.

use super::hold::Hold;
use super::report_rows;
use super::rows::{self, LineRow};
use super::tell;
use crate::attribution::Decided;
use crate::order_events::state::{LineState, OrderState};
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::attribute::{Attribution, Flag, NoCommission, Outcome};
use attribution_core::click::ClickId;
use attribution_core::ids::PromoterId;
use attribution_core::record::ClickRecord;
use attribution_core::time::Instant;

/// Keeps the decision if it says anything new, and freezes it on the line.
pub(super) fn keep_decision(
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
    row.holds = Hold::all_of(attribution);
    Ok(())
}

/// The promoter's own label of a click, once an edge has delivered it.
fn label(tx: &mut dyn Tx, click: ClickId) -> Result<Option<String>, StoreError> {
    let Some(row) = tx.query_opt("SELECT payload FROM clicks WHERE click_id = $1", params![&click])? else {
        return Ok(None);
    };
    let record = ClickRecord::decode(row.blob(0)?).map_err(StoreError::corrupt("click record"))?;
    Ok(report_rows::label(record.sub_id))
}

/// Whose order it is, whether or not anything is due. Orders paid in an excluded way are nobody's: they are not shown
/// among promoted orders, and the relation goes on without them.
pub(crate) fn promoter(attribution: &Attribution) -> Option<PromoterId> {
    if let Outcome::NoCommission(NoCommission::PaymentExcluded { .. }) = attribution.outcome {
        return None;
    }
    let awarded = attribution.award().and_then(|award| award.promoter.clone());
    awarded.or_else(|| attribution.relation.as_ref().map(|relation| relation.promoter.clone()))
}
