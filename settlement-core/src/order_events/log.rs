//! The log of an order: its events, each with the time at which it was taken in.

use super::{EventKey, OrderEvent};
use crate::params;
use crate::store::{Row, StoreError, Tx, from_json};
use attribution_core::ids::{OrderId, PlatformId};
use attribution_core::time::Instant;

/// An event with the time the core took it in; the time belongs to the event and a replay keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredEvent {
    /// The event.
    pub event: OrderEvent,
    /// When it was taken in.
    pub received: Instant,
    /// The merchant who sent it; `None` for the operator.
    pub sender: Option<String>,
}

/// Writes an event into the log of its order.
pub(crate) fn insert(
    tx: &mut dyn Tx,
    key: &EventKey,
    event: &OrderEvent,
    contents: &str,
    sender: Option<&str>,
    now: Instant,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO order_events (platform, order_id, kind, refund_id, at_ms, received_ms, contents, sender) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![&key.platform, &key.order, key.kind, &key.number, event.at(), now, contents, sender.unwrap_or_default()],
    )?;
    Ok(())
}

/// All events of one order.
///
/// # Errors
/// If the store fails or an event can no longer be read.
pub(crate) fn events(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    order: &OrderId,
) -> Result<Vec<StoredEvent>, StoreError> {
    let rows = tx.query(
        "SELECT contents, received_ms, sender FROM order_events WHERE platform = $1 AND order_id = $2 \
         ORDER BY at_ms, kind, refund_id",
        params![platform, order],
    )?;
    rows.iter().map(|row| stored_event(row, 0)).collect()
}

/// Reads contents, time of arrival and sender, which begin at column `first`.
pub(crate) fn stored_event(row: &Row, first: usize) -> Result<StoredEvent, StoreError> {
    let event = from_json("order event", row.text(first)?)?;
    let sender = Some(row.text(first + 2)?).filter(|sender| !sender.is_empty()).map(str::to_owned);
    Ok(StoredEvent { event, received: row.instant(first + 1)?, sender })
}
