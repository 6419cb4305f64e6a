//! Off-site enrolments: a merchant applies with private prices, the platform audits, the merchant leaves.

use crate::bench::Bench;
use http::StatusCode;
use serde_json::{Value, json};

const LIST: &str = "/merchant/enrolments";

/// A programme of the platform that takes enrolments, and a shop and a cup that meet its demands.
async fn set(bench: &Bench) {
    let programme =
        json!({"platform": "1688", "name": "站外分销", "preset": "offsite1688", "effective_from": 0});
    bench.ok("PUT", "/v1/programmes/offsite", programme).await;
    let shop = json!({"consumer_or_industrial": true, "level": 2, "dropship_products": 1, "service_tenths": 35,
        "logistics_tenths": 30, "product_tenths": 20, "risk_ok": true});
    bench.ok("PUT", "/v1/merchants/m1/sourcing-facts", shop).await;
    let cup = json!({"consumer_or_industrial": true, "dropship_free_shipping": true, "seven_day_returns": true,
        "ships_within": "hours48", "growth_score": 60, "risk_ok": true, "group_purchase": false});
    bench.ok("PUT", "/v1/products/cup/sourcing-facts", cup).await;
    for sku in ["red", "blue"] {
        let sku = json!({"sku": sku, "price_fen": 10_000, "stock": 500, "low30_fen": 8_500});
        bench.ok("PUT", "/v1/products/cup/skus", sku).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_product_of_another_shop_is_as_unknown_as_none_and_the_form_stays() {
    let bench = Bench::new().await;
    set(&bench).await;
    let rival = bench.rival().await;
    let page = rival.get(LIST).await;
    for product in ["cup", "nothing"] {
        let fields = [("id", "e1"), ("programme", "offsite"), ("product", product), ("skus", "red 80.00")];
        let refused = rival.submit(&page, LIST, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{product}");
        for part in ["id=\"e-product\"", &format!("没有这个商品：{product}"), "red 80.00"] {
            assert!(refused.body.contains(part), "{part}: {}", refused.body);
        }
    }
}

async fn state(bench: &Bench, id: &str) -> Value {
    bench.ok("GET", &format!("/v1/enrolments/{id}"), Value::Null).await["state"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merchant_applies_the_platform_audits_and_the_merchant_leaves() {
    let bench = Bench::new().await;
    set(&bench).await;
    let shop = bench.signed_in("shop", "zh").await;
    let page = shop.get(LIST).await;
    assert!(page.body.contains("还没有报名。"), "{}", page.body);
    let fields =
        [("id", "e1"), ("programme", "offsite"), ("product", "cup"), ("skus", "red 80.00\nblue，86.00")];
    let applied = shop.submit(&page, LIST, &fields).await;
    assert_eq!(applied.location(), "/merchant/enrolments/e1?done=applied", "{}", applied.body);
    // Blue is dearer than its lowest deal: it is left out and says why, and red goes on.
    let page = shop.get("/merchant/enrolments/e1").await;
    for words in ["审核中", "¥80.00", "未参加", "今天提交"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    assert!(shop.get(LIST).await.body.contains("/merchant/enrolments/e1"));

    let boss = bench.signed_in("boss", "zh").await;
    let all = boss.get("/operator/merchants").await;
    assert!(all.body.contains("/operator/merchants/m1/enrolments/e1"), "{}", all.body);
    assert!(!all.body.contains("已超期"), "{}", all.body);
    let audit = boss.get("/operator/merchants/m1").await;
    assert!(audit.body.contains("/operator/merchants/m1/enrolments/e1"), "{}", audit.body);
    // Whoever audits sees the prices, and what is left out.
    let audit = boss.get("/operator/merchants/m1/enrolments/e1").await;
    for words in ["¥80.00", "¥86.00", "未参加", "今天提交"] {
        assert!(audit.body.contains(words), "{words}: {}", audit.body);
    }
    assert_eq!(boss.get("/operator/merchants/m2/enrolments/e1").await.status, StatusCode::NOT_FOUND);
    let approved =
        boss.submit(&audit, "/operator/merchants/m1/enrolments/e1", &[("answer", "approve")]).await;
    assert_eq!(approved.location(), "/operator/merchants/m1?done=enrolment_approved", "{}", approved.body);
    let decided = shop.get("/merchant/enrolments/e1").await.body;
    assert!(decided.contains("已通过") && !decided.contains("最晚"), "nobody waits any more: {decided}");

    let page = shop.get("/merchant/enrolments/e1").await;
    let left = shop.submit(&page, "/merchant/enrolments/e1/exit", &[]).await;
    assert_eq!(left.location(), "/merchant/enrolments/e1?done=exited", "{}", left.body);
    let page = shop.get("/merchant/enrolments/e1").await;
    assert!(page.body.contains("已退出") && page.body.contains("重新报名"), "{}", page.body);
    // To take it up again the form is filled in as it was.
    let (_, rest) = page.body.split_once("href=\"/merchant/enrolments?").unwrap();
    let query = rest.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    let again = shop.get(&format!("{LIST}?{query}")).await;
    assert!(again.body.contains("red 80.00") && again.body.contains("value=\"cup\""), "{}", again.body);
    let fields = [("id", "e2"), ("programme", "offsite"), ("product", "cup"), ("skus", "red 80.00")];
    assert_eq!(shop.submit(&again, LIST, &fields).await.location(), "/merchant/enrolments/e2?done=applied");

    let audit = boss.get("/operator/merchants/m1/enrolments/e2").await;
    let place = "/operator/merchants/m1/enrolments/e2";
    let empty = boss.submit(&audit, place, &[("answer", "reject"), ("reason", " ")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", empty.body);
    assert!(empty.body.contains("href=\"#f-reason\""), "{}", empty.body);
    let refused = boss.submit(&audit, place, &[("answer", "reject"), ("reason", "主图与实物不符")]).await;
    assert_eq!(refused.location(), "/operator/merchants/m1?done=enrolment_rejected", "{}", refused.body);
    let told = shop.get("/merchant/enrolments/e2").await;
    assert!(told.body.contains("未通过") && told.body.contains("主图与实物不符"), "{}", told.body);
    let late = boss.submit(&audit, "/operator/merchants/m1/enrolments/e2", &[("answer", "approve")]).await;
    assert!(late.body.contains("这次报名不在审核中。"), "{}", late.body);
    assert_eq!(state(&bench, "e2").await, "rejected");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_application_is_refused_beside_its_field() {
    let bench = Bench::new().await;
    set(&bench).await;
    let tray =
        json!({"merchant": "m1", "title": "竹茶盘", "url": "https://shop.example.com/2", "price_fen": 5_900});
    bench.ok("PUT", "/v1/products/tray", tray).await;
    bench.ok("PUT", "/v1/products/tray/skus", json!({"sku": "one", "price_fen": 5_900, "stock": 9})).await;
    let taken = json!({"id": "taken", "programme": "offsite", "product": "cup",
        "skus": [{"sku": "red", "channel_price_fen": 8_000}]});
    bench.ok("POST", "/v1/enrolments", taken).await;
    let whole = |changed: (&'static str, &'static str)| {
        [("id", "e1"), ("programme", "offsite"), ("product", "cup"), ("skus", "red 80.00")]
            .map(|field| if field.0 == changed.0 { changed } else { field })
    };
    let rows = [
        ("skus", "red", "这一行看不懂：red", "red"),
        ("skus", "", "请至少填写一个规格。", "Name at least one SKU."),
        ("id", "", "请填写 1 到 128 个字符", "Enter 1 to 128 letters"),
        ("id", "taken", "这个编号已经用过了，请换一个。", "This id is taken."),
        ("product", "cup", "请先退出报名", "leave the enrolment first"),
        ("product", "nothing", "没有这个商品：nothing。", "There is no product nothing"),
        ("product", "tray", "请联系运营人员", "ask the operator"),
    ];
    for language in ["zh", "en"] {
        let shop = bench.signed_in("shop", language).await;
        let page = shop.get(LIST).await;
        for (field, typed, zh, en) in rows {
            let words = if language == "zh" { zh } else { en };
            let refused = shop.submit(&page, LIST, &whole((field, typed))).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {typed}: {}", refused.body);
            assert!(
                refused.body.contains(&format!("href=\"#f-{field}\"")) && refused.body.contains(words),
                "{field} {typed}: {}",
                refused.body
            );
            assert!(
                refused.body.contains(typed) && refused.body.contains("name=\"skus\""),
                "{typed} is kept"
            );
        }
    }
    let left = json!({});
    bench.ok("POST", "/v1/enrolments/taken/exit", left).await;
    let shop = bench.signed_in("shop", "zh").await;
    let page = shop.get(LIST).await;
    assert!(page.body.contains("value=\"offsite\"") && !page.body.contains("value=\"fx\""), "{}", page.body);
    for (field, typed, words) in [
        ("skus", "red 80.00\nred 79.00", "red：重复出现。"),
        ("skus", "red 80.00\ngreen 1.00", "green：没有这个规格。"),
        ("programme", "fx", "这个推广计划不接受站外报名。"),
    ] {
        let refused = shop.submit(&page, LIST, &whole((field, typed))).await;
        assert!(
            refused.body.contains(&format!("href=\"#f-{field}\"")) && refused.body.contains(words),
            "{typed}: {}",
            refused.body
        );
        // Among programmes there is only a choice, of those that take enrolments.
        assert!(field == "programme" || refused.body.contains(typed), "{}", refused.body);
    }
    let all = bench.ok("GET", "/v1/enrolments?merchant=m1", Value::Null).await;
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "nothing is half done: {all}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_enrolment_is_its_merchants_and_the_platforms_alone() {
    let bench = Bench::new().await;
    set(&bench).await;
    let shop = bench.signed_in("shop", "zh").await;
    let page = shop.get(LIST).await;
    let fields = [("id", "e1"), ("programme", "offsite"), ("product", "cup"), ("skus", "red 80.00")];
    shop.submit(&page, LIST, &fields).await;
    let rival = bench.rival().await;
    assert!(!rival.get(LIST).await.body.contains("/merchant/enrolments/e1"));
    // Another's product is not there to be enrolled.
    let tried =
        rival.submit(&page_of(&rival).await, LIST, &[("id", "e2"), fields[1], fields[2], fields[3]]).await;
    assert!(tried.status.is_client_error(), "{}", tried.body);
    for stranger in [&rival, &bench.signed_in("lily", "zh").await, &bench.signed_in("stars", "zh").await] {
        assert!(stranger.get("/merchant/enrolments/e1").await.status.is_client_error());
        let own = page_of(stranger).await;
        for (path, fields) in [
            ("/merchant/enrolments/e1/exit", &[][..]),
            ("/operator/merchants/m1/enrolments/e1", &[("answer", "approve")][..]),
        ] {
            let tried = stranger.submit(&own, path, fields).await;
            assert!(
                matches!(tried.status, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN),
                "{path}: {} {}",
                tried.status,
                tried.body
            );
        }
    }
    // The merchant does not audit itself.
    let own = shop.submit(&page, "/operator/merchants/m1/enrolments/e1", &[("answer", "approve")]).await;
    assert_eq!(own.status, StatusCode::NOT_FOUND);
    assert_eq!(state(&bench, "e1").await, "auditing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_says_what_the_platform_measured_and_sees_it_again() {
    let bench = Bench::new().await;
    let boss = bench.signed_in("boss", "zh").await;
    assert!(boss.get("/operator/merchants/m1").await.body.contains("/operator/merchants/m1/facts"));
    let to = "/operator/merchants/m1/facts";
    let page = boss.get(to).await;
    assert!(page.body.contains("/operator/merchants/m1/facts/cup"), "{}", page.body);
    assert!(page.body.contains("<a href=\"/operator/merchants/m1\">山里茶行</a>"), "{}", page.body);
    let shop = [
        ("level", "2"),
        ("service_tenths", "3.5"),
        ("logistics_tenths", "3"),
        ("product_tenths", "2.0"),
        ("dropship_products", "1"),
        ("ticked", "consumer_or_industrial"),
    ];
    for (field, typed) in [("level", "L2"), ("level", "999"), ("service_tenths", "3.55")] {
        let wrong = shop.map(|known| if known.0 == field { (field, typed) } else { known });
        let refused = boss.submit(&page, to, &wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}: {}", refused.body);
        assert!(refused.body.contains(&format!("href=\"#f-{field}\"")), "{typed}: {}", refused.body);
        assert!(refused.body.contains(&format!("value=\"{typed}\"")), "{typed}: {}", refused.body);
    }
    let said = boss.submit(&page, to, &shop).await;
    assert_eq!(said.location(), format!("{to}?done=saved"), "{}", said.body);
    let kept = bench.ok("GET", "/v1/merchants/m1/sourcing-facts", Value::Null).await;
    let expected = json!({"consumer_or_industrial": true, "level": 2, "dropship_products": 1, "service_tenths": 35,
        "logistics_tenths": 30, "product_tenths": 20, "risk_ok": false});
    assert_eq!(kept, expected);
    let again = boss.get(to).await;
    assert!(again.body.contains("value=\"3.5\""), "{}", again.body);

    let to = "/operator/merchants/m1/facts/cup";
    let page = boss.get(to).await;
    let cup = [
        ("growth_score", "60"),
        ("ships_within", "hours48"),
        ("ticked", "risk_ok"),
        ("ticked", "seven_day_returns"),
    ];
    let said = boss.submit(&page, to, &cup).await;
    assert_eq!(said.location(), "/operator/merchants/m1/facts?done=saved", "{}", said.body);
    let kept = bench.ok("GET", "/v1/products/cup/sourcing-facts", Value::Null).await;
    let expected = json!({"consumer_or_industrial": false, "dropship_free_shipping": false, "seven_day_returns": true,
        "ships_within": "hours48", "growth_score": 60, "risk_ok": true, "group_purchase": false});
    assert_eq!(kept, expected);
    assert!(boss.get(to).await.body.contains("value=\"60\""));
    assert_eq!(boss.get("/operator/merchants/m2/facts/cup").await.status, StatusCode::NOT_FOUND);
    // A shop does not score itself.
    let shop = bench.signed_in("shop", "zh").await;
    assert_eq!(shop.get(to).await.status, StatusCode::NOT_FOUND);
}

async fn page_of(browser: &crate::bench::Browser<'_>) -> crate::bench::Page {
    browser.get("/account").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merchant_saves_a_sku_with_what_is_its_own_to_say() {
    let bench = Bench::new().await;
    let shop = bench.signed_in("shop", "zh").await;
    let (page, to) = (shop.get("/merchant/skus/cup").await, "/merchant/skus/cup");
    assert!(!page.body.contains("name=\"low30_fen\""), "operators report it: {}", page.body);
    for (fields, wrong) in [
        ([("sku", "red"), ("price_fen", ""), ("stock", "5")], "price_fen"),
        ([("sku", "red"), ("price_fen", "9.90"), ("stock", "many")], "stock"),
    ] {
        let refused = shop.submit(&page, to, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        assert!(refused.body.contains(&format!("href=\"#f-{wrong}\"")), "{}", refused.body);
        assert!(refused.body.contains("value=\"red\""), "{}", refused.body);
    }
    let saved = shop.submit(&page, to, &[("sku", "red"), ("price_fen", "9.90"), ("stock", "5")]).await;
    assert_eq!(saved.location(), "/merchant/skus/cup?done=saved", "{}", saved.body);
    assert!(shop.get(to).await.body.contains("¥9.90"));
}
