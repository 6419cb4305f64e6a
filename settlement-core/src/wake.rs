//! Marking orders whose judgement may change because of a new fact. Most facts change provisional orders only; a ban, a
//! suspension and an agency that can be named again reach final ones.
//!
//! An order that is marked already is marked again: it may be in the middle of a judgement that has not seen the new
//! fact. That judgement holds the order's row (see [`claim`]), so the mark comes after it and stays.

use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::ids::{BuyerId, MerchantId, OrderId, PlatformId, VisitorId};
use attribution_core::time::{DAY_MS, Instant, SECOND_MS};

/// Some rules judge the owner at the payment, which can be this much later than the order.
const PAYMENT_LAG_MS: i64 = 30 * DAY_MS;

/// Takes an order's mark away and its row in hand, before anything is read for a judgement: whoever has a new fact
/// from here on waits, and marks it for the next one. Logins of the buyer under way are waited for.
///
/// # Errors
/// If the store fails.
pub(crate) fn claim(tx: &mut dyn Tx, platform: &PlatformId, order: &OrderId) -> Result<(), StoreError> {
    let key = params![platform, order];
    let row = tx.query_opt("SELECT buyer FROM orders WHERE platform = $1 AND order_id = $2", key)?;
    if let Some(row) = row {
        tx.lock(&buyer_lock(platform, row.text(0)?))?;
        tx.execute("UPDATE orders SET dirty = 0 WHERE platform = $1 AND order_id = $2", key)?;
    }
    Ok(())
}

/// Notes that orders are judged by something else from here on. Whoever judges many in one transaction reads anew what
/// was read of the catalogue: an order that was marked for this change in between must not be judged without it.
///
/// # Errors
/// If the store fails.
pub(crate) fn catalogue_changed(tx: &mut dyn Tx) -> Result<(), StoreError> {
    tx.execute("UPDATE counters SET value = value + 1 WHERE name = 'catalogue'", &[])?;
    Ok(())
}

/// How many such changes there were.
///
/// # Errors
/// If the store fails.
pub(crate) fn catalogue_changes(tx: &mut dyn Tx) -> Result<i64, StoreError> {
    tx.query_one("SELECT value FROM counters WHERE name = 'catalogue'", &[])?.int(0)
}

/// Held by whoever joins a visitor to the buyer, and by whoever judges an order of theirs.
pub(crate) fn buyer_lock(platform: &PlatformId, buyer: &str) -> String {
    format!("buyer {platform} {buyer}")
}

/// One order, final or not.
///
/// # Errors
/// If the store fails.
pub(crate) fn one(tx: &mut dyn Tx, platform: &PlatformId, order: &OrderId) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE orders SET dirty = 1 WHERE platform = $1 AND order_id = $2",
        params![platform, order],
    )?;
    Ok(())
}

/// Everything the buyer ordered from `from` on.
///
/// # Errors
/// If the store fails.
pub(crate) fn buyer(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    buyer: &BuyerId,
    from: Instant,
) -> Result<(), StoreError> {
    // Orders are compared in whole seconds, so one of the same second counts.
    let from = Instant(from.floor_seconds().saturating_mul(SECOND_MS));
    tx.execute(
        "UPDATE orders SET dirty = 1 \
         WHERE provisional = 1 AND platform = $1 AND buyer = $2 AND created_ms >= $3",
        params![platform, buyer, from],
    )?;
    Ok(())
}

/// Everything the buyer ordered or paid for from `from` on: where payments count, another order was paid then.
///
/// # Errors
/// If the store fails.
pub(crate) fn payer(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    buyer: &BuyerId,
    from: Instant,
) -> Result<(), StoreError> {
    let from = Instant(from.floor_seconds().saturating_mul(SECOND_MS));
    tx.execute(
        "UPDATE orders SET dirty = 1 WHERE provisional = 1 AND platform = $1 AND buyer = $2 \
         AND (created_ms >= $3 OR EXISTS (SELECT 1 FROM order_events e WHERE e.platform = orders.platform \
         AND e.order_id = orders.order_id AND e.kind IN ('paid', 'completed') AND e.at_ms >= $3))",
        params![platform, buyer, from],
    )?;
    Ok(())
}

