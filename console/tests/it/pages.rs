//! Every page in both languages, and as everybody who must not see it.

use crate::bench::{Bench, PASSWORD};
use http::StatusCode;
use serde_json::{Value, json};

/// Pages of promoters.
const PROMOTER: [&str; 16] = [
    "/promoter/overview",
    "/promoter/products",
    "/promoter/selection",
    "/promoter/promoted",
    "/promoter/promoted?dead=true",
    "/promoter/links",
    "/promoter/links?state=dead",
    "/promoter/links/many",
    "/promoter/links/new",
    "/promoter/placements",
    "/promoter/orders",
    "/promoter/reports",
    "/promoter/statements",
    "/promoter/money",
    "/promoter/notices",
    "/promoter/plans",
];

/// Pages of merchants.
const MERCHANT: [&str; 33] = [
    "/merchant/overview",
    "/merchant/products",
    "/merchant/products?q=保温杯&state=live",
    "/merchant/products/new",
    "/merchant/products/cup",
    "/merchant/skus/cup",
    "/merchant/import",
    "/merchant/orders",
    "/merchant/orders/1688/o1",
    "/merchant/reviews",
    "/merchant/relations",
    "/merchant/relations?buyer=b1",
    "/merchant/programmes",
    "/merchant/programmes/new",
    "/merchant/programmes/fx",
    "/merchant/programmes/own",
    "/merchant/programmes/own/rules",
    "/merchant/programmes/own/coupons",
    "/merchant/video-tasks",
    "/merchant/video-tasks/v1",
    "/merchant/programmes/fx/rates",
    "/merchant/plans",
    "/merchant/plans/gold",
    "/merchant/balance",
    "/merchant/settlements",
    "/merchant/disputes",
    "/merchant/shop",
    "/merchant/enrolments",
    "/merchant/tokens",
    "/merchant/sources",
    "/merchant/sources/new/youzan",
    "/merchant/sources/new/shopify",
    "/merchant/sources/new/standard",
];
/// And one that is reached through a list.
const WEBHOOKS: &str = "/merchant/webhooks";
/// Pages of agencies.
const AGENCY: [&str; 4] = ["/agency/talents", "/agency/orders", "/agency/statements", "/agency/money"];
/// Pages of operators.
const OPERATOR: [&str; 33] = [
    "/operator/edges",
    "/operator/audit",
    "/operator/reviews",
    "/operator/reviews/answer?platform=1688&order=o1&reason=unjournaled&line=1",
    "/operator/orders",
    "/operator/orders/1688/o1",
    "/operator/merchants",
    "/operator/merchants/m1",
    "/operator/merchants/m1/disputes",
    "/operator/merchants/m1/facts",
    "/operator/merchants/m1/facts/cup",
    "/operator/merchants/m1/sources",
    "/operator/merchants/m1/video-tasks",
    "/operator/merchants/m1/video-tasks/v1",
    "/operator/programmes",
    "/operator/programmes/new",
    "/operator/programmes/fx",
    "/operator/programmes/own/rules",
    "/operator/programmes/fx/coupons",
    "/operator/platforms",
    "/operator/categories",
    "/operator/merchants/m1/sources/new/youzan",
    "/operator/reconciliations",
    "/operator/reconciliations/1",
    "/operator/reconciliations/1/1",
    "/operator/calendar",
    "/operator/dead-letters",
    "/operator/bans",
    "/operator/promoters",
    "/operator/promoters/lily",
    "/operator/payouts",
    "/operator/accounts",
    "/operator/accounts/lily",
];

/// Everybody, with their pages.
fn everybody() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut merchant = MERCHANT.to_vec();
    merchant.push(WEBHOOKS);
    vec![
        ("lily", PROMOTER.to_vec()),
        ("shop", merchant),
        ("stars", AGENCY.to_vec()),
        ("boss", OPERATOR.to_vec()),
    ]
}

