//! What SKUs were sold for: noted with every order line that names its SKU, asked for the lowest price of 30 days.

use crate::order_events::state::{LineState, OrderState};
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::ids::ProductId;
use attribution_core::money::Fen;
use attribution_core::sourcing::low_window;
use attribution_core::time::Instant;

/// Notes what one piece of a line's SKU was sold for, or takes that back: an order that was closed is no deal, and
/// neither is a piece that was given away.
///
/// # Errors
/// If the store fails.
pub(super) fn note(tx: &mut dyn Tx, order: &OrderState, line: &LineState) -> Result<(), StoreError> {
    let Some(sku) = &line.sku else { return Ok(()) };
    let created = &order.created;
    let price = line.amount.0 / i64::from(line.quantity.max(1));
    let paid = order.paid.filter(|_| order.closed.is_none() && price > 0);
    let Some(at) = paid else {
        tx.execute(
            "DELETE FROM sku_deals WHERE platform = $1 AND order_id = $2 AND line_id = $3",
            params![&created.platform, &created.order, &line.line],
        )?;
        return Ok(());
    };
    let channel = created.declared.as_ref().is_some_and(|declared| declared.channel.is_some());
    tx.execute(
        "INSERT INTO sku_deals (platform, order_id, line_id, product, sku, at_ms, price_fen, channel) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (platform, order_id, line_id) DO UPDATE SET \
         at_ms = excluded.at_ms, price_fen = excluded.price_fen, channel = excluded.channel",
        params![&created.platform, &created.order, &line.line, &line.product, sku, at, price, channel],
    )?;
    Ok(())
}

/// The lowest deal of a SKU in the 30 days before `now`, those through channels left out.
///
/// # Errors
/// If the store fails.
pub(crate) fn low30(
    tx: &mut dyn Tx,
    product: &ProductId,
    sku: &str,
    now: Instant,
) -> Result<Option<Fen>, StoreError> {
    let window = low_window(now);
    let row = tx.query_one(
        "SELECT MIN(price_fen) FROM sku_deals \
         WHERE product = $1 AND sku = $2 AND channel = 0 AND at_ms >= $3 AND at_ms < $4",
        params![product, sku, window.from, window.to],
    )?;
    Ok(row.opt_int(0)?.map(Fen))
}
