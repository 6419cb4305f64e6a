//! One range of orders, one after the other: its decisions first, then the books of its lines.

use super::decisions::{self, OrderCase};
use super::difference::{Difference, Place};
use super::job::Replayed;
use super::load::{Loaded, Range};
use super::money;
use crate::attribution::Catalogue;
use crate::orders::judge_error::JudgeError;
use crate::store::{StoreError, Tx};
use attribution_core::with_causes;

/// All selected orders of a range.
pub(super) fn replay_range(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    range: &Range,
) -> Result<Replayed, StoreError> {
    let loaded = Loaded::read(tx, range)?;
    let mut done = Replayed::default();
    for buyer in &loaded.buyers {
        for index in 0..buyer.standing.len() {
            let case = OrderCase { platform: &range.platform, facts: &loaded.facts, buyer, index };
            replay_order(tx, catalogue, case, &mut done)?;
        }
    }
    done.differing = done.differences.len() as u64;
    Ok(done)
}

fn replay_order(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    case: OrderCase<'_>,
    done: &mut Replayed,
) -> Result<(), StoreError> {
    let standing = case.standing();
    done.orders += 1;
    done.lines += standing.lines.len() as u64;
    done.transfers += standing.lines.iter().map(|line| line.transfers.len() as u64).sum::<u64>();
    let checked = match decisions::check(tx, catalogue, case) {
        Ok(checked) => checked,
        Err(error) => {
            let cannot = cannot(case, error)?;
            done.differences.push(cannot);
            return Ok(());
        }
    };
    done.decisions += checked.decisions;
    done.in_doubt += checked.in_doubt;
    done.waiting += u64::from(standing.dirty || checked.waiting);
    done.differences.extend(checked.differences);
    // Until an order that waits is judged, its books are behind its events.
    if standing.dirty {
        return Ok(());
    }
    for (index, in_force) in checked.in_force.iter().enumerate() {
        match money::check(tx, catalogue, case, index, in_force) {
            Ok(differences) => done.differences.extend(differences),
            Err(error) => {
                let cannot = cannot(case, error)?;
                done.differences.push(cannot);
            }
        }
    }
    Ok(())
}

/// The rules refuse what they once took: that is a difference too.
fn cannot(case: OrderCase<'_>, error: JudgeError) -> Result<Difference, StoreError> {
    let said = with_causes(&error);
    match error {
        JudgeError::Store(error)
        | JudgeError::Decide(crate::attribution::decide::DecideError::Store(error)) => Err(error),
        _ => {
            let line = &case.standing().lines.first().map(|line| &line.line);
            let none = attribution_core::ids::LineId::new("-").ok();
            let line = line.or(none.as_ref()).ok_or(StoreError::NoRow)?;
            let place = Place { platform: case.platform, order: case.order(), line };
            Ok(place.differs(None, "the rules", "accepted this order", said))
        }
    }
}
