//! When there is something to look at again: the next instant at which a sweep may find what time alone has brought.

use crate::Core;
use crate::params;
use crate::payouts;
use crate::store::StoreError;
use attribution_core::time::Instant;

/// Every instant at which something begins to be due, with `$1` as now.
const INSTANTS: &str = "SELECT MIN(at) FROM (\
     SELECT MIN(grace_until_ms) AS at FROM orders WHERE provisional = 1 AND grace_until_ms > $1 \
     UNION ALL SELECT MIN(hold_until_ms) FROM orders WHERE provisional = 1 AND caught_up_ms IS NULL AND hold_until_ms > $1 \
     UNION ALL SELECT MIN(timer_ms) FROM orders WHERE timer_ms IS NOT NULL AND timer_ms > $1 \
     UNION ALL SELECT MIN(due_ms) FROM notice_events WHERE due_ms > $1 \
     UNION ALL SELECT MIN(effective_from) FROM programme_versions WHERE effective_from > $1 \
     UNION ALL SELECT MIN(record_ms) FROM disputes WHERE state = 'waiting' AND record_ms > $1 \
     UNION ALL SELECT MIN(compensate_ms) FROM disputes WHERE closed_ms IS NULL AND compensate_ms > $1) AS instants";

impl Core {
    /// The first instant after `now` at which [`sweep`](Self::sweep) or [`maintain`](Self::maintain) may find work
    /// that nothing but time brings; `None` if there is none. Whoever sets the clock by hand stops there.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn next_due(&self, now: Instant) -> Result<Option<Instant>, StoreError> {
        self.store()
            .read(move |tx| {
                let event = tx.query_one(INSTANTS, params![now])?.opt_instant(0)?;
                let payday = payouts::next_day(tx, now)?;
                Ok(event.into_iter().chain(payday).min())
            })
            .await
    }
}
