//! The histories of changes: each opening of the store begins one, so that a store set back to a backup is noticed.
//!
//! A history's own stretch of numbers ends where the next one begins. A place (history, number) is in this store's
//! past if the history is known here and the number does not lie behind its stretch. A backup knows no history that
//! began after it was made, and cuts off the one that went on: with its next opening that one has an end.

use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::history::{FeedPosition, HistoryId};
use attribution_core::time::Instant;

/// How a place relates to this store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In its past: what comes after the number is all that is missing.
    Past,
    /// Another store's, or in a part of the past that a backup has cut off.
    Foreign,
    /// In the history under way, behind its last number: the store was set back while this process had it open.
    Ahead,
}

/// Begins a history after the last number given. `random` is its id.
pub(crate) fn begin(tx: &mut dyn Tx, random: HistoryId, now: Instant) -> Result<HistoryId, StoreError> {
    // The counter's row is the lock that orders all changes; nothing is numbered meanwhile.
    let sql = "UPDATE counters SET value = value WHERE name = 'change' RETURNING value";
    let head = tx.query_one(sql, &[])?.int(0)?;
    tx.execute(
        "INSERT INTO change_histories (ordinal, id, begins_after, began_at) \
         SELECT COALESCE(MAX(ordinal), 0) + 1, $1, $2, $3 FROM change_histories",
        params![int(random), head, now],
    )?;
    Ok(random)
}

/// Begins a history if `position` is still ahead of the store; says whether it did.
pub(super) fn begin_if_overtaken(
    tx: &mut dyn Tx,
    position: FeedPosition,
    random: HistoryId,
    now: Instant,
) -> Result<bool, StoreError> {
    let head = "UPDATE counters SET value = value WHERE name = 'change' RETURNING value";
    let head = tx.query_one(head, &[])?.count(0)?;
    if place(tx, position, head)? != Place::Ahead {
        return Ok(false);
    }
    begin(tx, random, now).map(|_| true)
}

/// The history under way.
pub(super) fn current(tx: &mut dyn Tx) -> Result<HistoryId, StoreError> {
    let row = tx.query_one("SELECT id FROM change_histories ORDER BY ordinal DESC LIMIT 1", &[])?;
    HistoryId::new(row.int(0)?.cast_unsigned()).ok_or(StoreError::NoRow)
}

/// Where a place lies, seen from a store whose last number is `head`.
pub(super) fn place(tx: &mut dyn Tx, position: FeedPosition, head: u64) -> Result<Place, StoreError> {
    let FeedPosition { history, number } = position;
    if number == 0 {
        return Ok(Place::Past);
    }
    let Some(history) = history else { return Ok(Place::Foreign) };
    let known = tx.query_opt("SELECT ordinal FROM change_histories WHERE id = $1", params![int(history)])?;
    let Some(known) = known else { return Ok(Place::Foreign) };
    let next = tx.query_opt(
        "SELECT begins_after FROM change_histories WHERE ordinal > $1 ORDER BY ordinal LIMIT 1",
        params![known.int(0)?],
    )?;
    Ok(match next {
        Some(next) if number <= next.count(0)? => Place::Past,
        Some(_) => Place::Foreign,
        None if number <= head => Place::Past,
        None => Place::Ahead,
    })
}

/// An id as a column holds it.
pub(crate) const fn int(id: HistoryId) -> i64 {
    id.get().cast_signed()
}

/// A random id.
///
/// # Errors
/// If the operating system gives no randomness.
pub(crate) fn random() -> Result<HistoryId, getrandom::Error> {
    loop {
        if let Some(id) = HistoryId::new(getrandom::u64()?) {
            return Ok(id);
        }
    }
}
