//! The job that looks again: late clicks, edges that have caught up, orders that become final, timers, settlement.
//!
//! It is idempotent and can run on every node at once: each step is a transaction of its own that finds nothing to
//! do if another node was faster.

use super::event::EventKey;
use super::intake::lock_name;
use super::judge::{JudgeError, judge};
use crate::Core;
use crate::attribution::programmes::read;
use crate::ledger::settle;
use crate::params;
use crate::store::{Store, StoreError, Tx};
use attribution_core::click::{ClickId, EdgeId, Epoch, Stream, WorkerId};
use attribution_core::ids::{OrderId, PlatformId};
use attribution_core::outcome::Outcome;
use attribution_core::time::{DAY_MS, Instant, SECOND_MS, SHANGHAI_OFFSET_MS};

/// Orders looked up at a time.
const BATCH: i64 = 50;
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
}

/// Runs once, to the end.
///
/// # Errors
/// If the store fails.
pub async fn sweep(store: &Store, now: Instant) -> Result<Swept, StoreError> {
    store.write(move |tx| late_clicks(tx)).await?;
    store.write(move |tx| edges_caught_up(tx, now)).await?;
    let mut done = Swept::default();
    let mut after = None;
    loop {
        let from = after.take();
        let due = store.read(move |tx| due(tx, from.as_ref(), now)).await?;
        let Some(last) = due.last().cloned() else { break };
        for (platform, order) in due {
            match store.write(move |tx| judge_locked(tx, &platform, &order, "looked again", now)).await {
                Ok(()) => done.judged += 1,
                Err(JudgeError::Store(error)) => return Err(error),
                Err(error) => {
                    tracing::error!(error = crate::api::chain(&error), "an order could not be judged");
                    done.failed += 1;
                }
            }
        }
        after = Some(last);
    }
    done.settled = settle_all(store, now).await?;
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
                together
                    .iter()
                    .try_for_each(|(platform, order)| judge_locked(tx, platform, order, cause, now))
            })
            .await;
        match all {
            Ok(()) => continue,
            Err(JudgeError::Store(error)) => return Err(error),
            Err(_) => {}
        }
        for (platform, order) in chunk {
            let (platform, order) = (platform.clone(), order.clone());
            match store.write(move |tx| judge_locked(tx, &platform, &order, cause, now)).await {
                Ok(()) => {}
                Err(JudgeError::Store(error)) => return Err(error),
                Err(error) => {
                    tracing::error!(error = crate::api::chain(&error), "an order could not be judged");
                }
            }
        }
    }
    Ok(())
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
                Err(JudgeError::Store(error)) => return Err(error),
                Err(error) => {
                    tracing::error!(error = crate::api::chain(&error), %merchant, "a merchant could not be settled");
                    break;
                }
            }
        }
    }
    Ok(settled)
}

fn judge_locked(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    order: &OrderId,
    cause: &str,
    now: Instant,
) -> Result<(), JudgeError> {
    let key = EventKey { platform: platform.clone(), order: order.clone(), kind: "", refund: String::new() };
    tx.lock(&lock_name(&key))?;
    judge(tx, platform, order, cause, now)
}

/// Orders to look at: new facts, the end of a grace or a hold, or a timer.
fn due(
    tx: &mut dyn Tx,
    after: Option<&(PlatformId, OrderId)>,
    now: Instant,
) -> Result<Vec<(PlatformId, OrderId)>, StoreError> {
    let (platform, order) = after.map_or(("", ""), |(p, o)| (p.as_str(), o.as_str()));
    let rows = tx.query(
        "SELECT platform, order_id FROM orders WHERE (dirty = 1 \
         OR (provisional = 1 AND ((caught_up_ms IS NOT NULL AND grace_until_ms <= $1) OR hold_until_ms <= $1)) \
         OR timer_ms <= $1) AND (platform > $2 OR (platform = $2 AND order_id > $3)) \
         ORDER BY platform, order_id LIMIT $4",
        params![now, platform, order, BATCH],
    )?;
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

/// Marks the provisional orders that clicks since the last run may concern.
fn late_clicks(tx: &mut dyn Tx) -> Result<(), StoreError> {
    let streams = tx.query(
        "SELECT s.edge, s.epoch, s.worker, COALESCE(j.next_sequence, 0), s.next_sequence FROM edge_streams s \
         LEFT JOIN judged_streams j ON j.edge = s.edge AND j.epoch = s.epoch AND j.worker = s.worker \
         WHERE s.next_sequence > COALESCE(j.next_sequence, 0)",
        &[],
    )?;
    for row in streams {
        let stream = Stream {
            edge: EdgeId(u16::try_from(row.int(0)?).unwrap_or_default()),
            epoch: Epoch(row.int(1)?.cast_unsigned()),
            worker: WorkerId(u8::try_from(row.int(2)?).unwrap_or_default()),
        };
        let (from, to) = (ClickId::new(stream, row.count(3)?), ClickId::new(stream, row.count(4)?));
        wake_clicked(tx, from, to)?;
        count_days(tx, from, to)?;
        tx.execute(
            "INSERT INTO judged_streams (edge, epoch, worker, next_sequence) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (edge, epoch, worker) DO UPDATE SET next_sequence = excluded.next_sequence",
            params![stream.edge, stream.epoch, stream.worker, row.int(4)?],
        )?;
    }
    Ok(())
}

/// Orders made after a click in `[from, to)` by anybody joined to its visitor, and orders that carry its token.
fn wake_clicked(tx: &mut dyn Tx, from: ClickId, to: ClickId) -> Result<(), StoreError> {
    let attributed = Outcome::Attributed as u8;
    tx.execute(
        &format!(
            "UPDATE orders SET dirty = 1 WHERE provisional = 1 AND dirty = 0 AND (platform, order_id) IN (\
             SELECT o.platform, o.order_id FROM clicks c JOIN identities i ON i.visitor = c.visitor \
             JOIN orders o ON o.platform = i.platform AND o.buyer = i.buyer \
             WHERE c.click_id >= $1 AND c.click_id < $2 AND c.outcome = {attributed} \
             AND o.created_ms >= c.effective_ms - {SECOND_MS})"
        ),
        params![&from, &to],
    )?;
    tx.execute(
        "UPDATE orders SET dirty = 1 WHERE provisional = 1 AND dirty = 0 AND (platform, order_id) IN (\
         SELECT t.platform, t.order_id FROM order_tokens t WHERE t.click_id >= $1 AND t.click_id < $2)",
        params![&from, &to],
    )?;
    Ok(())
}

/// Adds the attributed clicks in `[from, to)` to their promoters' days.
fn count_days(tx: &mut dyn Tx, from: ClickId, to: ClickId) -> Result<(), StoreError> {
    let attributed = Outcome::Attributed as u8;
    tx.execute(
        &format!(
            "INSERT INTO promoter_days (promoter, day, clicks) \
             SELECT p.promoter, (c.effective_ms + {SHANGHAI_OFFSET_MS}) / {DAY_MS} AS day, COUNT(*) \
             FROM clicks c JOIN placements p ON p.num = c.placement \
             WHERE c.click_id >= $1 AND c.click_id < $2 AND c.outcome = {attributed} \
             GROUP BY p.promoter, (c.effective_ms + {SHANGHAI_OFFSET_MS}) / {DAY_MS} \
             ON CONFLICT (promoter, day) DO UPDATE SET clicks = promoter_days.clicks + excluded.clicks"
        ),
        params![&from, &to],
    )?;
    Ok(())
}
