//! Makes the cursors of shipper and recorder durable and releases what both have passed.
//!
//! Apart from the answers of the core, so that no batch waits for a sync. A cursor on disk may be older than the core
//! knows: then the next start repeats a batch or is sent forward, and nothing is lost or counted twice. Segments go
//! only after the cursors that have passed them are on disk.

use super::BackgroundOptions;
use super::phase::{Phase, Phases};
use super::progress::{Progress, StreamProgress};
use super::streams::Streams;
use journal::{Cursors, StreamId};
use std::sync::Arc;
use std::time::Duration;

/// Pause between two savings: two syncs each.
const EVERY: Duration = Duration::from_millis(500);

/// Keeps the cursors.
pub(super) struct Keeper {
    pub(super) options: Arc<BackgroundOptions>,
    pub(super) streams: Arc<Streams>,
    pub(super) progress: Arc<Progress>,
    pub(super) ship: Cursors,
    pub(super) redis: Option<Cursors>,
}

impl Keeper {
    /// Works until the phase is no longer [`Phase::Run`].
    pub(super) async fn run(self: Arc<Self>, mut phases: Phases) {
        while phases.pause(EVERY, Phase::Drain).await {
            self.keep().await;
        }
    }

    /// Saves and releases once.
    pub(super) async fn keep(self: &Arc<Self>) {
        let keeper = Arc::clone(self);
        if tokio::task::spawn_blocking(move || keeper.keep_now()).await.is_err() {
            tracing::error!("saving the cursors ended in a panic");
        }
    }

    fn keep_now(&self) {
        // A cursor that was sent back before what is still there stays at what is there; a stream that is gone has
        // none.
        let firsts = self.streams.firsts();
        let kept = |stream: StreamId, at: u64| firsts.get(&stream).map(|first| (stream, at.max(*first)));
        let all = self.progress.all();
        let ship: Vec<_> =
            all.iter().filter_map(|(stream, progress)| kept(*stream, progress.shipped)).collect();
        if !save(&self.ship, &ship) {
            return;
        }
        if let Some(redis) = &self.redis {
            let moves: Vec<_> = all
                .iter()
                .filter_map(|(stream, progress)| kept(*stream, self.recorded(*stream, progress)))
                .collect();
            if !save(redis, &moves) {
                return;
            }
        }
        for (stream, progress) in &all {
            self.release(*stream, progress);
        }
    }

    /// How far Redis has come, or how far the journal waits for it.
    fn recorded(&self, stream: StreamId, progress: &StreamProgress) -> u64 {
        let hold = self.options.recorder.as_ref().map_or(0, |recorder| recorder.hold_frames);
        let recorded = progress.recorded.unwrap_or(progress.shipped);
        let least = progress.shipped.saturating_sub(hold);
        if recorded < least {
            // The recorder goes on at `least`; the core writes the authoritative records of what lies before.
            metrics::counter!("yinke_redis_skipped_frames_total").increment(least - recorded);
            self.progress.update(stream, |progress| progress.recorded = Some(least));
        }
        recorded.max(least)
    }

    fn release(&self, stream: StreamId, progress: &StreamProgress) {
        let recorded = progress.recorded.map(|_| self.recorded(stream, progress)).unwrap_or(u64::MAX);
        let below = progress.shipped.min(recorded);
        let whole = !progress.live && below >= self.streams.end(stream);
        if whole && !progress.heard_whole {
            return; // the last segments wait for the core to hear that this was all
        }
        match self.streams.release(stream, below) {
            Ok(()) if whole => self.progress.remove(stream),
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%stream, error = &error as &dyn std::error::Error, "segments could not be released");
            }
        }
    }
}

fn save(cursors: &Cursors, moves: &[(StreamId, u64)]) -> bool {
    if let Err(error) = cursors.set(moves) {
        metrics::counter!("yinke_journal_cursor_errors_total").increment(1);
        tracing::error!(error = &error as &dyn std::error::Error, "the cursors could not be saved");
        return false;
    }
    true
}
