//! What webhooks say of an order's lines: only what their hearers may see anyway. Buyers are never named.

use crate::order_events::state::{LineState, OrderState};
use crate::store::{StoreError, Tx};
use crate::webhooks::{EventKind, merchant_side, promoter_side, tell};
use attribution_core::ids::{MerchantId, PromoterId};
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
