//! Refunds before and after the payout day, in any order and however often told, with a withdrawal in between and the
//! jobs at any time: once everything is paid out and withdrawn, the books are the same.

use crate::order_bench::{Stage, created, refunded, step, visitor};
use crate::payouts::at;
use crate::support::Bench;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// Three orders are refunded in parts, one of them whole; the fourth never.
fn refunds() -> Vec<Value> {
    let when = at("2024-01-25 10:00:00");
    [
        ("o1", "r1", 3_000),
        ("o1", "r2", 1_111),
        ("o2", "r1", 9_999),
        ("o2", "r2", 1),
        ("o3", "r1", 7),
        ("o3", "r2", 501),
        ("o3", "r3", 2),
    ]
    .map(|(order, refund, fen)| refunded(order, refund, fen, when))
    .to_vec()
}

/// What the core is told before the payout day, and what after it.
#[derive(Debug, Clone)]
struct Telling {
    before: Vec<Value>,
    after: Vec<Value>,
    /// The jobs run after each event.
    jobs: bool,
}

async fn ready(bench: &Bench) -> Stage<'_> {
    let policy = json!({"attribution": {"scope": "shop", "require_converted_link": false}});
    let stage = Stage::set(bench, "taobao_live", policy).await;
    let start = at("2024-01-05 09:00:00");
    bench.set_clock(start);
    let anna = json!({"name": "anna", "agency": "star", "agency_from": 0});
    bench.ok("PUT", "/v1/promoters/anna", anna).await;
    let account = json!({"kind": "alipay", "account": "a@example.cn", "holder": "安娜"});
    bench.ok("PUT", "/v1/promoters/anna/payout-account", account).await;
    stage.login(visitor(1), "u1", start).await;
    stage.tap(visitor(1), "anna", "cup", start.plus(1), start.plus(1)).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t", "amount_fen": 1_000_000})).await;
    let done = at("2024-01-06 10:00:00");
    for order in ["o1", "o2", "o3", "o4"] {
        for event in [
            created(order, "u1", "cup", start.plus(2)),
            step("paid", order, done),
            step("completed", order, done),
        ] {
            stage.event(event, done).await;
        }
    }
    stage.edge_has_shipped(done).await;
    stage.sweep(done).await;
    assert_eq!(stage.short("o4").await, ("anna".into(), "settled".into(), 1_000));
    stage
}

async fn play(telling: &Telling) -> Vec<(String, i64)> {
    let bench = Bench::sqlite().await;
    let stage = ready(&bench).await;
    let tell = async |events: &[Value], now: &str| {
        for event in events {
            stage.event(event.clone(), at(now)).await;
            if telling.jobs {
                stage.sweep(at(now)).await;
            }
        }
    };
    tell(&telling.before, "2024-02-19 10:00:00").await;
    stage.sweep(at("2024-02-20 00:00:00")).await;
    // What the fourth order alone would bear, whatever is refunded before or after.
    withdraw(&bench, "2024-02-20 10:00:00", Some(700)).await;
    tell(&telling.after, "2024-02-25 10:00:00").await;
    stage.sweep(at("2024-03-20 00:00:00")).await;
    withdraw(&bench, "2024-03-20 10:00:00", None).await;
    stage.audit().await;
    stage.books().await
}

/// Of the promoter: so much, or everything.
async fn withdraw(bench: &Bench, now: &str, fen: Option<i64>) {
    bench.set_clock(at(now));
    let body = json!({"programme": "g1", "amount_fen": fen});
    bench.ok("POST", "/v1/promoters/anna/withdrawals", body).await;
}

fn any_telling() -> impl Strategy<Value = Telling> {
    let again = prop::sample::subsequence(refunds(), 0..=4);
    (again, any::<bool>())
        .prop_flat_map(|(again, jobs)| {
            let events = [refunds(), again].concat();
            let len = events.len();
            (Just(events).prop_shuffle(), 0..=len, Just(jobs))
        })
        .prop_map(|(events, split, jobs)| {
            let (before, after) = events.split_at(split);
            Telling { before: before.to_vec(), after: after.to_vec(), jobs }
        })
}

#[test]
fn refunds_around_the_payout_day_give_the_same_books() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let plain = Telling { before: refunds(), after: Vec::new(), jobs: false };
    let expected = runtime.block_on(play(&plain));
    // Left of the gross 1,000 each: o1 588 (5,889 paid), o2 nothing, o3 949 (9,490), o4 1,000.
    let of = |name: &str| expected.iter().find(|(account, _)| account == name).map(|(_, fen)| *fen);
    assert_eq!(of("posted merchant m1 "), Some(1_000_000 - 588 - 949 - 1_000), "{expected:?}");
    assert_eq!(of("posted available promoter/anna g1"), None, "everything was withdrawn");
    let config = ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&any_telling(), |telling| {
            let got = runtime.block_on(play(&telling));
            prop_assert_eq!(&got, &expected);
            Ok(())
        })
        .unwrap();
}
