//! Stories of orders: from a tap to money owed, told with their times.

use crate::on_both;
use crate::order_bench::{Stage, created, hour, refunded, step, visitor};
use crate::support::Bench;
use serde_json::{Value, json};
use settlement_core::orders::intake::Taken;

/// Last click on the shop within 15 days, nothing else special.
const LAST_CLICK: &str = "distributor1688";

fn shop_wide() -> Value {
    json!({"attribution": {"scope": "shop", "require_converted_link": false}})
}

on_both!(a_buyer_taps_logs_in_and_orders, async |bench: &Bench| {
    let stage = Stage::set(bench, LAST_CLICK, shop_wide()).await;
    stage.tap(visitor(1), "anna", "cup", hour(1), hour(1)).await;
    stage.login(visitor(1), "u1", hour(2)).await;
    assert_eq!(
        stage.event(created("o1", "u1", "cup", hour(3)), hour(3)).await,
        Taken::Applied { bad_tokens: vec![] }
    );
    assert_eq!(stage.short("o1").await, ("anna".into(), "tracked".into(), 0));
    stage.event(step("paid", "o1", hour(4)), hour(4)).await;
    assert_eq!(stage.short("o1").await, ("anna".into(), "expected".into(), 1_000));
    let line = stage.line("o1").await;
    assert_eq!(line["provisional"], true);
    assert_eq!(line["decision"]["attribution"]["candidates"][0]["verdict"]["code"], "won");
    // Whoever reads why finds those whom it is about by their names, as they are called now.
    bench.ok("PUT", "/v1/promoters/anna", json!({"name": "安娜"})).await;
    let line = stage.line("o1").await;
    for (language, who) in [("zh", "归推广者 安娜（anna）"), ("en", "promoter 安娜 (anna) owns it")]
    {
        let told = &line["decision"]["explanation"][language];
        assert!(told["sentence"].as_str().unwrap().contains(who), "{told}");
        assert!(told["steps"].to_string().contains("g1"), "{told}");
    }
    assert_eq!(
        stage.books().await,
        [("pending earned promoter/anna g1".into(), 1_000), ("pending merchant m1 ".into(), -1_000)]
    );

    // Completed: it waits for the merchant's money, then settles whole.
    stage.event(step("completed", "o1", hour(10)), hour(10)).await;
    stage.edge_has_shipped(hour(11)).await;
    stage.sweep(hour(11)).await;
    assert_eq!(stage.short("o1").await, ("anna".into(), "matured".into(), 1_000));
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t1", "amount_fen": 999})).await;
    stage.sweep(hour(12)).await;
    assert_eq!(stage.short("o1").await.1, "matured");
    let money =
        bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t2", "amount_fen": 501})).await;
    assert_eq!((&money["balance_fen"], &money["expected_fen"]), (&json!(1_500), &json!(1_000)));
    stage.sweep(hour(13)).await;
    assert_eq!(stage.short("o1").await, ("anna".into(), "settled".into(), 1_000));
    assert_eq!(stage.line("o1").await["taken_back"], false);
    stage.sweep(hour(14)).await;
    assert_eq!(
        stage.books().await,
        [
            ("posted earned promoter/anna g1".into(), 1_000),
            ("posted merchant m1 ".into(), 500),
            ("posted outside p1 ".into(), -1_500)
        ]
    );
    stage.audit().await;

    // A refund after it: what was paid on it comes back.
    stage.event(refunded("o1", "r1", 4_000, hour(20)), hour(20)).await;
    stage.event(refunded("o1", "r1", 4_000, hour(20)), hour(21)).await;
    assert_eq!(stage.short("o1").await, ("anna".into(), "settled".into(), 600));
    assert_eq!(stage.line("o1").await["taken_back"], true);
    let listed = bench.ok("GET", "/v1/orders?promoter=anna&order=o1", Value::Null).await;
    assert_eq!(listed["items"][0]["taken_back"], true, "{listed}");
    let notices = bench.ok("GET", "/v1/promoters/anna/notices", Value::Null).await;
    let told: Vec<_> = notices["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| (&of["kind"], &of["subject"], &of["detail"]))
        .collect();
    assert_eq!(told, [(&json!("commission_taken_back"), &json!("p1/o1"), &json!("4.00"))], "told once");
    assert_eq!(stage.books().await[0], ("posted earned promoter/anna g1".into(), 600));
    stage.audit().await;

    let report = bench
        .ok(
            "GET",
            &format!("/v1/promoters/anna/report?from={}&to={}", hour(0).millis(), hour(24).millis()),
            Value::Null,
        )
        .await;
    let total = &report["total"];
    assert_eq!((&total["clicks"], &total["orders"]), (&json!(1), &json!(1)), "{report}");
    assert_eq!((&total["expected_fen"], &total["settled_fen"]), (&json!(0), &json!(600)), "{report}");
});

on_both!(a_late_click_supersedes_until_the_decision_is_final, async |bench: &Bench| {
    let stage = Stage::set(bench, LAST_CLICK, shop_wide()).await;
    stage.login(visitor(1), "u1", hour(0)).await;
    stage.tap(visitor(1), "anna", "cup", hour(10), hour(10)).await;
    stage.event(created("o1", "u1", "cup", hour(48)), hour(48)).await;
    stage.event(step("paid", "o1", hour(48)), hour(48)).await;
    assert_eq!(stage.short("o1").await.0, "anna");
    // Made before the order, delivered after it.
    stage.tap(visitor(1), "bob", "tea", hour(40), hour(53)).await;
    stage.sweep(hour(54)).await;
    assert_eq!(stage.short("o1").await, ("bob".into(), "expected".into(), 1_000));
    let line = stage.line("o1").await;
    assert_eq!(line["superseded"][0]["promoter"], "anna");
    assert_eq!(line["decision"]["attribution"]["candidates"][0]["verdict"]["code"], "replaced");
    assert_eq!(
        stage.books().await,
        [("pending earned promoter/bob g1".into(), 1_000), ("pending merchant m1 ".into(), -1_000)]
    );

    // An edge that has not delivered what it recorded before the order holds finality up.
    stage.sweep(hour(48 + 73)).await;
    assert_eq!(stage.line("o1").await["provisional"], true);
    stage.edge_has_shipped(hour(48 + 74)).await;
    stage.sweep(hour(48 + 74)).await;
    // What it delivers in that second still counts.
    assert_eq!(stage.line("o1").await["provisional"], true);
    stage.sweep(hour(48 + 74).plus(1_000)).await;
    assert_eq!(stage.line("o1").await["provisional"], false);
    // From then on nothing moves.
    stage.tap(visitor(1), "anna", "cup", hour(47), hour(48 + 75)).await;
    stage.sweep(hour(48 + 76)).await;
    assert_eq!(stage.short("o1").await, ("bob".into(), "expected".into(), 1_000));
    stage.audit().await;
});

on_both!(a_late_login_finds_the_owner_of_an_order_that_had_none, async |bench: &Bench| {
    let stage = Stage::set(bench, LAST_CLICK, shop_wide()).await;
    stage.tap(visitor(1), "anna", "cup", hour(1), hour(1)).await;
    stage.event(created("o1", "u1", "cup", hour(5)), hour(5)).await;
    stage.event(step("paid", "o1", hour(5)), hour(5)).await;
    assert_eq!(stage.short("o1").await, (String::new(), "none".into(), 0));
    // The login was at hour 4; we hear of it later.
    stage.login(visitor(1), "u1", hour(4)).await;
    stage.sweep(hour(7)).await;
    assert_eq!(stage.short("o1").await, ("anna".into(), "expected".into(), 1_000));
    let at = hour(6).millis();
    let relations =
        bench.ok("GET", &format!("/v1/relations?buyer=u1&merchant=m1&at={at}"), Value::Null).await;
    assert_eq!(relations["relations"][0]["relation"]["promoter"], "anna");
    let before = hour(0).millis();
    let none = bench.ok("GET", &format!("/v1/relations?buyer=u1&merchant=m1&at={before}"), Value::Null).await;
    assert_eq!(none["relations"], json!([]));
});

on_both!(a_token_on_the_order_speaks_for_a_click_that_is_still_on_its_way, async |bench: &Bench| {
    let stage = Stage::set(bench, LAST_CLICK, shop_wide()).await;
    let (token, batch) = stage.tapped(visitor(1), "anna", "cup", hour(1)).await;
    let (lost, _) = stage.tapped(visitor(2), "bob", "cup", hour(1)).await;
    for (order, buyer, token) in [("o1", "u1", &token), ("o2", "u2", &lost)] {
        let mut event = created(order, buyer, "cup", hour(2));
        event["click_tokens"] = json!([token, "v1.nonsense"]);
        assert_eq!(stage.event(event, hour(2)).await, Taken::Applied { bad_tokens: vec![1] });
        stage.event(step("paid", order, hour(3)), hour(3)).await;
        stage.event(step("completed", order, hour(4)), hour(4)).await;
    }
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t", "amount_fen": 9_999})).await;
    stage.edge_has_shipped(hour(5)).await;
    stage.sweep(hour(5)).await;
    // Expected, but no money moves on the word of a token alone.
    assert_eq!(stage.short("o1").await, ("anna".into(), "matured".into(), 1_000));
    assert_eq!(stage.line("o1").await["decision"]["attribution"]["flags"], json!(["awaiting_click"]));

    bench.core.ingest(batch, hour(6)).await.unwrap();
    stage.sweep(hour(7)).await;
    assert_eq!(stage.short("o1").await, ("anna".into(), "settled".into(), 1_000));

    // The other one never comes: a person must look.
    stage.sweep(hour(2 + 73)).await;
    let line = stage.line("o2").await;
    assert_eq!(
        (&line["state"], &line["review"], &line["provisional"]),
        (&json!("matured"), &json!(true), &json!(false))
    );
    let open = bench.ok("GET", "/v1/reviews", Value::Null).await;
    assert_eq!(open["items"][0]["reason"], "unjournaled");
    stage.sweep(hour(100)).await;
    assert_eq!(stage.short("o2").await.1, "matured");
    let click = &line["decision"]["attribution"]["relation"]["click"];
    assert_eq!(&open["items"][0]["found"], click);
    let resolve = json!({"platform": "p1", "order": "o2", "line": "1", "reason": "unjournaled", "found": click,
                         "resolution": "the edge's disk was replaced; the buyer showed the page", "release": true});
    bench.ok("POST", "/v1/reviews/resolve", resolve.clone()).await;
    bench.problem("POST", "/v1/reviews/resolve", resolve, 404, "not_found").await;
    stage.sweep(hour(101)).await;
    assert_eq!(stage.short("o2").await, ("bob".into(), "settled".into(), 1_000));
    stage.audit().await;
});

on_both!(new_and_returning_customers_are_told_apart_by_any_success, async |bench: &Bench| {
    let mut policy = shop_wide();
    policy["commission"]["rates"] = json!([
        {"class": "new", "bp": 1000, "effective": {"from": 0}},
        {"class": "returning", "bp": 200, "effective": {"from": 0}}
    ]);
    let stage = Stage::set(bench, LAST_CLICK, policy).await;
    stage.login(visitor(1), "u1", hour(0)).await;
    // The first success came without any promoter.
    stage.event(created("o0", "u1", "tea", hour(1)), hour(1)).await;
    stage.event(step("paid", "o0", hour(1)), hour(1)).await;
    stage.event(step("completed", "o0", hour(2)), hour(2)).await;
    let day = |days: i64| hour(2 + days * 24);
    for (order, at, expected) in [("o60", day(60), 1_000), ("o61", day(60).plus(1_000), 200)] {
        stage.tap(visitor(1), "anna", "cup", at.plus(-60_000), at.plus(-60_000)).await;
        stage.event(created(order, "u1", "cup", at), at).await;
        stage.event(step("paid", order, at), at).await;
        assert_eq!(stage.short(order).await, ("anna".into(), "expected".into(), expected), "{order}");
    }
});

on_both!(what_does_not_fit_goes_to_the_review_queue, async |bench: &Bench| {
    let _stage = Stage::set(bench, LAST_CLICK, shop_wide()).await;
    let post =
        async |events: Value| bench.call("POST", "/v1/orders/events", json!({ "events": events })).await;
    let order = created("o1", "u1", "mug", hour(1));

    // An unknown product: a clear refusal, and nothing is lost.
    let (status, answer) = post(json!([order])).await;
    assert_eq!((status.as_u16(), answer["code"].as_str()), (422, Some("unknown_product")), "{answer}");
    assert_eq!(answer["results"][0]["pointer"], "/events/0/lines/0/product");
    post(json!([order])).await;
    let queue = bench.ok("GET", "/v1/reviews", Value::Null).await;
    assert_eq!(queue["items"].as_array().unwrap().len(), 1, "a repeat does not pile up");
    assert_eq!(queue["items"][0]["event"]["lines"][0]["product"], "mug");

    // Its payment waits for it; once the catalogue has the product, sending again is enough.
    let (status, answer) = post(json!([step("paid", "o1", hour(2))])).await;
    assert_eq!((status.as_u16(), &answer["results"][0]["status"]), (200, &json!("waiting")));
    let product = json!({"merchant": "m1", "title": "杯", "url": "https://shop.example.cn/mug"});
    bench.ok("PUT", "/v1/products/mug", product).await;
    let (status, answer) = post(json!([order, order])).await;
    assert_eq!(status.as_u16(), 200, "{answer}");
    assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(1), &json!(1)));
    assert_eq!(bench.ok("GET", "/v1/reviews", Value::Null).await["items"], json!([]));
    let explained = bench.ok("GET", "/v1/orders/o1/attribution", Value::Null).await;
    assert_eq!(explained["paid_at"], hour(2).millis());

    // The same key with other contents.
    let mut changed = order.clone();
    changed["lines"][0]["amount_fen"] = json!(20_000);
    let (status, answer) = post(json!([changed])).await;
    assert_eq!((status.as_u16(), answer["code"].as_str()), (409, Some("event_changed")), "{answer}");
    let explained = bench.ok("GET", "/v1/orders/o1/attribution", Value::Null).await;
    assert_eq!(explained["lines"][0]["amount_fen"], 10_000, "the first one stands");
    // Both were found at one instant of the bench's standing clock, so their order says nothing.
    let found = explained["reviews"].as_array().unwrap();
    assert!(found.iter().any(|review| review["reason"] == "event_changed"), "{explained}");

    // A mixed batch: each event has its own answer.
    let wrong = json!({"type": "paid", "platform": "p1", "order": "o2", "at": "yesterday"});
    let (status, answer) = post(json!([wrong, order, {"type": "paid", "platform": "p1"}])).await;
    assert_eq!(status.as_u16(), 207);
    let statuses: Vec<&str> =
        answer["results"].as_array().unwrap().iter().map(|r| r["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["rejected", "duplicate", "rejected"], "{answer}");
    let (status, _) = post(json!([])).await;
    assert_eq!(status.as_u16(), 422);
    bench.problem("GET", "/v1/orders/o9/attribution", Value::Null, 404, "not_found").await;
});

on_both!(merchants_settle_in_the_order_of_completion, async |bench: &Bench| {
    let stage = Stage::set(bench, LAST_CLICK, shop_wide()).await;
    stage.login(visitor(1), "u1", hour(0)).await;
    stage.tap(visitor(1), "anna", "cup", hour(1), hour(1)).await;
    // Completed in the order o2, o1, o3; o2 costs the most.
    for (order, amount, completed) in [("o1", 2_000, 11), ("o2", 90_000, 10), ("o3", 1_000, 12)] {
        let mut event = created(order, "u1", "cup", hour(2));
        event["lines"][0]["amount_fen"] = json!(amount);
        stage.event(event, hour(2)).await;
        stage.event(step("paid", order, hour(2)), hour(2)).await;
        stage.event(step("completed", order, hour(completed)), hour(completed)).await;
    }
    stage.edge_has_shipped(hour(20)).await;
    let top_up = async |reference: &str, fen: i64| {
        let body = json!({"reference": reference, "amount_fen": fen});
        bench.ok("POST", "/v1/merchants/m1/top-ups", body).await;
    };
    top_up("a", 8_999).await;
    stage.sweep(hour(21)).await;
    for order in ["o1", "o2", "o3"] {
        assert_eq!(stage.short(order).await.1, "matured", "the head of the queue blocks");
    }
    top_up("b", 201).await;
    top_up("b", 201).await;
    stage.sweep(hour(22)).await;
    let states = [stage.short("o1").await.1, stage.short("o2").await.1, stage.short("o3").await.1];
    assert_eq!(states, ["settled", "settled", "matured"]);
    bench
        .problem(
            "POST",
            "/v1/merchants/m1/top-ups",
            json!({"reference": "b", "amount_fen": 1}),
            409,
            "reference_reused",
        )
        .await;
    stage.audit().await;
});

on_both!(a_shipped_order_completes_by_itself_and_cash_on_delivery_earns_nothing, async |bench: &Bench| {
    let policy = json!({"attribution": {"require_badge": false}});
    let stage = Stage::set(bench, "youzan_permanent", policy).await;
    stage.login(visitor(1), "u1", hour(0)).await;
    stage.tap(visitor(1), "anna", "cup", hour(1), hour(1)).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t", "amount_fen": 100_000})).await;
    let mut order = created("o1", "u1", "cup", hour(2));
    order["payment_method"] = json!("wechat_consignment");
    stage.event(order, hour(2)).await;
    stage.event(step("paid", "o1", hour(2)), hour(2)).await;
    stage.event(step("shipped", "o1", hour(10)), hour(10)).await;
    let mut cash = created("o2", "u1", "cup", hour(2));
    cash["payment_method"] = json!("cash_on_delivery");
    stage.event(cash, hour(2)).await;
    stage.event(step("completed", "o2", hour(20)), hour(20)).await;
    stage.edge_has_shipped(hour(30)).await;
    let runs_out = hour(10 + 7 * 24);
    stage.sweep(runs_out.plus(-1)).await;
    assert_eq!(stage.short("o1").await, ("anna".into(), "expected".into(), 1_000));
    stage.sweep(runs_out).await;
    assert_eq!(stage.short("o1").await, ("anna".into(), "settled".into(), 1_000));
    // Not among the promoted orders at all; the relation goes on.
    assert_eq!(stage.short("o2").await, (String::new(), "none".into(), 0));
    assert_eq!(
        stage.line("o2").await["decision"]["attribution"]["outcome"]["no_commission"]["code"],
        "payment_excluded"
    );
    // This programme takes nothing back after a settlement: a person is told.
    stage.event(refunded("o1", "r1", 3_000, runs_out.plus(1)), runs_out.plus(1)).await;
    assert_eq!(stage.short("o1").await, ("anna".into(), "settled".into(), 1_000));
    let open = bench.ok("GET", "/v1/reviews", Value::Null).await;
    assert_eq!(open["items"][0]["reason"], "refund_after_settlement");
    stage.audit().await;
});

on_both!(many_senders_at_once_store_each_event_once, async |bench: &Bench| {
    let stage = Stage::set(bench, LAST_CLICK, shop_wide()).await;
    stage.tap(visitor(1), "anna", "cup", hour(1), hour(1)).await;
    stage.login(visitor(1), "u1", hour(2)).await;
    let mut events: Vec<Value> = Vec::new();
    for order in ["o1", "o2", "o3"] {
        events.push(step("paid", order, hour(4)));
        events.push(created(order, "u1", "cup", hour(3)));
        events.push(refunded(order, "r1", 1_000, hour(5)));
    }
    let senders = (0..8).map(|sender| {
        let mut events = events.clone();
        events.rotate_left(sender);
        async move { bench.ok("POST", "/v1/orders/events", json!({ "events": events })).await }
    });
    let answers = futures_util::future::join_all(senders).await;
    let sum = |name: &str| answers.iter().map(|answer| answer[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("accepted"), sum("duplicates")), (9, 7 * 9));
    for order in ["o1", "o2", "o3"] {
        assert_eq!(stage.short(order).await, ("anna".into(), "expected".into(), 900));
    }
    stage.audit().await;
});

on_both!(a_merchant_speaks_only_of_its_own_orders, async |bench: &Bench| {
    let stage = Stage::set(bench, LAST_CLICK, shop_wide()).await;
    bench.ok("PUT", "/v1/merchants/m2", json!({"platform": "p1", "name": "另一家"})).await;
    let mut tokens = Vec::new();
    for merchant in ["m1", "m2"] {
        let body = json!({"role": "merchant", "subject": merchant});
        tokens.push(bench.ok("POST", "/v1/tokens", body).await["token"].as_str().unwrap().to_owned());
    }
    let post = async |who: usize, event: Value| {
        let (_, answer) =
            bench.call_as(&tokens[who], "POST", "/v1/orders/events", json!({"events": [event]})).await;
        answer["results"][0]["status"].as_str().unwrap().to_owned()
    };
    let order = created("o1", "u1", "cup", hour(3));
    assert_eq!(post(1, order.clone()).await, "rejected");
    assert_eq!(
        post(1, refunded("o1", "r0", 10_000, hour(3))).await,
        "waiting",
        "nobody knows whose it will be"
    );
    assert_eq!(post(0, order).await, "accepted");
    assert_eq!(post(1, step("paid", "o1", hour(4))).await, "rejected");
    assert_eq!(post(0, step("paid", "o1", hour(4))).await, "accepted");
    // What the other merchant said beforehand does not count.
    assert_eq!(stage.line("o1").await["refunded_fen"], 0);
    let path = "/v1/orders/o1/attribution";
    let (mine, _) = bench.call_as(&tokens[0], "GET", path, Value::Null).await;
    let (theirs, answer) = bench.call_as(&tokens[1], "GET", path, Value::Null).await;
    // As if there were none: a refusal would say that there is one.
    assert_eq!((mine.as_u16(), theirs.as_u16(), answer["code"].as_str()), (200, 404, Some("not_found")));
});

on_both!(weeks_of_old_orders_are_judged_by_their_own_times, async |bench: &Bench| {
    let stage = Stage::set(bench, LAST_CLICK, shop_wide()).await;
    stage.login(visitor(1), "u1", hour(0)).await;
    // Everything is imported a month later: first the clicks, then the orders.
    let import = hour(30 * 24);
    stage.edge_has_shipped(import).await;
    stage.tap(visitor(1), "anna", "cup", hour(1), import).await;
    stage.tap(visitor(1), "bob", "cup", hour(400), import).await;
    for (order, at) in [("o1", 24), ("o2", 380), ("o3", 401)] {
        stage.event(created(order, "u1", "cup", hour(at)), import).await;
        stage.event(step("paid", order, hour(at)), import).await;
    }
    let owners = [stage.short("o1").await.0, stage.short("o2").await.0, stage.short("o3").await.0];
    assert_eq!(owners, ["anna", "", "bob"], "the window of fifteen days was over for the second");
    stage.sweep(import.plus(3_000)).await;
    for order in ["o1", "o2", "o3"] {
        assert_eq!(stage.line(order).await["provisional"], false);
    }
});

on_both!(a_ban_that_is_announced_late_takes_open_orders_back, async |bench: &Bench| {
    let stage = Stage::set(bench, LAST_CLICK, shop_wide()).await;
    stage.login(visitor(1), "u1", hour(0)).await;
    stage.tap(visitor(1), "anna", "cup", hour(1), hour(1)).await;
    for (order, at) in [("before", 9), ("after", 10)] {
        stage.event(created(order, "u1", "cup", hour(at)), hour(at)).await;
        stage.event(step("paid", order, hour(at)), hour(at)).await;
        assert_eq!(stage.short(order).await.1, "expected");
    }
    let ban = json!({"category": "home", "effective_from": hour(10).millis(), "note": "禁推"});
    bench.ok("POST", "/v1/bans", ban).await;
    stage.sweep(hour(12)).await;
    assert_eq!(stage.short("before").await, ("anna".into(), "expected".into(), 1_000));
    assert_eq!(stage.short("after").await.2, 0);
    let decision = &stage.line("after").await["decision"]["attribution"];
    assert_eq!(decision["outcome"]["no_commission"]["code"], "category_banned", "{decision}");
    stage.audit().await;
});

on_both!(no_click_is_overlooked_that_comes_while_its_order_is_judged, async |bench: &Bench| {
    let stage = Stage::set(bench, LAST_CLICK, shop_wide()).await;
    for n in 1..=30 {
        let (buyer, order) = (format!("u{n}"), format!("o{n}"));
        stage.login(visitor(n), &buyer, hour(0)).await;
        // The order, the click, and the sweep that looks for orders of new clicks, all at once.
        let (_, taken, ()) = tokio::join!(
            stage.tap(visitor(n), "anna", "cup", hour(1), hour(1)),
            stage.event(created(&order, &buyer, "cup", hour(3)), hour(3)),
            stage.sweep(hour(3)),
        );
        assert_eq!(taken, Taken::Applied { bad_tokens: vec![] });
        stage.sweep(hour(3)).await;
        assert_eq!(stage.short(&order).await.0, "anna", "{order}");
    }
});
