//! Enrolments for channels and video tasks: whose programme they may use, by which rules, page by page.

use crate::lists::token;
use crate::on_both;
use crate::order_bench::{Stage, hour};
use crate::support::Bench;
use attribution_core::time::{DAY_MS, Instant};
use serde_json::{Value, json};

/// A shop `m1` with its own programme `g1`, and a second one on the same platform with a programme of the platform.
async fn two_shops(bench: &Bench, preset: &str, policy: Value) {
    Stage::set(bench, preset, policy).await;
    bench.set_clock(hour(3));
    let other = json!({"platform": "p1", "name": "另一家", "hosts": ["shop2.example.cn"]});
    bench.ok("PUT", "/v1/merchants/m2", other).await;
    let open = json!({"platform": "p1", "name": "g", "preset": preset, "effective_from": 0});
    bench.ok("PUT", "/v1/programmes/all", open).await;
}

/// The ids of a list, page by page.
async fn pages(bench: &Bench, path: &str) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = bench.ok("GET", &format!("{path}&limit=2{cursor}"), Value::Null).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        ids.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

fn task(id: &str, programme: &str, merchant: &str) -> Value {
    json!({"id": id, "programme": programme, "merchant": merchant, "talent": "anna", "price_fen": 1_000})
}

/// The fields that a refusal names, in its order.
fn named(refusal: &Value) -> Vec<&str> {
    refusal["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect()
}

on_both!(everything_that_is_wrong_with_a_request_is_told_at_once, async |bench: &Bench| {
    two_shops(bench, "taobao_live", json!({})).await;
    let wrong = json!({"id": "a/b", "programme": "g1", "merchant": "m1", "talent": "nobody", "price_fen": 0,
        "product": "none"});
    let refusal = bench.problem("POST", "/v1/video-tasks", wrong, 422, "invalid").await;
    assert_eq!(named(&refusal), ["id", "price_fen", "talent", "product"], "{refusal}");
    assert_eq!((&refusal["field"], &refusal["errors"][2]["code"]), (&json!("id"), &json!("not_found")));
    // What is of the wrong kind is told whole too.
    let wrong = json!({"id": 5, "programme": "g 1", "merchant": "m1", "talent": "an na", "price_fen": "ten"});
    let refusal = bench.problem("POST", "/v1/video-tasks", wrong, 422, "invalid_body").await;
    let mut fields = named(&refusal);
    fields.sort_unstable();
    assert_eq!(fields, ["id", "price_fen", "programme", "talent"], "{refusal}");
    // A line and a column are told of the body that was sent, and of no rest of it.
    let places = refusal["errors"].as_array().unwrap().iter().map(|error| error["detail"].as_str().unwrap());
    let placed: Vec<_> = places.map(|detail| detail.contains(" at line ")).collect();
    assert_eq!(placed, [true, false, false, false], "{refusal}");
    // Those of a list stand among the others.
    let skus = json!([{"sku": "red", "channel_price_fen": 0}, {"sku": "red", "channel_price_fen": -1}]);
    let wrong = json!({"id": "a/b", "programme": "g1", "product": "cup", "skus": skus});
    let refusal = bench.problem("POST", "/v1/enrolments", wrong, 422, "invalid").await;
    let prices = ["skus[0].channel_price_fen", "skus[1].channel_price_fen"];
    assert_eq!(named(&refusal), [&["id"], &prices[..]].concat(), "{refusal}");
    // One mistake is told as one.
    let mut one = task("v1", "g1", "m1");
    one["price_fen"] = json!(0);
    let refusal = bench.problem("POST", "/v1/video-tasks", one, 422, "invalid").await;
    assert_eq!((&refusal["field"], &refusal["errors"]), (&json!("price_fen"), &Value::Null), "{refusal}");
    assert_eq!(pages(bench, "/v1/video-tasks?merchant=m1").await, [""; 0]);
});

on_both!(video_tasks_keep_to_their_programme_and_its_rules, async |bench: &Bench| {
    let (from, to) = (hour(48).millis(), hour(72).millis());
    let policy = json!({"video_tasks": {"events": [{"from": from, "to": to}]}});
    two_shops(bench, "taobao_live", policy).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t", "amount_fen": 10_000})).await;
    bench.problem("POST", "/v1/video-tasks", task("v0", "g1", "m2"), 409, "not_in_programme").await;
    bench.ok("POST", "/v1/video-tasks", task("v0", "all", "m2")).await;
    // Who pays has no say in the fee.
    let mut asked = task("v1", "g1", "m1");
    asked["in_event"] = json!(false);
    assert_eq!(bench.call("POST", "/v1/video-tasks", asked).await.0.as_u16(), 422);
    for id in ["v1", "v2", "v3", "v4", "v5"] {
        bench.ok("POST", "/v1/video-tasks", task(id, "g1", "m1")).await;
    }
    assert_eq!(pages(bench, "/v1/video-tasks?merchant=m1").await, ["v5", "v4", "v3", "v2", "v1"]);
    let confirm = async |id: &str, at: Instant| {
        bench.set_clock(at);
        let paid = bench.ok("POST", &format!("/v1/video-tasks/{id}/confirm"), json!({})).await;
        (paid["fee_fen"].as_i64().unwrap(), paid["in_event"].as_bool().unwrap())
    };
    assert_eq!(confirm("v1", hour(48).plus(-1)).await, (0, false));
    assert_eq!(confirm("v2", hour(48)).await, (200, true));
    // The programme has no video tasks any more: what was ordered before goes on by the rules it was ordered under.
    let without = json!({"merchant": "m1", "name": "g", "preset": "distributor1688",
                         "effective_from": hour(60).millis()});
    bench.ok("PUT", "/v1/programmes/g1", without).await;
    assert_eq!(confirm("v3", hour(61)).await, (200, true));
    bench.problem("POST", "/v1/video-tasks", task("v6", "g1", "m1"), 409, "no_video_tasks").await;
    bench.ok("POST", "/v1/video-tasks/v4/cancel", json!({})).await;
    bench.set_clock(hour(80));
    let seen = bench.ok("GET", "/v1/video-tasks/v2", Value::Null).await;
    assert_eq!((&seen["fee_fen"], &seen["in_event"]), (&json!(200), &json!(true)), "what was paid stays");
    let open = bench.ok("GET", "/v1/video-tasks/v5", Value::Null).await;
    assert_eq!((&open["state"], &open["fee_fen"]), (&json!("open"), &json!(0)));
    assert_eq!(pages(bench, "/v1/video-tasks?merchant=m1").await.len(), 5);
});

on_both!(enrolments_keep_to_their_programme_and_are_paged, async |bench: &Bench| {
    two_shops(bench, "offsite1688", json!({})).await;
    let merchant = json!({"consumer_or_industrial": true, "level": 2, "dropship_products": 1, "service_tenths": 35,
                          "logistics_tenths": 30, "product_tenths": 20, "risk_ok": true});
    let goods = json!({"consumer_or_industrial": true, "dropship_free_shipping": true, "seven_day_returns": true,
                       "ships_within": "hours48", "growth_score": 60, "risk_ok": true, "group_purchase": false});
    let first = json!({"id": "e0", "programme": "g1", "product": "cup", "skus": [{"sku": "red", "channel_price_fen": 8_000}]});
    for (shop, product) in [("m1", "cup"), ("m2", "pot")] {
        let body = json!({"merchant": shop, "title": product, "price_fen": 10_000, "category": "home",
                          "url": format!("https://shop{}.example.cn/x", if shop == "m2" { "2" } else { "" })});
        bench.ok("PUT", &format!("/v1/products/{product}"), body).await;
        for (of, said) in [(format!("merchants/{shop}"), &merchant), (format!("products/{product}"), &goods)]
        {
            if shop == "m1" {
                let missing =
                    format!("{}_facts_missing", if said == &merchant { "merchant" } else { "product" });
                bench.problem("POST", "/v1/enrolments", first.clone(), 409, &missing).await;
            }
            let path = format!("/v1/{of}/sourcing-facts");
            bench.problem("GET", &path, Value::Null, 404, "not_found").await;
            bench.ok("PUT", &path, said.clone()).await;
            assert_eq!(bench.ok("GET", &path, Value::Null).await, *said);
        }
        let sku = json!({"sku": "red", "price_fen": 10_000, "stock": 500, "low30_fen": 8_000});
        bench.ok("PUT", &format!("/v1/products/{product}/skus"), sku).await;
    }
    let enrol = |id: &str, programme: &str, product: &str, price: i64| {
        json!({"id": id, "programme": programme, "product": product,
               "skus": [{"sku": "red", "channel_price_fen": price}]})
    };
    bench.problem("POST", "/v1/enrolments", enrol("e0", "g1", "pot", 8_000), 409, "not_in_programme").await;
    bench.ok("POST", "/v1/enrolments", enrol("e0", "all", "pot", 8_000)).await;
    for id in ["e1", "e2", "e3"] {
        bench.ok("POST", "/v1/enrolments", enrol(id, "g1", "cup", 8_000)).await;
        bench.ok("POST", &format!("/v1/enrolments/{id}/exit"), json!({})).await;
    }
    assert_eq!(pages(bench, "/v1/enrolments?merchant=m1").await, ["e3", "e2", "e1"]);
    // Whoever audits sees those of all shops; a shop only its own.
    assert_eq!(pages(bench, "/v1/enrolments?state=auditing").await, ["e0"]);
    assert_eq!(pages(bench, "/v1/enrolments?merchant=m1&state=exited").await, ["e3", "e2", "e1"]);
    let shop = token(bench, "merchant", "m1").await;
    for (path, status) in [("?state=auditing", 403), ("?merchant=m2", 403), ("?merchant=m1", 200)] {
        let (answer, _) = bench.call_as(&shop, "GET", &format!("/v1/enrolments{path}"), Value::Null).await;
        assert_eq!(answer.as_u16(), status, "{path}");
    }
    // Dearer than the lowest deal the platform told; once that is out of its 30 days it has no say any more.
    let refused = bench.ok("POST", "/v1/enrolments", enrol("e4", "g1", "cup", 8_500)).await;
    assert_eq!(refused["state"], "refused", "{refused}");
    bench.set_clock(hour(3).plus(31 * DAY_MS));
    // A change of price or stock does not make it newer.
    bench.ok("PUT", "/v1/products/cup/skus", json!({"sku": "red", "price_fen": 10_000, "stock": 400})).await;
    let later = bench.ok("POST", "/v1/enrolments", enrol("e5", "g1", "cup", 8_500)).await;
    assert_eq!(
        (&later["state"], &later["skus"][0]["needs_review"], &later["skus"][0]["channel_stock"]),
        (&json!("auditing"), &json!(true), &json!(400)),
        "{later}"
    );
});