/// A shop with something on every page.
async fn filled() -> Bench {
    let bench = Bench::new().await;
    let own = json!({"merchant": "m1", "name": "本店", "preset": "youzan_short",
        "policy": {"commission": {"plan_precedence": ["approved_targeted", "general"]}}});
    bench.ok("PUT", "/v1/programmes/own", own).await;
    let plan = json!({"id": "gold", "programme": "own", "name": "金牌", "approval": "manual",
        "rates": [{"shop": "m1", "bp": 2_000}]});
    bench.ok("POST", "/v1/plans", plan).await;
    bench.ok("POST", "/v1/plans/gold/apply", json!({"promoter": "lily"})).await;
    bench
        .ok("POST", "/v1/rates", json!({"programme": "fx", "rates": [{"product": "cup", "bp": 1_250}]}))
        .await;
    bench.ok("PUT", "/v1/products/cup/skus", json!({"sku": "red", "price_fen": 9_900, "stock": 500})).await;
    bench.ok("PUT", "/v1/categories/tea", json!({"name": "茶叶"})).await;
    bench.ok("PUT", "/v1/categories/green", json!({"name": "绿茶", "parent": "tea"})).await;
    bench.ok("POST", "/v1/coupons", json!({"programme": "fx", "code": "SPRING", "promoter": "lily"})).await;
    let live = json!({"merchant": "m1", "name": "直播", "preset": "taobao_live", "effective_from": 0});
    bench.ok("PUT", "/v1/programmes/live", live).await;
    let task =
        json!({"id": "v1", "programme": "live", "merchant": "m1", "talent": "lily", "price_fen": 40_000});
    bench.ok("POST", "/v1/video-tasks", task).await;
    let ban = json!({"category": "tea", "effective_from": 0, "note": "测试"});
    bench.ok("POST", "/v1/bans", ban).await;
    let at = bench.core.now().millis();
    let events = json!({"events": [
        {"type": "created", "platform": "1688", "order": "o1", "at": at, "merchant": "m1", "buyer": "b1",
            "lines": [{"line": "1", "product": "cup", "amount_fen": 9_900}]},
        {"type": "paid", "platform": "1688", "order": "o1", "at": at},
    ]});
    bench.ok("POST", "/v1/orders/events", events).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "bank 1", "amount_fen": 12_345})).await;
    let statement =
        http::Request::post("/v1/reconciliations?platform=1688&programme=fx&from=0&to=9000000000000")
            .header("authorization", format!("Bearer {}", crate::bench::ADMIN))
            .header("content-type", "text/csv")
            .body(axum::body::Body::from("order,line,commission_fen,state\no9,1,5,settled\n"));
    assert_eq!(bench.send(statement.unwrap()).await.status, StatusCode::OK);
    bench
}

