//! The library's search: what is found, in which order, and that a change is seen at once and stays seen.

use crate::catalogue::shop;
use crate::on_both;
use crate::support::Bench;
use attribution_core::time::DAY_MS;
use serde_json::{Value, json};

async fn found(bench: &Bench, query: &[(&str, &str)]) -> Vec<String> {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = bench.ok("GET", &format!("/v1/products?{query}&limit=2{cursor}"), Value::Null).await;
        ids.extend(page["items"].as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

async fn product(bench: &Bench, id: &str, merchant: &str, title: &str, price: i64, category: &str) {
    let body = json!({"merchant": merchant, "title": title, "price_fen": price, "category": category,
                      "url": "https://shop.example.cn/item"});
    bench.ok("PUT", &format!("/v1/products/{id}"), body).await;
}

/// Takes all that waits into the index; returns how many products.
async fn indexed(bench: &Bench) -> u64 {
    let mut all = 0;
    loop {
        match bench.core.maintain(bench.core.now()).await.unwrap().indexed {
            0 => return all,
            some => all += some,
        }
    }
}

/// Runs the checks with the changes still marked, and again once the index has taken them in.
async fn both_ways(bench: &Bench, check: impl AsyncFn(&Bench)) {
    check(bench).await;
    indexed(bench).await;
    check(bench).await;
    assert_eq!(indexed(bench).await, 0, "nothing is left to do");
}

on_both!(names_are_found_by_any_part_and_ids_exactly, async |bench: &Bench| {
    shop(bench).await;
    let merchant = json!({"platform": "p1", "name": "永康市某某杯业", "hosts": ["shop.example.cn"]});
    bench.ok("PUT", "/v1/merchants/abc123", merchant).await;
    product(bench, "cup", "abc123", "316不锈钢保温杯 Ｐｒｏ", 9_900, "cups").await;
    product(bench, "pot", "abc123", "保温 水杯温", 9_900, "pots").await;
    bench.ok("PUT", "/v1/categories/cups", json!({"name": "杯", "parent": "kitchen"})).await;
    both_ways(bench, async |bench: &Bench| {
        for (query, hits) in [
            (("q", "保温杯"), vec!["cup"]),
            (("q", "保温"), vec!["cup", "pot"]),
            (("q", "杯"), vec!["cup", "pot"]),
            (("q", "pro 316"), vec!["cup"]),
            (("q", "温杯"), vec!["cup"]),
            (("q", "杯保"), vec![]),
            (("shop", "杯业"), vec!["cup", "pot"]),
            (("shop", "保温"), vec![]),
            (("merchant", "abc12"), vec![]),
            (("merchant", "abc123"), vec!["cup", "pot"]),
            (("category", "kitchen"), vec!["cup"]),
            (("category", "nothing"), vec![]),
        ] {
            assert_eq!(found(bench, &[query]).await, hits, "{query:?}");
        }
        assert_eq!(found(bench, &[("q", "保温"), ("category", "kitchen")]).await, ["cup"]);
        assert_eq!(found(bench, &[("sort", "newest"), ("q", "保温")]).await, ["pot", "cup"]);
    })
    .await;
    // Every kind of change is seen before and after the index takes it in.
    product(bench, "pot", "abc123", "茶壶", 9_900, "cups").await;
    bench
        .ok(
            "PUT",
            "/v1/merchants/abc123",
            json!({"platform": "p1", "name": "壶业", "hosts": ["shop.example.cn"]}),
        )
        .await;
    bench.ok("POST", "/v1/products/cup/delist", Value::Null).await;
    both_ways(bench, async |bench: &Bench| {
        assert_eq!(found(bench, &[("q", "保温")]).await, ["cup"]);
        assert_eq!(found(bench, &[("q", "茶壶")]).await, ["pot"]);
        assert_eq!(found(bench, &[("shop", "杯业")]).await, Vec::<String>::new());
        assert_eq!(found(bench, &[("shop", "壶业")]).await, ["cup", "pot"]);
        assert_eq!(found(bench, &[("category", "kitchen"), ("state", "live")]).await, ["pot"]);
        assert_eq!(found(bench, &[("state", "invalid")]).await, ["cup"]);
    })
    .await;
});

on_both!(pairs_that_do_not_meet_are_no_word, async |bench: &Bench| {
    shop(bench).await;
    // Each holds both pairs of the word, and only the last the word itself.
    for n in 0..40 {
        product(bench, &format!("no{n}"), "m1", &format!("保温 温杯 {n}"), 100, "tea").await;
    }
    product(bench, "yes", "m1", "保温杯", 100, "tea").await;
    both_ways(bench, async |bench: &Bench| assert_eq!(found(bench, &[("q", "保温杯")]).await, ["yes"])).await;
});

on_both!(the_library_is_sorted_by_what_the_promoter_would_get, async |bench: &Bench| {
    shop(bench).await;
    for (id, price, bp) in [("ten", 1_000, 1_000), ("hundred", 10_000, 500), ("twenty", 2_000, 2_000)] {
        product(bench, id, "m1", "杯子", price, "cups").await;
        bench.ok("POST", "/v1/rates", json!({"programme": "g1", "rates": [{"product": id, "bp": bp}]})).await;
    }
    both_ways(bench, async |bench: &Bench| {
        assert_eq!(found(bench, &[("q", "杯子"), ("sort", "rate")]).await, ["twenty", "ten", "hundred"]);
        assert_eq!(
            found(bench, &[("q", "杯子"), ("sort", "commission")]).await,
            ["hundred", "twenty", "ten"]
        );
    })
    .await;
    // A plan changes the order for whom it approved, once it is in force.
    let precedence = json!({"merchant": "m1", "name": "销售员", "effective_from": 0, "policy": {
        "commission": {"plan_precedence": ["approved_targeted", "general"]}}});
    bench.ok("PUT", "/v1/programmes/g1", precedence).await;
    let plan = json!({"id": "t1", "programme": "g1", "name": "定向", "approval": "automatic",
                      "rates": [{"product": "ten", "bp": 9_000}]});
    bench.ok("POST", "/v1/plans", plan).await;
    bench.ok("POST", "/v1/plans/t1/apply", json!({"promoter": "lily"})).await;
    let own = [("q", "杯子"), ("sort", "rate"), ("promoter", "lily")];
    indexed(bench).await;
    bench.set_clock(bench.core.now().plus(DAY_MS));
    indexed(bench).await;
    assert_eq!(found(bench, &own).await, ["ten", "twenty", "hundred"]);
    assert_eq!(found(bench, &own[..2]).await, ["twenty", "ten", "hundred"]);
    // And so does a rate that begins later.
    let at = bench.core.now().plus(DAY_MS);
    let rate = json!({"programme": "g1", "rates": [{"category": "cups", "bp": 1}, {"product": "hundred", "bp": 9_999, "from": at.millis()}]});
    bench.ok("POST", "/v1/rates", rate).await;
    indexed(bench).await;
    assert_eq!(found(bench, &own[..2]).await, ["twenty", "ten", "hundred"]);
    bench.set_clock(at);
    indexed(bench).await;
    assert_eq!(found(bench, &own[..2]).await, ["hundred", "twenty", "ten"]);
});

on_both!(a_banned_category_is_dead_from_its_day_on, async |bench: &Bench| {
    shop(bench).await;
    let at = bench.core.now().plus(DAY_MS);
    bench.ok("POST", "/v1/bans", json!({"category": "tea", "effective_from": at.millis()})).await;
    indexed(bench).await;
    assert_eq!(found(bench, &[("state", "live")]).await, ["sku1"]);
    bench.set_clock(at);
    indexed(bench).await;
    assert_eq!(found(bench, &[("state", "live")]).await, Vec::<String>::new());
    let product = bench.ok("GET", "/v1/products/sku1", Value::Null).await;
    assert_eq!((&product["invalid"], &product["reason"]), (&json!(true), &json!("category_banned")));
});

on_both!(banned_wherever_promoters_could_earn_is_banned, async |bench: &Bench| {
    shop(bench).await;
    let offsite = json!({"platform": "p1", "name": "站外分销", "preset": "offsite1688", "effective_from": 0});
    bench.ok("PUT", "/v1/programmes/off", offsite).await;
    let ban = json!({"category": "tea", "programme": "g1", "effective_from": 0});
    bench.ok("POST", "/v1/bans", ban).await;
    let product = bench.ok("GET", "/v1/products/sku1", Value::Null).await;
    assert_eq!((&product["invalid"], &product["reason"]), (&json!(true), &json!("category_banned")));
});

on_both!(a_ban_above_ends_for_the_library_on_its_day, async |bench: &Bench| {
    shop(bench).await;
    bench.ok("PUT", "/v1/categories/tea", json!({"name": "茶", "parent": "food"})).await;
    let (from, to) = (bench.core.now(), bench.core.now().plus(DAY_MS));
    let ban = json!({"category": "food", "effective_from": from.millis(), "effective_to": to.millis()});
    bench.ok("POST", "/v1/bans", ban).await;
    let banned = async || {
        let all = bench.ok("GET", "/v1/categories", Value::Null).await;
        all["items"].as_array().unwrap().iter().filter(|of| of["banned"] == true).count()
    };
    bench.core.maintain(from).await.unwrap();
    assert_eq!(found(bench, &[("state", "live")]).await, Vec::<String>::new());
    assert_eq!(banned().await, 2);
    bench.set_clock(to);
    bench.core.maintain(to).await.unwrap();
    assert_eq!(found(bench, &[("state", "live")]).await, ["sku1"]);
    assert_eq!(banned().await, 0);
});
