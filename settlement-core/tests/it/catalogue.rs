//! The catalogue over HTTP, and the feed by which edges follow it.

use crate::on_both;
use crate::support::Bench;
use attribution_core::catalogue::{Change, LinkFlags, NumberedChange};
use attribution_core::code::Code;
use attribution_core::history::FeedPosition;
use attribution_core::time::{DAY_MS, Instant};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use settlement_core::store::StoreError;
use std::time::Duration;

/// A platform with one merchant, a programme, a product, and a promoter with a placement.
pub(crate) async fn shop(bench: &Bench) {
    let merchant = json!({"platform": "p1", "name": "山里茶行", "hosts": ["shop.example.cn"],
                          "shop_url": "https://shop.example.cn/"});
    bench.ok("PUT", "/v1/merchants/m1", merchant).await;
    let programme = json!({"merchant": "m1", "name": "销售员", "preset": "youzan_short",
                           "policy": {"attribution": {"require_badge": false},
                                      "commission": {"plan_precedence": ["approved_targeted", "general"]}},
                           "effective_from": 0});
    bench.ok("PUT", "/v1/programmes/g1", programme).await;
    let product = json!({"merchant": "m1", "title": "明前龙井 250g", "url": "https://shop.example.cn/item/1",
                         "price_fen": 19_900, "category": "tea"});
    bench.ok("PUT", "/v1/products/sku1", product).await;
    bench.ok("PUT", "/v1/promoters/lily", json!({"name": "莉莉"})).await;
    bench.ok("POST", "/v1/promoters/lily/placements", json!({"id": "lily1", "programme": "g1"})).await;
}

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

async fn changes(bench: &Bench, after: u64) -> Vec<NumberedChange> {
    let page = bench.core.changes(place(bench, after).await, 1_000).await.unwrap();
    assert!(!page.reload);
    page.changes
}

/// A number in the history under way.
pub(crate) async fn place(bench: &Bench, number: u64) -> FeedPosition {
    FeedPosition { number, ..bench.core.feed_head().await.unwrap() }
}

async fn head(bench: &Bench) -> u64 {
    bench.core.feed_head().await.unwrap().number
}

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

on_both!(a_link_is_refused_a_life_it_cannot_have, async |bench: &Bench| {
    shop(bench).await;
    let now = bench.core.now();
    let day = now.floor().plus(DAY_MS).millis();
    let beyond = (i64::from(u32::MAX) + 1) * 1_000;
    let rows = [
        ("starts", json!({"starts": i64::MAX})),
        ("starts", json!({"starts": beyond})),
        ("starts", json!({"starts": -1})),
        // Beyond the days that the rules give it.
        ("starts", json!({"starts": 4_000_000_000_000_i64})),
        ("expires", json!({"expires": 0})),
        ("expires", json!({"expires": -1})),
        ("expires", json!({"expires": 1_790_000_000})),
        ("qr_expires", json!({"qr_expires": i64::MIN})),
        ("expires", json!({"starts": day, "expires": day - 1})),
        ("expires", json!({"starts": day, "expires": day + 999})),
        ("qr_expires", json!({"starts": day, "qr_expires": day})),
        ("expires", json!({"expires": now.millis()})),
        ("qr_expires", json!({"qr_expires": now.plus(-1_000).millis()})),
        ("shared_at", json!({"shared_at": i64::MIN})),
        ("shared_at", json!({"shared_at": 0})),
        ("shared_at", json!({"shared_at": i64::MAX})),
    ];
    for (field, mut link) in rows {
        link["placement"] = json!("lily1");
        link["product"] = json!("sku1");
        let answer = bench.problem("POST", "/v1/links", link.clone(), 422, "invalid").await;
        assert_eq!(answer["field"], field, "{link}");
    }
    let link = json!({"placement": "lily1", "product": "sku1", "starts": day, "expires": day + 1_000});
    let made = bench.ok("POST", "/v1/links", link).await;
    assert_eq!(made["starts_at"], day);
    // Operators bring in old links, which are over; and a time may be a text.
    let old = json!({"placement": "lily1", "product": "sku1", "shared_at": "2020-01-01T00:00:00+08:00",
                     "expires": "2020-01-02T00:00:00+08:00"});
    assert_eq!(bench.ok("POST", "/v1/links", old).await["expires_at"], 1_577_894_400_000_i64);
});

