//! Tells the core every second how the edge stands: what it has applied, and how far each stream has come.
//!
//! An ended stream is spoken of until the core has heard that it is whole; only then may its last segments go. So the
//! core always learns how a start of the edge ended, and how many clicks were in doubt.

use super::phase::{Phase, Phases};
use super::progress::{Progress, StreamProgress};
use super::streams::Streams;
use super::{BackgroundOptions, Contact, Seams, off_thread, seconds};
use crate::core_link::{CoreLink, LinkError};
use attribution_core::click::{EdgeId, Epoch, WorkerId};
use attribution_core::history::FeedPosition;
use attribution_core::record::{KIND_CLICK, Tally};
use attribution_core::shipping::{Heartbeat, StreamCursor, StreamStatus};
use attribution_core::with_causes;
use journal::{ReadError, StreamId, failpoint};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Frames from the end of an ended stream that are searched for its last tally before all of it is.
const TALLY_IS_NEAR: u64 = 65_536;

/// How an ended stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Ending {
    /// Its last tally, with the click frames behind it counted as recorded.
    tally: Tally,
    /// Clicks that were recorded and perhaps not answered.
    in_doubt: u64,
}

/// Tells the core how the edge stands.
pub(super) struct Heart {
    edge: EdgeId,
    link: Arc<dyn CoreLink>,
    seams: Arc<Seams>,
    options: Arc<BackgroundOptions>,
    contact: Arc<Contact>,
    streams: Arc<Streams>,
    progress: Arc<Progress>,
    endings: Mutex<BTreeMap<StreamId, Ending>>,
}

impl Heart {
    pub(super) fn new(
        edge: EdgeId,
        link: Arc<dyn CoreLink>,
        seams: &Arc<Seams>,
        options: &Arc<BackgroundOptions>,
        contact: Arc<Contact>,
        streams: &Arc<Streams>,
        progress: &Arc<Progress>,
    ) -> Self {
        Self {
            edge,
            link,
            seams: Arc::clone(seams),
            options: Arc::clone(options),
            contact,
            streams: Arc::clone(streams),
            progress: Arc::clone(progress),
            endings: Mutex::default(),
        }
    }

    /// Beats until the phase is no longer [`Phase::Run`].
    pub(super) async fn run(self: Arc<Self>, phases: Phases) {
        while phases.now() == Phase::Run {
            if let Err(error) = self.beat().await {
                metrics::counter!("yinke_edge_heartbeat_errors_total", "reason" => error.reason())
                    .increment(1);
                tracing::debug!(error = with_causes(&error), "the core did not take a heartbeat");
            }
            phases.pause(self.options.heartbeat_every, Phase::Drain).await;
        }
    }

    /// One heartbeat.
    pub(super) async fn beat(self: &Arc<Self>) -> Result<(), LinkError> {
        let heart = Arc::clone(self);
        // The first beat after a crash reads the ends of what the earlier start left.
        let (heartbeat, mut whole) = off_thread(move || heart.status()).await;
        let ack = self.link.heartbeat(heartbeat).await?;
        failpoint::reach("heartbeat.heard");
        for StreamCursor { epoch, worker, next_sequence } in &ack.behind {
            let stream = StreamId { edge: self.edge.0, epoch: epoch.0, worker: worker.0 };
            whole.retain(|other| *other != stream);
            // Until the shipper has gone there, too, nothing may be said to be shipped.
            self.progress.update(stream, |progress| {
                progress.shipped = progress.shipped.min(*next_sequence);
                (progress.go_back, progress.through) = (Some(*next_sequence), None);
            });
        }
        let news = !ack.behind.is_empty() || !whole.is_empty();
        for stream in whole {
            self.progress.update(stream, |progress| progress.heard_whole = true);
        }
        if news {
            self.streams.look_again();
        }
        Ok(())
    }

