//! The row of a stream: its cursor and its totals.

use super::frames::Sorted;
use crate::params;
use crate::store::{Row, StoreError, Tx};
use attribution_core::click::{EdgeId, Stream};
use attribution_core::record::Tally;
use attribution_core::shipping::Batch;
use attribution_core::time::Instant;
use std::ops::Range;

/// How far a stream moves, and what it counts.
pub(super) struct Advance {
    stream: Stream,
    pub(super) next_sequence: u64,
    pub(super) clicks: u64,
    tallies: u64,
    pub(super) dead: u64,
    pub(super) duplicates: u64,
    pub(super) quarantined: u64,
    tally: Option<(u64, Tally)>,
}

impl Advance {
    pub(super) fn of(batch: &Batch, sorted: &Sorted<'_>) -> Self {
        Self {
            stream: batch.stream(),
            next_sequence: batch.next_sequence(),
            clicks: sorted.clicks.len() as u64,
            tallies: sorted.tallies,
            dead: sorted.dead.len() as u64,
            duplicates: 0,
            quarantined: 0,
            tally: sorted.tally,
        }
    }
}

/// Database integers are signed; sequence numbers use 40 bits and totals never come near.
pub(crate) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Moves the cursor if it stands at `from` and nothing on the way is named as lost, and adds the totals: lock, check
/// and advance in one statement.
pub(super) fn advance_from(
    tx: &mut dyn Tx,
    from: u64,
    advance: &Advance,
    now: Instant,
) -> Result<bool, StoreError> {
    let Stream { edge, epoch, worker } = advance.stream;
    let moved = tx.execute(
        "UPDATE edge_streams SET next_sequence = $5, \
         clicks = clicks + $6, tallies = tallies + $7, dead = dead + $8, duplicates = duplicates + $9, \
         quarantined = quarantined + $10, updated_at = $11 \
         WHERE edge = $1 AND epoch = $2 AND worker = $3 AND next_sequence = $4 AND NOT EXISTS (\
         SELECT 1 FROM lost_ranges l WHERE l.edge = $1 AND l.epoch = $2 AND l.worker = $3 \
         AND l.to_sequence > $4 AND l.from_sequence < $5)",
        params![
            edge,
            epoch,
            worker,
            int(from),
            int(advance.next_sequence),
            int(advance.clicks),
            int(advance.tallies),
            int(advance.dead),
            int(advance.duplicates),
            int(advance.quarantined),
            now
        ],
    )?;
    if moved == 0 {
        return Ok(false);
    }
    if let Some((sequence, tally)) = advance.tally {
        let [refused, rate_limited, not_found, overloaded] = tally.counted.map(int);
        tx.execute(
            "UPDATE edge_streams SET tally_sequence = $4, answered = $5, recorded = $6, counted_refused = $7, \
             counted_rate_limited = $8, counted_not_found = $9, counted_overloaded = $10, unjournaled = $11 \
             WHERE edge = $1 AND epoch = $2 AND worker = $3 AND (tally_sequence IS NULL OR tally_sequence < $4)",
            params![
                edge,
                epoch,
                worker,
                int(sequence),
                int(tally.answered),
                int(tally.recorded),
                refused,
                rate_limited,
                not_found,
                overloaded,
                int(tally.unjournaled)
            ],
        )?;
    }
    Ok(true)
}

/// Makes the edge known. From then on its orders wait for what it has not yet shipped.
pub(crate) fn register(tx: &mut dyn Tx, edge: EdgeId, now: Instant) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO edges (edge, first_seen, applied, shipped_through) VALUES ($1, $2, 0, 0) \
         ON CONFLICT (edge) DO NOTHING",
        params![edge, now],
    )?;
    Ok(())
}

