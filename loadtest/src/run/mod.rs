//! The run: arrivals at their times, connections that serve them, and what came back.
//!
//! Everything is on one thread, so that nothing needs a lock and the loader takes at most one core.

mod worker;

use crate::message::Ask;
use crate::mix::{Kind, Mix};
use crate::oracle::Oracle;
use crate::people::People;
use crate::random::Random;
use crate::report::Figures;
use crate::target::Target;
use crate::zipf::Zipf;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::task::{JoinSet, LocalSet};

/// No run is longer.
pub const MAX_DURATION: Duration = Duration::from_secs(6 * 3_600);
/// No run asks for more per second.
pub const MAX_RATE: f64 = 200_000.0;
/// After the last arrival, so long are queued arrivals still served.
const DRAIN: Duration = Duration::from_secs(5);

/// When arrivals come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// So many per second on average, whether or not answers come.
    Open {
        /// Arrivals per second.
        rate: f64,
        /// Polls instead of sleeping, so that the loader is never late by its timer; takes a whole core.
        precise: bool,
    },
    /// Each connection sends as soon as its answer is there.
    Closed,
}

/// What to run.
#[derive(Debug)]
pub struct Plan {
    /// Where.
    pub target: Target,
    /// The `Host` header; the target's address unless given.
    pub host: Option<String>,
    /// When.
    pub pace: Pace,
    /// How long.
    pub duration: Duration,
    /// Connections at a time.
    pub connections: usize,
    /// Share (0 to 1) of requests over a connection of their own.
    pub alone: f64,
    /// Which kinds.
    pub mix: Mix,
    /// Codes that work, the most popular first.
    pub codes: Vec<String>,
    /// Codes that were withdrawn.
    pub withdrawn: Vec<String>,
    /// How steep popularity falls.
    pub exponent: f64,
    /// Share (0 to 1) of visits by people who came before.
    pub returning: f64,
    /// People remembered at most.
    pub people: usize,
    /// No answer for so long counts as none.
    pub timeout: Duration,
    /// The same seed gives the same arrivals.
    pub seed: u64,
    /// First part of every label; must differ between runs against one core.
    pub name: String,
}

/// Why a plan cannot run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Nothing to tap.
    #[error("there are no codes to ask for")]
    NoCodes,
    /// The mix has withdrawn links, but none are given.
    #[error("the mix asks for withdrawn links, but no withdrawn codes are given")]
    NoWithdrawn,
    /// Above what this tool may do.
    #[error("the rate must lie above 0 and at most at {MAX_RATE}, the duration at most at {MAX_DURATION:?}")]
    OutOfBounds,
    /// The label would not fit into a sub-id.
    #[error("a run's name has 1 to 32 letters and digits")]
    Name,
}

struct Shared {
    plan: Plan,
    zipf: Zipf,
    queue: RefCell<VecDeque<Instant>>,
    wake: Notify,
    over: Cell<bool>,
    asked: Cell<u64>,
    random: RefCell<Random>,
    people: RefCell<People>,
    figures: RefCell<Figures>,
    oracle: Option<Oracle>,
}

/// Runs the plan until its end, or until `stop` is ready, and gives the oracle back.
///
/// # Errors
/// If the plan cannot run.
pub fn run(
    plan: Plan,
    oracle: Option<Oracle>,
    stop: impl Future<Output = ()> + 'static,
    runtime: &tokio::runtime::Runtime,
) -> Result<(Figures, Option<Oracle>), PlanError> {
    check(&plan)?;
    let shared = Rc::new(Shared {
        zipf: Zipf::new(plan.codes.len() as u64, plan.exponent),
        queue: RefCell::default(),
        wake: Notify::new(),
        over: Cell::new(false),
        asked: Cell::new(0),
        random: RefCell::new(Random::new(plan.seed)),
        people: RefCell::new(People::new(plan.people, plan.returning)),
        figures: RefCell::default(),
        oracle,
        plan,
    });
    let start = Instant::now();
    LocalSet::new().block_on(runtime, go(Rc::clone(&shared), start, stop));
    let mut figures = shared.figures.take();
    figures.took = start.elapsed();
    figures.not_sent += shared.queue.borrow().len() as u64;
    let oracle = Rc::into_inner(shared).and_then(|shared| shared.oracle);
    Ok((figures, oracle))
}