on_both!(a_ban_says_that_it_has_made_the_category, async |bench: &Bench| {
    for made in [true, false] {
        let ban = json!({"category": "typo", "effective_from": "2020-01-01T00:00:00+08:00"});
        let banned = bench.ok("POST", "/v1/bans", ban).await;
        assert_eq!(
            (&banned["category_made"], &banned["effective_from"]),
            (&json!(made), &json!(1_577_808_000_000_i64))
        );
    }
});

on_both!(edges_hear_of_everything_once_and_in_order, async |bench: &Bench| {
    shop(bench).await;
    let made = bench
        .ok("POST", "/v1/links", json!({"placement": "lily1", "product": "sku1", "alias": "tea-2026"}))
        .await;
    let all = changes(bench, 0).await;
    assert!(all.windows(2).all(|pair| pair[0].number < pair[1].number));
    assert_eq!(all.last().unwrap().number, head(bench).await, "the last number belongs to a row");
    let kinds: Vec<&str> = all
        .iter()
        .map(|change| match &change.change {
            Change::Link(_) => "link",
            Change::Alias { .. } => "alias",
            Change::Placement(_) => "placement",
            Change::Promoter(_) => "promoter",
            Change::Target(_) => "target",
            Change::Programme(_) => "programme",
            Change::Ban(_) => "ban",
        })
        .collect();
    let expected = ["target", "programme", "target", "promoter", "placement", "link", "link", "alias"];
    assert_eq!(kinds, expected);
    let Change::Link(link) = all[5].change else { panic!("a link") };
    let Change::Link(qr) = all[6].change else { panic!("a link") };
    assert_eq!(link.code.to_string(), made["code"].as_str().unwrap());
    assert_eq!(qr.code.to_string(), made["qr_code"].as_str().unwrap());
    assert!(qr.flags.has(LinkFlags::QR) && !link.flags.has(LinkFlags::QR));
    assert!(qr.expires.instant().is_none(), "a QR code does not age");
    assert_eq!(link.expires.instant().unwrap().millis(), made["expires_at"].as_i64().unwrap());
    assert_eq!(made["short_url"], format!("https://go.example.com/{}", link.code));
    assert_eq!(made["qr_svg_url"], format!("https://go.example.com/q/{}.svg", qr.code));
    assert_eq!(made["alias_url"], "https://go.example.com/tea-2026");
    let named = bench.ok("GET", "/v1/links/tea-2026", Value::Null).await;
    assert_eq!(named["alias_urls"], json!(["https://yinke.example.net/tea-2026"]));
    assert_eq!((&named["code"], &named["short_url"]), (&made["code"], &made["short_url"]));

    // Page by page it is the same.
    let (mut paged, mut after) = (Vec::new(), 0);
    loop {
        let page = bench.core.changes(place(bench, after).await, 3).await.unwrap();
        let Some(last) = page.changes.last() else { break };
        after = last.number;
        paged.extend(page.changes);
    }
    assert_eq!(paged, all);

    // A row that changes again moves to the end.
    bench.ok("POST", "/v1/products/sku1/cancel-promotion", Value::Null).await;
    let after = all.last().unwrap().number;
    let news = changes(bench, after).await;
    assert_eq!(news.len(), 1);
    let Change::Target(target) = &news[0].change else { panic!("a target") };
    assert_eq!(target.destination, "https://shop.example.cn/item/1");
    assert!(target.cancelled_from.is_some() && target.delisted_from.is_none());
    assert_eq!(changes(bench, 0).await.len(), all.len());
});

