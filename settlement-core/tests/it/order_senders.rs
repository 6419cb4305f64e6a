//! Which events of an order count: a merchant can never stand in the way of another one's, nor a wrong time be settled.

use crate::on_both;
use crate::order_bench::{Stage, created, hour, refunded, step};
use crate::support::Bench;
use attribution_core::time::Instant;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use settlement_core::orders::intake::Taken;

async fn token(bench: &Bench, merchant: &str) -> String {
    let body = json!({"role": "merchant", "subject": merchant});
    bench.ok("POST", "/v1/tokens", body).await["token"].as_str().unwrap().to_owned()
}

async fn post(bench: &Bench, token: &str, event: Value) -> String {
    let (_, answer) = bench.call_as(token, "POST", "/v1/orders/events", json!({"events": [event]})).await;
    answer["results"][0]["status"].as_str().unwrap().to_owned()
}

on_both!(an_event_sent_ahead_by_another_merchant_blocks_nothing, async |bench: &Bench| {
    let stage = Stage::set(bench, "distributor1688", json!({})).await;
    bench.ok("PUT", "/v1/merchants/m2", json!({"platform": "p1", "name": "另一家"})).await;
    bench.ok("PUT", "/v1/merchants/m3", json!({"platform": "p2", "name": "别处"})).await;
    let (owner, other, elsewhere) =
        (token(bench, "m1").await, token(bench, "m2").await, token(bench, "m3").await);
    let paid = |order: &str, fen: i64| {
        let mut event = step("paid", order, hour(4));
        event["lines"] = json!([{"line": "1", "amount_fen": fen}]);
        event
    };
    assert_eq!(post(bench, &elsewhere, paid("o1", 7_000)).await, "rejected");

    // The same contents, other contents, and both before and after the order is there.
    for (order, theirs, created_first) in
        [("o1", 7_000, true), ("o2", 1, true), ("o3", 7_000, false), ("o4", 1, false)]
    {
        assert_eq!(post(bench, &other, paid(order, theirs)).await, "waiting");
        assert_eq!(post(bench, &other, refunded(order, "r1", theirs, hour(5))).await, "waiting");
        assert_eq!(post(bench, &other, step("closed", order, hour(5))).await, "waiting");
        let own = [paid(order, 7_000), refunded(order, "r1", 500, hour(5))];
        let order_itself = created(order, "u1", "cup", hour(3));
        let status = if created_first { "accepted" } else { "waiting" };
        if created_first {
            assert_eq!(post(bench, &owner, order_itself.clone()).await, "accepted");
        }
        for event in &own {
            assert_eq!(post(bench, &owner, event.clone()).await, status, "{order}");
        }
        if !created_first {
            assert_eq!(post(bench, &owner, order_itself).await, "accepted");
        }
        for event in own {
            assert_eq!(post(bench, &owner, event).await, "duplicate", "{order}");
        }
        let line = stage.line(order).await;
        assert_eq!((&line["amount_fen"], &line["refunded_fen"]), (&json!(7_000), &json!(500)), "{line}");
        // What the other one said is kept for a person to look at.
        let reviews = bench.ok("GET", "/v1/reviews?limit=100", Value::Null).await;
        let items = reviews["items"].as_array().unwrap();
        let found: Vec<_> =
            items.iter().filter(|i| i["order"] == order).map(|i| i["reason"].as_str().unwrap()).collect();
        assert_eq!(found, ["other_sender"; 3], "{reviews}");
    }
    // An order leads somewhere for whoever may see it.
    for (token, known) in [(crate::support::ADMIN, true), (&owner, true), (&other, false)] {
        let (_, page) = bench.call_as(token, "GET", "/v1/reviews?limit=100", Value::Null).await;
        let all = page["items"].as_array().unwrap();
        assert!(all.iter().all(|i| i["order_known"] == known), "{known}: {page}");
    }
    stage.audit().await;
});

on_both!(merchant_and_operator_may_both_tell_the_same_ahead, async |bench: &Bench| {
    let stage = Stage::set(bench, "distributor1688", json!({})).await;
    let owner = token(bench, "m1").await;
    let operator = crate::support::ADMIN;
    let refund = |fen: i64| refunded("o1", "r1", fen, hour(5));
    assert_eq!(post(bench, &owner, step("paid", "o1", hour(4))).await, "waiting");
    assert_eq!(post(bench, &owner, refund(500)).await, "waiting");
    assert_eq!(post(bench, operator, refund(500)).await, "waiting", "nobody knows yet that it is the same");
    assert_eq!(post(bench, operator, created("o1", "u1", "cup", hour(3))).await, "accepted");
    assert_eq!(stage.line("o1").await["refunded_fen"], 500, "it counts once");
    assert_eq!(post(bench, operator, refund(500)).await, "duplicate");
    assert_eq!(post(bench, &owner, refund(600)).await, "review");
    let reviews = bench.ok("GET", "/v1/reviews", Value::Null).await;
    assert_eq!(reviews["items"].as_array().unwrap().len(), 1, "{reviews}");
});

