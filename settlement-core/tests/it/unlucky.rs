//! Transactions that end badly: a COMMIT whose answer never comes, deadlocks, serialization failures, and shippers that
//! wake up long after another has done their work. Every click comes in once all the same.

use crate::on_both;
use crate::streams::{batch, stream};
use crate::support::{Bench, keys};
use attribution_core::click::Stream;
use attribution_core::shipping::Batch;
use attribution_core::time::Instant;
use attribution_core::with_causes;
use settlement_core::store::{StoreConfig, StoreError};
use settlement_core::{Core, IngestError, params};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use url::Url;

const NOW: Instant = Instant(1_790_001_000_000);
const FRAMES: u64 = 600;

/// Ships everything as an edge does: what failed is sent again. Says how often the outcome was unknown, and how often
/// another failure was met.
async fn ship(core: &Core, s: Stream, size: u64) -> (u32, u32) {
    let (mut next, mut unknown, mut failed) = (0, 0, 0);
    while next < FRAMES {
        match core.ingest(batch(s, next..(next + size).min(FRAMES)), NOW).await {
            Ok(ack) => next = ack.next_sequence,
            Err(IngestError::Gap { expected, .. }) => next = expected,
            Err(IngestError::Store(StoreError::CommitUnknown(_))) => unknown += 1,
            Err(IngestError::Store(error)) => {
                assert!(error.may_retry(), "{error}");
                failed += 1;
            }
        }
    }
    (unknown, failed)
}

/// All of the stream is there, once.
async fn whole(core: &Core, s: Stream) {
    let Stream { edge, epoch, worker } = s;
    let (clicks, counted, next, quarantined) = core
        .store()
        .read(move |tx| {
            let clicks = tx.query_one("SELECT COUNT(*), COUNT(DISTINCT click_id) FROM clicks", &[])?;
            let row = tx.query_one(
                "SELECT clicks, next_sequence, quarantined FROM edge_streams \
                 WHERE edge = $1 AND epoch = $2 AND worker = $3",
                params![edge, epoch, worker],
            )?;
            assert_eq!(clicks.int(0)?, clicks.int(1)?);
            Ok::<_, StoreError>((clicks.int(0)?, row.int(0)?, row.count(1)?, row.int(2)?))
        })
        .await
        .unwrap();
    assert_eq!((clicks, counted, next, quarantined), (540, 540, FRAMES, 0));
    assert_eq!(core.audit_clicks().await.unwrap().gaps, 0);
}

on_both!(a_shipper_that_wakes_up_late_changes_nothing, async |bench: &Bench| {
    let s = stream(21, 0);
    // Two cores: the sleeper's batches go through the one that has heard nothing since.
    let sleeper = bench.open_again();
    sleeper.ingest(batch(s, 0..50), NOW).await.unwrap();
    let asleep: Vec<Batch> = vec![batch(s, 50..90), batch(s, 90..400), batch(s, 0..50), batch(s, 599..600)];
    ship(&bench.core, s, 70).await;
    for old in asleep {
        let ack = sleeper.ingest(old, NOW.plus(60_000)).await.unwrap();
        assert_eq!(ack.next_sequence, FRAMES);
    }
    whole(&bench.core, s).await;
    let late = "SELECT COUNT(*) FROM clicks WHERE ingested_ms <> $1";
    let late = bench.core.store().read(move |tx| tx.query_one(late, params![NOW])?.int(0)).await.unwrap();
    assert_eq!(late, 0, "the first arrival's time stays");
    sleeper.close();
});

/// Where a connection to PostgreSQL is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    BeforeCommit,
    AfterCommit,
}

/// Stands before PostgreSQL and cuts a connection at every third COMMIT, in turns before and after it has passed it on;
/// the answer never gets through.
struct Proxy {
    address: SocketAddr,
    cuts: Arc<[AtomicU32; 2]>,
}

impl Proxy {
    fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let cuts: Arc<[AtomicU32; 2]> = Arc::default();
        let (counted, commits) = (Arc::clone(&cuts), Arc::new(AtomicU32::new(0)));
        // Its threads end with their connections; the listener's with the process.
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(server).unwrap());
                let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
                let (counted, commits) = (Arc::clone(&counted), Arc::clone(&commits));
                std::thread::spawn(move || pass_on(client, server, &counted, &commits));
            }
        });
        Self { address, cuts }
    }
}

