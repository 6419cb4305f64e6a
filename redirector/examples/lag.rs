//! How long a click takes from its time to the core's commit, over the real shipper and HTTP, against a real core:
//! `cargo xtask bench lag` starts one and runs this.
//!
//! First a backlog is shipped as fast as it goes: the capacity. Then clicks are written at half of that, each at its
//! intended time, and every one's lag is taken when the core's answer to its batch is there. At last a backlog is shipped
//! while clicks go on coming at a twentieth of the capacity.
//!
//! `YINKE_CORE_TOKEN=... cargo run --example lag CORE_URL EDGE BACKLOG SECONDS`

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program for measuring")]

use attribution_core::catalogue::ChangePage;
use attribution_core::click::{ClickId, EdgeId};
use attribution_core::code::Code;
use attribution_core::history::FeedPosition;
use attribution_core::ids::{PlacementNum, ProgrammeNum, PromoterNum, TargetNum, VisitorId};
use attribution_core::outcome::{Outcome, Reason};
use attribution_core::record::{AddressPrefix, CLICK_MAX_LEN, ClickFlags, ClickRecord, Tally};
use attribution_core::shipping::{Batch, Heartbeat, HeartbeatAck, LostRange, ShipAck};
use journal::{AppendError, FlushError, Journal, Options, Writer};
use redirector::background::{Background, BackgroundOptions, Contact, Parts, Seams, cursor_names, spawn};
use redirector::clock;
use redirector::core_link::{CoreLink, CoreToken, HttpCoreLink, HttpCoreLinkOptions, LinkFuture};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// One writer: more would share the two cores of a small machine with the core under test.
const WORKERS: u8 = 1;
/// Clicks written together, as a busy turn of the edge's event loop does.
const TURN: Duration = Duration::from_millis(1);

/// The real link, which notes what arrived and how late.
struct Timed {
    link: HttpCoreLink,
    arrived: AtomicU64,
    lags: Mutex<Vec<u32>>,
}

impl CoreLink for Timed {
    fn ship(&self, batch: Batch) -> LinkFuture<'_, ShipAck> {
        Box::pin(async move {
            let times: Vec<i64> = batch.frames().map(|frame| frame.at.millis()).collect();
            let ack = self.link.ship(batch).await?;
            let now = clock::now().millis();
            let mut lags = self.lags.lock().unwrap();
            lags.extend(times.iter().map(|at| u32::try_from(now - at).unwrap_or(0)));
            self.arrived.fetch_add(times.len() as u64, Ordering::Relaxed);
            Ok(ack)
        })
    }

    fn changes(&self, from: FeedPosition, limit: u32) -> LinkFuture<'_, ChangePage> {
        self.link.changes(from, limit)
    }

    fn heartbeat(&self, heartbeat: Heartbeat) -> LinkFuture<'_, HeartbeatAck> {
        self.link.heartbeat(heartbeat)
    }

    fn lost(&self, edge: EdgeId, ranges: Vec<LostRange>) -> LinkFuture<'_, ()> {
        self.link.lost(edge, ranges)
    }
}

/// An edge without a server.
struct Edge {
    journal: Arc<Journal>,
    writer: Writer,
    background: Background,
    link: Arc<Timed>,
}

impl Edge {
    fn start(dir: &Path, core: &str, token: &str, edge: EdgeId) -> Self {
        let options = BackgroundOptions::default();
        let mut journal = Options::new(dir, edge.0, WORKERS);
        journal.cursors = cursor_names(&options);
        let opened = Journal::open(&journal, clock::now().millis(), getrandom::u64().unwrap()).unwrap();
        let journal = Arc::new(opened.journal);
        let http = HttpCoreLinkOptions::new(core.parse().unwrap(), CoreToken::new(token).unwrap());
        let link = Arc::new(Timed {
            link: HttpCoreLink::new(http).unwrap(),
            arrived: AtomicU64::new(0),
            lags: Mutex::default(),
        });
        let parts = Parts {
            edge,
            begun: clock::now(),
            link: Arc::<Timed>::clone(&link),
            journal: Arc::clone(&journal),
            contact: Arc::new(Contact::new(FeedPosition::START, None)),
            incomplete: opened.notices.iter().filter_map(journal::Notice::incomplete).collect(),
            seams: Seams {
                now: clock::now,
                apply: Box::new(|_, _| ()),
                begin_anew: Box::new(|| ()),
                take_over: Box::new(|| ()),
                save: Box::new(|_| Ok(())),
                tally: Box::new(|_| Tally::default()),
                unwritten: Box::new(|| None),
                stepped_back: Box::new(|_| None),
                terms: Box::new(|_| None),
            },
            options,
        };
        let background = spawn(parts).unwrap();
        Self { journal, writer: opened.writers.into_iter().next().unwrap(), background, link }
    }

