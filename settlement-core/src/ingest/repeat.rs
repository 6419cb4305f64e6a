//! Frames that are here already: compared byte for byte, never inserted again.

use super::Taken;
use super::frames::{Kind, Sorted, read};
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::click::ClickId;
use attribution_core::shipping::{Batch, BatchFrame};
use attribution_core::time::Instant;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

/// What is stored under a key: time and bytes.
type Stored = HashMap<[u8; 16], (i64, Vec<u8>)>;

fn stored(tx: &mut dyn Tx, table: &str, first: ClickId, last: ClickId) -> Result<Stored, StoreError> {
    // Ids of one stream sort by sequence, so a range of numbers is a range of keys.
    let sql =
        format!("SELECT click_id, edge_ms, payload FROM {table} WHERE click_id >= $1 AND click_id <= $2");
    let rows = tx.query(&sql, params![&first, &last])?;
    rows.iter().map(|row| Ok((row.id16(0)?, (row.int(1)?, row.blob(2)?.to_vec())))).collect()
}

fn same(found: Option<&(i64, Vec<u8>)>, frame: BatchFrame<'_>) -> Option<bool> {
    found.map(|(at, payload)| *at == frame.at.millis() && payload == frame.payload)
}

/// Checks that the frames with these numbers, which lie below the cursor, are the ones that were taken in. Returns the
/// numbers that were given up as `lost` and are not here: they turn up now.
pub(super) fn compare(
    tx: &mut dyn Tx,
    batch: &Batch,
    numbers: Range<u64>,
    lost: &[Range<u64>],
    now: Instant,
    taken: &mut Taken,
) -> Result<BTreeSet<u64>, StoreError> {
    let mut turned_up = BTreeSet::new();
    if numbers.is_empty() {
        return Ok(turned_up);
    }
    let stream = batch.stream();
    let (first, last) = (ClickId::new(stream, numbers.start), ClickId::new(stream, numbers.end - 1));
    let clicks = stored(tx, "clicks", first, last)?;
    let dead = stored(tx, "dead_letters", first, last)?;
    for frame in batch.frames().take_while(|frame| frame.sequence < numbers.end) {
        let click = ClickId::new(stream, frame.sequence);
        let absent = !clicks.contains_key(&click.0) && !dead.contains_key(&click.0);
        if absent && lost.iter().any(|range| range.contains(&frame.sequence)) {
            turned_up.insert(frame.sequence);
            continue;
        }
        let agrees = match read(click, frame, now) {
            Kind::Click { .. } => same(clicks.get(&click.0), frame).or(same(dead.get(&click.0), frame)),
            // Tallies are not kept one by one; but there must be no click in their place.
            Kind::Tally(_) => Some(!clicks.contains_key(&click.0)),
            Kind::Dead(_) => same(dead.get(&click.0), frame),
        };
        if agrees == Some(true) {
            taken.duplicates += 1;
        } else {
            quarantine(tx, click, frame.at, frame.payload, now)?;
            taken.quarantined += 1;
        }
    }
    Ok(turned_up)
}

/// Numbers from the cursor on that are here although the cursor does not know of them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    pub(super) clicks: u64,
    pub(super) dead: u64,
}

/// Takes out of `fresh` what is here although the cursor does not know of it, and sets aside what contradicts it.
pub(super) fn set_aside_known(
    tx: &mut dyn Tx,
    fresh: &mut Sorted<'_>,
    now: Instant,
    taken: &mut Taken,
) -> Result<Known, StoreError> {
    let mut known = Known::default();
    let ids = || fresh.clicks.iter().map(|c| c.click).chain(fresh.dead.iter().map(|d| d.click));
    let (Some(first), Some(last)) = (ids().min_by_key(|id| id.0), ids().max_by_key(|id| id.0)) else {
        return Ok(known);
    };
    let clicks = stored(tx, "clicks", first, last)?;
    let dead = stored(tx, "dead_letters", first, last)?;
    let mut others: Vec<(ClickId, Instant, &[u8])> = Vec::new();
    let mut is_new = |click: ClickId, at: Instant, payload| {
        let (held, count) = match (clicks.get(&click.0), dead.get(&click.0)) {
            (Some(held), _) => (held, &mut known.clicks),
            (None, Some(held)) => (held, &mut known.dead),
            (None, None) => return true,
        };
        *count += 1;
        if held.0 == at.millis() && held.1 == payload {
            taken.duplicates += 1;
        } else {
            others.push((click, at, payload));
        }
        false
    };
    fresh.clicks.retain(|insert| is_new(insert.click, insert.edge, insert.payload));
    fresh.dead.retain(|dead| is_new(dead.click, dead.frame.at, dead.frame.payload));
    for (click, at, payload) in others {
        quarantine(tx, click, at, payload, now)?;
        taken.quarantined += 1;
    }
    Ok(known)
}

fn quarantine(
    tx: &mut dyn Tx,
    click: ClickId,
    at: Instant,
    payload: &[u8],
    now: Instant,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO quarantine (click_id, edge_ms, payload, reason, at_ms) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (click_id, payload) DO NOTHING",
        params![&click, at, payload, "the same key came with other bytes", now],
    )?;
    Ok(())
}