/// Everything ordered from `from` on, by anybody: the catalogue's past has changed.
///
/// # Errors
/// If the store fails.
pub(crate) fn since(tx: &mut dyn Tx, from: Instant) -> Result<(), StoreError> {
    catalogue_changed(tx)?;
    let from = Instant(from.floor_seconds().saturating_mul(SECOND_MS));
    tx.execute("UPDATE orders SET dirty = 1 WHERE provisional = 1 AND created_ms >= $1", params![from])?;
    Ok(())
}

/// Everything ordered at one shop: its buyers' history is known otherwise.
///
/// # Errors
/// If the store fails.
pub(crate) fn merchant(tx: &mut dyn Tx, merchant: &MerchantId) -> Result<(), StoreError> {
    catalogue_changed(tx)?;
    tx.execute("UPDATE orders SET dirty = 1 WHERE provisional = 1 AND merchant = $1", params![merchant])?;
    Ok(())
}

/// Everything ordered by anybody who was ever joined to the visitor: an account that joins a device ends the reach
/// of the one before.
///
/// # Errors
/// If the store fails.
pub(crate) fn visitor(tx: &mut dyn Tx, visitor: VisitorId) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE orders SET dirty = 1 WHERE (platform, order_id) IN (\
         SELECT o.platform, o.order_id FROM identities i \
         JOIN orders o ON o.platform = i.platform AND o.buyer = i.buyer \
         WHERE i.visitor = $1 AND o.provisional = 1)",
        params![&visitor],
    )?;
    Ok(())
}

/// Final orders from `from` on with goods that are, or ever were, of a category or of one below it: a ban reaches back.
///
/// # Errors
/// If the store fails.
pub(crate) fn category(tx: &mut dyn Tx, category: i64, from: Instant) -> Result<(), StoreError> {
    catalogue_changed(tx)?;
    let from = Instant(from.floor_seconds().saturating_mul(SECOND_MS));
    tx.execute(
        "WITH RECURSIVE below (num) AS (SELECT num FROM categories WHERE num = $1 \
         UNION SELECT c.num FROM categories c JOIN below b ON c.parent = b.num OR EXISTS (SELECT 1 FROM earlier_facts e \
         WHERE e.kind = 'parent' AND e.subject = CAST(c.num AS TEXT) AND e.contents = CAST(b.num AS TEXT))) \
         UPDATE orders SET dirty = 1 WHERE provisional = 0 AND created_ms >= $2 \
         AND (platform, order_id) IN (SELECT l.platform, l.order_id FROM targets t \
         JOIN order_lines l ON l.product = t.id WHERE t.kind = 'product' AND l.created_ms >= $2 \
         AND (t.category IN (SELECT num FROM below) OR EXISTS (SELECT 1 FROM earlier_facts e \
         WHERE e.kind = 'category' AND e.subject = CAST(t.num AS TEXT) \
         AND e.contents IN (SELECT CAST(num AS TEXT) FROM below))))",
        params![category, from],
    )?;
    Ok(())
}

/// Final orders that were a promoter's and may concern a time from `from` on, also those that a later decision took from them:
/// a suspension may have been taken back.
///
/// # Errors
/// If the store fails.
pub(crate) fn promoter(tx: &mut dyn Tx, promoter: i64, from: Instant) -> Result<(), StoreError> {
    catalogue_changed(tx)?;
    tx.execute(
        "UPDATE orders SET dirty = 1 WHERE provisional = 0 AND (platform, order_id) IN (\
         SELECT l.platform, l.order_id FROM order_lines l JOIN promoters p ON p.id = l.promoter \
         WHERE p.num = $1 AND l.created_ms >= $2 \
         UNION SELECT l.platform, l.order_id FROM order_lines l \
         JOIN order_decisions d ON d.platform = l.platform AND d.order_id = l.order_id AND d.line_id = l.line_id \
         JOIN promoters p ON p.id = d.promoter WHERE p.num = $1 AND l.decision > 1 AND l.created_ms >= $2)",
        params![promoter, from.plus(-PAYMENT_LAG_MS)],
    )?;
    Ok(())
}
