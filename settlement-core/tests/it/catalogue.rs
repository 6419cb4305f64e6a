//! A shop to test with, and who may do what with its catalogue.

use crate::on_both;
use crate::support::Bench;
use attribution_core::time::Instant;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

/// A platform with one merchant, a programme, a product, and a promoter with a placement.
pub(crate) async fn shop(bench: &Bench) {
    let merchant = json!({"platform": "p1", "name": "山里茶行", "hosts": ["shop.example.cn"],
                          "shop_url": "https://shop.example.cn/"});
    bench.ok("PUT", "/v1/merchants/m1", merchant).await;
    let programme = json!({"merchant": "m1", "name": "销售员", "preset": "youzan_short",
                           "policy": {"attribution": {"require_badge": false},
                                      "commission": {"plan_precedence": ["approved_targeted", "general"]}},
                           "effective_from": 0});
    bench.ok("PUT", "/v1/programmes/g1", programme).await;
    let product = json!({"merchant": "m1", "title": "明前龙井 250g", "url": "https://shop.example.cn/item/1",
                         "price_fen": 19_900, "category": "tea"});
    bench.ok("PUT", "/v1/products/sku1", product).await;
    bench.ok("PUT", "/v1/promoters/lily", json!({"name": "莉莉"})).await;
    bench.ok("POST", "/v1/promoters/lily/placements", json!({"id": "lily1", "programme": "g1"})).await;
}

on_both!(a_repeated_request_gets_the_kept_answer, async |bench: &Bench| {
    shop(bench).await;
    let ask = async |key: &str, body: Value| {
        let request = Request::post("/v1/links")
            .header("authorization", format!("Bearer {}", crate::support::ADMIN))
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(Body::from(body.to_string()))
            .unwrap();
        crate::support::read(bench.send(request).await).await
    };
    let body = json!({"placement": "lily1", "product": "sku1"});
    let many = futures_util::future::join_all((0..6).map(|_| ask("k1", body.clone()))).await;
    assert!(many.iter().all(|answer| *answer == many[0] && answer.0.is_success()), "{many:?}");
    let (status, answer) = ask("k1", json!({"placement": "lily1", "shop": "m1"})).await;
    assert_eq!((status.as_u16(), &answer["code"]), (422, &json!("idempotency_key_reused")));
    assert_ne!(ask("k2", body.clone()).await.1["code"], many[0].1["code"]);
    // A refusal is not kept.
    assert!(!ask("k3", json!({"placement": "nobody", "product": "sku1"})).await.0.is_success());
    assert!(ask("k3", body).await.0.is_success());
    let forgotten = bench.core.maintain(Instant(4_000_000_000_000)).await.unwrap().forgotten;
    assert_eq!(forgotten, 3);
});

on_both!(everybody_keeps_to_their_own, async |bench: &Bench| {
    shop(bench).await;
    bench.ok("PUT", "/v1/promoters/tom", json!({"name": "汤姆"})).await;
    let token = async |role: &str, subject: &str| {
        let issued = bench.ok("POST", "/v1/tokens", json!({"role": role, "subject": subject})).await;
        issued["token"].as_str().unwrap().to_owned()
    };
    let (merchant, promoter) = (token("merchant", "m1").await, token("promoter", "lily").await);
    let (other, edge) = (token("promoter", "tom").await, token("edge", "1").await);
    let link = json!({"placement": "lily1", "product": "sku1"});
    let status = async |token: &str, method: &str, path: &str, body: Value| {
        bench.call_as(token, method, path, body).await.0.as_u16()
    };
    assert_eq!(status(&promoter, "POST", "/v1/links", link.clone()).await, 201);
    assert_eq!(status(&other, "POST", "/v1/links", link.clone()).await, 403);
    assert_eq!(status(&merchant, "POST", "/v1/links", link).await, 403);
    assert_eq!(status(&merchant, "POST", "/v1/products/sku1/delist", Value::Null).await, 200);
    assert_eq!(status(&merchant, "POST", "/v1/products/sku1/relist", json!({"at": 5})).await, 403);
    assert_eq!(status(&promoter, "POST", "/v1/products/sku1/delist", Value::Null).await, 403);
    assert_eq!(
        status(&merchant, "POST", "/v1/bans", json!({"category": "tea", "effective_from": 0})).await,
        403
    );
    assert_eq!(
        status(&merchant, "PUT", "/v1/merchants/m9", json!({"platform": "p1", "name": "x"})).await,
        403
    );
    assert_eq!(status(&edge, "GET", "/v1/changes", Value::Null).await, 200);
    assert_eq!(status(&promoter, "GET", "/v1/changes", Value::Null).await, 403);
});
