//! What each event says: only what its hearer may see anyway. Buyers are never named.

use super::event::{EventKind, Owner};
use super::outbox::{merchant_side, promoter_side, tell};
use crate::notices::ExpiredLink;
use crate::orders::review::Finding;
use crate::orders::state::{LineState, OrderState};
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::ids::{MerchantId, ProductId, PromoterId};
use attribution_core::time::Instant;
use serde_json::{Value, json};

/// Which line of which order.
pub(crate) fn line_facts(state: &OrderState, line: &LineState) -> Value {
    json!({
        "platform": state.created.platform.as_str(),
        "order": state.created.order.as_str(),
        "line": line.line.as_str(),
        "merchant": state.created.merchant.as_str(),
        "product": line.product.as_str(),
    })
}

fn with(facts: &Value, more: &Value) -> Value {
    let mut all = facts.clone();
    if let (Some(all), Some(more)) = (all.as_object_mut(), more.as_object()) {
        all.extend(more.clone());
    }
    all
}

/// A decision about a line: tells the new owner and the former one, if they differ, and the merchant.
pub(crate) fn decided(
    tx: &mut dyn Tx,
    facts: &Value,
    merchant: &MerchantId,
    (before, after): (Option<&PromoterId>, Option<&PromoterId>),
    provisional: bool,
    now: Instant,
) -> Result<(), StoreError> {
    if before == after {
        return Ok(());
    }
    if let Some(former) = before {
        let data = with(facts, &json!({"promoter": former.as_str()}));
        let mut owners = promoter_side(tx, former)?;
        owners.extend(merchant_side(merchant));
        tell(tx, &owners, EventKind::OrderSuperseded, &data, now)?;
    }
    if let Some(new) = after {
        let data = with(facts, &json!({"promoter": new.as_str(), "provisional": provisional}));
        let mut owners = promoter_side(tx, new)?;
        owners.extend(merchant_side(merchant));
        tell(tx, &owners, EventKind::OrderAttributed, &data, now)?;
    }
    Ok(())
}

/// What a settlement, or a refund after it, came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moved {
    /// The whole commission now, which the merchant sees.
    pub(crate) commission_fen: i64,
    /// The promoter's part of it now.
    pub(crate) promoter_fen: i64,
    /// By how much it became less.
    pub(crate) taken_back_fen: i64,
}

/// A line was settled, or commission came back after it.
pub(crate) fn moved(
    tx: &mut dyn Tx,
    kind: EventKind,
    facts: &Value,
    merchant: &MerchantId,
    promoter: Option<&PromoterId>,
    moved: Moved,
    now: Instant,
) -> Result<(), StoreError> {
    let Some(promoter) = promoter else { return Ok(()) };
    let mut own = json!({"promoter": promoter.as_str(), "promoter_fen": moved.promoter_fen});
    if kind == EventKind::CommissionClawedBack {
        own["taken_back_fen"] = moved.taken_back_fen.into();
    }
    let data = with(facts, &own);
    let owners = promoter_side(tx, promoter)?;
    tell(tx, &owners, kind, &data, now)?;
    let data = with(&data, &json!({"commission_fen": moved.commission_fen}));
    tell(tx, &merchant_side(merchant), kind, &data, now)
}

/// A payout arrived, could not be made, or came back.
pub(crate) fn payout(
    tx: &mut dyn Tx,
    kind: EventKind,
    payee: &str,
    data: &Value,
    now: Instant,
) -> Result<(), StoreError> {
    tell(tx, &[Owner::payee(payee)], kind, data, now)
}

/// A product is no longer promoted: its merchant hears of it, and every promoter with a link to it.
pub(crate) fn promotion_cancelled(
    tx: &mut dyn Tx,
    product: &ProductId,
    merchant: &str,
    target: i64,
    from: Instant,
    now: Instant,
) -> Result<(), StoreError> {
    // From the endpoints, which are few, to the links, which may be a million: one step of the index for each.
    let rows = tx.query(
        "SELECT e.owner FROM webhook_endpoints e JOIN promoters p ON e.owner = 'promoter/' || p.id \
         WHERE e.removed_ms IS NULL AND e.disabled_ms IS NULL AND EXISTS (\
         SELECT 1 FROM links l WHERE l.target = $1 AND l.promoter = p.num AND l.qr_of IS NULL) \
         GROUP BY e.owner",
        params![target],
    )?;
    let mut owners = vec![Owner::payee(&format!("merchant/{merchant}"))];
    for row in &rows {
        owners.push(Owner::payee(row.text(0)?));
    }
    let data = json!({"product": product.as_str(), "merchant": merchant, "from_ms": from.millis()});
    tell(tx, &owners, EventKind::ProductPromotionCancelled, &data, now)
}

/// Whether any promoter has an endpoint: else nobody need be asked about one by one.
pub(crate) fn any_promoter_listens(tx: &mut dyn Tx) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM webhook_endpoints WHERE removed_ms IS NULL AND owner >= 'promoter/' LIMIT 1";
    Ok(tx.query_opt(sql, &[])?.is_some())
}

/// A link's time is over: its promoter hears of it.
pub(crate) fn link_expired(tx: &mut dyn Tx, link: &ExpiredLink, now: Instant) -> Result<(), StoreError> {
    let data = json!({
        "code": link.code(),
        "promoter": link.promoter_id,
        "qr": link.qr,
        "target": {"kind": link.target.0, "id": link.target.1},
        "expired_ms": link.ended.saturating_mul(1_000),
    });
    tell(tx, &[Owner::payee(&format!("promoter/{}", link.promoter_id))], EventKind::LinkExpired, &data, now)
}

/// Something is in the review queue: the order's merchant hears of it.
pub(crate) fn review_opened(tx: &mut dyn Tx, finding: &Finding<'_>, now: Instant) -> Result<(), StoreError> {
    let Some(merchant) = finding.merchant else { return Ok(()) };
    let data = json!({
        "platform": finding.platform.as_str(),
        "order": finding.order.as_str(),
        "line": finding.line,
        "reason": finding.reason.code(),
        "detail": finding.detail,
    });
    tell(tx, &[Owner::payee(&format!("merchant/{merchant}"))], EventKind::ReviewOpened, &data, now)
}
