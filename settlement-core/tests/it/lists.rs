//! The lists that the consoles show: links, promoters, programmes, applications, tokens, selections, settlements.

use crate::catalogue::shop;
use crate::on_both;
use crate::support::Bench;
use attribution_core::time::DAY_MS;
use serde_json::{Value, json};

pub(crate) async fn token(bench: &Bench, role: &str, subject: &str) -> String {
    let issued = bench.ok("POST", "/v1/tokens", json!({"role": role, "subject": subject})).await;
    issued["token"].as_str().unwrap().to_owned()
}

/// All entries, page by page.
async fn all(bench: &Bench, path: &str, limit: u32) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let sign = if path.contains('?') { '&' } else { '?' };
        let page = bench.ok("GET", &format!("{path}{sign}limit={limit}{cursor}"), Value::Null).await;
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

fn ids(items: &[Value], field: &str) -> Vec<String> {
    items.iter().map(|item| item[field].as_str().unwrap_or_default().to_owned()).collect()
}

on_both!(links_are_listed_newest_first_with_their_state, async |bench: &Bench| {
    shop(bench).await;
    let now = bench.core.now();
    let mut made = Vec::new();
    for n in 0..5 {
        bench.set_clock(now.plus(n));
        let mut link = json!({"placement": "lily1", "product": "sku1"});
        if n == 1 {
            link["expires"] = json!(now.plus(60_000).millis());
        }
        if n == 2 {
            link = json!({"placement": "lily1", "shop": "m1", "alias": "tea-shop"});
        }
        made.push(bench.ok("POST", "/v1/links", link).await["code"].as_str().unwrap().to_owned());
    }
    made.reverse();
    for limit in [1, 2, 500] {
        assert_eq!(ids(&all(bench, "/v1/links?promoter=lily", limit).await, "code"), made);
        let mut by_target = ids(&all(bench, "/v1/links?merchant=m1", limit).await, "code");
        by_target.sort_unstable();
        let mut sorted = made.clone();
        sorted.sort_unstable();
        assert_eq!(by_target, sorted);
    }
    bench.set_clock(now.plus(61_000));
    let state = async |state: &str| {
        ids(&all(bench, &format!("/v1/links?promoter=lily&state={state}"), 1).await, "code")
    };
    assert_eq!(state("expired").await, [made[3].clone()]);
    assert_eq!(state("live").await.len(), 4);
    assert_eq!(state("dead").await, state("expired").await);
    // A link whose time is to come is neither live nor dead.
    let early = json!({"placement": "lily1", "shop": "m1", "starts": now.plus(200_000).millis()});
    let early = bench.ok("POST", "/v1/links", early).await["code"].as_str().unwrap().to_owned();
    assert_eq!(state("not_started").await, [early]);
    assert_eq!((state("dead").await.len(), state("live").await.len()), (1, 4));
    bench.set_clock(now.plus(201_000));
    assert_eq!((state("dead").await.len(), state("live").await.len()), (1, 5));
    let shops = all(bench, "/v1/links?promoter=lily&kind=shop", 10).await;
    let shops: Vec<Value> = shops.into_iter().filter(|link| link["alias_url"].is_string()).collect();
    assert_eq!(ids(&shops, "alias_url"), ["https://go.example.com/tea-shop"]);
    assert!(shops[0]["qr_svg_url"].as_str().unwrap().contains("/q/"));
    bench.ok("POST", "/v1/products/sku1/cancel-promotion", Value::Null).await;
    assert_eq!(state("promotion_cancelled").await.len(), 4);
    assert_eq!((state("dead").await.len(), state("live").await.len()), (4, 2));
    bench.ok("POST", "/v1/products/sku1/promote", Value::Null).await;
    bench.ok("PUT", "/v1/categories/green", json!({"name": "绿茶", "parent": "tea"})).await;
    let green =
        json!({"merchant": "m1", "title": "绿茶", "url": "https://shop.example.cn/1", "category": "green"});
    bench.ok("PUT", "/v1/products/sku1", green).await;
    bench.ok("POST", "/v1/bans", json!({"category": "tea", "effective_from": 5})).await;
    assert_eq!((state("dead").await.len(), state("category_banned").await.len()), (4, 3));
    bench.ok("POST", "/v1/promoters/lily/disable", json!({})).await;
    assert_eq!((state("dead").await.len(), state("promoter_disabled").await.len()), (6, 5));
    bench.problem("GET", "/v1/links?promoter=lily&state=lost", Value::Null, 400, "invalid_query").await;
    assert_eq!(all(bench, "/v1/links?promoter=lily&product=sku1&placement=lily1", 10).await.len(), 4);

    let lily = token(bench, "promoter", "lily").await;
    let (status, page) = bench.call_as(&lily, "GET", "/v1/links", Value::Null).await;
    assert_eq!((status.as_u16(), page["items"].as_array().unwrap().len()), (200, 6));
    bench.problem("GET", "/v1/links", Value::Null, 422, "invalid").await;
    bench.problem("GET", "/v1/links?promoter=lily&cursor=Zm9v", Value::Null, 400, "invalid_cursor").await;
});

