//! Reports by day, promoter and product, and settling by hand.

use crate::on_both;
use crate::order_bench::{Stage, created, hour, step, visitor};
use crate::support::{ADMIN, Bench};
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

fn shop_wide() -> Value {
    json!({"attribution": {"scope": "shop", "require_converted_link": false}})
}

fn rows(report: &Value) -> Vec<(String, i64, i64, i64)> {
    let number = |row: &Value, field: &str| row[field].as_i64().unwrap();
    let row = |row: &Value| {
        let key = row["key"].as_str().unwrap().to_owned();
        (key, number(row, "clicks"), number(row, "orders"), number(row, "expected_fen"))
    };
    report["rows"].as_array().unwrap().iter().map(row).collect()
}

on_both!(a_report_is_cut_by_promoter_product_and_placement, async |bench: &Bench| {
    let stage = Stage::set(bench, "distributor1688", shop_wide()).await;
    for (n, (promoter, product)) in [("anna", "cup"), ("bob", "tea"), ("anna", "tea")].into_iter().enumerate()
    {
        let n = u8::try_from(n).unwrap() + 1;
        stage.tap(visitor(n), promoter, product, hour(1), hour(1)).await;
        stage.login(visitor(n), &format!("u{n}"), hour(2)).await;
        let order = format!("o{n}");
        stage.event(created(&order, &format!("u{n}"), product, hour(3)), hour(3)).await;
        stage.event(step("paid", &order, hour(4)), hour(4)).await;
    }
    stage.sweep(hour(5)).await;
    let days = format!("from={}&to={}", hour(0).millis(), hour(24).millis());
    let of = async |path: &str| bench.ok("GET", &format!("{path}{days}"), Value::Null).await;
    let by_promoter = of("/v1/merchants/m1/report?by=promoter&").await;
    assert_eq!(rows(&by_promoter), [("anna".into(), 2, 2, 2_000), ("bob".into(), 1, 1, 1_000)]);
    let by_product = of("/v1/merchants/m1/report?by=product&promoter=anna&").await;
    assert_eq!(rows(&by_product), [("cup".into(), 1, 1, 1_000), ("tea".into(), 1, 1, 1_000)]);
    let by_day = of("/v1/merchants/m1/report?").await;
    assert_eq!((rows(&by_day).len(), &by_day["total"]["orders"]), (1, &json!(3)));
    assert_eq!(by_day["total"]["all_clicks"], 3);

    let anna = async |filter: &str| of(&format!("/v1/promoters/anna/report?{filter}")).await["total"].clone();
    assert_eq!((anna("").await["clicks"].clone(), anna("").await["orders"].clone()), (json!(2), json!(2)));
    let tea = anna("product=tea&").await;
    assert_eq!((&tea["clicks"], &tea["orders"], &tea["expected_fen"]), (&json!(1), &json!(1), &json!(1_000)));
    let placements = bench.ok("GET", "/v1/promoters/anna/placements", Value::Null).await;
    let placement = placements["items"][0]["id"].as_str().unwrap();
    let own = anna(&format!("placement={placement}&")).await;
    assert_eq!((&own["clicks"], &own["orders"]), (&json!(2), &json!(2)));
    assert_eq!(anna("placement=nobody&").await["orders"], 0);

    bench.ok("PUT", "/v1/promoters/anna", json!({"name": "anna", "agency": "stars"})).await;
    let talents = of("/v1/agencies/stars/report?by=promoter&").await;
    assert_eq!(rows(&talents), [("anna".into(), 2, 2, 2_000)]);

    let path = format!("/v1/merchants/m1/report?by=promoter&format=csv&{days}");
    let request = Request::get(path).header("authorization", format!("Bearer {ADMIN}"));
    let answer = bench.send(request.body(Body::empty()).unwrap()).await;
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    assert!(
        text.starts_with("\u{feff}promoter,clicks,all_clicks,orders,expected_yuan,settled_yuan\n"),
        "{text}"
    );
    assert!(text.contains("anna,2,2,2,"), "{text}");

    let orders = bench.ok("GET", "/v1/orders?promoter=anna&product=tea", Value::Null).await;
    let entry = &orders["items"][0];
    assert_eq!(
        (&entry["order"], &entry["state"], &entry["promoter_fen"]),
        (&json!("o3"), &json!("expected"), &json!(1_000))
    );
    assert_eq!(
        bench.ok("GET", "/v1/orders?agency=stars&limit=1", Value::Null).await["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
});

on_both!(a_merchant_settles_chosen_lines_by_hand, async |bench: &Bench| {
    let mut policy = shop_wide();
    policy["settlement"] = json!({"mode": "manual"});
    let stage = Stage::set(bench, "distributor1688", policy).await;
    stage.tap(visitor(1), "anna", "cup", hour(1), hour(1)).await;
    stage.login(visitor(1), "u1", hour(2)).await;
    for order in ["o1", "o2"] {
        stage.event(created(order, "u1", "cup", hour(3)), hour(3)).await;
        stage.event(step("paid", order, hour(4)), hour(4)).await;
        stage.event(step("completed", order, hour(10)), hour(10)).await;
    }
    stage.edge_has_shipped(hour(11)).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t1", "amount_fen": 1_000})).await;
    stage.sweep(hour(12)).await;
    let waiting = async || {
        let page = bench.ok("GET", "/v1/merchants/m1/settlements", Value::Null).await;
        let items = page["items"].as_array().unwrap().clone();
        items.iter().map(|w| (w["order"].clone(), w["waits_for"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(waiting().await, [(json!("o1"), json!("hand")), (json!("o2"), json!("hand"))]);
    bench.set_clock(hour(13));
    let line = |order: &str| json!({"platform": "p1", "order": order, "line": "1"});
    // The second is picked before the first, and the money reaches for one.
    let chosen = json!({"lines": [line("o2"), line("o1")]});
    let done = bench.ok("POST", "/v1/merchants/m1/settlements", chosen.clone()).await;
    let outcomes: Vec<&Value> = done["lines"].as_array().unwrap().iter().map(|l| &l["outcome"]).collect();
    assert_eq!((&done["settled"], outcomes), (&json!(1), vec![&json!("settled"), &json!("out_of_money")]));
    assert_eq!(waiting().await, [(json!("o1"), json!("hand"))]);
    let again = bench.ok("POST", "/v1/merchants/m1/settlements", json!({"lines": [line("o2")]})).await;
    assert_eq!((&again["settled"], &again["lines"][0]["outcome"]), (&json!(0), &json!("settled")));
    stage.audit().await;
    let body = json!({"lines": [line("o9")]});
    bench.problem("POST", "/v1/merchants/m1/settlements", body, 404, "not_found").await;
});

on_both!(a_success_of_today_is_listed_as_it_is_shown, async |bench: &Bench| {
    let stage = Stage::set(bench, "distributor1688", shop_wide()).await;
    stage.login(visitor(1), "u1", hour(0)).await;
    stage.tap(visitor(1), "anna", "cup", hour(1), hour(1)).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t", "amount_fen": 10_000})).await;
    // The story begins at noon: one succeeds on the first day, one on the second, one not yet.
    for (order, done) in [("o1", Some(5)), ("o2", Some(20)), ("o3", None)] {
        stage.event(created(order, "u1", "cup", hour(2)), hour(2)).await;
        stage.event(step("paid", order, hour(3)), hour(3)).await;
        if let Some(done) = done {
            stage.event(step("completed", order, hour(done)), hour(done)).await;
        }
    }
    stage.edge_has_shipped(hour(21)).await;
    stage.sweep(hour(21)).await;
    bench.set_clock(hour(21));
    let issued = bench.ok("POST", "/v1/tokens", json!({"role": "promoter", "subject": "anna"})).await;
    let anna = issued["token"].as_str().unwrap();
    let listed = async |token: &str, state: &str| {
        let (mut orders, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/orders?state={state}&limit=1{cursor}");
            let (_, page) = bench.call_as(token, "GET", &path, Value::Null).await;
            for line in page["items"].as_array().unwrap() {
                assert_eq!(line["state"], state, "{line}");
                orders.push(line["order"].as_str().unwrap().to_owned());
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        orders.sort();
        orders
    };
    assert_eq!(listed(anna, "settled").await, ["o1"]);
    assert_eq!(listed(anna, "expected").await, ["o2", "o3"]);
    assert_eq!(listed(ADMIN, "settled").await, ["o1", "o2"]);
    assert_eq!(listed(ADMIN, "expected").await, ["o3"]);
    bench.set_clock(hour(36));
    assert_eq!(listed(anna, "settled").await, ["o1", "o2"]);
});
