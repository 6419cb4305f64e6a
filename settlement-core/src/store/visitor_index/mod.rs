//! SQLite's order of clicks by visitor, which follows the clicks instead of being kept by their insert.
//!
//! Visitors are random, so each click would touch another page of the tree: that costs three times as much as the click
//! itself. Inserted in sorted bulk into [runs] the same order is cheap, and while clicks pour in it can wait. The clicks
//! that wait are known (`unindexed_clicks`, written with the clicks), and the view `earning_clicks` looks through them
//! one by one: it is complete at any time.
//!
//! When it happens: as soon as the writer has nothing else to do; before a transaction that writes asks by visitor, if
//! more wait than a question should look through; and before anything else once too many wait.

mod runs;

use super::tx::Owed;
use attribution_core::click::ClickId;
use attribution_core::ids::VisitorId;
use runs::{Runs, Sizes, When};
use rusqlite::{Connection, OptionalExtension, Result, params};
use std::collections::BTreeSet;

/// The runs of a working core: the smallest have a thousand pages, and a hundred million clicks are in about thirty.
const SIZES: Sizes = Sizes { full: 50_000, together: 8, at_once: AT_ONCE };
/// Clicks indexed or merged in one transaction: less than a twentieth of a second, during which others wait.
const AT_ONCE: u64 = 20_000;
/// More runs than these are merged while others wait: a question asks each of them.
const MOST_RUNS: u64 = 48;
/// A question looks through so many waiting clicks without a thought (a quarter of a millisecond).
const UNNOTICED: u64 = 2_000;
/// More never wait: a question that may not write looks through them in about 30 ms.
const MOST: u64 = 200_000;

/// Notes that these clicks, in the order of their numbers, are not in the index yet.
pub(super) fn put_off(db: &Connection, clicks: impl Iterator<Item = ClickId>) -> Result<()> {
    let mut run: Option<(u128, u128)> = None;
    for click in clicks {
        let id = number(click.0);
        run = match run {
            Some((first, last)) if last.checked_add(1) == Some(id) => Some((first, id)),
            Some(done) => {
                put_off_run(db, done)?;
                Some((id, id))
            }
            None => Some((id, id)),
        };
    }
    run.map_or(Ok(()), |run| put_off_run(db, run))
}

fn put_off_run(db: &Connection, (first, last): (u128, u128)) -> Result<()> {
    let count = i64::try_from(last - first + 1).unwrap_or(i64::MAX);
    let (first, before, last) =
        (first.to_be_bytes(), first.saturating_sub(1).to_be_bytes(), last.to_be_bytes());
    let longer = db
        .prepare_cached("UPDATE unindexed_clicks SET last = ?1, clicks = clicks + ?2 WHERE last = ?3")?
        .execute(params![&last[..], count, &before[..]])?;
    if longer == 0 {
        db.prepare_cached("INSERT INTO unindexed_clicks (last, first, clicks) VALUES (?1, ?2, ?3)")?
            .execute(params![&last[..], &first[..], count])?;
    }
    Ok(())
}

/// How much waits, behind a transaction.
pub(super) fn owed(db: &Connection) -> Result<Owed> {
    let (clicks, runs) = look(db)?;
    Ok(match (clicks, runs) {
        (MOST.., _) => Owed::TooMuch,
        (_, Runs { count: MOST_RUNS.., unmerged: true, .. }) => Owed::OneStep,
        (0, Runs { unmerged: false, loose: true, .. }) => Owed::AtLeisure,
        (0, Runs { unmerged: false, loose: false, .. }) => Owed::Nothing,
        _ => Owed::Some,
    })
}

fn look(db: &Connection) -> Result<(u64, Runs)> {
    let (clicks, runs) = (waiting(db)?, runs::look(db, SIZES)?);
    #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
    {
        metrics::gauge!("yinke_core_unindexed_clicks").set(clicks as f64);
        metrics::gauge!("yinke_core_visitor_runs").set(runs.count as f64);
    }
    Ok((clicks, runs))
}

fn waiting(db: &Connection) -> Result<u64> {
    let sum: i64 = db
        .prepare_cached("SELECT COALESCE(SUM(clicks), 0) FROM unindexed_clicks")?
        .query_row([], |row| row.get(0))?;
    Ok(sum.unsigned_abs())
}

/// Indexes as much as leaves a question little to look through, at most [`AT_ONCE`] clicks.
pub(super) fn before_asking(db: &Connection) -> Result<()> {
    if waiting(db)? > UNNOTICED { index_some(db, SIZES) } else { Ok(()) }
}

