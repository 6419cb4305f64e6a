//! Tells Redis who holds which visitor, from the same journal as the shipper and with a cursor of its own.
//!
//! The records are a view (see [`attribution_core::holder`]): whoever loses them loses no click, and the core's
//! decisions overrule them. So Redis may be away, slow, or full, and nothing else of the edge notices; the journal
//! waits for it for a while and then goes on without it. A cursor moves only after Redis has answered. A repetition is
//! harmless, therefore everything that the journal still has is told again to a server that was restarted.

mod claims;

use super::backoff::Backoff;
use super::phase::{Phase, Phases};
use super::progress::Progress;
use super::shipper::core_stream;
use super::streams::Streams;
use super::{RecorderOptions, Seams, off_thread, seconds};
use attribution_core::time::Instant;
use attribution_core::with_causes;
use claims::Claims;
use journal::{ReadError, Reader, StreamId};
use redis_view::{Server, ServerError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Frames read before Redis is told.
const FRAMES_PER_ROUND: u64 = 20_000;
/// Script calls in one pipeline: some thousand records.
const CALLS_PER_PIPELINE: usize = 64;
/// Claims wait for company at most so long.
const LINGER: Duration = Duration::from_millis(25);
/// How often a standing connection is asked again whether it evicts: an operator may have changed it.
const CHECK_EVERY: Duration = Duration::from_secs(5);

/// Tells Redis who holds which visitor.
pub(super) struct Recorder {
    pub(super) options: RecorderOptions,
    pub(super) jitter: fn() -> u32,
    pub(super) seams: Arc<Seams>,
    pub(super) streams: Arc<Streams>,
    pub(super) progress: Arc<Progress>,
}

/// The claims of one round, and where the streams stand once they are told.
#[derive(Default)]
struct Round {
    claims: Claims,
    positions: Vec<(StreamId, u64)>,
    oldest: Option<Instant>,
}

impl Recorder {
    /// Works until the phase says drain and nothing is left or Redis is away.
    pub(super) async fn run(self: Arc<Self>, phases: Phases) {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5), self.jitter);
        let mut readers = BTreeMap::new();
        let mut server = None;
        let mut known_run = None;
        let mut away = None;
        while phases.now() != Phase::Stop {
            let told = match self.connected(&mut server, &mut known_run).await {
                Ok(server) => {
                    let (recorder, mut kept) = (Arc::clone(&self), std::mem::take(&mut readers));
                    // A disk that stalls must not stall what shares our threads.
                    let (round, kept) = off_thread(move || (recorder.read(&mut kept), kept)).await;
                    readers = kept;
                    if round.positions.is_empty() {
                        if phases.now() == Phase::Drain {
                            return;
                        }
                        // Without news too the server is looked at now and then: one that has failed over while nobody
                        // clicked may have lost what it was told.
                        let news = self.streams.any_progress(|| self.has_news(), &phases, Phase::Drain);
                        if tokio::time::timeout(CHECK_EVERY, news).await.is_ok() {
                            phases.pause(LINGER, Phase::Drain).await;
                        }
                        continue;
                    }
                    self.tell(server, round).await
                }
                Err(error) => Err(error),
            };
            match told {
                Ok(()) => {
                    backoff.reset();
                    if away.take().is_some() {
                        tracing::info!("redis is told again who holds whom");
                    }
                }
                Err(error) => {
                    server = None;
                    let reason = error.reason();
                    metrics::counter!("yinke_redis_errors_total", "reason" => reason).increment(1);
                    if error.needs_repair() {
                        tracing::error!(error = with_causes(&error), "redis needs help");
                    } else if away != Some(reason) {
                        tracing::warn!(
                            error = with_causes(&error),
                            "redis is away; what it lacks is told later"
                        );
                    }
                    away = Some(reason);
                    if !phases.pause(backoff.pause(None), Phase::Drain).await {
                        return; // a view is not worth a slow end: the next start goes on at the cursor
                    }
                }
            }
        }
    }

    /// A checked connection; a new one begins anew where the server is another run than before.
    async fn connected<'a>(
        &self,
        slot: &'a mut Option<(Server, tokio::time::Instant)>,
        known_run: &mut Option<String>,
    ) -> Result<&'a mut Server, ServerError> {
        if let Some((mut server, mut checked)) = slot.take() {
            let due = checked.elapsed() >= CHECK_EVERY;
            if due {
                server.refuse_eviction().await?;
                checked = tokio::time::Instant::now();
            }
            // A cluster's failover: another primary may have lost what it was told.
            if !due || known_run.as_ref() == Some(&server.run_id().await?) {
                return Ok(&mut slot.insert((server, checked)).0);
            }
        }
        let mut server = Server::connect(&self.options.redis).await?;
        let run = server.run_id().await?;
        if known_run.as_ref().is_some_and(|known| *known != run) {
            metrics::counter!("yinke_redis_rewinds_total").increment(1);
            tracing::warn!("redis was restarted; telling it again what the journal still has");
            for (stream, first) in self.streams.firsts() {
                self.progress.update(stream, |p| p.recorded = p.recorded.map(|at| at.min(first)));
            }
        }
        *known_run = Some(run);
        Ok(&mut slot.insert((server, tokio::time::Instant::now())).0)
    }

    fn has_news(&self) -> bool {
        self.progress.all().iter().any(|(stream, progress)| {
            progress.recorded.is_some_and(|recorded| recorded < self.streams.end(*stream))
        })
    }

    /// Reads what Redis has not been told, from every stream its share.
    fn read(&self, readers: &mut BTreeMap<StreamId, Reader>) -> Round {
        let mut round = Round::default();
        let all = self.progress.all();
        readers.retain(|stream, _| all.iter().any(|(other, _)| other == stream));
        let mut pending: u64 = 0;
        let behind: Vec<_> = all
            .into_iter()
            .filter_map(|(stream, progress)| {
                let (from, end) = (progress.recorded?, self.streams.end(stream));
                pending += end.saturating_sub(from);
                (from < end).then_some((stream, from, end, progress.shipped))
            })
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("yinke_redis_pending_frames").set(pending as f64);
        let share = FRAMES_PER_ROUND / (behind.len() as u64).max(1);
        for (stream, from, end, shipped) in behind {
            if readers.get(&stream).is_none_or(|reader| reader.position() != from) {
                let Some(reader) = self.streams.reader(stream, from) else { continue };
                readers.insert(stream, reader);
            }
            let Some(reader) = readers.get_mut(&stream) else { continue };
            // The shipper is the patient one; what it has given up, and what the core has, is not waited for.
            reader.give_up_unreadable(shipped > from);
            self.read_stream(stream, reader, end.min(from + share.max(1)), &mut round);
            if reader.position() > from {
                round.positions.push((stream, reader.position()));
            }
        }
        round
    }

    fn read_stream(&self, stream: StreamId, reader: &mut Reader, below: u64, round: &mut Round) {
        loop {
            match reader.next(below) {
                Ok(Some(frame)) => {
                    let at = Instant(frame.at_ms);
                    round.oldest = Some(round.oldest.map_or(at, |oldest| oldest.min(at)));
                    let name = core_stream(stream);
                    round.claims.add(name, frame.sequence, at, frame.payload, &*self.seams.terms);
                }
                // The shipper names the lost frames; released ones are the core's to tell.
                Err(ReadError::Damaged { .. } | ReadError::Released { .. }) => {}
                Ok(None) | Err(ReadError::Open(_) | ReadError::Unreadable(_)) => return,
            }
        }
    }

    async fn tell(&self, server: &mut Server, round: Round) -> Result<(), ServerError> {
        let Round { claims, positions, oldest } = round;
        metrics::counter!("yinke_redis_unreadable_total").increment(claims.unreadable);
        for calls in claims.into_calls().chunks(CALLS_PER_PIPELINE) {
            let written = server.fold(calls).await?;
            metrics::counter!("yinke_redis_records_total").increment(written.records);
            metrics::counter!("yinke_redis_newer_format_total").increment(written.newer_format);
        }
        for (stream, position) in positions {
            self.progress.update(stream, |progress| progress.recorded = Some(position));
        }
        if let Some(oldest) = oldest {
            metrics::histogram!("yinke_redis_lag_seconds").record(seconds(oldest, (self.seams.now)()));
        }
        Ok(())
    }
}
