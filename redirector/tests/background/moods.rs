//! Every mood of a real Redis: the clicks of the edge are shipped as if nothing were, the reason is counted, and the
//! records are there afterwards.

use crate::core_server::CoreServer;
use crate::log;
use crate::metrics::{install, scraped};
use crate::recorder::{PROGRAMME, held, recording, recording_to, visitor};
use crate::rig::{Rig, click, shipped};
use attribution_core::holder::{Held, key};
use attribution_core::ids::{PromoterNum, VisitorId};
use redirector::clock;
use redis_rig::{Cluster, Door, Mood, RedisServer, connect};
use redis_view::RedisOptions;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn no_mood_of_redis_touches_the_clicks() {
    install();
    log::listen();
    let complaints = || log::said("redis needs help") + log::said("redis is away");
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    let mut server = RedisServer::start(&[]).await;
    let door = Door::to(server.port).await;
    let mut rig = Rig::start(dir.path(), core.address, recording(&door.url()));
    let first = visitor();
    rig.write_record(0, clock::now(), &click(first, PromoterNum(1)));
    held(&mut connect(&server.url()).await, PROGRAMME, first, 1).await;
    for (round, mood) in (1..).zip(Mood::ALL) {
        let before = complaints();
        server.enter(mood, &door).await;
        let mine = visitor();
        rig.write_record(0, clock::now(), &click(mine, PromoterNum(1)));
        rig.write(1, 1_000);
        shipped(&core, rig.stream(0), 1 + round).await;
        shipped(&core, rig.stream(1), 1_000 * round).await;
        if let Some(reason) = mood.reason() {
            scraped(&format!(r#"yinke_redis_errors_total{{reason="{reason}"}}"#)).await;
            let said = async {
                while complaints() == before {
                    tokio::task::yield_now().await;
                }
            };
            assert!(tokio::time::timeout(DEADLINE, said).await.is_ok(), "{reason} is said to nobody");
        }
        server.leave(mood, &door).await;
        held(&mut connect(&server.url()).await, PROGRAMME, mine, 1).await;
    }
    rig.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn what_a_failover_lost_is_told_again() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    let (mut primary, replica) = (RedisServer::start(&[]).await, RedisServer::start(&[]).await);
    replica.command(&["REPLICAOF", "127.0.0.1", &primary.port.to_string()]).await;
    let door = Door::to(primary.port).await;
    let mut rig = Rig::start(dir.path(), core.address, recording(&door.url()));
    let (copied, lost) = (visitor(), visitor());
    rig.write_record(0, clock::now(), &click(copied, PromoterNum(1)));
    held(&mut connect(&replica.url()).await, PROGRAMME, copied, 1).await;
    replica.hang(true);
    rig.write_record(0, clock::now(), &click(lost, PromoterNum(2)));
    held(&mut connect(&primary.url()).await, PROGRAMME, lost, 2).await;
    primary.kill();
    replica.hang(false);
    replica.command(&["REPLICAOF", "NO", "ONE"]).await;
    door.lead_to(replica.port);
    held(&mut connect(&replica.url()).await, PROGRAMME, lost, 2).await;
    shipped(&core, rig.stream(0), 2).await;
    rig.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn a_slot_that_moves_between_nodes_loses_nothing() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    let cluster = Cluster::start().await;
    let mut redis = cluster.connect().await;
    let options = recording_to(RedisOptions::cluster(&cluster.urls()).unwrap());
    let mut rig = Rig::start(dir.path(), core.address, options);
    let bucket = Held::Visitor(VisitorId([1; 16])).bucket();
    let mates: Vec<VisitorId> =
        std::iter::repeat_with(visitor).filter(|v| Held::Visitor(*v).bucket() == bucket).take(30).collect();
    for mate in &mates[..20] {
        rig.write_record(0, clock::now(), &click(*mate, PromoterNum(1)));
    }
    for mate in &mates[..20] {
        held(&mut redis, PROGRAMME, *mate, 1).await;
    }
    let slot = cluster.slot(&key(PROGRAMME, Held::Visitor(mates[0]))).await;
    let from = Cluster::owner(slot);
    let to = (from + 1) % 3;
    cluster.begin_move(slot, from, to).await;
    assert_eq!(cluster.move_keys(slot, from, to, 10).await, 10);
    // Records here, records there, and new ones.
    for mate in &mates {
        rig.write_record(0, clock::now(), &click(*mate, PromoterNum(2)));
    }
    for mate in &mates {
        held(&mut redis, PROGRAMME, *mate, 2).await;
    }
    while cluster.move_keys(slot, from, to, 100).await > 0 {}
    cluster.end_move(slot, to).await;
    for mate in &mates {
        rig.write_record(0, clock::now(), &click(*mate, PromoterNum(3)));
    }
    for mate in &mates {
        held(&mut redis, PROGRAMME, *mate, 3).await;
    }
    rig.shutdown(DEADLINE).await;
}
