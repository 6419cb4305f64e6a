//! What time alone brings, bit by bit: rules that come into force, what is old enough to forget, and what is told or
//! indexed after the fact.

use crate::Core;
use crate::store::StoreError;
use crate::{api, holders, intake};
use attribution_core::time::Instant;

/// Rounds of the library's index that one call of `maintain` does: about half a second each at most.
const LIBRARY_ROUNDS: u32 = 2;
/// Rounds of telling promoters that one call does.
const NOTICE_ROUNDS: u32 = 4;

/// What a round of maintenance did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Maintained {
    /// Programmes whose next version came into force.
    pub activated: u64,
    /// Kept answers, sessions and attempts to sign in that were old enough to forget.
    pub forgotten: u64,
    /// Changed products that the library's index took in.
    pub indexed: u64,
}

impl Core {
    /// Does what time alone brings: tells edges of rules that came into force, forgets old kept answers, brings the
    /// library's index up to date, and tells promoters what they should hear of. Of long work it does a part and goes
    /// on with the next call. Call it about once a second; it is cheap when there is nothing to do.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn maintain(&self, now: Instant) -> Result<Maintained, StoreError> {
        let forgotten = api::forget_answers(self.store(), now).await? + self.forget_sessions(now).await?;
        intake::delivery::forget_old(self.store(), now).await?;
        holders::outbox::forget_unwanted(self.store(), now).await?;
        let activated = self.activate_due_rules(now).await?;
        // A part of what waits: whoever calls has orders to look at too.
        let mut indexed = 0;
        for _ in 0..LIBRARY_ROUNDS {
            let Some(products) = self.refresh_some_of_library(now).await? else { break };
            indexed += products;
        }
        for _ in 0..NOTICE_ROUNDS {
            if !self.send_some_notices(now).await? {
                break;
            }
        }
        Ok(Maintained { activated, forgotten, indexed })
    }
}
