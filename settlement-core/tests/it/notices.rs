//! What promoters are told, when, and that nobody is told twice.

use crate::catalogue::shop;
use crate::on_both;
use crate::support::Bench;
use attribution_core::time::DAY_MS;
use serde_json::{Value, json};

async fn told(bench: &Bench, promoter: &str) -> Vec<(String, String)> {
    bench.core.maintain(bench.core.now()).await.unwrap();
    let page = bench.ok("GET", &format!("/v1/promoters/{promoter}/notices?limit=500"), Value::Null).await;
    let text = |notice: &Value, field: &str| notice[field].as_str().unwrap().to_owned();
    page["items"].as_array().unwrap().iter().map(|n| (text(n, "kind"), text(n, "subject"))).collect()
}

fn pair(kind: &str, subject: &str) -> (String, String) {
    (kind.to_owned(), subject.to_owned())
}

on_both!(everybody_with_a_link_or_the_product_set_aside_is_told_once, async |bench: &Bench| {
    shop(bench).await;
    for id in ["ann", "bob"] {
        bench.ok("PUT", &format!("/v1/promoters/{id}"), json!({"name": id})).await;
    }
    for _ in 0..3 {
        bench.ok("POST", "/v1/links", json!({"placement": "lily1", "product": "sku1"})).await;
    }
    bench.ok("PUT", "/v1/promoters/ann/selection/sku1", Value::Null).await;
    bench.ok("POST", "/v1/products/sku1/cancel-promotion", Value::Null).await;
    bench.ok("POST", "/v1/products/sku1/cancel-promotion", Value::Null).await;
    assert_eq!(told(bench, "lily").await, [pair("promotion_cancelled", "sku1")]);
    assert_eq!(told(bench, "ann").await, [pair("promotion_cancelled", "sku1")]);
    assert_eq!(told(bench, "bob").await, []);
    bench.ok("POST", "/v1/products/sku1/promote", Value::Null).await;
    // On its day, and only if it still holds then.
    let day = bench.core.now().plus(DAY_MS);
    bench.ok("POST", "/v1/products/sku1/delist", json!({"at": day.millis()})).await;
    assert_eq!(told(bench, "ann").await[0], pair("product_back", "sku1"));
    bench.set_clock(day);
    assert_eq!(told(bench, "ann").await[0], pair("product_delisted", "sku1"));
    assert_eq!(told(bench, "ann").await.len(), 3);
});

on_both!(expired_links_and_answers_are_told_and_can_be_read, async |bench: &Bench| {
    shop(bench).await;
    let expires = bench.core.now().plus(5_000).millis();
    let link = json!({"placement": "lily1", "product": "sku1", "expires": expires});
    let code = bench.ok("POST", "/v1/links", link).await["code"].as_str().unwrap().to_owned();
    assert_eq!(told(bench, "lily").await, []);
    bench.set_clock(bench.core.now().plus(6_000));
    assert_eq!(told(bench, "lily").await, [pair("link_expired", &code)]);
    let plan = json!({"id": "t1", "programme": "g1", "name": "定向", "approval": "manual", "rates": [{"bp": 2_000}]});
    bench.ok("POST", "/v1/plans", plan).await;
    bench.ok("POST", "/v1/plans/t1/apply", json!({"promoter": "lily"})).await;
    bench.ok("POST", "/v1/plans/t1/approve", json!({"promoter": "lily"})).await;
    bench.ok("POST", "/v1/plans/t1/approve", json!({"promoter": "lily"})).await;
    bench.ok("POST", "/v1/plans/t1/reject", json!({"promoter": "lily"})).await;
    let all = told(bench, "lily").await;
    assert_eq!(all[..2], [pair("approval_withdrawn", "t1"), pair("application_approved", "t1")]);
    let page = bench.ok("GET", "/v1/promoters/lily/notices?limit=1", Value::Null).await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let next =
        bench.ok("GET", &format!("/v1/promoters/lily/notices?limit=1&cursor={cursor}"), Value::Null).await;
    assert_eq!(next["items"][0]["kind"], "application_approved");
    assert_eq!(next["items"][0]["detail"], "定向");
    let up_to = next["items"][0]["number"].as_i64().unwrap();
    let left = bench.ok("POST", "/v1/promoters/lily/notices/read", json!({"up_to": up_to})).await;
    assert_eq!(left, json!({"marked": 2, "unread": 1}));
    let unread = bench.ok("GET", "/v1/promoters/lily/notices?unread=true", Value::Null).await;
    assert_eq!(unread["items"].as_array().unwrap().len(), 1);
});

