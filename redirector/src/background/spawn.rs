//! Starts the background's workers, notices when one dies, and ends them in order.

use super::feed::Feed;
use super::heartbeat::Heart;
use super::keeper::Keeper;
use super::phase::{Phase, Phases, Switch};
use super::progress::{Progress, StreamProgress};
use super::recorder::Recorder;
use super::shipper::Shipper;
use super::streams::Streams;
use super::watch::Watch;
use super::{BackgroundOptions, Contact, Seams, describe};
use crate::core_link::CoreLink;
use attribution_core::click::EdgeId;
use attribution_core::time::Instant;
use journal::{Journal, StreamId};
use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// The shipper's cursor in the journal.
const SHIP: &str = "ship";
/// The recorder's cursor in the journal.
const REDIS: &str = "redis";
/// A worker that died is started again after this pause. It goes on at its cursor.
const RESTART_AFTER: Duration = Duration::from_secs(1);
/// For the last heartbeat of a shutdown.
const LAST_BEAT: Duration = Duration::from_millis(500);

/// The names of the cursors that the journal must be opened with.
pub fn cursor_names(options: &BackgroundOptions) -> Vec<String> {
    let redis = options.recorder.as_ref().map(|_| REDIS.to_owned());
    [SHIP.to_owned()].into_iter().chain(redis).collect()
}

/// What the background works with.
pub struct Parts {
    /// This edge.
    pub edge: EdgeId,
    /// When the live streams began: their frames have no earlier times, but for steps back.
    pub begun: Instant,
    /// The core.
    pub link: Arc<dyn CoreLink>,
    /// The journal, opened with [`cursor_names`].
    pub journal: Arc<Journal>,
    /// How far the table follows the core; the workers read it too.
    pub contact: Arc<Contact>,
    /// Streams whose end the journal found damaged or gone; the core is told.
    pub incomplete: BTreeSet<StreamId>,
    /// The edge's functions.
    pub seams: Seams,
    /// How to work.
    pub options: BackgroundOptions,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts")
            .field("edge", &self.edge)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// The running background.
pub struct Background {
    /// Its own, if it has one.
    runtime: Option<Runtime>,
    handle: Handle,
    phase: Switch,
    workers: JoinSet<()>,
    heart: Arc<Heart>,
    keeper: Arc<Keeper>,
    streams: Arc<Streams>,
    progress: Arc<Progress>,
    seams: Arc<Seams>,
}

impl std::fmt::Debug for Background {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Background(..)")
    }
}

/// What a shutdown left for the next start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Frames that the core does not have yet.
    pub unshipped: u64,
    /// The deadline passed before everything was shipped.
    pub deadline_passed: bool,
}

/// Why the background did not start.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The journal was opened without [`cursor_names`].
    #[error("the journal was opened without the cursor {0:?}")]
    Cursor(&'static str),
    /// The system gives no threads.
    #[error("no threads for the background")]
    Threads(#[from] io::Error),
}

/// Starts the background. Call it before the edge serves.
///
/// # Errors
/// If no threads can be made, or the journal was opened without the cursors' names.
pub fn spawn(parts: Parts) -> Result<Background, SpawnError> {
    let runtime =
        Builder::new_multi_thread().worker_threads(2).thread_name("yinke-back").enable_all().build()?;
    match spawn_on(parts, runtime.handle()) {
        Ok(mut background) => {
            background.runtime = Some(runtime);
            Ok(background)
        }
        Err(error) => {
            // Dropping a runtime waits for its threads, which is not allowed in an async context.
            runtime.shutdown_background();
            Err(error)
        }
    }
}

/// Starts the background on a runtime of the caller's: a simulation's, whose time is its own.
///
/// # Errors
/// If the journal was opened without the cursors' names.
pub fn spawn_on(parts: Parts, handle: &Handle) -> Result<Background, SpawnError> {
    let Parts { edge, begun, link, journal, contact, incomplete, seams, options } = parts;
    describe::metrics();
    let (seams, options) = (Arc::new(seams), Arc::new(options));
    let progress = Arc::new(Progress::new(&seams));
    let keeper = Arc::new(Keeper {
        options: Arc::clone(&options),
        streams: Streams::new(Arc::clone(&journal), incomplete),
        progress: Arc::clone(&progress),
        ship: journal.cursors(SHIP).ok_or(SpawnError::Cursor(SHIP))?,
        redis: match &options.recorder {
            Some(_) => Some(journal.cursors(REDIS).ok_or(SpawnError::Cursor(REDIS))?),
            None => None,
        },
    });
    let streams = Arc::clone(&keeper.streams);
    for stream in streams.all() {
        progress.insert(stream, where_it_stands(&keeper, stream, begun));
    }

    let (phase, phases) = Phases::new();
    let mut crew = Crew { workers: JoinSet::new(), handle, phases };
    crew.ship(Shipper {
        link: Arc::clone(&link),
        seams: Arc::clone(&seams),
        options: Arc::clone(&options),
        streams: Arc::clone(&streams),
        progress: Arc::clone(&progress),
        permits: Semaphore::new(options.batches_in_flight.max(1)),
    });
    let feed = Feed {
        link: Arc::clone(&link),
        seams: Arc::clone(&seams),
        contact: Arc::clone(&contact),
        options: Arc::clone(&options),
    };
    crew.start("feed", &Arc::new(feed), |feed, phases| async move { feed.run(phases).await });
    let heart = Arc::new(Heart::new(edge, link, &seams, &options, contact, &streams, &progress));
    crew.start("heartbeat", &heart, Heart::run);
    crew.start("keeper", &keeper, Keeper::run);
    crew.start("watch", &Arc::new(Watch { streams: Arc::clone(&streams) }), Watch::run);
    if let Some(recorder) = &options.recorder {
        let recorder = Recorder {
            options: recorder.clone(),
            jitter: options.jitter,
            seams: Arc::clone(&seams),
            streams: Arc::clone(&streams),
            progress: Arc::clone(&progress),
        };
        crew.start("recorder", &Arc::new(recorder), Recorder::run);
    }
    let (runtime, handle, workers) = (None, handle.clone(), crew.workers);
    Ok(Background { runtime, handle, phase, workers, heart, keeper, streams, progress, seams })
}

/// How far a stream had come when this process began.
fn where_it_stands(keeper: &Keeper, stream: StreamId, begun: Instant) -> StreamProgress {
    let (streams, shipped) = (&keeper.streams, keeper.ship.get(stream));
    let live = !streams.is_ended(stream);
    StreamProgress {
        live,
        shipped,
        recorded: keeper.redis.as_ref().map(|cursors| cursors.get(stream)),
        through: live.then_some(begun),
        lost: 0,
        go_back: None,
        // Files that vanished unread are not released ones.
        heard_whole: streams.is_gone(stream) && shipped >= streams.end(stream),
    }
}

/// The workers. One that dies is started again, because it goes on at its cursor.
struct Crew<'h> {
    workers: JoinSet<()>,
    handle: &'h Handle,
    phases: Phases,
}

