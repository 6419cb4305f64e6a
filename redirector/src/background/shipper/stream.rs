//! One stream's way to the core: the loop that moves its cursor.

use super::fill::{Filled, fill};
use super::step_error::StepError;
use super::{Shipper, core_stream};
use crate::background::backoff::Backoff;
use crate::background::phase::{Phase, Phases};
use crate::background::{off_thread, seconds};
use crate::core_link::{LinkError, Retry};
use attribution_core::click::{Epoch, WorkerId};
use attribution_core::shipping::{BATCH_MAX_FRAMES, Batch, LostRange, ShipAck};
use attribution_core::time::Instant;
use attribution_core::with_causes;
use journal::{ReadError, Reader, StreamId, failpoint};
use std::ops::Range;
use std::time::Duration;

/// After so many jumps without a batch in between, core nodes contradict each other: then pause.
const JUMPS_AT_ONCE: u32 = 3;
/// With so many frames waiting, a batch need not wait for company.
const ENOUGH_COMPANY: u64 = 2_000;
/// So long the disk may refuse to read a frame before the frame is given up: a cable, a path or a volume may come back.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct StreamShipper<'a> {
    shipper: &'a Shipper,
    stream: StreamId,
    phases: Phases,
    /// The number of the next frame to ship.
    position: u64,
    reader: Option<Reader>,
    /// Since when the disk has not read the next frame.
    unreadable: Option<tokio::time::Instant>,
    /// Frames in the next batch at most; halved when the core refuses, doubled when it accepts.
    limit: u32,
    /// The core said that it stands exactly here; what is missing here is lost to it.
    core_expects: Option<u64>,
    backoff: Backoff,
    failing: bool,
    /// Times the core sent us elsewhere since it last took a batch.
    jumps: u32,
}

impl<'a> StreamShipper<'a> {
    pub(super) fn new(shipper: &'a Shipper, stream: StreamId, phases: Phases) -> Self {
        let position = shipper.progress.get(stream).map_or(0, |progress| progress.shipped);
        Self {
            shipper,
            stream,
            phases,
            position,
            reader: None,
            unreadable: None,
            limit: BATCH_MAX_FRAMES,
            core_expects: None,
            backoff: Backoff::new(Duration::from_millis(50), Duration::from_secs(10), shipper.options.jitter),
            failing: false,
            jumps: 0,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            if let Some(next_sequence) = self.asked_back()
                && let Err(error) = self.go_to(next_sequence)
            {
                self.pause_after(&error).await;
            }
            if self.position >= self.shipper.streams.end(self.stream) {
                if !self.more().await {
                    return;
                }
                continue;
            }
            let Ok(permit) = self.shipper.permits.acquire().await else { return };
            let step = self.step().await;
            drop(permit);
            match step {
                Ok(()) => {
                    if self.failing {
                        tracing::info!(stream = %self.stream, position = self.position, "shipping goes on");
                    }
                    self.failing = false;
                    self.backoff.reset();
                    self.linger().await;
                }
                Err(error) => self.pause_after(&error).await,
            }
        }
    }

    /// Where the core's answer to a heartbeat sends this stream, if that lies before where it stands.
    fn asked_back(&self) -> Option<u64> {
        let mut asked = None;
        self.shipper.progress.update(self.stream, |progress| asked = progress.go_back.take());
        asked.filter(|next_sequence| *next_sequence < self.position)
    }

    /// Waits for more frames; `false` if there will be none.
    async fn more(&mut self) -> bool {
        let Shipper { streams, .. } = self.shipper;
        let (stream, position) = (self.stream, self.position);
        if self.phases.now() == Phase::Stop {
            return false;
        }
        let progress = || self.shipper.progress.get(stream);
        let sent_back = || progress().is_some_and(|p| p.go_back.is_some());
        if streams.is_ended(stream) {
            // Until the core has heard that this was all it may still send us back.
            let settled = || progress().is_none_or(|p| p.heard_whole);
            streams.any_progress(|| settled() || sent_back(), &self.phases, Phase::Drain).await;
            return !settled() && self.phases.now() == Phase::Run;
        }
        // While draining nobody writes any more, but what was written may still be on its way to the disk.
        let draining = self.phases.now() == Phase::Drain;
        if draining && position >= streams.written(stream) {
            return false;
        }
        let until = if draining { Phase::Stop } else { Phase::Drain };
        let more = || streams.end(stream) > position || sent_back();
        streams.any_progress(more, &self.phases, until).await;
        self.linger().await;
        true
    }

    /// Lets a small batch of a live stream wait for company.
    async fn linger(&mut self) {
        let waiting = self.shipper.streams.end(self.stream).saturating_sub(self.position);
        if waiting < ENOUGH_COMPANY && !self.shipper.streams.is_ended(self.stream) {
            self.phases.pause(self.shipper.options.linger, Phase::Drain).await;
        }
    }

