//! Events in any order and however often give the same books.

use crate::order_bench::{Stage, created, hour, refunded, step, visitor};
use crate::support::Bench;
use attribution_core::time::Instant;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// A story: what the feed tells of five orders: one refunded twice, one closed, one refunded whole, one paid to the
/// merchant's own account and refunded, which some programmes settle by hand, and one of which a refund was asked for
/// in vain, which some programmes settle a week after its parcel and that wait.
fn story() -> Vec<Value> {
    let paid_by = |method: &str, mut event: Value| {
        event["payment_method"] = json!(method);
        event
    };
    vec![
        paid_by("wechat_consignment", created("o1", "u1", "cup", hour(3))),
        step("paid", "o1", hour(4)),
        step("shipped", "o1", hour(5)),
        refunded("o1", "r1", 3_000, hour(6)),
        refunded("o1", "r2", 1_111, hour(12)),
        step("completed", "o1", hour(10)),
        created("o2", "u1", "tea", hour(7)),
        step("paid", "o2", hour(8)),
        step("closed", "o2", hour(9)),
        paid_by("bank_card", created("o3", "u1", "tea", hour(8))),
        step("paid", "o3", hour(9)),
        step("completed", "o3", hour(11)),
        refunded("o3", "r1", 10_000, hour(11)),
        created("o4", "u1", "tea", hour(9)),
        paid_by("wechat_own", step("paid", "o4", hour(9))),
        refunded("o4", "r1", 500, hour(10)),
        paid_by("bank_card", created("o5", "u1", "cup", hour(9))),
        step("paid", "o5", hour(9)),
        step("shipped", "o5", hour(10)),
        asked("refund_asked", "o5", hour(12)),
        asked("refund_refused", "o5", hour(20)),
    ]
}

fn asked(kind: &str, order: &str, at: Instant) -> Value {
    let mut event = step(kind, order, at);
    event["refund_id"] = json!("r1");
    event
}

/// Plays the events in this order; the jobs run at the end, or after each event too.
async fn play(
    events: &[Value],
    by_hand: bool,
    jobs_between: bool,
) -> (Vec<(String, i64)>, Vec<(String, String, i64)>) {
    let bench = Bench::sqlite().await;
    let preset = if by_hand { "youzan_permanent" } else { "taobao_live" };
    let policy =
        json!({"attribution": {"scope": "shop", "require_converted_link": false, "require_badge": false}});
    let stage = Stage::set(&bench, preset, policy).await;
    stage.login(visitor(1), "u1", hour(0)).await;
    stage.tap(visitor(1), "anna", "cup", hour(1), hour(1)).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t", "amount_fen": 100_000})).await;
    stage.edge_has_shipped(hour(30)).await;
    for event in events {
        stage.event(event.clone(), hour(30)).await;
        if jobs_between {
            stage.sweep(hour(30)).await;
        }
    }
    stage.sweep(hour(30)).await;
    stage.sweep(hour(200)).await;
    stage.audit().await;
    let mut lines = Vec::new();
    for order in ["o1", "o2", "o3", "o4", "o5"] {
        lines.push(stage.short(order).await);
    }
    (stage.books().await, lines)
}

fn any_order() -> impl Strategy<Value = Vec<Value>> {
    let story = story();
    let again = prop::sample::subsequence(story.clone(), 0..=4);
    again.prop_flat_map(move |again| Just([story.clone(), again].concat()).prop_shuffle())
}

#[test]
fn any_order_and_repetition_gives_the_same_books() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for by_hand in [false, true] {
        let expected = runtime.block_on(play(&story(), by_hand, false));
        let states: Vec<&str> = expected.1.iter().map(|(_, state, _)| state.as_str()).collect();
        let last = if by_hand { ["manual_required", "settled"] } else { ["expected", "expected"] };
        assert_eq!(states[..3], ["settled", "invalid", "invalid"], "{expected:?}");
        assert_eq!(states[3..], last, "{expected:?}");
        let mut runner = TestRunner::new(ProptestConfig {
            cases: 12,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        runner
            .run(&any_order(), |events| {
                let got = runtime.block_on(play(&events, by_hand, false));
                prop_assert_eq!(&got, &expected);
                Ok(())
            })
            .unwrap();
    }
}

/// Where the programme takes back what was paid on a refund, it does not matter either when the jobs run.
#[test]
fn the_jobs_may_run_at_any_time() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let expected = runtime.block_on(play(&story(), false, false));
    let config = ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&any_order(), |events| {
            let got = runtime.block_on(play(&events, false, true));
            prop_assert_eq!(&got.0, &expected.0);
            Ok(())
        })
        .unwrap();
}
