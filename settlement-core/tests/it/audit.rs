//! The balance of clicks: it adds up while clicks are on their way, and it shows what is missing.

use crate::on_both;
use crate::streams::{at, batch, stream};
use crate::support::Bench;
use attribution_core::click::EdgeId;
use attribution_core::shipping::{Heartbeat, LostRange, StreamStatus, TallyView};
use serde_json::{Value, json};

/// What the edge says of a stream that holds `appended` frames, every tenth of them a tally.
fn status(live: bool, appended: u64, shipped: u64, in_doubt: u64) -> StreamStatus {
    let clicks = appended - appended / 10 - in_doubt;
    let tally =
        TallyView { answered: clicks, recorded: clicks + in_doubt, counted: [1, 2, 3, 4], unjournaled: 0 };
    let stream = stream(1, 0);
    StreamStatus {
        epoch: stream.epoch,
        worker: stream.worker,
        live,
        tally,
        in_doubt,
        appended,
        durable: appended,
        shipped,
        quarantined: 0,
        incomplete: false,
    }
}

async fn beat(bench: &Bench, second: u64, status: StreamStatus) {
    let heartbeat = Heartbeat {
        edge: EdgeId(1),
        at: at(second),
        history: None,
        applied: 0,
        shipped_through: at(second),
        streams: vec![status],
    };
    bench.core.heartbeat(heartbeat, at(second)).await.unwrap();
}

async fn numbers(bench: &Bench) -> Value {
    let audit = bench.ok("GET", "/v1/audit/clicks", Value::Null).await;
    let names = ["answered", "recorded", "in_doubt", "ingested", "pending", "lost", "gaps", "balanced"];
    let edges = audit["edges"].as_array().unwrap();
    assert!(edges.len() <= 1, "{audit}");
    Value::Array(names.iter().map(|name| audit[*name].clone()).collect())
}

on_both!(the_balance_of_clicks_adds_up_or_shows_a_gap, async |bench: &Bench| {
    assert_eq!(numbers(bench).await, json!([0, 0, 0, 0, 0, 0, 0, true]));
    let s = stream(1, 0);
    bench.core.ingest(batch(s, 0..100), at(100)).await.unwrap();
    // Before the first heartbeat the core knows what arrived.
    assert_eq!(numbers(bench).await, json!([90, 90, 0, 90, 0, 0, 0, true]));
    beat(bench, 200, status(true, 200, 100, 0)).await;
    assert_eq!(numbers(bench).await, json!([180, 180, 0, 90, 90, 0, 0, true]));
    // The core can be ahead of the last heartbeat.
    bench.core.ingest(batch(s, 100..250), at(250)).await.unwrap();
    assert_eq!(numbers(bench).await, json!([225, 225, 0, 225, 0, 0, 0, true]));
    bench.core.ingest(batch(s, 0..50), at(250)).await.unwrap();
    let audit = bench.ok("GET", "/v1/audit/clicks", Value::Null).await;
    assert_eq!((&audit["duplicates"], &audit["shipped"]), (&json!(50), &json!(225)));
    assert_eq!(audit["counted"], json!({"refused": 1, "rate_limited": 2, "not_found": 3, "overloaded": 4}));

    // The edge crashed: nobody knows whether the last five answers left.
    beat(bench, 300, status(false, 300, 250, 5)).await;
    assert_eq!(numbers(bench).await, json!([270, 270, 5, 225, 45, 0, 0, true]));
    // Numbers 250 to 259 (nine clicks and a tally) cannot be read any more: named, and no gap.
    let range = LostRange { epoch: s.epoch, worker: s.worker, from: 250, to: 259 };
    bench.core.lost(EdgeId(1), vec![range], at(300)).await.unwrap();
    bench.core.ingest(batch(s, 259..300), at(300)).await.unwrap();
    assert_eq!(numbers(bench).await, json!([270, 270, 5, 261, 0, 9, 0, true]));

    // The edge says that it recorded more than it has: that is a fault, and it shows.
    let mut wrong = status(false, 300, 300, 5);
    wrong.tally.recorded += 7;
    beat(bench, 301, wrong).await;
    assert_eq!(numbers(bench).await, json!([270, 277, 5, 261, 0, 9, 7, false]));
});

on_both!(what_a_power_cut_took_is_a_named_loss, async |bench: &Bench| {
    let s = stream(1, 0);
    bench.core.ingest(batch(s, 0..100), at(100)).await.unwrap();
    beat(bench, 200, status(true, 200, 100, 0)).await;
    // After the cut the journal ends at 150; what was answered behind that is gone.
    beat(bench, 210, status(false, 150, 100, 0)).await;
    bench.core.ingest(batch(s, 100..150), at(220)).await.unwrap();
    let expected = json!([180, 180, 0, 135, 0, 45, 0, true]);
    assert_eq!(numbers(bench).await, expected);
    let audit = bench.ok("GET", "/v1/audit/clicks", Value::Null).await;
    assert_eq!(audit["lost_tail"], 45);
    let tail =
        json!({"edge": 1, "epoch": s.epoch.0, "worker": 0, "frames": 50, "clicks": 45, "unknown": false});
    assert_eq!(audit["tails"], json!([tail]));
    // Said again, it is lost once.
    beat(bench, 230, status(false, 150, 150, 0)).await;
    assert_eq!(numbers(bench).await, expected);
});

on_both!(an_end_that_the_journal_lost_is_named_even_without_a_number, async |bench: &Bench| {
    let ended = StreamStatus { incomplete: true, ..status(false, 10, 10, 0) };
    beat(bench, 200, ended).await;
    bench.core.ingest(batch(stream(1, 0), 0..10), at(220)).await.unwrap();
    let audit = bench.ok("GET", "/v1/audit/clicks", Value::Null).await;
    assert_eq!((&audit["tails"][0]["unknown"], &audit["lost_tail"]), (&json!(true), &json!(0)));
});
