//! The workday calendar in force: the official tables with what operators laid over them.

use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::calendar::{Calendar, CalendarOverride};
use attribution_core::time::Instant;

/// The operators' newest word, or none.
///
/// # Errors
/// If the store fails.
pub(super) fn stored(tx: &mut dyn Tx) -> Result<CalendarOverride, StoreError> {
    let row = tx.query_opt("SELECT contents FROM calendar_overrides ORDER BY number DESC LIMIT 1", &[])?;
    let Some(row) = row else { return Ok(CalendarOverride::default()) };
    serde_json::from_str(row.text(0)?).map_err(StoreError::corrupt("calendar"))
}

/// The calendar in force.
///
/// # Errors
/// If the store fails or holds an override that this program's tables contradict.
pub(crate) fn in_force(tx: &mut dyn Tx) -> Result<Calendar, StoreError> {
    let stored = stored(tx)?;
    Calendar::overridden(&stored).map_err(StoreError::corrupt("calendar"))
}

/// A word of the operators' on the calendar.
pub(super) struct Said {
    /// Counts them from 1.
    pub(super) number: i64,
    pub(super) by: CalendarOverride,
    pub(super) recorded: Instant,
}

/// All that operators said, newest first: those before `before`, so many at most.
///
/// # Errors
/// If the store fails.
pub(super) fn said(tx: &mut dyn Tx, before: i64, limit: i64) -> Result<Vec<Said>, StoreError> {
    let rows = tx.query(
        "SELECT number, contents, recorded_ms FROM calendar_overrides WHERE number < $1 ORDER BY number DESC LIMIT $2",
        params![before, limit],
    )?;
    let said = rows.iter().map(|row| {
        let by = serde_json::from_str(row.text(1)?).map_err(StoreError::corrupt("calendar"))?;
        Ok(Said { number: row.int(0)?, by, recorded: row.instant(2)? })
    });
    said.collect()
}

/// Keeps an override that was checked; earlier ones stay on record.
pub(super) fn keep(tx: &mut dyn Tx, by: &CalendarOverride, now: Instant) -> Result<(), StoreError> {
    tx.lock("calendar")?;
    let contents = serde_json::to_string(by).map_err(StoreError::corrupt("calendar"))?;
    tx.execute(
        "INSERT INTO calendar_overrides (number, contents, recorded_ms) \
         SELECT COALESCE(MAX(number), 0) + 1, $1, $2 FROM calendar_overrides",
        params![&contents, now],
    )?;
    Ok(())
}