on_both!(lists_are_had_whole_as_files, async |bench: &Bench| {
    shop(bench).await;
    let product =
        json!({"merchant": "m1", "title": "=1+1", "url": "https://shop.example.cn/1", "price_fen": 1_990});
    bench.ok("PUT", "/v1/products/sum", product).await;
    bench
        .ok(
            "POST",
            "/v1/links/bulk",
            json!({"links": vec![json!({"placement": "lily1", "product": "sum"}); 60]}),
        )
        .await;
    let at = bench.core.now().millis();
    let platform = bench.ok("GET", "/v1/merchants/m1", Value::Null).await["platform"].clone();
    let lines: Vec<Value> =
        (0..60).map(|n| json!({"line": n.to_string(), "product": "sum", "amount_fen": 1_990})).collect();
    let event = json!({"type": "created", "platform": platform, "order": "o1", "at": at, "merchant": "m1",
                       "buyer": "u1", "lines": lines});
    bench.ok("POST", "/v1/orders/events", json!({"events": [event]})).await;
    for (list, head, rows, cells) in [
        ("/v1/orders?merchant=m1&limit=5&", "platform,order,line,created_at,", 60, "o1,0,"),
        ("/v1/links?promoter=lily&", "code,short_url,alias_url,", 60, "https://go.example.com/"),
        ("/v1/products?q=1&", "id,title,merchant,merchant_name,", 1, "sum,'=1+1,m1,山里茶行,,,19.90,"),
    ] {
        let (status, text) = bench.file(&format!("{list}format=csv")).await;
        assert_eq!(status.as_u16(), 200, "{text}");
        assert!(text.starts_with(&format!("\u{feff}{head}")), "{text}");
        assert!(text.contains("'=1+1") && text.contains(cells), "{text}");
        assert_eq!(text.lines().count(), rows + 1, "{list}");
    }
});

on_both!(a_cursor_of_another_list_is_refused, async |bench: &Bench| {
    shop(bench).await;
    let lists = [
        "/v1/bans?",
        "/v1/clicks?",
        "/v1/disputes?merchant=m1&",
        "/v1/enrolments?merchant=m1&",
        "/v1/links?merchant=m1&",
        "/v1/merchants/m1/settlements?",
        "/v1/merchants/m1/top-ups?",
        "/v1/orders?",
        "/v1/payout-accounts?",
        "/v1/payouts?payee=promoter/lily&",
        "/v1/products?",
        "/v1/promoters/lily/applications?",
        "/v1/promoters/lily/notices?",
        "/v1/promoters/lily/products?",
        "/v1/promoters/lily/selection?",
        "/v1/rates?programme=g1&",
        "/v1/reviews?",
        "/v1/tokens?",
        "/v1/video-tasks?merchant=m1&",
    ];
    for list in lists {
        for cursor in ["eA", "MTIgeA", "MTIfeB95H3ofYR9iH2MfZA", "?"] {
            let path = format!("{list}cursor={cursor}");
            bench.problem("GET", &path, Value::Null, 400, "invalid_cursor").await;
        }
    }
});

