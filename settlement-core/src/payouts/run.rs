//! Payout runs: on its payout day each programme pays all its payees what is due, some payees per transaction.
//!
//! A run is kept with what is due and how far it got, so that whoever finds it unfinished goes on with it. Nothing is
//! paid twice: a payee's buckets say what has moved on.

use super::calendar;
use super::came_back;
use super::due::{self, BeginError, Open, Trigger, UNPAID};
use super::pay::{RunOf, pay};
use super::schedule::Due;
use super::send::{MoveError, Purse};
use crate::Core;
use crate::attribution::Catalogue;
use crate::ledger::account::payee_of;
use crate::params;
use crate::store::{Store, StoreError, Tx, read};
use attribution_core::ids::{PlatformId, ProgrammeId};
use attribution_core::policy::settlement::Destination;
use attribution_core::time::Instant;
use attribution_core::with_causes;

/// Payees served in one transaction: a fraction of a second, during which others wait on SQLite.
pub(super) const PAYEES_AT_ONCE: i64 = 100;

/// What one look at all programmes did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PaidOut {
    /// Payees who got what was due.
    pub payees: u32,
    /// Payments that failed; their money stays payable.
    pub failed: u32,
}

/// Names a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunKey {
    /// The programme.
    pub programme: ProgrammeId,
    /// The day it began, `2020-09-15`.
    pub day: String,
    /// Counts the runs of that day from 1.
    pub attempt: i64,
}

/// The programmes in which a run is to be begun or goes on, or of which no payout day can be named. Only reads: most
/// of the time nothing is to be done.
fn waiting(tx: &mut dyn Tx, now: Instant) -> Result<Vec<ProgrammeId>, StoreError> {
    let mut versions = Open::all(tx)?;
    versions.dedup_by_key(|open| (open.programme.clone(), open.version));
    let calendar = calendar::in_force(tx)?;
    let today = now.shanghai_date();
    let mut rules = Catalogue::default();
    let mut found: Vec<ProgrammeId> = Vec::new();
    for Open { programme, version, .. } in versions {
        if found.last() == Some(&programme) {
            continue;
        }
        let policy = rules.policy(tx, &programme, version)?;
        let is_new = due::day_has_come(tx, &programme, version, &policy.settlement, today, &calendar)?;
        if is_new || unfinished(tx, &programme)?.is_some() {
            found.push(programme);
        }
    }
    Ok(found)
}

/// The run of this programme that has not finished.
fn unfinished(tx: &mut dyn Tx, programme: &ProgrammeId) -> Result<Option<RunKey>, StoreError> {
    let row = tx.query_opt(
        "SELECT run_day, attempt FROM payout_runs WHERE programme = $1 AND finished_ms IS NULL \
         ORDER BY run_day, attempt LIMIT 1",
        params![programme],
    )?;
    row.map(|row| {
        Ok(RunKey { programme: programme.clone(), day: row.text(0)?.to_owned(), attempt: row.int(1)? })
    })
    .transpose()
}

/// Finds the programme's unfinished run, or begins one; `None` if nothing is due, or today's was run already.
///
/// # Errors
/// If the calendar does not reach so far or the store fails.
pub fn begin(
    tx: &mut dyn Tx,
    programme: &ProgrammeId,
    trigger: Trigger,
    now: Instant,
) -> Result<Option<RunKey>, BeginError> {
    tx.lock(&format!("payout run {programme}"))?;
    if let Some(run) = unfinished(tx, programme)? {
        return Ok(Some(run));
    }
    let calendar = calendar::in_force(tx)?;
    let today = now.shanghai_date();
    let due = due::on(tx, programme, trigger, today, &calendar)?;
    if due.is_empty() {
        return Ok(None);
    }
    let day = today.to_string();
    let last = tx.query_one(
        "SELECT COALESCE(MAX(attempt), 0) FROM payout_runs WHERE programme = $1 AND run_day = $2",
        params![programme, &day],
    )?;
    let attempt = last.int(0)? + 1;
    let owed = tx.query_one(
        &format!("SELECT COUNT(DISTINCT b.payee) FROM payout_buckets b WHERE b.programme = $1 AND {UNPAID}"),
        params![programme],
    )?;
    let payees = owed.int(0)? + came_back::others(tx, programme)?;
    let text = serde_json::to_string(&due).map_err(StoreError::corrupt("due amounts"))?;
    tx.execute(
        "INSERT INTO payout_runs (programme, run_day, attempt, due, calendar, cursor, payees, served, failed, entries, \
         amount_fen, started_ms) VALUES ($1, $2, $3, $4, $5, '', $6, 0, 0, 0, 0, $7)",
        params![programme, &day, attempt, &text, &calendar.version().0, payees, now],
    )?;
    Ok(Some(RunKey { programme: programme.clone(), day, attempt }))
}

