//! A core in memory and the network to it: batches are late, lost, doubled and answered into the void; the core goes
//! away and comes back, once even from a backup. It keeps the agreement of the real one: batches and cursor move together.

use crate::chance::{below, one_in, true_now};
use crate::oracle::{Known, payload};
use attribution_core::catalogue::ChangePage;
use attribution_core::click::EdgeId;
use attribution_core::history::FeedPosition;
use attribution_core::shipping::{Batch, Heartbeat, HeartbeatAck, LostRange, ShipAck, StreamCursor};
use attribution_core::time::Instant;
use journal::StreamId;
use redirector::core_link::{CoreLink, LinkError, LinkFuture};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_millis(400);
/// The longest way through the network.
const TRAVEL: Duration = Duration::from_millis(20);

/// What the core has, and what is known of everything that was ever written.
#[derive(Default)]
pub(crate) struct Core {
    cursors: BTreeMap<StreamId, u64>,
    lost: BTreeMap<StreamId, Vec<Range<u64>>>,
    /// Everything before this is said to be in.
    through: BTreeMap<u16, Instant>,
    backup: Option<BTreeMap<StreamId, u64>>,
    down_until: Option<Instant>,
    calm: bool,
    late: Vec<(Instant, Batch)>,
    pub(crate) known: BTreeMap<StreamId, Known>,
    pub(crate) figures: Figures,
}

/// What happened, so that a test can see that it did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) frames: u64,
    pub(crate) named_lost: u64,
    pub(crate) cut_away: u64,
    pub(crate) repeated: u64,
    pub(crate) lives: u64,
    /// Frames that no room was left for.
    pub(crate) refused: u64,
    /// Starts on a disk on which no segment could be made.
    pub(crate) full_starts: u64,
    /// Such starts that a person had to make room for.
    pub(crate) helped: u64,
}

/// The way to the core.
#[derive(Clone, Default)]
pub(crate) struct Network(Arc<Mutex<Core>>);

impl Network {
    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        self.0.lock().unwrap()
    }

    /// A call that fails before it gets there, or `None`.
    fn before(&self) -> Option<LinkError> {
        let mut core = self.core();
        core.deliver_late();
        if core.down_until.is_some_and(|until| true_now() < until) {
            return Some(LinkError::Unreachable("down".into()));
        }
        if core.calm || !one_in(8) {
            return None;
        }
        Some(match below(4) {
            0 => LinkError::TimedOut(DEADLINE),
            1 => LinkError::Busy { retry_after: one_in(2).then_some(Duration::from_millis(700)) },
            2 => LinkError::Failed("told to".to_owned()),
            _ => LinkError::Unreachable("lost on the way".into()),
        })
    }

    /// A call that took effect and whose answer gets lost, or `None`.
    fn after(&self) -> Option<LinkError> {
        let lost = !self.core().calm && one_in(8);
        lost.then(|| {
            if one_in(2) { LinkError::TimedOut(DEADLINE) } else { LinkError::Unreachable("cut".into()) }
        })
    }

    async fn travel() {
        tokio::time::sleep(Duration::from_micros(below(u64::try_from(TRAVEL.as_micros()).unwrap()))).await;
    }
}

impl Core {
    /// Away for so long.
    pub(crate) fn go_down(&mut self, millis: u64) {
        self.down_until = Some(true_now().plus(i64::try_from(millis).unwrap()));
    }

    /// From now on everything arrives.
    pub(crate) fn calm_down(&mut self) {
        (self.calm, self.down_until) = (true, None);
    }

    pub(crate) fn back_up(&mut self) {
        self.backup = Some(self.cursors.clone());
    }

    /// Goes back to the backup: what came since must be delivered again, or be named where it is gone.
    pub(crate) fn restore(&mut self) {
        let Some(backup) = self.backup.take() else { return };
        for (stream, had) in std::mem::replace(&mut self.cursors, backup) {
            let known = self.known.get_mut(&stream).unwrap();
            known.had_once = known.had_once.max(had);
            let cursor = self.cursors.get(&stream).copied().unwrap_or(0);
            let lost = self.lost.entry(stream).or_default();
            lost.retain(|range| range.end <= cursor);
        }
        self.through.clear();
    }

    pub(crate) fn cursor(&self, stream: StreamId) -> u64 {
        self.cursors.get(&stream).copied().unwrap_or(0)
    }

    /// Batches that were given up long ago arrive nevertheless.
    fn deliver_late(&mut self) {
        let (due, late) = std::mem::take(&mut self.late).into_iter().partition(|(at, _)| *at <= true_now());
        self.late = late;
        let due: Vec<(Instant, Batch)> = due;
        for (_, batch) in due {
            let _ = self.take(&batch); // nobody hears the answer
        }
    }

