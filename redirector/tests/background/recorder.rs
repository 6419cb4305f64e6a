//! Claims reach a real Redis from a real journal, whatever Redis does, and nothing else notices.

use crate::core_server::CoreServer;
use crate::metrics::{install, scraped};
use crate::rig::{LAST_CLICK, Rig, SEGMENT_BYTES, click, quick, shipped};
use attribution_core::catalogue::{ClaimScope, Rebind};
use attribution_core::holder::{Held, HolderRecord, HolderScope, Holding, key};
use attribution_core::ids::{ProgrammeNum, PromoterNum, TargetNum, VisitorId};
use attribution_core::outcome::{Outcome, Reason};
use attribution_core::record::ClickRecord;
use redirector::background::{BackgroundOptions, ClaimTerms, RecorderOptions};
use redirector::clock;
use redis::aio::ConnectionLike;
use redis_rig::{Cluster, RedisServer, connect, shared_url};
use redis_view::RedisOptions;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(10);
pub(crate) const PROGRAMME: HolderScope<'_> = HolderScope::Programme(ProgrammeNum(3));

pub(crate) fn recording(url: &str) -> BackgroundOptions {
    recording_to(RedisOptions::single(url).unwrap())
}

pub(crate) fn recording_to(redis: RedisOptions) -> BackgroundOptions {
    let redis = RedisOptions {
        connect_timeout: Duration::from_millis(300),
        response_timeout: Duration::from_millis(500),
        ..redis
    };
    BackgroundOptions { recorder: Some(RecorderOptions::new(redis)), ..quick() }
}

pub(crate) fn visitor() -> VisitorId {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    VisitorId(bytes)
}

async fn get<C: ConnectionLike + Send>(
    redis: &mut C,
    scope: HolderScope<'_>,
    visitor: VisitorId,
) -> Option<HolderRecord> {
    let key = key(scope, Held::Visitor(visitor));
    let bytes: Option<Vec<u8>> = redis::cmd("GET").arg(key).query_async(redis).await.ok()?;
    bytes.map(|bytes| HolderRecord::decode(&bytes).unwrap())
}

