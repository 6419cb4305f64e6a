//! Dated state: what held from when to when, for judging the past.

use crate::attribution::periods;
use crate::earlier::{self, Fact};
use crate::orders::wake;
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::time::Instant;

/// Which state of what.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    /// `target`, `promoter` or `category`.
    pub(super) kind: &'static str,
    /// Its number.
    pub(super) num: i64,
    /// `cancelled`, `delisted`, `disabled` or `banned`.
    pub(super) what: &'static str,
    /// The programme a ban is for; 0 for all, and for the other states.
    pub(super) scope: i64,
}

/// What was known of the state so far stays on record.
fn keep(tx: &mut dyn Tx, state: State, now: Instant) -> Result<(), StoreError> {
    let State { kind, num, what, scope } = state;
    let before = periods(tx, kind, num, what, scope)?;
    earlier::keep(tx, Fact::Periods { kind, num, what, scope }, &before, now)
}

/// The state holds from `from` on, without an end in sight. A period that has not ended is replaced: it began at
/// another time than was thought.
pub(super) fn open(tx: &mut dyn Tx, state: State, from: Instant, now: Instant) -> Result<(), StoreError> {
    let State { kind, num, what, scope } = state;
    keep(tx, state, now)?;
    let before = tx.query_opt(
        "SELECT from_ms FROM periods WHERE kind = $1 AND num = $2 AND what = $3 AND scope = $4 AND to_ms IS NULL",
        params![kind, num, what, scope],
    )?;
    tx.execute(
        "DELETE FROM periods WHERE kind = $1 AND num = $2 AND what = $3 AND scope = $4 AND to_ms IS NULL",
        params![kind, num, what, scope],
    )?;
    tx.execute(
        "INSERT INTO periods (kind, num, what, scope, from_ms, to_ms, recorded_at) \
         VALUES ($1, $2, $3, $4, $5, NULL, $6) \
         ON CONFLICT (kind, num, what, scope, from_ms) DO UPDATE SET to_ms = NULL, recorded_at = excluded.recorded_at",
        params![kind, num, what, scope, from, now],
    )?;
    let since = match before {
        Some(row) => from.min(row.instant(0)?),
        None => from,
    };
    if since > now {
        return Ok(());
    }
    crate::holders::outbox::since(tx, since, now)?;
    judge_again(tx, state, since)
}

/// It held, or did not, before anybody said so: orders that are still open are judged again, and so are those that are
/// final as far as they concern it. What has settled is only looked at by a person.
fn judge_again(tx: &mut dyn Tx, state: State, since: Instant) -> Result<(), StoreError> {
    wake::since(tx, since)?;
    match state.kind {
        "category" => wake::category(tx, state.num, since),
        "promoter" => wake::promoter(tx, state.num, since),
        _ => Ok(()),
    }
}

/// The state ends at `to`; one that had not begun by then never held.
pub(super) fn close(tx: &mut dyn Tx, state: State, to: Instant, now: Instant) -> Result<(), StoreError> {
    let State { kind, num, what, scope } = state;
    judge_again(tx, state, to)?;
    keep(tx, state, now)?;
    tx.execute(
        "DELETE FROM periods WHERE kind = $1 AND num = $2 AND what = $3 AND scope = $4 AND to_ms IS NULL \
         AND from_ms >= $5",
        params![kind, num, what, scope, to],
    )?;
    tx.execute(
        "UPDATE periods SET to_ms = $5 WHERE kind = $1 AND num = $2 AND what = $3 AND scope = $4 AND to_ms IS NULL",
        params![kind, num, what, scope, to],
    )?;
    // What an edge that heard of it late refused since then is judged again.
    crate::holders::outbox::since(tx, to.min(now), now)
}