/// A step of the work that was put off: clicks into runs first, then runs into larger ones; the other way round while
/// there are too many of them.
pub(super) fn catch_up(db: &Connection) -> Result<()> {
    let (clicks, runs) = look(db)?;
    let crowded = runs.unmerged && runs.count >= MOST_RUNS;
    if clicks == 0 || (crowded && clicks < MOST) {
        runs::merge_some(db, SIZES, if runs.unmerged { When::Ripe } else { When::AtLeisure })
    } else {
        index_some(db, SIZES)
    }
}

/// Indexes the oldest of what waits, at most `sizes.at_once` clicks.
fn index_some(db: &Connection, sizes: Sizes) -> Result<()> {
    let mut left = sizes.at_once;
    while left > 0 {
        let Some((first, last)) = next_waiting(db)? else { break };
        left -= index_run(db, first, last, left, sizes)?;
    }
    Ok(())
}

fn next_waiting(db: &Connection) -> Result<Option<(u128, u128)>> {
    let mut statement =
        db.prepare_cached("SELECT first, last FROM unindexed_clicks ORDER BY last LIMIT 1")?;
    statement.query_row([], |row| Ok((number(row.get(0)?), number(row.get(1)?)))).optional()
}

/// Indexes at most `most` of these clicks, and says how many.
fn index_run(db: &Connection, first: u128, last: u128, most: u64, sizes: Sizes) -> Result<u64> {
    let until = last.min(first + u128::from(most) - 1);
    let done = u64::try_from(until - first + 1).unwrap_or(most);
    let bytes = |number: u128| number.to_be_bytes();
    let run = runs::open_run(db, sizes)?;
    let added = db
        .prepare_cached(
            "INSERT INTO visitor_clicks \
             (run, visitor, effective_ms, click_id, edge_ms, ingested_ms, code, placement, target, head) \
             SELECT ?3, visitor, effective_ms, click_id, edge_ms, ingested_ms, code, placement, target, \
             substr(payload, 1, 6) FROM clicks WHERE click_id BETWEEN ?1 AND ?2 \
             AND outcome = 15 AND visitor IS NOT NULL ORDER BY visitor, effective_ms, click_id",
        )?
        .execute(params![&bytes(first)[..], &bytes(until)[..], run])?;
    runs::grow(db, run, added as u64)?;
    if until == last {
        db.prepare_cached("DELETE FROM unindexed_clicks WHERE last = ?1")?
            .execute(params![&bytes(last)[..]])?;
    } else {
        db.prepare_cached("UPDATE unindexed_clicks SET first = ?1, clicks = clicks - ?2 WHERE last = ?3")?
            .execute(params![&bytes(until + 1)[..], done.cast_signed(), &bytes(last)[..]])?;
    }
    Ok(done)
}

/// Click ids sort as the numbers their bytes make.
fn number(id: [u8; 16]) -> u128 {
    u128::from_be_bytes(id)
}

/// The visitors of clicks that may earn, in their order, from behind `after`; at most `most`.
pub(super) fn visitors_after(db: &Connection, after: &[u8], most: usize) -> Result<Vec<VisitorId>> {
    let most_rows = i64::try_from(most).unwrap_or(i64::MAX);
    // Each run is in order by itself: asked as one, SQLite would sort all of them first.
    let runs: Vec<i64> = db
        .prepare_cached("SELECT run FROM visitor_runs")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_>>()?;
    let mut found: BTreeSet<[u8; 16]> = BTreeSet::new();
    let mut of_run = db.prepare_cached(
        "SELECT DISTINCT visitor FROM visitor_clicks WHERE run = ?1 AND visitor > ?2 ORDER BY visitor LIMIT ?3",
    )?;
    for run in runs {
        for visitor in of_run.query_map(params![run, after, most_rows], |row| row.get(0))? {
            found.insert(visitor?);
        }
    }
    let mut waiting = db.prepare_cached(
        "SELECT DISTINCT c.visitor FROM unindexed_clicks u CROSS JOIN clicks c NOT INDEXED \
         ON c.click_id BETWEEN u.first AND u.last \
         WHERE c.outcome = 15 AND c.visitor > ?1 ORDER BY c.visitor LIMIT ?2",
    )?;
    for visitor in waiting.query_map(params![after, most_rows], |row| row.get(0))? {
        found.insert(visitor?);
    }
    Ok(found.into_iter().take(most).map(VisitorId).collect())
}

#[cfg(test)]
mod tests;