/// Makes the stream's row if this is its first word, locks it, and returns its cursor.
pub(crate) fn lock(tx: &mut dyn Tx, stream: Stream, now: Instant) -> Result<u64, StoreError> {
    let Stream { edge, epoch, worker } = stream;
    register(tx, edge, now)?;
    tx.execute(
        "INSERT INTO edge_streams (edge, epoch, worker, next_sequence, clicks, tallies, dead, \
         quarantined, duplicates, answered, recorded, counted_refused, counted_rate_limited, counted_not_found, \
         counted_overloaded, unjournaled, first_at, updated_at) \
         VALUES ($1, $2, $3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, $4, $4) \
         ON CONFLICT (edge, epoch, worker) DO NOTHING",
        params![edge, epoch, worker, now],
    )?;
    tx.query_one(
        "UPDATE edge_streams SET updated_at = updated_at WHERE edge = $1 AND epoch = $2 AND worker = $3 \
         RETURNING next_sequence",
        params![edge, epoch, worker],
    )?
    .count(0)
}

/// Counts frames of this stream that were kept aside as clicks and tallies from now on.
pub(super) fn put_back(tx: &mut dyn Tx, stream: Stream, clicks: u64, tallies: u64) -> Result<(), StoreError> {
    let Stream { edge, epoch, worker } = stream;
    tx.execute(
        "UPDATE edge_streams SET clicks = clicks + $4, tallies = tallies + $5, dead = dead - $4 - $5 \
         WHERE edge = $1 AND epoch = $2 AND worker = $3",
        params![edge, epoch, worker, int(clicks), int(tallies)],
    )?;
    Ok(())
}

/// Moves the locked cursor over ranges that the edge has named as lost, as far as they reach without a gap.
pub(crate) fn skip_lost(
    tx: &mut dyn Tx,
    stream: Stream,
    cursor: u64,
    wanted: u64,
) -> Result<u64, StoreError> {
    let Stream { edge, epoch, worker } = stream;
    let rows = tx.query(
        "SELECT from_sequence, to_sequence FROM lost_ranges \
         WHERE edge = $1 AND epoch = $2 AND worker = $3 AND to_sequence > $4 ORDER BY from_sequence",
        params![edge, epoch, worker, int(cursor)],
    )?;
    let range = |row: &Row| Ok::<_, StoreError>((row.count(0)?, row.count(1)?));
    let mut reached = cursor;
    for row in &rows {
        let (from, to) = range(row)?;
        if from > reached || reached >= wanted {
            break;
        }
        reached = reached.max(to);
    }
    if reached > cursor {
        tx.execute(
            "UPDATE edge_streams SET next_sequence = $4 WHERE edge = $1 AND epoch = $2 AND worker = $3",
            params![edge, epoch, worker, int(reached)],
        )?;
    }
    Ok(reached)
}

/// The parts of these numbers that the edge has named as lost.
pub(super) fn lost_within(
    tx: &mut dyn Tx,
    stream: Stream,
    numbers: &Range<u64>,
) -> Result<Vec<Range<u64>>, StoreError> {
    let Stream { edge, epoch, worker } = stream;
    let rows = tx.query(
        "SELECT from_sequence, to_sequence FROM lost_ranges WHERE edge = $1 AND epoch = $2 AND worker = $3 \
         AND to_sequence > $4 AND from_sequence < $5 ORDER BY from_sequence",
        params![edge, epoch, worker, int(numbers.start), int(numbers.end)],
    )?;
    rows.iter().map(|row| Ok(row.count(0)?.max(numbers.start)..row.count(1)?.min(numbers.end))).collect()
}

/// Takes these numbers, which have arrived, out of what is named as lost.
pub(super) fn found(tx: &mut dyn Tx, stream: Stream, numbers: &Range<u64>) -> Result<(), StoreError> {
    let Stream { edge, epoch, worker } = stream;
    let rows = tx.query(
        "DELETE FROM lost_ranges WHERE edge = $1 AND epoch = $2 AND worker = $3 \
         AND to_sequence > $4 AND from_sequence < $5 RETURNING from_sequence, to_sequence, reported_at",
        params![edge, epoch, worker, int(numbers.start), int(numbers.end)],
    )?;
    for row in &rows {
        let (from, to, at) = (row.count(0)?, row.count(1)?, row.instant(2)?);
        for rest in [from..numbers.start, numbers.end..to].into_iter().filter(|rest| !rest.is_empty()) {
            tx.execute(
                "INSERT INTO lost_ranges (edge, epoch, worker, from_sequence, to_sequence, reported_at) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
                params![edge, epoch, worker, int(rest.start), int(rest.end), at],
            )?;
        }
    }
    Ok(())
}
