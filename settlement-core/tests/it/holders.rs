//! What the core tells a real Redis: decisions win over edges' words, every change arrives, whatever Redis does
//! meanwhile, and an emptied Redis is filled again.

use crate::order_bench::{Stage, created, visitor};
use crate::support::Bench;
use attribution_core::catalogue::ClaimEnd;
use attribution_core::click::ClickId;
use attribution_core::holder::{Guard, Held, HolderClick, HolderRecord, HolderScope, SCRIPT, clicks_op, key};
use attribution_core::ids::{BuyerId, PlacementNum, ProgrammeNum, PromoterNum, VisitorId};
use attribution_core::time::{DAY_MS, Instant};
use redis::aio::MultiplexedConnection;
use redis_rig::{Cluster, Door, Mood, RedisServer, connect};
use redis_view::RedisOptions;
use serde_json::{Value, json};
use settlement_core::Task;
use settlement_core::holders::{self, Checked, RebuildProgress, check, rebuild};
use settlement_core::store::{StoreError, Tx};
use settlement_core::{Clock, params};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(40);

/// Makes two tests of one body that needs a Redis: on SQLite and on PostgreSQL.
macro_rules! on_both_with_redis {
    ($name:ident, $body:expr) => {
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "needs a server: cargo xtask test starts it"]
            async fn sqlite() {
                let bench = Bench::sqlite().await;
                ($body)(&bench).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "needs a server: cargo xtask test starts it"]
            async fn postgres() {
                let bench = Bench::postgres().await;
                ($body)(&bench).await;
            }
        }
    };
}

fn options(url: &str) -> RedisOptions {
    quick(RedisOptions::single(url).unwrap())
}

fn quick(redis: RedisOptions) -> RedisOptions {
    RedisOptions {
        connect_timeout: Duration::from_millis(500),
        response_timeout: Duration::from_secs(1),
        ..redis
    }
}

fn tell(bench: &Bench, redis: &RedisOptions) -> Task {
    holders::spawn(bench.core.clone(), redis.clone()).unwrap()
}

fn shop_wide() -> Value {
    json!({"attribution": {"scope": "shop", "require_converted_link": false}})
}

/// So many minutes ago.
fn ago(bench: &Bench, minutes: i64) -> Instant {
    bench.core.now().plus(-minutes * 60_000)
}

fn buyer_key(buyer: &str) -> String {
    let buyer: BuyerId = buyer.parse().unwrap();
    key(HolderScope::Programme(ProgrammeNum(1)), Held::Buyer(&buyer))
}

fn visitor_key(visitor: VisitorId) -> String {
    key(HolderScope::Programme(ProgrammeNum(1)), Held::Visitor(visitor))
}

async fn get(redis: &mut MultiplexedConnection, key: &str) -> Option<HolderRecord> {
    let bytes: Option<Vec<u8>> = redis::cmd("GET").arg(key).query_async(redis).await.ok()?;
    bytes.map(|bytes| HolderRecord::decode(&bytes).unwrap())
}

/// Waits until the core has decided that this promoter holds, or nobody.
async fn decided(redis: &mut MultiplexedConnection, key: &str, promoter: Option<u32>) -> HolderRecord {
    let waiting = async {
        loop {
            if let Some(record) = get(redis, key).await
                && !record.provisional
                && record.holder.map(|holder| holder.promoter.0) == promoter
            {
                return record;
            }
            tokio::task::yield_now().await;
        }
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(record) => record,
        Err(_) => panic!("{key} never was {promoter:?}'s; it is {:?}", get(redis, key).await),
    }
}

/// Waits until all records are what the core says.
async fn same(bench: &Bench, redis: &RedisOptions) -> Checked {
    let mut last = None;
    let waiting = async {
        loop {
            let checked = check(bench.core.store(), &Clock::System, redis, |_, _| {}).await;
            match checked {
                Ok(checked) if checked.differences.is_empty() && checked.ahead == 0 => return checked,
                other => last = Some(format!("{other:?}")),
            }
        }
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(checked) => checked,
        Err(_) => panic!("never the same: {last:?}"),
    }
}

