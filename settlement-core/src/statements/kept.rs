//! Reconciliations as they are kept: what was compared, how it came out, and each difference as it was then.

use super::notes::{self, DifferenceNote, Place};
use super::reconcile::{Difference, Kind, Span};
use super::their_states::Dialect;
use crate::accounts::called;
use crate::names::{Noun, name_of};
use crate::params;
use crate::store::{Row, StoreError, Tx};
use attribution_core::time::Instant;
use serde::Serialize;
use utoipa::ToSchema;

/// A platform's statement that was compared with our books.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reconciled {
    /// Counts them from 1.
    pub(super) id: i64,
    /// The platform.
    platform: String,
    /// The programme.
    programme: String,
    /// The programme's name.
    programme_name: Option<String>,
    /// Orders placed from here on, UTC milliseconds.
    from: i64,
    /// Up to here.
    to: i64,
    /// Whose names the statement had for states.
    states: String,
    /// Lines of the statement.
    pub(super) lines: i64,
    /// Lines that said the same.
    pub(super) agree: i64,
    /// Differences, by kind.
    pub(super) counts: Counts,
    /// Differences that nobody has said to be settled.
    unsettled: i64,
    /// Who compared them.
    made_by: String,
    /// When, UTC milliseconds.
    made_at: i64,
}

/// How many differences there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub(super) struct Counts {
    /// In the statement and not in our books.
    missing_here: i64,
    /// In our books and not in the statement.
    missing_there: i64,
    /// Commissions.
    amount: i64,
    /// States.
    state: i64,
}

impl Counts {
    fn of(differences: &[Difference]) -> Self {
        let mut counts = Self::default();
        for of in differences {
            *match of.kind {
                Kind::MissingHere => &mut counts.missing_here,
                Kind::MissingThere => &mut counts.missing_there,
                Kind::Amount => &mut counts.amount,
                Kind::State => &mut counts.state,
            } += 1;
        }
        counts
    }
}

/// What was compared, and by whom.
pub(super) struct Compared<'a> {
    pub(super) span: &'a Span,
    pub(super) states: Dialect,
    pub(super) lines: usize,
    pub(super) agree: u64,
    pub(super) by: &'a str,
    pub(super) at: Instant,
}

/// Keeps what came of a comparison, and returns its number.
///
/// # Errors
/// If the store fails.
pub(super) fn keep(
    tx: &mut dyn Tx,
    of: &Compared<'_>,
    differences: &[Difference],
) -> Result<i64, StoreError> {
    tx.lock("reconciliations")?;
    let last = tx.query_one("SELECT COALESCE(MAX(number), 0) FROM reconciliations", &[])?.int(0)?;
    let number = last + 1;
    let counts = Counts::of(differences);
    tx.execute(
        "INSERT INTO reconciliations (number, platform, programme, from_ms, to_ms, states, lines, agree, missing_here, \
         missing_there, amount, state, made_by, made_ms, unsettled) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        params![
            number,
            &of.span.platform,
            &of.span.programme,
            of.span.from,
            of.span.to,
            of.states.name(),
            i64::try_from(of.lines).unwrap_or(i64::MAX),
            of.agree.cast_signed(),
            counts.missing_here,
            counts.missing_there,
            counts.amount,
            counts.state,
            of.by,
            of.at,
            i64::try_from(differences.len()).unwrap_or(i64::MAX)
        ],
    )?;
    for (at, difference) in (1_i64..).zip(differences) {
        tx.execute(
            "INSERT INTO reconciliation_differences (reconciliation, number, kind, order_id, line_id, ours_fen, \
             theirs_fen, ours_state, theirs_state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            params![
                number,
                at,
                difference.kind.name(),
                &difference.order,
                &difference.line,
                difference.ours_fen,
                difference.theirs_fen,
                difference.ours_state.as_ref(),
                difference.theirs_state.as_ref()
            ],
        )?;
    }
    Ok(number)
}

const RECONCILED: &str = "SELECT number, platform, programme, from_ms, to_ms, states, lines, agree, missing_here, \
                          missing_there, amount, state, made_by, made_ms, unsettled FROM reconciliations";

