//! The work itself: news to Redis as they come, and everything where Redis may have lost something.
//!
//! A round reads a bounded part of what has changed, decides it, tells Redis, and only then takes it off the list. If
//! anything fails in between, the same is done again: decisions are repeated with a higher version and say the same.

use super::decide::{DECIDED_TOGETHER, decide, with_buyers};
use super::lease::{self, Name};
use super::outbox::{self, Left, Wanted};
use super::pass::{self, Pass, Walker};
use super::streams::{self, Stretch};
use crate::Core;
use crate::attribution::Who;
use crate::random::NoRandomness;
use crate::store::{Store, StoreError, Tx};
use crate::task::Task;
use attribution_core::time::Instant;
use attribution_core::with_causes;
use redis_view::{RedisOptions, Server, ServerError, Written};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Frames looked at in one round: it bounds the memory of a round.
const FRAMES_PER_ROUND: u64 = 20_000;
/// Rows of the outbox in one round.
const ROWS_PER_ROUND: i64 = 1_000;
/// Script calls in one pipeline.
const CALLS_PER_PIPELINE: usize = 64;
/// Changes wait for company at most so long; also the pause of a core whose turn it is not.
const IDLE: Duration = Duration::from_secs(1);
/// Rounds are not closer than this while clicks arrive all the time.
const LINGER: Duration = Duration::from_millis(50);
/// The pause after an error doubles from here ...
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// ... to here.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often a standing connection is asked again whether it evicts, and whether it is still the same server.
const CHECK_EVERY: Duration = Duration::from_secs(30);

/// Starts telling this Redis who holds whom.
///
/// # Errors
/// If the operating system gives no randomness to name this core by.
pub fn spawn(core: Core, redis: RedisOptions) -> Result<Task, NoRandomness> {
    let worker = Worker { core, redis, name: Name::new()?, connected: None, pass: None };
    Ok(Task::spawn(|stopped| worker.run(stopped)))
}

/// Why a round ended early. Nothing is lost.
#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("redis did not take the decisions")]
    Redis(#[from] ServerError),
}

/// What a round came to.
enum Round {
    Worked,
    Nothing,
    NotOurTurn,
}

struct Connected {
    server: Server,
    run: String,
    checked: tokio::time::Instant,
}

/// A part of what has changed.
#[derive(Debug, Default)]
struct News {
    left: Vec<Left>,
    stretches: Vec<Stretch>,
    who: BTreeSet<Who>,
    oldest: Option<Instant>,
    rows: u64,
}

struct Worker {
    core: Core,
    redis: RedisOptions,
    name: Name,
    connected: Option<Connected>,
    pass: Option<Pass>,
}

impl Worker {
    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut clicks = self.core.clicks_arrived();
        let mut pause = FIRST_PAUSE;
        while !*stopped.borrow() {
            let wait = match self.round().await {
                Ok(Round::Worked) => {
                    well_again(&mut pause);
                    LINGER
                }
                Ok(Round::Nothing) => {
                    well_again(&mut pause);
                    tokio::select! {
                        _ = clicks.changed() => {}
                        () = tokio::time::sleep(IDLE) => {}
                        _ = stopped.changed() => {}
                    }
                    LINGER
                }
                Ok(Round::NotOurTurn) => {
                    (self.connected, self.pass) = (None, None);
                    nothing_to_tell();
                    IDLE
                }
                Err(error) => {
                    self.connected = None;
                    report(&error, pause == FIRST_PAUSE);
                    let wait = jittered(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    wait
                }
            };
            let _ = tokio::time::timeout(wait, stopped.wait_for(|stopped| *stopped)).await;
        }
        let name = self.name.clone();
        // Without it the next core waits a little longer for its turn.
        let _ = self.store().write(move |tx| lease::give_up(tx, &name)).await;
    }

    fn store(&self) -> &Store {
        self.core.store()
    }

    async fn round(&mut self) -> Result<Round, RoundError> {
        if !self.our_turn().await? {
            return Ok(Round::NotOurTurn);
        }
        let news = self.store().read(|tx| news(tx)).await?;
        self.measure(&news);
        self.connect().await?;
        let mut worked = self.rewind(&news).await?;
        if !news.left.is_empty() || !news.stretches.is_empty() {
            self.tell_news(news).await?;
            worked = true;
        }
        worked |= self.walk().await?;
        Ok(if worked { Round::Worked } else { Round::Nothing })
    }