on_both!(people_and_rules_are_listed, async |bench: &Bench| {
    shop(bench).await;
    for (id, agency) in [("ann", Some("stars")), ("bob", Some("stars")), ("carl", None)] {
        bench
            .ok("PUT", &format!("/v1/promoters/{id}"), json!({"name": id.to_uppercase(), "agency": agency}))
            .await;
    }
    assert_eq!(ids(&all(bench, "/v1/promoters", 2).await, "id"), ["ann", "bob", "carl", "lily"]);
    assert_eq!(ids(&all(bench, "/v1/promoters?q=AR", 2).await, "id"), ["carl"]);
    assert_eq!(ids(&all(bench, "/v1/promoters?programme=g1", 2).await, "id"), ["lily"]);
    let stars = token(bench, "agency", "stars").await;
    let (_, page) = bench.call_as(&stars, "GET", "/v1/promoters", Value::Null).await;
    assert_eq!(ids(page["items"].as_array().unwrap(), "id"), ["ann", "bob"]);
    let m1 = token(bench, "merchant", "m1").await;
    let (_, page) = bench.call_as(&m1, "GET", "/v1/promoters", Value::Null).await;
    assert_eq!(ids(page["items"].as_array().unwrap(), "id"), ["lily"]);
    assert_eq!(bench.ok("GET", "/v1/promoters/ann", Value::Null).await["agency"], "stars");

    assert_eq!(ids(&all(bench, "/v1/promoters/lily/placements", 1).await, "programme_name"), ["销售员"]);
    assert_eq!(ids(&all(bench, "/v1/merchants?q=茶", 1).await, "id"), ["m1"]);
    assert_eq!(ids(&all(bench, "/v1/categories", 1).await, "id"), ["tea"]);
    bench.ok("POST", "/v1/bans", json!({"category": "tea", "effective_from": 5, "note": "why"})).await;
    bench.ok("POST", "/v1/bans", json!({"category": "tea", "programme": "g1", "effective_from": 5})).await;
    assert_eq!(ids(&all(bench, "/v1/bans", 1).await, "note"), ["why", ""]);

    bench
        .ok(
            "PUT",
            "/v1/programmes/g1",
            json!({"merchant": "m1", "name": "销售员", "policy": {"attribution": {"require_badge": true}}}),
        )
        .await;
    let whole = bench.ok("GET", "/v1/programmes/g1", Value::Null).await;
    assert_eq!(whole["versions"].as_array().unwrap().len(), 2);
    assert_eq!(whole["policy"]["attribution"]["require_badge"], true);
    assert_eq!(ids(&all(bench, "/v1/programmes", 1).await, "id"), ["g1"]);
});

on_both!(applications_are_listed_for_both_sides, async |bench: &Bench| {
    shop(bench).await;
    let plan = json!({"id": "t1", "programme": "g1", "name": "定向", "approval": "manual",
                      "rates": [{"product": "sku1", "bp": 2_000}]});
    bench.ok("POST", "/v1/plans", plan).await;
    // Whoever chooses among plans reads what each pays.
    let plans = bench.ok("GET", "/v1/plans?programme=g1", Value::Null).await;
    let rate = &plans["items"][0]["rates"][0];
    assert_eq!(
        (&rate["subject_kind"], &rate["subject"], &rate["bp"]),
        (&json!("product"), &json!("sku1"), &json!(2_000))
    );
    assert!(rate["subject_name"].is_string() && plans["items"][0]["more_rates"] == false, "{plans}");
    assert_eq!(plans["items"][0]["merchant_name"], "山里茶行", "{plans}");
    for id in ["ann", "bob"] {
        bench.ok("PUT", &format!("/v1/promoters/{id}"), json!({"name": id})).await;
        bench.ok("POST", "/v1/plans/t1/apply", json!({"promoter": id})).await;
    }
    bench.ok("POST", "/v1/plans/t1/approve", json!({"promoter": "bob"})).await;
    assert_eq!(ids(&all(bench, "/v1/plans/t1/applications", 1).await, "promoter"), ["ann", "bob"]);
    assert_eq!(ids(&all(bench, "/v1/plans/t1/applications?state=approved", 1).await, "promoter"), ["bob"]);
    assert_eq!(ids(&all(bench, "/v1/promoters/ann/applications", 1).await, "state"), ["pending"]);
    let open = all(bench, "/v1/merchants/m1/applications?state=pending", 1).await;
    assert_eq!(ids(&open, "promoter"), ["ann"]);
    assert_eq!(all(bench, "/v1/merchants/m1/applications", 1).await.len(), 2);
});

