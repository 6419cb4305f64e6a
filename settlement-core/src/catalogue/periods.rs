//! Dated state: what held from when to when, for judging the past.

use crate::earlier::{self, Fact};
use crate::holder_marks;
use crate::params;
use crate::store::{StoreError, Tx};
use crate::wake;
use attribution_core::time::{Instant, Period};

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

/// When a state held, as known now.
///
/// # Errors
/// If the store fails.
pub(crate) fn known(
    tx: &mut dyn Tx,
    kind: &str,
    num: i64,
    what: &str,
    scope: i64,
) -> Result<Vec<Period>, StoreError> {
    let rows = tx.query(
        "SELECT from_ms, to_ms FROM periods WHERE kind = $1 AND num = $2 AND what = $3 AND scope = $4 \
         ORDER BY from_ms",
        params![kind, num, what, scope],
    )?;
    rows.iter().map(|row| Ok(Period { from: row.instant(0)?, to: row.opt_instant(1)? })).collect()
}

/// The state holds from `from` on, without an end in sight. A period that has not ended is replaced: it began at
/// another time than was thought.
pub(super) fn open(tx: &mut dyn Tx, state: State, from: Instant, now: Instant) -> Result<(), StoreError> {
    let before = running(tx, state)?;
    replace(tx, state, before, Some(Period::since(from)), now)
}

/// The state ends at `to`; one that had not begun by then never held.
pub(super) fn close(tx: &mut dyn Tx, state: State, to: Instant, now: Instant) -> Result<(), StoreError> {
    let Some(before) = running(tx, state)? else { return Ok(()) };
    let after = Period { from: before.from, to: Some(to) };
    replace(tx, state, Some(before), Some(after).filter(|after| !after.is_empty()), now)
}

/// The period that has no end.
fn running(tx: &mut dyn Tx, state: State) -> Result<Option<Period>, StoreError> {
    let State { kind, num, what, scope } = state;
    Ok(known(tx, kind, num, what, scope)?.into_iter().find(|period| period.to.is_none()))
}

/// The state held, or holds, within `after` and not, as was known so far, within `before`; within neither if none is
/// given. What was known so far stays on record.
pub(super) fn replace(
    tx: &mut dyn Tx,
    state: State,
    before: Option<Period>,
    after: Option<Period>,
    now: Instant,
) -> Result<(), StoreError> {
    if before == after {
        return Ok(());
    }
    let State { kind, num, what, scope } = state;
    let so_far = known(tx, kind, num, what, scope)?;
    earlier::keep(tx, Fact::Periods { kind, num, what, scope }, &so_far, now)?;
    if let Some(before) = before {
        tx.execute(
            "DELETE FROM periods WHERE kind = $1 AND num = $2 AND what = $3 AND scope = $4 AND from_ms = $5",
            params![kind, num, what, scope, before.from],
        )?;
    }
    if let Some(after) = after {
        tx.execute(
            "INSERT INTO periods (kind, num, what, scope, from_ms, to_ms, recorded_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (kind, num, what, scope, from_ms) \
             DO UPDATE SET to_ms = excluded.to_ms, recorded_at = excluded.recorded_at",
            params![kind, num, what, scope, after.from, after.to, now],
        )?;
    }
    match differ_from(before, after) {
        Some(since) if since <= now => {
            holder_marks::since(tx, since, now)?;
            judge_again(tx, state, since)
        }
        _ => Ok(()),
    }
}

/// From when on two periods say different things.
fn differ_from(a: Option<Period>, b: Option<Period>) -> Option<Instant> {
    let (begin_a, begin_b) = (a.map(|a| a.from), b.map(|b| b.from));
    let ends = [a.and_then(|a| a.to), b.and_then(|b| b.to)];
    if begin_a == begin_b {
        return ends.into_iter().flatten().min();
    }
    [begin_a, begin_b].into_iter().flatten().min()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_periods_differ_from_the_first_instant_that_only_one_has() {
        let period = |from, to: Option<i64>| Some(Period { from: Instant(from), to: to.map(Instant) });
        let rows = [
            (None, period(5, None), 5),
            (period(5, None), period(3, Some(9)), 3),
            (period(5, None), period(5, Some(9)), 9),
            (period(5, Some(8)), period(5, Some(9)), 8),
            (period(5, Some(8)), None, 5),
        ];
        for (a, b, since) in rows {
            assert_eq!(differ_from(a, b), Some(Instant(since)), "{a:?} {b:?}");
            assert_eq!(differ_from(b, a), Some(Instant(since)), "{b:?} {a:?}");
        }
    }
}