/// What an edge tells of a click.
async fn edge_tells(redis: &mut MultiplexedConnection, visitor: VisitorId, click: HolderClick) {
    let (operation, key) = (clicks_op(&[click]), visitor_key(visitor));
    let _: (u64, u64) =
        redis::cmd("EVAL").arg(SCRIPT).arg(1).arg(key).arg(operation).query_async(redis).await.unwrap();
}

fn edge_click(at: Instant, click: ClickId, promoter: u32) -> HolderClick {
    HolderClick {
        at,
        click,
        promoter: PromoterNum(promoter),
        placement: PlacementNum(promoter),
        protected_until: at.floor(),
        expires: at.floor().plus(15 * DAY_MS),
        end: ClaimEnd::FromClick,
        guard: Guard::None,
    }
}

const ANNA: Option<u32> = Some(1);
const BOB: Option<u32> = Some(2);

on_both_with_redis!(decisions_win_over_what_edges_say, async |bench: &Bench| {
    let stage = Stage::set(bench, "distributor1688", shop_wide()).await;
    let server = RedisServer::start(&[]).await;
    let mut redis = connect(&server.url()).await;
    let task = tell(bench, &options(&server.url()));
    let v = visitor(1);
    stage.tap(v, "anna", "cup", ago(bench, 60), bench.core.now()).await;
    stage.login(v, "u1", ago(bench, 50)).await;
    let first = decided(&mut redis, &visitor_key(v), ANNA).await;
    let expires = ago(bench, 60).plus(15 * DAY_MS).millis();
    assert!((first.holder.unwrap().expires.millis() - expires).abs() < 120_000);
    decided(&mut redis, &buyer_key("u1"), ANNA).await;

    // Bob's click is newer; the edge tells it first. Bob was disabled long before, which that edge had not heard.
    bench.ok("POST", "/v1/promoters/bob/disable", json!({"at": ago(bench, 40).millis()})).await;
    let at = ago(bench, 30);
    let (_, batch) = stage.tapped(v, "bob", "tea", at).await;
    let click = ClickId::new(batch.stream(), batch.first_sequence());
    edge_tells(&mut redis, v, edge_click(at, click, 2)).await;
    let told = get(&mut redis, &visitor_key(v)).await.unwrap();
    assert_eq!((told.holder.unwrap().promoter.0, told.provisional), (2, true));
    bench.core.ingest(batch, bench.core.now()).await.unwrap();
    let last = decided(&mut redis, &visitor_key(v), ANNA).await;
    assert!(last.version > first.version);
    // Told again, as after a restart of the edge: the decision stands.
    edge_tells(&mut redis, v, edge_click(at, click, 2)).await;
    assert_eq!(get(&mut redis, &visitor_key(v)).await, Some(last));
    assert_eq!(same(bench, &options(&server.url())).await.records, 2);
    task.stop(Duration::from_secs(5)).await;
});

on_both_with_redis!(whatever_changes_an_answer_is_told, async |bench: &Bench| {
    let stage = Stage::set(bench, "distributor1688", shop_wide()).await;
    let server = RedisServer::start(&[]).await;
    let mut redis = connect(&server.url()).await;
    let task = tell(bench, &options(&server.url()));
    let now = bench.core.now();
    let (a, b) = (visitor(1), visitor(2));
    stage.tap(a, "anna", "cup", ago(bench, 60), now).await;
    stage.tap(b, "bob", "cup", ago(bench, 55), now).await;
    stage.login(a, "u1", ago(bench, 50)).await;
    decided(&mut redis, &buyer_key("u1"), ANNA).await;
    // A second device of the same buyer.
    stage.login(b, "u1", ago(bench, 45)).await;
    decided(&mut redis, &buyer_key("u1"), BOB).await;
    // Bob turns out to have been disabled all the time; and then not.
    bench.ok("POST", "/v1/promoters/bob/disable", json!({"at": ago(bench, 58).millis()})).await;
    decided(&mut redis, &buyer_key("u1"), ANNA).await;
    bench.ok("POST", "/v1/promoters/bob/enable", json!({"at": ago(bench, 57).millis()})).await;
    decided(&mut redis, &buyer_key("u1"), BOB).await;
    // From now on the first binding stays.
    let never = json!({"merchant": "m1", "name": "g", "policy": {"attribution": {"rebind": "never"}}});
    bench.ok("PUT", "/v1/programmes/g1", never).await;
    decided(&mut redis, &buyer_key("u1"), ANNA).await;
    // And an order ends it.
    let closing = json!({"merchant": "m1", "name": "g", "policy": {"attribution": {"close_on_order": true}}});
    bench.ok("PUT", "/v1/programmes/g1", closing).await;
    let at = bench.core.now();
    stage.event(created("o1", "u1", "cup", at), at).await;
    decided(&mut redis, &buyer_key("u1"), None).await;
    assert!(decided(&mut redis, &visitor_key(a), ANNA).await.version > 0);
    same(bench, &options(&server.url())).await;
    task.stop(Duration::from_secs(5)).await;
});