on_both!(tokens_are_listed_and_taken_away, async |bench: &Bench| {
    shop(bench).await;
    let lily = token(bench, "promoter", "lily").await;
    token(bench, "merchant", "m1").await;
    let tokens = all(bench, "/v1/tokens", 1).await;
    assert_eq!(tokens.len(), 3);
    assert!(!tokens.iter().any(|t| t.to_string().contains(&lily)), "a secret is listed");
    let own = all(bench, "/v1/tokens?role=promoter", 1).await;
    let name = own[0]["name"].as_str().unwrap().to_owned();
    bench.ok("POST", &format!("/v1/tokens/{name}/revoke"), Value::Null).await;
    bench.ok("POST", &format!("/v1/tokens/{name}/revoke"), Value::Null).await;
    assert_eq!(bench.call_as(&lily, "GET", "/v1/links", Value::Null).await.0, 401);
    assert_eq!(all(bench, "/v1/tokens", 1).await.len(), 2);
    assert_eq!(all(bench, "/v1/tokens?revoked=true", 1).await.len(), 3);
    let admin = all(bench, "/v1/tokens?role=admin", 1).await;
    let name = admin[0]["name"].as_str().unwrap();
    bench.problem("POST", &format!("/v1/tokens/{name}/revoke"), Value::Null, 409, "own_token").await;
    bench.problem("POST", "/v1/tokens/nonsense/revoke", Value::Null, 404, "not_found").await;
});

on_both!(selected_products_say_what_they_offer_and_why_they_are_dead, async |bench: &Bench| {
    shop(bench).await;
    let rates = json!({"programme": "g1", "rates": [{"shop": "m1", "bp": 1_000}]});
    bench.ok("POST", "/v1/rates", rates).await;
    let now = bench.core.now();
    for (n, title) in ["甲", "乙", "丙"].into_iter().enumerate() {
        let product = json!({"merchant": "m1", "title": title, "price_fen": 10_000,
                             "url": "https://shop.example.cn/item/2"});
        bench.ok("PUT", &format!("/v1/products/o{n}"), product).await;
        bench.set_clock(now.plus(i64::try_from(n).unwrap() + 1));
        bench.ok("PUT", &format!("/v1/promoters/lily/selection/o{n}"), Value::Null).await;
    }
    bench.ok("PUT", "/v1/promoters/lily/selection/o1", Value::Null).await;
    bench.ok("POST", "/v1/products/o0/cancel-promotion", Value::Null).await;
    bench.ok("POST", "/v1/products/o1/delist", Value::Null).await;
    let list = all(bench, "/v1/promoters/lily/selection", 2).await;
    assert_eq!(ids(&list, "id"), ["o2", "o1", "o0"]);
    assert_eq!(ids(&list, "reason"), ["", "product_delisted", "promotion_cancelled"]);
    assert_eq!((&list[0]["invalid"], &list[1]["invalid"]), (&json!(false), &json!(true)));
    assert_eq!(
        (&list[0]["rate_bp"], &list[0]["commission_fen"], &list[0]["programme"]),
        (&json!(1_000), &json!(1_000), &json!("g1"))
    );
    bench.ok("DELETE", "/v1/promoters/lily/selection/o1", Value::Null).await;
    bench.ok("DELETE", "/v1/promoters/lily/selection/o1", Value::Null).await;
    assert_eq!(ids(&all(bench, "/v1/promoters/lily/selection", 2).await, "id"), ["o2", "o0"]);
    bench.problem("PUT", "/v1/promoters/lily/selection/none", Value::Null, 404, "not_found").await;
});

on_both!(a_targeted_plan_shows_its_rate_to_whom_it_approved, async |bench: &Bench| {
    shop(bench).await;
    bench.ok("POST", "/v1/rates", json!({"programme": "g1", "rates": [{"bp": 300}]})).await;
    let precedence = json!({"merchant": "m1", "name": "销售员", "effective_from": 0, "policy": {
        "commission": {"plan_precedence": ["approved_targeted", "general"]}}});
    bench.ok("PUT", "/v1/programmes/g1", precedence).await;
    let plan = json!({"id": "t1", "programme": "g1", "name": "定向", "approval": "automatic",
                      "rates": [{"product": "sku1", "bp": 2_000}]});
    bench.ok("POST", "/v1/plans", plan).await;
    bench.ok("POST", "/v1/plans/t1/apply", json!({"promoter": "lily"})).await;
    let after = bench.core.now().plus(2 * DAY_MS);
    bench.set_clock(after);
    let general = bench.ok("GET", "/v1/products/sku1", Value::Null).await;
    assert_eq!((&general["rate_bp"], &general["plan"]), (&json!(300), &Value::Null));
    let own = bench.ok("GET", "/v1/products/sku1?promoter=lily", Value::Null).await;
    assert_eq!(
        (&own["rate_bp"], &own["plan"], &own["commission_fen"]),
        (&json!(2_000), &json!("t1"), &json!(3_980))
    );
});

