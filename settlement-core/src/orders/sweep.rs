//! The job that looks again: late clicks, edges that have caught up, orders that become final, timers, settlement.
//!
//! It is idempotent and can run on every node at once: each step is a transaction of its own that finds nothing to
//! do if another node was faster.

use super::intake::lock_name;
use super::judge::judge;
use super::judge_error::JudgeError;
use super::late::{count_days, wake_clicked};
use super::settle;
use crate::Core;
use crate::attribution::Catalogue;
use crate::disputes;
use crate::order_events::EventKey;
use crate::params;
use crate::payouts;
use crate::store::{Store, StoreError, Tx, read};
use attribution_core::click::ClickId;
use attribution_core::ids::{OrderId, PlatformId};
use attribution_core::time::{Instant, SECOND_MS};
use attribution_core::with_causes;
use std::collections::HashSet;

/// Orders looked up at a time.
const BATCH: i64 = 50;
/// Frames of clicks looked at in one transaction: about a tenth of a second, during which others wait on SQLite.
const FRAMES_AT_ONCE: u64 = 20_000;
/// Orders judged in one transaction: on SQLite each costs a sync of the disk, on both a longer one delays others.
const JUDGED_TOGETHER: usize = 100;

/// What one run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Orders judged again.
    pub judged: u32,
    /// Orders that could not be judged; the log says why. They are tried again.
    pub failed: u32,
    /// Lines settled.
    pub settled: u32,
    /// Payees who were paid what was due.
    pub paid: u32,
    /// Payments that failed; their money stays payable.
    pub unpaid: u32,
}

/// Runs once, to the end.
///
/// # Errors
/// If the store fails.
pub async fn sweep(store: &Store, now: Instant) -> Result<Swept, StoreError> {
    while store.write(|tx| late_clicks(tx)).await? == Backlog::More {}
    store.write(move |tx| edges_caught_up(tx, now)).await?;
    let mut done = Swept::default();
    let mut seen = HashSet::new();
    for why in DUE {
        let mut skip = 0;
        loop {
            let due = store.read(move |tx| due(tx, why, now, skip)).await?;
            if due.is_empty() {
                break;
            }
            for order in due {
                if !seen.insert(order.clone()) {
                    // Judged in this run and still due: it is looked at in the next one.
                    skip += 1;
                    continue;
                }
                match judge_one(store, order, "looked again", now).await? {
                    true => done.judged += 1,
                    false => {
                        skip += 1;
                        done.failed += 1;
                    }
                }
            }
        }
    }
    done.settled = settle_all(store, now).await?;
    let paid = payouts::run::run_due(store, now).await?;
    (done.paid, done.unpaid) = (paid.payees, paid.failed);
    disputes::jobs::run(store, now).await?;
    metrics::counter!("yinke_core_orders_judged_again_total").increment(u64::from(done.judged));
    metrics::counter!("yinke_core_orders_undecided_total").increment(u64::from(done.failed));
    metrics::counter!("yinke_ledger_lines_settled_total").increment(u64::from(done.settled));
    Ok(done)
}

/// Judges orders that were just touched, together where that works, else one by one. What fails stays marked, and
/// the next sweep tries it again: an order is never refused because it cannot be judged.
///
/// # Errors
/// If the store fails.
pub async fn judge_all(
    store: &Store,
    mut orders: Vec<(PlatformId, OrderId)>,
    cause: &'static str,
    now: Instant,
) -> Result<(), StoreError> {
    // One order of locks for everybody, so that two batches do not wait for each other.
    orders.sort();
    orders.dedup();
    for chunk in orders.chunks(JUDGED_TOGETHER) {
        let together: Vec<_> = chunk.to_vec();
        let all = store
            .write(move |tx| {
                let mut catalogue = Catalogue::default();
                together.iter().try_for_each(|(platform, order)| {
                    judge_locked(tx, &mut catalogue, platform, order, cause, now)
                })
            })
            .await;
        match all {
            Ok(()) => continue,
            Err(JudgeError::Store(error)) if error.may_retry() => return Err(error),
            Err(_) => {}
        }
        for order in chunk {
            judge_one(store, order.clone(), cause, now).await?;
        }
    }
    Ok(())
}

/// Judges one order; `false` if that cannot be done, which the log explains.
async fn judge_one(
    store: &Store,
    (platform, order): (PlatformId, OrderId),
    cause: &'static str,
    now: Instant,
) -> Result<bool, StoreError> {
    let name = format!("{platform}/{order}");
    match store
        .write(move |tx| judge_locked(tx, &mut Catalogue::default(), &platform, &order, cause, now))
        .await
    {
        Ok(()) => Ok(true),
        Err(JudgeError::Store(error)) if error.may_retry() => Err(error),
        Err(error) => {
            tracing::error!(error = with_causes(&error), order = name, "an order could not be judged");
            Ok(false)
        }
    }
}

