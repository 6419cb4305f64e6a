//! Takes batches of frames in, exactly once in effect.
//!
//! One transaction moves the stream's cursor and inserts the clicks. The usual batch begins at the cursor: then one
//! guarded UPDATE locks and advances the cursor, and one bulk insert follows. A batch that was sent again overlaps
//! the cursor: what is already here is compared byte for byte. A batch behind a gap is refused with the cursor that
//! is expected. Nothing the edge sends is dropped silently: what cannot be read, or what the store does not take, goes to
//! the dead letters, what contradicts goes to quarantine, and all are counted.

mod dead_api;
mod frames;
mod pick;
mod put_back;
mod repeat;
pub(crate) mod stream;

pub(crate) use dead_api::routes;

use crate::store::{StoreError, Tx};
use crate::{Core, holders, orders};
use attribution_core::shipping::{Batch, ShipAck};
use attribution_core::time::Instant;
use attribution_core::with_causes;
use frames::Sorted;
use repeat::Known;
use std::ops::Range;
use std::sync::Arc;
use stream::Advance;

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// Frames between the cursor and the batch are missing: send from `expected` on.
    #[error("the stream stands at {expected}, the batch begins at {got}")]
    Gap {
        /// The stream's cursor.
        expected: u64,
        /// The batch's first number.
        got: u64,
    },
    /// The store failed; nothing was taken, or the same batch again will show that it was.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// What one batch did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Taken {
    next_sequence: u64,
    clicks: u64,
    unactivated: u64,
    tallies: u64,
    dead: u64,
    duplicates: u64,
    quarantined: u64,
}

/// Whether the bulk insert may be trusted to succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
    /// Everything from the cursor on is new, the cursor says so, and the store takes it.
    Trusting,
    /// One of both was wrong (a cursor restored from an older backup, a click that breaks a rule of the database): look
    /// before each insert, and pick out what is not taken.
    Looking,
}

impl Core {
    /// Takes a batch in and answers where the stream's cursor stands now. `now` is stamped on every click that is
    /// new. The same batch again changes nothing.
    ///
    /// # Errors
    /// If the batch lies behind a gap, or the store fails.
    pub async fn ingest(&self, batch: Batch, now: Instant) -> Result<ShipAck, IngestError> {
        let started = std::time::Instant::now();
        let batch = Arc::new(batch);
        let result = match self.take(&batch, now, Care::Trusting).await {
            Err(IngestError::Store(StoreError::Unique { constraint })) => {
                tracing::error!(stream = ?batch.stream(), constraint, "clicks are here already that the cursor does not know of");
                self.take(&batch, now, Care::Looking).await
            }
            Err(IngestError::Store(StoreError::Unfit(cause))) => {
                tracing::error!(stream = ?batch.stream(), error = with_causes(&*cause), "the store refuses a click of a batch; the others go in");
                self.take(&batch, now, Care::Looking).await
            }
            other => other,
        };
        report(&batch, &result, now, started.elapsed());
        let taken = result?;
        if taken.clicks > 0 {
            self.announce_clicks();
        }
        Ok(ShipAck { next_sequence: taken.next_sequence })
    }

    async fn take(&self, batch: &Arc<Batch>, now: Instant, care: Care) -> Result<Taken, IngestError> {
        let batch = Arc::clone(batch);
        self.store().write(move |tx| take(tx, &batch, now, care)).await
    }
}

