//! Notifications of shops come in: signed, once, and whatever order they come in.

use crate::on_both;
use crate::order_bench::{Stage, created, hour, step};
use crate::support::{ADMIN, Bench, read};
use attribution_core::time::Instant;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use sha2::Sha256;

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/samples/{name}.json", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn hmac(key: &[u8], text: &[u8]) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap();
    mac.update(text);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A sender of the Standard Webhooks convention, written from its text and not with our own code.
fn standard(secret: &str, id: &str, at_ms: i64, body: &[u8]) -> Vec<(&'static str, String)> {
    let at = at_ms / 1_000;
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let signature = hmac(&key, &[format!("{id}.{at}.").as_bytes(), body].concat());
    vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at.to_string()),
        ("webhook-signature", format!("v1,{signature}")),
    ]
}

fn youzan(body: &[u8]) -> Vec<(&'static str, String)> {
    let mut md5 = Md5::new();
    md5.update("6cd25b3f99727975b5");
    md5.update(body);
    md5.update("yz-secret");
    vec![("event-sign", md5.finalize().iter().map(|byte| format!("{byte:02x}")).collect())]
}

fn shopify(topic: &str, id: &str, body: &[u8]) -> Vec<(&'static str, String)> {
    let (topic, id) = (topic.to_owned(), id.to_owned());
    vec![
        ("x-shopify-topic", topic),
        ("x-shopify-webhook-id", id),
        ("x-shopify-hmac-sha256", hmac(b"sf-secret", body)),
    ]
}

