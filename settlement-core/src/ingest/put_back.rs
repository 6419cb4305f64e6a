//! Puts dead letters back once the cause is mended: a newer program can read them, or the database takes them now.
//!
//! A letter goes the way of a click that was given up as lost and turns up after all: in one transaction it becomes a
//! click, the stream's counts move, and orders and holders hear of it as far as they have gone by without it. What is
//! still refused stays where it is, with the newest reason. So the same request again changes nothing more.

use super::frames::{Kind, Sorted, read};
use super::{pick, stream};
use crate::params;
use crate::store::{Row, StoreError, Tx};
use crate::{holders, orders};
use attribution_core::click::{ClickId, Stream};
use attribution_core::shipping::BatchFrame;
use attribution_core::time::Instant;
use std::collections::{BTreeMap, HashSet};

/// Letters tried in one transaction at most: some dozens of statements for each that is taken.
pub(super) const AT_ONCE_MAX: u32 = 500;

/// What came of some letters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PutBack {
    /// Clicks now.
    pub(super) taken: u64,
    /// Still refused or unreadable.
    pub(super) kept: u64,
    /// The last one tried, if there are more behind it.
    pub(super) next: Option<ClickId>,
}

/// A letter as it is kept.
struct Letter<'r> {
    click: ClickId,
    frame: BatchFrame<'r>,
    reason: &'r str,
    set_aside: Instant,
}

impl<'r> Letter<'r> {
    const COLUMNS: &'static str = "click_id, edge_ms, payload, reason, at_ms";

    fn of(row: &'r Row) -> Result<Self, StoreError> {
        let click = ClickId(row.id16(0)?);
        let frame = BatchFrame { sequence: click.sequence(), at: row.instant(1)?, payload: row.blob(2)? };
        Ok(Self { click, frame, reason: row.text(3)?, set_aside: row.instant(4)? })
    }
}

/// What a stream gains.
#[derive(Default)]
struct Gain {
    clicks: u64,
    tallies: u64,
    /// The first of the clicks.
    first: Option<u64>,
}

/// Tries the letters behind `after`, at most `limit` of them, in the order of their ids.
pub(super) fn put_back(
    tx: &mut dyn Tx,
    after: &[u8],
    limit: u32,
    by: &str,
    now: Instant,
) -> Result<PutBack, StoreError> {
    let sql = format!(
        "SELECT {} FROM dead_letters WHERE click_id > $1 ORDER BY click_id LIMIT $2",
        Letter::COLUMNS
    );
    let rows = tx.query(&sql, params![after, i64::from(limit)])?;
    lock_streams(tx, &rows, now)?;
    // Read again under the locks.
    let rows = tx.query(&sql, params![after, i64::from(limit) + 1])?;
    let more = rows.len() > limit as usize;
    let letters = rows.iter().take(limit as usize).map(Letter::of).collect::<Result<Vec<_>, StoreError>>()?;
    let (mut sorted, tallies) = sort(&letters, now);
    pick::insert(tx, &mut sorted)?;
    let mut refused: BTreeMap<[u8; 16], String> =
        sorted.dead.iter().map(|dead| (dead.click.0, dead.reason().to_owned())).collect();
    let mut gains: BTreeMap<(u16, u64, u8), (Stream, Gain)> = BTreeMap::new();
    let mut done =
        PutBack { next: letters.last().filter(|_| more).map(|last| last.click), ..PutBack::default() };
    for letter in &letters {
        if let Some(reason) = refused.remove(&letter.click.0) {
            done.kept += 1;
            tx.execute(
                "UPDATE dead_letters SET reason = $2 WHERE click_id = $1 AND reason <> $2",
                params![&letter.click, &reason],
            )?;
            continue;
        }
        done.taken += 1;
        keep_record(tx, letter, by, now)?;
        let of = letter.click.stream();
        let (_, gain) =
            gains.entry((of.edge.0, of.epoch.0, of.worker.0)).or_insert_with(|| (of, Gain::default()));
        if tallies.contains(&letter.click.0) {
            gain.tallies += 1;
        } else {
            gain.clicks += 1;
            gain.first.get_or_insert(letter.click.sequence());
        }
    }
    for (of, gain) in gains.into_values() {
        stream::put_back(tx, of, gain.clicks, gain.tallies)?;
        if let Some(first) = gain.first {
            holders::streams::turned_up(tx, of, &(first..first + 1))?;
        }
    }
    for click in &sorted.clicks {
        let number = click.click.sequence();
        orders::clicks_turned_up(tx, click.click.stream(), &(number..number + 1))?;
    }
    Ok(done)
}

/// Locks the streams of these letters: a batch that is sent again meanwhile waits, and so does another hand that puts back.
fn lock_streams(tx: &mut dyn Tx, letters: &[Row], now: Instant) -> Result<(), StoreError> {
    let of = |row: &Row| Ok(ClickId(row.id16(0)?).stream());
    let streams = letters.iter().map(of).collect::<Result<HashSet<Stream>, StoreError>>()?;
    // In one order for all, so that nobody waits for somebody who waits.
    let mut streams: Vec<Stream> = streams.into_iter().collect();
    streams.sort_unstable_by_key(|of| (of.edge.0, of.epoch.0, of.worker.0));
    for stream in streams {
        stream::lock(tx, stream, now)?;
    }
    Ok(())
}

/// What the letters are to this program; and which of them are tallies.
fn sort<'r>(letters: &[Letter<'r>], now: Instant) -> (Sorted<'r>, HashSet<[u8; 16]>) {
    let mut sorted = Sorted::none();
    let mut tallies = HashSet::new();
    for letter in letters {
        // It came when it was set aside: a click is never later than that. Known it is only from now on.
        match read(letter.click, letter.frame, letter.set_aside) {
            Kind::Click { mut insert, .. } => {
                insert.ingested = now;
                sorted.clicks.push(insert);
            }
            // Totals only grow, and later ones have come since: there is nothing to take over from it.
            Kind::Tally(_) => {
                tallies.insert(letter.click.0);
            }
            Kind::Dead(why) => sorted.set_aside(letter.click, letter.frame, why.to_string()),
        }
    }
    (sorted, tallies)
}

/// The letter is gone; that there was one stays on record.
fn keep_record(tx: &mut dyn Tx, letter: &Letter<'_>, by: &str, now: Instant) -> Result<(), StoreError> {
    tx.execute("DELETE FROM dead_letters WHERE click_id = $1", params![&letter.click])?;
    tx.execute(
        "INSERT INTO dead_letters_back (click_id, edge_ms, reason, at_ms, back_by, back_ms) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        params![&letter.click, letter.frame.at, letter.reason, letter.set_aside, by, now],
    )?;
    Ok(())
}