on_both!(withdrawals_are_dated_and_repeatable, async |bench: &Bench| {
    shop(bench).await;
    let periods = async || {
        let sql = "SELECT what, from_ms, to_ms FROM periods ORDER BY what, from_ms";
        let rows = bench.core.store().read(move |tx| tx.query(sql, &[])).await.unwrap();
        rows.iter()
            .map(|r| (r.text(0).unwrap().to_owned(), r.int(1).unwrap(), r.opt_int(2).unwrap()))
            .collect::<Vec<_>>()
    };
    let cancel = |at: i64| bench.ok("POST", "/v1/products/sku1/cancel-promotion", json!({"at": at}));
    assert_eq!(cancel(1_000).await["cancelled_from"], 1_000);
    let before = head(bench).await;
    // It holds already: said again, or from a later time, nothing changes.
    assert_eq!(cancel(1_000).await["cancelled_from"], 1_000);
    assert_eq!(cancel(2_000).await["cancelled_from"], 1_000);
    assert_eq!(head(bench).await, before, "no number for no change");
    // It turns out to have begun earlier.
    assert_eq!(cancel(500).await["cancelled_from"], 500);
    assert_eq!(periods().await, [("cancelled".to_owned(), 500, None)]);
    let product = bench.ok("POST", "/v1/products/sku1/promote", json!({"at": 3_000})).await;
    assert!(product.get("cancelled_from").is_none() && product["invalid"] == false, "{product}");
    cancel(4_000).await;
    bench.ok("POST", "/v1/products/sku1/delist", json!({"at": 5_000})).await;
    bench.ok("POST", "/v1/products/sku1/relist", json!({"at": 5_000})).await;
    let expected = [("cancelled".to_owned(), 500, Some(3_000)), ("cancelled".to_owned(), 4_000, None)];
    assert_eq!(periods().await, expected);

    bench.ok("POST", "/v1/promoters/lily/disable", json!({"at": 6_000})).await;
    bench.ok("POST", "/v1/promoters/lily/enable", json!({"at": 7_000})).await;
    bench.ok("POST", "/v1/bans", json!({"category": "tea", "effective_from": 8_000})).await;
    bench.ok("POST", "/v1/bans", json!({"category": "tea", "effective_from": 7_500})).await;
    let rest = periods().await;
    assert!(rest.contains(&("disabled".to_owned(), 6_000, Some(7_000))), "{rest:?}");
    assert!(rest.contains(&("banned".to_owned(), 7_500, None)) && rest.len() == 4, "{rest:?}");
});

on_both!(a_ban_ends_where_it_is_lifted_and_where_the_rules_drop_it, async |bench: &Bench| {
    shop(bench).await;
    let told = async || {
        let all = changes(bench, 0).await;
        let ban = |change: &NumberedChange| match change.change {
            Change::Ban(ban) => Some((ban.effective_from.millis(), ban.effective_to.map(Instant::millis))),
            _ => None,
        };
        all.iter().filter_map(ban).collect::<Vec<_>>()
    };
    let periods = async || {
        let read = bench.core.store().read(|tx| {
            let rows =
                tx.query("SELECT from_ms, to_ms FROM periods WHERE what = 'banned' ORDER BY from_ms", &[])?;
            rows.iter().map(|row| Ok((row.int(0)?, row.opt_int(1)?))).collect::<Result<Vec<_>, StoreError>>()
        });
        read.await.unwrap()
    };
    let empty = json!({"category": "tea", "effective_from": 5, "effective_to": 5});
    bench.problem("POST", "/v1/bans", empty, 422, "invalid").await;
    bench
        .ok("POST", "/v1/bans", json!({"category": "tea", "effective_from": 1_000, "effective_to": 5_000}))
        .await;
    assert_eq!((told().await, periods().await), (vec![(1_000, Some(5_000))], vec![(1_000, Some(5_000))]));
    // It ends earlier; of a second one it is the history.
    bench.ok("POST", "/v1/bans/lift", json!({"category": "tea", "at": 3_000})).await;
    bench.ok("POST", "/v1/bans", json!({"category": "tea", "effective_from": 4_000})).await;
    assert_eq!(told().await, [(4_000, None)]);
    assert_eq!(periods().await, [(1_000, Some(3_000)), (4_000, None)]);
    bench.ok("POST", "/v1/bans/lift", json!({"category": "tea", "at": 4_000})).await;
    assert_eq!((told().await, periods().await), (vec![(4_000, Some(4_000))], vec![(1_000, Some(3_000))]));

    let rules = async |bans: Value, from: i64| {
        let body = json!({"merchant": "m1", "name": "g", "effective_from": from, "policy": {"bans": bans}});
        bench.ok("PUT", "/v1/programmes/g1", body).await;
    };
    let ours = json!({"category": "tea", "effective_from": 6_000, "effective_to": 9_000_000_000_000i64});
    rules(json!([ours]), 6_000).await;
    let dated = (6_000, Some(9_000_000_000_000));
    assert_eq!(told().await, [(4_000, Some(4_000)), dated]);
    let lift = json!({"category": "tea", "programme": "g1", "at": 7_000});
    bench.problem("POST", "/v1/bans/lift", lift, 409, "banned_by_rules").await;
    rules(json!([]), 8_000).await;
    assert_eq!(told().await, [(4_000, Some(4_000)), (6_000, Some(8_000))]);
    assert_eq!(periods().await, [(1_000, Some(3_000)), (6_000, Some(8_000))]);
    // What an operator banned beside the rules stays when these drop theirs.
    rules(json!([{"category": "tea", "effective_from": 9_000}]), 9_000).await;
    let own = json!({"category": "tea", "programme": "g1", "effective_from": 9_500});
    bench.ok("POST", "/v1/bans", own).await;
    rules(json!([]), 10_000).await;
    assert_eq!(told().await, [(4_000, Some(4_000)), (9_500, None)]);
});