fn reconciled(tx: &mut dyn Tx, row: &Row) -> Result<Reconciled, StoreError> {
    let programme = row.text(2)?.to_owned();
    Ok(Reconciled {
        id: row.int(0)?,
        platform: row.text(1)?.to_owned(),
        programme_name: name_of(tx, Noun::Programme, &programme)?,
        programme,
        from: row.int(3)?,
        to: row.int(4)?,
        states: row.text(5)?.to_owned(),
        lines: row.int(6)?,
        agree: row.int(7)?,
        counts: Counts {
            missing_here: row.int(8)?,
            missing_there: row.int(9)?,
            amount: row.int(10)?,
            state: row.int(11)?,
        },
        made_by: called(tx, row.text(12)?)?,
        made_at: row.int(13)?,
        unsettled: row.int(14)?,
    })
}

/// Those before `before`, newest first, so many at most.
///
/// # Errors
/// If the store fails.
pub(super) fn list(tx: &mut dyn Tx, before: i64, limit: i64) -> Result<Vec<Reconciled>, StoreError> {
    let rows = tx.query(
        &format!("{RECONCILED} WHERE number < $1 ORDER BY number DESC LIMIT $2"),
        params![before, limit],
    )?;
    rows.iter().map(|row| reconciled(tx, row)).collect()
}

/// One of them.
///
/// # Errors
/// If the store fails.
pub(super) fn find(tx: &mut dyn Tx, number: i64) -> Result<Option<Reconciled>, StoreError> {
    let row = tx.query_opt(&format!("{RECONCILED} WHERE number = $1"), params![number])?;
    row.map(|row| reconciled(tx, &row)).transpose()
}

/// A difference with its place in the list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeptDifference {
    /// Counts the differences from 1.
    pub(super) number: i64,
    #[serde(flatten)]
    difference: Difference,
    /// Whether it is settled, by the last note.
    settled: bool,
    /// What was said of it, in that order.
    notes: Vec<DifferenceNote>,
}

/// Which differences of a comparison.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted {
    /// Of this kind only.
    pub(super) kind: Option<Kind>,
    /// Those that are settled, or those that are not.
    pub(super) settled: Option<bool>,
}

/// Its differences behind `after`, by order and line, so many at most.
///
/// # Errors
/// If the store fails.
pub(super) fn differences(
    tx: &mut dyn Tx,
    reconciliation: i64,
    wanted: Wanted,
    after: i64,
    limit: i64,
) -> Result<Vec<KeptDifference>, StoreError> {
    let rows = tx.query(
        &format!(
            "{DIFFERENCE} AND number > $2 AND (CAST($3 AS TEXT) IS NULL OR kind = $3) \
             AND (CAST($4 AS BIGINT) IS NULL OR settled = $4) ORDER BY number LIMIT $5"
        ),
        params![reconciliation, after, wanted.kind.map(Kind::name), wanted.settled.map(i64::from), limit],
    )?;
    kept(tx, reconciliation, &rows)
}

/// One of its differences.
///
/// # Errors
/// If the store fails.
pub(super) fn one_difference(tx: &mut dyn Tx, of: Place) -> Result<Option<KeptDifference>, StoreError> {
    let rows =
        tx.query(&format!("{DIFFERENCE} AND number = $2"), params![of.reconciliation, of.difference])?;
    Ok(kept(tx, of.reconciliation, &rows)?.pop())
}

const DIFFERENCE: &str = "SELECT number, kind, order_id, line_id, ours_fen, theirs_fen, ours_state, theirs_state, \
                          settled FROM reconciliation_differences WHERE reconciliation = $1";

fn kept(tx: &mut dyn Tx, reconciliation: i64, rows: &[Row]) -> Result<Vec<KeptDifference>, StoreError> {
    let numbers = rows.iter().map(|row| row.int(0)).collect::<Result<Vec<_>, _>>()?;
    let mut notes = notes::of(tx, reconciliation, &numbers)?;
    let kept = rows.iter().zip(numbers).map(|(row, number)| {
        let difference = Difference {
            kind: Kind::stored(row.text(1)?)?,
            order: row.text(2)?.to_owned(),
            line: row.text(3)?.to_owned(),
            ours_fen: row.opt_int(4)?,
            theirs_fen: row.opt_int(5)?,
            ours_state: row.opt_text(6)?.map(str::to_owned),
            theirs_state: row.opt_text(7)?.map(str::to_owned),
        };
        let notes = notes.remove(&number).unwrap_or_default();
        Ok(KeptDifference { number, difference, settled: row.flag(8)?, notes })
    });
    kept.collect()
}
