//! The edges of a story: real decisions on a copy of the catalogue, devices with their cookies, and clicks on their
//! way to the core.

use super::world::{PUBLIC_BASE, World, WorldError, check_key, master};
use attribution_core::click::{ClickId, EdgeId, Epoch, Stream, WorkerId};
use attribution_core::decide::ClaimAction;
use attribution_core::ids::VisitorId;
use attribution_core::outcome::Outcome;
use attribution_core::record::{CLICK_MAX_LEN, ClickRecord};
use attribution_core::shipping::{Batch, Heartbeat};
use attribution_core::time::Instant;
use attribution_core::token::{BrowserKeys, ClaimToken, ClickKeys, ClickToken, VisitorToken};
use http::Request;
use http::request::Parts;
use redirector::table::Table;
use redirector::tap::{Browser, Tapped, Taps};
use std::collections::{BTreeMap, BTreeSet};

/// The edge that is on time.
const MAIN: EdgeId = EdgeId(1);
/// Nothing that stories do depends on the epoch.
const EPOCH: Epoch = Epoch(9);
/// Tokens of stories do not end.
const FOREVER: Instant = Instant(9_000_000_000_000);
/// What a phone sends unless the story says otherwise.
const PHONE: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) \
                     Chrome/126.0.0.0 Mobile Safari/537.36";

/// One browser.
#[derive(Debug, Clone, Default)]
struct Device {
    visitor: Option<VisitorId>,
    claims: Vec<ClaimToken>,
    buyer: Option<String>,
}

/// A click whose record has yet to reach the core.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    batch: Batch,
    /// The edge says that it still has this to deliver.
    held: bool,
    at: Instant,
}

/// How a tap is made.
#[derive(Debug, Clone)]
pub(super) struct Asked<'a> {
    pub(super) code: &'a str,
    pub(super) device: &'a str,
    pub(super) head: bool,
    pub(super) agent: Option<&'a str>,
    pub(super) headers: Vec<(&'a str, &'a str)>,
    /// It reaches the core later.
    pub(super) late: bool,
    /// And its edge says so.
    pub(super) held: bool,
    /// What the edge's clock says.
    pub(super) clock: Instant,
}

/// What a tap came to.
pub(super) struct Tap {
    pub(super) tapped: Tapped,
    /// Its way to the core, if it has a record.
    pub(super) delivery: Option<Delivery>,
    /// The token in the destination, if it earned one.
    pub(super) token: Option<String>,
}

/// All edges.
pub(super) struct Edges {
    taps: Taps,
    table: Table,
    devices: BTreeMap<String, Device>,
    sequence: u64,
    /// Edges that the core has heard of.
    known: BTreeSet<EdgeId>,
    /// When clicks were made that the main edge has yet to deliver.
    held: BTreeSet<Instant>,
    next_edge: u16,
    next_worker: u8,
}

impl Edges {
    pub(super) fn new() -> Result<Self, WorldError> {
        let base = PUBLIC_BASE.parse().unwrap_or_else(|_| unreachable!("a literal"));
        Ok(Self {
            taps: Taps::new(&base, check_key())?,
            table: Table::new(true),
            devices: BTreeMap::new(),
            sequence: 0,
            known: BTreeSet::new(),
            held: BTreeSet::new(),
            next_edge: 2,
            next_worker: 1,
        })
    }

    /// Who is logged in on a device.
    pub(super) fn buyer_on(&self, device: &str) -> Option<&str> {
        self.devices.get(device)?.buyer.as_deref()
    }

