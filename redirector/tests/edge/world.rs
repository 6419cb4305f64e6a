//! A small catalogue, a core that only tells it, and an edge on a free port.

use crate::http::{Answer, Client};
use attribution_core::catalogue::{
    BanRow, Change, ChangePage, LinkRow, LinkSeconds, NumberedChange, PlacementRow, ProgrammeRow,
    PromoterRow, TargetRow,
};
use attribution_core::click::EdgeId;
use attribution_core::code::{Alias, CheckKey, Code};
use attribution_core::history::{FeedPosition, HistoryId};
use attribution_core::ids::{CategoryNum, PlacementNum, ProgrammeId, ProgrammeNum, PromoterNum, TargetNum};
use attribution_core::record::{ClickRecord, KIND_CLICK, Tally};
use attribution_core::shipping::{Batch, Heartbeat, HeartbeatAck, LostRange, ShipAck};
use attribution_core::time::{DAY_MS, Instant};
use attribution_core::token::{BrowserKeys, ClickKeys, MasterKey};
use journal::storage::{FakeStorage, Storage};
use redirector::config::Listen;
use redirector::core_link::{CoreLink, LinkError, LinkFuture};
use redirector::{Edge, EdgeConfig, EdgeKeys, StartError, clock};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

pub(crate) const CHECK: CheckKey = CheckKey::new(*b"8 bytes!");
pub(crate) const EDGE: EdgeId = EdgeId(3);

pub(crate) fn master() -> MasterKey {
    MasterKey::new(1, [9; 32])
}

pub(crate) fn click_keys() -> ClickKeys {
    ClickKeys::new(vec![master()])
}

pub(crate) fn keys() -> EdgeKeys {
    EdgeKeys {
        browser: BrowserKeys::derive(&master(), None),
        click: ClickKeys::edge_key(&master(), EDGE),
        check: CHECK,
        address_secret: [4; 32],
    }
}

pub(crate) fn code(body: u64) -> Code {
    Code::from_body(body, CHECK).unwrap()
}

/// The path of link `body`.
pub(crate) fn path(body: u64) -> String {
    format!("/{}", code(body))
}

pub(crate) fn link(body: u64) -> LinkRow {
    LinkRow::endless(code(body), PlacementNum(1), TargetNum(1))
}

pub(crate) fn target(num: u32) -> TargetRow {
    TargetRow::product(TargetNum(num), format!("https://shop.example/p/{num}"), format!("手工陶瓷杯 {num}"))
}

pub(crate) fn programme(num: u32) -> ProgrammeRow {
    ProgrammeRow::lax(ProgrammeNum(num), ProgrammeId::new(format!("p{num}")).unwrap(), 15 * DAY_MS)
}

pub(crate) fn promoter(num: u32) -> Change {
    Change::Promoter(PromoterRow { num: PromoterNum(num), disabled_from: None })
}

pub(crate) fn placement(num: u32, promoter: u32, programme: u32) -> Change {
    Change::Placement(PlacementRow {
        num: PlacementNum(num),
        promoter: PromoterNum(promoter),
        programme: ProgrammeNum(programme),
    })
}

pub(crate) fn ban(category: u32, to: Option<Instant>) -> Change {
    let (category, effective_from) = (CategoryNum(category), Instant(1));
    Change::Ban(BanRow { category, programme: None, effective_from, effective_to: to })
}

pub(crate) fn alias(text: &str, body: u64) -> Change {
    Change::Alias { alias: Alias::new(text, CHECK).unwrap(), code: code(body) }
}

/// Programme, promoter, placement and target 1, and a link to them.
pub(crate) fn basics() -> Vec<Change> {
    vec![
        Change::Programme(programme(1)),
        promoter(1),
        placement(1, 1, 1),
        Change::Target(target(1)),
        Change::Link(link(1)),
    ]
}

pub(crate) fn seconds_from_now(seconds: i64) -> LinkSeconds {
    LinkSeconds::from_instant(clock::now().plus(seconds * 1_000))
}

/// The core's only history.
pub(crate) const HISTORY: HistoryId = HistoryId::new(1).unwrap();

/// A core that tells what it is given and takes no clicks: they stay in the journal for the test to read.
#[derive(Default)]
pub(crate) struct Core {
    changes: Mutex<Vec<NumberedChange>>,
}

impl Core {
    pub(crate) fn tell(&self, changes: impl IntoIterator<Item = Change>) -> u64 {
        let mut all = self.changes.lock().unwrap();
        for change in changes {
            let number = all.len() as u64 + 1;
            all.push(NumberedChange { number, at: Instant(0), change });
        }
        all.len() as u64
    }
}

fn away() -> LinkError {
    LinkError::Unreachable("a test".into())
}

