//! Deciding for some visitors and buyers at once, under one version.

use crate::attribution::programmes::read;
use crate::attribution::{Catalogue, Who, answers};
use crate::params;
use crate::store::{Store, StoreError, Tx};
use attribution_core::ids::VisitorId;
use attribution_core::time::Instant;
use redis_view::Operation;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Visitors and buyers decided in one transaction: a few dozen milliseconds, during which others wait on SQLite.
pub(super) const DECIDED_TOGETHER: usize = 100;

/// The operations that tell Redis how these stand; with each visitor go all buyers ever joined to it.
pub(super) async fn decide(
    store: &Store,
    who: Arc<[Who]>,
    now: Instant,
) -> Result<Vec<Operation>, StoreError> {
    store
        .write(move |tx| {
            let version = next_version(tx, now)?;
            let mut catalogue = Catalogue::default();
            let mut operations = Vec::new();
            for who in who.iter() {
                let answers = answers(tx, &mut catalogue, who, now)?;
                operations.extend(answers.iter().map(|answer| answer.operation(version)));
            }
            Ok(operations)
        })
        .await
}

/// The version of what is decided in this transaction. The row stays locked to its end: whoever has a higher version has
/// seen all that we saw. Never below the time in microseconds, so that a store restored from a backup does not fall
/// behind what it told before.
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
    for one in who {
        if let Who::Visitor(visitor) = &one {
            all.extend(buyers(tx, *visitor)?);
        }
        all.insert(one);
    }
    Ok(all)
}

fn buyers(tx: &mut dyn Tx, visitor: VisitorId) -> Result<Vec<Who>, StoreError> {
    let rows =
        tx.query("SELECT DISTINCT platform, buyer FROM identities WHERE visitor = $1", params![&visitor])?;
    rows.iter()
        .map(|row| Ok(Who::Buyer(read("platform id", row.text(0)?)?, read("buyer id", row.text(1)?)?)))
        .collect()
}