fn check(plan: &Plan) -> Result<(), PlanError> {
    let rate_is_bad = |rate: f64| !(rate > 0.0 && rate <= MAX_RATE);
    if plan.codes.is_empty() {
        Err(PlanError::NoCodes)
    } else if plan.mix.has(Kind::Withdrawn) && plan.withdrawn.is_empty() {
        Err(PlanError::NoWithdrawn)
    } else if plan.duration > MAX_DURATION
        || matches!(plan.pace, Pace::Open { rate, .. } if rate_is_bad(rate))
    {
        Err(PlanError::OutOfBounds)
    } else if !(1..=32).contains(&plan.name.len()) || !plan.name.bytes().all(|b| b.is_ascii_alphanumeric()) {
        Err(PlanError::Name)
    } else {
        Ok(())
    }
}

async fn go(shared: Rc<Shared>, start: Instant, stop: impl Future<Output = ()>) {
    let mut workers = JoinSet::new();
    for _ in 0..shared.plan.connections.max(1) {
        workers.spawn_local(worker::work(Rc::clone(&shared)));
    }
    let end = start + shared.plan.duration;
    tokio::select! {
        () = arrivals(&shared, start, end) => {}
        () = stop => {}
    }
    shared.over.set(true);
    shared.wake.notify_waiters();
    let drained = async { while workers.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN + shared.plan.timeout, drained).await.is_err() {
        workers.shutdown().await;
    }
}

/// Puts arrivals into the queue at their times. Gaps are those of independent people, so that bursts occur.
async fn arrivals(shared: &Shared, start: Instant, end: Instant) {
    let Pace::Open { rate, precise } = shared.plan.pace else {
        return tokio::time::sleep_until(end.into()).await;
    };
    let mut random = Random::new(shared.plan.seed.wrapping_add(1));
    let mut next = start;
    while next < end {
        let now = Instant::now();
        while next <= now.min(end) {
            shared.queue.borrow_mut().push_back(next);
            shared.figures.borrow_mut().due += 1;
            shared.wake.notify_one();
            next += Duration::from_secs_f64(-(1.0 - random.unit()).ln() / rate);
        }
        if precise {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep_until(next.min(end).into()).await;
        }
    }
}

impl Shared {
    /// The intended time of the next arrival; `None` when the run is over.
    async fn next(&self) -> Option<Instant> {
        if self.plan.pace == Pace::Closed {
            let going = !self.over.get();
            self.figures.borrow_mut().due += u64::from(going);
            return going.then(Instant::now);
        }
        loop {
            if let Some(due) = self.queue.borrow_mut().pop_front() {
                return Some(due);
            }
            if self.over.get() {
                return None;
            }
            self.wake.notified().await;
        }
    }

    /// Draws an arrival: what, which link, who.
    fn ask(&self) -> Ask {
        let mut random = self.random.borrow_mut();
        let random = &mut *random;
        let kind = self.plan.mix.draw(random);
        let pick = |codes: &[String], rank: u64| {
            usize::try_from(rank).ok().and_then(|rank| codes.get(rank)).cloned().unwrap_or_default()
        };
        let code = match kind {
            Kind::Unknown => unknown_code(random),
            Kind::Withdrawn => pick(&self.plan.withdrawn, random.below(self.plan.withdrawn.len() as u64)),
            _ => pick(&self.plan.codes, self.zipf.draw(random)),
        };
        let number = self.asked.get();
        self.asked.set(number + 1);
        Ask {
            label: format!("{}-{number}", self.plan.name),
            kind,
            code,
            visit: self.people.borrow().come(random),
            alone: random.unit() < self.plan.alone,
        }
    }
}

/// Nine letters that are a code's shape; that one of them is a link's is as likely as guessing one.
fn unknown_code(random: &mut Random) -> String {
    (0..9).map(|_| char::from(b'a' + u8::try_from(random.below(26)).unwrap_or(0))).collect()
}
