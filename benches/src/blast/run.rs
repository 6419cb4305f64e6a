//! The loader's loops: closed (each answer brings the next request) and open (requests have their times beforehand).

use super::Arguments;
use super::connection::{AnswerShape, Connection, Progress, learn};
use super::report::{Count, Report, Sample, append_samples};
use crate::request::{Request, Shape};
use crate::{cpu, synthetic};
use anyhow::{Context as _, Result, ensure};
use loadtest::random::Random;
use rustix::event::{Timespec, epoll};
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// Loads the server and reports.
///
/// # Errors
/// If the target is not on this machine, does not answer, or its processes cannot be read.
pub fn run(arguments: &Arguments) -> Result<Report> {
    ensure!(arguments.target.ip().is_loopback(), "only servers on this machine are loaded");
    let mut loader = Loader::new(arguments)?;
    let mut arrivals = arguments.rate.map(|rate| Arrivals::new(rate, arguments.seed));
    loader.open_all(arrivals.is_none())?;
    loader.turn_until(Instant::now() + Duration::from_secs_f64(arguments.warm), arrivals.as_mut())?;

    let warm = std::mem::replace(&mut loader.count, Count::new()?);
    let (server, own, start) = (cpu::nanoseconds(&arguments.pid)?, own_cpu()?, Instant::now());
    loader.turn_until(start + Duration::from_secs_f64(arguments.seconds), arrivals.as_mut())?;
    let (server, own) = (cpu::nanoseconds(&arguments.pid)? - server, own_cpu()? - own);
    let seconds = start.elapsed().as_secs_f64();
    let counted = std::mem::replace(&mut loader.count, Count::new()?);
    loader.finish()?;

    if let Some(path) = &arguments.sample {
        append_samples(path, &loader.samples)?;
    }
    let answers = counted.latencies.len();
    let late = loader.count;
    #[expect(clippy::cast_precision_loss, reason = "counts and nanoseconds below 2^53")]
    let per_answer = |nanoseconds: u64| nanoseconds as f64 / 1_000.0 / answers.max(1) as f64;
    #[expect(clippy::cast_precision_loss, reason = "counts and nanoseconds below 2^53")]
    Ok(Report {
        answers,
        answers_total: warm.latencies.len() + answers + late.latencies.len() + 1,
        unanswered: warm.unanswered + counted.unanswered + late.unanswered,
        wrong_status: warm.wrong_status + counted.wrong_status + late.wrong_status,
        seconds,
        per_second: answers as f64 / seconds,
        p50_us: counted.quantile_us(0.5),
        p99_us: counted.quantile_us(0.99),
        p999_us: counted.quantile_us(0.999),
        max_us: counted.quantile_us(1.0),
        server_cpu_us: per_answer(server),
        server_busy: server as f64 / 1e9 / seconds,
        loader_cpu_us: per_answer(own),
        answer_bytes: loader.shape.bytes,
    })
}

fn own_cpu() -> Result<u64> {
    Ok(cpu::nanoseconds(&[std::process::id()])?)
}

/// Times of requests to come: gaps as between independent people, so that bursts occur as they do in life.
struct Arrivals {
    mean_gap: f64,
    random: Random,
    next: Instant,
    due: VecDeque<Instant>,
}

impl Arrivals {
    fn new(rate: f64, seed: u64) -> Self {
        Self { mean_gap: 1.0 / rate, random: Random::new(seed), next: Instant::now(), due: VecDeque::new() }
    }

    fn advance(&mut self, now: Instant) {
        while self.next <= now {
            self.due.push_back(self.next);
            let gap = -(1.0 - self.random.unit()).ln() * self.mean_gap;
            self.next += Duration::from_secs_f64(gap);
        }
    }
}

struct Loader<'a> {
    arguments: &'a Arguments,
    poll: OwnedFd,
    connections: Vec<Connection>,
    free: Vec<usize>,
    codes: Vec<[u8; 9]>,
    cursor: usize,
    shape: AnswerShape,
    status: [u8; 3],
    count: Count,
    seen: u64,
    samples: Vec<Sample>,
    /// Free connections send again at once (closed loop).
    eager: bool,
}