on_both!(a_step_dated_long_before_its_order_waits_for_a_person, async |bench: &Bench| {
    let stage = Stage::set(bench, "distributor1688", json!({})).await;
    let at = hour(24 * 20);
    let order = created("o1", "u1", "cup", at);
    // It comes ahead of the order, and after it.
    assert_eq!(stage.event(step("completed", "o1", hour(1)), at).await, Taken::Waiting);
    stage.event(order, at).await;
    for kind in ["completed", "paid", "closed"] {
        let taken = stage.event(step(kind, "o1", hour(2)), at).await;
        let Taken::Review(why) = taken else { panic!("{kind}: {taken:?}") };
        assert_eq!((why.reason.code(), why.pointer.as_str()), ("before_created", "/at"));
    }
    let reviews = bench.ok("GET", "/v1/reviews", Value::Null).await;
    assert_eq!(reviews["items"].as_array().unwrap().len(), 4, "{reviews}");
    // With its right time it is taken in. Clocks may differ by hours.
    let applied = Taken::Applied { bad_tokens: vec![] };
    assert_eq!(stage.event(step("paid", "o1", hour(24 * 19)), at).await, applied);
    assert_eq!(stage.event(step("completed", "o1", at), at).await, applied);
    stage.audit().await;
});

on_both!(a_file_of_events_is_taken_in_whole_and_twice_changes_nothing, async |bench: &Bench| {
    let stage = Stage::set(bench, "distributor1688", json!({})).await;
    let owner = token(bench, "m1").await;
    let at = hour(3).millis();
    bench.set_clock(hour(4));
    let mut file = "type,platform,order,at,merchant,buyer,line,product,amount_fen\n".to_owned();
    for n in 0..40 {
        file.push_str(&format!(
            "created,p1,f{n},{at},m1,u1,1,cup,10000\ncreated,p1,f{n},{at},m1,u1,2,tea,500\n"
        ));
    }
    file.push_str(&format!("created,p1,x1,{at},m1,u1,1,nothing,1\ncreated,p1,x2,{at},m2,u1,1,cup,1\n"));
    let send = async |kind: &str, file: String| {
        let request = Request::post("/v1/orders/files")
            .header("authorization", format!("Bearer {owner}"))
            .header("content-type", kind);
        crate::support::read(bench.send(request.body(Body::from(file)).unwrap()).await).await
    };
    let (status, answer) = send("text/csv; charset=utf-8", file.clone()).await;
    assert_eq!(status.as_u16(), 200, "{answer}");
    let counts = |answer: &Value| {
        ["events", "accepted", "duplicates", "review", "rejected"].map(|name| answer[name].as_u64().unwrap())
    };
    assert_eq!(counts(&answer), [42, 40, 0, 1, 1]);
    let lines: Vec<_> =
        answer["not_applied"].as_array().unwrap().iter().map(|r| (&r["line"], &r["code"])).collect();
    assert_eq!(
        lines,
        [(&json!(82), &json!("unknown_product")), (&json!(83), &json!("other_merchants_order"))]
    );
    assert_eq!(counts(&send("text/csv", file).await.1)[..3], [42, 0, 40]);
    let (status, answer) =
        send("text/csv", "type,platform,order,at\npaid,p1,f1,soon\n,p1,f1,1\n".into()).await;
    assert_eq!((status.as_u16(), &answer["code"]), (422, &json!("file_unreadable")));
    assert_eq!(answer["faults"][1]["column"], "type", "{answer}");
    assert_eq!(send("application/json", String::new()).await.0.as_u16(), 415);
    stage.audit().await;
});

on_both!(a_merchant_sees_what_was_refused_of_its_orders_page_by_page, async |bench: &Bench| {
    let _stage = Stage::set(bench, "distributor1688", json!({})).await;
    bench.ok("PUT", "/v1/merchants/m2", json!({"platform": "p1", "name": "另一家"})).await;
    bench.set_clock(hour(5));
    let (own, other) = (token(bench, "m1").await, token(bench, "m2").await);
    for n in 0..5 {
        let event = created(&format!("o{n}"), "u1", "nowhere", hour(3));
        assert_eq!(post(bench, &own, event).await, "review");
    }
    // An operator tells of an order: it is the one's it names. A step of an order that is not there is its sender's.
    assert_eq!(post(bench, crate::support::ADMIN, created("o5", "u1", "nowhere", hour(3))).await, "review");
    assert_eq!(post(bench, &own, step("paid", "o6", Instant(1))).await, "review");
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let (_, page) =
            bench.call_as(&own, "GET", &format!("/v1/reviews?limit=2{cursor}"), Value::Null).await;
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|item| item["order"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    seen.sort();
    assert_eq!(seen, ["o0", "o1", "o2", "o3", "o4", "o5", "o6"]);
    let (_, theirs) = bench.call_as(&other, "GET", "/v1/reviews", Value::Null).await;
    assert_eq!(theirs["items"], json!([]));
    bench.problem("GET", "/v1/reviews?cursor=bm9uZQ", Value::Null, 400, "invalid_cursor").await;
});
