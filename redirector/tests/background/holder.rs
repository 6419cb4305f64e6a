//! The script inside Redis against a plain fold: whatever the order, repetition and grouping of deliveries, the record
//! is what the clicks and decisions in their own order give.

use attribution_core::catalogue::ClaimEnd;
use attribution_core::click::{ClickId, EdgeId, Epoch, Stream, WorkerId};
use attribution_core::holder::{
    Decided, Guard, Held, HolderClick, HolderRecord, HolderScope, Holding, SCRIPT, clicks_op, decided_op, key,
};
use attribution_core::ids::{PlacementNum, ProgrammeNum, PromoterNum, VisitorId};
use attribution_core::time::Instant;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use redirector::clock;
use redis::aio::MultiplexedConnection;
use redis_rig::{connect, shared_url};

const HOUR: i64 = 3_600_000;

/// The plain fold: who holds after these clicks, in the order of time and id, over a decision.
fn fold(decided: Option<&Decided>, clicks: &[HolderClick]) -> Option<Holding> {
    let mut clicks = clicks.to_vec();
    clicks.sort_by_key(|c| (c.at, c.click));
    clicks.dedup_by_key(|c| (c.at, c.click));
    let mut state = decided.and_then(|d| d.holder);
    for c in clicks.iter().filter(|c| decided.is_none_or(|d| (c.at, c.click) > d.covers)) {
        let anew = Holding {
            promoter: c.promoter,
            placement: c.placement,
            click: c.click,
            clicked: c.at,
            protected_until: c.protected_until,
            expires: c.expires,
        };
        state = Some(match state {
            Some(holder) if c.at < holder.expires && holder.promoter == c.promoter => {
                let expires = match c.end {
                    ClaimEnd::FromClick => c.expires,
                    ClaimEnd::FromBind => holder.expires,
                    ClaimEnd::WithLink => holder.expires.max(c.expires),
                };
                Holding { protected_until: holder.protected_until, expires, ..anew }
            }
            Some(holder)
                if c.at < holder.expires
                    && (c.guard == Guard::Holder
                        || (c.guard == Guard::Protection && c.at < holder.protected_until)) =>
            {
                holder
            }
            _ => anew,
        });
    }
    state
}

fn click(
    at: i64,
    n: u64,
    promoter: u32,
    protection: i64,
    life: i64,
    end: ClaimEnd,
    guard: Guard,
) -> HolderClick {
    let stream = Stream { edge: EdgeId(1), epoch: Epoch(n % 3), worker: WorkerId(0) };
    HolderClick {
        at: Instant(at),
        click: ClickId::new(stream, n),
        promoter: PromoterNum(promoter),
        placement: PlacementNum(promoter + 10),
        protected_until: Instant(at + protection),
        expires: Instant(at + life),
        end,
        guard,
    }
}

/// A delivery: clicks by index, or a decision by index.
#[derive(Debug, Clone)]
enum Delivery {
    Clicks(Vec<usize>),
    Decision(usize),
}

#[derive(Debug, Clone)]
struct Story {
    clicks: Vec<HolderClick>,
    decisions: Vec<Decided>,
    deliveries: Vec<Delivery>,
}

fn stories(now: i64) -> impl Strategy<Value = Story> {
    let end = prop_oneof![Just(ClaimEnd::FromClick), Just(ClaimEnd::FromBind), Just(ClaimEnd::WithLink)];
    let guard = prop_oneof![Just(Guard::None), Just(Guard::Protection), Just(Guard::Holder)];
    let clicks = prop::collection::vec((0..40_i64, 1..4_u32, 1..50_i64), 1..=8);
    let decisions = prop::collection::vec((0..40_i64, 0..4_u32), 0..=2);
    (clicks, decisions, end, guard, 0..20_i64).prop_flat_map(
        move |(clicks, decisions, end, guard, protection)| {
            let mut decisions = decisions;
            decisions.sort_unstable(); // a later decision covers at least as much
            // Everything lies in the last minutes, and every claim ends after now: nothing expires while the test runs.
            let at = |tick: i64| now - 60_000 + tick * 1_000;
            let clicks: Vec<_> = (0..)
                .zip(&clicks)
                .map(|(n, (tick, promoter, extra))| {
                    click(at(*tick), n, *promoter, protection * 1_000, HOUR + extra * 1_000, end, guard)
                })
                .collect();
            let decisions: Vec<_> = (1..)
                .zip(&decisions)
                .map(|(version, (tick, promoter))| Decided {
                    version,
                    covers: (Instant(at(*tick)), ClickId([9; 16])),
                    holder: (*promoter > 0).then_some(Holding {
                        promoter: PromoterNum(*promoter),
                        placement: PlacementNum(1),
                        click: ClickId([7; 16]),
                        clicked: Instant(at(*tick) - 500),
                        protected_until: Instant(at(*tick) + protection * 1_000),
                        expires: Instant(now + HOUR),
                    }),
                    keep_until: Instant(now + HOUR),
                })
                .collect();
            let (n, d) = (clicks.len(), decisions.len());
            let repeats = prop::collection::vec(0..n, 0..4);
            let order = repeats.prop_flat_map(move |repeats| {
                let all: Vec<usize> = (0..n + d).chain(repeats).collect();
                (Just(all).prop_shuffle(), prop::collection::vec(any::<bool>(), n + d + 4))
            });
            order.prop_map(move |(order, cuts)| {
                let mut deliveries: Vec<Delivery> = Vec::new();
                for (what, cut) in order.into_iter().zip(&cuts) {
                    match (deliveries.last_mut(), what < n) {
                        (Some(Delivery::Clicks(group)), true) if !cut => group.push(what),
                        (_, true) => deliveries.push(Delivery::Clicks(vec![what])),
                        (_, false) => deliveries.push(Delivery::Decision(what - n)),
                    }
                }
                Story { clicks: clicks.clone(), decisions: decisions.clone(), deliveries }
            })
        },
    )
}

