//! Clicks that the database refused or nobody could read: looked at, put back once the cause is mended, and then worth as
//! much as if they had come in late.

use crate::on_both;
use crate::order_bench::{Stage, created, hour, step, visitor};
use crate::streams::{START, at, batch, record, stream};
use crate::support::Bench;
use attribution_core::shipping::Batch;
use attribution_core::time::Instant;
use serde_json::{Value, json};

const LETTERS: &str = "/v1/dead-letters";
const BACK: &str = "/v1/dead-letters/back";
const PUT_BACK: &str = "/v1/dead-letters/put-back";

/// From now on the database takes no click for which `rule` holds.
async fn refuse(bench: &Bench, rule: &str) {
    let rule = if bench.is_sqlite() {
        format!(
            "CREATE TRIGGER refuse BEFORE INSERT ON clicks WHEN {rule} BEGIN SELECT RAISE(ABORT, 'told_to'); END"
        )
    } else {
        format!("ALTER TABLE clicks ADD CONSTRAINT told_to CHECK (NOT ({}))", rule.replace("NEW.", ""))
    };
    bench.core.store().write(move |tx| tx.script(&rule)).await.unwrap();
}

/// It takes all again.
async fn mend(bench: &Bench) {
    let rule =
        if bench.is_sqlite() { "DROP TRIGGER refuse" } else { "ALTER TABLE clicks DROP CONSTRAINT told_to" };
    bench.core.store().write(move |tx| tx.script(rule)).await.unwrap();
}

async fn ids(bench: &Bench, path: &str) -> Vec<String> {
    let page = bench.ok("GET", path, Value::Null).await;
    page["items"].as_array().unwrap().iter().map(|of| of["click_id"].as_str().unwrap().to_owned()).collect()
}

/// Clicks and dead letters as the audit counts them; without gaps.
async fn counts(bench: &Bench) -> (u64, u64) {
    let audit = bench.core.audit_clicks().await.unwrap();
    assert_eq!(audit.gaps, 0);
    assert!(audit.balanced);
    (audit.ingested, audit.quarantined)
}

on_both!(a_letter_that_is_put_back_earns_what_the_click_would_have, async |bench: &Bench| {
    let rules = json!({"attribution": {"scope": "shop", "require_converted_link": false}});
    let stage = Stage::set(bench, "distributor1688", rules).await;
    refuse(bench, "NEW.outcome = 15").await;
    bench.set_clock(hour(5));
    stage.tap(visitor(1), "anna", "cup", hour(1), hour(1)).await;
    stage.login(visitor(1), "u1", hour(2)).await;
    stage.event(created("o1", "u1", "cup", hour(3)), hour(3)).await;
    stage.event(step("paid", "o1", hour(4)), hour(4)).await;
    stage.sweep(hour(5)).await;
    assert_eq!(stage.short("o1").await.1, "none");
    assert_eq!(counts(bench).await, (0, 1));
    let letters = bench.ok("GET", LETTERS, Value::Null).await;
    let letter = &letters["items"][0];
    assert!(letter["reason"].as_str().unwrap().contains("told_to"), "{letter}");
    assert_eq!(
        (&letter["edge"], &letter["code"]),
        (&json!(1), &json!(attribution_core::code::Code(62).to_string()))
    );

    // Too early: it stays, and nothing else changes.
    let answer = bench.ok("POST", PUT_BACK, json!({})).await;
    assert_eq!(answer, json!({"taken": 0, "kept": 1}));
    assert_eq!(counts(bench).await, (0, 1));
    mend(bench).await;
    let answer = bench.ok("POST", PUT_BACK, json!({})).await;
    assert_eq!(answer, json!({"taken": 1, "kept": 0}));
    assert_eq!(counts(bench).await, (1, 0));
    stage.sweep(hour(6)).await;
    assert_eq!(stage.short("o1").await, ("anna".into(), "expected".into(), 1_000));
    // It counts in its own day's report, once.
    stage.sweep(hour(7)).await;
    let report = bench.ok("GET", "/v1/promoters/anna/report?from=2026-05-01T00:00:00Z", Value::Null).await;
    assert_eq!(report["total"]["clicks"], 1, "{report}");
    // Again nothing is there to be put back, and who did it stays on record.
    assert_eq!(bench.ok("POST", PUT_BACK, json!({})).await, json!({"taken": 0, "kept": 0}));
    let back = bench.ok("GET", BACK, Value::Null).await;
    assert_eq!(back["items"][0]["click_id"], letter["click_id"]);
    assert_eq!(back["items"][0]["back_at"], hour(5).millis());
    assert!(back["items"][0]["reason"].as_str().unwrap().contains("told_to"), "{back}");
    assert_eq!(bench.ok("GET", LETTERS, Value::Null).await["items"], json!([]));
    stage.audit().await;
});

on_both!(letters_are_tried_in_steps_and_those_refused_stay, async |bench: &Bench| {
    let (one, other) = (stream(4, 1), stream(5, 0));
    refuse(bench, "NEW.code IN (0, 62, 434)").await;
    let now = Instant(START.millis() + 1_000_000);
    for s in [one, other] {
        assert_eq!(bench.core.ingest(batch(s, 0..30), now).await.unwrap().next_sequence, 30);
    }
    let mut odd = Batch::new(other, 30);
    assert!(odd.push(at(30), b"\x09from the future"));
    assert!(odd.push(at(31), &record(31, 0)));
    bench.core.ingest(odd.clone(), now).await.unwrap();
    let dead = ids(bench, LETTERS).await;
    assert_eq!((dead.len(), counts(bench).await), (7, (49, 7)));
    let first = bench.ok("GET", &format!("{LETTERS}?limit=5"), Value::Null).await;
    let path = format!("{LETTERS}?cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!(ids(bench, &path).await, dead[5..]);

    mend(bench).await;
    refuse(bench, "NEW.code = 62").await;
    let mut body = json!({"limit": 2});
    let (mut taken, mut kept, mut steps) = (0, 0, 0);
    loop {
        let answer = bench.ok("POST", PUT_BACK, body.clone()).await;
        taken += answer["taken"].as_u64().unwrap();
        kept += answer["kept"].as_u64().unwrap();
        steps += 1;
        let Some(next) = answer["next"].as_str() else { break };
        body["after"] = json!(next);
    }
    // One click of each stream is refused still, and one record is of a kind that nobody knows.
    assert_eq!((taken, kept, steps), (4, 3, 4));
    assert_eq!(counts(bench).await, (53, 3));
    assert_eq!(ids(bench, BACK).await.len(), 4);
    let first = bench.ok("GET", &format!("{BACK}?limit=3"), Value::Null).await;
    let path = format!("{BACK}?cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!(ids(bench, &path).await, ids(bench, BACK).await[3..]);
    // What edges send again is what it was, wherever it lies now.
    bench.core.ingest(batch(one, 0..30), now).await.unwrap();
    bench.core.ingest(odd, now).await.unwrap();
    assert_eq!((counts(bench).await, bench.core.audit_clicks().await.unwrap().conflicts), ((53, 3), 0));

    for (wrong, field) in
        [(json!({"limit": 0}), "limit"), (json!({"limit": 501}), "limit"), (json!({"after": "x"}), "after")]
    {
        assert_eq!(bench.problem("POST", PUT_BACK, wrong, 422, "invalid").await["field"], field);
    }
});
