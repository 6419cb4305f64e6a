//! The tiers of a promoter's settled orders (阶梯佣金): which of them a line reaches, and when it settles so that its place
//! among them can be told.

use super::rows::LineRow;
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::commission::Terms;
use attribution_core::ids::{OrderId, PlatformId};
use attribution_core::policy::Policy;
use attribution_core::time::Instant;

/// The order to which a line that is settled belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settling<'a> {
    pub platform: &'a PlatformId,
    pub order: &'a OrderId,
    pub at: Instant,
}

/// When the line settles: now, or where the programme has tiers, behind every order of the promoter that has settled
/// under it. So the times alone tell which orders were counted, though two merchants settle side by side.
pub(super) fn in_turn(
    tx: &mut dyn Tx,
    policy: &Policy,
    row: &LineRow,
    of: Settling<'_>,
) -> Result<Instant, StoreError> {
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
