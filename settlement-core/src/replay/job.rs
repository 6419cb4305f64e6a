//! The whole of a replay: range after range of orders, on several threads, each over a picture of the store that does
//! not change. What is held in memory is one range a thread.

use super::difference::Difference;
use super::kept::{Kept, Series};
use super::load::Range;
use super::order::replay_range;
use crate::attribution::Catalogue;
use crate::params;
use crate::store::{Param, Store, StoreError, Tx, read};
use attribution_core::ids::{MerchantId, OrderId, PlatformId};
use attribution_core::time::Instant;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Orders of one range, some ten kilobytes each: what is read of them stays near the processor until it is compared.
const ORDERS: usize = 128;
/// Ranges in one transaction: what is read of the catalogue serves them all, and a transaction that never ends would keep
/// the store from tidying up.
const RANGES_TOGETHER: usize = 512;
/// Differences that are named; more are counted.
const NAMED_MAX: usize = 10_000;

/// Which orders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Placed at or after this instant.
    pub since: Option<Instant>,
    /// Placed before this instant.
    pub until: Option<Instant>,
    /// Only this one, on whatever platform.
    pub order: Option<OrderId>,
    /// Only those of this merchant.
    pub merchant: Option<MerchantId>,
}

/// How far a replay has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Lines done.
    pub done: u64,
    /// Lines in all.
    pub total: u64,
}

/// What came of a replay.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Replayed {
    /// Orders looked at.
    pub orders: u64,
    /// Their lines.
    pub lines: u64,
    /// Decisions made again, the superseded ones included.
    pub decisions: u64,
    /// Ledger transfers made again.
    pub transfers: u64,
    /// Decisions made in the same moments as facts were recorded, which came out once these were sorted out.
    pub in_doubt: u64,
    /// Orders with new facts that wait to be judged.
    pub waiting: u64,
    /// Fields that differ, the first ones of them in `differences`.
    pub differing: u64,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// Why a replay could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// There is no such order.
    #[error("there is no order {0}")]
    NoOrder(OrderId),
    /// There is no such merchant.
    #[error("there is no merchant {0}")]
    NoMerchant(MerchantId),
    /// What an earlier run kept is of another store.
    #[error("an earlier run stopped at platform {0}, which is not here")]
    NoPlace(PlatformId),
}

/// Makes every selected decision, commission and transfer again and compares.
///
/// # Errors
/// If the store fails, or has not what was asked for.
pub async fn replay(
    store: &Store,
    selection: Selection,
    progress: impl Fn(Progress) + Send + Sync + 'static,
) -> Result<Replayed, ReplayError> {
    replay_behind(store, selection, Kept::default(), progress, |_| {}).await
}

/// The same behind what an earlier run had kept; what this one keeps is shown each time it is more. What has changed
/// since then about orders that were looked at is not seen.
///
/// # Errors
/// If the store fails, or has not what was asked for.
pub async fn replay_behind(
    store: &Store,
    selection: Selection,
    kept: Kept,
    progress: impl Fn(Progress) + Send + Sync + 'static,
    keep: impl Fn(&Kept) + Send + Sync + 'static,
) -> Result<Replayed, ReplayError> {
    let ranges = Ranges::begin(store, selection, Some(kept)).await?;
    walk(store, &ranges, progress, Catalogue::with_earlier, move |tx, catalogue, range, ranges| {
        let part = replay_range(tx, catalogue, range)?;
        let lines = part.lines;
        if let Some(series) = &mut lock(&ranges.left).series {
            series.finished(range, part);
            keep(series.kept());
        }
        Ok(lines)
    })
    .await?;
    let series = lock(&ranges.left).series.take();
    let mut done = series.map(|series| series.kept().so_far.clone()).unwrap_or_default();
    done.differences.sort();
    done.differences.truncate(NAMED_MAX);
    Ok(done)
}

pub(super) fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is only added to, whole parts at a time.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Replayed {
    pub(super) fn add(&mut self, part: Self) {
        self.orders += part.orders;
        self.lines += part.lines;
        self.decisions += part.decisions;
        self.transfers += part.transfers;
        self.in_doubt += part.in_doubt;
        self.waiting += part.waiting;
        self.differing += part.differing;
        // Which ones are named must not depend on which thread was faster, as far as there is room.
        self.differences.extend(part.differences);
        if self.differences.len() > 2 * NAMED_MAX {
            self.differences.sort();
            self.differences.truncate(NAMED_MAX);
        }
    }
}

/// The ranges that are left, handed out to whoever asks.
#[derive(Debug)]
pub(super) struct Ranges {
    pub selection: Selection,
    total: u64,
    left: Mutex<Left>,
}

#[derive(Debug, Default)]
struct Left {
    platforms: Vec<PlatformId>,
    /// The last order given out of the last platform.
    after: Option<String>,
    /// Given out and given back: a transaction failed and runs again.
    again: Vec<Range>,
    done: u64,
    /// What of it is done for good, where that is kept.
    series: Option<Series>,
}

impl Ranges {
    /// All of them, or those behind what is kept.
    pub(super) async fn begin(
        store: &Store,
        selection: Selection,
        kept: Option<Kept>,
    ) -> Result<Arc<Self>, ReplayError> {
        let wanted = selection.clone();
        let (mut left, total) = store.read(move |tx| first(tx, &wanted)).await?;
        if let Some((platform, order)) = kept.as_ref().and_then(|kept| kept.last.clone()) {
            let place = left.platforms.iter().position(|left| *left == platform);
            left.platforms.truncate(place.ok_or(ReplayError::NoPlace(platform))? + 1);
            left.after = Some(order);
        }
        left.done = kept.as_ref().map_or(0, Kept::lines);
        left.series = kept.map(Series::behind);
        Ok(Arc::new(Self { selection, total, left: Mutex::new(left) }))
    }

