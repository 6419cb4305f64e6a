//! Bans: an operator says what may not be promoted from when on, and whose products it stops.

use crate::bench::Bench;
use http::StatusCode;
use serde_json::{Value, json};

const BANS: &str = "/operator/bans";
const DAY_MS: i64 = 86_400_000;

/// The cup belongs to a category.
async fn set(bench: &Bench) {
    bench.ok("PUT", "/v1/categories/cups", json!({"name": "杯具"})).await;
    bench.ok("PUT", "/v1/categories/tea", json!({"name": "茶叶"})).await;
    let cup = json!({"merchant": "m1", "title": "316不锈钢保温杯", "url": "https://shop.example.com/1",
        "price_fen": 9_900, "category": "cups"});
    bench.ok("PUT", "/v1/products/cup", cup).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_bans_a_category_and_its_products_stop() {
    let bench = Bench::new().await;
    set(&bench).await;
    bench.ok("POST", "/v1/rates", json!({"programme": "fx", "rates": [{"bp": 1_000}]})).await;
    let boss = bench.signed_in("boss", "zh").await;
    let lily = bench.signed_in("lily", "zh").await;
    let library = lily.get("/promoter/products").await;
    let made = lily.submit(&library, "/promoter/products/cup/promote", &[]).await;
    assert!(made.location().starts_with("/promoter/links/"), "{}", made.body);

    let page = boss.get(BANS).await;
    assert!(page.body.contains("没有禁推类目。") && page.body.contains("杯具 · cups"), "{}", page.body);
    // Nothing is chosen at first: who presses the button bans nothing.
    assert!(page.body.contains("<option value=\"\" selected>请选择</option>"), "{}", page.body);
    let nothing = boss.submit(&page, BANS, &[("category", ""), ("effective_from", "2026-01-01")]).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    for words in ["href=\"#f-category\"", "请填写这一项。"] {
        assert!(nothing.body.contains(words), "{words}: {}", nothing.body);
    }
    let day = |ms: i64| attribution_core::time::Instant(ms).to_string().chars().take(10).collect::<String>();
    let now = bench.core.now().millis();
    let fields = [("category", "cups"), ("effective_from", &*day(now)), ("note", "购物金")];
    let banned = boss.submit(&page, BANS, &fields).await;
    assert_eq!(banned.location(), "/operator/bans?done=banned", "{}", banned.body);
    let page = boss.get(BANS).await;
    for words in ["cups", "全部计划", "购物金", "生效中"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    // Whoever promotes it sees that it is dead and why; whoever would, is told.
    let links = lily.get("/promoter/links").await;
    assert!(links.body.contains("失效") && links.body.contains("所属类目禁止推广"), "{}", links.body);
    let refused = lily.submit(&library, "/promoter/products/cup/promote", &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body.contains("role=\"alert\"") && refused.body.contains("所属类目禁止推广"),
        "{}",
        refused.body
    );

    // One in a programme, from a day to come on.
    let later = day(now + 9 * DAY_MS);
    let fields = [("category", "tea"), ("effective_from", &*later), ("programme", "fx")];
    assert_eq!(boss.submit(&page, BANS, &fields).await.location(), "/operator/bans?done=banned");
    let page = boss.get(BANS).await;
    assert!(page.body.contains("未生效") && page.body.contains(&later), "{}", page.body);
    // Dated anew, it is still one ban.
    let sooner = day(now + 3 * DAY_MS);
    let fields = [("category", "tea"), ("effective_from", &*sooner), ("programme", "fx")];
    boss.submit(&page, BANS, &fields).await;
    let bans = bench.ok("GET", "/v1/bans", Value::Null).await;
    assert_eq!(bans["items"].as_array().unwrap().len(), 2, "{bans}");

    // Lifted, its products earn again.
    let page = boss.get(BANS).await;
    let lifted = boss.submit(&page, "/operator/bans/lift", &[("category", "cups")]).await;
    assert_eq!(lifted.location(), "/operator/bans?done=ban_lifted", "{}", lifted.body);
    assert!(boss.get(lifted.location()).await.body.contains("已解除"));
    let links = bench.ok("GET", "/v1/links?promoter=lily", Value::Null).await;
    assert_eq!(links["items"][0]["state"], "live", "{links}");
    let again = boss.submit(&boss.get(BANS).await, "/operator/bans/lift", &[("category", "cups")]).await;
    assert!(again.body.contains("这个类目没有可解除的禁推。"), "{}", again.body);
    // With its end from the beginning.
    let fields = [("category", "cups"), ("effective_from", &*later), ("effective_to", "2099-01-01")];
    boss.submit(&page, BANS, &fields).await;
    assert!(boss.get(BANS).await.body.contains("2099-01-01 00:00"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_ban_is_refused_beside_its_field_and_others_set_none() {
    let bench = Bench::new().await;
    set(&bench).await;
    let whole = |changed: (&'static str, &'static str)| {
        let dates = [("effective_from", "2026-01-01"), ("effective_to", "")];
        [("category", "tea"), dates[0], dates[1], ("programme", "fx"), ("note", "why")]
            .map(|field| if field.0 == changed.0 { changed } else { field })
    };
    let rows = [
        ("effective_from", "soon", "请填写日期，例如 2026-01-31。", "such as 2026-01-31"),
        ("effective_from", "", "请填写日期，例如 2026-01-31。", "such as 2026-01-31"),
        ("effective_to", "soon", "请填写日期，例如 2026-01-31。", "such as 2026-01-31"),
        ("effective_to", "2026-01-01", "结束早于开始。", "This ends before it begins."),
        ("programme", "nothing", "没有这个推广计划：nothing。", "There is no programme nothing"),
        ("programme", "a b", "编号里不能有", "is not allowed in an id"),
        ("note", "a\u{7}b", "不能含有特殊控制字符。", "control characters"),
    ];
    for language in ["zh", "en"] {
        let boss = bench.signed_in("boss", language).await;
        let page = boss.get(BANS).await;
        for (field, typed, zh, en) in rows {
            let words = if language == "zh" { zh } else { en };
            let refused = boss.submit(&page, BANS, &whole((field, typed))).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {typed}: {}", refused.body);
            assert!(
                refused.body.contains(&format!("href=\"#f-{field}\"")) && refused.body.contains(words),
                "{field} {typed}: {}",
                refused.body
            );
            // Of programmes there is only a choice.
            let kept = refused.body.contains(&format!("value=\"{typed}\""));
            assert!(field == "programme" || kept, "{typed}: {}", refused.body);
            assert!(refused.body.contains("value=\"tea\" selected"), "{}", refused.body);
        }
    }
    for login in ["shop", "lily", "stars"] {
        let stranger = bench.signed_in(login, "zh").await;
        assert_eq!(stranger.get(BANS).await.status, StatusCode::NOT_FOUND, "{login}");
        let own = stranger.get("/account").await;
        let tried = stranger.submit(&own, BANS, &whole(("", ""))).await;
        assert_eq!(tried.status, StatusCode::NOT_FOUND, "{login}: {}", tried.body);
    }
    let bans = bench.ok("GET", "/v1/bans", Value::Null).await;
    assert!(bans["items"].as_array().unwrap().is_empty(), "nothing is half done: {bans}");
}