/// Waits until this promoter holds the visitor.
pub(crate) async fn held<C: ConnectionLike + Send>(
    redis: &mut C,
    scope: HolderScope<'_>,
    visitor: VisitorId,
    by: u32,
) -> Holding {
    let waiting = async {
        loop {
            if let Some(HolderRecord { holder: Some(holding), provisional: true, .. }) =
                get(redis, scope, visitor).await
                && holding.promoter == PromoterNum(by)
            {
                return holding;
            }
            tokio::task::yield_now().await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(30), waiting).await {
        Ok(holding) => holding,
        Err(_) => panic!("promoter {by} never held; the record is {:?}", get(redis, scope, visitor).await),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn claims_are_recorded_and_nothing_else_is() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    let mut redis = connect(&shared_url()).await;
    let mut rig = Rig::start(dir.path(), core.address, recording(&shared_url()));
    let (mine, other) = (visitor(), visitor());
    let now = clock::now();
    rig.write_record(0, now.plus(-3_000), &click(mine, PromoterNum(1)));
    let second = rig.write_record(1, now.plus(-2_000), &click(mine, PromoterNum(2)));
    let kept = ClickRecord { reason: Reason::ClaimKept, ..click(mine, PromoterNum(3)) };
    rig.write_record(0, now.plus(-1_000), &kept);
    for outcome in [Outcome::Bot, Outcome::Head, Outcome::Untracked, Outcome::LinkExpired] {
        rig.write_record(0, now, &ClickRecord { outcome, ..click(other, PromoterNum(4)) });
    }
    rig.write_record(0, now, &click(VisitorId::NONE, PromoterNum(4)));
    let marker = visitor();
    rig.write_record(0, now, &click(marker, PromoterNum(9)));
    held(&mut redis, PROGRAMME, marker, 9).await;
    let holding = held(&mut redis, PROGRAMME, mine, 2).await;
    assert_eq!((holding.click, holding.clicked), (second, now.plus(-2_000)));
    assert_eq!(holding.expires, now.plus(-2_000).floor().plus(LAST_CLICK.life_ms));
    assert_eq!(get(&mut redis, PROGRAMME, other).await, None);
    assert_eq!(get(&mut redis, PROGRAMME, VisitorId::NONE).await, None);
    rig.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn protection_holds_against_other_promoters_until_it_ends() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    let mut redis = connect(&shared_url()).await;
    let terms = ClaimTerms {
        scope: ClaimScope::Target,
        protection_ms: 10_000,
        rebind: Rebind::AfterProtection,
        ..LAST_CLICK
    };
    let mut rig = Rig::start_with(dir.path(), core.address, recording(&shared_url()), terms, SEGMENT_BYTES);
    let scope = HolderScope::Target(ProgrammeNum(3), TargetNum(2));
    let (early, late) = (visitor(), visitor());
    let begin = clock::now().floor().plus(-60_000);
    // Delivered newest first: the binding click comes last.
    for (after, promoter) in [(9_000, 2), (4_000, 1), (0, 1)] {
        rig.write_record(0, begin.plus(after), &click(early, PromoterNum(promoter)));
    }
    for (after, promoter) in [(10_000, 2), (9_999, 3), (0, 1)] {
        rig.write_record(0, begin.plus(after), &click(late, PromoterNum(promoter)));
    }
    let holding = held(&mut redis, scope, early, 1).await;
    assert_eq!((holding.clicked, holding.protected_until), (begin.plus(4_000), begin.plus(10_000)));
    assert_eq!(held(&mut redis, scope, late, 2).await.clicked, begin.plus(10_000));
    rig.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn a_redis_that_is_killed_is_told_everything_again() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    let mut server = RedisServer::start(&[]).await;
    let mut rig = Rig::start(dir.path(), core.address, recording(&server.url()));
    let (first, second, third) = (visitor(), visitor(), visitor());
    let now = clock::now();
    rig.write_record(0, now, &click(first, PromoterNum(1)));
    held(&mut connect(&server.url()).await, PROGRAMME, first, 1).await;
    server.kill();
    rig.write_record(0, now, &click(second, PromoterNum(2)));
    shipped(&core, rig.stream(0), 2).await;
    server.restart().await;
    let mut redis = connect(&server.url()).await;
    held(&mut redis, PROGRAMME, second, 2).await;
    held(&mut redis, PROGRAMME, first, 1).await;
    server.command(&["SCRIPT", "FLUSH"]).await;
    rig.write_record(0, now, &click(third, PromoterNum(3)));
    held(&mut redis, PROGRAMME, third, 3).await;
    rig.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn a_redis_that_hangs_disturbs_nothing() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    let server = RedisServer::start(&[]).await;
    let mut rig = Rig::start(dir.path(), core.address, recording(&server.url()));
    let (first, second) = (visitor(), visitor());
    rig.write_record(0, clock::now(), &click(first, PromoterNum(1)));
    held(&mut connect(&server.url()).await, PROGRAMME, first, 1).await;
    server.hang(true);
    rig.write_record(0, clock::now(), &click(second, PromoterNum(2)));
    rig.write(1, 5_000);
    shipped(&core, rig.stream(0), 2).await;
    shipped(&core, rig.stream(1), 5_000).await;
    server.hang(false);
    held(&mut connect(&server.url()).await, PROGRAMME, second, 2).await;
    rig.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn a_redis_that_evicts_is_refused_and_one_that_is_full_is_waited_for() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    install();
    let server = RedisServer::start(&["--maxmemory-policy", "allkeys-lru"]).await;
    let mut rig = Rig::start(dir.path(), core.address, recording(&server.url()));
    let (first, second) = (visitor(), visitor());
    rig.write_record(0, clock::now(), &click(first, PromoterNum(1)));
    shipped(&core, rig.stream(0), 1).await;
    let mut redis = connect(&server.url()).await;
    scraped(r#"yinke_redis_errors_total{reason="evicts"}"#).await;
    assert_eq!(get(&mut redis, PROGRAMME, first).await, None);
    server.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    held(&mut redis, PROGRAMME, first, 1).await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    rig.write_record(0, clock::now(), &click(second, PromoterNum(2)));
    shipped(&core, rig.stream(0), 2).await;
    scraped(r#"yinke_redis_errors_total{reason="out_of_memory"}"#).await;
    assert_eq!(get(&mut redis, PROGRAMME, second).await, None);
    server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    held(&mut redis, PROGRAMME, second, 2).await;
    rig.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn what_redis_was_not_told_before_a_restart_is_told_after_it() {
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    let mut server = RedisServer::start(&[]).await;
    server.kill();
    let mut rig = Rig::start(dir.path(), core.address, recording(&server.url()));
    let mine = visitor();
    rig.write_record(0, clock::now(), &click(mine, PromoterNum(1)));
    shipped(&core, rig.stream(0), 1).await;
    rig.shutdown(Duration::from_millis(700)).await;
    server.restart().await;
    let rig = Rig::start(dir.path(), core.address, recording(&server.url()));
    held(&mut connect(&server.url()).await, PROGRAMME, mine, 1).await;
    rig.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn a_cluster_takes_every_bucket() {
    let cluster = Cluster::start().await;
    let (dir, core) = (tempfile::tempdir().unwrap(), CoreServer::start().await);
    let options = recording_to(RedisOptions::cluster(&cluster.urls()).unwrap());
    let mut rig = Rig::start(dir.path(), core.address, options);
    let visitors: Vec<_> = (0..300).map(|_| visitor()).collect();
    for visitor in &visitors {
        rig.write_record(0, clock::now(), &click(*visitor, PromoterNum(7)));
    }
    let mut redis = cluster.connect().await;
    for visitor in visitors {
        held(&mut redis, PROGRAMME, visitor, 7).await;
    }
    rig.shutdown(DEADLINE).await;
}