/// A run as it goes on.
struct Progress {
    due: Vec<Due>,
    calendar: String,
    cursor: String,
    finished: bool,
}

fn progress(tx: &mut dyn Tx, run: &RunKey) -> Result<Progress, StoreError> {
    let row = tx.query_one(
        "SELECT due, calendar, cursor, finished_ms FROM payout_runs \
         WHERE programme = $1 AND run_day = $2 AND attempt = $3",
        params![&run.programme, &run.day, run.attempt],
    )?;
    let due = serde_json::from_str(row.text(0)?).map_err(StoreError::corrupt("due amounts"))?;
    Ok(Progress {
        due,
        calendar: row.text(1)?.to_owned(),
        cursor: row.text(2)?.to_owned(),
        finished: row.opt_int(3)?.is_some(),
    })
}

/// Serves the next payees of a run; `None` when it has finished.
///
/// # Errors
/// If the store fails, the ledger refuses a transfer or an amount does not fit.
pub fn step(tx: &mut dyn Tx, run: &RunKey, now: Instant) -> Result<Option<PaidOut>, MoveError> {
    let programme = &run.programme;
    tx.lock(&format!("payout run {programme}"))?;
    let progress = progress(tx, run)?;
    if progress.finished {
        return Ok(None);
    }
    let payees = payees(tx, programme, &progress.cursor)?;
    let platform = platform_of(tx, programme)?;
    let (sends, verified) = destination(tx, programme, &progress.due)?;
    let of = RunOf {
        day: &run.day,
        attempt: run.attempt,
        due: &progress.due,
        calendar: &progress.calendar,
        sends,
        verified,
    };
    let mut done = PaidOut::default();
    let (mut entries, mut amount) = (0, 0i64);
    let mut cursor = progress.cursor.as_str();
    for payee in &payees {
        cursor = payee;
        let purse = Purse {
            platform: platform.clone(),
            programme: programme.clone(),
            payee: payee_of(cursor)?,
            owner: cursor.to_owned(),
        };
        let Some(paid) = pay(tx, &purse, &of, now)? else { continue };
        done.payees += u32::from(!paid.failed);
        done.failed += u32::from(paid.failed);
        entries += paid.entries;
        amount = amount.saturating_add(paid.amount);
    }
    let last = payees.len() < usize::try_from(PAYEES_AT_ONCE).unwrap_or(usize::MAX);
    tx.execute(
        "UPDATE payout_runs SET cursor = $4, served = served + $5, failed = failed + $6, entries = entries + $7, \
         amount_fen = amount_fen + $8, finished_ms = $9 WHERE programme = $1 AND run_day = $2 AND attempt = $3",
        params![
            programme,
            &run.day,
            run.attempt,
            cursor,
            i64::from(done.payees + done.failed),
            i64::from(done.failed),
            entries,
            amount,
            last.then_some(now)
        ],
    )?;
    Ok(Some(done))
}

