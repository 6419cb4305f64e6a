//! From a product to a QR code, and the other forms of a promoter: what they do, and what they keep when refused.

use crate::bench::Bench;
use http::StatusCode;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_qr_code_is_three_steps_from_signing_in() {
    let bench = Bench::new().await;
    bench.ok("POST", "/v1/rates", json!({"programme": "fx", "rates": [{"bp": 1_250}]})).await;
    bench.core.maintain(bench.core.now()).await.unwrap();
    let lily = bench.signed_in("lily", "zh").await;
    let library = lily.get("/promoter/products?q=保温杯").await;
    for part in ["316不锈钢保温杯", "山里茶行", "¥99.00", "12.5%"] {
        assert!(library.body.contains(part), "{part}: {}", library.body);
    }
    let made = lily.submit(&library, "/promoter/products/cup/promote", &[]).await;
    let link = made.location().to_owned();
    assert!(link.starts_with("/promoter/links/"), "{}", made.body);
    let page = lily.get(&link).await;
    assert!(page.body.contains("<svg") && page.body.contains("https://go.example.com/"), "{}", page.body);
    let png = lily.get(&format!("{link}/qr.png")).await;
    assert_eq!(png.headers["content-type"], "image/png");
    assert!(png.headers["content-disposition"].to_str().unwrap().starts_with("attachment;"));
    let svg = lily.get(&format!("{link}/qr.svg")).await;
    assert!(svg.body.starts_with("<svg"), "{}", svg.body);

    // What the code has no room for is told beside the size, with the least that would do; nothing leads to a dead end.
    let small = lily.get(&format!("{link}?size=110&quiet=16&level=h")).await;
    assert!(
        small.body.contains("id=\"e-size\"") && !small.body.contains("qr.png?size=110"),
        "{}",
        small.body
    );
    let room = lily.get(&format!("{link}?size=180&quiet=16&level=h")).await;
    assert!(room.body.contains("qr.png?size=180"), "{}", room.body);
    assert_eq!(lily.get(&format!("{link}/qr.png?size=180&quiet=16&level=h")).await.status, StatusCode::OK);

    // Asking again gets the same link; others do not see it.
    let again = lily.submit(&library, "/promoter/products/cup/promote", &[]).await;
    assert_eq!(again.location(), link);
    let amei = bench.signed_in("amei", "zh").await;
    for path in [link.clone(), format!("{link}/qr.png")] {
        assert_eq!(amei.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert!(lily.get("/promoter/links").await.body.contains("316不锈钢保温杯"));

    // Who has a placement in the programme gets no other one, and the first one bears the programme's name.
    let own = async |of: &str| {
        let own = bench.ok("GET", &format!("/v1/promoters/{of}/placements"), Value::Null).await;
        own["items"].as_array().unwrap().iter().map(|of| of["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(own("lily").await, [json!("1688分销客")]);
    let named = json!({"id": "amei.tea", "programme": "fx", "name": "茶友群"});
    bench.ok("POST", "/v1/promoters/amei/placements", named).await;
    let page = amei.get("/promoter/products").await;
    amei.submit(&page, "/promoter/products/cup/promote", &[]).await;
    assert_eq!(own("amei").await, [json!("茶友群")]);

    // Another product of the same page has a link of its own.
    let product =
        json!({"merchant": "m1", "title": "竹茶盘", "url": "https://shop.example.com/2", "price_fen": 5_900});
    bench.ok("PUT", "/v1/products/tray", product).await;
    let other = lily.submit(&library, "/promoter/products/tray/promote", &[]).await;
    assert!(other.location().starts_with("/promoter/links/"), "{} {}", other.status, other.body);
    assert_ne!(other.location(), link);

    // Once the merchant cancels, the link is dead and says why.
    bench.ok("POST", "/v1/products/cup/cancel-promotion", json!({})).await;
    let links = lily.get("/promoter/links").await;
    assert!(links.body.contains("失效") && links.body.contains("商家已取消推广"), "{}", links.body);
    let promoted = lily.get("/promoter/promoted").await;
    assert!(
        promoted.body.contains("316不锈钢保温杯") && promoted.body.contains("竹茶盘"),
        "{}",
        promoted.body
    );
    let dead = lily.get("/promoter/promoted?dead=true").await;
    for words in ["316不锈钢保温杯", "商家已取消推广", "1 条链接", "/promoter/links?product=cup"]
    {
        assert!(dead.body.contains(words), "{words}: {}", dead.body);
    }
    assert!(!dead.body.contains("竹茶盘") && !dead.body.contains("cup/promote"), "{}", dead.body);
    let page = lily.get(&link).await;
    assert!(page.body.contains("失效") && page.body.contains("商家已取消推广"), "{}", page.body);
    for offered in ["<svg", "qr.png", "poster.svg", "data-copy", "佣金就归您"] {
        assert!(!page.body.contains(offered), "{offered}: {}", page.body);
    }
    let refused = lily.submit(&library, "/promoter/products/cup/promote", &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body.contains("role=\"alert\"") && refused.body.contains("商家已取消推广"),
        "{}",
        refused.body
    );

    // Whoever may not promote reads why, and not that something went wrong.
    let library = lily.get("/promoter/products").await;
    bench.ok("POST", "/v1/promoters/lily/disable", json!({})).await;
    let offers = lily.get("/promoter/products").await;
    assert!(offers.body.contains("您的推广资格自") && !offers.body.contains("/promote\""), "{}", offers.body);
    assert!(lily.get("/promoter/notices").await.body.contains("您的推广资格已暂停"));
    let refused = lily.submit(&library, "/promoter/products/tray/promote", &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    assert!(refused.body.contains("推广资格已暂停。"), "{}", refused.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_of_the_console_are_shared_under_the_badge() {
    let bench = Bench::new().await;
    bench
        .ok(
            "PUT",
            "/v1/programmes/own",
            json!({"merchant": "m1", "name": "本店", "preset": "youzan_permanent"}),
        )
        .await;
    bench.ok("POST", "/v1/rates", json!({"programme": "own", "rates": [{"bp": 2_000}]})).await;
    bench.core.maintain(bench.core.now()).await.unwrap();
    bench
        .ok(
            "PUT",
            "/v1/merchants/m1",
            json!({"platform": "1688", "name": "山里茶行", "shop_url": "https://shop.example.com/"}),
        )
        .await;
    let lily = bench.signed_in("lily", "zh").await;
    let library = lily.get("/promoter/products").await;
    let made = lily.submit(&library, "/promoter/products/cup/promote", &[]).await;
    let code = made.location().trim_start_matches("/promoter/links/").to_owned();
    let link = bench.ok("GET", &format!("/v1/links/{code}"), Value::Null).await;
    assert_eq!((&link["badge"], &link["programme_name"]), (&json!(true), &json!("本店")), "{link}");

    // With a name of one's own: what is wrong stands beside its field, and what was typed stays.
    let page = lily.get(&format!("/promoter/links/{code}")).await;
    let (_, to_form) = page.body.split_once("href=\"/promoter/links/new?").unwrap();
    let form = format!(
        "/promoter/links/new?{}",
        to_form.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&")
    );
    let page = lily.get(&form).await;
    assert!(page.body.contains("name=\"product\" type=\"text\" value=\"cup\""), "{}", page.body);
    let placement = link["placement"].as_str().unwrap();
    let send = async |fields: &[(&str, &str)]| {
        lily.submit(&page, "/promoter/links/new", &[&[("placement", placement)], fields].concat()).await
    };
    for (fields, wrong) in [
        (vec![("product", "cup"), ("alias", "a b")], "alias"),
        (vec![("product", "nothing"), ("alias", "spring")], "product"),
        (vec![("shop", "nobody"), ("alias", "spring")], "shop"),
        (vec![("product", "cup"), ("shop", "m1")], "product"),
        (vec![], "product"),
    ] {
        let refused = send(&fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
        assert!(refused.body.contains(&format!("href=\"#f-{wrong}\"")), "{fields:?}: {}", refused.body);
        for (_, typed) in fields {
            assert!(refused.body.contains(&format!("value=\"{typed}\"")), "{typed}: {}", refused.body);
        }
    }
    let page = lily.get("/promoter/links/new").await;
    let made = lily
        .submit(
            &page,
            "/promoter/links/new",
            &[("placement", placement), ("shop", "m1"), ("alias", "spring")],
        )
        .await;
    let page = lily.get(made.location()).await;
    assert!(
        page.body.contains("https://go.example.com/spring") && page.body.contains("链接已生成。"),
        "{}",
        page.body
    );
    // Many at once, too.
    let page = lily.get("/promoter/links/many").await;
    lily.submit(&page, "/promoter/links/many", &[("placement", placement), ("products", "cup")]).await;
    let all = bench.ok("GET", "/v1/links?promoter=lily", Value::Null).await;
    let all = all["items"].as_array().unwrap();
    assert!(all.len() == 3 && all.iter().all(|link| link["badge"] == json!(true)), "{all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn products_are_selected_and_removed() {
    let bench = Bench::new().await;
    let lily = bench.signed_in("lily", "en").await;
    let library = lily.get("/promoter/products").await;
    let back = [("back", "/promoter/products")];
    let done = lily.submit(&library, "/promoter/products/cup/select", &back).await;
    assert_eq!(done.location(), "/promoter/products?done=selected");
    let selection = lily.get("/promoter/selection").await;
    assert!(selection.body.contains("316不锈钢保温杯"));
    lily.submit(&selection, "/promoter/products/cup/unselect", &back).await;
    assert!(!lily.get("/promoter/selection").await.body.contains("316不锈钢保温杯"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_forms_keep_what_was_typed() {
    let bench = Bench::new().await;
    let lily = bench.signed_in("lily", "zh").await;
    let page = lily.get("/promoter/placements").await;
    let refused = lily.submit(&page, "/promoter/placements", &[("name", " "), ("programme", "fx")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    assert!(
        refused.body.contains("href=\"#f-name\"") && refused.body.contains("请填写这一项。"),
        "{}",
        refused.body
    );
    let made = lily.submit(&page, "/promoter/placements", &[("name", "茶友群"), ("programme", "fx")]).await;
    assert_eq!(made.location(), "/promoter/placements?done=placement");
    let page = lily.get("/promoter/placements?done=placement").await;
    assert!(page.body.contains("茶友群") && page.body.contains("推广位已建立。"));

    // Many links: all or none, and each reason.
    let placements = bench.ok("GET", "/v1/promoters/lily/placements", Value::Null).await;
    let placement = placements["items"][0]["id"].as_str().unwrap();
    let page = lily.get("/promoter/links/many").await;
    let fields = [("placement", placement), ("products", "cup\nnothing")];
    let refused = lily.submit(&page, "/promoter/links/many", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body.contains("nothing：没有这个商品") && refused.body.contains("cup\nnothing"),
        "{}",
        refused.body
    );
    let fields = [("placement", placement), ("products", "cup")];
    let made = lily.submit(&page, "/promoter/links/many", &fields).await;
    assert!(made.location().starts_with("/promoter/links/many?made=1&made_at="), "{}", made.body);
    bench.pass(1_000);
    lily.submit(&lily.get("/promoter/links/many").await, "/promoter/links/many", &fields).await;
    let page = lily.get(made.location()).await;
    assert!(page.body.contains("已生成 1 条链接"), "{}", page.body);
    let made_at = page.hidden("made_at");
    let file = lily.get(&format!("/promoter/links.csv?made_at={made_at}")).await;
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(file.body.lines().count(), 2, "those of this time alone: {}", file.body);
    for name in ["316不锈钢保温杯", "山里茶行", "茶友群"] {
        assert!(file.body.contains(name), "{name}: {}", file.body);
    }

    // An account with an empty holder is refused beside the field; the number stays.
    let page = lily.get("/promoter/money").await;
    let fields = [("kind", "alipay"), ("account", "lily@example.com"), ("holder", "")];
    let refused = lily.submit(&page, "/promoter/money/account", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body.contains("href=\"#f-holder\"") && refused.body.contains("value=\"lily@example.com\"")
    );
    let fields = [("kind", "alipay"), ("account", "lily@example.com"), ("holder", "莉莉")];
    let bound = lily.submit(&page, "/promoter/money/account", &fields).await;
    assert_eq!(bound.location(), "/promoter/money?done=bound");
    let page = lily.get("/promoter/money").await;
    assert!(page.body.contains("莉莉"), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_for_what_is_not_there_finds_nothing() {
    let bench = Bench::new().await;
    let long = "保".repeat(600);
    for (login, path, name, words) in [
        ("lily", "/promoter/links", "product", "没有符合条件的链接"),
        ("lily", "/promoter/products", "q", "没有找到商品"),
        ("lily", "/promoter/orders", "order", "没有符合条件的订单"),
        ("shop", "/merchant/products", "q", "没有符合条件的商品。"),
        ("stars", "/agency/orders", "promoter", "没有符合条件的订单"),
    ] {
        let somebody = bench.signed_in(login, "zh").await;
        for typed in ["nothing", "a b/?&=<i>", &long] {
            let query =
                url::form_urlencoded::Serializer::new(String::new()).append_pair(name, typed).finish();
            let page = somebody.get(&format!("{path}?{query}")).await;
            assert_eq!(page.status, StatusCode::OK, "{path} {typed}");
            assert!(page.body.contains(words) && !page.body.contains("<i>"), "{path} {typed}: {}", page.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_and_files_are_had_at_the_host_that_is_chosen() {
    let bench = Bench::at_hosts(&["two.example.com"]).await;
    let lily = bench.signed_in("lily", "zh").await;
    let placement = json!({"id": "group", "programme": "fx", "name": "茶友群"});
    bench.ok("POST", "/v1/promoters/lily/placements", placement).await;
    let link = json!({"placement": "group", "product": "cup", "alias": "spring-cup"});
    let made = bench.ok("POST", "/v1/links", link).await;
    let code = made["code"].as_str().unwrap();
    let page = lily.get(&format!("/promoter/links/{code}")).await;
    for words in ["https://two.example.com/spring-cup", "<option value=\"two.example.com\">"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let svg = async |query: &str| lily.get(&format!("/promoter/links/{code}/qr.svg{query}")).await;
    let (usual, there) = (svg("").await, svg("?host=two.example.com").await);
    assert_eq!((usual.status, there.status), (StatusCode::OK, StatusCode::OK));
    assert_ne!(usual.body, there.body, "another address stands in it");
    assert_eq!(svg("?host=go.example.com").await.body, usual.body);
    assert_eq!(svg("?host=evil.example.com").await.status, StatusCode::BAD_REQUEST);
    let refused = lily.get(&format!("/promoter/links/{code}?host=evil.example.com")).await;
    assert!(refused.body.contains("id=\"e-host\""), "{}", refused.body);
    let poster = lily.get(&format!("/promoter/links/{code}/poster.svg?host=two.example.com")).await;
    assert_eq!(poster.status, StatusCode::OK);
    let file = lily.get("/promoter/links.csv?host=two.example.com").await;
    assert!(
        file.body.contains(&format!("https://two.example.com/{code},https://two.example.com/spring-cup,")),
        "{}",
        file.body
    );
    assert!(!file.body.contains("go.example.com"), "{}", file.body);
    let refused = lily.get("/promoter/links.csv?host=evil.example.com").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_makes_no_sense_is_not_an_empty_library_nor_a_file_of_other_days() {
    let bench = Bench::new().await;
    let lily = bench.signed_in("lily", "zh").await;
    for query in ["sort=zzz", "cursor=zzz"] {
        let page = lily.get(&format!("/promoter/products?{query}")).await;
        assert!(page.body.contains("没有找到商品"), "{query}: {}", page.body);
    }
    for path in ["/promoter/reports", "/promoter/reports.csv"] {
        let page = lily.get(&format!("{path}?from=2026-12-01&to=2026-01-01")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert!(page.body.contains("请选择 1 到 400 天的范围。"), "{path}: {}", page.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_whose_time_is_to_come_is_not_dead() {
    let bench = Bench::new().await;
    let lily = bench.signed_in("lily", "zh").await;
    let placement = json!({"id": "group", "programme": "fx", "name": "茶友群"});
    bench.ok("POST", "/v1/promoters/lily/placements", placement).await;
    let starts = bench.core.now().millis() + 86_400_000;
    let link = json!({"placement": "group", "product": "cup", "starts": starts});
    let made = bench.ok("POST", "/v1/links", link).await;
    let code = made["code"].as_str().unwrap();
    for path in ["/promoter/links".to_owned(), format!("/promoter/links/{code}")] {
        let page = lily.get(&path).await;
        assert!(page.body.contains("<span class=\"tag warn\">尚未生效</span>"), "{path}: {}", page.body);
        assert!(!page.body.contains("tag bad"), "{path}: {}", page.body);
    }
}
