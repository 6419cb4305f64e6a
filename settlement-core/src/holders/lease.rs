//! Which core tells Redis. Two at once would do no harm, only work.

use super::outbox::FORGET_AFTER_MS;
use crate::params;
use crate::random::{self, NoRandomness};
use crate::store::{StoreError, Tx};
use attribution_core::time::{Instant, SECOND_MS};

/// A core that has not been heard of for so long has lost its turn.
const LEASE_MS: i64 = 10 * SECOND_MS;

/// This process's name among the cores.
#[derive(Debug, Clone)]
pub(super) struct Name(String);

impl Name {
    /// A name that no other core has: two of one name would both believe that it is their turn.
    pub(super) fn new() -> Result<Self, NoRandomness> {
        Ok(Self(format!("{:016x}", random::number()?)))
    }
}

/// Whether it is our turn; `None` if that is not known without writing.
pub(super) fn look(tx: &mut dyn Tx, name: &Name, now: Instant) -> Result<Option<bool>, StoreError> {
    let row = tx.query_one("SELECT leader, lease_until FROM holder_view", &[])?;
    let (leader, until) = (row.text(0)?, row.instant(1)?);
    Ok(match leader == name.0 {
        true if now.plus(LEASE_MS / 2) < until => Some(true),
        false if now < until => Some(false),
        _ => None,
    })
}

/// Takes or keeps the turn; says whether it is ours. An outbox that is kept goes on being kept, also while Redis is away;
/// one that has holes is not called whole by this.
pub(super) fn take(tx: &mut dyn Tx, name: &Name, now: Instant) -> Result<bool, StoreError> {
    let taken = tx.execute(
        "UPDATE holder_view SET leader = $1, lease_until = $2, \
         wanted_at = CASE WHEN wanted_at > $4 THEN $3 ELSE wanted_at END WHERE leader = $1 OR lease_until <= $3",
        params![&name.0, now.plus(LEASE_MS), now, now.plus(-FORGET_AFTER_MS)],
    )?;
    Ok(taken == 1)
}

/// Gives the turn away.
pub(super) fn give_up(tx: &mut dyn Tx, name: &Name) -> Result<(), StoreError> {
    tx.execute("UPDATE holder_view SET lease_until = 0 WHERE leader = $1", params![&name.0])?;
    Ok(())
}