on_both!(a_link_that_must_not_be_is_refused_with_a_reason, async |bench: &Bench| {
    shop(bench).await;
    let refused = async |body: Value, status: u16, code: &str| {
        bench.problem("POST", "/v1/links", body, status, code).await;
    };
    refused(json!({"product": "sku1"}), 422, "no_placement").await;
    refused(json!({"placement": "nobody", "product": "sku1"}), 422, "no_placement").await;
    refused(json!({"placement": "lily1", "product": "nothing"}), 422, "unknown_product").await;
    refused(json!({"placement": "lily1", "shop": "nobody"}), 422, "unknown_shop").await;
    refused(json!({"placement": "lily1"}), 422, "invalid").await;
    refused(json!({"placement": "lily1", "product": "sku1", "shop": "m1"}), 422, "invalid").await;
    refused(json!({"placement": "lily1", "product": "sku1", "alias": "a"}), 422, "bad_alias").await;
    refused(
        json!({"placement": "lily1", "product": "sku1", "shared_at": 9_000_000_000_000i64}),
        422,
        "invalid",
    )
    .await;
    let page = json!({"merchant": "m1", "url": "https://evil.example.com/"});
    refused(json!({"placement": "lily1", "page": page}), 422, "bad_destination").await;

    let wish = json!({"placement": "lily1", "product": "sku1", "alias": "wish"});
    bench.ok("POST", "/v1/links", wish.clone()).await;
    refused(wish, 409, "alias_taken").await;

    bench.ok("PUT", "/v1/merchants/m2", json!({"platform": "p1", "name": "别家"})).await;
    let foreign = json!({"merchant": "m2", "title": "别家的茶", "url": "https://other.example.com/1"});
    bench.ok("PUT", "/v1/products/sku2", foreign).await;
    refused(json!({"placement": "lily1", "product": "sku2"}), 409, "not_in_programme").await;

    bench.ok("POST", "/v1/bans", json!({"category": "tea", "effective_from": 0})).await;
    refused(json!({"placement": "lily1", "product": "sku1"}), 409, "category_banned").await;
    bench.ok("POST", "/v1/products/sku1/delist", Value::Null).await;
    refused(json!({"placement": "lily1", "product": "sku1"}), 409, "product_delisted").await;
    bench.ok("POST", "/v1/products/sku1/cancel-promotion", Value::Null).await;
    refused(json!({"placement": "lily1", "product": "sku1"}), 409, "promotion_cancelled").await;
    bench.ok("POST", "/v1/promoters/lily/disable", Value::Null).await;
    refused(json!({"placement": "lily1", "shop": "m1"}), 409, "promoter_disabled").await;
});

