//! What is due: what has not been paid out yet, by rules and month, and which of it may go on a day.

use super::calendar;
use super::came_back::{self, NO_MONTH};
use super::schedule::{Due, ScheduleError, due_day, following_payout_day, last_payout_day, next_payout_day};
use crate::attribution::Catalogue;
use crate::params;
use crate::store::{StoreError, Tx, read};
use attribution_core::calendar::Calendar;
use attribution_core::ids::ProgrammeId;
use attribution_core::policy::SettlementPolicy;
use attribution_core::time::Instant;
use jiff::civil::Date;
use std::collections::BTreeSet;

/// Who asks for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The calendar: each payout day once.
    Day,
    /// A person: now.
    Person,
}

/// Why a run was not begun.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// No day can be named.
    #[error("what is due cannot be said")]
    Schedule(#[from] ScheduleError),
}

/// What a bucket `b` must be for something of it to be paid out. Where refunds have taken a month's amounts back to the
/// fen there is nothing to pay: its entries stay with the bucket, for the day on which more has come in.
pub(super) const UNPAID: &str = "b.entries > b.paid_entries AND b.amount_fen <> b.paid_fen";

/// Something that is not paid out yet: a month's amounts, or money that came back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Open {
    pub programme: ProgrammeId,
    pub version: u32,
    /// [`NO_MONTH`] for money that came back.
    pub month: String,
}

impl Open {
    pub(super) fn read(programme: &str, version: u32, month: &str) -> Result<Self, StoreError> {
        Ok(Self { programme: read("programme id", programme)?, version, month: month.to_owned() })
    }

    /// Everything, by programme and version.
    pub(super) fn all(tx: &mut dyn Tx) -> Result<Vec<Self>, StoreError> {
        let rows = tx.query(
            &format!("SELECT DISTINCT b.programme, b.version, b.month FROM payout_buckets b WHERE {UNPAID}"),
            &[],
        )?;
        let mut all = came_back::programmes(tx)?;
        for row in &rows {
            all.push(Self::read(row.text(0)?, row.num(1)?, row.text(2)?)?);
        }
        all.sort();
        Ok(all)
    }
}

/// Whether there is a payout day up to `today` that was not run for these rules. Only reads.
pub(super) fn day_has_come(
    tx: &mut dyn Tx,
    programme: &ProgrammeId,
    version: u32,
    policy: &SettlementPolicy,
    today: Date,
    calendar: &Calendar,
) -> Result<bool, StoreError> {
    let ran = tx.query_opt(
        "SELECT day FROM payout_days WHERE programme = $1 AND version = $2",
        params![programme, i64::from(version)],
    )?;
    let ran = ran.as_ref().map(|row| row.text(0)).transpose()?;
    Ok(match last_payout_day(policy, today, calendar) {
        Ok(Some(last)) => ran.is_none_or(|ran| ran < last.to_string().as_str()),
        // Without a day the attempt says why.
        Ok(None) | Err(_) => true,
    })
}

/// The first midnight after `now` at which something may be paid. Days that the calendar cannot name are left out:
/// the attempt says so.
///
/// # Errors
/// If the store fails.
pub(crate) fn next_day(tx: &mut dyn Tx, now: Instant) -> Result<Option<Instant>, StoreError> {
    let calendar = calendar::in_force(tx)?;
    let today = now.shanghai_date();
    let mut rules = Catalogue::default();
    let mut first: Option<Date> = None;
    for Open { programme, version, month } in Open::all(tx)? {
        let policy = rules.policy(tx, &programme, version)?;
        let day = match month.as_str() {
            NO_MONTH => following_payout_day(&policy.settlement, today, &calendar),
            month => next_payout_day(&policy.settlement, month, today, &calendar),
        };
        if let Ok(Some(day)) = day {
            first = Some(first.map_or(day, |first| first.min(day)));
        }
    }
    Ok(first.map(Instant::of_shanghai_date))
}

/// What is due today. Asked by the calendar, a version of the rules whose last payout day was run already has nothing.
pub(super) fn on(
    tx: &mut dyn Tx,
    programme: &ProgrammeId,
    trigger: Trigger,
    today: Date,
    calendar: &Calendar,
) -> Result<Vec<Due>, BeginError> {
    let open = Open::all(tx)?.into_iter().filter(|open| open.programme == *programme);
    let mut rules = Catalogue::default();
    let mut due = Vec::new();
    let mut ran = BTreeSet::new();
    for Open { version, month, .. } in open {
        let policy = rules.policy(tx, programme, version)?;
        let last = last_payout_day(&policy.settlement, today, calendar)?;
        if trigger == Trigger::Day
            && let Some(last) = last
        {
            // Also if nothing is due: what settles after a payout day waits for the next one.
            if !ran.contains(&version) && !claim_day(tx, programme, version, last)? {
                continue;
            }
            ran.insert(version);
            // Nobody looked on that day if there was nothing then; what has come since waits as well.
            if last < today && !waited_on(tx, programme, version, &month, last)? {
                continue;
            }
        }
        let day = match month.as_str() {
            NO_MONTH => None,
            month => due_day(&policy.settlement, month, calendar)?,
        };
        if day.is_some_and(|day| day > today) {
            continue;
        }
        due.push(Due { version, month, day });
    }
    Ok(due)
}

/// Whether something of a month that is still unpaid was there by the end of a payout day: then the day's run is only
/// late.
fn waited_on(
    tx: &mut dyn Tx,
    programme: &ProgrammeId,
    version: u32,
    month: &str,
    day: Date,
) -> Result<bool, StoreError> {
    let Ok(next) = day.tomorrow() else { return Ok(true) };
    if month == NO_MONTH {
        return came_back::by(tx, programme, version, Instant::of_shanghai_date(next));
    }
    let row = tx.query_opt(
        &format!(
            "SELECT 1 FROM payout_buckets b JOIN payout_entries e ON e.programme = b.programme AND e.payee = b.payee \
             AND e.version = b.version AND e.month = b.month AND e.number > b.paid_entries \
             JOIN ledger_transfers t ON t.id = e.transfer \
             WHERE b.programme = $1 AND b.version = $2 AND b.month = $3 AND {UNPAID} AND t.recorded_ms < $4 \
             GROUP BY b.payee HAVING SUM(e.amount_fen) <> 0 LIMIT 1"
        ),
        params![programme, i64::from(version), month, Instant::of_shanghai_date(next)],
    )?;
    Ok(row.is_some())
}

/// Notes that a payout day is run; `false` if it was before.
fn claim_day(tx: &mut dyn Tx, programme: &ProgrammeId, version: u32, day: Date) -> Result<bool, StoreError> {
    let text = day.to_string();
    let changed = tx.execute(
        "INSERT INTO payout_days (programme, version, day) VALUES ($1, $2, $3) \
         ON CONFLICT (programme, version) DO UPDATE SET day = excluded.day WHERE payout_days.day < excluded.day",
        params![programme, i64::from(version), &text],
    )?;
    Ok(changed == 1)
}
