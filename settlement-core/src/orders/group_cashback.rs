//! The group cashback (团购返现): what the shop gives back of a line, by how many orders of its product there are.

use super::judge_error::JudgeError;
use crate::order_events::state::{LineState, OrderState};
use crate::order_events::{OrderEvent, log};
use crate::params;
use crate::store::{StoreError, Tx, read};
use attribution_core::commission::{cashback, cashback_of_line};
use attribution_core::ids::PlatformId;
use attribution_core::money::{Fen, Overflow};
use attribution_core::policy::Policy;
use attribution_core::policy::settlement::PayMethod;
use attribution_core::time::Instant;

/// What the shop gives back of a line by now (团购返现): its part of what each order of the product gets back.
///
/// # Errors
/// If the store fails or an amount does not fit.
pub(crate) fn cashback_now(
    tx: &mut dyn Tx,
    policy: &Policy,
    order: &OrderState,
    line: &LineState,
    now: Instant,
) -> Result<Fen, JudgeError> {
    let tiers = &policy.commission.cashback;
    if tiers.is_empty() {
        return Ok(Fen::ZERO);
    }
    let orders = orders_of_product(tx, &order.created.platform, line.product.as_str(), now)?;
    let group: Vec<&LineState> = order.lines.iter().filter(|other| other.product == line.product).collect();
    let index = group.iter().take_while(|other| other.line != line.line).count();
    let left = group.iter().map(|of| of.amount.sub(of.refunded())).collect::<Result<Vec<Fen>, Overflow>>();
    left.and_then(|left| cashback_of_line(cashback(tiers, orders), &left, index))
        .map_err(|cause| JudgeError::Books { line: line.line.to_string(), cause: cause.into() })
}

/// Orders in which a product was paid for and not closed, as known at `$3`. As for an order itself, what is paid on delivery
/// is paid with its completion, and what is complete, be it by its timer alone, does not close.
const PAID_FOR: &str = "FROM order_lines l \
     JOIN orders o ON o.platform = l.platform AND o.order_id = l.order_id \
     JOIN order_events e ON e.platform = l.platform AND e.order_id = l.order_id AND e.received_ms <= $3 \
     AND (e.kind = 'paid' OR (e.kind = 'completed' AND o.payment_method = $4)) \
     WHERE l.platform = $1 AND l.product = $2 AND (\
     EXISTS (SELECT 1 FROM order_events c WHERE c.platform = l.platform AND c.order_id = l.order_id \
     AND c.kind = 'completed' AND c.received_ms <= $3) \
     OR (l.matured_ms <= $3 AND NOT EXISTS (SELECT 1 FROM order_events c WHERE c.platform = l.platform \
     AND c.order_id = l.order_id AND c.kind = 'completed')) \
     OR NOT EXISTS (SELECT 1 FROM order_events c WHERE c.platform = l.platform AND c.order_id = l.order_id \
     AND c.kind = 'closed' AND c.received_ms <= $3))";

/// Orders of the product as known at `known`: what a group cashback (团购返现) counts. One whose goods all came back before
/// its completion is none.
fn orders_of_product(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    product: &str,
    known: Instant,
) -> Result<u32, StoreError> {
    let asked = params![platform, product, known, PayMethod::CashOnDelivery.name()];
    let paid_for: u32 =
        tx.query_one(&format!("SELECT COUNT(DISTINCT l.order_id) {PAID_FOR}"), asked)?.num(0)?;
    let with_refunds = tx.query(
        &format!(
            "SELECT l.order_id, MIN(l.matured_ms) {PAID_FOR} AND EXISTS (SELECT 1 FROM order_events r \
             WHERE r.platform = l.platform AND r.order_id = l.order_id AND r.kind = 'refunded' \
             AND r.received_ms <= $3) GROUP BY l.order_id"
        ),
        asked,
    )?;
    let mut came_back = 0;
    for row in &with_refunds {
        let mut events = log::events(tx, platform, &read("order id", row.text(0)?)?)?;
        // Where an event tells of the completion, be it later, the line's time is that event's.
        let is_told = events.iter().any(|stored| matches!(stored.event, OrderEvent::Completed(_)));
        let by_timer = row.opt_instant(1)?.filter(|matured| *matured <= known && !is_told);
        events.retain(|stored| stored.received <= known);
        let Some(order) = OrderState::of(&events) else { continue };
        if !order.keeps(|line| line.product.as_str() == product, order.confirmed.or(by_timer)) {
            came_back += 1;
        }
    }
    Ok(paid_for.saturating_sub(came_back))
}