    /// Somebody logs in on a device: the visitor token that proves it.
    pub(super) fn log_in(&mut self, device: &str, buyer: &str, now: Instant) -> String {
        let number = VisitorId(visitor_of(device));
        let device = self.devices.entry(device.to_owned()).or_default();
        device.buyer = Some(buyer.to_owned());
        let visitor = *device.visitor.get_or_insert(number);
        let token = VisitorToken { visitor, issued: now, expires: FOREVER, audience: 0 };
        let mut text = Vec::new();
        token.sign(&BrowserKeys::derive(&master(), None), &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Takes in what the catalogue has become.
    async fn catch_up(&self, world: &World) -> Result<(), WorldError> {
        loop {
            let page = world.core.changes(self.table.position(), 10_000).await?;
            if page.changes.is_empty() {
                return Ok(());
            }
            self.table.apply(page.history, &page.changes);
        }
    }

    /// Somebody taps a link now.
    pub(super) async fn tap(&mut self, world: &World, asked: &Asked<'_>) -> Result<Tap, WorldError> {
        self.catch_up(world).await?;
        let now = asked.clock;
        let parts = request(asked)?;
        let device = self.devices.entry(asked.device.to_owned()).or_default();
        let browser = Browser {
            visitor: device.visitor,
            new_visitor: VisitorId(visitor_of(asked.device)),
            claims: &device.claims,
        };
        let tapped = self.taps.tap(&self.table, &parts, &browser, now);
        let Some(recorded) = &tapped.recorded else { return Ok(Tap { tapped, delivery: None, token: None }) };
        let record = recorded.record;
        let stream = stream(asked, &mut self.next_edge, &mut self.next_worker);
        let sequence = if asked.late {
            0
        } else {
            self.sequence += 1;
            self.sequence - 1
        };
        let click = ClickId::new(stream, sequence);
        let earned = tapped.outcome == Outcome::Attributed;
        if earned && record.visitor.is_some() {
            device.visitor = Some(record.visitor);
        }
        if let ClaimAction::Write { protected_until, expires } = recorded.claim {
            device.claims.retain(|claim| claim.programme != record.programme);
            device.claims.push(ClaimToken {
                programme: record.programme,
                promoter: record.promoter,
                placement: record.placement,
                click,
                clicked: now,
                protected_until,
                expires,
                audience: 0,
            });
        }
        let token = earned.then(|| token(&record, click, now));
        let mut bytes = [0; CLICK_MAX_LEN];
        let len = record.encode(&mut bytes);
        let mut batch = Batch::new(stream, sequence);
        batch.push(now, bytes.get(..len).unwrap_or_default());
        if asked.held {
            self.held.insert(now);
        }
        let delivery = Delivery { batch, held: asked.held, at: now };
        Ok(Tap { tapped, delivery: Some(delivery), token })
    }

    /// A click reaches the core now.
    pub(super) async fn deliver(&mut self, world: &World, delivery: Delivery) -> Result<(), WorldError> {
        let now = world.now();
        if delivery.held {
            self.held.remove(&delivery.at);
        }
        let edge = delivery.batch.stream().edge;
        self.known.insert(edge);
        let ingested = world.core.ingest(delivery.batch, now).await;
        ingested.map(|_| ()).map_err(|error| WorldError::Setup {
            what: "a batch of clicks".to_owned(),
            answer: error.to_string(),
        })
    }

    /// Every edge says how it stands.
    pub(super) async fn report(&self, world: &World) -> Result<(), WorldError> {
        let now = world.now();
        for edge in &self.known {
            let shipped_through = self.through(*edge, now);
            let heartbeat = Heartbeat {
                edge: *edge,
                at: now,
                history: None,
                applied: 0,
                shipped_through,
                streams: Vec::new(),
            };
            world.core.heartbeat(heartbeat, now).await?;
        }
        Ok(())
    }

    /// Up to when an edge has delivered everything.
    fn through(&self, edge: EdgeId, now: Instant) -> Instant {
        let oldest = self.held.first().copied().filter(|_| edge == MAIN);
        oldest.map_or(now, |oldest| oldest.min(now))
    }
}

/// The request of a tap.
fn request(asked: &Asked<'_>) -> Result<Parts, WorldError> {
    let mut request = Request::builder()
        .method(if asked.head { "HEAD" } else { "GET" })
        .uri(format!("/{}", asked.code))
        .header("host", PUBLIC_BASE.trim_start_matches("https://"))
        .header("user-agent", asked.agent.unwrap_or(PHONE));
    for (name, value) in &asked.headers {
        request = request.header(*name, *value);
    }
    let request = request.body(()).map_err(|error| WorldError::Setup {
        what: format!("a tap on {}", asked.code),
        answer: error.to_string(),
    })?;
    Ok(request.into_parts().0)
}

/// The token of a click that earned one, as it stands in the destination.
fn token(record: &ClickRecord<'_>, click: ClickId, clicked: Instant) -> String {
    let token = ClickToken {
        click,
        visitor: record.visitor,
        programme: record.programme,
        promoter: record.promoter,
        placement: record.placement,
        target: record.target,
        code: record.code,
        clicked,
        unjournaled: false,
    };
    let mut text = Vec::new();
    token.sign(&ClickKeys::edge_key(&master(), click.stream().edge), &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// A click that comes late comes from an edge the core has not heard of, or, if it is held, from a worker of its own
/// of the edge that is otherwise on time.
fn stream(asked: &Asked<'_>, next_edge: &mut u16, next_worker: &mut u8) -> Stream {
    let (mut edge, mut worker) = (MAIN, WorkerId(0));
    if asked.held {
        worker = WorkerId(*next_worker);
        *next_worker = next_worker.saturating_add(1);
    } else if asked.late {
        edge = EdgeId(*next_edge);
        *next_edge = next_edge.saturating_add(1);
    }
    Stream { edge, epoch: EPOCH, worker }
}

/// A device's visitor id, the same in every run.
fn visitor_of(device: &str) -> [u8; 16] {
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(device.as_bytes());
    let mut id = [0; 16];
    id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    id
}
