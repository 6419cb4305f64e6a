//! Connecting a shop: refused beside the field, kept as typed, shown with the address to give away, turned over and closed.

use crate::bench::{Bench, Page};
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;

const YOUZAN: [(&str, &str); 5] = [
    ("label", "总店"),
    ("client_id", "app-1"),
    ("secret", "s3cret"),
    ("product_from", "code"),
    ("product_prefix", "yz-"),
];

/// What stands in a field that is there to be copied.
fn copied<'p>(page: &'p Page, id: &str) -> &'p str {
    let (_, rest) = page.body.split_once(&format!("<input id=\"{id}\"")).unwrap();
    rest.split_once("value=\"").unwrap().1.split('"').next().unwrap()
}

async fn sources(bench: &Bench) -> Vec<Value> {
    bench.ok("GET", "/v1/intake-sources", Value::Null).await["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merchant_connects_a_platform() {
    let bench = Bench::new().await;
    let shop = bench.signed_in("shop", "zh").await;
    let list = shop.get("/merchant/sources").await;
    assert!(list.body.contains("还没有接入") && list.body.contains("接入 Shopify"), "{}", list.body);
    let page = shop.get("/merchant/sources/new/youzan").await;
    for (without, words) in [("client_id", "请填写有赞应用的 client_id。"), ("secret", "请填写平台的密钥。")]
    {
        let fields: Vec<_> = YOUZAN.into_iter().filter(|(name, _)| *name != without).collect();
        let refused = shop.submit(&page, "/merchant/sources/new/youzan", &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        for part in [
            words,
            &format!("id=\"e-{without}\""),
            "value=\"总店\"",
            "value=\"yz-\"",
            "value=\"code\" selected",
        ] {
            assert!(refused.body.contains(part), "{part}: {}", refused.body);
        }
    }
    assert!(sources(&bench).await.is_empty());
    let made = shop.submit(&page, "/merchant/sources/new/youzan", &YOUZAN).await;
    let here = made.location().trim_end_matches("?done=connected").to_owned();
    let kept = &sources(&bench).await[0];
    assert_eq!(here, format!("/merchant/sources/{}", kept["id"].as_str().unwrap()), "{}", made.body);
    let settings = json!({"client_id": "app-1", "accept_body_sign": false, "product_from": "code", "product_prefix": "yz-"});
    assert_eq!((&kept["label"], &kept["settings"]), (&json!("总店"), &settings));
    let page = shop.get(&here).await;
    let address = copied(&page, "address");
    assert_eq!(address, format!("http://console.test{}", kept["path"].as_str().unwrap()));
    assert!(page.body.contains("还没有收到通知") && !page.body.contains("s3cret"), "{}", page.body);

    let refused = shop.submit(&page, &format!("{here}/rotate"), &[("secret", "")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("id=\"e-secret\""), "{}", refused.body);
    let turned = shop.submit(&page, &format!("{here}/rotate"), &[("secret", "other")]).await;
    assert_eq!(turned.location(), format!("{here}?done=rotated"), "{}", turned.body);
    assert!(shop.get(&here).await.body.contains("前仍有效"));

    // Another shop's is none for this one, and neither is an operator's way to it through a third.
    let rival = bench.rival().await;
    assert_eq!(rival.get(&here).await.status, StatusCode::NOT_FOUND);
    let list = rival.get("/merchant/sources").await;
    let own = rival.get("/merchant/sources/new/shopify").await;
    assert!(list.body.contains("还没有接入"), "{}", list.body);
    let refused = rival.submit(&own, &format!("{here}/remove"), &[]).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    let boss = bench.signed_in("boss", "en").await;
    let id = here.rsplit('/').next().unwrap();
    assert!(boss.get("/operator/merchants/m1/sources").await.body.contains("总店"));
    assert_eq!(boss.get(&format!("/operator/merchants/m1/sources/{id}")).await.status, StatusCode::OK);
    assert_eq!(boss.get(&format!("/operator/merchants/m2/sources/{id}")).await.status, StatusCode::NOT_FOUND);

    let gone = shop.submit(&page, &format!("{here}/remove"), &[]).await;
    assert_eq!(gone.location(), "/merchant/sources?done=disconnected", "{}", gone.body);
    assert!(sources(&bench).await.is_empty());
    assert_eq!(shop.get(&here).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_makes_a_shop_and_connects_its_program() {
    let bench = Bench::new().await;
    let boss = bench.signed_in("boss", "en").await;
    let page = boss.get("/operator/merchants").await;
    let tea = [("id", "tea"), ("name", "Tea House"), ("platform", "youzan")];
    for (id, words) in [("", "Enter an id."), ("m1", "This id is taken."), ("a b", "id=\"e-id\"")] {
        let fields = [("id", id), tea[1], tea[2]];
        let refused = boss.submit(&page, "/operator/merchants", &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{id}");
        assert!(
            refused.body.contains(words) && refused.body.contains("value=\"Tea House\""),
            "{id}: {}",
            refused.body
        );
    }
    let kept = bench.ok("GET", "/v1/merchants/m1", Value::Null).await;
    assert_eq!(kept["name"], "山里茶行", "a form for something new changes nothing");
    let made = boss.submit(&page, "/operator/merchants", &tea).await;
    assert_eq!(made.location(), "/operator/merchants/tea?done=merchant", "{}", made.body);
    assert!(boss.get(made.location()).await.body.contains("/operator/merchants/tea/sources"));

    let new = "/operator/merchants/tea/sources/new/standard";
    let made = boss.submit(&boss.get(new).await, new, &[("label", "ERP")]).await;
    let shown = boss.get(made.location()).await;
    let secret = copied(&shown, "secret").to_owned();
    assert!(
        secret.starts_with("whsec_")
            && copied(&shown, "address").starts_with("http://console.test/v1/intake/in")
    );
    let id = sources(&bench).await[0]["id"].as_str().unwrap().to_owned();
    let here = format!("/operator/merchants/tea/sources/{id}");
    let page = boss.get(made.location()).await;
    assert!(
        !page.body.contains("whsec_") && sources(&bench).await.len() == 1,
        "it is shown once, and made once"
    );
    let turned = boss.submit(&page, &format!("{here}/rotate"), &[]).await;
    let turned = boss.get(turned.location()).await;
    assert!(copied(&turned, "secret") != secret && turned.body.contains("Good until"), "{}", turned.body);
    assert_eq!(boss.get("/operator/merchants/nobody/sources").await.status, StatusCode::NOT_FOUND);
    assert_eq!(boss.get("/operator/merchants/tea/sources/new/nothing").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_taken_in_is_shown_as_it_came() {
    let bench = Bench::new().await;
    let body = json!({"merchant": "m1", "kind": "shopify", "secret": "s3cret"});
    let source = bench.ok("POST", "/v1/intake-sources", body).await;
    let notification = json!({"id": 4711, "created_at": "2026-11-11T20:00:00+08:00"}).to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"s3cret").unwrap();
    mac.update(notification.as_bytes());
    let sent = Request::post(source["path"].as_str().unwrap())
        .header("x-shopify-topic", "orders/create")
        .header("x-shopify-webhook-id", "delivery-1")
        .header("x-shopify-hmac-sha256", STANDARD.encode(mac.finalize().into_bytes()))
        .body(Body::from(notification))
        .unwrap();
    let answer = bench.send(sent).await;
    assert!(answer.body.contains("unmappable"), "{}", answer.body);
    let shop = bench.signed_in("shop", "zh").await;
    let page = shop.get(&format!("/merchant/sources/{}", source["id"].as_str().unwrap())).await;
    for part in ["delivery-1", "/line_items：订单里没有商品。", "<summary>4711</summary>", "2026-11-11T20:00"]
    {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
}