on_both_with_redis!(what_happened_while_nobody_kept_the_outbox_is_told, async |bench: &Bench| {
    let stage = Stage::set(bench, "distributor1688", shop_wide()).await;
    let server = RedisServer::start(&[]).await;
    let mut redis = connect(&server.url()).await;
    let task = tell(bench, &options(&server.url()));
    let v = visitor(1);
    stage.tap(v, "anna", "cup", ago(bench, 60), bench.core.now()).await;
    stage.tap(v, "bob", "cup", ago(bench, 50), bench.core.now()).await;
    decided(&mut redis, &visitor_key(v), BOB).await;
    task.stop(Duration::from_secs(5)).await;
    // For more than a week no core was configured with a Redis.
    let now = bench.core.now();
    let long_ago = now.plus(-8 * DAY_MS);
    bench
        .core
        .store()
        .write(move |tx| tx.execute("UPDATE holder_view SET wanted_at = $1", params![long_ago]))
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    bench.ok("POST", "/v1/promoters/bob/disable", json!({"at": ago(bench, 55).millis()})).await;
    let left = async || {
        let count = |tx: &mut dyn Tx| tx.query_one("SELECT COUNT(*) FROM holder_outbox", &[])?.int(0);
        bench.core.store().read(count).await.map_err(|error: StoreError| error).unwrap()
    };
    assert_eq!(left().await, 1);
    bench.core.maintain(now).await.unwrap();
    assert_eq!(left().await, 0);
    // The same run of Redis as before: only the hole in the outbox says that there is something to tell.
    let task = tell(bench, &options(&server.url()));
    decided(&mut redis, &visitor_key(v), ANNA).await;
    same(bench, &options(&server.url())).await;
    task.stop(Duration::from_secs(5)).await;
});

/// Taps of several visitors, some of whom log in.
async fn crowd(bench: &Bench, stage: &Stage<'_>, numbers: std::ops::Range<u8>) {
    for n in numbers {
        let promoter = if n % 3 == 0 { "anna" } else { "bob" };
        stage
            .tap(visitor(n + 1), promoter, "cup", ago(bench, 90 - i64::from(n % 60)), bench.core.now())
            .await;
        if n % 2 == 0 {
            stage.login(visitor(n + 1), &format!("u{}", n / 4), ago(bench, 20)).await;
        }
    }
}

on_both_with_redis!(an_emptied_redis_is_rebuilt_beside_live_writers, async |bench: &Bench| {
    let stage = Stage::set(bench, "distributor1688", shop_wide()).await;
    let server = RedisServer::start(&[]).await;
    let redis = options(&server.url());
    let task = tell(bench, &redis);
    crowd(bench, &stage, 0..120).await;
    let records = same(bench, &redis).await.records;
    // It may still be telling some of it for the second time.
    task.stop(Duration::from_secs(5)).await;
    server.command(&["FLUSHALL"]).await;
    let empty = check(bench.core.store(), &Clock::System, &redis, |_, _| {}).await.unwrap();
    assert_eq!((empty.differences.len() as u64, empty.differences[0].kind), (records, "missing"));
    let task = tell(bench, &redis);

    // Broken off after the first step.
    let (broken, mut stepped) = tokio::sync::watch::channel(false);
    let note = move |progress: RebuildProgress| {
        broken.send_replace(progress.done > 0);
    };
    tokio::select! {
        done = rebuild(bench.core.store(), &Clock::System, &redis, false, note) => panic!("not broken off: {done:?}"),
        _ = stepped.wait_for(|stepped| *stepped) => {}
    }
    // Meanwhile life goes on.
    crowd(bench, &stage, 120..140).await;
    let done = rebuild(bench.core.store(), &Clock::System, &redis, false, |_| {}).await.unwrap();
    assert!(done.resumed_at > 0 && done.passed >= done.resumed_at, "{done:?}");
    same(bench, &redis).await;
    let again = rebuild(bench.core.store(), &Clock::System, &redis, false, |_| {}).await.unwrap();
    assert_eq!(again.resumed_at, 0);
    same(bench, &redis).await;
    task.stop(Duration::from_secs(5)).await;
});

