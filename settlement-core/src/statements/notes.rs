//! What people say of a difference: that it is settled and how, or that it is not after all. Every word is kept; the last
//! one holds. The books do not change by it.

use crate::accounts::called;
use crate::params;
use crate::store::{List, StoreError, Tx};
use attribution_core::time::Instant;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What somebody said of a difference.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DifferenceNote {
    /// Whether it is settled.
    settled: bool,
    /// How, or why not.
    note: String,
    /// Who said so.
    made_by: String,
    /// When, UTC milliseconds.
    made_at: i64,
}

/// Which difference: of the comparison with this number, the one with that number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) reconciliation: i64,
    pub(super) difference: i64,
}

/// Says something of a difference. `false` if there is no such difference.
///
/// # Errors
/// If the store fails.
pub(super) fn say(
    tx: &mut dyn Tx,
    of: Place,
    settled: bool,
    note: &str,
    by: &str,
    now: Instant,
) -> Result<bool, StoreError> {
    tx.lock(&format!("reconciliation {}", of.reconciliation))?;
    let Some(was) = tx.query_opt(
        "SELECT settled FROM reconciliation_differences WHERE reconciliation = $1 AND number = $2",
        params![of.reconciliation, of.difference],
    )?
    else {
        return Ok(false);
    };
    let fewer = i64::from(settled) - i64::from(was.flag(0)?);
    let last = tx.query_one(
        "SELECT COALESCE(MAX(number), 0) FROM reconciliation_notes WHERE reconciliation = $1 AND difference = $2",
        params![of.reconciliation, of.difference],
    )?;
    tx.execute(
        "INSERT INTO reconciliation_notes (reconciliation, difference, number, settled, note, made_by, made_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![of.reconciliation, of.difference, last.int(0)? + 1, settled, note, by, now],
    )?;
    tx.execute(
        "UPDATE reconciliation_differences SET settled = $3 WHERE reconciliation = $1 AND number = $2",
        params![of.reconciliation, of.difference, settled],
    )?;
    tx.execute(
        "UPDATE reconciliations SET unsettled = unsettled - $2 WHERE number = $1",
        params![of.reconciliation, fewer],
    )?;
    Ok(true)
}

/// All that was said of these differences of a comparison, by their numbers, in the order in which it was said.
///
/// # Errors
/// If the store fails.
pub(super) fn of(
    tx: &mut dyn Tx,
    reconciliation: i64,
    differences: &[i64],
) -> Result<BTreeMap<i64, Vec<DifferenceNote>>, StoreError> {
    let mut notes: BTreeMap<i64, Vec<DifferenceNote>> = BTreeMap::new();
    for some in differences.chunks(List::MOST) {
        let mut list: List<'_> = some.iter().copied().collect();
        let marks = list.marks.clone();
        let reconciliation = list.mark_of(reconciliation);
        let sql = format!(
            "SELECT difference, settled, note, made_by, made_ms FROM reconciliation_notes \
             WHERE reconciliation = {reconciliation} AND difference IN ({marks}) ORDER BY difference, number"
        );
        for row in &tx.query(&sql, &list.values)? {
            let note = DifferenceNote {
                settled: row.flag(1)?,
                note: row.text(2)?.to_owned(),
                made_by: called(tx, row.text(3)?)?,
                made_at: row.int(4)?,
            };
            notes.entry(row.int(0)?).or_default().push(note);
        }
    }
    Ok(notes)
}
