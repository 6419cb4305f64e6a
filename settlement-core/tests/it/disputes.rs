//! Refund records after the settlement: at once, by a batch, or never; and what the platform makes up for.

use crate::on_both;
use crate::order_bench::{Stage, created, refunded, step, visitor};
use crate::payouts::at;
use crate::support::Bench;
use serde_json::{Value, json};

/// Orders settled and refunded within the faulty months, one settled before them, one refunded after them.
async fn ready(bench: &Bench) -> Stage<'_> {
    let policy = json!({"attribution": {"scope": "shop", "require_converted_link": false}, "bans": []});
    let start = at("2020-11-20 09:00:00");
    bench.set_clock(start);
    let stage = Stage::set(bench, "alliance_credit_ban", policy).await;
    for product in ["cup"] {
        let body = json!({"merchant": "m1", "title": product, "price_fen": 10_000,
                          "url": "https://shop.example.cn/cup", "category": "shopping-credit"});
        bench.ok("PUT", &format!("/v1/products/{product}"), body).await;
    }
    stage.login(visitor(1), "u1", start).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t", "amount_fen": 1_000_000})).await;
    for (order, day) in [
        ("old", "2020-11-21"),
        ("batch", "2020-12-01"),
        ("back", "2020-12-01"),
        ("broken", "2020-12-02"),
        ("normal", "2021-03-10"),
    ] {
        let tapped = at(&format!("{day} 08:00:00"));
        stage.tap(visitor(1), "anna", "cup", tapped, tapped).await;
        let placed = at(&format!("{day} 09:00:00"));
        stage.event(created(order, "u1", "cup", placed), placed).await;
        stage.event(step("paid", order, placed), placed).await;
        stage.event(step("completed", order, placed.plus(1_000)), placed.plus(1_000)).await;
        stage.sweep(placed.plus(2_000)).await;
        assert_eq!(stage.short(order).await.1, "settled");
    }
    stage
}

async fn refund(stage: &Stage<'_>, order: &str, when: &str) {
    let mut event = refunded(order, "r1", 9_000, at(when));
    event["credit_part"] = json!("spent");
    stage.event(event, at(when)).await;
}

async fn records(bench: &Bench) -> Vec<(String, String, i64)> {
    // Two at a time: none is left out or told twice between pages.
    let mut list = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = bench.ok("GET", &format!("/v1/disputes?merchant=m1&limit=2{cursor}"), Value::Null).await;
        list.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let at = |r: &Value| r["source_refund_at"].as_i64().unwrap();
    assert!(list.is_sorted_by(|a, b| at(a) >= at(b)), "newest first: {list:?}");
    let mut seen: Vec<(String, String, i64)> = list
        .iter()
        .map(|r| {
            let text = |name: &str| r[name].as_str().unwrap().to_owned();
            (text("order"), text("state"), r["compensated_fen"].as_i64().unwrap_or(0))
        })
        .collect();
    seen.sort();
    seen
}

fn rows(of: &[(&str, &str, i64)]) -> Vec<(String, String, i64)> {
    of.iter().map(|(order, state, fen)| ((*order).to_owned(), (*state).to_owned(), *fen)).collect()
}