on_both!(whoever_has_links_below_a_banned_category_is_told_once_and_from_when, async |bench: &Bench| {
    shop(bench).await;
    bench.ok("PUT", "/v1/categories/tea", json!({"name": "茶叶", "parent": "drinks"})).await;
    bench.ok("PUT", "/v1/promoters/ann", json!({"name": "ann"})).await;
    for _ in 0..3 {
        bench.ok("POST", "/v1/links", json!({"placement": "lily1", "product": "sku1"})).await;
    }
    let from = bench.core.now().plus(DAY_MS).millis();
    let ban = |from: i64| json!({"category": "drinks", "effective_from": from});
    bench.ok("POST", "/v1/bans", ban(from)).await;
    assert_eq!(told(bench, "lily").await, [pair("category_banned", "drinks")]);
    assert_eq!(told(bench, "ann").await, []);
    let page = bench.ok("GET", "/v1/promoters/lily/notices", Value::Null).await;
    assert_eq!(page["items"][0]["from"], from, "{page}");
    // The same again is no news, another day is; a ban of a programme without their links is none of theirs.
    bench.ok("POST", "/v1/bans", ban(from)).await;
    let other = json!({"merchant": "m1", "name": "另一个", "preset": "taobao_live"});
    bench.ok("PUT", "/v1/programmes/g2", other).await;
    bench.ok("POST", "/v1/bans", json!({"category": "tea", "programme": "g2", "effective_from": 0})).await;
    assert_eq!(told(bench, "lily").await.len(), 1);
    bench.ok("POST", "/v1/bans", json!({"category": "tea", "programme": "g1", "effective_from": 0})).await;
    assert_eq!(told(bench, "lily").await[0], pair("category_banned", "tea"));
    let page = bench.ok("GET", "/v1/promoters/lily/notices", Value::Null).await;
    assert_eq!((&page["items"][0]["detail"], page["items"][0].get("from")), (&json!("茶叶 · 销售员"), None));
});

on_both!(a_promoter_is_told_of_the_suspension_and_its_end, async |bench: &Bench| {
    shop(bench).await;
    for step in ["disable", "disable", "enable", "enable"] {
        bench.ok("POST", &format!("/v1/promoters/lily/{step}"), json!({})).await;
    }
    assert_eq!(
        told(bench, "lily").await,
        [pair("promoter_enabled", "lily"), pair("promoter_disabled", "lily")]
    );
});

on_both!(a_ban_is_told_in_steps_and_to_each_promoter_once, async |bench: &Bench| {
    // More than are told in one transaction.
    const PROMOTERS: usize = 503;
    shop(bench).await;
    let made = (0..PROMOTERS).map(async |n| {
        bench.ok("PUT", &format!("/v1/promoters/p{n}"), json!({"name": "p"})).await;
        let placement = json!({"id": format!("at{n}"), "programme": "g1"});
        bench.ok("POST", &format!("/v1/promoters/p{n}/placements"), placement).await;
        json!({"placement": format!("at{n}"), "product": "sku1"})
    });
    let links = futures_util::future::join_all(made).await;
    bench.ok("POST", "/v1/links/bulk", json!({"links": links})).await;
    bench.ok("POST", "/v1/bans", json!({"category": "tea", "effective_from": 0})).await;
    for n in [0, 499, 500, PROMOTERS - 1, 0] {
        assert_eq!(told(bench, &format!("p{n}")).await, [pair("category_banned", "tea")], "p{n}");
    }
    assert_eq!(told(bench, "lily").await, [], "no link of hers");
});
