//! Links whose time is over: nothing happens to them at that moment, so a job looks for them.

use super::event::{EventKind, Owner};
use super::outbox::tell;
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::code::Code;
use attribution_core::time::Instant;
use serde_json::json;

/// Links looked at in one transaction.
const AT_ONCE: i64 = 500;

/// Tells promoters of their links that have expired since the last time; `true` if there may be more.
pub(super) fn step(tx: &mut dyn Tx, now: Instant) -> Result<bool, StoreError> {
    tx.lock("webhook expiry")?;
    let row = tx.query_one("SELECT second, code FROM webhook_expiry", &[])?;
    let (second, code) = (row.int(0)?, row.int(1)?);
    let until = now.floor_seconds();
    let anybody = "SELECT 1 FROM webhook_endpoints WHERE removed_ms IS NULL AND owner >= 'promoter/' LIMIT 1";
    // The first time, and while nobody listens, what is past is past.
    if second == 0 || tx.query_opt(anybody, &[])?.is_none() {
        set(tx, until, i64::MAX)?;
        return Ok(false);
    }
    let rows = tx.query(
        "SELECT l.expires, l.code, p.id, l.qr_of, t.kind, t.id FROM links l JOIN placements s ON s.num = l.placement \
         JOIN promoters p ON p.num = s.promoter JOIN targets t ON t.num = l.target \
         WHERE l.expires > 0 AND l.expires <= $1 AND (l.expires > $2 OR (l.expires = $2 AND l.code > $3)) \
         ORDER BY l.expires, l.code LIMIT $4",
        params![until, second, code, AT_ONCE],
    )?;
    for row in &rows {
        let text = Code(row.int(1)?.cast_unsigned()).to_string();
        let data = json!({
            "code": text,
            "promoter": row.text(2)?,
            "qr": row.opt_int(3)?.is_some(),
            "target": {"kind": row.text(4)?, "id": row.text(5)?},
            "expired_ms": row.int(0)?.saturating_mul(1_000),
        });
        tell(tx, &[Owner::payee(&format!("promoter/{}", row.text(2)?))], EventKind::LinkExpired, &data, now)?;
    }
    let whole = i64::try_from(rows.len()).is_ok_and(|n| n == AT_ONCE);
    match rows.last() {
        Some(last) if whole => set(tx, last.int(0)?, last.int(1)?)?,
        _ => set(tx, until, i64::MAX)?,
    }
    Ok(whole)
}

/// Whether a step would find anything, without writing.
pub(super) fn is_due(tx: &mut dyn Tx, now: Instant) -> Result<bool, StoreError> {
    let row = tx.query_one("SELECT second FROM webhook_expiry", &[])?;
    // Ten seconds late at most, so that a quiet core writes little.
    Ok(row.int(0)? + 10 <= now.floor_seconds())
}

fn set(tx: &mut dyn Tx, second: i64, code: i64) -> Result<(), StoreError> {
    tx.execute("UPDATE webhook_expiry SET second = $1, code = $2", params![second, code])?;
    Ok(())
}