impl Core {
    /// Looks again at everything that new clicks, the passage of time or a merchant's money may have changed: run it
    /// every second or so, and before clicks are let in after a longer pause. Running it twice changes nothing.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn sweep(&self, now: Instant) -> Result<Swept, StoreError> {
        sweep(self.store(), now).await
    }
}

async fn settle_all(store: &Store, now: Instant) -> Result<u32, StoreError> {
    let mut settled = 0;
    for merchant in store.read(|tx| settle::merchants(tx)).await? {
        let mut skip = 0;
        loop {
            let of = merchant.clone();
            match store.write(move |tx| settle::settle_merchant(tx, &of, skip, now)).await {
                Ok(done) => {
                    settled += done.lines;
                    match done.next {
                        Some(next) if !done.out_of_money => skip = next,
                        _ => break,
                    }
                }
                Err(JudgeError::Store(error)) if error.may_retry() => return Err(error),
                Err(error) => {
                    tracing::error!(error = with_causes(&error), %merchant, "a merchant could not be settled");
                    break;
                }
            }
        }
    }
    Ok(settled)
}

fn judge_locked(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    platform: &PlatformId,
    order: &OrderId,
    cause: &str,
    now: Instant,
) -> Result<(), JudgeError> {
    let key = EventKey { platform: platform.clone(), order: order.clone(), kind: "", number: String::new() };
    tx.lock(&lock_name(&key))?;
    judge(tx, catalogue, platform, order, cause, now)
}

/// Why an order is looked at again, each with the rows of its own index: `$1` is now.
const DUE: [&str; 4] = [
    "dirty = 1 AND CAST($1 AS BIGINT) IS NOT NULL ORDER BY platform, order_id",
    "provisional = 1 AND grace_until_ms <= $1 AND caught_up_ms IS NOT NULL ORDER BY grace_until_ms",
    "provisional = 1 AND hold_until_ms <= $1 AND caught_up_ms IS NULL ORDER BY hold_until_ms",
    "timer_ms <= $1 AND timer_ms IS NOT NULL ORDER BY timer_ms",
];

/// Orders to look at, behind the first `skip`.
fn due(
    tx: &mut dyn Tx,
    why: &str,
    now: Instant,
    skip: i64,
) -> Result<Vec<(PlatformId, OrderId)>, StoreError> {
    let sql = format!("SELECT platform, order_id FROM orders WHERE {why} LIMIT $2 OFFSET $3");
    let rows = tx.query(&sql, params![now, BATCH, skip])?;
    rows.iter().map(|row| Ok((read("platform id", row.text(0)?)?, read("order id", row.text(1)?)?))).collect()
}

/// Remembers since when all edges have delivered what they recorded before an order.
fn edges_caught_up(tx: &mut dyn Tx, now: Instant) -> Result<(), StoreError> {
    let row = tx.query_one("SELECT MIN(shipped_through) FROM edges", &[])?;
    let through = row.opt_instant(0)?.unwrap_or(Instant(i64::MAX));
    // A click counts up to the end of the order's second.
    let before = Instant(through.floor_seconds().saturating_mul(SECOND_MS));
    tx.execute(
        "UPDATE orders SET caught_up_ms = $1 WHERE provisional = 1 AND caught_up_ms IS NULL AND created_ms < $2",
        params![now, before],
    )?;
    Ok(())
}

/// Whether there is more of the same to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backlog {
    More,
    Done,
}

/// Marks the provisional orders that clicks since the last run may concern, a bounded number of clicks at a time.
fn late_clicks(tx: &mut dyn Tx) -> Result<Backlog, StoreError> {
    // Two nodes at once would count the same clicks twice.
    tx.lock("judged streams")?;
    let streams = tx.query(
        "SELECT s.edge, s.epoch, s.worker, COALESCE(j.next_sequence, 0), s.next_sequence FROM edge_streams s \
         LEFT JOIN judged_streams j ON j.edge = s.edge AND j.epoch = s.epoch AND j.worker = s.worker \
         WHERE s.next_sequence > COALESCE(j.next_sequence, 0)",
        &[],
    )?;
    let mut left = FRAMES_AT_ONCE;
    for row in &streams {
        let stream = row.stream(0)?;
        let first = row.count(3)?;
        let next = row.count(4)?.min(first.saturating_add(left));
        let (from, to) = (ClickId::new(stream, first), ClickId::new(stream, next));
        wake_clicked(tx, from, to)?;
        count_days(tx, from, to)?;
        tx.execute(
            "INSERT INTO judged_streams (edge, epoch, worker, next_sequence) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (edge, epoch, worker) DO UPDATE SET next_sequence = excluded.next_sequence",
            params![stream.edge, stream.epoch, stream.worker, next.cast_signed()],
        )?;
        left -= next - first;
        if left == 0 {
            return Ok(Backlog::More);
        }
    }
    Ok(Backlog::Done)
}
