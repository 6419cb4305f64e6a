//! Makes the cursors of shipper and recorder durable and releases what both have passed.
//!
//! Apart from the answers of the core, so that no batch waits for a sync. A cursor on disk may be older than the core
//! knows: then the next start repeats a batch or is sent forward, and nothing is lost or counted twice. Segments go
//! only after the cursors that have passed them are on disk.

use super::phase::{Phase, Phases};
use super::progress::{Progress, StreamProgress};
use super::streams::Streams;
use super::{BackgroundOptions, off_thread};
use attribution_core::with_causes;
use journal::{Cursors, ReleaseError, StreamId, failpoint};
use std::collections::BTreeMap;
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
    pub(super) async fn run(self: Arc<Self>, phases: Phases) {
        while phases.pause(EVERY, Phase::Drain).await {
            self.keep().await;
        }
    }

    /// Saves and releases once.
    pub(super) async fn keep(self: &Arc<Self>) {
        let keeper = Arc::clone(self);
        off_thread(move || keeper.keep_now()).await;
    }

    fn keep_now(&self) {
        // A cursor that was sent back before what was released stays there; a stream that is gone has none. What is missing
        // though nobody released it is not passed over: the shipper has yet to name it to the core.
        let released = self.streams.released();
        let kept = |stream: StreamId, at: u64| released.get(&stream).map(|below| (stream, at.max(*below)));
        let all = self.progress.all();
        let ship: Vec<_> =
            all.iter().filter_map(|(stream, progress)| kept(*stream, progress.shipped)).collect();
        if !save(&self.ship, &ship) {
            return;
        }
        let hold = self.options.recorder.as_ref().map_or(0, |recorder| recorder.hold_frames);
        let least = held_from(&all, hold);
        let recorded = |stream: StreamId, progress: &StreamProgress| {
            self.recorded(stream, progress, least.get(&stream).copied().unwrap_or(progress.shipped))
        };
        if let Some(redis) = &self.redis {
            let moves: Vec<_> = all
                .iter()
                .filter_map(|(stream, progress)| kept(*stream, recorded(*stream, progress)))
                .collect();
            if !save(redis, &moves) {
                return;
            }
        }
        failpoint::reach("keeper.saved");
        for (stream, progress) in &all {
            let recorded = progress.recorded.map_or(u64::MAX, |_| recorded(*stream, progress));
            self.release(*stream, progress, recorded);
        }
    }

    /// How far Redis has come, or how far the journal waits for it.
    fn recorded(&self, stream: StreamId, progress: &StreamProgress, least: u64) -> u64 {
        let recorded = progress.recorded.unwrap_or(progress.shipped);
        if recorded < least {
            // The recorder goes on at `least`; the core writes the authoritative records of what lies before.
            metrics::counter!("yinke_redis_skipped_frames_total").increment(least - recorded);
            self.progress.update(stream, |progress| progress.recorded = Some(least));
        }
        recorded.max(least)
    }

    fn release(&self, stream: StreamId, progress: &StreamProgress, recorded: u64) {
        let below = progress.shipped.min(recorded);
        let whole = !progress.live && below >= self.streams.end(stream);
        if whole && !progress.heard_whole {
            return; // the last segments wait for the core to hear that this was all
        }
        match self.streams.release(stream, below) {
            Ok(()) if whole => self.progress.remove(stream),
            // A start that recorded nothing, or whose files an earlier process let go of: there is nothing to keep.
            Err(ReleaseError::NoStream(_)) if whole => self.progress.remove(stream),
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%stream, error = with_causes(&error), "segments could not be released");
            }
        }
    }
}

/// From which number on each stream's shipped frames wait for Redis, if all streams together may hold `hold` of them:
/// those of the oldest start are given up first.
fn held_from(all: &[(StreamId, StreamProgress)], hold: u64) -> BTreeMap<StreamId, u64> {
    let mut left = hold;
    let newest_first = all.iter().rev();
    newest_first
        .map(|(stream, progress)| {
            let waiting = progress.shipped.saturating_sub(progress.recorded.unwrap_or(progress.shipped));
            let held = waiting.min(left);
            left -= held;
            (*stream, progress.shipped - held)
        })
        .collect()
}

fn save(cursors: &Cursors, moves: &[(StreamId, u64)]) -> bool {
    if let Err(error) = cursors.set(moves) {
        metrics::counter!("yinke_journal_cursor_errors_total").increment(1);
        tracing::error!(error = with_causes(&error), "the cursors could not be saved");
        return false;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_streams_share_one_hold_and_the_oldest_gives_up_first() {
        let stream = |epoch| StreamId { edge: 1, epoch, worker: 0 };
        let progress = |shipped, recorded| StreamProgress {
            live: false,
            shipped,
            recorded,
            through: None,
            lost: 0,
            go_back: None,
            heard_whole: false,
        };
        let all = [
            (stream(1), progress(100, Some(0))),
            (stream(2), progress(100, Some(0))),
            (stream(3), progress(100, Some(70))),
            (stream(4), progress(100, None)),
        ];
        let from = held_from(&all, 80);
        let numbers: Vec<u64> = all.iter().map(|(stream, _)| from[stream]).collect();
        assert_eq!(numbers, [100, 50, 70, 100]);
    }
}