/// The whole transaction.
fn take(tx: &mut dyn Tx, batch: &Batch, now: Instant, care: Care) -> Result<Taken, IngestError> {
    let mut taken = Taken { next_sequence: batch.next_sequence(), ..Taken::default() };
    let sorted = Sorted::of(batch, |_| true, now);
    if care == Care::Trusting
        && stream::advance_from(tx, batch.first_sequence(), &Advance::of(batch, &sorted), now)?
    {
        insert_clicks(tx, &sorted)?;
        note(tx, &sorted, &mut taken, now)?;
        return Ok(taken);
    }
    let cursor = stream::lock(tx, batch.stream(), now)?;
    let cursor = if cursor < batch.first_sequence() {
        stream::skip_lost(tx, batch.stream(), cursor, batch.first_sequence())?
    } else {
        cursor
    };
    if cursor < batch.first_sequence() {
        return Err(IngestError::Gap { expected: cursor, got: batch.first_sequence() });
    }
    // Below the cursor everything must be here already, except what was given up as lost; from it on everything is
    // new.
    let numbers = batch.first_sequence()..batch.next_sequence();
    let lost = stream::lost_within(tx, batch.stream(), &numbers)?;
    let below = numbers.start..cursor.min(numbers.end);
    let turned_up = repeat::compare(tx, batch, below.clone(), &lost, now, &mut taken)?;
    let mut fresh = Sorted::of(batch, |number| number >= cursor || turned_up.contains(&number), now);
    let known = match care {
        Care::Trusting => Known::default(),
        Care::Looking => repeat::set_aside_known(tx, &mut fresh, now, &mut taken)?,
    };
    match care {
        Care::Trusting => insert_clicks(tx, &fresh)?,
        Care::Looking => pick::insert(tx, &mut fresh)?,
    }
    note(tx, &fresh, &mut taken, now)?;
    if !lost.is_empty() {
        stream::found(tx, batch.stream(), &numbers)?;
        for range in lost {
            let range: Range<u64> = range.start..range.end.min(below.end);
            orders::clicks_turned_up(tx, batch.stream(), &range)?;
            holders::streams::turned_up(tx, batch.stream(), &range)?;
        }
    }
    taken.next_sequence = cursor.max(batch.next_sequence());
    let mut advance = Advance::of(batch, &fresh);
    advance.next_sequence = taken.next_sequence;
    // What was here already was not counted when the cursor moved over it: it moves over it now.
    advance.clicks += known.clicks;
    advance.dead += known.dead;
    advance.duplicates = taken.duplicates;
    advance.quarantined = taken.quarantined;
    stream::advance_from(tx, cursor, &advance, now)?;
    Ok(taken)
}

fn insert_clicks(tx: &mut dyn Tx, sorted: &Sorted<'_>) -> Result<(), StoreError> {
    if sorted.clicks.is_empty() { Ok(()) } else { tx.insert_clicks(&sorted.clicks) }
}

/// Keeps the dead letters, and notes what the frames came to.
fn note(tx: &mut dyn Tx, sorted: &Sorted<'_>, taken: &mut Taken, now: Instant) -> Result<(), StoreError> {
    for dead in &sorted.dead {
        dead.store(tx, now)?;
    }
    taken.clicks = sorted.clicks.len() as u64;
    taken.unactivated = sorted.unactivated;
    taken.tallies = sorted.tallies;
    taken.dead = sorted.dead.len() as u64;
    Ok(())
}

fn report(batch: &Batch, result: &Result<Taken, IngestError>, now: Instant, took: std::time::Duration) {
    let label = match result {
        Ok(_) => "ok",
        Err(IngestError::Gap { .. }) => "gap",
        Err(IngestError::Store(_)) => "store",
    };
    metrics::counter!("yinke_core_ingest_batches_total", "result" => label).increment(1);
    metrics::histogram!("yinke_core_ingest_duration_seconds").record(took.as_secs_f64());
    let Ok(taken) = result else { return };
    metrics::counter!("yinke_core_ingest_clicks_total").increment(taken.clicks);
    metrics::counter!("yinke_core_ingest_unactivated_clicks_total").increment(taken.unactivated);
    metrics::counter!("yinke_core_ingest_tallies_total").increment(taken.tallies);
    metrics::counter!("yinke_core_ingest_duplicates_total").increment(taken.duplicates);
    metrics::counter!("yinke_core_ingest_dead_letters_total").increment(taken.dead);
    metrics::counter!("yinke_core_ingest_quarantined_total").increment(taken.quarantined);
    if let Some(oldest) = batch.frames().next() {
        #[expect(clippy::cast_precision_loss, reason = "a lag in milliseconds is far below 2^52")]
        let lag = now.millis().saturating_sub(oldest.at.millis()).max(0) as f64 / 1_000.0;
        metrics::histogram!("yinke_core_ingest_lag_seconds").record(lag);
    }
    if taken.dead > 0 {
        tracing::warn!(stream = ?batch.stream(), frames = taken.dead, "frames could not be read or stored and were set aside");
    }
    if taken.quarantined > 0 {
        tracing::error!(
            stream = ?batch.stream(),
            frames = taken.quarantined,
            "frames came with the key of other clicks and were set aside"
        );
    }
}