async fn post(
    bench: &Bench,
    path: &str,
    headers: &[(&'static str, String)],
    body: &[u8],
) -> (StatusCode, bool, Value) {
    let mut request = Request::post(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let response = bench.send(request.body(Body::from(body.to_vec())).unwrap()).await;
    let repeated = response.headers().contains_key("idempotent-replayed");
    let (status, answer) = read(response).await;
    (status, repeated, answer)
}

async fn source(bench: &Bench, body: Value) -> (String, String, String) {
    let opened = bench.ok("POST", "/v1/intake-sources", body).await;
    let text = |name: &str| opened[name].as_str().unwrap_or_default().to_owned();
    (text("id"), text("path"), text("secret"))
}

async fn stage(bench: &Bench) -> Stage<'_> {
    Stage::set(
        bench,
        "distributor1688",
        json!({"attribution": {"scope": "shop", "require_converted_link": false}}),
    )
    .await
}

on_both!(our_own_events_come_in_signed_and_once, async |bench: &Bench| {
    let stage = stage(bench).await;
    let (id, path, secret) =
        source(bench, json!({"merchant": "m1", "kind": "standard", "label": "shop"})).await;
    bench.set_clock(hour(3));
    let now = hour(3).millis();
    let body =
        json!({"events": [created("o1", "u1", "cup", hour(3)), step("paid", "o1", hour(3))]}).to_string();
    let body = body.as_bytes();
    let signed = standard(&secret, "msg_1", now, body);

    let refused = async |headers: &[(&'static str, String)], body: &[u8], code: &str| {
        let (status, _, answer) = post(bench, &path, headers, body).await;
        assert_eq!((status.as_u16(), answer["code"].as_str()), (401, Some(code)), "{answer}");
    };
    refused(&[], body, "signature_missing").await;
    refused(&signed, b"{}", "signature_invalid").await;
    refused(&standard("whsec_AAAA", "msg_1", now, body), body, "signature_invalid").await;
    refused(&standard(&secret, "msg_1", now - 301_000, body), body, "timestamp_out_of_tolerance").await;
    let (status, ..) = post(bench, "/v1/intake/in_nobody", &signed, body).await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    let (status, repeated, answer) = post(bench, &path, &signed, body).await;
    assert_eq!(
        (status, repeated, &answer["outcome"]),
        (StatusCode::OK, false, &json!("accepted")),
        "{answer}"
    );
    assert_eq!(stage.line("o1").await["amount_fen"], 10_000);
    // The sender did not hear it and signs anew: the same answer, and nothing happens.
    let again = standard(&secret, "msg_1", now + 5_000, body);
    let (status, repeated, same) = post(bench, &path, &again, body).await;
    assert_eq!((status, repeated, same), (StatusCode::OK, true, answer));
    let other = json!({"events": [step("closed", "o1", hour(3))]}).to_string();
    let reused = standard(&secret, "msg_1", now, other.as_bytes());
    let (status, _, answer) = post(bench, &path, &reused, other.as_bytes()).await;
    assert_eq!((status.as_u16(), &answer["code"]), (409, &json!("delivery_id_reused")));

    // One event by itself; and one that can never be.
    let send = async |secret: &str, id: &str, event: Value| {
        let body = event.to_string();
        post(bench, &path, &standard(secret, id, now, body.as_bytes()), body.as_bytes()).await
    };
    let (status, _, answer) = send(&secret, "msg_2", step("shipped", "o1", hour(3))).await;
    assert_eq!((status.as_u16(), &answer["results"][0]["status"]), (200, &json!("accepted")));
    let mut theirs = created("o2", "u1", "cup", hour(3));
    theirs["merchant"] = json!("m2");
    let (status, _, answer) = send(&secret, "msg_3", theirs).await;
    assert_eq!((status.as_u16(), &answer["results"][0]["code"]), (422, &json!("other_merchants_order")));

    // A new secret; the one before is good for the overlap.
    let rotated =
        bench.ok("POST", &format!("/v1/intake-sources/{id}/rotate"), json!({"overlap_seconds": 60})).await;
    let fresh = rotated["secret"].as_str().unwrap();
    assert_eq!(send(&secret, "msg_4", step("shipped", "o1", hour(3))).await.0, StatusCode::OK);
    assert_eq!(send(fresh, "msg_5", step("shipped", "o1", hour(3))).await.2["outcome"], "duplicate");
    bench.set_clock(hour(3).plus(60_000));
    assert_eq!(send(&secret, "msg_6", step("shipped", "o1", hour(3))).await.0, StatusCode::UNAUTHORIZED);

    let listed = bench.ok("GET", &format!("/v1/intake-sources/{id}/deliveries?limit=2"), Value::Null).await;
    let page =
        format!("/v1/intake-sources/{id}/deliveries?cursor={}", listed["next_cursor"].as_str().unwrap());
    let rest = bench.ok("GET", &page, Value::Null).await;
    let all: Vec<&Value> =
        listed["items"].as_array().unwrap().iter().chain(rest["items"].as_array().unwrap()).collect();
    let outcomes: Vec<&str> = all.iter().map(|d| d["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["duplicate", "duplicate", "rejected", "accepted", "accepted"], "{all:?}");
    let rejected = all.iter().find(|d| d["outcome"] == "rejected").unwrap();
    assert!(rejected["body"].as_str().unwrap().contains("\"m2\""), "{rejected}");
    stage.audit().await;

    bench.ok("DELETE", &format!("/v1/intake-sources/{id}"), json!({})).await;
    assert_eq!(send(fresh, "msg_7", step("shipped", "o1", hour(3))).await.0, StatusCode::NOT_FOUND);
});

on_both!(a_youzan_order_lives_from_its_pushes, async |bench: &Bench| {
    let stage = stage(bench).await;
    for id in ["501", "502"] {
        let product = json!({"merchant": "m1", "title": "保温杯", "url": "https://shop.example.cn/1", "category": "home"});
        bench.ok("PUT", &format!("/v1/products/yz-{id}"), product).await;
    }
    let settings = json!({"client_id": "6cd25b3f99727975b5", "product_prefix": "yz-"});
    let body = json!({"merchant": "m1", "kind": "youzan", "secret": "yz-secret", "settings": settings});
    let (id, path, shown) = source(bench, body).await;
    assert_eq!(shown, "", "the platform's secret is not shown");
    bench.set_clock(Instant(1_796_000_000_000));
    let push = async |name: &str| {
        let body = sample(&format!("youzan/{name}"));
        let (status, repeated, answer) = post(bench, &path, &youzan(&body), &body).await;
        assert_eq!((status, &answer["msg"]), (StatusCode::OK, &json!("success")), "{name}: {answer}");
        (repeated, answer["outcome"].as_str().unwrap().to_owned(), answer)
    };
    // A bare state says less than the payment that follows: it must not stand in its place.
    assert_eq!(push("TRADE_ORDER_STATE").await.1, "ignored");
    // Out of order: the payment tells the whole order, its creation comes after it.
    assert_eq!(push("trade_TradeSellerShip").await.1, "accepted");
    let (_, outcome, answer) = push("trade_TradePaid").await;
    assert_eq!(outcome, "accepted", "{answer}");
    assert_eq!(
        answer["results"][0]["ignored_tokens"],
        json!(["/events/0/click_tokens/0"]),
        "the sample's token is no one's"
    );
    assert_eq!(push("trade_TradeCreate").await.1, "duplicate");
    assert!(push("trade_TradePaid").await.0);
    assert_eq!(push("trade_refund_BuyerCreated").await.1, "accepted");
    // The same refund, asked for again after the seller said no: the first time counts, and nothing contradicts it.
    let again = json!({"type": "youzan_trade_RefundCreated", "id": "E20261111200000000001", "version": 9, "msg": {
        "tid": "E20261111200000000001", "refund_id": "202611122000000001", "refund_type": "REFUND_ONLY",
        "update_time": "2026-11-12 22:00:00"}});
    let again = again.to_string();
    let (_, _, answer) = post(bench, &path, &youzan(again.as_bytes()), again.as_bytes()).await;
    assert_eq!(answer["outcome"], "duplicate", "{answer}");
    assert_eq!(push("youzan_trade_RefundSuccess").await.1, "accepted");
    assert_eq!(push("trade_TradeSuccess").await.1, "accepted");
    let lines = bench.ok("GET", "/v1/orders/E20261111200000000001/attribution", Value::Null).await;
    let amounts: Vec<_> = lines["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| (l["amount_fen"].as_i64().unwrap(), l["refunded_fen"].as_i64().unwrap()))
        .collect();
    assert_eq!(amounts, [(9_000, 0), (1_999, 1_999)], "{lines}");

    // Another's signature, an unknown topic, and a push that does not say enough.
    let body = sample("youzan/trade_TradePaid");
    let mut wrong = youzan(&body);
    let first = if wrong[0].1.starts_with('0') { "1" } else { "0" };
    wrong[0].1.replace_range(0..1, first);
    let (status, _, answer) = post(bench, &path, &wrong, &body).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(!answer.to_string().contains("success"), "Youzan would take it for an answer: {answer}");
    let unknown = json!({"type": "ITEM_STATE", "id": "9", "version": 1, "msg": "%7B%7D"}).to_string();
    let (_, _, answer) = post(bench, &path, &youzan(unknown.as_bytes()), unknown.as_bytes()).await;
    assert_eq!(answer["outcome"], "ignored", "{answer}");
    let both = json!({"type": "youzan_trade_RefundSuccess", "id": "9", "version": 2, "msg": {
        "tid": "E20261111200000000001", "refund_id": "r9", "oids": "2847201,2847202", "refunded_fee": "5.00",
        "update_time": "2026-11-12 20:00:00"}});
    let both = both.to_string();
    let (status, _, answer) = post(bench, &path, &youzan(both.as_bytes()), both.as_bytes()).await;
    assert_eq!((status, &answer["outcome"]), (StatusCode::OK, &json!("unmappable")), "{answer}");
    let listed = bench.ok("GET", &format!("/v1/intake-sources/{id}/deliveries"), Value::Null).await;
    assert_eq!(listed["items"][0]["body"], json!(both), "it is kept for a person: {listed}");
    stage.audit().await;
});

on_both!(a_shopify_order_carries_its_click_and_earns, async |bench: &Bench| {
    let stage = stage(bench).await;
    for id in ["788032119674292922", "788032119674292923"] {
        let product = json!({"merchant": "m1", "title": "保温杯", "url": "https://shop.example.cn/1", "category": "home"});
        bench.ok("PUT", &format!("/v1/products/sf-{id}"), product).await;
    }
    let body = json!({"merchant": "m1", "kind": "shopify", "secret": "sf-secret", "settings": {"product_prefix": "sf-"}});
    let (_, path, _) = source(bench, body).await;
    bench.set_clock(Instant(1_796_000_000_000));
    let notify = async |topic: &str, id: &str, change: &dyn Fn(&mut Value)| {
        let mut body: Value =
            serde_json::from_slice(&sample(&format!("shopify/{}", topic.replace('/', "_")))).unwrap();
        change(&mut body);
        let body = body.to_string();
        let (status, repeated, answer) =
            post(bench, &path, &shopify(topic, id, body.as_bytes()), body.as_bytes()).await;
        assert_eq!(status, StatusCode::OK, "{topic}: {answer}");
        (repeated, answer["outcome"].as_str().unwrap().to_owned())
    };
    let same = |_: &mut Value| {};
    assert_eq!(notify("orders/create", "w1", &same).await, (false, "accepted".into()));
    assert_eq!(notify("orders/create", "w1", &same).await, (true, "accepted".into()));
    // What the shop changes in its own row later is no contradiction.
    let edited = |order: &mut Value| order["note_attributes"] = json!([]);
    assert_eq!(notify("orders/paid", "w2", &edited).await, (false, "accepted".into()));
    assert_eq!(notify("orders/fulfilled", "w3", &same).await, (false, "accepted".into()));
    assert_eq!(notify("refunds/create", "w4", &same).await, (false, "accepted".into()));
    assert_eq!(notify("products/update", "w5", &|_| {}).await.1, "ignored");
    let dollars = |order: &mut Value| {
        order["id"] = json!(1);
        order["currency"] = json!("USD");
    };
    assert_eq!(notify("orders/create", "w6", &dollars).await, (false, "review".into()));
    let reviews = bench.ok("GET", "/v1/reviews", Value::Null).await;
    let found = &reviews["items"][0];
    assert_eq!(
        (&found["reason"], &found["order_known"]),
        (&json!("currency_not_cny"), &json!(false)),
        "{reviews}"
    );
    let lines = bench.ok("GET", "/v1/orders/820982911946154508/attribution", Value::Null).await;
    assert_eq!(
        (&lines["lines"][0]["amount_fen"], &lines["lines"][0]["refunded_fen"]),
        (&json!(35_800), &json!(17_900))
    );
    stage.audit().await;
});

on_both!(what_was_refused_is_tried_again_when_it_comes_again, async |bench: &Bench| {
    let stage = stage(bench).await;
    let (id, path, secret) = source(bench, json!({"merchant": "m1", "kind": "standard"})).await;
    bench.set_clock(hour(3));
    let order = created("o1", "u1", "kettle", hour(3)).to_string();
    let send = async |name: &str, body: &str| {
        let headers = standard(&secret, name, hour(3).millis(), body.as_bytes());
        let (status, repeated, answer) = post(bench, &path, &headers, body.as_bytes()).await;
        (status.as_u16(), repeated, answer["outcome"].clone(), answer["code"].clone())
    };
    assert_eq!(send("msg_1", &order).await, (200, false, json!("review"), Value::Null));
    assert_eq!(send("msg_1", &order).await, (200, false, json!("review"), Value::Null));
    let reviews = bench.ok("GET", "/v1/reviews", Value::Null).await;
    assert_eq!(reviews["items"].as_array().unwrap().len(), 1, "{reviews}");
    // Another body under the same name stays a mistake.
    let other = step("paid", "o1", hour(3)).to_string();
    assert_eq!(send("msg_1", &other).await.3, "delivery_id_reused");

    let product =
        json!({"merchant": "m1", "title": "水壶", "url": "https://shop.example.cn/1", "category": "home"});
    bench.ok("PUT", "/v1/products/kettle", product).await;
    assert_eq!(send("msg_1", &order).await, (200, false, json!("accepted"), Value::Null));
    assert_eq!(send("msg_1", &order).await, (200, true, json!("accepted"), Value::Null));
    assert_eq!(stage.line("o1").await["amount_fen"], 10_000);
    let listed = bench.ok("GET", &format!("/v1/intake-sources/{id}/deliveries"), Value::Null).await;
    assert_eq!(
        (listed["items"].as_array().unwrap().len(), &listed["items"][0]["outcome"]),
        (1, &json!("accepted"))
    );
    stage.audit().await;
});

on_both!(a_stranger_at_its_address_cannot_shut_a_shop_out, async |bench: &Bench| {
    let _stage = stage(bench).await;
    let (_, path, secret) = source(bench, json!({"merchant": "m1", "kind": "standard"})).await;
    bench.set_clock(hour(3));
    let body = created("o1", "u1", "cup", hour(3)).to_string();
    let send = async |path: &str, secret: &str| {
        let mut request = Request::builder().method("POST").uri(path);
        for (name, value) in standard(secret, "msg_1", hour(3).millis(), body.as_bytes()) {
            request = request.header(name, value);
        }
        let mut request = request.body(Body::from(body.clone())).unwrap();
        request.extensions_mut().insert(settlement_core::api::Peer("203.0.113.7".parse().unwrap()));
        read(bench.send(request).await).await.0.as_u16()
    };
    assert_eq!(send(&path, &secret).await, 200);
    let mut answers = Vec::new();
    for _ in 0..60 {
        answers.push(send("/v1/intake/in_nobody", "whsec_AAAA").await);
    }
    assert_eq!((answers[0], answers[59]), (404, 429), "{answers:?}");
    assert_eq!(send(&path, &secret).await, 200, "a shop that is known is let through");
    assert_eq!(send(&path, "whsec_AAAA").await, 401);
    // One that has never sent anything waits like everybody else at this address, and is known after that.
    let (_, other, its_secret) = source(bench, json!({"merchant": "m1", "kind": "standard"})).await;
    assert_eq!(send(&other, &its_secret).await, 429);
    bench.set_clock(hour(3).plus(1_000));
    assert_eq!(send(&other, &its_secret).await, 200);
});

on_both!(a_stranger_is_refused_before_a_byte_of_its_body_is_read, async |bench: &Bench| {
    let _stage = stage(bench).await;
    let (_, path, _) = source(bench, json!({"merchant": "m1", "kind": "shopify", "secret": "s"})).await;
    bench.set_clock(hour(3));
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let send = async |signed: bool| {
        let noted = std::sync::Arc::clone(&asked);
        let body = futures_util::stream::once(async move {
            noted.store(true, std::sync::atomic::Ordering::SeqCst);
            Ok::<_, std::io::Error>("{}")
        });
        let mut request = Request::builder().method("POST").uri(&path);
        if signed {
            request = request.header("x-shopify-hmac-sha256", "AAAA");
        }
        let mut request = request.body(Body::from_stream(body)).unwrap();
        request.extensions_mut().insert(settlement_core::api::Peer("203.0.113.7".parse().unwrap()));
        let status = read(bench.send(request).await).await.0.as_u16();
        (status, asked.swap(false, std::sync::atomic::Ordering::SeqCst))
    };
    assert_eq!(send(false).await, (401, false), "no signature");
    assert_eq!(send(true).await, (401, true), "a wrong one is found out by hashing");
    while send(true).await.0 == 401 {}
    assert_eq!(send(true).await, (429, false), "too many");
});

on_both!(a_source_belongs_to_its_merchant, async |bench: &Bench| {
    let _stage = stage(bench).await;
    bench.ok("PUT", "/v1/merchants/m2", json!({"platform": "p1", "name": "另一家"})).await;
    let token = bench.ok("POST", "/v1/tokens", json!({"role": "merchant", "subject": "m2"})).await;
    let token = token["token"].as_str().unwrap();
    let (id, ..) = source(bench, json!({"merchant": "m1", "kind": "standard"})).await;
    let ask = async |method: &str, path: &str, body: Value| {
        bench.call_as(token, method, path, body).await.0.as_u16()
    };
    assert_eq!(ask("POST", "/v1/intake-sources", json!({"merchant": "m1", "kind": "standard"})).await, 403);
    assert_eq!(ask("GET", "/v1/intake-sources?merchant=m1", Value::Null).await, 403);
    for (method, path, body) in [
        ("GET", format!("/v1/intake-sources/{id}"), Value::Null),
        ("GET", format!("/v1/intake-sources/{id}/deliveries"), Value::Null),
        ("POST", format!("/v1/intake-sources/{id}/rotate"), json!({})),
        ("DELETE", format!("/v1/intake-sources/{id}"), json!({})),
    ] {
        assert_eq!(ask(method, &path, body).await, 404, "{method} {path}");
    }
    let own = bench
        .call_as(token, "POST", "/v1/intake-sources", json!({"merchant": "m2", "kind": "standard"}))
        .await;
    assert_eq!(own.0, StatusCode::CREATED);
    let listed = bench.call_as(token, "GET", "/v1/intake-sources", Value::Null).await.1;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    assert!(!listed.to_string().contains("whsec_"), "{listed}");

    let bad = async |body: Value, field: &str| {
        let answer = bench.problem("POST", "/v1/intake-sources", body, 422, "invalid").await;
        assert_eq!(answer["field"], field, "{answer}");
    };
    bad(json!({"merchant": "m1", "kind": "youzan", "secret": "s"}), "settings.client_id").await;
    bad(json!({"merchant": "m1", "kind": "shopify"}), "secret").await;
    bad(json!({"merchant": "m1", "kind": "standard", "secret": "s"}), "secret").await;
    bad(
        json!({"merchant": "m1", "kind": "shopify", "secret": "s", "settings": {"product_prefix": "a b"}}),
        "settings.product_prefix",
    )
    .await;
    bench
        .problem(
            "POST",
            "/v1/intake-sources",
            json!({"merchant": "m9", "kind": "standard"}),
            404,
            "not_found",
        )
        .await;
    assert_eq!(
        bench.call_as(ADMIN, "GET", "/v1/intake-sources", Value::Null).await.1["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
});
