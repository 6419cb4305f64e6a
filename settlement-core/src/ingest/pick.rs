//! Clicks that the store does not take must not hold up those beside them: they are found by halving, inside the same
//! transaction, and set aside with their bytes.

use super::frames::{Dead, Sorted};
use crate::store::{ClickInsert, StoreError, Tx};
use attribution_core::click::ClickId;
use attribution_core::with_causes;
use std::collections::HashMap;

/// Inserts all clicks of `sorted` that the store takes; the others become dead letters, with the database's reason.
pub(super) fn insert(tx: &mut dyn Tx, sorted: &mut Sorted<'_>) -> Result<(), StoreError> {
    let mut refused = HashMap::new();
    halve(tx, &sorted.clicks, &mut refused)?;
    let Sorted { clicks, dead, .. } = sorted;
    clicks.retain(|click| match refused.remove(&click.click) {
        None => true,
        Some(reason) => {
            dead.push(Dead::refused(click, reason));
            false
        }
    });
    Ok(())
}

/// So many steps deep at most as the number of clicks has binary digits.
fn halve(
    tx: &mut dyn Tx,
    clicks: &[ClickInsert<'_>],
    refused: &mut HashMap<ClickId, String>,
) -> Result<(), StoreError> {
    if clicks.is_empty() {
        return Ok(());
    }
    tx.script("SAVEPOINT part")?;
    match tx.insert_clicks(clicks) {
        Ok(()) => tx.script("RELEASE SAVEPOINT part"),
        Err(StoreError::Unfit(cause)) => {
            tx.script("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")?;
            if let [click] = clicks {
                refused.insert(click.click, with_causes(&*cause));
                return Ok(());
            }
            let (first, second) = clicks.split_at(clicks.len() / 2);
            halve(tx, first, refused)?;
            halve(tx, second, refused)
        }
        Err(error) => Err(error),
    }
}
