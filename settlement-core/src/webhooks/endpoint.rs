//! An endpoint: who wants to hear, where, and what it is signed with.

use crate::params;
use crate::shared_secret::SharedSecret;
use crate::store::{Row, StoreError, Tx};
use attribution_core::time::Instant;
use std::fmt;

/// An endpoint.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) id: String,
    /// `merchant/ID`, `promoter/ID` or `agency/ID`.
    pub(super) owner: String,
    pub(super) url: String,
    pub(super) label: String,
    /// Names of event types; none means all.
    pub(super) events: Vec<String>,
    pub(super) created: Instant,
    pub(super) failing_since: Option<Instant>,
    pub(super) disabled: Option<(Instant, String)>,
    pub(super) secret: SharedSecret,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("id", &self.id).field("owner", &self.owner).finish_non_exhaustive()
    }
}

const COLUMNS: &str = "SELECT id, owner, url, label, events, created_ms, failing_since_ms, disabled_ms, \
                       disabled_reason, secret, previous_secret, previous_until_ms FROM webhook_endpoints \
                       WHERE removed_ms IS NULL";

/// Finds one that was not removed.
pub(super) fn find(tx: &mut dyn Tx, id: &str) -> Result<Option<Endpoint>, StoreError> {
    let row = tx.query_opt(&format!("{COLUMNS} AND id = $1"), params![id])?;
    row.as_ref().map(of_row).transpose()
}

/// An owner's, or everybody's, behind `after`.
pub(super) fn list(
    tx: &mut dyn Tx,
    owner: Option<&str>,
    after: &str,
    limit: i64,
) -> Result<Vec<Endpoint>, StoreError> {
    let sql = format!("{COLUMNS} AND id > $1 AND ($2 = '' OR owner = $2) ORDER BY id LIMIT $3");
    tx.query(&sql, params![after, owner.unwrap_or_default(), limit])?.iter().map(of_row).collect()
}

fn of_row(row: &Row) -> Result<Endpoint, StoreError> {
    let events =
        serde_json::from_str(row.text(4)?).map_err(StoreError::corrupt("event types of a webhook"))?;
    let disabled = match (row.opt_instant(7)?, row.opt_text(8)?) {
        (Some(at), reason) => Some((at, reason.unwrap_or_default().to_owned())),
        _ => None,
    };
    Ok(Endpoint {
        id: row.text(0)?.to_owned(),
        owner: row.text(1)?.to_owned(),
        url: row.text(2)?.to_owned(),
        label: row.text(3)?.to_owned(),
        events,
        created: row.instant(5)?,
        failing_since: row.opt_instant(6)?,
        disabled,
        secret: SharedSecret::of_row(row, 9)?,
    })
}

/// An endpoint to keep.
pub(super) struct New<'a> {
    pub(super) id: &'a str,
    pub(super) owner: &'a str,
    pub(super) url: &'a str,
    pub(super) label: &'a str,
    pub(super) events: &'a [String],
    pub(super) secret: &'a str,
}

/// Keeps a new one.
pub(super) fn insert(tx: &mut dyn Tx, new: &New<'_>, now: Instant) -> Result<(), StoreError> {
    let events = serde_json::json!(new.events).to_string();
    tx.execute(
        "INSERT INTO webhook_endpoints (id, owner, url, label, events, secret, created_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![new.id, new.owner, new.url, new.label, &events, new.secret, now],
    )?;
    Ok(())
}

/// Signs with a new secret, and with the one before until `until`.
pub(super) fn rotate(tx: &mut dyn Tx, id: &str, secret: &str, until: Instant) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE webhook_endpoints SET previous_secret = secret, previous_until_ms = $3, secret = $2 WHERE id = $1",
        params![id, secret, until],
    )?;
    Ok(())
}

/// Tells it nothing more, and drops what it was still to be told.
pub(super) fn remove(tx: &mut dyn Tx, id: &str, now: Instant) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE webhook_endpoints SET removed_ms = $2, secret = '', previous_secret = NULL WHERE id = $1",
        params![id, now],
    )?;
    tx.execute(
        "UPDATE webhook_deliveries SET state = 'failed', finished_ms = $2 WHERE endpoint = $1 AND state = 'pending'",
        params![id, now],
    )?;
    Ok(())
}

/// Goes on telling it; what waits is due at once.
pub(super) fn enable(tx: &mut dyn Tx, id: &str, now: Instant) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE webhook_endpoints SET disabled_ms = NULL, disabled_reason = NULL, failing_since_ms = NULL WHERE id = $1",
        params![id],
    )?;
    tx.execute(
        "UPDATE webhook_deliveries SET next_ms = $2 WHERE endpoint = $1 AND state = 'pending'",
        params![id, now],
    )?;
    Ok(())
}