async fn apply(connection: &mut MultiplexedConnection, key: &str, operation: &[u8]) {
    let reply: (u64, u64) =
        redis::cmd("EVAL").arg(SCRIPT).arg(1).arg(key).arg(operation).query_async(connection).await.unwrap();
    assert_eq!(reply.1, 0);
}

async fn read(connection: &mut MultiplexedConnection, key: &str) -> Option<HolderRecord> {
    let bytes: Option<Vec<u8>> = redis::cmd("GET").arg(key).query_async(connection).await.unwrap();
    bytes.map(|bytes| HolderRecord::decode(&bytes).unwrap())
}

fn fresh_key() -> String {
    let mut visitor = [0; 16];
    getrandom::fill(&mut visitor).unwrap();
    key(HolderScope::Programme(ProgrammeNum(3)), Held::Visitor(VisitorId(visitor)))
}

#[test]
#[ignore = "needs a server: cargo xtask test starts it"]
fn any_order_of_deliveries_gives_the_same_record() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let connection = runtime.block_on(connect(&shared_url()));
    let mut runner = TestRunner::new(Config { cases: 1_500, failure_persistence: None, ..Config::default() });
    let now = clock::now().millis();
    runner
        .run(&stories(now), |story| {
            let mut connection = connection.clone();
            let key = fresh_key();
            let record = runtime.block_on(async {
                for delivery in &story.deliveries {
                    let operation = match delivery {
                        Delivery::Clicks(group) => {
                            clicks_op(&group.iter().map(|i| story.clicks[*i]).collect::<Vec<_>>())
                        }
                        Delivery::Decision(i) => decided_op(&story.decisions[*i]),
                    };
                    apply(&mut connection, &key, &operation).await;
                }
                read(&mut connection, &key).await.unwrap()
            });
            let last = story.decisions.last();
            let mut expected = fold(last, &story.clicks);
            let mut got = record.holder;
            if story.clicks[0].guard == Guard::None {
                // Without protection the field says nothing, and clicks between are not kept.
                for holding in [&mut expected, &mut got].into_iter().flatten() {
                    holding.protected_until = Instant(0);
                }
            }
            prop_assert_eq!(got, expected);
            prop_assert_eq!(record.version, last.map_or(0, |d| d.version));
            let newer = last.is_none_or(|d| expected.is_some_and(|e| (e.clicked, e.click) > d.covers));
            prop_assert_eq!(record.provisional, newer);
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn a_record_expires_with_its_last_claim_and_a_permanent_one_never() {
    let mut connection = connect(&shared_url()).await;
    let now = clock::now().millis();
    let rows = [(HOUR, Some(HOUR)), (i64::MAX - now, None), (-1_000, Some(0))];
    for (life, expected) in rows {
        let key = fresh_key();
        let claim = click(now, 1, 1, 0, life, ClaimEnd::FromClick, Guard::None);
        apply(&mut connection, &key, &clicks_op(&[claim])).await;
        let left: i64 = redis::cmd("PTTL").arg(&key).query_async(&mut connection).await.unwrap();
        match expected {
            Some(0) => assert_eq!(left, -2, "gone"),
            Some(life) => assert!(left > life - 60_000 && left <= life, "{left}"),
            None => assert_eq!(left, -1, "no expiry"),
        }
    }
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn clicks_beyond_the_history_still_count_and_a_newer_format_is_left_alone() {
    let mut connection = connect(&shared_url()).await;
    let now = clock::now().millis();
    let key = fresh_key();
    // The first binds for good; forty others come after it, the last nine of them late and in reverse.
    let all: Vec<_> = (0..41)
        .map(|n| {
            let promoter = u32::try_from(n % 5).unwrap() + 1;
            let at = now - 50_000 + i64::try_from(n).unwrap() * 1_000;
            click(at, n, promoter, 0, HOUR, ClaimEnd::FromBind, Guard::Holder)
        })
        .collect();
    for claim in all[..32].iter().chain(all[32..].iter().rev()) {
        apply(&mut connection, &key, &clicks_op(&[*claim])).await;
    }
    let holder = read(&mut connection, &key).await.unwrap().holder.unwrap();
    assert_eq!((holder.promoter, holder.expires), (PromoterNum(1), all[0].expires));

    let () =
        redis::cmd("SET").arg(&key).arg([2_u8, 0, 0].as_slice()).query_async(&mut connection).await.unwrap();
    let reply: (u64, u64) = redis::cmd("EVAL")
        .arg(SCRIPT)
        .arg(1)
        .arg(&key)
        .arg(clicks_op(&all[..1]))
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(reply, (0, 1));
}
