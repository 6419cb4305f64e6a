//! What a merchant and an operator do: products stop and go on, promoters are approved, money comes in and goes out.

use crate::bench::{Bench, Page};
use http::StatusCode;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_product_is_made_withdrawn_and_taken_up_again() {
    let bench = Bench::new().await;
    let shop = bench.signed_in("shop", "zh").await;
    let page = shop.get("/merchant/products/new").await;
    let tray =
        [("id", "tray"), ("title", "竹茶盘"), ("url", "https://shop.example.com/2"), ("price_fen", "59.9x")];
    let refused = shop.submit(&page, "/merchant/products/new", &tray).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    assert!(
        refused.body.contains("href=\"#f-price_fen\"") && refused.body.contains("竹茶盘"),
        "{}",
        refused.body
    );
    let tray = [("id", "tray 1"), ("title", "竹茶盘"), ("url", "https://shop.example.com/2")];
    let refused = shop.submit(&page, "/merchant/products/new", &tray).await;
    assert!(refused.body.contains("href=\"#f-id\"") && refused.body.contains("tray 1"), "{}", refused.body);
    let tray =
        [("id", "tray"), ("title", "竹茶盘"), ("url", "https://shop.example.com/2"), ("price_fen", "59.90")];
    let made = shop.submit(&page, "/merchant/products/new", &tray).await;
    assert_eq!(made.location(), "/merchant/products/tray?done=product", "{}", made.body);
    let again = shop.submit(&page, "/merchant/products/new", &tray).await;
    assert!(again.body.contains("这个编号已经用过了"), "{}", again.body);
    // Only a shop without products is told how to begin.
    let begins =
        |page: &Page| page.body.contains("还没有商品。") && page.body.contains("href=\"/merchant/import\"");
    let rival = bench.rival().await;
    assert!(begins(&rival.get("/merchant/overview").await));
    assert!(!begins(&shop.get("/merchant/overview").await));
    // All that is wrong is told at once, each beside its field.
    let both =
        [("id", "tray"), ("title", "竹茶盘"), ("url", "https://shop.example.com/2"), ("price_fen", "x")];
    let refused = shop.submit(&page, "/merchant/products/new", &both).await;
    assert!(
        refused.body.contains("id=\"e-id\"") && refused.body.contains("id=\"e-price_fen\""),
        "{}",
        refused.body
    );
    let page = shop.get("/merchant/products/tray").await;
    let all = [("title", " "), ("url", "ftp://shop"), ("price_fen", "59.90"), ("category", "none")];
    let refused = shop.submit(&page, "/merchant/products/tray", &all).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    for field in ["title", "url", "category"] {
        assert!(refused.body.contains(&format!("id=\"e-{field}\"")), "{field}: {}", refused.body);
    }

    let state = async || {
        let product = bench.ok("GET", "/v1/products/tray", Value::Null).await;
        product["reason"].as_str().map(str::to_owned)
    };
    for (step, done, expected) in [
        ("cancel-promotion", "cancelled", Some("promotion_cancelled")),
        ("promote", "promoted", None),
        ("delist", "delisted", Some("product_delisted")),
        ("relist", "relisted", None),
    ] {
        let page = shop.get("/merchant/products/tray").await;
        assert!(page.body.contains(&format!("/merchant/products/tray/{step}")), "{step}: {}", page.body);
        let back = [("back", "/merchant/products/tray?done=saved")];
        let taken = shop.submit(&page, &format!("/merchant/products/tray/{step}"), &back).await;
        assert_eq!(taken.location(), format!("/merchant/products/tray?done={done}"), "{}", taken.body);
        assert_eq!(state().await.as_deref(), expected, "{step}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merchant_chooses_a_category_and_makes_none_by_a_slip_of_the_pen() {
    let bench = Bench::new().await;
    bench.ok("PUT", "/v1/categories/tea", json!({"name": "茶叶"})).await;
    let shop = bench.signed_in("shop", "zh").await;
    let page = shop.get("/merchant/products/cup").await;
    assert!(page.body.contains("<option value=\"tea\">茶叶</option>"), "{}", page.body);
    let fields = |category| [("title", "杯"), ("url", "https://shop.example.com/1"), ("category", category)];
    let refused = shop.submit(&page, "/merchant/products/cup", &fields("tae")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body.contains("id=\"e-category\"") && refused.body.contains("没有这个类目：tae"),
        "{}",
        refused.body
    );
    let saved = shop.submit(&page, "/merchant/products/cup", &fields("tea")).await;
    assert_eq!(saved.location(), "/merchant/products/cup?done=saved", "{}", saved.body);
    assert!(shop.get("/merchant/products/cup").await.body.contains("<option value=\"tea\" selected>"));
    let all = bench.ok("GET", "/v1/categories", Value::Null).await;
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "{all}");
    // Operators make one with the first product that has it.
    let other =
        json!({"merchant": "m1", "title": "壶", "url": "https://shop.example.com/2", "category": "pots"});
    bench.ok("PUT", "/v1/products/pot", other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_changes_a_price_keeps_the_picture() {
    let bench = Bench::new().await;
    let picture = "https://img.shop.example.com/cup.jpg";
    let cup = json!({"merchant": "m1", "title": "保温杯", "url": "https://shop.example.com/1", "price_fen": 9_900,
        "image_url": picture, "pass_query": true});
    bench.ok("PUT", "/v1/products/cup", cup).await;
    let shop = bench.signed_in("shop", "zh").await;
    let page = shop.get("/merchant/products/cup").await;
    assert!(page.body.contains(picture) && page.body.contains("value=\"yes\" checked"), "{}", page.body);
    let mut fields = vec![("title", "保温杯"), ("url", "https://shop.example.com/1"), ("price_fen", "89")];
    let wrong = [fields.clone(), vec![("image_url", "cup.jpg")]].concat();
    let refused = shop.submit(&page, "/merchant/products/cup", &wrong).await;
    assert!(
        refused.body.contains("href=\"#f-image_url\"") && refused.body.contains("cup.jpg"),
        "{}",
        refused.body
    );
    fields.extend([("image_url", picture), ("pass_query", "yes")]);
    let saved = shop.submit(&page, "/merchant/products/cup", &fields).await;
    assert_eq!(saved.location(), "/merchant/products/cup?done=saved", "{}", saved.body);
    let cup = bench.ok("GET", "/v1/products/cup", Value::Null).await;
    assert_eq!((&cup["price_fen"], &cup["image_url"]), (&json!(8_900), &json!(picture)));
    assert_eq!(cup["pass_query"], json!(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_products_names_every_line_that_is_wrong() {
    let bench = Bench::new().await;
    let shop = bench.signed_in("shop", "en").await;
    let page = shop.get("/merchant/import").await;
    let send = async |csv: &str| shop.submit(&page, "/merchant/import", &[("csv", csv)]).await;
    let unreadable = send("id,title,url,price_fen\na,Tea,https://shop.example.com/a,12\nb,Cup,https://shop.example.com/b,dear\n").await;
    assert_eq!(unreadable.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        unreadable.body.contains("Line 3: ") && !unreadable.body.contains("Line 2: "),
        "{}",
        unreadable.body
    );
    assert!(unreadable.body.contains("price_fen: dear cannot be read."), "{}", unreadable.body);
    let both = send(
        "id,title,url,price_fen\na,,https://shop.example.com/a,12\nb,Cup,https://shop.example.com/b,dear\n",
    )
    .await;
    for words in ["Line 2: title: ", "Line 3: price_fen: "] {
        assert!(both.body.contains(words), "{words}: {}", both.body);
    }
    assert!(shop.get("/merchant/products/a").await.status == StatusCode::NOT_FOUND, "nothing is half done");
    // As a browser sends it: each line ends in two characters.
    let crlf = send("id,title,url,price_fen\r\na,Tea,https://shop.example.com/a,dear\r\nb,Cup\r\n").await;
    assert!(
        crlf.body.contains("Line 2: price_fen") && crlf.body.contains("Line 3: It has another"),
        "{}",
        crlf.body
    );
    let columns = send("id,title,prize\na,Tea,12\n").await;
    for words in ["There is no column prize.", "The column url is missing."] {
        assert!(columns.body.contains(words), "{words}: {}", columns.body);
    }
    let refused = send(
        "id,title,url,price_fen\na,Tea,https://shop.example.com/a,12\nb,,https://shop.example.com/b,5\na,Tea,x,-1\n",
    )
    .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for words in ["Line 3: title: ", "Line 4: id: "] {
        assert!(refused.body.contains(words), "{words}: {}", refused.body);
    }
    assert!(shop.get("/merchant/products/a").await.status == StatusCode::NOT_FOUND, "nothing is half done");
    let lines: String = (0..60).map(|n| format!("p{n},,https://shop.example.com/a\n")).collect();
    let long = send(&format!("id,title,url\n{lines}")).await;
    assert!(long.body.contains("Line 51: ") && long.body.contains("And 10 more lines."), "{}", long.body);
    let whole = send(
        "id,title,url,price_fen\na,Tea,https://shop.example.com/a,12\nb,Cup,https://shop.example.com/b,5\n",
    )
    .await;
    assert_eq!(whole.location(), "/merchant/import?saved=2", "{}", whole.body);
    assert!(shop.get(whole.location()).await.body.contains("Saved: 2."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_are_previewed_and_put_in_force() {
    let bench = Bench::new().await;
    let shop = bench.signed_in("shop", "zh").await;
    let page = shop.get("/merchant/programmes/new").await;
    let fields = [("name", "本店推广"), ("id", "own"), ("preset", "distributor1688")];
    let made = shop.submit(&page, "/merchant/programmes/new", &fields).await;
    assert_eq!(made.location(), "/merchant/programmes/own?done=programme", "{}", made.body);
    let page = shop.get("/merchant/programmes/own").await;
    assert!(page.body.contains("关系在最后一次点击后保留 15 天。"), "{}", page.body);
    let page = shop.get("/merchant/programmes/own/rules").await;
    let to = "/merchant/programmes/own/rules";
    let week = r#"{"attribution": {"validity": {"from_last_click": "7d"}}}"#;
    let preview = shop.submit(&page, to, &[("policy", week), ("do", "preview")]).await;
    assert!(preview.body.contains("7 天") && preview.body.contains("还没有生效"), "{}", preview.body);
    assert!(
        shop.get("/merchant/programmes/own").await.body.contains("保留 15 天"),
        "a preview changes nothing"
    );
    for wrong in ["{", r#"{"attribution": {"nonsense": 1}}"#] {
        let refused = shop.submit(&page, to, &[("policy", wrong)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        assert!(refused.body.contains("href=\"#f-policy\""), "{}", refused.body);
    }
    let put = shop.submit(&page, to, &[("policy", week)]).await;
    assert_eq!(put.location(), "/merchant/programmes/own?done=rules", "{}", put.body);
    assert!(shop.get("/merchant/programmes/own").await.body.contains("保留 7 天"));
    // A platform's rules are not a merchant's to change.
    assert_eq!(shop.get("/merchant/programmes/fx/rules").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoter_applies_and_is_approved_and_told() {
    let bench = Bench::new().await;
    let own = json!({"merchant": "m1", "name": "本店", "preset": "youzan_short",
        "policy": {"commission": {"plan_precedence": ["approved_targeted", "general"]}}});
    bench.ok("PUT", "/v1/programmes/own", own).await;
    let shop = bench.signed_in("shop", "zh").await;
    let page = shop.get("/merchant/plans").await;
    let mut plan = vec![("name", "金牌"), ("id", "gold"), ("programme", "own"), ("approval", "manual")];
    let refused =
        shop.submit(&page, "/merchant/plans", &[plan.clone(), vec![("rate", "101")]].concat()).await;
    assert!(refused.body.contains("href=\"#f-rate\""), "{}", refused.body);
    plan.push(("rate", "20"));
    let made = shop.submit(&page, "/merchant/plans", &plan).await;
    assert_eq!(made.location(), "/merchant/plans?done=plan", "{}", made.body);

    let lily = bench.signed_in("lily", "zh").await;
    let page = lily.get("/promoter/plans").await;
    // What the plan pays, before anybody applies.
    assert!(page.body.contains("20% · ") && page.body.contains("山里茶行"), "{}", page.body);
    let applied = lily.submit(&page, "/promoter/plans/gold/apply", &[]).await;
    assert_eq!(applied.location(), "/promoter/plans?done=applied", "{}", applied.body);
    assert!(lily.get("/promoter/plans").await.body.contains("待审核"));
    assert!(shop.get("/merchant/overview").await.body.contains("<a href=\"/merchant/plans\">1</a>"));
    let page = shop.get("/merchant/plans/gold?state=pending").await;
    assert!(page.body.contains("莉莉") && page.body.contains("金牌"), "{}", page.body);
    assert!(page.body.contains("佣金比例") && page.body.contains(">20%<"), "{}", page.body);
    let approved = shop.submit(&page, "/merchant/plans/gold/approve", &[("promoter", "lily")]).await;
    assert_eq!(approved.location(), "/merchant/plans/gold?done=approved", "{}", approved.body);
    // The notice is counted in the navigation until it is read.
    let page = lily.get("/promoter/notices").await;
    assert!(
        page.body.contains("<span class=\"count\">1</span>") && page.body.contains("已通过"),
        "{}",
        page.body
    );
    let through = page.hidden("through");
    lily.submit(&page, "/promoter/notices/read", &[("through", &through)]).await;
    assert!(!lily.get("/promoter/notices").await.body.contains("class=\"count\""));
    // An approval that is withdrawn is no refusal.
    let page = shop.get("/merchant/plans/gold").await;
    assert!(page.body.contains("name=\"approved\" value=\"yes\""), "{}", page.body);
    let fields = [("promoter", "lily"), ("approved", "yes")];
    let taken = shop.submit(&page, "/merchant/plans/gold/reject", &fields).await;
    assert_eq!(taken.location(), "/merchant/plans/gold?done=taken_back", "{}", taken.body);
    for (path, words) in
        [("/promoter/plans", "已取消资格"), ("/promoter/notices", "商家已取消您参加的计划：金牌")]
    {
        assert!(lily.get(path).await.body.contains(words), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merchant_sets_a_categorys_rate_and_one_from_a_later_day_and_closes_a_plan() {
    let bench = Bench::new().await;
    let own = json!({"merchant": "m1", "name": "本店", "preset": "youzan_short",
                     "policy": {"commission": {"plan_precedence": ["approved_targeted", "general"]}}});
    bench.ok("PUT", "/v1/programmes/own", own).await;
    bench.ok("PUT", "/v1/categories/tea", json!({"name": "茶叶"})).await;
    bench.ok("PUT", "/v1/categories/green", json!({"name": "绿茶", "parent": "tea"})).await;
    let shop = bench.signed_in("shop", "zh").await;
    let to = "/merchant/programmes/own/rates";
    let page = shop.get(to).await;
    assert!(page.body.contains("<option value=\"green\">\u{3000}绿茶</option>"), "{}", page.body);
    for (wrong, field, words) in [
        (("product", "cup"), "rate", "商品、类目、店铺只能填一个。"),
        (("from", "2020-01-01"), "from", "只能从明天或以后开始"),
        (("from", "soon"), "from", "请填写日期"),
    ] {
        let refused = shop.submit(&page, to, &[("rate", "6"), ("category", "tea"), wrong]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
        let beside = format!("id=\"e-{field}\"");
        assert!(
            refused.body.contains(&beside) && refused.body.contains(words),
            "{wrong:?}: {}",
            refused.body
        );
    }
    // Whatever is wrong is told beside its field, by whichever place in the list the API names it.
    let both = [("rate", "6"), ("product", "nothing"), ("class", "new")];
    let refused = shop.submit(&page, to, &both).await;
    for field in ["product", "class"] {
        assert!(refused.body.contains(&format!("href=\"#f-{field}\"")), "{field}: {}", refused.body);
    }
    let later = [("rate", "6"), ("category", "tea"), ("from", "2090-01-31")];
    let set = shop.submit(&page, to, &later).await;
    assert_eq!(set.location(), format!("{to}?done=rate"), "{}", set.body);
    let listed = shop.get(to).await;
    for words in ["类目 茶叶", ">6%<", "2090-01-31 00:00"] {
        assert!(listed.body.contains(words), "{words}: {}", listed.body);
    }
    // A platform's programme is for all shops: there a category is not one merchant's to set.
    assert!(!shop.get("/merchant/programmes/fx/rates").await.body.contains("name=\"category\""));

    let plan =
        [("name", "金牌"), ("id", "gold"), ("programme", "own"), ("approval", "manual"), ("rate", "20")];
    shop.submit(&shop.get("/merchant/plans").await, "/merchant/plans", &plan).await;
    let page = shop.get("/merchant/plans/gold").await;
    let set =
        shop.submit(&page, "/merchant/plans/gold/rates", &[("rate", "25"), ("category", "green")]).await;
    assert_eq!(set.location(), "/merchant/plans/gold?done=rate", "{}", set.body);
    let page = shop.get("/merchant/plans/gold").await;
    assert!(page.body.contains("类目 绿茶") && page.body.contains(">25%<"), "{}", page.body);
    let refused = shop.submit(&page, "/merchant/plans/gold/close", &[("at", "2020-01-01")]).await;
    assert!(refused.body.contains("id=\"e-at\""), "{}", refused.body);
    bench.pass(1_000);
    let closed = shop.submit(&page, "/merchant/plans/gold/close", &[]).await;
    assert_eq!(closed.location(), "/merchant/plans/gold?done=plan_closed", "{}", closed.body);
    let page = shop.get("/merchant/plans/gold").await;
    assert!(page.body.contains("这个计划已经结束") && !page.body.contains("/close"), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_comes_in_on_an_operators_word_alone() {
    let bench = Bench::new().await;
    let boss = bench.signed_in("boss", "zh").await;
    let page = boss.get("/operator/merchants/m1").await;
    let refused =
        boss.submit(&page, "/operator/merchants/m1", &[("amount_fen", "0"), ("reference", "bank 1")]).await;
    assert!(refused.body.contains("href=\"#f-amount_fen\""), "{}", refused.body);
    let fields = [("amount_fen", "92233720368547758"), ("reference", "bank 1")];
    let refused = boss.submit(&page, "/operator/merchants/m1", &fields).await;
    assert!(refused.body.contains("最多 ¥1,000,000,000.00。"), "{}", refused.body);
    let fields = [("amount_fen", "1,234.56"), ("reference", "bank 1")];
    let booked = boss.submit(&page, "/operator/merchants/m1", &fields).await;
    assert_eq!(booked.location(), "/operator/merchants/m1?done=topped_up", "{}", booked.body);
    let page = boss.get("/operator/merchants/m1").await;
    let other = [("amount_fen", "2000"), ("reference", "bank 1")];
    let refused = boss.submit(&page, "/operator/merchants/m1", &other).await;
    assert!(refused.body.contains("id=\"e-reference\""), "{}", refused.body);
    let shop = bench.signed_in("shop", "zh").await;
    let balance = shop.get("/merchant/balance").await;
    assert!(balance.body.contains("¥1,234.56") && balance.body.contains("bank 1"), "{}", balance.body);
    let tried = shop.submit(&page_of(&shop).await, "/operator/merchants/m1", &fields).await;
    assert_eq!(tried.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_makes_a_promoter_and_suspends_one() {
    let bench = Bench::new().await;
    let boss = bench.signed_in("boss", "zh").await;
    let page = boss.get("/operator/promoters").await;
    let taken = boss.submit(&page, "/operator/promoters", &[("id", "lily"), ("name", "别人")]).await;
    assert!(taken.body.contains("href=\"#f-id\"") && taken.body.contains("别人"), "{}", taken.body);
    let fields = [("id", "mei"), ("name", "阿梅"), ("agency", "")];
    let made = boss.submit(&page, "/operator/promoters", &fields).await;
    assert_eq!(made.location(), "/operator/promoters/mei?done=promoter", "{}", made.body);

    let of = "/operator/promoters/mei";
    let state = async || bench.ok("GET", "/v1/promoters/mei", Value::Null).await["disabled"].clone();
    for (step, what, disabled) in
        [("disable", "promoter_disabled", true), ("enable", "promoter_enabled", false)]
    {
        let page = boss.get(of).await;
        let done = boss.submit(&page, &format!("{of}/{step}"), &[]).await;
        assert_eq!(done.location(), format!("{of}?done={what}"), "{}", done.body);
        assert_eq!(state().await, disabled, "{step}");
    }
    assert_eq!(
        boss.submit(&boss.get(of).await, &format!("{of}/remove"), &[]).await.status,
        StatusCode::NOT_FOUND
    );
}

async fn page_of(browser: &crate::bench::Browser<'_>) -> Page {
    browser.get("/merchant/tokens").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_reads_is_offered_and_changes_nothing_in_the_console_either() {
    let bench = Bench::new().await;
    let shop = bench.signed_in("shop", "zh").await;
    let page = shop.get("/merchant/tokens").await;
    let made = shop.submit(&page, "/merchant/tokens", &[("label", "BI"), ("reads_only", "yes")]).await;
    let page = shop.get(made.location()).await;
    assert!(page.body.matches("商家（只读）").count() == 2, "in the list and in the form: {}", page.body);
    let issued = bench
        .ok("POST", "/v1/tokens", json!({"role": "merchant", "subject": "m1", "reads_only": true}))
        .await;
    let reader = bench.browser("zh");
    let signed_in = reader.post("/sign-in", &[("token", issued["token"].as_str().unwrap())]).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER, "{}", signed_in.body);
    let page = reader.get("/merchant/products/cup").await;
    let fields = [("title", "杯"), ("url", "https://shop.example.com/1")];
    let refused = reader.submit(&page, "/merchant/products/cup", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("这个令牌只能查看，不能修改。"), "{}", refused.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_shown_once_and_taken_away() {
    let bench = Bench::new().await;
    let shop = bench.signed_in("shop", "en").await;
    let page = shop.get("/merchant/tokens").await;
    let made = shop.submit(&page, "/merchant/tokens", &[("label", "ERP")]).await;
    assert_eq!(made.location(), "/merchant/tokens?done=token", "{}", made.body);
    let elsewhere = shop.get("/merchant/webhooks").await;
    assert!(!elsewhere.body.contains("id=\"secret\""), "the secret is for its own page");
    let shown = shop.get(made.location()).await;
    let (_, rest) = shown.body.split_once("id=\"secret\" type=\"text\" readonly value=\"").unwrap();
    let secret = rest.split('"').next().unwrap();
    let listed = shop.get(made.location()).await;
    assert_eq!(listed.body.matches("/revoke\"").count(), 1, "a reload makes no other");
    assert!(listed.body.contains("ERP") && !listed.body.contains(secret), "{}", listed.body);
    let browser = bench.browser("en");
    assert_eq!(browser.post("/sign-in", &[("token", secret)]).await.location(), "/merchant/overview");
    let (_, rest) = listed.body.split_once("action=\"/merchant/tokens/").unwrap();
    let name = rest.split('/').next().unwrap();
    let revoked = shop.submit(&listed, &format!("/merchant/tokens/{name}/revoke"), &[]).await;
    assert_eq!(revoked.location(), "/merchant/tokens?done=revoked", "{}", revoked.body);
    assert_eq!(browser.get("/merchant/overview").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_asks_without_pause_has_to_wait_and_others_do_not() {
    let bench = Bench::new().await;
    let lily = bench.signed_in("lily", "en").await;
    let mut refused = None;
    // The clock stands still: nothing flows back.
    for _ in 0..200 {
        let page = lily.get("/account").await;
        if page.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(page);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.headers["retry-after"], "1");
    let amei = bench.signed_in("amei", "en").await;
    assert_eq!(amei.get("/account").await.status, StatusCode::OK);
    bench.pass(1_000);
    assert_eq!(lily.get("/account").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_says_which_browsers_need_a_page_in_between() {
    let bench = Bench::new().await;
    let shop = bench.signed_in("shop", "zh").await;
    let page = shop.get("/merchant/shop").await;
    assert!(!page.body.contains(" checked"), "{}", page.body);
    let whole = |changed: (&'static str, &'static str)| {
        let fields = [
            ("name", "山里茶行"),
            ("shop_url", "https://shop.example.com/"),
            ("hosts", "example.com\nexample.org"),
            ("click_param", "yk_click"),
            ("ios", "taobao://{address}"),
            ("android", "tbopen://m.taobao.com/?h5Url={url}"),
            ("not_in", "wechat"),
            ("not_in", "douyin"),
            ("history_known_from", "2020-06-01"),
        ];
        fields.map(|field| if field.0 == changed.0 { changed } else { field })
    };
    for (field, typed, words) in [
        ("name", "", "请填写这一项。"),
        ("shop_url", "https://elsewhere.example.net/", "elsewhere.example.net"),
        ("shop_url", "shop", "请填写以 https:// 开头的完整网址"),
        ("hosts", "not a host?", "不是域名"),
        ("click_param", "a b", "只能使用字母、数字"),
        ("ios", "javascript:alert(1)", "需要以 App 的协议开头"),
        ("ios", "taobao://{adress}", "只能使用 {url} 和 {address}"),
        ("android", "taobao://a b", "含有不能出现在网址里的字符"),
        ("history_known_from", "soon", "日期"),
    ] {
        let refused = shop.submit(&page, "/merchant/shop", &whole((field, typed))).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {typed}: {}", refused.body);
        assert!(
            refused.body.contains(&format!("href=\"#f-{field}\"")) && refused.body.contains(words),
            "{field} {typed}: {}",
            refused.body
        );
        // What was ticked stays ticked.
        assert!(refused.body.contains("value=\"wechat\" checked"), "{}", refused.body);
        assert!(!refused.body.contains("value=\"qq\" checked"), "{}", refused.body);
    }
    let stored = async || bench.ok("GET", "/v1/merchants/m1", Value::Null).await;
    assert_eq!(stored().await.get("app_page"), None, "nothing is half done");
    let saved = shop.submit(&page, "/merchant/shop", &whole(("", ""))).await;
    assert_eq!(saved.location(), "/merchant/shop?done=saved", "{}", saved.body);
    let of = stored().await;
    assert_eq!(of["platform"], "1688");
    assert_eq!(of["hosts"], json!(["example.com", "example.org"]));
    assert_eq!(
        of["app_page"],
        json!({"ios": "taobao://{address}", "android": "tbopen://m.taobao.com/?h5Url={url}",
            "not_in": ["wechat", "douyin"]})
    );
    // From the midnight in Asia/Shanghai at which the day begins.
    assert_eq!(of["history_known_from"], 1_590_940_800_000_i64);
    let page = shop.get("/merchant/shop").await;
    assert!(page.body.contains("value=\"douyin\" checked"), "{}", page.body);
    assert!(page.body.contains("value=\"2020-06-01\""), "{}", page.body);
    // With nothing ticked and no app there is no page in between.
    let fields = [("name", "山里茶行"), ("click_param", "yk_click")];
    assert_eq!(shop.submit(&page, "/merchant/shop", &fields).await.location(), "/merchant/shop?done=saved");
    assert_eq!(stored().await.get("app_page"), None);
    assert_eq!(stored().await.get("history_known_from"), None, "an emptied day ends it");
}
