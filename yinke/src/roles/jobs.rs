//! What time and new clicks bring to a core: a round of its jobs about once a second, and soon after clicks arrive; and
//! the audit, once an hour beside them.
//!
//! What fails is tried again, and only its age tells (`yinke_core_work_done_timestamp_seconds`): the core stays ready, as
//! one that cannot settle still takes clicks and orders in. A task that has ended is not started again, as nobody knows
//! what it left: the core is not ready until somebody restarts it.

use attribution_core::time::{Instant, SECOND_MS};
use attribution_core::with_causes;
use settlement_core::Core;
use settlement_core::store::StoreError;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// A round without any reason.
const EVERY: Duration = Duration::from_secs(1);
/// Rounds are not closer than this: under load clicks arrive all the time.
const AT_MOST_EVERY: Duration = Duration::from_millis(200);
/// The audit reads every entry of the ledger; between two of them only what is written is checked.
const AUDIT_EVERY: Duration = Duration::from_secs(3_600);
/// After an audit that failed.
const AUDIT_AGAIN: Duration = Duration::from_secs(60);

/// Runs the jobs until the task is aborted. A round that fails is tried again with the next: every job is
/// idempotent.
pub(super) fn spawn(core: Core) -> JoinHandle<()> {
    metrics::describe_gauge!(
        "yinke_core_work_done_timestamp_seconds",
        "When the core's regular work was last done whole, by work; at first when the core started"
    );
    for work in [Work::Programmes, Work::Orders, Work::Audit] {
        work.is_done(core.now()); // its age counts from the start, should it never be done
    }
    tokio::spawn(async move {
        let mut clicks = core.clicks_arrived();
        let mut every = interval(EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watching = true;
        loop {
            tokio::select! {
                _ = every.tick() => {}
                changed = clicks.changed(), if watching => watching = changed.is_ok(),
            }
            round(&core).await;
            tokio::time::sleep(AT_MOST_EVERY).await;
        }
    })
}

/// Adds clicks and money up at the start and every hour, until the task is aborted: what does not balance shows in the
/// metrics without anybody asking.
pub(super) fn spawn_audit(core: Core) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let pause = match audit(&core).await {
                Ok(()) => {
                    Work::Audit.is_done(core.now());
                    AUDIT_EVERY
                }
                Err(error) => {
                    Work::Audit.failed(&error);
                    AUDIT_AGAIN
                }
            };
            tokio::time::sleep(pause).await;
        }
    })
}

async fn audit(core: &Core) -> Result<(), StoreError> {
    core.audit_clicks().await?;
    let books = core.audit_ledger().await?;
    if !books.balanced {
        tracing::error!(?books, "the ledger does not balance");
    }
    Ok(())
}

async fn round(core: &Core) {
    match core.maintain(core.now()).await {
        Ok(done) => {
            if done.activated > 0 {
                tracing::info!(programmes = done.activated, "new rules are in force");
            }
            Work::Programmes.is_done(core.now());
        }
        Err(error) => Work::Programmes.failed(&error),
    }
    match core.sweep(core.now()).await {
        Ok(done) => {
            tracing::debug!(?done, "orders were looked at again");
            Work::Orders.is_done(core.now());
        }
        Err(error) => Work::Orders.failed(&error),
    }
}

/// What is done again and again.
#[derive(Debug, Clone, Copy)]
enum Work {
    /// Rules come into force, what has run out ends.
    Programmes,
    /// Orders are looked at again, settled and paid.
    Orders,
    /// Clicks and money are added up.
    Audit,
}

impl Work {
    const fn name(self) -> &'static str {
        match self {
            Self::Programmes => "programmes",
            Self::Orders => "orders",
            Self::Audit => "audit",
        }
    }

    fn is_done(self, now: Instant) {
        #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
        metrics::gauge!("yinke_core_work_done_timestamp_seconds", "work" => self.name())
            .set(now.millis() as f64 / SECOND_MS as f64);
    }

    fn failed(self, error: &StoreError) {
        tracing::warn!(
            work = self.name(),
            error = with_causes(error),
            "the core's work failed and will be tried again"
        );
    }
}
