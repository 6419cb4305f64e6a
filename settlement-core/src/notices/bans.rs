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

/// How far the telling of a ban has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    category: i64,
    programme: i64,
    from: Instant,
    after: i64,
}

/// Whom to tell of a ban next.
#[derive(Debug)]
pub(super) struct Telling {
    pub(super) place: Place,
    pub(super) promoters: Vec<i64>,
}

/// Whom to tell of the next ban, at most so many, without writing. Who is concerned is found among all links to goods
/// below the category, so many promoters are looked up at once; they are told in smaller steps.
pub(super) fn next(tx: &mut dyn Tx, at_most: usize) -> Result<Option<Telling>, StoreError> {
    let sql = "SELECT category, programme, from_ms, after_promoter FROM ban_notices LIMIT 1";
    let Some(row) = tx.query_opt(sql, &[])? else { return Ok(None) };
    let place =
        Place { category: row.int(0)?, programme: row.int(1)?, from: row.instant(2)?, after: row.int(3)? };
    Ok(Some(Telling { place, promoters: concerned(tx, place, at_most)? }))
}

/// Tells these promoters, the next ones behind `place`, or ends the telling if there are none; where to go on. `None` if
/// somebody else has gone on from there, or the ban was dated anew: then the next round begins with what is there now.
pub(super) fn step(
    tx: &mut dyn Tx,
    place: Place,
    promoters: &[i64],
    now: Instant,
) -> Result<Option<Place>, StoreError> {
    let Place { category, programme, from, after } = place;
    let found = tx.query_opt(
        "SELECT c.id, c.name, g.name FROM ban_notices b JOIN categories c ON c.num = b.category \
         LEFT JOIN programmes g ON g.num = b.programme \
         WHERE b.category = $1 AND b.programme = $2 AND b.from_ms = $3 AND b.after_promoter = $4",
        params![category, programme, from, after],
    )?;
    let Some(ban) = found else { return Ok(None) };
    let detail = match ban.opt_text(2)? {
        Some(programme) => format!("{} · {programme}", ban.text(1)?),
        None => ban.text(1)?.to_owned(),
    };
    let news = News::new(Kind::CategoryBanned, ban.text(0)?, &detail).beginning(from);
    for promoter in promoters {
        tell(tx, *promoter, news, now)?;
    }
    let Some(last) = promoters.last() else {
        let sql = "DELETE FROM ban_notices WHERE category = $1 AND programme = $2";
        tx.execute(sql, params![category, programme])?;
        return Ok(None);
    };
    let sql = "UPDATE ban_notices SET after_promoter = $3 WHERE category = $1 AND programme = $2";
    tx.execute(sql, params![category, programme, *last])?;
    Ok(Some(Place { after: *last, ..place }))
}

/// The next promoters with links to goods of the category or below it, in this programme or in any. SQLite joins crosswise in
/// the order that is written: it would look through the links of everybody.
fn concerned(tx: &mut dyn Tx, place: Place, at_most: usize) -> Result<Vec<i64>, StoreError> {
    let rows = tx.query(
        "WITH RECURSIVE below (num) AS (SELECT CAST($1 AS BIGINT) \
         UNION SELECT c.num FROM categories c JOIN below b ON c.parent = b.num) \
         SELECT DISTINCT l.promoter FROM targets t CROSS JOIN links l WHERE l.target = t.num \
         AND t.category IN (SELECT num FROM below) AND l.promoter > $2 AND l.qr_of IS NULL AND ($3 = 0 OR EXISTS \
         (SELECT 1 FROM placements p WHERE p.num = l.placement AND p.programme = $3)) ORDER BY l.promoter LIMIT $4",
        params![place.category, place.after, place.programme, i64::try_from(at_most).unwrap_or(i64::MAX)],
    )?;
    rows.iter().map(|row: &Row| row.int(0)).collect()
}