    /// The status of all streams, and the ended ones that it says to be whole.
    fn status(&self) -> (Heartbeat, Vec<StreamId>) {
        let at = (self.seams.now)();
        let shipped_through = self.progress.shipped_through(at, |stream| self.streams.written(stream));
        let mut whole = Vec::new();
        let mut pending = 0;
        let mut streams = Vec::new();
        for (stream, progress) in self.progress.all().into_iter().filter(|(_, p)| !p.heard_whole) {
            let status = match self.stream_status(stream, &progress) {
                Ok(status) => status,
                Err(error) => {
                    let error = with_causes(&error);
                    tracing::error!(%stream, error, "the end of a stream could not be read; trying again");
                    continue;
                }
            };
            pending += status.appended.saturating_sub(status.shipped);
            if !status.live && status.shipped >= status.durable {
                whole.push(stream);
            }
            streams.push(status);
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("yinke_ship_pending_frames").set(pending as f64);
        metrics::gauge!("yinke_ship_behind_seconds").set(seconds(shipped_through, at));
        let FeedPosition { history, number: applied } = self.contact.position();
        (Heartbeat { edge: self.edge, at, history, applied, shipped_through, streams }, whole)
    }

    fn stream_status(&self, stream: StreamId, progress: &StreamProgress) -> Result<StreamStatus, ReadError> {
        // Read in this order, so that shipped <= durable <= appended holds in every status.
        let durable = self.streams.end(stream);
        let appended = self.streams.written(stream);
        let worker = WorkerId(stream.worker);
        let Ending { tally, in_doubt } = if progress.live {
            Ending { tally: (self.seams.tally)(worker), in_doubt: 0 }
        } else {
            self.ending(stream)?
        };
        Ok(StreamStatus {
            epoch: Epoch(stream.epoch),
            worker,
            live: progress.live,
            tally: tally.into(),
            in_doubt,
            appended,
            durable,
            shipped: progress.shipped,
            quarantined: progress.lost,
            incomplete: self.streams.is_incomplete(stream),
        })
    }

    fn ending(&self, stream: StreamId) -> Result<Ending, ReadError> {
        let lock = || self.endings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&stream) {
            return Ok(*known);
        }
        let ending = find_ending(&self.streams, stream)?;
        lock().insert(stream, ending);
        Ok(ending)
    }
}

/// Searches the end of a stream for its last tally, then all of it.
fn find_ending(streams: &Streams, stream: StreamId) -> Result<Ending, ReadError> {
    let end = streams.end(stream);
    let near = end.saturating_sub(TALLY_IS_NEAR);
    let (found, ending) = scan(streams, stream, near)?;
    let mut ending = if found || near == 0 { ending } else { scan(streams, stream, 0)?.1 };
    // Answers that waited for their frames when the tally was written may have left as well, or not: all that was
    // recorded and not counted as answered is in doubt. Clients that had gone are among them; that errs on the safe
    // side.
    if !streams.closed_in_order(stream) {
        ending.in_doubt = ending.tally.recorded.saturating_sub(ending.tally.answered);
    }
    Ok(ending)
}

/// Reads from `from` to the end: whether there was a tally, and how the stream ended. Frames that cannot be read are
/// no clicks in doubt: they are named as lost.
///
/// # Errors
/// If the disk does not read now.
fn scan(streams: &Streams, stream: StreamId, from: u64) -> Result<(bool, Ending), ReadError> {
    let end = streams.end(stream);
    let (mut found, mut ending) = (false, Ending::default());
    let Some(mut reader) = streams.reader(stream, from) else { return Ok((found, ending)) };
    loop {
        match reader.next(end) {
            Ok(Some(frame)) => {
                if let Ok(tally) = Tally::decode(frame.payload) {
                    (found, ending) = (true, Ending { tally, in_doubt: 0 });
                } else if frame.payload.first() == Some(&KIND_CLICK) {
                    ending.tally.recorded += 1;
                }
            }
            Err(ReadError::Damaged { .. } | ReadError::Released { .. }) => {}
            Ok(None) => return Ok((found, ending)),
            Err(error @ (ReadError::Open(_) | ReadError::Unreadable(_))) => return Err(error),
        }
    }
}
