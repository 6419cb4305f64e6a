//! Links: which are refused, how long they live, and many at a time.

use crate::catalogue::shop;
use crate::feed::head;
use crate::on_both;
use crate::support::Bench;
use attribution_core::code::Code;
use attribution_core::time::DAY_MS;
use serde_json::{Value, json};

/// A link of the shop's one placement to its one product, with `more` said of it.
fn link(more: &Value) -> Value {
    let mut link = json!({"placement": "lily1", "product": "sku1"});
    link.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    link
}

on_both!(a_link_is_refused_a_life_it_cannot_have, async |bench: &Bench| {
    shop(bench).await;
    let now = bench.core.now();
    let day = now.floor().plus(DAY_MS).millis();
    let beyond = (i64::from(u32::MAX) + 1) * 1_000;
    let rows = [
        ("starts", json!({"starts": i64::MAX})),
        ("starts", json!({"starts": beyond})),
        ("starts", json!({"starts": -1})),
        // Beyond the days that the rules give it.
        ("starts", json!({"starts": 4_000_000_000_000_i64})),
        ("expires", json!({"expires": 0})),
        ("expires", json!({"expires": -1})),
        ("expires", json!({"expires": 1_790_000_000})),
        ("qr_expires", json!({"qr_expires": i64::MIN})),
        ("expires", json!({"starts": day, "expires": day - 1})),
        ("expires", json!({"starts": day, "expires": day + 999})),
        ("qr_expires", json!({"starts": day, "qr_expires": day})),
        ("expires", json!({"expires": now.millis()})),
        ("qr_expires", json!({"qr_expires": now.plus(-1_000).millis()})),
        ("shared_at", json!({"shared_at": i64::MIN})),
        ("shared_at", json!({"shared_at": 0})),
        ("shared_at", json!({"shared_at": i64::MAX})),
    ];
    for (field, life) in rows {
        let answer = bench.problem("POST", "/v1/links", link(&life), 422, "invalid").await;
        assert_eq!(answer["field"], field, "{life}");
    }
    let future = link(&json!({"starts": day, "expires": day + 1_000}));
    let made = bench.ok("POST", "/v1/links", future).await;
    assert_eq!(made["starts_at"], day);
    // Operators bring in old links, which are over; and a time may be a text.
    let old =
        link(&json!({"shared_at": "2020-01-01T00:00:00+08:00", "expires": "2020-01-02T00:00:00+08:00"}));
    assert_eq!(bench.ok("POST", "/v1/links", old).await["expires_at"], 1_577_894_400_000_i64);
});

on_both!(a_link_that_must_not_be_is_refused_with_a_reason, async |bench: &Bench| {
    shop(bench).await;
    let refused = async |body: Value, status: u16, code: &str| {
        bench.problem("POST", "/v1/links", body, status, code).await;
    };
    refused(json!({"product": "sku1"}), 422, "no_placement").await;
    refused(json!({"placement": "nobody", "product": "sku1"}), 422, "no_placement").await;
    refused(link(&json!({"product": "nothing"})), 422, "unknown_product").await;
    refused(json!({"placement": "lily1", "shop": "nobody"}), 422, "unknown_shop").await;
    refused(json!({"placement": "lily1"}), 422, "invalid").await;
    refused(link(&json!({"shop": "m1"})), 422, "invalid").await;
    refused(link(&json!({"alias": "a"})), 422, "bad_alias").await;
    refused(link(&json!({"shared_at": 9_000_000_000_000i64})), 422, "invalid").await;
    let page = json!({"merchant": "m1", "url": "https://evil.example.com/"});
    refused(json!({"placement": "lily1", "page": page}), 422, "bad_destination").await;

    let wish = link(&json!({"alias": "wish"}));
    bench.ok("POST", "/v1/links", wish.clone()).await;
    refused(wish, 409, "alias_taken").await;

    bench.ok("PUT", "/v1/merchants/m2", json!({"platform": "p1", "name": "别家"})).await;
    let foreign = json!({"merchant": "m2", "title": "别家的茶", "url": "https://other.example.com/1"});
    bench.ok("PUT", "/v1/products/sku2", foreign).await;
    refused(json!({"placement": "lily1", "product": "sku2"}), 409, "not_in_programme").await;

    bench.ok("POST", "/v1/bans", json!({"category": "tea", "effective_from": 0})).await;
    refused(link(&json!({})), 409, "category_banned").await;
    bench.ok("POST", "/v1/products/sku1/delist", Value::Null).await;
    refused(link(&json!({})), 409, "product_delisted").await;
    bench.ok("POST", "/v1/products/sku1/cancel-promotion", Value::Null).await;
    refused(link(&json!({})), 409, "promotion_cancelled").await;
    bench.ok("POST", "/v1/promoters/lily/disable", Value::Null).await;
    refused(json!({"placement": "lily1", "shop": "m1"}), 409, "promoter_disabled").await;
});

