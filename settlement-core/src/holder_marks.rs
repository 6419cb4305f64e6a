//! What is left behind for Redis by whatever changes an answer, other than clicks: written in the same transaction.

use crate::params;
use crate::random;
use crate::store::{StoreError, Tx};
use attribution_core::ids::{BuyerId, PlatformId, VisitorId};
use attribution_core::time::Instant;

/// A device has another account: the device and all accounts ever joined to it may have other holders.
pub(crate) fn visitor(tx: &mut dyn Tx, visitor: VisitorId, now: Instant) -> Result<(), StoreError> {
    mark(tx, "visitor", "", &visitor.to_hex(), now, now)
}

/// A buyer's orders or own promoter accounts have changed.
pub(crate) fn buyer(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    buyer: &BuyerId,
    now: Instant,
) -> Result<(), StoreError> {
    mark(tx, "buyer", platform.as_str(), buyer.as_str(), now, now)
}

/// The catalogue's past has changed from `from` on: clicks from then on may count otherwise.
pub(crate) fn since(tx: &mut dyn Tx, from: Instant, now: Instant) -> Result<(), StoreError> {
    mark(tx, "since", "", "", from, now)
}

/// A programme's rules are others from now on: every relation in it may be another.
pub(crate) fn rules(tx: &mut dyn Tx, now: Instant) -> Result<(), StoreError> {
    mark(tx, "all", "", "", now, now)
}

fn mark(
    tx: &mut dyn Tx,
    kind: &str,
    platform: &str,
    who: &str,
    from: Instant,
    now: Instant,
) -> Result<(), StoreError> {
    let mark = random::number()?.cast_signed();
    tx.execute(
        "INSERT INTO holder_outbox (kind, platform, who, from_ms, mark, marked_at) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (kind, platform, who) DO UPDATE SET mark = excluded.mark, from_ms = CASE \
         WHEN excluded.from_ms < holder_outbox.from_ms THEN excluded.from_ms ELSE holder_outbox.from_ms END",
        params![kind, platform, who, from, mark, now],
    )?;
    Ok(())
}
