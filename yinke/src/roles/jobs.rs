//! What time and new clicks bring to a core: a round of its jobs about once a second, and soon after clicks arrive.

use settlement_core::Core;
use settlement_core::store::StoreError;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// A round without any reason.
const EVERY: Duration = Duration::from_secs(1);
/// Rounds are not closer than this: under load clicks arrive all the time.
const AT_MOST_EVERY: Duration = Duration::from_millis(200);

/// Runs the jobs until the task is aborted. A round that fails is tried again with the next: every job is
/// idempotent.
pub(super) fn spawn(core: Core) -> JoinHandle<()> {
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

async fn round(core: &Core) {
    match core.maintain(core.now()).await {
        Ok(done) if done.activated > 0 => {
            tracing::info!(programmes = done.activated, "new rules are in force");
        }
        Ok(_) => {}
        Err(error) => tell("maintenance", error),
    }
    match core.sweep(core.now()).await {
        Ok(done) => tracing::debug!(?done, "orders were looked at again"),
        Err(error) => tell("looking at orders again", error),
    }
}

fn tell(job: &str, error: StoreError) {
    let error = format!("{:#}", anyhow::Error::new(error));
    tracing::warn!(job, error, "a job failed and will try again");
}