    /// Writes clicks of now, of a new visitor each.
    fn write(&mut self, count: u64) {
        for _ in 0..count {
            let bytes = click(self.writer.next_sequence());
            loop {
                match self.writer.append(clock::now().millis(), &bytes) {
                    Ok(_) => break,
                    Err(AppendError::NoSpace | AppendError::Backlog) => std::thread::yield_now(),
                    Err(error) => panic!("{error}"),
                }
            }
            if self.writer.pending_bytes() > 64 << 10 {
                self.flush();
            }
        }
        self.flush();
    }

    fn flush(&mut self) {
        loop {
            match self.writer.flush() {
                Ok(_) => return,
                Err(FlushError::NoSpace) => std::thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Writes at a rate, each turn's clicks at its intended time.
    fn write_at(&mut self, per_second: f64, time: Duration) -> u64 {
        let (began, mut written) = (Instant::now(), 0u64);
        while began.elapsed() < time {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count that is due"
            )]
            let due = (began.elapsed().as_secs_f64() * per_second) as u64;
            self.write(due.saturating_sub(written));
            written = written.max(due);
            std::thread::park_timeout(TURN);
        }
        written
    }

    fn wait_for(&self, arrived: u64) {
        while self.link.arrived.load(Ordering::Relaxed) < arrived {
            std::thread::park_timeout(TURN);
        }
    }

    fn stop(self, within: Duration) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        drop(self.writer);
        runtime.block_on(self.background.shutdown(within));
        self.journal.close().unwrap();
    }
}

fn click(number: u64) -> Vec<u8> {
    let visitor = xxhash_rust::xxh3::xxh3_128_with_seed(&number.to_le_bytes(), 7).to_le_bytes();
    let record = ClickRecord {
        outcome: Outcome::Attributed,
        reason: Reason::None,
        flags: ClickFlags::default(),
        code: Code(number * 62),
        visitor: VisitorId(visitor),
        placement: PlacementNum(1),
        target: TargetNum(2),
        programme: ProgrammeNum(3),
        promoter: PromoterNum(4),
        address_prefix: AddressPrefix::default(),
        address_hash: 0,
        agent_hash: 0,
        generation: 0,
        prior_claim: ClickId::default(),
        sub_id: b"",
    };
    let mut bytes = [0; CLICK_MAX_LEN];
    let len = record.encode(&mut bytes);
    bytes[..len].to_vec()
}

#[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [core, edge, backlog, seconds] = args.as_slice() else { panic!("CORE_URL EDGE BACKLOG SECONDS") };
    let (edge, backlog): (_, u64) = (EdgeId(edge.parse().unwrap()), backlog.parse().unwrap());
    let time = Duration::from_secs(seconds.parse().unwrap());
    let token = std::env::var("YINKE_CORE_TOKEN").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let nobody = "http://127.0.0.1:1/";

    let mut away = Edge::start(dir.path(), nobody, &token, edge);
    away.write(backlog);
    away.stop(Duration::from_millis(100));
    let began = Instant::now();
    let mut live = Edge::start(dir.path(), core, &token, edge);
    live.wait_for(backlog);
    let capacity = backlog as f64 / began.elapsed().as_secs_f64();
    println!("capacity: {capacity:.0} clicks/s, a backlog of {backlog}");

    live.link.lags.lock().unwrap().clear();
    let written = live.write_at(capacity / 2.0, time);
    live.wait_for(backlog + written);
    let mut lags = std::mem::take(&mut *live.link.lags.lock().unwrap());
    lags.sort_unstable();
    let quantile = |per_mille: usize| lags[(lags.len() * per_mille / 1_000).min(lags.len() - 1)];
    let verdict = if quantile(990) < 250 { "reached" } else { "NOT REACHED" };
    println!(
        "lag at half of it ({written} clicks in {} s): p50 {} ms, p99 {} ms, most {} ms; goal p99 under 250 ms: {verdict}",
        time.as_secs(),
        quantile(500),
        quantile(990),
        quantile(1_000)
    );
    live.stop(Duration::from_secs(5));

    // As much as comes in a minute at a twentieth of the capacity; then it goes on coming.
    let arrivals = capacity / 20.0;
    let mut away = Edge::start(dir.path(), nobody, &token, edge);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let missed = (arrivals * 60.0) as u64;
    away.write(missed);
    away.stop(Duration::from_millis(100));
    let began = Instant::now();
    let mut live = Edge::start(dir.path(), core, &token, edge);
    let (mut written, mut arrived) = (0, 0);
    // Made up for, once no more is on its way than the goal for the lag allows: something always is.
    while (missed + written - arrived) as f64 > arrivals / 4.0 {
        written += live.write_at(arrivals, Duration::from_millis(50));
        arrived = live.link.arrived.load(Ordering::Relaxed);
    }
    let speed = arrived as f64 / began.elapsed().as_secs_f64() / arrivals;
    let verdict = if speed >= 10.0 { "reached" } else { "NOT REACHED" };
    println!(
        "catch-up with {missed} waiting and {arrivals:.0}/s still coming: {speed:.1} times as fast as they come; goal 10: {verdict}"
    );
    live.stop(Duration::from_secs(5));
}
