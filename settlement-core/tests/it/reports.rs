//! Reports by day, promoter and product, and settling by hand.

use crate::on_both;
use crate::order_bench::{Stage, created, hour, step, visitor};
use crate::support::{ADMIN, Bench};
use attribution_core::time::DAY_MS;
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
    let by_placement = of("/v1/promoters/anna/report?by=placement&").await;
    assert_eq!(rows(&by_placement), [(placement.into(), 2, 2, 2_000)]);
    assert!(by_placement["rows"][0]["name"].is_string(), "{by_placement}");
    bench.problem("GET", "/v1/merchants/m1/report?by=placement", Value::Null, 400, "invalid_query").await;
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

    // One order of two products stands in two rows, and is one.
    let mut cart = created("o4", "u1", "cup", hour(6));
    cart["lines"].as_array_mut().unwrap().push(json!({"line": "2", "product": "tea", "amount_fen": 10_000}));
    stage.event(cart, hour(6)).await;
    stage.sweep(hour(7)).await;
    let by_product = of("/v1/merchants/m1/report?by=product&promoter=anna&").await;
    assert_eq!(rows(&by_product), [("cup".into(), 1, 2, 1_000), ("tea".into(), 1, 2, 1_000)]);
    assert_eq!(by_product["total"]["orders"], 3);
});

on_both!(a_promoters_own_labels_have_their_rows, async |bench: &Bench| {
    let stage = Stage::set(bench, "distributor1688", shop_wide()).await;
    stage.labelled(visitor(1), ("anna", "cup", "room-1"), hour(1)).await;
    stage.labelled(visitor(2), ("anna", "cup", "直播 2"), hour(1)).await;
    stage.labelled(visitor(3), ("anna", "tea", "room-1"), hour(1)).await;
    stage.labelled(visitor(4), ("bob", "cup", "room-1"), hour(1)).await;
    stage.tap(visitor(5), "anna", "cup", hour(1), hour(1)).await;
    for n in [1, 2, 5] {
        let (order, buyer) = (format!("o{n}"), format!("u{n}"));
        stage.login(visitor(n), &buyer, hour(2)).await;
        stage.event(created(&order, &buyer, "cup", hour(3)), hour(3)).await;
        stage.event(step("paid", &order, hour(4)), hour(4)).await;
    }
    stage.sweep(hour(5)).await;
    let days = format!("from={}&to={}", hour(0).millis(), hour(24).millis());
    let of = async |filter: &str| {
        bench.ok("GET", &format!("/v1/promoters/anna/report?{filter}&{days}"), Value::Null).await
    };
    let by_sub = of("by=sub").await;
    let all = [("".into(), 1, 1, 1_000), ("room-1".into(), 2, 1, 1_000), ("直播 2".into(), 1, 1, 1_000)];
    assert_eq!(rows(&by_sub), all, "{by_sub}");
    assert_eq!((&by_sub["total"]["clicks"], &by_sub["total"]["orders"]), (&json!(4), &json!(3)));
    assert_eq!(by_sub["days"], json!([]));
    assert_eq!(rows(&of("by=sub&product=tea").await), [("room-1".into(), 1, 0, 0)]);
    assert_eq!(rows(&of("by=product").await), [("cup".into(), 3, 3, 3_000), ("tea".into(), 1, 0, 0)]);
    bench.problem("GET", "/v1/merchants/m1/report?by=sub", Value::Null, 400, "invalid_query").await;
});