    fn next(&self, tx: &mut dyn Tx) -> Result<Option<Range>, StoreError> {
        let mut left = lock(&self.left);
        if let Some(range) = left.again.pop() {
            return Ok(Some(range));
        }
        while let Some(platform) = left.platforms.last().cloned() {
            let after = left.after.clone();
            let [of, merchant, since, until] = self.selection.params(&platform);
            let row = tx.query_one(
                &format!(
                    "SELECT MIN(order_id), MAX(order_id) FROM (SELECT o.order_id FROM orders o WHERE {} \
                     AND o.order_id > $5 ORDER BY o.order_id LIMIT {ORDERS}) AS next",
                    Selection::CONDITION
                ),
                &[of, merchant, since, until, after.as_deref().unwrap_or_default().into()],
            )?;
            if let (Some(from), Some(through)) = (row.opt_text(0)?, row.opt_text(1)?) {
                left.after = Some(through.to_owned());
                let range = Range {
                    platform,
                    from: from.to_owned(),
                    through: through.to_owned(),
                    selection: self.selection.clone(),
                };
                if let Some(series) = &mut left.series {
                    series.begun(&range);
                }
                return Ok(Some(range));
            }
            left.platforms.pop();
            left.after = None;
        }
        Ok(None)
    }
}

/// Where to begin, and how many lines there are.
fn first(tx: &mut dyn Tx, selection: &Selection) -> Result<(Left, u64), ReplayError> {
    if let Some(merchant) = &selection.merchant {
        let there = tx.query_opt("SELECT 1 FROM merchants WHERE id = $1", params![merchant])?;
        there.ok_or_else(|| ReplayError::NoMerchant(merchant.clone()))?;
    }
    let mut left = Left::default();
    if let Some(order) = &selection.order {
        for row in &tx.query("SELECT platform FROM orders WHERE order_id = $1", params![order])? {
            let platform = read("platform id", row.text(0)?)?;
            let (from, through) = (order.to_string(), order.to_string());
            left.again.push(Range { platform, from, through, selection: selection.clone() });
        }
        if left.again.is_empty() {
            return Err(ReplayError::NoOrder(order.clone()));
        }
        return Ok((left, 0));
    }
    for row in &tx.query("SELECT id FROM platforms ORDER BY id DESC", &[])? {
        left.platforms.push(read("platform id", row.text(0)?)?);
    }
    let (since, until) = selection.times();
    // An index answers each of these by itself.
    let lines = "SELECT COUNT(*) FROM order_lines WHERE created_ms >= $1 AND created_ms < $2";
    let row = match &selection.merchant {
        Some(merchant) => {
            tx.query_one(&format!("{lines} AND merchant = $3"), params![since, until, merchant])?
        }
        None => tx.query_one(lines, params![since, until])?,
    };
    Ok((left, row.count(0)?))
}

/// Goes over all ranges on as many threads as the store reads with at once, at most one a processor. `work` says how many lines it did.
pub(super) async fn walk<W>(
    store: &Store,
    ranges: &Arc<Ranges>,
    progress: impl Fn(Progress) + Send + Sync + 'static,
    catalogue: impl Fn() -> Catalogue + Send + Sync + 'static,
    work: W,
) -> Result<(), StoreError>
where
    W: Fn(&mut dyn Tx, &mut Catalogue, &Range, &Ranges) -> Result<u64, StoreError> + Send + Sync + 'static,
{
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(store.readers());
    let shared = Arc::new((work, progress, catalogue));
    let workers = (0..threads).map(|_| {
        let (ranges, shared) = (Arc::clone(ranges), Arc::clone(&shared));
        async move {
            loop {
                let (ranges, shared) = (Arc::clone(&ranges), Arc::clone(&shared));
                let more = store.read(move |tx| {
                    let (work, progress, catalogue) = &*shared;
                    some_ranges(tx, &mut catalogue(), &ranges, progress, work)
                });
                if !more.await? {
                    return Ok::<_, StoreError>(());
                }
            }
        }
    });
    try_join_all(workers).await?;
    Ok(())
}

/// A transaction's worth of ranges; whether there may be more.
fn some_ranges(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    ranges: &Ranges,
    progress: &impl Fn(Progress),
    work: &impl Fn(&mut dyn Tx, &mut Catalogue, &Range, &Ranges) -> Result<u64, StoreError>,
) -> Result<bool, StoreError> {
    for _ in 0..RANGES_TOGETHER {
        let Some(range) = ranges.next(tx)? else { return Ok(false) };
        match work(tx, catalogue, &range, ranges) {
            Ok(lines) => {
                let mut left = lock(&ranges.left);
                left.done += lines;
                progress(Progress { done: left.done, total: ranges.total.max(left.done) });
            }
            Err(error) => {
                lock(&ranges.left).again.push(range);
                return Err(error);
            }
        }
    }
    Ok(true)
}

impl Selection {
    /// Whether an order `o` is selected, for a statement whose first parameters are [`params`](Self::params).
    pub(super) const CONDITION: &str = "o.platform = $1 AND (CAST($2 AS TEXT) = '' OR o.merchant = $2) \
                                        AND o.created_ms >= $3 AND o.created_ms < $4";

    pub(super) fn params<'a>(&'a self, platform: &'a PlatformId) -> [Param<'a>; 4] {
        let merchant = self.merchant.as_ref().map_or("", MerchantId::as_str);
        let (since, until) = self.times();
        [platform.into(), merchant.into(), since.into(), until.into()]
    }

    fn times(&self) -> (Instant, Instant) {
        (self.since.unwrap_or(Instant(i64::MIN)), self.until.unwrap_or(Instant(i64::MAX)))
    }
}
