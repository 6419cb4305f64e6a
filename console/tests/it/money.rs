//! Money on its way out: an agency's withdrawal, payout runs and their files, refunds after the settlement.

use crate::bench::Bench;
use http::StatusCode;
use serde_json::{Value, json};

const DAY_MS: i64 = 86_400_000;

/// An order of ¥100.00 that lily brought by her coupon is settled under `policy`, at 10 %, on top of the preset.
async fn settled(bench: &Bench, preset: &str, mut policy: Value) {
    let now = bench.core.now().millis();
    policy["attribution"] = json!({"coupon": "exclusive_code_wins", "require_converted_link": false});
    policy["commission"] = json!({"rates": [{"bp": 1_000, "effective": {"from": 0}}]});
    let programme = json!({"platform": "1688", "name": "直播", "preset": preset, "policy": policy,
        "effective_from": now - 90 * DAY_MS});
    bench.ok("PUT", "/v1/programmes/live", programme).await;
    bench.ok("PUT", "/v1/categories/food", json!({"name": "食品"})).await;
    let tea = json!({"merchant": "m1", "title": "茶", "url": "https://shop.example.com/3", "price_fen": 10_000,
        "category": "food"});
    bench.ok("PUT", "/v1/products/tea", tea).await;
    let lily = json!({"name": "莉莉", "agency": "stars", "agency_from": now - 80 * DAY_MS});
    bench.ok("PUT", "/v1/promoters/lily", lily).await;
    let account = json!({"kind": "alipay", "account": "lily@example.com", "holder": "莉莉", "verified": true,
        "from": now - 80 * DAY_MS});
    bench.ok("PUT", "/v1/promoters/lily/payout-account", account).await;
    let coupon = json!({"programme": "live", "code": "LILY", "promoter": "lily", "from": now - 70 * DAY_MS});
    bench.ok("POST", "/v1/coupons", coupon).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "bank 1", "amount_fen": 100_000})).await;
    let at = now - 60 * DAY_MS;
    let step = |kind: &str| json!({"type": kind, "platform": "1688", "order": "o/1", "at": at + 1_000});
    let events = json!({"events": [
        {"type": "created", "platform": "1688", "order": "o/1", "at": at, "merchant": "m1", "buyer": "b1",
            "coupon": "LILY", "lines": [{"line": "1", "product": "tea", "amount_fen": 10_000}]},
        step("paid"), step("shipped"), step("completed"),
    ]});
    let taken = bench.ok("POST", "/v1/orders/events", events).await;
    assert_eq!(taken["accepted"], 4, "{taken}");
    sweep(bench).await;
    let line = bench.ok("GET", "/v1/orders/o%2F1/attribution", Value::Null).await["lines"][0].clone();
    assert_eq!((&line["promoter"], &line["state"]), (&json!("lily"), &json!("settled")), "{line}");
}