impl CoreLink for Core {
    fn ship(&self, _: Batch) -> LinkFuture<'_, ShipAck> {
        Box::pin(async { Err(away()) })
    }
    fn changes(&self, from: FeedPosition, limit: u32) -> LinkFuture<'_, ChangePage> {
        let all = self.changes.lock().unwrap();
        let news = all.iter().filter(|change| change.number > from.number).take(limit as usize);
        let (changes, head) = (news.cloned().collect(), all.len() as u64);
        let page = ChangePage { history: HISTORY, reload: false, changes, head };
        Box::pin(async move { Ok(page) })
    }
    fn heartbeat(&self, _: Heartbeat) -> LinkFuture<'_, HeartbeatAck> {
        Box::pin(async { Ok(HeartbeatAck::default()) })
    }
    fn lost(&self, _: EdgeId, _: Vec<LostRange>) -> LinkFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// An edge with its core and its directory.
pub(crate) struct World {
    pub(crate) edge: Edge,
    pub(crate) core: Arc<Core>,
    pub(crate) dir: TempDir,
}

pub(crate) fn config(dir: &TempDir) -> EdgeConfig {
    let listen = Listen::Bind("127.0.0.1:0".parse().unwrap());
    let mut config =
        EdgeConfig::new(EDGE, listen, "http://127.0.0.1:8080/".parse().unwrap(), dir.path().to_owned());
    config.journal.segment_bytes = 1 << 20;
    config
}

/// Waits for a condition that must come true.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what} did not come true");
        std::thread::yield_now();
    }
}

impl World {
    pub(crate) fn new(changes: impl IntoIterator<Item = Change>) -> Self {
        Self::with(changes, |_| {})
    }

    pub(crate) fn with(
        changes: impl IntoIterator<Item = Change>,
        adjust: impl FnOnce(&mut EdgeConfig),
    ) -> Self {
        Self::starting(changes, adjust, |config, link| Edge::start(config, keys(), link))
    }

    /// With its journal on a disk that fails when it is told to.
    pub(crate) fn on_failing_disk(changes: impl IntoIterator<Item = Change>) -> (Self, FakeStorage) {
        // Small, so that a test soon has filled all that is prepared.
        Self::on_disk_in_memory(changes, 64 << 10)
    }

    /// With its journal on a disk in memory, in segments of this length.
    pub(crate) fn on_disk_in_memory(
        changes: impl IntoIterator<Item = Change>,
        segment_bytes: u64,
    ) -> (Self, FakeStorage) {
        let disk = FakeStorage::new();
        let storage: Arc<dyn Storage> = Arc::new(disk.clone());
        let start = |config, link| Edge::start_on(&storage, config, keys(), link);
        let adjust = |config: &mut EdgeConfig| config.journal.segment_bytes = segment_bytes;
        (Self::starting(changes, adjust, start), disk)
    }

    fn starting(
        changes: impl IntoIterator<Item = Change>,
        adjust: impl FnOnce(&mut EdgeConfig),
        start: impl FnOnce(EdgeConfig, Arc<dyn CoreLink>) -> Result<Edge, StartError>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let core = Arc::new(Core::default());
        core.tell(basics());
        core.tell(changes);
        let mut config = config(&dir);
        adjust(&mut config);
        let link: Arc<dyn CoreLink> = Arc::<Core>::clone(&core);
        let world = Self { edge: start(config, link).unwrap(), core, dir };
        world.tell([]);
        world
    }

    /// Tells the edge changes and waits until it knows them.
    pub(crate) fn tell(&self, changes: impl IntoIterator<Item = Change>) {
        let head = self.core.tell(changes);
        let contact = self.edge.contact();
        eventually("the edge knows the changes", || contact.applied() >= head && contact.heard().is_some());
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.edge.address())
    }

    pub(crate) fn get(&self, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.client().request("GET", target, headers)
    }

    /// All click records and tallies that are on disk by now.
    pub(crate) fn with_records(&self, mut see: impl FnMut(&ClickRecord<'_>)) -> Vec<Tally> {
        let journal = self.edge.journal();
        let mut tallies = Vec::new();
        for info in journal.streams().into_iter().filter(|info| info.live) {
            let worker = info.stream.worker;
            let end = journal.written(worker);
            eventually("the disk has it", || journal.durable(worker) >= end);
            let mut reader = journal.reader(info.stream, 0).unwrap();
            while let Some(frame) = reader.next(end).unwrap() {
                if frame.payload[0] == KIND_CLICK {
                    see(&ClickRecord::decode(frame.payload).unwrap());
                } else {
                    tallies.push(Tally::decode(frame.payload).unwrap());
                }
            }
        }
        tallies
    }

    /// The outcomes of all recorded clicks, in order.
    pub(crate) fn recorded(&self) -> Vec<&'static str> {
        let mut outcomes = Vec::new();
        self.with_records(|record| outcomes.push(record.outcome.name()));
        outcomes
    }

    pub(crate) fn metrics(&self) -> String {
        let mut text = String::new();
        self.edge.render_metrics(&mut text);
        text
    }

    /// The value of one line of the metrics.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let text = self.metrics();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no metric {name} in\n{text}")).parse().unwrap()
    }

    pub(crate) fn shutdown(self) -> (redirector::ShutdownReport, Arc<Core>, TempDir) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let report = runtime.block_on(self.edge.shutdown(Duration::from_secs(5)));
        (report, self.core, self.dir)
    }
}
