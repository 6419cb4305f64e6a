//! Merchants, and what edges hear of them.

use crate::catalogue::shop;
use crate::feed::{changes, head};
use crate::on_both;
use crate::support::Bench;
use attribution_core::catalogue::Change;
use serde_json::{Value, json};

on_both!(what_a_merchant_does_not_say_stays, async |bench: &Bench| {
    let whole = json!({"platform": "p1", "name": "山里茶行", "hosts": ["shop.example.cn"],
        "shop_url": "https://shop.example.cn/", "click_param": "from", "history_known_from": 5,
        "app_page": {"ios": "taobao://{address}"}});
    let mut stored = bench.ok("PUT", "/v1/merchants/m1", whole).await;
    let put = async |more: Value| {
        let mut body = json!({"platform": "p1", "name": "山里"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        bench.ok("PUT", "/v1/merchants/m1", body).await
    };
    stored["name"] = json!("山里");
    assert_eq!(put(json!({})).await, stored);
    // The page that stays must be on the hosts that are said.
    let elsewhere = json!({"platform": "p1", "name": "山里", "hosts": ["other.example.cn"]});
    bench.problem("PUT", "/v1/merchants/m1", elsewhere, 422, "bad_destination").await;
    for (field, left) in [
        ("shop_url", None),
        ("hosts", Some(json!([]))),
        ("click_param", Some(json!("yk_click"))),
        ("app_page", None),
        ("history_known_from", None),
    ] {
        let fields = stored.as_object_mut().unwrap();
        fields.remove(field);
        fields.extend(left.map(|left| (field.to_owned(), left)));
        assert_eq!(put(json!({ field: null })).await, stored);
    }
    assert_eq!(bench.ok("GET", "/v1/merchants/m1", Value::Null).await, stored);
});

on_both!(edges_hear_of_a_merchants_app_a_price_and_a_picture, async |bench: &Bench| {
    shop(bench).await;
    let row = async |after: u64| {
        changes(bench, after).await.into_iter().rev().find_map(|change| match change.change {
            Change::Target(row) if row.title.starts_with("明前") => Some(row),
            _ => None,
        })
    };
    let plain = row(0).await.unwrap();
    assert_eq!((plain.price_fen, plain.picture, plain.app_page), (Some(19_900), None, None));
    let merchant = async |app_page: Value| {
        let body =
            json!({"platform": "p1", "name": "山里茶行", "hosts": ["shop.example.cn"], "app_page": app_page});
        bench.call("PUT", "/v1/merchants/m1", body).await
    };
    // All of the merchant's targets, and only once.
    let before = head(bench).await;
    let app = json!({"ios": "taobao://{address}", "not_in": ["douyin", "wechat", "wechat"]});
    let stored = json!({"ios": "taobao://{address}", "not_in": ["wechat", "douyin"]});
    let (status, answer) = merchant(app.clone()).await;
    assert_eq!((status.as_u16(), &answer["app_page"]), (200, &stored));
    assert_eq!(bench.ok("GET", "/v1/merchants/m1", Value::Null).await["app_page"], stored);
    let told = row(before).await.unwrap();
    assert_eq!(serde_json::to_value(told.app_page).unwrap(), stored);
    let before = head(bench).await;
    merchant(app).await;
    assert!(row(before).await.is_none(), "saying it again changes nothing");
    // A product made later has it from the start, with its picture.
    let product = json!({"merchant": "m1", "title": "明前雀舌", "url": "https://shop.example.cn/item/2",
                         "image_url": "https://img.example.cn/2.jpg"});
    let made = bench.ok("PUT", "/v1/products/sku2", product).await;
    assert_eq!(made["image_url"], "https://img.example.cn/2.jpg");
    let made = row(before).await.unwrap();
    assert_eq!(made.picture.as_deref(), Some("https://img.example.cn/2.jpg"));
    assert!(made.app_page.is_some() && made.price_fen.is_none());
    // Whoever says nothing of it takes nothing away.
    let silent = json!({"platform": "p1", "name": "山里茶行", "hosts": ["shop.example.cn"]});
    assert_eq!(bench.ok("PUT", "/v1/merchants/m1", silent).await["app_page"], stored);
    // And it ends for all of them.
    assert_eq!(merchant(Value::Null).await.0.as_u16(), 200);
    let ended: Vec<_> = changes(bench, before)
        .await
        .into_iter()
        .filter_map(|change| match change.change {
            Change::Target(row) => Some(row.app_page),
            _ => None,
        })
        .collect();
    assert!(ended.len() >= 2 && ended.iter().all(Option::is_none), "{ended:?}");
    for (app_page, field) in [
        (json!({"ios": "javascript:alert(1)"}), "app_page.ios"),
        (json!({"android": "tb://{uri}"}), "app_page.android"),
    ] {
        let (status, problem) = merchant(app_page).await;
        assert_eq!((status.as_u16(), &problem["field"]), (422, &json!(field)), "{problem}");
    }
    let (status, problem) = merchant(json!({"not_in": ["telegram"]})).await;
    assert_eq!((status.as_u16(), &problem["code"]), (422, &json!("invalid_body")));
    let product =
        json!({"merchant": "m1", "title": "t", "url": "https://shop.example.cn/3", "image_url": "data:,x"});
    let (status, problem) = bench.call("PUT", "/v1/products/sku3", product).await;
    assert_eq!((status.as_u16(), &problem["field"]), (422, &json!("image_url")));
});
