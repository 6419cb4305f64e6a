//! What becomes of the events that waited for an order's `created`: now that it names the merchant and the time, it
//! shows which of them count.

use super::refusal::before_created;
use super::review::{self, Finding, Reason};
use crate::order_events::Created;
use crate::params;
use crate::store::{Row, StoreError, Tx};
use attribution_core::time::Instant;
use std::collections::BTreeMap;

/// Takes out of the order's log what does not count, so that it never stands in the way of an event that does. What
/// another merchant said, and what is dated long before the order, goes to the review queue; of two senders who may
/// both speak, the first stands.
pub(super) fn sort(tx: &mut dyn Tx, created: &Created, now: Instant) -> Result<(), StoreError> {
    let waiting = tx.query(
        "SELECT kind, refund_id, sender, contents, at_ms FROM order_events \
         WHERE platform = $1 AND order_id = $2 AND kind <> 'created' ORDER BY received_ms, sender",
        params![&created.platform, &created.order],
    )?;
    let mut standing = BTreeMap::new();
    for row in &waiting {
        let (kind, refund, sender, contents) = (row.text(0)?, row.text(1)?, row.text(2)?, row.text(3)?);
        if !sender.is_empty() && sender != created.merchant.as_str() {
            let detail = format!("merchant {sender} sent this `{kind}` event of another merchant's order");
            note(tx, created, row, Reason::OtherSender, &detail, now)?;
        } else if let Some(why) = before_created(kind, row.instant(4)?, created.at.instant()) {
            note(tx, created, row, why.reason, &why.detail, now)?;
        } else if let Some(first) = standing.get(&(kind, refund)) {
            if *first != contents {
                let detail =
                    format!("this `{kind}` event came before with other contents; the first one stands");
                note(tx, created, row, Reason::EventChanged, &detail, now)?;
            }
        } else {
            standing.insert((kind, refund), contents);
            continue;
        }
        tx.execute(
            "DELETE FROM order_events WHERE platform = $1 AND order_id = $2 AND kind = $3 AND refund_id = $4 \
             AND sender = $5",
            params![&created.platform, &created.order, kind, refund, sender],
        )?;
    }
    Ok(())
}

fn note(
    tx: &mut dyn Tx,
    created: &Created,
    row: &Row,
    reason: Reason,
    detail: &str,
    now: Instant,
) -> Result<(), StoreError> {
    let (kind, refund, sender, contents) = (row.text(0)?, row.text(1)?, row.text(2)?, row.text(3)?);
    let found = format!("{kind} {refund} {sender} {:016x}", xxhash_rust::xxh3::xxh3_64(contents.as_bytes()));
    let finding = Finding { contents: Some(contents), ..Finding::of(created, "", reason, &found, detail) };
    review::open(tx, &finding, now)
}