impl<'a> Loader<'a> {
    fn new(arguments: &'a Arguments) -> Result<Self> {
        let codes = synthetic::draw(arguments.links, arguments.popularity, arguments.draws, arguments.seed);
        let host = arguments.host.clone().unwrap_or_else(|| arguments.target.to_string());
        let mut request = Request::new(&host, Shape { browser: !arguments.bare, close: arguments.close });
        let first = *codes.first().context("no codes to ask for")?;
        let shape = learn(arguments.target, &mut request, first)?;
        let status = arguments.status.to_string().into_bytes();
        Ok(Self {
            arguments,
            poll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            connections: (0..arguments.connections).map(|_| Connection::new(request.clone())).collect(),
            free: Vec::with_capacity(arguments.connections),
            codes,
            cursor: 0,
            shape,
            status: status.try_into().ok().context("a status has three digits")?,
            count: Count::new()?,
            seen: 0,
            samples: Vec::new(),
            eager: true,
        })
    }

    fn open_all(&mut self, eager: bool) -> Result<()> {
        self.eager = eager;
        for index in 0..self.connections.len() {
            if eager {
                self.send(index, Instant::now())?;
            } else {
                if !self.arguments.close {
                    self.connect(index)?;
                }
                self.free.push(index);
            }
        }
        Ok(())
    }

    fn connect(&mut self, index: usize) -> Result<()> {
        let stream = self.connections[index].connect(self.arguments.target)?;
        epoll::add(&self.poll, stream, epoll::EventData::new_u64(index as u64), epoll::EventFlags::IN)?;
        Ok(())
    }

    fn send(&mut self, index: usize, since: Instant) -> Result<()> {
        if self.connections[index].stream.is_none() {
            self.connect(index)?;
        }
        let code = self.codes[self.cursor];
        self.cursor = (self.cursor + 1) % self.codes.len();
        if self.connections[index].send(code, since).is_err() {
            self.broken(index);
        }
        Ok(())
    }

    fn turn_until(&mut self, end: Instant, mut arrivals: Option<&mut Arrivals>) -> Result<()> {
        // An open loop must not oversleep its next request: it has a core of its own and polls.
        let nap = if arrivals.is_some() { Duration::ZERO } else { Duration::from_millis(50) };
        let nap = Timespec::try_from(nap)?;
        let mut events = Vec::with_capacity(512);
        loop {
            events.clear();
            epoll::wait(&self.poll, rustix::buffer::spare_capacity(&mut events), Some(&nap))?;
            let mut now = Instant::now();
            for event in &events {
                now = self.ready(usize::try_from(event.data.u64())?)?;
            }
            if let Some(arrivals) = arrivals.as_deref_mut() {
                arrivals.advance(now);
                while let (Some(index), false) = (self.free.last().copied(), arrivals.due.is_empty()) {
                    self.free.pop();
                    if let Some(since) = arrivals.due.pop_front() {
                        self.send(index, since)?;
                    }
                }
            }
            if now >= end {
                return Ok(());
            }
        }
    }

    /// One connection has something; returns the time.
    fn ready(&mut self, index: usize) -> Result<Instant> {
        let progress = self.connections[index].receive(self.shape);
        let now = Instant::now();
        match progress {
            Progress::Waiting => {}
            Progress::Answered => {
                self.answered(index, now);
                if !self.arguments.close {
                    self.release(index, now)?;
                }
            }
            Progress::Closed => {
                self.connections[index].stream = None;
                self.release(index, now)?;
            }
            Progress::Broken => {
                self.broken(index);
                self.release(index, now)?;
            }
        }
        Ok(now)
    }

    fn release(&mut self, index: usize, now: Instant) -> Result<()> {
        if self.eager {
            return self.send(index, now);
        }
        self.free.push(index);
        Ok(())
    }

    fn answered(&mut self, index: usize, now: Instant) {
        let connection = &self.connections[index];
        self.count.answer(now.duration_since(connection.since));
        self.count.wrong_status += u64::from(connection.status() != self.status);
        self.seen += 1;
        if self.arguments.sample.is_some() && self.seen.is_multiple_of(self.arguments.sample_every) {
            let head = connection.answer();
            let head = &head[..head.len() - self.shape.body];
            self.samples.push(Sample {
                code: String::from_utf8_lossy(&connection.code).into_owned(),
                head: String::from_utf8_lossy(head).into_owned(),
            });
        }
    }

    fn broken(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        self.count.unanswered += u64::from(connection.waiting);
        connection.waiting = false;
        connection.stream = None;
    }

    /// Waits for the answers that are still out, so that the journal can be compared with all answers.
    fn finish(&mut self) -> Result<()> {
        self.eager = false;
        let end = Instant::now() + Duration::from_secs(2);
        while self.connections.iter().any(|c| c.waiting) && Instant::now() < end {
            self.turn_until(Instant::now(), None)?;
        }
        self.count.unanswered += self.connections.iter().filter(|c| c.waiting).count() as u64;
        Ok(())
    }
}
