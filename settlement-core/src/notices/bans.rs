//! Bans, told to every promoter with a link to goods of the category: once each, however many links they have.

use super::write::{Kind, News, tell};
use crate::params;
use crate::store::{Row, StoreError, Tx};
use attribution_core::time::Instant;

/// Leaves a ban to be told; one that was dated anew before all were told begins again. `programme` is 0 for all.
///
/// # Errors
/// If the store fails.
pub(crate) fn leave(tx: &mut dyn Tx, category: i64, programme: i64, from: Instant) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO ban_notices (category, programme, from_ms, after_promoter) VALUES ($1, $2, $3, 0) \
         ON CONFLICT (category, programme) DO UPDATE SET from_ms = excluded.from_ms, after_promoter = 0",
        params![category, programme, from],
    )?;
    Ok(())
}

/// Whether there is a ban to tell of, without writing.
pub(super) fn is_due(tx: &mut dyn Tx) -> Result<bool, StoreError> {
    Ok(tx.query_opt("SELECT 1 FROM ban_notices LIMIT 1", &[])?.is_some())
}

/// Tells the next promoters of a ban, at most so many; whether there was one.
pub(super) fn step(tx: &mut dyn Tx, now: Instant, at_once: i64) -> Result<bool, StoreError> {
    let next = tx.query_opt(
        "SELECT b.category, b.programme, b.from_ms, b.after_promoter, c.id, c.name, g.name FROM ban_notices b \
         JOIN categories c ON c.num = b.category LEFT JOIN programmes g ON g.num = b.programme LIMIT 1",
        &[],
    )?;
    let Some(ban) = next else { return Ok(false) };
    let (category, programme) = (ban.int(0)?, ban.int(1)?);
    let detail = match ban.opt_text(6)? {
        Some(programme) => format!("{} · {programme}", ban.text(5)?),
        None => ban.text(5)?.to_owned(),
    };
    let news = News::new(Kind::CategoryBanned, ban.text(4)?, &detail).beginning(ban.instant(2)?);
    let promoters = concerned(tx, category, programme, ban.int(3)?, at_once)?;
    for promoter in &promoters {
        tell(tx, *promoter, news, now)?;
    }
    match promoters.last() {
        Some(last) => tx.execute(
            "UPDATE ban_notices SET after_promoter = $3 WHERE category = $1 AND programme = $2",
            params![category, programme, *last],
        )?,
        None => tx.execute(
            "DELETE FROM ban_notices WHERE category = $1 AND programme = $2",
            params![category, programme],
        )?,
    };
    Ok(true)
}

/// The next promoters with links to goods of the category or below it, in this programme or in any.
fn concerned(
    tx: &mut dyn Tx,
    category: i64,
    programme: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    let rows = tx.query(
        "WITH RECURSIVE below (num) AS (SELECT CAST($1 AS BIGINT) \
         UNION SELECT c.num FROM categories c JOIN below b ON c.parent = b.num) \
         SELECT DISTINCT l.promoter FROM targets t JOIN links l ON l.target = t.num \
         WHERE t.category IN (SELECT num FROM below) AND l.promoter > $2 AND l.qr_of IS NULL AND ($3 = 0 OR EXISTS \
         (SELECT 1 FROM placements p WHERE p.num = l.placement AND p.programme = $3)) ORDER BY l.promoter LIMIT $4",
        params![category, after, programme, limit],
    )?;
    rows.iter().map(|row: &Row| row.int(0)).collect()
}
