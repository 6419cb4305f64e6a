//! A payee's statement for a civil month: what was there, what came and went, what is there.
//!
//! It goes by the time at which the ledger learnt of each movement, so a month that is over never changes.

use crate::catalogue::rules::reports_next_day;
use crate::names::{Noun, name_of};
use crate::params;
use crate::store::{Row, StoreError, Tx, read};
use attribution_core::time::Instant;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What was settled, taken back, collected or paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Movement {
    /// The transfer in the ledger.
    pub id: String,
    /// `settled`, `clawback` (a refund took it back), `withdrawal_fee` (the platform's part) or `paid`.
    pub reason: String,
    /// The order, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// The order's line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// When it happened, UTC milliseconds.
    pub at: i64,
    /// When the ledger learnt of it, UTC milliseconds.
    pub recorded_at: i64,
    /// Fen; negative if it was taken away.
    pub amount_fen: i64,
}

/// A payee's month in one programme.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Statement {
    /// The programme.
    pub programme: String,
    /// The programme's name.
    pub programme_name: String,
    /// Held at the beginning: earned, available and on its way out.
    pub opening_fen: i64,
    /// Settled in the month.
    pub settled_fen: i64,
    /// Taken back by refunds, negative.
    pub taken_back_fen: i64,
    /// The platform's part, collected at withdrawals, negative.
    pub collected_fen: i64,
    /// Arrived outside, negative.
    pub paid_fen: i64,
    /// Everything else.
    pub other_fen: i64,
    /// Held at the end: the sum of all of these.
    pub closing_fen: i64,
    /// Each movement, oldest first.
    pub movements: Vec<Movement>,
    /// Reports and lists of orders show what settled today from midnight on; the statement has it at once.
    pub reports_next_day: bool,
}

impl Statement {
    /// Adds one movement, as [`moved`] reads it.
    fn add(&mut self, row: &Row) -> Result<(), StoreError> {
        let amount = row.int(7)?;
        let sum = match row.text(2)? {
            "settled" => &mut self.settled_fen,
            "clawback" => &mut self.taken_back_fen,
            "withdrawal_fee" => &mut self.collected_fen,
            "paid" => &mut self.paid_fen,
            _ => &mut self.other_fen,
        };
        *sum = sum.saturating_add(amount);
        self.movements.push(Movement {
            id: row.text(1)?.to_owned(),
            reason: row.text(2)?.to_owned(),
            order: row.opt_text(3)?.map(str::to_owned),
            line: row.opt_text(4)?.map(str::to_owned),
            at: row.int(5)?,
            recorded_at: row.int(6)?,
            amount_fen: amount,
        });
        Ok(())
    }
}

/// The accounts that hold a payee's money.
const HELD: &str = "('earned', 'available', 'clearing')";

/// A payee's statements for `[from, to)`, by programme.
pub(super) fn statements(
    tx: &mut dyn Tx,
    owner: &str,
    from: Instant,
    to: Instant,
    now: Instant,
) -> Result<Vec<Statement>, StoreError> {
    let mut by_programme: BTreeMap<String, Statement> = BTreeMap::new();
    for row in &held_at(tx, owner, from)? {
        by_programme.entry(row.text(0)?.to_owned()).or_default().opening_fen = row.int(1)?;
    }
    for row in &moved(tx, owner, from, to)? {
        by_programme.entry(row.text(0)?.to_owned()).or_default().add(row)?;
    }
    let mut all = Vec::with_capacity(by_programme.len());
    for (programme, mut statement) in by_programme {
        let moved: i64 = statement.movements.iter().map(|m| m.amount_fen).fold(0, i64::saturating_add);
        statement.closing_fen = statement.opening_fen.saturating_add(moved);
        statement.programme_name = name_of(tx, Noun::Programme, &programme)?.unwrap_or_default();
        let id = read("programme id", &programme)?;
        statement.reports_next_day = reports_next_day(tx, &id, now)?;
        statement.programme = programme;
        all.push(statement);
    }
    Ok(all)
}

/// What a payee held in each programme at `at`.
fn held_at(tx: &mut dyn Tx, owner: &str, at: Instant) -> Result<Vec<Row>, StoreError> {
    tx.query(
        &format!(
            "SELECT e.programme, CAST(SUM(e.amount_fen) AS BIGINT) FROM ledger_entries e \
             JOIN ledger_transfers t ON t.id = e.transfer WHERE e.layer = 'posted' AND e.account IN {HELD} \
             AND e.owner = $1 AND t.recorded_ms < $2 GROUP BY e.programme"
        ),
        params![owner, at],
    )
}

/// Each movement of a payee's money. What only moves between the payee's own accounts is none.
fn moved(tx: &mut dyn Tx, owner: &str, from: Instant, to: Instant) -> Result<Vec<Row>, StoreError> {
    tx.query(
        &format!(
            "SELECT e.programme, t.id, t.reason, t.order_id, t.line_id, t.at_ms, t.recorded_ms, \
             CAST(SUM(e.amount_fen) AS BIGINT) FROM ledger_entries e JOIN ledger_transfers t ON t.id = e.transfer \
             WHERE e.layer = 'posted' AND e.account IN {HELD} AND e.owner = $1 AND t.recorded_ms >= $2 \
             AND t.recorded_ms < $3 \
             GROUP BY e.programme, t.id, t.reason, t.order_id, t.line_id, t.at_ms, t.recorded_ms \
             HAVING SUM(e.amount_fen) <> 0 ORDER BY e.programme, t.recorded_ms, t.id"
        ),
        params![owner, from, to],
    )
}