on_both!(the_life_of_a_link_is_frozen_at_sharing, async |bench: &Bench| {
    shop(bench).await;
    let shared = 1_750_000_000_000i64;
    let link = json!({"placement": "lily1", "product": "sku1", "shared_at": shared, "badge": true});
    let made = bench.ok("POST", "/v1/links", link.clone()).await;
    assert_eq!(made["expires_at"].as_i64().unwrap(), shared + 15 * DAY_MS);
    // Other rules from a later time on do not touch links shared before it.
    let policy = json!({"attribution": {"link_ttl": "1d"}});
    let programme =
        json!({"merchant": "m1", "name": "销售员", "policy": policy, "effective_from": shared + 1_000});
    bench.ok("PUT", "/v1/programmes/g1", programme).await;
    let again = bench.ok("POST", "/v1/links", link).await;
    assert_eq!(again["expires_at"].as_i64().unwrap(), shared + 15 * DAY_MS);
    let later = json!({"placement": "lily1", "product": "sku1", "shared_at": shared + 1_000, "expires": shared + 5_000});
    assert_eq!(bench.ok("POST", "/v1/links", later).await["expires_at"].as_i64().unwrap(), shared + 5_000);

    let path = format!("/v1/links/{}", made["code"].as_str().unwrap());
    let view = bench.ok("GET", &path, Value::Null).await;
    assert_eq!(
        (&view["badge"], &view["converted"], &view["qr"]),
        (&json!(true), &json!(true), &json!(false))
    );
    assert_eq!((&view["promoter"], &view["target"]), (&json!("lily"), &json!("sku1")));
    bench.problem("GET", "/v1/links/000000000", Value::Null, 404, "not_found").await;
    assert_eq!(view["state"], "expired");
    bench.ok("POST", "/v1/products/sku1/cancel-promotion", json!({})).await;
    assert_eq!(bench.ok("GET", &path, Value::Null).await["state"], "promotion_cancelled");
});