    fn take(&mut self, batch: &Batch) -> Result<ShipAck, LinkError> {
        let name = batch.stream();
        let stream = StreamId { edge: name.edge.0, epoch: name.epoch.0, worker: name.worker.0 };
        let known = self.known.get(&stream).unwrap_or_else(|| panic!("{stream}: nobody wrote it"));
        let cursor = self.cursors.entry(stream).or_default();
        if batch.first_sequence() > *cursor {
            return Err(LinkError::CursorMismatch { next_sequence: *cursor });
        }
        assert!(!batch.is_empty(), "an empty batch");
        assert!(batch.next_sequence() <= known.written(), "{stream}: shipped what was never written");
        let through = self.through.get(&stream.edge).copied().unwrap_or(Instant(0));
        for frame in batch.frames() {
            assert_eq!(
                frame.payload,
                payload(stream, frame.sequence),
                "{stream} {}: other bytes",
                frame.sequence
            );
            assert_eq!(frame.at.millis(), known.times[usize::try_from(frame.sequence).unwrap()]);
            if frame.sequence >= *cursor {
                // What was damaged and is not known any more may still be on its way from an earlier life.
                let early = frame.at < through
                    && frame.sequence >= known.had_once
                    && !known.damaged.contains(&frame.sequence)
                    && !known.may_be_early(frame.sequence);
                assert!(
                    !early,
                    "{stream} {}: of {}, came after {} was said to be through",
                    frame.sequence, frame.at.0, through.0
                );
                self.figures.frames += 1;
            } else {
                self.figures.repeated += 1;
            }
        }
        *cursor = (*cursor).max(batch.next_sequence());
        Ok(ShipAck { next_sequence: *cursor })
    }

    fn lose(&mut self, edge: EdgeId, ranges: &[LostRange]) {
        for range in ranges {
            let stream = StreamId { edge: edge.0, epoch: range.epoch.0, worker: range.worker.0 };
            let cursor = self.cursors.entry(stream).or_default();
            if (range.from..range.to).contains(cursor) {
                let new = *cursor..range.to;
                self.known[&stream].may_be_lost(stream, new.clone());
                self.figures.named_lost += new.end - new.start;
                *cursor = range.to;
                self.lost.entry(stream).or_default().push(new);
            }
        }
    }

    fn hear(&mut self, beat: &Heartbeat) -> HeartbeatAck {
        let mut behind = Vec::new();
        for status in &beat.streams {
            let stream = StreamId { edge: beat.edge.0, epoch: status.epoch.0, worker: status.worker.0 };
            assert!(status.durable <= status.appended, "{stream}: {status:?}");
            let next_sequence = self.cursor(stream);
            if next_sequence < status.shipped {
                behind.push(StreamCursor { epoch: status.epoch, worker: status.worker, next_sequence });
            }
        }
        if behind.is_empty() {
            // As the core does it: what the edge's clock runs ahead is taken off. How long the heartbeat was on its way
            // looks like a clock that runs behind.
            let ahead = beat.at.millis() - true_now().millis();
            let on_its_way = if ahead > 0 { i64::try_from(TRAVEL.as_millis()).unwrap() } else { 0 };
            let said = beat.shipped_through.plus(-ahead.max(0)).min(true_now()).plus(-on_its_way);
            let through = self.through.entry(beat.edge.0).or_insert(Instant(0));
            *through = (*through).max(said);
        }
        HeartbeatAck { behind }
    }
}

impl CoreLink for Network {
    fn ship(&self, batch: Batch) -> LinkFuture<'_, ShipAck> {
        Box::pin(async move {
            Self::travel().await;
            if let Some(error) = self.before() {
                if one_in(3) {
                    let at = true_now().plus(i64::try_from(below(20_000)).unwrap());
                    self.core().late.push((at, batch));
                }
                return Err(error);
            }
            let done = self.core().take(&batch);
            if !self.core().calm && one_in(10) {
                let _ = self.core().take(&batch); // twice
            }
            Self::travel().await;
            match self.after() {
                Some(error) => Err(error),
                None => done,
            }
        })
    }

    fn changes(&self, _: FeedPosition, _: u32) -> LinkFuture<'_, ChangePage> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Err(LinkError::TimedOut(DEADLINE))
        })
    }

    fn heartbeat(&self, heartbeat: Heartbeat) -> LinkFuture<'_, HeartbeatAck> {
        Box::pin(async move {
            Self::travel().await;
            if let Some(error) = self.before() {
                return Err(error);
            }
            let done = self.core().hear(&heartbeat);
            Self::travel().await;
            self.after().map_or(Ok(done), Err)
        })
    }

    fn lost(&self, edge: EdgeId, ranges: Vec<LostRange>) -> LinkFuture<'_, ()> {
        Box::pin(async move {
            Self::travel().await;
            if let Some(error) = self.before() {
                return Err(error);
            }
            self.core().lose(edge, &ranges);
            self.after().map_or(Ok(()), Err)
        })
    }
}
