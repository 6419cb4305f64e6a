//! Links whose time is over: nothing happens to them at that moment, so a job looks for them, once for all who hear of
//! it: the promoter's notices and their webhooks.

use super::write::{Kind, News, tell};
use crate::params;
use crate::store::{Row, StoreError, Tx};
use crate::webhooks::{self, EventKind, Owner};
use attribution_core::code::Code;
use attribution_core::time::{Instant, SECOND_MS};
use serde_json::json;

/// A link whose time is over.
struct ExpiredLink {
    code: Code,
    /// The second at which it ended.
    ended: i64,
    promoter: i64,
    /// The promoter's id.
    promoter_id: String,
    /// It is a QR code's.
    qr: bool,
    /// What it led to: its kind, id and name.
    target: (String, String, String),
}

impl ExpiredLink {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            ended: row.int(0)?,
            code: row.code(1)?,
            promoter: row.int(2)?,
            promoter_id: row.text(3)?.to_owned(),
            qr: row.opt_int(4)?.is_some(),
            target: (row.text(5)?.to_owned(), row.text(6)?.to_owned(), row.text(7)?.to_owned()),
        })
    }
}

/// Links that have ended and were not told, in the order of their ends.
fn ended(tx: &mut dyn Tx, now: Instant, limit: usize) -> Result<Vec<ExpiredLink>, StoreError> {
    let place = tx.query_one("SELECT links_until, after_code FROM notice_state WHERE one = 1", &[])?;
    let rows = tx.query(
        "SELECT l.expires, l.code, l.promoter, p.id, l.qr_of, t.kind, t.id, t.title FROM links l \
         JOIN targets t ON t.num = l.target JOIN promoters p ON p.num = l.promoter \
         WHERE l.expires > 0 AND (l.expires, l.code) > ($1, $2) AND l.expires <= $3 \
         ORDER BY l.expires, l.code LIMIT $4",
        params![
            place.int(0)?,
            place.int(1)?,
            now.millis().div_euclid(SECOND_MS),
            i64::try_from(limit).unwrap_or(i64::MAX)
        ],
    )?;
    rows.iter().map(ExpiredLink::read).collect()
}

/// Whether there is a link to tell of, without writing.
pub(super) fn is_due(tx: &mut dyn Tx, now: Instant) -> Result<bool, StoreError> {
    Ok(!ended(tx, now, 1)?.is_empty())
}

/// Tells of the next links, at most so many.
pub(super) fn step(tx: &mut dyn Tx, now: Instant, at_once: usize) -> Result<(), StoreError> {
    let links = ended(tx, now, at_once)?;
    let Some(last) = links.last() else { return Ok(()) };
    let heard = webhooks::any_promoter_listens(tx)?;
    for link in &links {
        // The code of a picture ends with nobody looking: programs hear of it, people of its link.
        if !link.qr {
            let code = link.code.to_string();
            tell(tx, link.promoter, News::new(Kind::LinkExpired, &code, &link.target.2), now)?;
        }
        if heard {
            tell_programs(tx, link, now)?;
        }
    }
    tx.execute(
        "UPDATE notice_state SET links_until = $1, after_code = $2 WHERE one = 1",
        params![last.ended, last.code],
    )?;
    Ok(())
}

/// Tells the promoter's endpoints.
fn tell_programs(tx: &mut dyn Tx, link: &ExpiredLink, now: Instant) -> Result<(), StoreError> {
    let data = json!({
        "code": link.code.to_string(),
        "promoter": link.promoter_id,
        "qr": link.qr,
        "target": {"kind": link.target.0, "id": link.target.1},
        "expired_ms": link.ended.saturating_mul(1_000),
    });
    let owner = Owner::payee(&format!("promoter/{}", link.promoter_id));
    webhooks::tell(tx, &[owner], EventKind::LinkExpired, &data, now)
}