/// Passes on what the client says, until a COMMIT is to be cut.
fn pass_on(mut client: TcpStream, mut server: TcpStream, cuts: &[AtomicU32; 2], commits: &AtomicU32) {
    const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";
    let mut bytes = [0; 64 << 10];
    while let Ok(count @ 1..) = client.read(&mut bytes) {
        let said = &bytes[..count];
        let cut = if said.ends_with(COMMIT) {
            match commits.fetch_add(1, Ordering::SeqCst) % 6 {
                2 => Some(Cut::BeforeCommit),
                5 => Some(Cut::AfterCommit),
                _ => None,
            }
        } else {
            None
        };
        let pass = if cut == Some(Cut::BeforeCommit) { &said[..count - COMMIT.len()] } else { said };
        if let Some(cut) = cut {
            // The client must not see the answer, however fast it comes.
            let _ = client.shutdown(std::net::Shutdown::Both);
            cuts[usize::from(cut == Cut::AfterCommit)].fetch_add(1, Ordering::SeqCst);
        }
        if server.write_all(pass).is_err() || cut.is_some() {
            break;
        }
    }
    let _ = server.shutdown(std::net::Shutdown::Write);
    let _ = client.shutdown(std::net::Shutdown::Both);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn a_commit_whose_answer_is_cut_off_counts_once() {
    let bench = Bench::postgres().await;
    let StoreConfig::Postgres { url, schema, .. } = &bench.config.store else { panic!("not PostgreSQL") };
    let mut through: Url = url.parse().unwrap();
    let server =
        SocketAddr::new(through.host_str().unwrap().parse().unwrap(), through.port().unwrap_or(5432));
    // Its first COMMITs are the core's own start.
    let proxy = Proxy::start(server);
    through.set_ip_host(proxy.address.ip()).unwrap();
    through.set_port(Some(proxy.address.port())).unwrap();
    let mut config = bench.config.clone();
    config.store = StoreConfig::Postgres { url: through.to_string(), schema: schema.clone(), connections: 1 };
    let core = loop {
        // The start, too, may meet a cut.
        if let Ok(core) = Core::open(config.clone(), keys()) {
            break core;
        }
    };
    let s = stream(22, 0);
    let (unknown, _) = ship(&core, s, 10).await;
    let [before, after] = [0, 1].map(|cut: usize| proxy.cuts[cut].load(Ordering::SeqCst));
    assert!(
        before >= 5 && after >= 5 && unknown >= 10,
        "{before} cut before, {after} after, {unknown} unknown"
    );
    whole(&bench.core, s).await;
    core.close();
}

on_both!(a_store_without_room_sets_no_click_aside_and_takes_all_once_it_has_some, async |bench: &Bench| {
    let (fill, empty) = if bench.is_sqlite() {
        ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000000")
    } else {
        (
            "CREATE FUNCTION told_to() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             RAISE EXCEPTION 'told to' USING ERRCODE = 'disk_full'; END $$; \
             CREATE TRIGGER told_to BEFORE INSERT ON clicks FOR EACH STATEMENT EXECUTE FUNCTION told_to()",
            "DROP TRIGGER told_to ON clicks",
        )
    };
    let store = bench.core.store();
    store.write(|tx| tx.script(fill)).await.unwrap();
    let s = stream(24, 0);
    let refused = bench.core.ingest(batch(s, 0..FRAMES), NOW).await;
    assert!(matches!(refused, Err(IngestError::Store(StoreError::Unusable(_)))), "{refused:?}");
    store.write(|tx| tx.script(empty)).await.unwrap();
    ship(&bench.core, s, 100).await;
    whole(&bench.core, s).await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn a_server_that_only_reads_any_more_is_left_for_the_one_that_writes() {
    let bench = Bench::postgres().await;
    let mut config = bench.config.clone();
    let StoreConfig::Postgres { connections, .. } = &mut config.store else { panic!("not PostgreSQL") };
    *connections = 1;
    let core = Core::open(config, keys()).unwrap();
    // A primary that was demoted keeps its connections: from now on this one reads, and a new one would write.
    core.store().write(|tx| tx.script("SET default_transaction_read_only = on")).await.unwrap();
    let s = stream(25, 0);
    let refused = core.ingest(batch(s, 0..1), NOW).await;
    assert!(matches!(refused, Err(IngestError::Store(StoreError::Unusable(_)))), "{refused:?}");
    ship(&core, s, 100).await;
    whole(&bench.core, s).await;
    core.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn a_core_whose_server_only_reads_is_not_ready() {
    let bench = Bench::postgres().await;
    let mut config = bench.config.clone();
    let StoreConfig::Postgres { connections, .. } = &mut config.store else { panic!("not PostgreSQL") };
    *connections = 1;
    let core = Core::open(config, keys()).unwrap();
    core.ready().await.unwrap();
    // As after a reload of the server's configuration: the connections that are there hear of it.
    core.store().read(|tx| tx.script("SET default_transaction_read_only = on")).await.unwrap();
    let refused = core.ready().await.unwrap_err();
    assert!(matches!(refused, StoreError::Unusable(_)), "{refused:?}");
    let why = with_causes(&refused);
    assert_eq!(why, "the database takes nothing now: the server's default_transaction_read_only is on");
    // Where the URL leads by then is a server that writes.
    core.ready().await.unwrap();
    core.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn a_connection_that_the_server_closed_while_nobody_asked_fails_nobody() {
    let bench = Bench::postgres().await;
    let mut config = bench.config.clone();
    let StoreConfig::Postgres { connections, .. } = &mut config.store else { panic!("not PostgreSQL") };
    *connections = 1;
    let core = Core::open(config, keys()).unwrap();
    let asked = "SELECT pg_backend_pid()";
    let reader = core.store().read(|tx| tx.query_one(asked, &[])?.int(0)).await.unwrap();
    let writer = core.store().write(|tx| tx.query_one(asked, &[])?.int(0)).await.unwrap();
    for connection in [reader, writer] {
        let end = "SELECT pg_terminate_backend(CAST($1 AS INTEGER), 10000)";
        let ended = bench.core.store().write(move |tx| tx.query_one(end, params![connection])?.flag(0));
        assert!(ended.await.unwrap(), "{connection} is still there");
    }
    core.ready().await.unwrap();
    let s = stream(26, 0);
    core.ingest(batch(s, 0..1), NOW).await.unwrap();
    ship(&core, s, 100).await;
    whole(&bench.core, s).await;
    core.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn serialization_failures_are_tried_again() {
    let bench = Bench::postgres().await;
    bench
        .core
        .store()
        .write(|tx| {
            tx.script(
                "CREATE FUNCTION fail_some() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF random() < 0.3 THEN RAISE EXCEPTION 'told to' USING ERRCODE = '40001'; END IF; \
                 IF random() < 0.3 THEN RAISE EXCEPTION 'told to' USING ERRCODE = '40P01'; END IF; \
                 RETURN NULL; END $$; \
                 CREATE TRIGGER fail_some AFTER INSERT ON clicks FOR EACH STATEMENT EXECUTE FUNCTION fail_some()",
            )
        })
        .await
        .unwrap();
    let s = stream(23, 0);
    let (unknown, failed) = ship(&bench.core, s, 20).await;
    assert_eq!(unknown, 0);
    assert!(failed < 30, "the store tries again before it gives up: {failed}");
    whole(&bench.core, s).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn a_deadlock_costs_nobody_a_click() {
    let bench = Bench::postgres().await;
    let s = stream(24, 0);
    bench.core.ingest(batch(s, 0..10), NOW).await.unwrap();
    let StoreConfig::Postgres { url, schema, .. } = bench.config.store.clone() else {
        panic!("not PostgreSQL")
    };
    let (held, holds) = tokio::sync::oneshot::channel();
    // Holds the key of a click that is to come, then wants the stream's row, which the intake holds by then.
    let rival = tokio::task::spawn_blocking(move || {
        let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
        client.batch_execute(&format!("SET search_path TO {}; BEGIN", schema.unwrap())).unwrap();
        let id = attribution_core::click::ClickId::new(s, 12);
        client
            .execute(
                "INSERT INTO clicks SELECT $1, effective_ms, edge_ms, ingested_ms, outcome, visitor, code, placement, \
                 target, payload FROM clicks LIMIT 1",
                &[&&id.0[..]],
            )
            .unwrap();
        held.send(()).unwrap();
        let waits = "SELECT COUNT(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
                     WHERE NOT l.granted AND a.application_name = 'yinke-core' AND l.locktype = 'transactionid' \
                     AND a.query LIKE 'COPY clicks%' AND pg_backend_pid() = ANY (pg_blocking_pids(l.pid))";
        while client.query_one(waits, &[]).unwrap().get::<_, i64>(0) == 0 {}
        let deadlocked = client.execute("UPDATE edge_streams SET clicks = 7", &[]);
        drop(client.batch_execute("ROLLBACK"));
        deadlocked.is_err()
    });
    holds.await.unwrap();
    ship(&bench.core, s, 100).await;
    // Whoever of the two the server chose: either the rival was refused, or the intake began again.
    let _ = rival.await.unwrap();
    whole(&bench.core, s).await;
}
