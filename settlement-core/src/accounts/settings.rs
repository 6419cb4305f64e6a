//! Whether promoters may sign up by themselves: an operator's switch.

use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::time::Instant;

const SIGN_UP: &str = "promoter_sign_up";

/// Whether promoters may sign up. Off until an operator switches it on.
pub(super) fn sign_up_open(tx: &mut dyn Tx) -> Result<bool, StoreError> {
    let row = tx.query_opt("SELECT value FROM settings WHERE name = $1", params![SIGN_UP])?;
    row.map_or(Ok(false), |row| Ok(row.text(0)? == "open"))
}

/// Switches it.
pub(super) fn set_sign_up(tx: &mut dyn Tx, open: bool, now: Instant) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO settings (name, value, changed_at) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at",
        params![SIGN_UP, if open { "open" } else { "closed" }, now],
    )
    .map(|_| ())
}
