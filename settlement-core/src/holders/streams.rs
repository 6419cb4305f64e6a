//! The clicks as their own outbox: how far each stream has been told, and going back where the past has changed.

use crate::attribution::Who;
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::click::{ClickId, Stream};
use attribution_core::ids::VisitorId;
use attribution_core::outcome::Outcome;
use attribution_core::time::{Instant, SECOND_MS};
use std::ops::Range;

/// Several cores stamp the clicks of one stream, each by its own clock: so far apart they may be.
const CLOCKS_APART_MS: i64 = 60 * SECOND_MS;

/// Numbers of one stream that have not been told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    stream: Stream,
    numbers: Range<u64>,
}

impl Stretch {
    fn ids(&self) -> (ClickId, ClickId) {
        (ClickId::new(self.stream, self.numbers.start), ClickId::new(self.stream, self.numbers.end))
    }
}

/// What has not been told, at most so many numbers.
pub(super) fn news(tx: &mut dyn Tx, most: u64) -> Result<Vec<Stretch>, StoreError> {
    let rows = tx.query(
        "SELECT s.edge, s.epoch, s.worker, COALESCE(h.next_sequence, 0), s.next_sequence FROM edge_streams s \
         LEFT JOIN holder_streams h ON h.edge = s.edge AND h.epoch = s.epoch AND h.worker = s.worker \
         WHERE s.next_sequence > COALESCE(h.next_sequence, 0)",
        &[],
    )?;
    let mut left = most;
    let mut news = Vec::new();
    for row in &rows {
        let from = row.count(3)?;
        let to = row.count(4)?.min(from.saturating_add(left));
        if from < to {
            news.push(Stretch { stream: row.stream(0)?, numbers: from..to });
            left -= to - from;
        }
    }
    Ok(news)
}

/// Who clicked in a stretch, and when the core took in the first of it.
pub(super) fn clicked(tx: &mut dyn Tx, stretch: &Stretch) -> Result<(Vec<Who>, Option<Instant>), StoreError> {
    let (from, to) = stretch.ids();
    let attributed = Outcome::Attributed as u8;
    let rows = tx.query(
        &format!(
            "SELECT visitor, MIN(ingested_ms) FROM clicks WHERE click_id >= $1 AND click_id < $2 \
             AND outcome = {attributed} AND visitor IS NOT NULL GROUP BY visitor"
        ),
        params![&from, &to],
    )?;
    let mut who = Vec::with_capacity(rows.len());
    let mut oldest: Option<Instant> = None;
    for row in &rows {
        who.push(Who::Visitor(VisitorId(row.id16(0)?)));
        let at = row.instant(1)?;
        oldest = Some(oldest.map_or(at, |oldest| oldest.min(at)));
    }
    Ok((who, oldest))
}

/// A stretch has been told. Whoever moved the cursor meanwhile is right.
pub(super) fn told(tx: &mut dyn Tx, stretch: &Stretch) -> Result<(), StoreError> {
    let Stream { edge, epoch, worker } = stretch.stream;
    tx.execute(
        "INSERT INTO holder_streams (edge, epoch, worker, next_sequence) VALUES ($1, $2, $3, $5) \
         ON CONFLICT (edge, epoch, worker) DO UPDATE SET next_sequence = excluded.next_sequence \
         WHERE holder_streams.next_sequence = $4",
        params![edge, epoch, worker, stretch.numbers.start.cast_signed(), stretch.numbers.end.cast_signed()],
    )?;
    Ok(())
}

/// Everything that is here counts as told.
pub(super) fn to_the_end(tx: &mut dyn Tx) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO holder_streams (edge, epoch, worker, next_sequence) \
         SELECT edge, epoch, worker, next_sequence FROM edge_streams WHERE TRUE \
         ON CONFLICT (edge, epoch, worker) DO UPDATE SET next_sequence = excluded.next_sequence",
        &[],
    )?;
    Ok(())
}

/// Clicks that were given up as lost have come in below the cursor: it goes back to them.
///
/// # Errors
/// If the store fails.
pub(crate) fn turned_up(tx: &mut dyn Tx, stream: Stream, numbers: &Range<u64>) -> Result<(), StoreError> {
    if numbers.is_empty() {
        return Ok(());
    }
    back_to(tx, stream, numbers.start)
}

fn back_to(tx: &mut dyn Tx, stream: Stream, number: u64) -> Result<(), StoreError> {
    let Stream { edge, epoch, worker } = stream;
    tx.execute(
        "UPDATE holder_streams SET next_sequence = $4 \
         WHERE edge = $1 AND epoch = $2 AND worker = $3 AND next_sequence > $4",
        params![edge, epoch, worker, number.cast_signed()],
    )?;
    Ok(())
}

/// Goes back to the first click of each stream that may have been made at `from` or later. The core's stamps grow
/// along a stream, and no click counts as later than its stamp.
pub(super) fn back_to_time(tx: &mut dyn Tx, from: Instant) -> Result<(), StoreError> {
    let from = from.plus(-CLOCKS_APART_MS);
    let rows = tx.query(
        "SELECT h.edge, h.epoch, h.worker, h.next_sequence FROM holder_streams h \
         JOIN edge_streams s ON s.edge = h.edge AND s.epoch = h.epoch AND s.worker = h.worker \
         WHERE s.updated_at >= $1",
        params![from],
    )?;
    for row in &rows {
        let stream = row.stream(0)?;
        let number = first_from(tx, stream, row.count(3)?, from)?;
        back_to(tx, stream, number)?;
    }
    Ok(())
}

/// The first number below `end` whose click was stamped at `from` or later; `end` if there is none.
fn first_from(tx: &mut dyn Tx, stream: Stream, end: u64, from: Instant) -> Result<u64, StoreError> {
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        let row = tx.query_opt(
            "SELECT ingested_ms FROM clicks WHERE click_id >= $1 AND click_id < $2 ORDER BY click_id LIMIT 1",
            params![&ClickId::new(stream, middle), &ClickId::new(stream, high)],
        )?;
        match row.map(|row| row.instant(0)).transpose()? {
            Some(stamped) if stamped < from => low = middle + 1,
            // Later, or no click at all from here to `high`.
            _ => high = middle,
        }
    }
    Ok(low)
}