on_both!(the_life_of_a_link_is_frozen_at_sharing, async |bench: &Bench| {
    shop(bench).await;
    let shared = 1_750_000_000_000i64;
    let early = link(&json!({"shared_at": shared, "badge": true}));
    let made = bench.ok("POST", "/v1/links", early.clone()).await;
    assert_eq!(made["expires_at"].as_i64().unwrap(), shared + 15 * DAY_MS);
    // Other rules from a later time on do not touch links shared before it.
    let policy = json!({"attribution": {"link_ttl": "1d"}});
    let programme =
        json!({"merchant": "m1", "name": "销售员", "policy": policy, "effective_from": shared + 1_000});
    bench.ok("PUT", "/v1/programmes/g1", programme).await;
    let again = bench.ok("POST", "/v1/links", early).await;
    assert_eq!(again["expires_at"].as_i64().unwrap(), shared + 15 * DAY_MS);
    let later = link(&json!({"shared_at": shared + 1_000, "expires": shared + 5_000}));
    assert_eq!(bench.ok("POST", "/v1/links", later).await["expires_at"].as_i64().unwrap(), shared + 5_000);

    let path = format!("/v1/links/{}", made["code"].as_str().unwrap());
    let view = bench.ok("GET", &path, Value::Null).await;
    assert_eq!(
        (&view["badge"], &view["converted"], &view["qr"]),
        (&json!(true), &json!(true), &json!(false))
    );
    assert_eq!((&view["promoter"], &view["target"]), (&json!("lily"), &json!("sku1")));
    bench.problem("GET", "/v1/links/000000000", Value::Null, 404, "not_found").await;
    assert_eq!(view["state"], "expired");
    bench.ok("POST", "/v1/products/sku1/cancel-promotion", json!({})).await;
    assert_eq!(bench.ok("GET", &path, Value::Null).await["state"], "promotion_cancelled");
});

on_both!(many_links_are_made_together_or_not_at_all, async |bench: &Bench| {
    shop(bench).await;
    let good = link(&json!({}));
    let made = bench.ok("POST", "/v1/links/bulk", json!({"links": vec![good.clone(); 50]})).await;
    let mut codes: Vec<&str> =
        made["links"].as_array().unwrap().iter().map(|l| l["code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), 50);
    let key = attribution_core::code::CheckKey::new(*b"checkkey");
    assert!(codes.iter().all(|code| Code::parse(code.as_bytes(), key).is_some()));
    let before = head(bench).await;
    let bad = link(&json!({"product": "nothing"}));
    let answer = bench
        .problem("POST", "/v1/links/bulk", json!({"links": [good, bad.clone(), bad]}), 422, "invalid_links")
        .await;
    let indices: Vec<i64> =
        answer["errors"].as_array().unwrap().iter().map(|e| e["index"].as_i64().unwrap()).collect();
    assert_eq!(indices, [1, 2]);
    assert_eq!(head(bench).await, before);
});