impl Crew<'_> {
    /// Has every stream shipped by a worker of its own.
    fn ship(&mut self, shipper: Shipper) {
        metrics::counter!("yinke_ship_lost_frames_total").increment(0); // an increase is seen from zero on
        let shipper = Arc::new(shipper);
        for stream in shipper.streams.all() {
            self.start("shipper", &shipper, move |shipper, phases| async move {
                shipper.run(stream, phases).await;
            });
        }
    }

    /// Starts a worker: `run` on `what`.
    fn start<W, F>(
        &mut self,
        name: &'static str,
        what: &Arc<W>,
        run: impl Fn(Arc<W>, Phases) -> F + Send + 'static,
    ) where
        W: Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let (what, phases) = (Arc::clone(what), self.phases.clone());
        let watch = async move {
            while tokio::spawn(run(Arc::clone(&what), phases.clone())).await.is_err() {
                metrics::counter!("yinke_edge_background_restarts_total", "worker" => name).increment(1);
                tracing::error!(worker = name, "a background worker died; it is started again");
                if !phases.pause(RESTART_AFTER, Phase::Stop).await {
                    return;
                }
            }
        };
        self.workers.spawn_on(watch, self.handle);
    }
}

/// Has an edge tell the core at once how it stands. Clones share it; it keeps nothing running.
#[derive(Clone)]
pub struct Pulse {
    heart: Arc<Heart>,
    runtime: Handle,
}

impl std::fmt::Debug for Pulse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pulse(..)")
    }
}

impl Pulse {
    /// One heartbeat now, besides those that come by themselves. Says whether the core took it.
    pub async fn beat(&self) -> bool {
        let heart = Arc::clone(&self.heart);
        let beat = self.runtime.spawn(async move { heart.beat().await.is_ok() });
        beat.await.unwrap_or(false) // the edge has ended
    }
}

impl Background {
    /// A way to have heartbeats made; `None` when the background ends.
    pub fn pulse(&self) -> Option<Pulse> {
        let runtime = self.runtime.as_ref()?.handle().clone();
        Some(Pulse { heart: Arc::clone(&self.heart), runtime })
    }

    /// The time before which everything this edge recorded is in the core.
    pub fn shipped_through(&self) -> Instant {
        let now = (self.seams.now)();
        self.progress.shipped_through(now, |stream| self.streams.written(stream))
    }

    /// Ends the background: ships what was written, tells Redis, saves the cursors, and says how the edge stands, all
    /// within `deadline`. Call it when no worker writes any more, and before the journal is closed.
    pub async fn shutdown(mut self, deadline: Duration) -> ShutdownReport {
        let begun = tokio::time::Instant::now();
        self.phase.set(Phase::Drain);
        let drained = async { while self.workers.join_next().await.is_some() {} };
        let deadline_passed =
            tokio::time::timeout(deadline.saturating_sub(LAST_BEAT), drained).await.is_err();
        self.phase.set(Phase::Stop);
        let (heart, keeper) = (Arc::clone(&self.heart), Arc::clone(&self.keeper));
        let last = self.handle.spawn(async move {
            keeper.keep().await;
            if heart.beat().await.is_ok() {
                keeper.keep().await;
            }
        });
        let rest = deadline.saturating_sub(begun.elapsed()).max(LAST_BEAT);
        let _ = tokio::time::timeout(rest, last).await; // the next start says it again
        let unshipped = self
            .progress
            .all()
            .iter()
            .map(|(stream, progress)| self.streams.written(*stream).saturating_sub(progress.shipped))
            .sum();
        ShutdownReport { unshipped, deadline_passed }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.phase.set(Phase::Stop);
        // Dropping a runtime waits for its threads, which is not allowed in an async context.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