    /// Ships one batch, or reports one range as lost.
    async fn step(&mut self) -> Result<(), StepError> {
        let below = self.shipper.streams.end(self.stream);
        let position = self.position;
        let here = self.reader.take().filter(|reader| reader.position() == position);
        let mut reader = match here.or_else(|| self.shipper.streams.reader(self.stream, position)) {
            Some(reader) => reader,
            None => return Err(StepError::Gone),
        };
        reader.give_up_unreadable(self.unreadable.is_some_and(|since| since.elapsed() >= PATIENCE));
        let batch = Batch::new(core_stream(self.stream), position);
        let limit = self.limit;
        // A disk that stalls must not stall what shares our threads.
        let (reader, filled) = off_thread(move || {
            let filled = fill(&mut reader, below, limit, batch);
            (reader, filled)
        })
        .await;
        self.reader = Some(reader);
        match filled {
            Err(ReadError::Unreadable(_)) => {
                self.unreadable = self.unreadable.or(Some(tokio::time::Instant::now()));
            }
            Err(_) => {}
            Ok(_) => self.unreadable = None,
        }
        match filled? {
            Filled::Batch { batch, times } => self.ship(batch, times).await,
            Filled::Nothing => {
                self.phases.pause(self.shipper.options.linger, Phase::Stop).await;
                Ok(())
            }
            Filled::Lost(range) => {
                self.reader = None;
                self.report_lost(range).await
            }
            Filled::Released { first } => {
                self.reader = None;
                if self.core_expects == Some(position) {
                    return self.report_lost(position..first).await;
                }
                // Our cursor was older than our releases: the core has these frames, and will say so if not.
                self.position = first;
                Ok(())
            }
        }
    }

    async fn ship(&mut self, batch: Batch, times: (Instant, Instant)) -> Result<(), StepError> {
        let shipper = self.shipper;
        let (next, frames) = (batch.next_sequence(), u64::from(batch.len()));
        shipper.progress.update(self.stream, |progress| {
            progress.through.get_or_insert(times.0);
        });
        match shipper.link.ship(batch).await {
            Ok(ShipAck { next_sequence }) if next_sequence == next => {
                failpoint::reach("shipper.taken");
                metrics::counter!("yinke_ship_batches_total").increment(1);
                metrics::counter!("yinke_ship_frames_total").increment(frames);
                metrics::histogram!("yinke_ship_lag_seconds").record(seconds(times.0, (shipper.seams.now)()));
                #[expect(clippy::cast_precision_loss, reason = "a histogram takes floats")]
                metrics::histogram!("yinke_ship_batch_frames").record(frames as f64);
                self.jumps = 0;
                self.limit = self.limit.saturating_mul(2).min(BATCH_MAX_FRAMES);
                self.advance(next, Some(times.1));
                failpoint::reach("shipper.advanced");
                Ok(())
            }
            Ok(ShipAck { next_sequence }) => self.go_to(next_sequence),
            Err(error) => {
                if let Retry::From(next_sequence) = error.retry() {
                    return self.go_to(next_sequence);
                }
                if matches!(error, LinkError::TooLarge | LinkError::Refused { .. }) {
                    // Halving finds the frame that the core does not like, and lets those before it through.
                    self.limit = (self.limit.min(u32::try_from(frames).unwrap_or(u32::MAX)) / 2).max(1);
                }
                Err(error.into())
            }
        }
    }

    /// The core has everything below `next`. The keeper makes the cursor durable and releases segments.
    fn advance(&mut self, next: u64, last: Option<Instant>) {
        self.position = next;
        self.core_expects = None;
        self.shipper.progress.update(self.stream, |progress| {
            progress.shipped = next;
            progress.through = last.or(progress.through);
        });
    }

    /// The core stands elsewhere.
    fn go_to(&mut self, next_sequence: u64) -> Result<(), StepError> {
        let end = self.shipper.streams.end(self.stream);
        let position = self.position;
        if next_sequence > end && self.shipper.streams.is_ended(self.stream) {
            // The end of an earlier start is damaged, and the core got it before: nothing is missing there.
            metrics::counter!("yinke_ship_core_ahead_total").increment(1);
            tracing::error!(stream = %self.stream, next_sequence, end, "the core has more of an ended stream than is left here");
            self.reader = None;
            self.advance(end, None);
            return Ok(());
        }
        if next_sequence > end {
            return Err(StepError::CoreAhead { next_sequence, end });
        }
        self.jumps += 1;
        if next_sequence == position || self.jumps > JUMPS_AT_ONCE {
            self.jumps = 0;
            return Err(
                LinkError::BadAnswer("the core contradicts itself about its cursor".to_owned()).into()
            );
        }
        metrics::counter!("yinke_ship_rewinds_total").increment(1);
        tracing::warn!(stream = %self.stream, position, next_sequence, "the core's cursor is elsewhere; going there");
        self.reader = None;
        if next_sequence > position {
            self.advance(next_sequence, None);
        } else {
            self.position = next_sequence;
            self.core_expects = Some(next_sequence);
            // Nobody knows the time of the frame before; the next one that is read says how far this reaches.
            self.shipper.progress.update(self.stream, |progress| {
                (progress.shipped, progress.through) = (next_sequence, None);
            });
        }
        Ok(())
    }

    async fn report_lost(&mut self, range: Range<u64>) -> Result<(), StepError> {
        let StreamId { epoch, worker, .. } = self.stream;
        let lost =
            LostRange { epoch: Epoch(epoch), worker: WorkerId(worker), from: range.start, to: range.end };
        self.shipper.link.lost(core_stream(self.stream).edge, vec![lost]).await?;
        let frames = range.end - range.start;
        metrics::counter!("yinke_ship_lost_frames_total").increment(frames);
        tracing::error!(stream = %self.stream, from = range.start, to = range.end, "frames are lost");
        self.shipper.progress.update(self.stream, |progress| progress.lost += frames);
        self.advance(range.end, None);
        Ok(())
    }

    async fn pause_after(&mut self, error: &StepError) {
        metrics::counter!("yinke_ship_errors_total", "reason" => error.reason()).increment(1);
        let stream = self.stream;
        let position = self.position;
        if error.needs_repair() {
            tracing::error!(%stream, position, error = with_causes(error), "shipping needs help");
        } else if !self.failing {
            tracing::warn!(%stream, position, error = with_causes(error), "shipping pauses");
        }
        self.failing = true;
        let pause = self.backoff.pause(error.retry_after());
        self.phases.pause(pause, Phase::Stop).await;
    }
}
