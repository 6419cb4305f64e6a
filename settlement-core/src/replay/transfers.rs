//! A line's transfers, those that are stored and those that come out again, side by side.

use super::difference::{Difference, Place};
use super::load::StoredTransfer;
use crate::ledger::account::AccountKey;
use std::collections::{BTreeMap, BTreeSet};

/// The line's transfers: all the same, or at least the same money for the same people. Events of one millisecond can have
/// been posted one after the other where they are seen together now; then only the names of the transfers differ.
pub(super) fn compare(
    place: Place<'_>,
    stored: &[StoredTransfer],
    written: &[StoredTransfer],
    differences: &mut Vec<Difference>,
) {
    let by_id = |transfers: &[StoredTransfer]| -> BTreeMap<String, StoredTransfer> {
        transfers.iter().map(|transfer| (transfer.id.clone(), transfer.clone())).collect()
    };
    if sorted(stored) == sorted(written) {
        return;
    }
    let (before, now) = (by_id(stored), by_id(written));
    if sums(stored) == sums(written) && before.keys().ne(now.keys()) {
        return;
    }
    let ids: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    for id in ids {
        let (stored, recomputed) = (before.get(id), now.get(id));
        if stored != recomputed {
            differences.push(place.differs(None, &format!("transfer {id}"), say(stored), say(recomputed)));
        }
    }
}

/// By their ids.
fn sorted(transfers: &[StoredTransfer]) -> Vec<&StoredTransfer> {
    let mut sorted: Vec<&StoredTransfer> = transfers.iter().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    sorted
}

/// Fen by layer and account.
fn sums(transfers: &[StoredTransfer]) -> BTreeMap<(String, &'static str, String, String), i64> {
    let mut sums = BTreeMap::new();
    for (layer, AccountKey { account, owner, programme }, fen) in transfers.iter().flat_map(|t| &t.entries) {
        let sum: &mut i64 =
            sums.entry((layer.clone().into_owned(), *account, owner.clone(), programme.clone())).or_default();
        *sum = sum.saturating_add(*fen);
    }
    sums.retain(|_, fen| *fen != 0);
    sums
}

fn say(transfer: Option<&StoredTransfer>) -> String {
    let Some(transfer) = transfer else { return "none".to_owned() };
    let entries = transfer
        .entries
        .iter()
        .map(|(layer, key, fen)| format!("{layer} {} {} {fen}", key.account, key.owner));
    format!(
        "{} {} at {}, recorded {}: {}",
        transfer.state,
        transfer.reason,
        transfer.at.millis(),
        transfer.recorded.millis(),
        entries.collect::<Vec<_>>().join(", ")
    )
}
