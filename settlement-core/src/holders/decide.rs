//! Deciding for some visitors and buyers at once, under one version.

use crate::attribution::{Who, answers};
use crate::params;
use crate::store::{List, Store, StoreError, Tx, read};
use attribution_core::ids::VisitorId;
use attribution_core::time::Instant;
use redis_view::Operation;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Visitors and buyers decided at once: what they have in common is read once.
pub(super) const DECIDED_TOGETHER: usize = 1_000;

/// The operations that tell Redis how these stand.
///
/// The version is taken first and for good, and everything is read after that, from one picture: whoever has a higher
/// version has seen all that was there when this one was taken, and what came later is told again under a version of
/// its own. Nobody waits for what is read.
pub(super) async fn decide(
    store: &Store,
    who: Arc<[Who]>,
    now: Instant,
) -> Result<Vec<Operation>, StoreError> {
    let version = store
        .write(move |tx| {
            tx.before_asking_by_visitor()?;
            next_version(tx, now)
        })
        .await?;
    let answers = store.read(move |tx| answers(tx, &who, now)).await?;
    Ok(answers.iter().flatten().map(|answer| answer.operation(version)).collect())
}

/// A version above all that were taken. Never below the time in microseconds, so that a store restored from a backup does
/// not fall behind what it told before.
fn next_version(tx: &mut dyn Tx, now: Instant) -> Result<u64, StoreError> {
    tx.query_one(
        "UPDATE counters SET value = CASE WHEN value >= $1 THEN value + 1 ELSE $1 END \
         WHERE name = 'holders' RETURNING value",
        params![now.millis().saturating_mul(1_000)],
    )?
    .count(0)
}

/// Adds the buyers ever joined to the visitors among them: what changes a device may change its accounts.
pub(super) fn with_buyers(tx: &mut dyn Tx, who: Vec<Who>) -> Result<BTreeSet<Who>, StoreError> {
    let mut all = BTreeSet::new();
    let visitors: Vec<VisitorId> = who
        .iter()
        .filter_map(|one| match one {
            Who::Visitor(visitor) => Some(*visitor),
            Who::Buyer(..) => None,
        })
        .collect();
    for some in visitors.chunks(List::MOST) {
        let list: List<'_> = some.iter().collect();
        let sql =
            format!("SELECT DISTINCT platform, buyer FROM identities WHERE visitor IN ({})", list.marks);
        for row in &tx.query(&sql, &list.values)? {
            all.insert(Who::Buyer(read("platform id", row.text(0)?)?, read("buyer id", row.text(1)?)?));
        }
    }
    all.extend(who);
    Ok(all)
}