/// The next payees behind `cursor` with something that is not paid out yet.
fn payees(tx: &mut dyn Tx, programme: &ProgrammeId, cursor: &str) -> Result<Vec<String>, StoreError> {
    let rows = tx.query(
        &format!(
            "SELECT DISTINCT b.payee FROM payout_buckets b \
             WHERE b.programme = $1 AND b.payee > $2 AND {UNPAID} ORDER BY b.payee LIMIT $3"
        ),
        params![programme, cursor, PAYEES_AT_ONCE],
    )?;
    let mut payees = came_back::payees(tx, programme, cursor)?;
    for row in &rows {
        payees.push(row.text(0)?.to_owned());
    }
    payees.sort();
    payees.dedup();
    payees.truncate(usize::try_from(PAYEES_AT_ONCE).unwrap_or(usize::MAX));
    Ok(payees)
}

/// Whether the money is sent to the account bound now, which must be verified: the newest rules among those that are
/// due say so for all.
fn destination(tx: &mut dyn Tx, programme: &ProgrammeId, due: &[Due]) -> Result<(bool, bool), StoreError> {
    let Some(version) = due.iter().map(|due| due.version).max() else { return Ok((false, false)) };
    let policy = Catalogue::default().policy(tx, programme, version)?;
    let sends = policy.settlement.destination == Destination::BoundAtPayout;
    Ok((sends, policy.eligibility.verified_payout_account))
}

/// The platform a programme belongs to, by itself or through its merchant.
pub(crate) fn platform_of(tx: &mut dyn Tx, programme: &ProgrammeId) -> Result<PlatformId, StoreError> {
    let row = tx.query_one(
        "SELECT COALESCE(p.platform, m.platform) FROM programmes p LEFT JOIN merchants m ON m.id = p.merchant \
         WHERE p.id = $1",
        params![programme],
    )?;
    read("platform id", row.text(0)?)
}

/// Runs everything that is due by the calendar, and goes on with what was cut off.
///
/// # Errors
/// If the store fails.
pub(crate) async fn run_due(store: &Store, now: Instant) -> Result<PaidOut, StoreError> {
    let mut done = PaidOut::default();
    for programme in store.read(move |tx| waiting(tx, now)).await? {
        let of = programme.clone();
        let run = match store.write(move |tx| begin(tx, &of, Trigger::Day, now)).await {
            Ok(Some(run)) => run,
            Ok(None) => continue,
            Err(BeginError::Store(error)) if error.may_retry() => return Err(error),
            Err(error) => {
                tracing::error!(error = with_causes(&error), %programme, "a payout run could not begin");
                metrics::counter!("yinke_ledger_payout_runs_refused_total").increment(1);
                continue;
            }
        };
        let ended = finish(store, &run, now).await?;
        done.payees += ended.payees;
        done.failed += ended.failed;
    }
    Ok(done)
}

/// Serves a run to its end.
async fn finish(store: &Store, run: &RunKey, now: Instant) -> Result<PaidOut, StoreError> {
    let mut done = PaidOut::default();
    loop {
        let of = run.clone();
        match store.write(move |tx| step(tx, &of, now)).await {
            Ok(Some(some)) => {
                done.payees += some.payees;
                done.failed += some.failed;
                metrics::counter!("yinke_ledger_payouts_total", "result" => "paid")
                    .increment(u64::from(some.payees));
                metrics::counter!("yinke_ledger_payouts_total", "result" => "failed")
                    .increment(u64::from(some.failed));
            }
            Ok(None) => return Ok(done),
            Err(MoveError::Store(error)) if error.may_retry() => return Err(error),
            Err(error) => {
                let (programme, day) = (&run.programme, &run.day);
                tracing::error!(error = with_causes(&error), %programme, day, "a payout run cannot go on");
                return Ok(done);
            }
        }
    }
}

impl Core {
    /// Pays out what is due by the calendar, and goes on with runs that were cut off. Running it twice changes
    /// nothing.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn pay_out(&self, now: Instant) -> Result<PaidOut, StoreError> {
        run_due(self.store(), now).await
    }
}
