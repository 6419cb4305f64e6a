//! Writing down what is to be told, in the transaction of what happened: it is told exactly if it happened.

use super::event::{EventKind, Owner, payload};
use crate::params;
use crate::random;
use crate::store::{StoreError, Tx};
use attribution_core::ids::{MerchantId, PromoterId};
use attribution_core::time::Instant;
use serde_json::Value;

/// Tells the owners' endpoints that want to hear of it. Costs one indexed look where nobody does.
///
/// # Errors
/// If the store fails.
pub(crate) fn tell(
    tx: &mut dyn Tx,
    owners: &[Owner],
    kind: EventKind,
    data: &Value,
    now: Instant,
) -> Result<(), StoreError> {
    let mut endpoints = Vec::new();
    for owner in owners {
        let rows = tx.query(
            "SELECT id, events FROM webhook_endpoints \
             WHERE owner = $1 AND removed_ms IS NULL AND disabled_ms IS NULL",
            params![owner.as_str()],
        )?;
        for row in &rows {
            if wants(row.text(1)?, kind)? {
                endpoints.push(row.text(0)?.to_owned());
            }
        }
    }
    write(tx, &endpoints, kind, data, now).map(|_| ())
}

/// Whether a list of event types, as stored, has this one.
pub(super) fn wants(events: &str, kind: EventKind) -> Result<bool, StoreError> {
    let events: Vec<String> =
        serde_json::from_str(events).map_err(StoreError::corrupt("event types of a webhook"))?;
    Ok(events.is_empty() || events.iter().any(|name| name == kind.name()))
}

/// Writes one event for these endpoints; returns its id, or none if there are no endpoints.
pub(super) fn write(
    tx: &mut dyn Tx,
    endpoints: &[String],
    kind: EventKind,
    data: &Value,
    now: Instant,
) -> Result<Option<String>, StoreError> {
    if endpoints.is_empty() {
        return Ok(None);
    }
    let id = random::name("msg")?;
    tx.execute(
        "INSERT INTO webhook_events (id, kind, at_ms, payload) VALUES ($1, $2, $3, $4)",
        params![&id, kind.name(), now, &payload(kind, data, now)],
    )?;
    for endpoint in endpoints {
        tx.execute(
            "INSERT INTO webhook_deliveries (endpoint, event, state, attempts, next_ms, lease_until_ms, leased_by, \
             created_ms) VALUES ($1, $2, 'pending', 0, $3, 0, '', $3)",
            params![endpoint, &id, now],
        )?;
    }
    Ok(Some(id))
}

/// A promoter, and their agency if they have one.
pub(crate) fn promoter_side(tx: &mut dyn Tx, promoter: &PromoterId) -> Result<Vec<Owner>, StoreError> {
    let row = tx.query_opt("SELECT agency FROM promoters WHERE id = $1", params![promoter])?;
    let agency =
        row.map(|row| row.opt_text(0).map(|agency| agency.map(Owner::agency))).transpose()?.flatten();
    Ok(std::iter::once(Owner::promoter(promoter)).chain(agency).collect())
}

/// The merchant alone, as a list.
pub(crate) fn merchant_side(merchant: &MerchantId) -> [Owner; 1] {
    [Owner::merchant(merchant)]
}

/// Whether any promoter has an endpoint: else nobody need be asked about one by one.
pub(crate) fn any_promoter_listens(tx: &mut dyn Tx) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM webhook_endpoints WHERE removed_ms IS NULL AND owner >= 'promoter/' LIMIT 1";
    Ok(tx.query_opt(sql, &[])?.is_some())
}