on_both!(a_merchant_handles_the_tokens_of_its_own_shop_alone, async |bench: &Bench| {
    shop(bench).await;
    bench.ok("PUT", "/v1/merchants/m9", json!({"platform": "1688", "name": "别家"})).await;
    let (mine, other) = (token(bench, "merchant", "m1").await, token(bench, "merchant", "m9").await);
    let wanted = json!({"role": "merchant", "subject": "m1", "label": "ERP"});
    let (status, issued) = bench.call_as(&mine, "POST", "/v1/tokens", wanted).await;
    assert_eq!(status.as_u16(), 201, "{issued}");
    let erp = issued["token"].as_str().unwrap().to_owned();
    for refused in [
        json!({"role": "merchant", "subject": "m9"}),
        json!({"role": "admin"}),
        json!({"role": "operator"}),
        json!({"role": "promoter", "subject": "lily"}),
    ] {
        let (status, answer) = bench.call_as(&mine, "POST", "/v1/tokens", refused).await;
        assert_eq!(status.as_u16(), 403, "{answer}");
    }
    let names = async |who: &str, query: &str| {
        let (_, page) = bench.call_as(who, "GET", &format!("/v1/tokens{query}"), Value::Null).await;
        ids(page["items"].as_array().unwrap(), "name")
    };
    let (own, all) = (names(&mine, "").await, names(crate::support::ADMIN, "").await);
    assert_eq!(own.len(), 2);
    assert!(all.len() > 3, "{all:?}");
    assert_eq!(names(&mine, "?subject=m9").await, [""; 0]);
    // Somebody else's token is unknown; one's own is gone at once.
    let theirs = names(&other, "").await.remove(0);
    let revoke = async |who: &str, name: &str| {
        bench.call_as(who, "POST", &format!("/v1/tokens/{name}/revoke"), json!({})).await.0.as_u16()
    };
    assert_eq!(revoke(&mine, &theirs).await, 404);
    assert_eq!(names(&other, "").await.len(), 1, "another merchant's token was taken away");
    let (_, page) = bench.call_as(&mine, "GET", "/v1/tokens", Value::Null).await;
    let erps = page["items"].as_array().unwrap().iter().find(|token| token["label"] == "ERP");
    assert_eq!(revoke(&mine, erps.unwrap()["name"].as_str().unwrap()).await, 200);
    let (status, _) = bench.call_as(&erp, "GET", "/v1/merchants/m1/balance", Value::Null).await;
    assert_eq!(status.as_u16(), 401);
});

on_both!(rates_and_top_ups_are_listed_newest_first_for_whom_they_concern, async |bench: &Bench| {
    shop(bench).await;
    bench.ok("PUT", "/v1/merchants/m9", json!({"platform": "1688", "name": "别家"})).await;
    for rate in [json!({"bp": 300}), json!({"product": "sku1", "bp": 800}), json!({"shop": "m1", "bp": null})]
    {
        bench.ok("POST", "/v1/rates", json!({"programme": "g1", "rates": [rate]})).await;
    }
    for limit in [1, 500] {
        let rates = all(bench, "/v1/rates?programme=g1", limit).await;
        assert_eq!(ids(&rates, "subject_kind"), ["shop", "product", "any"]);
        assert_eq!((&rates[1]["bp"], &rates[0]["bp"]), (&json!(800), &Value::Null));
    }
    let other = token(bench, "merchant", "m9").await;
    let (_, theirs) = bench.call_as(&other, "GET", "/v1/rates?programme=g1", Value::Null).await;
    assert!(!theirs.to_string().contains("sku1") && !theirs.to_string().contains("m1"), "{theirs}");

    for blank in [" bank 1", "bank 1 ", "  "] {
        let body = json!({"reference": blank, "amount_fen": 100});
        let refused = bench.problem("POST", "/v1/merchants/m1/top-ups", body, 422, "invalid").await;
        assert_eq!(refused["field"], "reference");
    }
    for (reference, amount) in [("bank 1", 100), ("bank/2", 250), ("bank 3", 999)] {
        bench.set_clock(bench.core.now().plus(1_000));
        let body = json!({"reference": reference, "amount_fen": amount});
        bench.ok("POST", "/v1/merchants/m1/top-ups", body).await;
    }
    bench.ok("POST", "/v1/merchants/m9/top-ups", json!({"reference": "x", "amount_fen": 7})).await;
    for limit in [1, 2, 500] {
        let paid = all(bench, "/v1/merchants/m1/top-ups", limit).await;
        assert_eq!(ids(&paid, "reference"), ["bank 3", "bank/2", "bank 1"]);
        assert_eq!(paid[1]["amount_fen"], 250);
    }
    let (status, _) = bench.call_as(&other, "GET", "/v1/merchants/m1/top-ups", Value::Null).await;
    assert_eq!(status.as_u16(), 403);
});

