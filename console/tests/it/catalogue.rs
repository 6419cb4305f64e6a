//! What operators keep beside the shops: platforms, categories, platforms' programmes; and coupons and video tasks.

use crate::bench::Bench;
use http::StatusCode;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_platform_is_made_and_renamed() {
    let bench = Bench::new().await;
    let boss = bench.signed_in("boss", "zh").await;
    let to = "/operator/platforms";
    let page = boss.get(to).await;
    for (id, name, words) in
        [("1688", "另一个", "这个编号已经用过了"), ("", "无名", "请"), ("a b", "空格", ""), ("tb", "", "")]
    {
        let refused = boss.submit(&page, to, &[("id", id), ("name", name)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{id}");
        let field = if name.is_empty() { "e-name" } else { "e-id" };
        assert!(refused.body.contains(field) && refused.body.contains(words), "{id}: {}", refused.body);
    }
    let made = boss.submit(&page, to, &[("id", "tb"), ("name", "淘宝")]).await;
    assert_eq!(made.location(), "/operator/platforms?done=saved", "{}", made.body);
    let form = boss.get("/operator/platforms?known=tb&name=淘宝").await;
    assert!(form.body.contains("修改 tb 的名称") && form.body.contains("value=\"淘宝\""), "{}", form.body);
    let renamed = boss.submit(&form, to, &[("known", "tb"), ("name", "淘宝网")]).await;
    assert_eq!(renamed.location(), "/operator/platforms?done=saved", "{}", renamed.body);
    let all = bench.ok("GET", "/v1/platforms", Value::Null).await;
    assert_eq!(all["items"], json!([{"id": "1688", "name": "1688"}, {"id": "tb", "name": "淘宝网"}]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_category_is_put_below_another() {
    let bench = Bench::new().await;
    let boss = bench.signed_in("boss", "zh").await;
    let to = "/operator/categories";
    let page = boss.get(to).await;
    for fields in [
        [("id", "tea"), ("name", "茶叶"), ("parent", "")],
        [("id", "green"), ("name", "绿茶"), ("parent", "tea")],
    ] {
        let made = boss.submit(&page, to, &fields).await;
        assert_eq!(made.location(), "/operator/categories?done=saved", "{}", made.body);
    }
    let page = boss.get(to).await;
    assert!(page.body.contains("\u{3000}绿茶"), "{}", page.body);
    let circle = [("known", "tea"), ("name", "茶叶"), ("parent", "green")];
    let refused = boss.submit(&page, to, &circle).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body.contains("id=\"e-parent\"") && refused.body.contains("修改 tea"),
        "{}",
        refused.body
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_makes_a_platforms_programme_and_changes_its_rules() {
    let bench = Bench::new().await;
    let boss = bench.signed_in("boss", "zh").await;
    let to = "/operator/programmes/new";
    let page = boss.get(to).await;
    let fields = [("name", "全平台"), ("id", "all"), ("platform", "1688"), ("preset", "distributor1688")];
    let made = boss.submit(&page, to, &fields).await;
    assert_eq!(made.location(), "/operator/programmes/all?done=programme", "{}", made.body);
    let week = r#"{"attribution": {"validity": {"from_last_click": "7d"}}}"#;
    let rules = "/operator/programmes/all/rules";
    let changed = boss.submit(&boss.get(rules).await, rules, &[("policy", week)]).await;
    assert_eq!(changed.location(), "/operator/programmes/all?done=rules", "{}", changed.body);
    assert!(boss.get(changed.location()).await.body.contains("7 天"));
    let kept = bench.ok("GET", "/v1/programmes/all", Value::Null).await;
    assert_eq!((&kept["platform"], &kept["version"]), (&json!("1688"), &json!(2)));
    // Its merchants look at it, and change nothing.
    let shop = bench.signed_in("shop", "zh").await;
    assert_eq!(shop.get("/merchant/programmes/all").await.status, StatusCode::OK);
    for page in
        ["/merchant/programmes/all/rules", "/operator/programmes/all", "/merchant/programmes/all/coupons"]
    {
        assert_eq!(shop.get(page).await.status, StatusCode::NOT_FOUND, "{page}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_coupon_is_given_to_a_promoter() {
    let bench = Bench::new().await;
    let own = json!({"merchant": "m1", "name": "本店", "preset": "youzan_short"});
    bench.ok("PUT", "/v1/programmes/own", own).await;
    for (login, base) in [("shop", "/merchant"), ("boss", "/operator")] {
        let person = bench.signed_in(login, "en").await;
        let to = format!("{base}/programmes/own/coupons");
        let page = person.get(&to).await;
        let wrong = [
            (("code", ""), "code"),
            (("promoter", "nobody"), "promoter"),
            (("from", "soon"), "from"),
            (("to", "2020-01-01"), "to"),
        ];
        for ((name, value), field) in wrong {
            let mut fields = vec![("code", "SPRING"), ("promoter", "lily"), ("from", ""), ("to", "")];
            fields.retain(|(other, _)| *other != name);
            fields.push((name, value));
            let refused = person.submit(&page, &to, &fields).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {}", refused.body);
            assert!(refused.body.contains(&format!("id=\"e-{field}\"")), "{field}: {}", refused.body);
        }
        let code = format!("SPRING-{login}");
        let given = person.submit(&page, &to, &[("code", &code), ("promoter", "lily")]).await;
        assert_eq!(given.location(), format!("{to}?done=coupon"), "{}", given.body);
        let listed = person.get(&to).await;
        assert!(listed.body.contains(&code) && listed.body.contains("莉莉"), "{}", listed.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_of_coupons_says_where_a_code_decides_nothing() {
    let bench = Bench::new().await;
    let boss = bench.signed_in("boss", "en").await;
    let notes = async |programme: &str| {
        let page = boss.get(&format!("/operator/programmes/{programme}/coupons")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        ["a code decides nothing", "Promoters have no share here", "name=\"code\""]
            .map(|part| page.body.contains(part))
    };
    assert_eq!(notes("fx").await, [true, false, true], "off, and a code may be given ahead of the rules");
    let wins = json!({"platform": "1688", "name": "1688分销客", "policy": {"attribution": {"coupon": "exclusive_code_wins"}}});
    bench.ok("PUT", "/v1/programmes/fx", wins).await;
    assert_eq!(notes("fx").await, [false, false, true]);
    let offsite = json!({"platform": "1688", "name": "站外", "preset": "offsite1688"});
    bench.ok("PUT", "/v1/programmes/off", offsite).await;
    assert_eq!(notes("off").await, [false, true, false], "nobody is to be given a code");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_video_is_ordered_confirmed_and_paid() {
    let bench = Bench::new().await;
    let shop = bench.signed_in("shop", "zh").await;
    let to = "/merchant/video-tasks";
    assert!(shop.get(to).await.body.contains("没有包含视频任务的推广计划。"));
    let live = json!({"merchant": "m1", "name": "直播", "preset": "taobao_live", "effective_from": 0});
    bench.ok("PUT", "/v1/programmes/live", live).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "b1", "amount_fen": 100_000})).await;
    let page = shop.get(to).await;
    let wrong = [
        (("price_fen", "dear"), "price_fen"),
        (("talent", "nobody"), "talent"),
        (("product", "nothing"), "product"),
        (("id", "a/b"), "id"),
    ];
    for ((name, value), field) in wrong {
        let mut fields = vec![
            ("id", "v1"),
            ("programme", "live"),
            ("talent", "lily"),
            ("price_fen", "400"),
            ("product", ""),
        ];
        fields.retain(|(other, _)| *other != name);
        fields.push((name, value));
        let refused = shop.submit(&page, to, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {}", refused.body);
        assert!(refused.body.contains(&format!("id=\"e-{field}\"")), "{field}: {}", refused.body);
    }
    let fields = [("id", "v1"), ("programme", "live"), ("talent", "lily"), ("price_fen", "400")];
    let ordered = shop.submit(&page, to, &fields).await;
    assert_eq!(ordered.location(), "/merchant/video-tasks/v1?done=video_ordered", "{}", ordered.body);
    let of = shop.get(ordered.location()).await;
    assert!(of.body.contains("进行中") && of.body.contains("¥400.00"), "{}", of.body);
    let paid = shop.submit(&of, "/merchant/video-tasks/v1/confirm", &[]).await;
    assert_eq!(paid.location(), "/merchant/video-tasks/v1?done=video_confirmed", "{}", paid.body);
    assert!(shop.get(paid.location()).await.body.contains("已确认并付款"));
    // The operators have the same pages, and another merchant has none of it.
    let boss = bench.signed_in("boss", "en").await;
    let below = "/operator/merchants/m1/video-tasks";
    let second = [("id", "v2"), ("programme", "live"), ("talent", "amei"), ("price_fen", "10")];
    let ordered = boss.submit(&boss.get(below).await, below, &second).await;
    assert_eq!(ordered.location(), format!("{below}/v2?done=video_ordered"), "{}", ordered.body);
    let page = boss.get(ordered.location()).await;
    let cancelled = boss.submit(&page, &format!("{below}/v2/cancel"), &[]).await;
    assert_eq!(cancelled.location(), format!("{below}/v2?done=video_cancelled"), "{}", cancelled.body);
    let rival = bench.rival().await;
    assert_eq!(rival.get("/merchant/video-tasks/v1").await.status, StatusCode::NOT_FOUND);
}
