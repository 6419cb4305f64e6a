//! Frames that are here already: compared byte for byte, never inserted again.

use super::Taken;
use super::frames::{Kind, Sorted, read};
use crate::params;
use crate::store::{ClickInsert, StoreError, Tx};
use attribution_core::click::ClickId;
use attribution_core::shipping::{Batch, BatchFrame};
use attribution_core::time::Instant;
use std::collections::HashMap;
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

/// Checks that the frames with these numbers, which lie below the cursor, are the ones that were taken in.
pub(super) fn compare(
    tx: &mut dyn Tx,
    batch: &Batch,
    numbers: Range<u64>,
    now: Instant,
    taken: &mut Taken,
) -> Result<(), StoreError> {
    if numbers.is_empty() {
        return Ok(());
    }
    let stream = batch.stream();
    let (first, last) = (ClickId::new(stream, numbers.start), ClickId::new(stream, numbers.end - 1));
    let clicks = stored(tx, "clicks", first, last)?;
    let dead = stored(tx, "dead_letters", first, last)?;
    for frame in batch.frames().take_while(|frame| frame.sequence < numbers.end) {
        let click = ClickId::new(stream, frame.sequence);
        let agrees = match read(click, frame, now) {
            Kind::Click(_) => same(clicks.get(&click.0), frame).or(same(dead.get(&click.0), frame)),
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
    Ok(())
}

/// Takes out of `fresh` the clicks that are here although the cursor does not know of them.
pub(super) fn set_aside_known(
    tx: &mut dyn Tx,
    fresh: &mut Sorted<'_>,
    now: Instant,
    taken: &mut Taken,
) -> Result<(), StoreError> {
    let (Some(first), Some(last)) = (fresh.clicks.first(), fresh.clicks.last()) else { return Ok(()) };
    let known = stored(tx, "clicks", first.click, last.click)?;
    let mut others: Vec<ClickInsert<'_>> = Vec::new();
    fresh.clicks.retain(|insert| match known.get(&insert.click.0) {
        None => true,
        Some((at, payload)) => {
            if *at == insert.edge.millis() && payload == insert.payload {
                taken.duplicates += 1;
            } else {
                others.push(*insert);
            }
            false
        }
    });
    for other in others {
        quarantine(tx, other.click, other.edge, other.payload, now)?;
        taken.quarantined += 1;
    }
    Ok(())
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