/// The core's own round, as often as one thing may lead to another.
async fn sweep(bench: &Bench) {
    for _ in 0..3 {
        let swept = bench.core.sweep(bench.core.now()).await.unwrap();
        assert_eq!(swept.failed, 0);
        bench.pass(1_000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_and_statement_say_why_they_differ_from_the_report_today() {
    let bench = Bench::new().await;
    settled(&bench, "taobao_live", json!({"settlement": {"report_visible": "next_day"}})).await;
    let words = "直播：效果报表和订单列表从次日零点起显示当天的结算";
    let lily = bench.signed_in("lily", "zh").await;
    let stars = bench.signed_in("stars", "zh").await;
    for (person, page) in [
        (&lily, "/promoter/money"),
        (&lily, "/promoter/statements"),
        (&stars, "/agency/money"),
        (&stars, "/agency/statements"),
    ] {
        let page = person.get(page).await;
        assert!(page.body.contains(words), "{}", page.body);
    }
    let bench = Bench::new().await;
    settled(&bench, "taobao_live", json!({"settlement": {"report_visible": "realtime"}})).await;
    let lily = bench.signed_in("lily", "zh").await;
    assert!(!lily.get("/promoter/money").await.body.contains("次日零点起"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agency_binds_its_account_and_withdraws() {
    let bench = Bench::new().await;
    settled(&bench, "taobao_live", json!({})).await;
    // Whoever is paid by the month reads when.
    let lily = bench.signed_in("lily", "zh").await;
    let page = lily.get("/promoter/money").await;
    let purse = bench.ok("GET", "/v1/promoters/lily/balance", Value::Null).await[0].clone();
    for part in ["什么时候到账", purse["next_payout_on"].as_str().unwrap()] {
        assert!(page.body.contains(part), "{part} is not in {}", page.body);
    }
    for month in purse["waiting"].as_array().unwrap() {
        assert!(page.body.contains(month["month"].as_str().unwrap()), "{month} is not in {}", page.body);
    }
    bench.pass(70 * DAY_MS);
    sweep(&bench).await;
    let stars = bench.signed_in("stars", "zh").await;
    let page = stars.get("/agency/money").await;
    let talents = stars.get("/agency/talents").await;
    assert!(talents.body.contains("平台 1、机构 2、推广者 7"), "{}", talents.body);
    // Of 10.00 the platform has 1, the agency 2, the promoter 7.
    assert!(page.body.contains("¥2.00") && page.body.contains("请先绑定收款账户"), "{}", page.body);
    let company = !page.body.contains("银行卡") && page.body.contains("企业支付宝的登录账号。");
    assert!(company, "an agency needs a company's account: {}", page.body);
    let to = "/agency/money/account";
    let fields = [("kind", "company_alipay"), ("account", "stars@example.com"), ("holder", "")];
    let refused = stars.submit(&page, to, &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body.contains("href=\"#f-holder\"") && refused.body.contains("value=\"stars@example.com\""),
        "{}",
        refused.body
    );
    let fields = [("kind", "company_alipay"), ("account", "stars@example.com"), ("holder", "星河传媒")];
    assert_eq!(stars.submit(&page, to, &fields).await.location(), "/agency/money?done=bound");

    let page = stars.get("/agency/money?done=bound").await;
    assert!(page.body.contains("星河传媒") && page.body.contains("待核验"), "{}", page.body);
    let withdraw = "/agency/money/withdraw";
    let refused = stars.submit(&page, withdraw, &[("programme", "live"), ("amount_fen", "")]).await;
    assert!(refused.body.contains("还没有通过实名核验"), "{}", refused.body);
    let account = json!({"kind": "company_alipay", "account": "stars@example.com", "holder": "星河传媒"});
    bench.ok("PUT", "/v1/agencies/stars/payout-account", account).await;
    for (typed, words) in [("2.01", "可提现金额不足：目前只有 ¥2.00。"), ("一元", "请填写大于 0 的金额")]
    {
        let refused = stars.submit(&page, withdraw, &[("programme", "live"), ("amount_fen", typed)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(
            refused.body.contains("href=\"#f-amount_fen\"") && refused.body.contains(words),
            "{typed}: {}",
            refused.body
        );
        assert!(refused.body.contains(&format!("value=\"{typed}\"")), "{}", refused.body);
    }
    let page = stars.get("/agency/money").await;
    let fields = [("programme", "live"), ("amount_fen", "1.50")];
    let made = stars.submit(&page, withdraw, &fields).await;
    assert_eq!(made.location(), "/agency/money?done=withdrawn", "{}", made.body);
    // The same form again changes nothing more.
    assert_eq!(stars.submit(&page, withdraw, &fields).await.location(), "/agency/money?done=withdrawn");
    let purse = bench.ok("GET", "/v1/agencies/stars/balance", Value::Null).await[0].clone();
    assert_eq!((&purse["available_fen"], &purse["clearing_fen"]), (&json!(50), &json!(150)), "{purse}");
    let page = stars.get("/agency/money").await;
    assert!(page.body.contains("打款中") && page.body.contains("¥1.50"), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_pays_out_and_takes_in_what_arrived() {
    let bench = Bench::new().await;
    settled(&bench, "taobao_live", json!({"settlement": {"destination": "bound_at_payout"}})).await;
    let boss = bench.signed_in("boss", "zh").await;
    let page = boss.get("/operator/payouts?programme=live").await;
    assert!(page.body.contains("还没有发放过。") && page.body.contains("没有在途款项。"), "{}", page.body);
    let none = boss.submit(&page, "/operator/payouts", &[("programme", "fx")]).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(none.body.contains("没有到期未付的佣金"), "{}", none.body);

    bench.pass(100 * DAY_MS);
    let boss = bench.signed_in("boss", "zh").await;
    let page = boss.get("/operator/payouts?programme=live").await;
    let begun = boss.submit(&page, "/operator/payouts", &[("programme", "live")]).await;
    assert_eq!(begun.location(), "/operator/payouts?programme=live&done=begun", "{}", begun.body);
    assert!(boss.get("/operator/payouts?programme=live").await.body.contains("0 / 2"));
    sweep(&bench).await;
    let page = boss.get("/operator/payouts?programme=live").await;
    // The agency has bound no account: its part stays payable.
    assert!(page.body.contains("2 / 2") && page.body.contains("已完成"), "{}", page.body);
    assert!(page.body.contains("推广者 莉莉 <span class=\"muted id\">lily</span>"), "{}", page.body);
    assert!(page.body.contains("data-label=\"失败\">1<"), "{}", page.body);
    let day = bench.ok("GET", "/v1/payout-runs?programme=live", Value::Null).await["items"][0]["day"].clone();
    let day = day.as_str().unwrap();
    let file = boss.get(&format!("/operator/payouts/file?programme=live&day={day}")).await;
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    assert!(file.body.contains(",promoter/lily,alipay,lily@example.com,莉莉,7.00,clearing"), "{}", file.body);
    // What nobody has said has arrived is listed, and has a file of its own.
    assert!(!page.body.contains("没有在途款项。"), "{}", page.body);
    let sent = boss.get("/operator/payouts/file?programme=live").await;
    assert_eq!(sent.body, file.body);
    for nonsense in ["?programme=live&day=soon", "?day=2024-05-15", ""] {
        let page = boss.get(&format!("/operator/payouts/file{nonsense}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{nonsense}");
    }

    let id = file.body.lines().nth(1).unwrap().split(',').next().unwrap();
    let word = async |typed: &str| {
        let fields = [("programme", "live"), ("arrivals", typed)];
        boss.submit(
            &boss.get("/operator/payouts?programme=live").await,
            "/operator/payouts/arrivals",
            &fields,
        )
        .await
    };
    let half = format!("{id},paid\nnobody,paid");
    for (typed, words) in [
        ("", "请至少填写一行。"),
        ("x,maybe", "这一行看不懂：x,maybe"),
        (half.as_str(), "没有这笔发放：nobody。"),
    ] {
        let refused = word(typed).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(refused.body.contains(words) && refused.body.contains(typed), "{typed}: {}", refused.body);
    }
    let purse = async || bench.ok("GET", "/v1/promoters/lily/balance", Value::Null).await[0].clone();
    assert_eq!(purse().await["clearing_fen"], 700, "all lines are taken in, or none");
    let taken = word(&format!("{id},paid")).await;
    assert_eq!(taken.location(), "/operator/payouts?programme=live&done=arrived", "{}", taken.body);
    assert_eq!(purse().await["clearing_fen"], 0);
    let page = boss.get("/operator/payouts?programme=live").await;
    assert!(page.body.contains("没有在途款项。"), "{}", page.body);
    let refused = word(&format!("{id},returned,no such account")).await;
    assert!(refused.body.contains("这笔发放已经有了结果"), "{}", refused.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_refund_is_recovered() {
    let bench = Bench::new().await;
    let now = bench.core.now().millis();
    let rule = json!({"name": "spring", "category": "food", "settled": {"from": 0}, "refund_initiated": {"from": 0},
        "compensated_at": now + 30 * DAY_MS});
    settled(&bench, "distributor1688", json!({"refund_batches": [rule]})).await;
    let refund = json!({"events": [{"type": "refunded", "platform": "1688", "order": "o/1", "refund_id": "r 1",
        "at": bench.core.now().millis(), "credit_part": "spent", "lines": [{"line": "1", "amount_fen": 9_000}]}]});
    let taken = bench.ok("POST", "/v1/orders/events", refund).await;
    assert_eq!(taken["accepted"], 1, "{taken}");
    sweep(&bench).await;

    let shop = bench.signed_in("shop", "zh").await;
    let page = shop.get("/merchant/disputes").await;
    assert!(page.body.contains("o/1") && page.body.contains("¥9.00"), "{}", page.body);
    assert!(shop.get("/merchant/disputes?order=other").await.body.contains("没有这样的退款。"));

    let boss = bench.signed_in("boss", "zh").await;
    let here = "/operator/merchants/m1/disputes/1688/o%2F1/1/r%201";
    assert!(boss.get("/operator/merchants/m1/disputes").await.body.contains(here));
    let missing = boss.get("/operator/merchants/m1/disputes/1688/o%2F1/1/r2").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let page = boss.get(here).await;
    assert!(page.body.contains("value=\"9.00\""), "{}", page.body);
    for name in ["直播 <span class=\"muted id\">live</span>", "· 山里茶行</a>"] {
        assert!(page.body.contains(name), "{name}: {}", page.body);
    }
    for (amount, reference, field, words) in [
        ("x", "c1", "amount_fen", "请填写大于 0 的金额"),
        ("9.01", "c1", "amount_fen", "还欠 ¥9.00"),
        ("5", "", "reference", "请填写这一项。"),
    ] {
        let fields = [("amount_fen", amount), ("reference", reference), ("paid_in", "yes")];
        let refused = boss.submit(&page, here, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{amount}: {}", refused.body);
        assert!(
            refused.body.contains(&format!("href=\"#f-{field}\"")) && refused.body.contains(words),
            "{amount} {reference}: {}",
            refused.body
        );
    }
    let page = boss.get(here).await;
    let booked =
        boss.submit(&page, here, &[("amount_fen", "4"), ("reference", "c1"), ("paid_in", "yes")]).await;
    assert_eq!(booked.location(), format!("{here}?done=recovered"), "{}", booked.body);
    let record = async || bench.ok("GET", "/v1/disputes?merchant=m1", Value::Null).await["items"][0].clone();
    assert_eq!(record().await["recovered_fen"], 400);
    let page = boss.get(here).await;
    assert!(page.body.contains("value=\"5.00\""), "what is missing now is offered: {}", page.body);
    let marked = boss.submit(&page, &format!("{here}/broken-rules"), &[]).await;
    assert_eq!(marked.location(), format!("{here}?done=rules_broken"), "{}", marked.body);
    bench.pass(31 * DAY_MS);
    sweep(&bench).await;
    assert_eq!(record().await["state"], "rules_broken");
    let boss = bench.signed_in("boss", "zh").await;
    let page = boss.get(here).await;
    assert!(page.body.contains("商家违规") && !page.body.contains("f-amount_fen"), "{}", page.body);
}