on_both_with_redis!(what_a_failover_lost_is_told_again, async |bench: &Bench| {
    let stage = Stage::set(bench, "distributor1688", shop_wide()).await;
    let (mut primary, replica) = (RedisServer::start(&[]).await, RedisServer::start(&[]).await);
    replica.command(&["REPLICAOF", "127.0.0.1", &primary.port.to_string()]).await;
    let door = Door::to(primary.port).await;
    let redis = options(&door.url());
    let task = tell(bench, &redis);
    crowd(bench, &stage, 0..20).await;
    same(bench, &redis).await;
    // From here on the replica hears nothing; then the primary dies.
    replica.hang(true);
    crowd(bench, &stage, 20..40).await;
    let before = same(bench, &redis).await;
    primary.kill();
    replica.hang(false);
    replica.command(&["REPLICAOF", "NO", "ONE"]).await;
    door.lead_to(replica.port);
    let after = same(bench, &redis).await;
    assert_eq!(after.records, before.records);
    task.stop(Duration::from_secs(5)).await;
});

on_both_with_redis!(a_slot_that_moves_loses_nothing, async |bench: &Bench| {
    let stage = Stage::set(bench, "distributor1688", shop_wide()).await;
    let cluster = Cluster::start().await;
    let redis = quick(RedisOptions::cluster(&cluster.urls()).unwrap());
    let task = tell(bench, &redis);
    // All of one bucket: they share a slot.
    let bucket = Held::Visitor(visitor(1)).bucket();
    let mates: Vec<VisitorId> = (0..60_000_u32)
        .map(|n| {
            let mut id = [9; 16];
            id[..4].copy_from_slice(&n.to_be_bytes());
            VisitorId(id)
        })
        .filter(|id| Held::Visitor(*id).bucket() == bucket)
        .take(30)
        .collect();
    for mate in &mates[..20] {
        stage.tap(*mate, "anna", "cup", ago(bench, 30), bench.core.now()).await;
    }
    same(bench, &redis).await;
    let slot = cluster.slot(&visitor_key(mates[0])).await;
    let from = Cluster::owner(slot);
    let to = (from + 1) % 3;
    cluster.begin_move(slot, from, to).await;
    assert_eq!(cluster.move_keys(slot, from, to, 10).await, 10);
    // Half of the slot is here and half is there: old and new records.
    for mate in &mates {
        stage.tap(*mate, "bob", "cup", ago(bench, 20), bench.core.now()).await;
    }
    let checked = same(bench, &redis).await;
    assert_eq!(checked.records, 30);
    while cluster.move_keys(slot, from, to, 100).await > 0 {}
    cluster.end_move(slot, to).await;
    for mate in &mates {
        stage.tap(*mate, "anna", "tea", ago(bench, 10), bench.core.now()).await;
    }
    same(bench, &redis).await;
    task.stop(Duration::from_secs(5)).await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn in_every_mood_of_redis_records_converge_afterwards() {
    let bench = &Bench::sqlite().await;
    let stage = Stage::set(bench, "distributor1688", shop_wide()).await;
    let mut server = RedisServer::start(&[]).await;
    let door = Door::to(server.port).await;
    let redis = options(&door.url());
    let task = tell(bench, &redis);
    crowd(bench, &stage, 0..4).await;
    same(bench, &redis).await;
    for (round, mood) in (0..).zip(Mood::ALL) {
        server.enter(mood, &door).await;
        // Nothing of the core waits for Redis.
        crowd(bench, &stage, 10 + round * 10..20 + round * 10).await;
        server.leave(mood, &door).await;
        let checked = same(bench, &redis).await;
        assert!(checked.records >= 4 + 10 * (u64::from(round) + 1), "{mood:?}: {checked:?}");
    }
    task.stop(Duration::from_secs(5)).await;
}