on_both!(platforms_and_whose_a_code_is_are_listed, async |bench: &Bench| {
    shop(bench).await;
    bench.ok("PUT", "/v1/platforms/p2", json!({"name": "二号平台"})).await;
    let platforms = all(bench, "/v1/platforms", 1).await;
    assert_eq!(platforms, [json!({"id": "p1", "name": "p1"}), json!({"id": "p2", "name": "二号平台"})]);
    bench.ok("PUT", "/v1/promoters/bob", json!({"name": "鲍勃"})).await;
    for (promoter, code, from, to) in [
        ("lily", "SPRING", 1_000, json!(2_000)),
        ("bob", "SPRING", 2_000, Value::Null),
        ("lily", "A", 5, json!(6)),
    ] {
        let coupon = json!({"programme": "g1", "code": code, "promoter": promoter, "from": from, "to": to});
        bench.ok("POST", "/v1/coupons", coupon).await;
    }
    let codes = all(bench, "/v1/coupons?programme=g1", 1).await;
    let codes: Vec<Value> =
        codes.iter().map(|of| json!([of["code"], of["promoter_name"], of["from"], of["to"]])).collect();
    let expected =
        json!([["A", "莉莉", 5, 6], ["SPRING", "莉莉", 1_000, 2_000], ["SPRING", "鲍勃", 2_000, null]]);
    assert_eq!(json!(codes), expected);
});

on_both!(products_with_links_are_listed_once_and_the_dead_ones_say_why, async |bench: &Bench| {
    shop(bench).await;
    let now = bench.core.now();
    let categories = ["tea", "tea", "tea", "cards"];
    for (n, category) in categories.into_iter().enumerate() {
        let product = json!({"merchant": "m1", "title": "商品", "price_fen": 10_000, "category": category,
                             "url": "https://shop.example.cn/item/2"});
        bench.ok("PUT", &format!("/v1/products/o{n}"), product).await;
    }
    // The first product has the newest link; what has none is not theirs.
    for (n, product) in [0, 1, 3, 0, 0].into_iter().enumerate() {
        bench.set_clock(now.plus(i64::try_from(n).unwrap() + 1));
        let link = json!({"placement": "lily1", "product": format!("o{product}")});
        bench.ok("POST", "/v1/links", link).await;
    }
    bench.ok("POST", "/v1/links", json!({"placement": "lily1", "shop": "m1"})).await;
    bench.ok("POST", "/v1/products/o1/delist", Value::Null).await;
    bench.ok("POST", "/v1/bans", json!({"category": "cards", "effective_from": 0})).await;
    let list = all(bench, "/v1/promoters/lily/products", 1).await;
    assert_eq!(ids(&list, "id"), ["o0", "o3", "o1"]);
    assert_eq!(ids(&list, "reason"), ["", "category_banned", "product_delisted"]);
    assert_eq!((&list[0]["links"], &list[0]["promoted_at"]), (&json!(3), &json!(now.plus(5).millis())));
    assert_eq!(ids(&all(bench, "/v1/promoters/lily/products?dead=true", 1).await, "id"), ["o3", "o1"]);
    bench.problem("GET", "/v1/promoters/nobody/products", Value::Null, 404, "not_found").await;
    let stranger = token(bench, "merchant", "m1").await;
    let answer = bench.call_as(&stranger, "GET", "/v1/promoters/lily/products", Value::Null).await;
    assert_eq!(answer.0, 403);
});
