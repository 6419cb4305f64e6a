//! Says in the log what happens to the journal's disk: when something begins and when it is over. How much of it there is,
//! and for how long, is for the metrics.

use super::off_thread;
use super::phase::{Phase, Phases};
use super::streams::Streams;
use journal::Stats;
use std::sync::Arc;
use std::time::Duration;

/// Pause between two looks.
const EVERY: Duration = Duration::from_millis(500);
/// With clicks this old not yet on it, a disk stands still.
const STANDS_STILL_MS: u64 = 2_000;

/// Watches the journal.
pub(super) struct Watch {
    pub(super) streams: Arc<Streams>,
}

impl Watch {
    /// Works until the phase is no longer [`Phase::Run`].
    pub(super) async fn run(self: Arc<Self>, phases: Phases) {
        let mut known = Known::default();
        while phases.pause(EVERY, Phase::Drain).await {
            let streams = Arc::clone(&self.streams);
            let (stats, unsynced_ms) = off_thread(move || streams.journal_stats()).await;
            for news in known.learn(&stats, unsynced_ms) {
                news.say(&stats, unsynced_ms);
            }
        }
    }
}

/// What has been said.
#[derive(Default)]
struct Known {
    blocked: bool,
    still: bool,
    dead: bool,
    sync_errors: u64,
}

/// What there is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    Blocked,
    Unblocked,
    SyncFailed,
    StandsStill,
    GoesOn,
    Dead,
}

impl Known {
    fn learn(&mut self, stats: &Stats, unsynced_ms: u64) -> Vec<News> {
        let mut news = Vec::new();
        let mut turns = |known: &mut bool, is: bool, begins, ends: Option<News>| {
            if std::mem::replace(known, is) != is {
                news.extend(if is { Some(begins) } else { ends });
            }
        };
        turns(&mut self.blocked, stats.spare_error.is_some(), News::Blocked, Some(News::Unblocked));
        turns(&mut self.still, unsynced_ms >= STANDS_STILL_MS, News::StandsStill, Some(News::GoesOn));
        turns(&mut self.dead, !stats.threads_alive, News::Dead, None);
        if std::mem::replace(&mut self.sync_errors, stats.sync_errors) < stats.sync_errors {
            news.push(News::SyncFailed);
        }
        news
    }
}

impl News {
    fn say(self, stats: &Stats, unsynced_ms: u64) {
        match self {
            Self::Blocked => tracing::error!(
                error = stats.spare_error,
                space_left = stats.space_left,
                "no further journal segment can be made: when those that are ready are full, clicks get no claim and strict \
                 programmes answer 503. Free space on the disk of the data folder, or mend what the error names; the journal \
                 goes on by itself"
            ),
            Self::Unblocked => tracing::info!("journal segments can be made again"),
            Self::SyncFailed => tracing::error!(
                failed = stats.sync_errors,
                "the disk failed to make clicks durable: they are written elsewhere. See the kernel's log, and move the data \
                 folder to a sound disk"
            ),
            Self::StandsStill => tracing::warn!(
                unsynced_ms,
                "the disk stands still: a power cut would take the clicks that are not on it, and strict programmes wait. \
                 Find out what holds it up"
            ),
            Self::GoesOn => tracing::info!("the disk goes on"),
            Self::Dead => tracing::error!(
                "a thread of the journal has ended: nothing gets to the disk any more. Take this edge out and restart it"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_said_when_it_begins_and_when_it_is_over() {
        let mut known = Known::default();
        let good = Stats { threads_alive: true, ..Stats::default() };
        let full = Stats { spare_error: Some("full".to_owned()), ..good.clone() };
        let failed = Stats { sync_errors: 1, ..good.clone() };
        let dead = Stats { threads_alive: false, ..failed.clone() };
        let looks: [(&Stats, u64, &[News]); 9] = [
            (&good, 0, &[]),
            (&full, 0, &[News::Blocked]),
            (&full, 1_999, &[]),
            (&full, 2_000, &[News::StandsStill]),
            (&good, 9_000, &[News::Unblocked]),
            (&failed, 0, &[News::GoesOn, News::SyncFailed]),
            (&failed, 0, &[]),
            (&dead, 0, &[News::Dead]),
            (&dead, 0, &[]),
        ];
        for (at, (stats, unsynced_ms, expected)) in looks.into_iter().enumerate() {
            assert_eq!(known.learn(stats, unsynced_ms), expected, "look {at}");
        }
    }
}