    async fn our_turn(&self) -> Result<bool, StoreError> {
        let (now, name) = (self.core.now(), self.name.clone());
        // Looking is a read, so that a quiet core writes little.
        if let Some(known) = self.store().read(move |tx| lease::look(tx, &name, now)).await? {
            return Ok(known);
        }
        let name = self.name.clone();
        self.store().write(move |tx| lease::take(tx, &name, now)).await
    }

    #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
    fn measure(&self, news: &News) {
        metrics::gauge!("yinke_redis_outbox_rows").set(news.rows as f64);
        let behind = news.oldest.map_or(0, |oldest| (self.core.now().millis() - oldest.millis()).max(0));
        metrics::gauge!("yinke_redis_decisions_behind_seconds").set(behind as f64 / 1_000.0);
    }

    /// A checked connection. One to another run of the server than was told last begins a walk over everybody.
    async fn connect(&mut self) -> Result<(), RoundError> {
        if let Some(connected) = &mut self.connected {
            if connected.checked.elapsed() < CHECK_EVERY {
                return Ok(());
            }
            connected.server.refuse_eviction().await?;
            if connected.server.run_id().await? == connected.run {
                connected.checked = tokio::time::Instant::now();
                return Ok(());
            }
        }
        self.connected = None;
        let mut server = Server::connect(&self.redis).await?;
        let run = server.run_id().await?;
        let (server_run, now) = (run.clone(), self.core.now());
        let pass = self
            .core
            .store()
            .write(move |tx| {
                let kept = outbox::keep(tx, now)?;
                match pass::load(tx, Walker::Core)? {
                    Some(pass) if kept && pass.server == server_run => Ok(pass),
                    _ => begin(tx, &server_run, now),
                }
            })
            .await?;
        self.pass = Some(pass);
        self.connected = Some(Connected { server, run, checked: tokio::time::Instant::now() });
        Ok(())
    }

    /// What the catalogue's past asks for: going back in the clicks, or walking over everybody.
    async fn rewind(&mut self, news: &News) -> Result<bool, RoundError> {
        let mut worked = false;
        for left in &news.left {
            let row = left.clone();
            match left.wanted {
                Wanted::Look(_) => continue,
                Wanted::Since(from) => {
                    self.store()
                        .write(move |tx| {
                            streams::back_to_time(tx, from)?;
                            outbox::done(tx, &row)
                        })
                        .await?;
                }
                // One walk at a time: a wish that comes during a walk is for the next.
                Wanted::All if self.pass.as_ref().is_some_and(|pass| !pass.is_done()) => continue,
                Wanted::All => {
                    let (run, now) = (self.run_id(), self.core.now());
                    let pass = self
                        .store()
                        .write(move |tx| {
                            outbox::done(tx, &row)?;
                            begin(tx, &run, now)
                        })
                        .await?;
                    self.pass = Some(pass);
                }
            }
            worked = true;
        }
        Ok(worked)
    }

    fn run_id(&self) -> String {
        self.connected.as_ref().map(|connected| connected.run.clone()).unwrap_or_default()
    }

    async fn tell_news(&mut self, news: News) -> Result<(), RoundError> {
        let News { left, stretches, who, oldest, .. } = news;
        self.tell(who.into_iter().collect()).await?;
        self.store()
            .write(move |tx| {
                stretches.iter().try_for_each(|stretch| streams::told(tx, stretch))?;
                let looked = left.iter().filter(|left| matches!(left.wanted, Wanted::Look(_)));
                looked.into_iter().try_for_each(|left| outbox::done(tx, left))
            })
            .await?;
        if let Some(oldest) = oldest {
            let lag = (self.core.now().millis() - oldest.millis()).max(0);
            #[expect(clippy::cast_precision_loss, reason = "histograms take floats")]
            metrics::histogram!("yinke_redis_decision_lag_seconds").record(lag as f64 / 1_000.0);
        }
        Ok(())
    }

