//! What an edge needs to start, how it ends, and what is still there afterwards.

use crate::http::{Client, request};
use crate::world::{Core, EDGE, HISTORY, World, config, eventually, keys, path};
use attribution_core::catalogue::{ChangePage, NumberedChange};
use attribution_core::click::EdgeId;
use attribution_core::code::CheckKey;
use attribution_core::history::FeedPosition;
use attribution_core::record::Tally;
use attribution_core::shipping::{Batch, Heartbeat, HeartbeatAck, LostRange, ShipAck};
use attribution_core::time::Instant;
use redirector::config::Listen;
use redirector::core_link::{CoreLink, LinkError, LinkFuture};
use redirector::{Edge, EdgeKeys, ListenError, NotReady, StartError};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A core that is not there.
struct Nobody;

fn gone<T: Send + 'static>() -> LinkFuture<'static, T> {
    Box::pin(async { Err(LinkError::Unreachable("nobody".into())) })
}

impl CoreLink for Nobody {
    fn ship(&self, _: Batch) -> LinkFuture<'_, ShipAck> {
        gone()
    }
    fn changes(&self, _: FeedPosition, _: u32) -> LinkFuture<'_, ChangePage> {
        gone()
    }
    fn heartbeat(&self, _: Heartbeat) -> LinkFuture<'_, HeartbeatAck> {
        gone()
    }
    fn lost(&self, _: EdgeId, _: Vec<LostRange>) -> LinkFuture<'_, ()> {
        gone()
    }
}

fn alone(dir: &TempDir) -> Edge {
    Edge::start(config(dir), keys(), Arc::new(Nobody)).unwrap()
}

#[test]
fn an_edge_restarts_with_the_core_absent() {
    let world = World::new([]);
    assert!(world.edge.readiness().is_ready());
    assert_eq!(world.get(&path(1), &[]).status, 302);
    let (report, _, dir) = world.shutdown();
    assert!(report.drained && report.journal.is_none(), "{report:?}");
    let edge = alone(&dir);
    assert!(edge.readiness().is_ready());
    assert_eq!(Client::connect(edge.address()).request("GET", &path(1), &[]).status, 302);
    let old = edge.journal().streams().into_iter().find(|info| !info.live).expect("the first start's stream");
    assert!(old.closed);
    let mut reader = edge.journal().reader(old.stream, 0).unwrap();
    let mut last = Vec::new();
    while let Some(frame) = reader.next(u64::MAX).unwrap() {
        last = frame.payload.to_vec();
    }
    let expected = Tally { answered: 1, recorded: 1, ..Tally::default() };
    assert_eq!(Tally::decode(&last), Ok(expected), "the last word is the final tally");
}

#[test]
fn an_edge_killed_right_after_its_first_load_restarts_with_the_core_absent() {
    let world = World::new([]);
    let saved = world.dir.path().join("table/table.snapshot");
    eventually("the table is saved", || saved.exists());
    // What a kill would leave now.
    let left = tempfile::tempdir().unwrap();
    std::fs::create_dir(left.path().join("table")).unwrap();
    std::fs::copy(&saved, left.path().join("table/table.snapshot")).unwrap();
    let edge = alone(&left);
    assert!(edge.readiness().is_ready());
    assert_eq!(Client::connect(edge.address()).request("GET", &path(1), &[]).status, 302);
}

#[test]
fn an_edge_that_knows_nothing_is_not_ready() {
    let dir = tempfile::tempdir().unwrap();
    let edge = alone(&dir);
    assert_eq!(edge.readiness().reasons, [NotReady::TableEmpty]);
    assert_eq!(Client::connect(edge.address()).request("GET", &path(1), &[]).status, 404);
}

/// A core that tells the first page of many and is gone before the next.
struct FirstPageOnly;

impl CoreLink for FirstPageOnly {
    fn ship(&self, _: Batch) -> LinkFuture<'_, ShipAck> {
        gone()
    }
    fn changes(&self, from: FeedPosition, _: u32) -> LinkFuture<'_, ChangePage> {
        if from.number > 0 {
            return gone();
        }
        let number = |(number, change)| NumberedChange { number, at: Instant(0), change };
        let changes = (1..).zip(crate::world::basics()).map(number).collect();
        Box::pin(async move { Ok(ChangePage { history: HISTORY, reload: false, changes, head: 1_000 }) })
    }
    fn heartbeat(&self, _: Heartbeat) -> LinkFuture<'_, HeartbeatAck> {
        gone()
    }
    fn lost(&self, _: EdgeId, _: Vec<LostRange>) -> LinkFuture<'_, ()> {
        gone()
    }
}