on_both!(an_agency_sees_its_own_share_beside_its_talents, async |bench: &Bench| {
    let stage = Stage::set(bench, "taobao_live", shop_wide()).await;
    bench.ok("PUT", "/v1/promoters/anna", json!({"name": "anna", "agency": "stars"})).await;
    stage.login(visitor(1), "u1", hour(0)).await;
    stage.tap(visitor(1), "anna", "cup", hour(1), hour(1)).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t", "amount_fen": 10_000})).await;
    for order in ["o1", "o2"] {
        stage.event(created(order, "u1", "cup", hour(3)), hour(3)).await;
        stage.event(step("paid", order, hour(4)), hour(4)).await;
    }
    stage.event(step("completed", "o1", hour(10)), hour(10)).await;
    stage.edge_has_shipped(hour(11)).await;
    stage.sweep(hour(12)).await;
    bench.set_clock(hour(12));
    // 1:2:7 of ten yuan: the talent sees the platform's part too until it is collected.
    let whose = async |agency: &str| {
        let report = bench.ok("GET", &format!("/v1/agencies/{agency}/report"), Value::Null).await;
        ["expected_fen", "settled_fen", "agency_expected_fen", "agency_settled_fen"]
            .map(|field| report["total"][field].as_i64())
    };
    bench.problem("GET", "/v1/agencies/nobody/report", Value::Null, 404, "not_found").await;
    assert_eq!(whose("stars").await, [Some(800), Some(800), Some(200), Some(200)]);
    // What was earned under one agency's contract is not another's.
    bench.ok("PUT", "/v1/promoters/anna", json!({"name": "anna", "agency": "moons"})).await;
    assert_eq!(whose("moons").await, [Some(800), Some(800), Some(0), Some(0)]);
    bench.ok("PUT", "/v1/promoters/anna", json!({"name": "anna", "agency": "stars"})).await;
    let report = bench.ok("GET", "/v1/promoters/anna/report", Value::Null).await;
    assert!(report["total"].get("agency_settled_fen").is_none(), "{report}");
    let request = Request::get("/v1/agencies/stars/report?by=promoter&format=csv");
    let request = request.header("authorization", format!("Bearer {ADMIN}")).body(Body::empty()).unwrap();
    let text = bench.send(request).await.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    assert!(text.contains("settled_yuan,agency_expected_yuan,agency_settled_yuan\n"), "{text}");
    assert!(text.contains("anna,1,1,2,8.00,8.00,2.00,2.00"), "{text}");
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
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t1", "amount_fen": 1_000})).await;
    let listed = async || {
        let page = bench.ok("GET", "/v1/merchants/m1/settlements", Value::Null).await;
        page["items"].as_array().unwrap().clone()
    };
    let waiting = async || {
        let items = listed().await;
        items.iter().map(|w| (w["order"].clone(), w["waits_for"].clone())).collect::<Vec<_>>()
    };
    // An edge may still hold a click that decides otherwise: by hand nobody settles before either.
    bench.set_clock(hour(10));
    let held = listed().await;
    assert_eq!(held[0]["waits_for"], "click", "{held:?}");
    assert_eq!(held[0]["waits_until"], hour(3).plus(7 * DAY_MS).millis(), "{held:?}");
    let first = json!({"lines": [{"platform": "p1", "order": "o1", "line": "1"}]});
    let early = bench.ok("POST", "/v1/merchants/m1/settlements", first).await;
    assert_eq!(early["lines"][0]["outcome"], "not_due");
    stage.edge_has_shipped(hour(11)).await;
    stage.sweep(hour(12)).await;
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
    // Lines that the merchant does not have hold no other up: each is named.
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t2", "amount_fen": 1_000})).await;
    let mixed = json!({"lines": [line("o9"), line("o1"), line("o8")]});
    let done = bench.ok("POST", "/v1/merchants/m1/settlements", mixed).await;
    let outcomes: Vec<&Value> = done["lines"].as_array().unwrap().iter().map(|l| &l["outcome"]).collect();
    assert_eq!(outcomes, ["unknown", "settled", "unknown"]);
    assert_eq!((&done["settled"], &done["lines"][2]["order"]), (&json!(1), &json!("o8")));
    stage.audit().await;
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
    // Her explanation says what her list says, and that nothing changes it any more.
    let says = async |order: &str| {
        let path = format!("/v1/promoters/anna/orders/{order}");
        bench.call_as(anna, "GET", &path, Value::Null).await.1["lines"][0]["en"]["steps"].to_string()
    };
    for (order, settled) in [("o1", true), ("o2", false)] {
        let steps = says(order).await;
        assert_eq!(steps.contains("Settled."), settled, "{order}: {steps}");
        assert!(!steps.contains("provisional"), "{order}: {steps}");
    }
    bench.set_clock(hour(36));
    assert_eq!(listed(anna, "settled").await, ["o1", "o2"]);
    assert!(says("o2").await.contains("Settled."));
});