on_both!(refunds_without_a_record_are_made_up_for_once, async |bench: &Bench| {
    let stage = ready(bench).await;
    for (order, when) in [
        ("old", "2021-03-01 10:00:00"),
        ("batch", "2021-03-31 23:59:59"),
        ("back", "2021-02-01 10:00:00"),
        ("broken", "2021-02-01 10:00:00"),
        ("normal", "2021-04-01 00:00:00"),
    ] {
        refund(&stage, order, when).await;
    }
    let before = bench.ok("GET", "/v1/promoters/anna/balance", Value::Null).await;
    // Only the normal one was taken back.
    assert_eq!(
        before[0]["earned_fen"].as_i64().unwrap() + before[0]["available_fen"].as_i64().unwrap(),
        4_100
    );
    stage.sweep(at("2021-04-01 00:00:00")).await;
    assert_eq!(
        records(bench).await,
        rows(&[
            ("back", "created", 0),
            ("batch", "created", 0),
            ("broken", "created", 0),
            ("normal", "success", 0),
            ("old", "no_record", 0)
        ])
    );
    let list = bench.ok("GET", "/v1/disputes?merchant=m1&order=batch", Value::Null).await;
    assert_eq!(list["items"][0]["created_at"].as_i64(), Some(at("2021-03-31 23:59:59").millis()), "{list}");
    bench.set_clock(at("2021-06-30 23:59:59"));
    let recovery = json!({"platform": "p1", "order": "back", "line": "1", "refund": "r1", "reference": "c1",
                          "amount_fen": 900, "paid_in": true, "at": at("2021-06-30 23:59:59").millis()});
    assert_eq!(bench.ok("POST", "/v1/disputes/recoveries", recovery.clone()).await["state"], "success");
    assert_eq!(bench.ok("POST", "/v1/disputes/recoveries", recovery).await["state"], "success");
    bench.ok("POST", "/v1/disputes/broken-rules", json!({"platform": "p1", "order": "broken"})).await;
    stage.sweep(at("2021-06-30 23:59:59")).await;
    assert_eq!(records(bench).await[1], ("batch".to_owned(), "created".to_owned(), 0));
    for _ in 0..2 {
        stage.sweep(at("2021-07-01 00:00:00")).await;
    }
    assert_eq!(
        records(bench).await,
        rows(&[
            ("back", "success", 0),
            ("batch", "compensated", 900),
            ("broken", "rules_broken", 0),
            ("normal", "success", 0),
            ("old", "compensated", 900)
        ])
    );
    // What comes back afterwards is the platform's.
    bench.set_clock(at("2021-07-01 00:00:01"));
    let late = json!({"platform": "p1", "order": "old", "line": "1", "refund": "r1", "reference": "c2",
                      "amount_fen": 400, "paid_in": true});
    bench.ok("POST", "/v1/disputes/recoveries", late).await;
    let books = stage.books().await;
    let of =
        |account: &str| books.iter().find(|(name, _)| name.starts_with(account)).map_or(0, |(_, fen)| *fen);
    assert_eq!(of("posted platform p1"), 400 - 1_800);
    assert_eq!(of("posted merchant m1"), 1_000_000 - 5_000 + 900 + 900 + 1_800);
    stage.audit().await;
});

on_both!(what_comes_back_on_the_day_is_the_platforms_though_no_job_has_run, async |bench: &Bench| {
    let stage = ready(bench).await;
    refund(&stage, "batch", "2021-03-31 23:59:59").await;
    stage.sweep(at("2021-04-01 00:00:00")).await;
    let recovery = |reference: &str, when: &str| {
        json!({"platform": "p1", "order": "batch", "line": "1", "refund": "r1", "reference": reference,
               "amount_fen": 400, "paid_in": true, "at": at(when).millis()})
    };
    bench.set_clock(at("2021-06-30 12:00:00"));
    let early = recovery("c1", "2021-07-02 00:00:00");
    bench.problem("POST", "/v1/disputes/recoveries", early, 422, "invalid").await;
    // The jobs were down at midnight.
    bench.set_clock(at("2021-07-01 00:05:00"));
    let back = bench.ok("POST", "/v1/disputes/recoveries", recovery("c2", "2021-07-01 00:05:00")).await;
    assert_eq!(back["state"], "compensated");
    stage.sweep(at("2021-07-01 00:10:00")).await;
    assert_eq!(records(bench).await, rows(&[("batch", "compensated", 900)]));
    let books = stage.books().await;
    let of = |account: &str| books.iter().find(|(name, _)| name.starts_with(account)).map(|(_, fen)| *fen);
    assert_eq!(of("posted merchant m1"), Some(1_000_000 - 5_000 + 900), "made whole, and once");
    assert_eq!(of("posted platform p1"), Some(400 - 900));
    stage.audit().await;
});