#[test]
fn an_edge_is_not_ready_until_its_table_was_whole_once() {
    let dir = tempfile::tempdir().unwrap();
    let edge = Edge::start(config(&dir), keys(), Arc::new(FirstPageOnly)).unwrap();
    eventually("the first page is there", || edge.contact().applied() == 5);
    assert_eq!(Client::connect(edge.address()).request("GET", &path(1), &[]).status, 302);
    assert_eq!(edge.readiness().reasons, [NotReady::TableIncomplete]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(edge.shutdown(Duration::from_secs(5)));

    let again = alone(&dir);
    assert_eq!(again.contact().applied(), 5, "the part was saved");
    assert_eq!(again.readiness().reasons, [NotReady::TableIncomplete]);
}

#[test]
fn a_corrupt_snapshot_is_set_aside_and_the_feed_mends_it() {
    let (_, core, dir) = World::new([]).shutdown();
    let file = dir.path().join("table/table.snapshot");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let edge = Edge::start(config(&dir), keys(), core).unwrap();
    eventually("the feed has brought everything", || edge.readiness().is_ready());
    eventually("the link is there", || {
        Client::connect(edge.address()).request("GET", &path(1), &[]).status == 302
    });
    let names = std::fs::read_dir(dir.path().join("table")).unwrap();
    let aside = names.filter(|entry| {
        entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("table.snapshot.corrupt-")
    });
    assert_eq!(aside.count(), 1);
}

#[test]
fn a_second_edge_cannot_have_the_same_directory_or_port() {
    let world = World::new([]);
    let same_dir = Edge::start(config(&world.dir), keys(), Arc::new(Nobody));
    assert!(matches!(same_dir, Err(StartError::Journal(journal::OpenError::InUse(_)))), "{same_dir:?}");
    let other = tempfile::tempdir().unwrap();
    let mut same_port = config(&other);
    same_port.listen = Listen::Bind(world.edge.address());
    let same_port = Edge::start(same_port, keys(), Arc::new(Nobody));
    assert!(matches!(same_port, Err(StartError::Listen(ListenError::InUse(_)))), "{same_port:?}");
}

#[test]
fn a_dropped_edge_gives_its_directory_back() {
    let World { edge, core, dir } = World::new([]);
    drop(edge);
    let link: Arc<dyn CoreLink> = core;
    eventually("the journal is closed", || Edge::start(config(&dir), keys(), Arc::clone(&link)).is_ok());
}

#[test]
fn a_given_listener_is_shared_by_all_workers() {
    let dir = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut config = config(&dir);
    config.listen = Listen::Given(vec![listener]);
    config.workers = 3;
    let core = Arc::new(Core::default());
    core.tell(crate::world::basics());
    let edge = Edge::start(config, keys(), core).unwrap();
    assert_eq!(edge.address(), address);
    eventually("the edge knows the link", || edge.contact().applied() == 5);
    for _ in 0..30 {
        assert_eq!(Client::connect(address).request("GET", &path(1), &[]).status, 302);
    }
    assert_eq!(edge.tally().answered, 30);
    assert_eq!(edge.journal().streams().len(), 3);
    assert!(edge.journal().streams().iter().all(|info| info.stream.edge == EDGE.0));
}

#[test]
fn a_shutdown_answers_what_is_under_way_and_closes_what_is_idle() {
    let world = World::new([]);
    let mut idle = world.client();
    assert_eq!(idle.request("GET", &path(1), &[]).status, 302);
    let mut half = world.client();
    half.send(&request("GET", &path(1), &[]).as_bytes()[..20]);
    let address = world.edge.address();
    let begun = std::time::Instant::now();
    let (report, ..) = world.shutdown();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(report.journal.is_none(), "{report:?}");
    assert!(idle.receive(false).is_none());
    assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn a_cut_off_edge_gives_no_claims_where_the_operator_says_so() {
    let (_, _, dir) = World::new([]).shutdown();
    let mut config = config(&dir);
    config.max_stale = Some(Duration::ZERO);
    let edge = Edge::start(config, keys(), Arc::new(Nobody)).unwrap();
    let answer = Client::connect(edge.address()).request("GET", &path(1), &[]);
    assert_eq!((answer.status, answer.location()), (302, "https://shop.example/p/1"));
    assert!(answer.all("set-cookie").is_empty());
}

#[test]
fn an_edge_with_another_check_key_does_not_start_on_this_table() {
    let (_, core, dir) = World::new([]).shutdown();
    let other = EdgeKeys { check: CheckKey::new(*b"another!"), ..keys() };
    let refused = Edge::start(config(&dir), other, core);
    assert!(matches!(refused, Err(StartError::CheckKey)), "{refused:?}");
}
