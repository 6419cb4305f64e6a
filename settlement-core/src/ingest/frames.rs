//! Sorts a batch's frames: clicks to insert, the last tally, and what cannot be read.

use crate::params;
use crate::store::{ClickInsert, StoreError, Tx};
use attribution_core::click::ClickId;
use attribution_core::outcome::Outcome;
use attribution_core::record::{ClickFlags, ClickRecord, KIND_TALLY, RecordError, Tally};
use attribution_core::shipping::{Batch, BatchFrame};
use attribution_core::time::Instant;

/// The frames of a batch from some number on, by what becomes of them.
pub(super) struct Sorted<'a> {
    pub(super) clicks: Vec<ClickInsert<'a>>,
    pub(super) dead: Vec<Dead<'a>>,
    /// Attributed clicks to which a page led without a person's gesture.
    pub(super) unactivated: u64,
    /// How many tallies there were.
    pub(super) tallies: u64,
    /// The last of them: totals only grow.
    pub(super) tally: Option<(u64, Tally)>,
}

/// A frame that this program cannot read, or that the store does not take.
pub(super) struct Dead<'a> {
    pub(super) click: ClickId,
    pub(super) frame: BatchFrame<'a>,
    reason: String,
}

/// What one frame is.
pub(super) enum Kind<'a> {
    Click { insert: ClickInsert<'a>, unactivated: bool },
    Tally(Tally),
    Dead(RecordError),
}

/// Reads one frame.
pub(super) fn read<'a>(click: ClickId, frame: BatchFrame<'a>, now: Instant) -> Kind<'a> {
    if frame.payload.first() == Some(&KIND_TALLY) {
        return match Tally::decode(frame.payload) {
            Ok(tally) => Kind::Tally(tally),
            Err(why) => Kind::Dead(why),
        };
    }
    match ClickRecord::decode(frame.payload) {
        Ok(record) => Kind::Click {
            insert: ClickInsert {
                click,
                // An edge's clock may run ahead; a click is never later than its arrival.
                effective: frame.at.min(now),
                edge: frame.at,
                ingested: now,
                outcome: record.outcome as u8,
                visitor: record.visitor,
                code: record.code.0,
                placement: record.placement.0,
                target: record.target.0,
                payload: frame.payload,
            },
            unactivated: record.outcome == Outcome::Attributed
                && record.flags.has(ClickFlags::NO_USER_ACTIVATION),
        },
        Err(why) => Kind::Dead(why),
    }
}

impl<'a> Sorted<'a> {
    /// Nothing yet.
    pub(super) const fn none() -> Self {
        Self { clicks: Vec::new(), dead: Vec::new(), unactivated: 0, tallies: 0, tally: None }
    }

    /// Sets a frame aside.
    pub(super) fn set_aside(&mut self, click: ClickId, frame: BatchFrame<'a>, reason: String) {
        self.dead.push(Dead { click, frame, reason });
    }

    /// The frames whose numbers are wanted; `now` is stamped on the clicks.
    pub(super) fn of(batch: &'a Batch, wanted: impl Fn(u64) -> bool, now: Instant) -> Self {
        let mut sorted = Self { clicks: Vec::with_capacity(batch.len() as usize), ..Self::none() };
        for frame in batch.frames().filter(|frame| wanted(frame.sequence)) {
            let click = ClickId::new(batch.stream(), frame.sequence);
            match read(click, frame, now) {
                Kind::Click { insert, unactivated } => {
                    sorted.clicks.push(insert);
                    sorted.unactivated += u64::from(unactivated);
                }
                Kind::Tally(tally) => {
                    sorted.tallies += 1;
                    sorted.tally = Some((frame.sequence, tally));
                }
                Kind::Dead(why) => sorted.set_aside(click, frame, why.to_string()),
            }
        }
        sorted
    }
}

impl<'a> Dead<'a> {
    /// A click that can be read, and that the store does not take.
    pub(super) fn refused(insert: &ClickInsert<'a>, reason: String) -> Self {
        let frame =
            BatchFrame { sequence: insert.click.sequence(), at: insert.edge, payload: insert.payload };
        Self { click: insert.click, frame, reason }
    }

    /// Why it is not taken.
    pub(super) fn reason(&self) -> &str {
        &self.reason
    }

    /// Keeps the frame for a program that can read it.
    pub(super) fn store(&self, tx: &mut dyn Tx, now: Instant) -> Result<(), StoreError> {
        tx.execute(
            "INSERT INTO dead_letters (click_id, edge_ms, payload, reason, at_ms) VALUES ($1, $2, $3, $4, $5)",
            params![&self.click, self.frame.at, self.frame.payload, &self.reason, now],
        )?;
        Ok(())
    }
}