    /// A step of the walk, if there is one under way.
    async fn walk(&mut self) -> Result<bool, RoundError> {
        let Some(pass) = self.pass.clone().filter(|pass| !pass.is_done()) else { return Ok(false) };
        let (who, after) = self.store().read(move |tx| pass.next(tx, DECIDED_TOGETHER)).await?;
        self.tell(who).await?;
        let saved = after.clone();
        self.store().write(move |tx| pass::save(tx, &saved)).await?;
        if after.is_done() {
            tracing::info!(records_of = after.done, "redis has been told everything");
        }
        metrics::gauge!("yinke_redis_walk_active").set(if after.is_done() { 0.0 } else { 1.0 });
        self.pass = Some(after);
        Ok(true)
    }

    async fn tell(&mut self, who: Vec<Who>) -> Result<(), RoundError> {
        let Some(connected) = &mut self.connected else { return Ok(()) };
        for who in who.chunks(DECIDED_TOGETHER) {
            let operations = decide(self.core.store(), Arc::from(who), self.core.now()).await?;
            let written = fold(&mut connected.server, operations).await?;
            metrics::counter!("yinke_redis_decisions_total").increment(written.records);
            metrics::counter!("yinke_redis_decisions_newer_format_total").increment(written.newer_format);
        }
        Ok(())
    }
}

/// Tells Redis some operations, pipelined.
pub(super) async fn fold(
    server: &mut Server,
    operations: Vec<redis_view::Operation>,
) -> Result<Written, ServerError> {
    let mut sum = Written::default();
    for calls in redis_view::calls(operations).chunks(CALLS_PER_PIPELINE) {
        let written = server.fold(calls).await?;
        sum.records += written.records;
        sum.newer_format += written.newer_format;
    }
    Ok(sum)
}

fn begin(tx: &mut dyn Tx, run: &str, now: Instant) -> Result<Pass, StoreError> {
    let pass = Pass::begin(Walker::Core, run.to_owned(), now);
    pass::save(tx, &pass)?;
    metrics::counter!("yinke_redis_walks_total").increment(1);
    Ok(pass)
}

fn news(tx: &mut dyn Tx) -> Result<News, StoreError> {
    let left = outbox::oldest(tx, ROWS_PER_ROUND)?;
    let stretches = streams::news(tx, FRAMES_PER_ROUND)?;
    let mut oldest = left.iter().map(|left| left.marked_at).min();
    let mut who: Vec<Who> = left
        .iter()
        .filter_map(|left| match &left.wanted {
            Wanted::Look(who) => Some(who.clone()),
            Wanted::Since(_) | Wanted::All => None,
        })
        .collect();
    for stretch in &stretches {
        let (clicked, first) = streams::clicked(tx, stretch)?;
        who.extend(clicked);
        oldest = [oldest, first].into_iter().flatten().min();
    }
    let rows = outbox::count(tx)?;
    Ok(News { who: with_buyers(tx, who)?, left, stretches, oldest, rows })
}

/// Another core has the turn: what this one measured last must not raise an alarm for ever.
fn nothing_to_tell() {
    for gauge in
        ["yinke_redis_outbox_rows", "yinke_redis_decisions_behind_seconds", "yinke_redis_walk_active"]
    {
        metrics::gauge!(gauge).set(0.0);
    }
}

/// The pauses after failures are over.
fn well_again(pause: &mut Duration) {
    if std::mem::replace(pause, FIRST_PAUSE) > FIRST_PAUSE {
        tracing::info!("redis is told again who holds whom");
    }
}

/// What lasts and mends itself is said when it begins.
fn report(error: &RoundError, begins: bool) {
    let RoundError::Redis(redis) = error else {
        let error = with_causes(error);
        tracing::warn!(error, "redis could not be told who holds whom; it will be tried again");
        return;
    };
    metrics::counter!("yinke_redis_decision_errors_total", "reason" => redis.reason()).increment(1);
    let (reason, error) = (redis.reason(), with_causes(error));
    if redis.needs_repair() {
        tracing::error!(reason, error, "redis needs help: no decisions are written until this is repaired");
    } else if begins {
        tracing::warn!(reason, error, "redis is away; what it lacks is told later");
    }
}

/// Between half and all of it, so that several cores do not come back at once.
fn jittered(pause: Duration) -> Duration {
    let share = getrandom::u32().unwrap_or(u32::MAX);
    pause / 2 + pause.mul_f64(f64::from(share) / f64::from(u32::MAX)) / 2
}
