//! The sorted runs that SQLite's order by visitor is made of, as in a log-structured tree.
//!
//! Clicks are added to the youngest small run, whose pages are few enough to be changed many times before they are
//! written. Eight full runs of a level merge into one of the next level. So a click is written once per level, side by
//! side with others, instead of as a page of its own in a tree of everything; a question asks each run, at most a few
//! dozen however many clicks there are.
//!
//! Where there is leisure two runs of a level are enough: a store at rest ends up with one run or a few, and questions by
//! visitor are as quick as they get.
//!
//! A merge goes through the visitors in their order and moves a bounded number of clicks in each transaction: it can
//! stop anywhere, and each click is in exactly one run at any time.

use rusqlite::{Connection, OptionalExtension, Result, params};

/// How large runs are and how many merge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// A smallest run takes no more clicks from here on.
    pub(super) full: u64,
    /// Runs of a level that merge into one.
    pub(super) together: u64,
    /// Clicks that a merge moves in one transaction, about.
    pub(super) at_once: u64,
}

/// The runs as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Runs {
    pub(super) count: u64,
    /// A merge is under way or should begin.
    pub(super) unmerged: bool,
    /// A merge would do no harm.
    pub(super) loose: bool,
}

/// When runs of a level merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// As soon as there are enough of them: a click is written once for each level, and levels grow eightfold.
    Ripe,
    /// As soon as there are two, which writes a click about twice as often.
    AtLeisure,
}

impl When {
    const fn enough(self, sizes: Sizes) -> u64 {
        match self {
            Self::Ripe => sizes.together,
            Self::AtLeisure => 2,
        }
    }
}

/// Behind every visitor: longer than any, and of the largest bytes.
const BEYOND: &[u8] = &[0xff; 17];

/// The run that clicks are added to now.
pub(super) fn open_run(db: &Connection, sizes: Sizes) -> Result<i64> {
    let open = db
        .prepare_cached(
            "SELECT run FROM visitor_runs WHERE level = 0 AND merges_into IS NULL AND clicks < ?1 \
             ORDER BY run DESC LIMIT 1",
        )?
        .query_row([sizes.full.cast_signed()], |row| row.get(0))
        .optional()?;
    match open {
        Some(run) => Ok(run),
        None => create(db, 0),
    }
}

fn create(db: &Connection, level: i64) -> Result<i64> {
    db.prepare_cached("INSERT INTO visitor_runs (level, clicks) VALUES (?1, 0)")?.execute([level])?;
    Ok(db.last_insert_rowid())
}

/// Notes that a run has so many more clicks.
pub(super) fn grow(db: &Connection, run: i64, by: u64) -> Result<()> {
    db.prepare_cached("UPDATE visitor_runs SET clicks = clicks + ?2 WHERE run = ?1")?
        .execute(params![run, by.cast_signed()])?;
    Ok(())
}

/// What there is.
pub(super) fn look(db: &Connection, sizes: Sizes) -> Result<Runs> {
    let (count, merging): (i64, bool) = db
        .prepare_cached("SELECT COUNT(*), COUNT(merges_into) > 0 FROM visitor_runs")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Runs {
        count: count.unsigned_abs(),
        unmerged: merging || ready_level(db, sizes, When::Ripe)?.is_some(),
        loose: ready_level(db, sizes, When::AtLeisure)?.is_some(),
    })
}

/// The lowest level with enough full runs.
fn ready_level(db: &Connection, sizes: Sizes, when: When) -> Result<Option<i64>> {
    db.prepare_cached(
        "SELECT level FROM visitor_runs WHERE level > 0 OR clicks >= ?1 \
         GROUP BY level HAVING COUNT(*) >= ?2 ORDER BY level LIMIT 1",
    )?
    .query_row(params![sizes.full.cast_signed(), when.enough(sizes).cast_signed()], |row| row.get(0))
    .optional()
}

/// Goes on with the merge under way, or begins one if it is time for it. One at a time: its outcome is whole before it
/// merges itself.
pub(super) fn merge_some(db: &Connection, sizes: Sizes, when: When) -> Result<()> {
    let begin = || begin_merge(db, sizes, when);
    let Some(into) = merge_under_way(db)?.map_or_else(begin, |into| Ok(Some(into)))? else {
        return Ok(());
    };
    let through = through(db, into, sizes)?;
    let moved = db
        .prepare_cached(
            "INSERT INTO visitor_clicks \
             (run, visitor, effective_ms, click_id, edge_ms, ingested_ms, code, placement, target, head) \
             SELECT ?1, v.visitor, v.effective_ms, v.click_id, v.edge_ms, v.ingested_ms, v.code, v.placement, v.target, v.head \
             FROM visitor_runs r CROSS JOIN visitor_clicks v ON v.run = r.run AND v.visitor <= ?2 \
             WHERE r.merges_into = ?1 ORDER BY v.visitor, v.effective_ms, v.click_id",
        )?
        .execute(params![into, through.as_deref().unwrap_or(BEYOND)])?;
    db.prepare_cached(
        "DELETE FROM visitor_clicks WHERE visitor <= ?2 \
         AND run IN (SELECT run FROM visitor_runs WHERE merges_into = ?1)",
    )?
    .execute(params![into, through.as_deref().unwrap_or(BEYOND)])?;
    grow(db, into, moved as u64)?;
    if through.is_none() {
        db.prepare_cached("DELETE FROM visitor_runs WHERE merges_into = ?1")?.execute([into])?;
    }
    Ok(())
}

fn merge_under_way(db: &Connection) -> Result<Option<i64>> {
    db.prepare_cached("SELECT merges_into FROM visitor_runs WHERE merges_into IS NOT NULL LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()
}

fn begin_merge(db: &Connection, sizes: Sizes, when: When) -> Result<Option<i64>> {
    let Some(level) = ready_level(db, sizes, when)? else { return Ok(None) };
    let into = create(db, level + 1)?;
    db.prepare_cached(
        "UPDATE visitor_runs SET merges_into = ?2 WHERE run IN (SELECT run FROM visitor_runs \
         WHERE level = ?1 AND (level > 0 OR clicks >= ?3) ORDER BY run LIMIT ?4)",
    )?
    .execute(params![level, into, sizes.full.cast_signed(), sizes.together.cast_signed()])?;
    Ok(Some(into))
}

/// The visitor up to whom the next step goes; `None` if it moves all that is left. No run gives more than its share, but
/// for the clicks of that one visitor.
fn through(db: &Connection, into: i64, sizes: Sizes) -> Result<Option<Vec<u8>>> {
    let giving: i64 = db
        .prepare_cached("SELECT COUNT(*) FROM visitor_runs WHERE merges_into = ?1")?
        .query_row([into], |row| row.get(0))?;
    let share = sizes.at_once / giving.unsigned_abs().max(1);
    db.prepare_cached(
        "SELECT MIN((SELECT v.visitor FROM visitor_clicks v WHERE v.run = r.run ORDER BY v.visitor LIMIT 1 OFFSET ?2)) \
         FROM visitor_runs r WHERE r.merges_into = ?1",
    )?
    .query_row(params![into, share.cast_signed()], |row| row.get(0))
}