/// What a template must not leave behind, and what no page has: inline scripts and styles, which the policy forbids.
fn check(path: &str, body: &str) {
    for wrong in ["{{", "{%", " style=", "<style", "<script>", "onclick=", "javascript:"] {
        assert!(!body.contains(wrong), "{path} has {wrong}");
    }
    // A hole of a text that was not filled in.
    for hole in body.split('{').skip(1) {
        let name: &str = hole.split('}').next().unwrap();
        // What a merchant writes into the address of an app.
        let placeholder = matches!(name, "url" | "address");
        let named = !placeholder
            && !name.is_empty()
            && name.len() < 20
            && name.chars().all(|c| c.is_ascii_lowercase());
        assert!(!named, "{path} has {{{name}}}");
    }
    for part in ["<main id=\"main\"", "<h1>", "class=\"skip\"", "<title>"] {
        assert!(body.contains(part), "{path} lacks {part}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_whole_in_both_languages() {
    let bench = filled().await;
    for (language, tag) in [("zh", "lang=\"zh-CN\""), ("en", "lang=\"en\"")] {
        for (login, pages) in everybody() {
            let person = bench.signed_in(login, language).await;
            for path in pages.iter().chain(&["/account"]) {
                let page = person.get(path).await;
                assert_eq!(page.status, StatusCode::OK, "{login} {path}: {}", page.body);
                assert!(page.body.contains(&format!("<html {tag}")), "{path}");
                check(path, &page.body);
            }
            let missing = person.get("/nowhere").await;
            assert_eq!(missing.status, StatusCode::NOT_FOUND);
            check("/nowhere", &missing.body);
        }
        let nobody = bench.browser(language);
        for path in ["/sign-in", "/sign-up"] {
            check(path, &nobody.get(path).await.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_the_pages_of_another_role() {
    let bench = filled().await;
    for (login, _) in everybody() {
        let person = bench.signed_in(login, "en").await;
        for path in everybody().into_iter().filter(|(owner, _)| *owner != login).flat_map(|(_, pages)| pages)
        {
            assert_eq!(person.get(path).await.status, StatusCode::NOT_FOUND, "{login} {path}");
        }
    }
    let nobody = bench.browser("en");
    for path in everybody().into_iter().flat_map(|(_, pages)| pages) {
        assert_eq!(nobody.get(path).await.status, StatusCode::SEE_OTHER, "{path}");
    }
}

/// What is another merchant's is not there, neither to be read nor to be changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_merchant_never_sees_anothers() {
    let bench = filled().await;
    bench.ok("PUT", "/v1/platforms/other", json!({"name": "别处"})).await;
    bench.ok("PUT", "/v1/merchants/m2", json!({"platform": "other", "name": "别家"})).await;
    let account = json!({"login": "rival", "password": PASSWORD, "role": "merchant", "subject": "m2"});
    bench.ok("POST", "/v1/accounts", account).await;
    let rival = bench.signed_in("rival", "zh").await;
    for path in [
        "/merchant/products/cup",
        "/merchant/skus/cup",
        "/merchant/orders/1688/o1",
        "/merchant/programmes/fx",
        "/merchant/programmes/own",
        "/merchant/programmes/own/rules",
        "/merchant/programmes/own/coupons",
        "/merchant/programmes/own/rates",
        "/merchant/video-tasks/v1",
        "/merchant/plans/gold",
    ] {
        assert_eq!(rival.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in [
        "/merchant/overview",
        "/merchant/products",
        "/merchant/orders",
        "/merchant/plans",
        "/merchant/balance",
    ] {
        let body = rival.get(path).await.body;
        // With a stroke, which no secret of a form has: two letters alone stand in one of them now and then.
        for theirs in ["/cup", "/o1", "/gold", "bank 1", "123.45"] {
            assert!(!body.contains(theirs), "{path} shows {theirs}");
        }
    }
    let page = rival.get("/merchant/tokens").await;
    for (path, fields) in [
        ("/merchant/products/cup/cancel-promotion", vec![]),
        ("/merchant/products/cup", vec![("title", "x"), ("url", "https://x.example.com/")]),
        ("/merchant/skus/cup", vec![("sku", "red"), ("price_fen", "1"), ("stock", "1")]),
        ("/merchant/plans/gold/approve", vec![("promoter", "lily")]),
        ("/merchant/programmes/own/rules", vec![("preset", "distributor1688")]),
    ] {
        let refused = rival.submit(&page, path, &fields).await;
        assert!(refused.status.is_client_error(), "{path}: {}", refused.status);
        assert!(!refused.body.contains("316不锈钢保温杯"), "{path}: {}", refused.body);
    }
    let product = bench.ok("GET", "/v1/products/cup", Value::Null).await;
    assert_eq!((&product["title"], &product["invalid"]), (&json!("316不锈钢保温杯"), &json!(false)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_language_is_chosen_and_kept() {
    let bench = Bench::new().await;
    let lily = bench.signed_in("lily", "zh").await;
    let page = lily.post("/language", &[("lang", "en"), ("back", "/promoter/overview")]).await;
    assert_eq!(page.location(), "/promoter/overview");
    assert!(lily.get("/promoter/overview").await.body.contains("<h1>Overview</h1>"));
    let page = lily.post("/language", &[("lang", "zh"), ("back", "//evil.example")]).await;
    assert_eq!(page.location(), "/");
    assert!(lily.get("/promoter/overview").await.body.contains("<h1>推广概况</h1>"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_lead_to_themselves_as_files() {
    let bench = filled().await;
    for (login, list, cells) in [
        ("shop", "/merchant/orders?order=o1", "o1,1,"),
        ("shop", "/merchant/products?q=保温杯", "cup,316不锈钢保温杯,m1,"),
        ("lily", "/promoter/products?q=保温杯", "cup,316不锈钢保温杯,m1,"),
        ("lily", "/promoter/links?state=live", "code,short_url,"),
        ("lily", "/promoter/orders", "platform,order,line,"),
        ("stars", "/agency/orders", "platform,order,line,"),
        ("boss", "/operator/orders?from=2020-01-01&to=2090-01-01", "o1,1,"),
    ] {
        let person = bench.signed_in(login, "zh").await;
        let page = person.get(list).await;
        let (_, rest) = page
            .body
            .split_once("\">下载 CSV</a>")
            .map(|(before, _)| before.rsplit_once("href=\"").unwrap())
            .unwrap();
        let file = person.get(&rest.replace("&amp;", "&").replace("&#38;", "&")).await;
        assert_eq!(file.status, StatusCode::OK, "{list}: {rest}");
        assert!(file.body.starts_with('\u{feff}') && file.body.contains(cells), "{list}: {}", file.body);
        assert!(file.headers["content-disposition"].to_str().unwrap().contains(".csv"), "{list}");
    }
    let shop = bench.signed_in("shop", "zh").await;
    let none = shop.get("/merchant/orders.csv?to=2020-01-01").await;
    assert_eq!(none.body.lines().count(), 1, "the day is that of the filter: {}", none.body);
}