on_both!(many_links_are_made_together_or_not_at_all, async |bench: &Bench| {
    shop(bench).await;
    let good = json!({"placement": "lily1", "product": "sku1"});
    let made = bench.ok("POST", "/v1/links/bulk", json!({"links": vec![good.clone(); 50]})).await;
    let mut codes: Vec<&str> =
        made["links"].as_array().unwrap().iter().map(|l| l["code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), 50);
    let key = attribution_core::code::CheckKey::new(*b"checkkey");
    assert!(codes.iter().all(|code| Code::parse(code.as_bytes(), key).is_some()));
    let before = head(bench).await;
    let bad = json!({"placement": "lily1", "product": "nothing"});
    let answer = bench
        .problem("POST", "/v1/links/bulk", json!({"links": [good, bad.clone(), bad]}), 422, "invalid_links")
        .await;
    let indices: Vec<i64> =
        answer["errors"].as_array().unwrap().iter().map(|e| e["index"].as_i64().unwrap()).collect();
    assert_eq!(indices, [1, 2]);
    assert_eq!(head(bench).await, before);
});

on_both!(many_products_are_saved_together_or_not_at_all, async |bench: &Bench| {
    shop(bench).await;
    let tea =
        |id: &str| json!({"id": id, "merchant": "m1", "title": "茶", "url": "https://shop.example.cn/t"});
    let with = |id: &str, field: &str, value: Value| {
        let mut product = tea(id);
        product[field] = value;
        product
    };
    let before = head(bench).await;
    let good = json!({"products": [tea("sku1"), with("b1", "category", json!("pot")), tea("b2")]});
    let could = bench.ok("PUT", "/v1/products?check=true", good.clone()).await;
    assert_eq!((could, head(bench).await), (json!({"made": 2, "changed": 1}), before), "nothing is saved");
    let saved = bench.ok("PUT", "/v1/products", good.clone()).await;
    assert_eq!(saved, json!({"made": 2, "changed": 1}));
    assert_eq!(changes(bench, before).await.len(), 3, "edges hear of each");
    assert_eq!(bench.ok("GET", "/v1/products/b1", Value::Null).await["category"], "pot");
    assert_eq!(bench.ok("PUT", "/v1/products", good).await, json!({"made": 0, "changed": 3}));

    bench.ok("PUT", "/v1/merchants/m2", json!({"platform": "p1", "name": "别家"})).await;
    let before = head(bench).await;
    let wrong = json!({"products": [
        tea("c1"), with("c2", "title", json!(" ")), with("c3", "url", json!("https://elsewhere.example.com/")),
        with("c4", "price_fen", json!("dear")), with("c5", "colour", json!("red")), tea("c 6"), tea("c1"),
        with("c7", "merchant", json!("mx")), with("sku1", "merchant", json!("m2")),
        with("c8", "image_url", json!("data:,x")), with("c9", "price_fen", json!(-1)), 7,
    ]});
    for path in ["/v1/products?check=true", "/v1/products"] {
        let answer = bench.problem("PUT", path, wrong.clone(), 422, "invalid_products").await;
        let of =
            |error: &Value| (error["index"].as_i64().unwrap(), error["field"].as_str().map(str::to_owned));
        let errors: Vec<_> = answer["errors"].as_array().unwrap().iter().map(of).collect();
        let expected = [
            (1, Some("title")),
            (2, Some("url")),
            (3, Some("price_fen")),
            (4, Some("colour")),
            (5, Some("id")),
            (6, Some("id")),
            (7, Some("merchant")),
            (8, None),
            (9, Some("image_url")),
            (10, Some("price_fen")),
            (11, Some("id")),
        ];
        assert_eq!(errors, expected.map(|(index, field)| (index, field.map(str::to_owned))), "{answer}");
        assert_eq!(answer["errors"][6]["code"], "not_found");
    }
    assert_eq!(head(bench).await, before);
    bench.problem("GET", "/v1/products/c1", Value::Null, 404, "not_found").await;

    // Whoever may not is told nothing else, and nothing of theirs is saved.
    let token = bench.ok("POST", "/v1/tokens", json!({"role": "merchant", "subject": "m1"})).await;
    let others = json!({"products": [tea("d1"), with("d2", "merchant", json!("m2")), {}]});
    let (status, answer) =
        bench.call_as(token["token"].as_str().unwrap(), "PUT", "/v1/products", others).await;
    assert_eq!((status.as_u16(), &answer["index"]), (403, &json!(1)), "{answer}");
    assert_eq!(head(bench).await, before);
    for count in [0, 10_001] {
        let list = json!({"products": vec![json!({}); count]});
        let answer = bench.problem("PUT", "/v1/products", list, 422, "invalid").await;
        assert_eq!(answer["field"], "products");
    }
});

on_both!(rules_are_versions_and_mistakes_are_listed, async |bench: &Bench| {
    shop(bench).await;
    let put = |policy: Value| json!({"merchant": "m1", "name": "销售员", "policy": policy});
    let same = bench.ok("PUT", "/v1/programmes/g1", put(Value::Null)).await;
    assert_eq!(same["version"], 1);
    let next = bench.ok("PUT", "/v1/programmes/g1", put(json!({"attribution": {"protection": "3d"}}))).await;
    assert_eq!(next["version"], 2);
    let wrong = put(json!({"attribution": {"protection": "a while", "scope": "galaxy"}, "colour": 1}));
    let answer = bench.problem("PUT", "/v1/programmes/g1", wrong, 422, "invalid_policy").await;
    assert_eq!(answer["errors"].as_array().unwrap().len(), 3, "{answer}");
    let stolen = json!({"platform": "p1", "name": "x"});
    bench.problem("PUT", "/v1/programmes/g1", stolen, 409, "owner_mismatch").await;
    bench.problem("PUT", "/v1/programmes/g2", json!({"name": "x"}), 422, "invalid").await;
    bench.problem("PUT", "/v1/programmes/g2", json!({"merchant": "mx", "name": "x"}), 404, "not_found").await;
});

on_both!(rules_that_come_into_force_reach_the_edges_by_themselves, async |bench: &Bench| {
    shop(bench).await;
    let later = Instant(4_000_000_000_000);
    let programme = json!({"merchant": "m1", "name": "销售员", "policy": {"attribution": {"protection": "3d"}},
                           "effective_from": later.millis()});
    bench.ok("PUT", "/v1/programmes/g1", programme).await;
    let protection = async || {
        let all = changes(bench, 0).await;
        let row = all
            .into_iter()
            .find_map(|c| if let Change::Programme(row) = c.change { Some(row) } else { None });
        row.unwrap().protection_ms
    };
    assert_eq!(protection().await, 0);
    assert_eq!(bench.core.maintain(later.plus(-1)).await.unwrap().activated, 0);
    assert_eq!(bench.core.maintain(later).await.unwrap().activated, 1);
    assert_eq!(protection().await, 3 * DAY_MS);
    assert_eq!(bench.core.maintain(later.plus(1)).await.unwrap().activated, 0);
});

on_both!(a_waiting_feed_wakes_at_once, async |bench: &Bench| {
    shop(bench).await;
    let after = bench.core.feed_head().await.unwrap();
    let core = bench.core.clone();
    let (waiting, started) = tokio::sync::oneshot::channel();
    let waiter = tokio::spawn(async move {
        waiting.send(()).unwrap();
        core.await_changes(after, 10, Duration::from_secs(20)).await.unwrap()
    });
    started.await.unwrap();
    let began = std::time::Instant::now();
    bench.ok("POST", "/v1/products/sku1/cancel-promotion", Value::Null).await;
    let page = waiter.await.unwrap();
    assert_eq!(page.changes.len(), 1);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let path = format!("/v1/changes?after={}&history={}&limit=5&wait_ms=10", page.head, page.history);
    let empty = bench.ok("GET", &path, Value::Null).await;
    assert_eq!((empty["changes"].as_array().unwrap().len(), &empty["head"]), (0, &json!(page.head)));
});

on_both!(a_client_that_leaves_changes_nothing_for_those_who_wait, async |bench: &Bench| {
    shop(bench).await;
    let after = bench.core.feed_head().await.unwrap();
    let core = bench.core.clone();
    let began = std::time::Instant::now();
    let waiter =
        tokio::spawn(async move { core.await_changes(after, 10, Duration::from_secs(20)).await.unwrap() });
    let asked = bench.call("POST", "/v1/products/sku1/delist", Value::Null);
    leave_at_second_wait(asked).await;
    assert_eq!(waiter.await.unwrap().changes.len(), 1);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
});

/// Drops a request at its second wait: the first is for the token, the second for the change.
async fn leave_at_second_wait(asked: impl Future) {
    let mut asked = Box::pin(asked);
    let mut waits = 0;
    std::future::poll_fn(|context| match asked.as_mut().poll(context) {
        std::task::Poll::Pending if waits == 0 => {
            waits += 1;
            std::task::Poll::Pending
        }
        _ => std::task::Poll::Ready(()),
    })
    .await;
}

on_both!(another_node_hears_of_changes_too, async |bench: &Bench| {
    shop(bench).await;
    let other = bench.open_again();
    let after = bench.core.feed_head().await.unwrap();
    // Over SQLite there is one process; another one looks again only when its wait is over.
    let wait = Duration::from_millis(1_500);
    let waiter = {
        let other = other.clone();
        tokio::spawn(async move { other.await_changes(after, 10, wait).await.unwrap() })
    };
    bench.ok("POST", "/v1/products/sku1/delist", Value::Null).await;
    assert_eq!(waiter.await.unwrap().changes.len(), 1);
    other.close();
});

on_both!(concurrent_writers_leave_no_hole_and_no_twin, async |bench: &Bench| {
    shop(bench).await;
    let before = changes(bench, 0).await.len();
    let calls = (0..40).map(|n| {
        let body = json!({"placement": "lily1", "product": "sku1", "alias": format!("alias-{}", n / 2)});
        bench.call("POST", "/v1/links", body)
    });
    let answers = futures_util::future::join_all(calls).await;
    let made = answers.iter().filter(|(status, _)| status.is_success()).count();
    assert_eq!(made, 20, "one of each two may have the alias");
    let all = changes(bench, 0).await;
    assert_eq!(all.len(), before + 3 * made);
    assert_eq!(all.last().unwrap().number, head(bench).await);
});

on_both!(a_repeated_request_gets_the_kept_answer, async |bench: &Bench| {
    shop(bench).await;
    let ask = async |key: &str, body: Value| {
        let request = Request::post("/v1/links")
            .header("authorization", format!("Bearer {}", crate::support::ADMIN))
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(Body::from(body.to_string()))
            .unwrap();
        crate::support::read(bench.send(request).await).await
    };
    let body = json!({"placement": "lily1", "product": "sku1"});
    let many = futures_util::future::join_all((0..6).map(|_| ask("k1", body.clone()))).await;
    assert!(many.iter().all(|answer| *answer == many[0] && answer.0.is_success()), "{many:?}");
    let (status, answer) = ask("k1", json!({"placement": "lily1", "shop": "m1"})).await;
    assert_eq!((status.as_u16(), &answer["code"]), (422, &json!("idempotency_key_reused")));
    assert_ne!(ask("k2", body.clone()).await.1["code"], many[0].1["code"]);
    // A refusal is not kept.
    assert!(!ask("k3", json!({"placement": "nobody", "product": "sku1"})).await.0.is_success());
    assert!(ask("k3", body).await.0.is_success());
    let forgotten = bench.core.maintain(Instant(4_000_000_000_000)).await.unwrap().forgotten;
    assert_eq!(forgotten, 3);
});

on_both!(products_are_found_by_their_names, async |bench: &Bench| {
    shop(bench).await;
    for n in 0..5 {
        let product = json!({"merchant": "m1", "title": format!("Oolong 100%_{n}"), "price_fen": 100,
                             "url": format!("https://shop.example.cn/o/{n}")});
        bench.ok("PUT", &format!("/v1/products/o{n}"), product).await;
    }
    let ids = async |query: &str| {
        let page = bench.ok("GET", &format!("/v1/products?{query}"), Value::Null).await;
        let ids = page["items"].as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap().to_owned());
        (ids.collect::<Vec<_>>(), page["next_cursor"].as_str().map(str::to_owned))
    };
    assert_eq!(ids("q=%E9%BE%99%E4%BA%95").await.0, ["sku1"]);
    assert_eq!(ids("q=oolong&limit=500").await.0.len(), 5);
    assert_eq!(ids("q=100%25_3").await.0, ["o3"], "% and _ are themselves");
    assert_eq!(ids("category=tea").await.0, ["sku1"]);
    assert_eq!(ids("shop=%E8%8C%B6%E8%A1%8C&merchant=m1&limit=500").await.0.len(), 6);
    let (first, next) = ids("q=oolong&limit=3").await;
    let (second, end) = ids(&format!("q=oolong&limit=3&cursor={}", next.unwrap())).await;
    assert_eq!((first.len(), second, end), (3, vec!["o3".to_owned(), "o4".to_owned()], None));
    bench.problem("GET", "/v1/products?limit=0", Value::Null, 400, "invalid_query").await;
    bench.problem("GET", "/v1/products?colour=red", Value::Null, 400, "invalid_query").await;
    bench.problem("GET", "/v1/products?cursor=%21", Value::Null, 400, "invalid_cursor").await;
});

on_both!(everybody_keeps_to_their_own, async |bench: &Bench| {
    shop(bench).await;
    bench.ok("PUT", "/v1/promoters/tom", json!({"name": "汤姆"})).await;
    let token = async |role: &str, subject: &str| {
        let issued = bench.ok("POST", "/v1/tokens", json!({"role": role, "subject": subject})).await;
        issued["token"].as_str().unwrap().to_owned()
    };
    let (merchant, promoter) = (token("merchant", "m1").await, token("promoter", "lily").await);
    let (other, edge) = (token("promoter", "tom").await, token("edge", "1").await);
    let link = json!({"placement": "lily1", "product": "sku1"});
    let status = async |token: &str, method: &str, path: &str, body: Value| {
        bench.call_as(token, method, path, body).await.0.as_u16()
    };
    assert_eq!(status(&promoter, "POST", "/v1/links", link.clone()).await, 201);
    assert_eq!(status(&other, "POST", "/v1/links", link.clone()).await, 403);
    assert_eq!(status(&merchant, "POST", "/v1/links", link).await, 403);
    assert_eq!(status(&merchant, "POST", "/v1/products/sku1/delist", Value::Null).await, 200);
    assert_eq!(status(&merchant, "POST", "/v1/products/sku1/relist", json!({"at": 5})).await, 403);
    assert_eq!(status(&promoter, "POST", "/v1/products/sku1/delist", Value::Null).await, 403);
    assert_eq!(
        status(&merchant, "POST", "/v1/bans", json!({"category": "tea", "effective_from": 0})).await,
        403
    );
    assert_eq!(
        status(&merchant, "PUT", "/v1/merchants/m9", json!({"platform": "p1", "name": "x"})).await,
        403
    );
    assert_eq!(status(&edge, "GET", "/v1/changes", Value::Null).await, 200);
    assert_eq!(status(&promoter, "GET", "/v1/changes", Value::Null).await, 403);
});
