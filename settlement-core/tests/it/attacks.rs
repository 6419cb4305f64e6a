//! What people with something to gain try: shops that say who is whose customer, promoters who hand a token around or date a
//! link back, merchants who take back what they promised, and whoever still knows an old password.

use crate::on_both;
use crate::order_bench::{Stage, created, hour, step, visitor};
use crate::support::Bench;
use serde_json::{Value, json};
use settlement_core::accounts::SignInError;

/// A shop whose taps need no converted link.
async fn ready<'a>(bench: &'a Bench, mut attribution: Value) -> Stage<'a> {
    attribution["require_converted_link"] = json!(false);
    let plans = json!({"plan_precedence": ["approved_targeted", "general"]});
    Stage::set(bench, "distributor1688", json!({"attribution": attribution, "commission": plans})).await
}

async fn token(bench: &Bench, role: &str, subject: &str) -> String {
    let body = json!({"role": role, "subject": subject});
    bench.ok("POST", "/v1/tokens", body).await["token"].as_str().unwrap().to_owned()
}

async fn refused(bench: &Bench, token: &str, path: &str, body: Value) -> (u16, String) {
    let (status, answer) = bench.call_as(token, "POST", path, body).await;
    (status.as_u16(), answer["code"].as_str().unwrap_or_default().to_owned())
}

fn forbidden() -> (u16, String) {
    (403, "forbidden".to_owned())
}

async fn sent(bench: &Bench, token: &str, events: Value) {
    let (_, answer) = bench.call_as(token, "POST", "/v1/orders/events", json!({ "events": events })).await;
    assert_eq!(answer["accepted"], events.as_array().unwrap().len(), "{answer}");
}

fn by(mut order: Value, merchant: &str, tokens: &[&str]) -> Value {
    order["merchant"] = json!(merchant);
    order["click_tokens"] = json!(tokens);
    order
}

on_both!(a_shops_word_on_who_is_who_moves_no_other_shops_commission, async |bench: &Bench| {
    let stage = ready(bench, json!({})).await;
    bench.set_clock(hour(5));
    bench.ok("PUT", "/v1/merchants/m2", json!({"platform": "p1", "name": "另一家"})).await;
    let pot = json!({"merchant": "m2", "title": "壶", "url": "https://other.example.cn/pot"});
    bench.ok("PUT", "/v1/products/pot", pot).await;
    let (own, other) = (token(bench, "merchant", "m1").await, token(bench, "merchant", "m2").await);
    // Anna's own device taps her own link to the shop of m1. Its token is all that m2 needs.
    let tap = stage.tap(visitor(1), "anna", "cup", hour(2), hour(2)).await;
    let login = |buyer: &str, at: i64| json!({"platform": "p1", "buyer": buyer, "click_token": tap, "at": hour(at).millis()});
    // In the shop's name, by a login and by an order of its own.
    assert_eq!(bench.call_as(&other, "POST", "/v1/identities", login("u1", 1)).await.0, 200);
    sent(bench, &other, json!([by(created("x1", "u2", "pot", hour(1)), "m2", &[&tap])])).await;
    for (order, buyer) in [("o1", "u1"), ("o2", "u2")] {
        sent(bench, &own, json!([created(order, buyer, "cup", hour(3)), step("paid", order, hour(3))])).await;
        assert_eq!(stage.short(order).await, (String::new(), "none".to_owned(), 0), "{order}");
    }
    let held = "/v1/relations?buyer=u1&merchant=m1&product=cup&at=";
    let at = hour(4).millis();
    let relation = bench.ok("GET", &format!("{held}{at}"), Value::Null).await;
    assert_eq!(relation["relations"].as_array().map(Vec::len), Some(0), "{relation}");
    // The shop itself says who its customer is; what the other one says of the device takes nothing away.
    assert_eq!(bench.call_as(&own, "POST", "/v1/identities", login("u3", 1)).await.0, 200);
    assert_eq!(bench.call_as(&other, "POST", "/v1/identities", login("u4", 2)).await.0, 200);
    sent(bench, &own, json!([created("o3", "u3", "cup", hour(3)), step("paid", "o3", hour(3))])).await;
    assert_eq!(stage.short("o3").await.0, "anna");
    // The platform's operator speaks for all shops.
    bench.ok("POST", "/v1/identities", login("u5", 2)).await;
    sent(bench, &own, json!([created("o5", "u5", "cup", hour(3)), step("paid", "o5", hour(3))])).await;
    assert_eq!(stage.short("o5").await.0, "anna");
    stage.audit().await;
});

on_both!(a_token_that_is_handed_around_is_held_for_a_person, async |bench: &Bench| {
    let stage = ready(bench, json!({})).await;
    bench.set_clock(hour(5));
    let own = token(bench, "merchant", "m1").await;
    let tap = stage.tap(visitor(1), "anna", "cup", hour(2), hour(2)).await;
    stage.edge_has_shipped(hour(90)).await;
    let order = async |order: &str, buyer: &str| {
        let placed = by(created(order, buyer, "cup", hour(3)), "m1", &[&tap]);
        sent(bench, &own, json!([placed, step("paid", order, hour(3)), step("completed", order, hour(4))]))
            .await;
    };
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t", "amount_fen": 100_000})).await;
    // A family with one device, of whom one comes again and again.
    for (number, buyer) in ["u1", "u2", "u1", "u1", "u3"].into_iter().enumerate() {
        order(&format!("family-{number}"), buyer).await;
    }
    // And then everybody.
    order("many-1", "u4").await;
    order("many-2", "u5").await;
    stage.sweep(hour(24 * 60)).await;
    for number in 0..5 {
        assert_eq!(stage.short(&format!("family-{number}")).await.1, "settled");
    }
    for held in ["many-1", "many-2"] {
        let line = stage.line(held).await;
        assert_eq!(line["decision"]["attribution"]["flags"], json!(["shared_token"]), "{line}");
        assert_eq!((&line["promoter"], &line["review"]), (&json!("anna"), &json!(true)), "{line}");
        assert_ne!(line["state"], "settled", "{line}");
    }
    let reviews = bench.ok("GET", "/v1/reviews", Value::Null).await;
    let found: Vec<_> = reviews["items"].as_array().unwrap().iter().map(|of| &of["reason"]).collect();
    assert_eq!(found, [&json!("shared_token"); 2], "{reviews}");
    // Whoever has looked at it lets it go.
    let click = &stage.line("many-1").await["decision"]["attribution"]["relation"]["click"];
    let release = json!({"platform": "p1", "order": "many-1", "reason": "shared_token", "line": "1", "found": click,
                         "resolution": "a kiosk in the shop", "release": true});
    bench.ok("POST", "/v1/reviews/resolve", release).await;
    stage.sweep(hour(24 * 61)).await;
    assert_eq!(stage.short("many-1").await.1, "settled");
    stage.audit().await;
});

on_both!(a_merchant_takes_back_nothing_that_was_promised, async |bench: &Bench| {
    let stage = ready(bench, json!({"coupon": "exclusive_code_wins"})).await;
    let own = token(bench, "merchant", "m1").await;
    stage.tap(visitor(1), "anna", "cup", hour(2), hour(2)).await;
    stage.login(visitor(1), "u1", hour(2)).await;
    let mut order = created("o1", "u1", "cup", hour(3));
    order["coupon"] = json!("SALE");
    bench.set_clock(hour(4));
    sent(bench, &own, json!([order, step("paid", "o1", hour(3))])).await;
    assert_eq!(stage.short("o1").await, ("anna".to_owned(), "expected".to_owned(), 1_000));
    let from = hour(1).millis();
    let rates =
        |from: Value| json!({"programme": "g1", "rates": [{"product": "cup", "bp": null, "from": from}]});
    let coupon = json!({"programme": "g1", "code": "SALE", "promoter": "bob", "from": from});
    let plan = |created: Value| {
        json!({"id": "p1", "programme": "g1", "name": "定向", "approval": "automatic", "created_at": created,
               "rates": [{"product": "cup", "bp": 1}]})
    };
    assert_eq!(refused(bench, &own, "/v1/rates", rates(json!(from))).await, forbidden());
    assert_eq!(refused(bench, &own, "/v1/coupons", coupon.clone()).await, forbidden());
    assert_eq!(refused(bench, &own, "/v1/plans", plan(json!(from))).await, forbidden());
    stage.sweep(hour(4)).await;
    assert_eq!(stage.short("o1").await, ("anna".to_owned(), "expected".to_owned(), 1_000));
    // From now on it may ask for what it likes, and an operator mends what was told wrongly.
    assert_eq!(refused(bench, &own, "/v1/rates", rates(Value::Null)).await.0, 201);
    assert_eq!(refused(bench, &own, "/v1/plans", plan(Value::Null)).await.0, 201);
    stage.sweep(hour(4)).await;
    assert_eq!(stage.short("o1").await.2, 1_000);
    bench.ok("POST", "/v1/coupons", coupon).await;
    stage.sweep(hour(4)).await;
    assert_eq!(stage.short("o1").await.0, "bob");
    stage.audit().await;
});

on_both!(a_promoter_links_only_under_todays_rules_and_to_the_shops_own_pages, async |bench: &Bench| {
    Stage::set(bench, "distributor1688", json!({})).await;
    let anna = token(bench, "promoter", "anna").await;
    let (now, minute) = (bench.core.now().millis(), 60_000);
    let link = |shared: i64| json!({"placement": "anna-1", "product": "cup", "shared_at": shared});
    assert_eq!(refused(bench, &anna, "/v1/links", link(now - 6 * minute)).await, forbidden());
    let many = json!({"links": [link(now), link(now - 6 * minute)]});
    assert_eq!(refused(bench, &anna, "/v1/links/bulk", many).await, forbidden());
    assert_eq!(refused(bench, &anna, "/v1/links", link(now - 4 * minute)).await.0, 201);
    bench.ok("POST", "/v1/links", link(now - 600 * minute)).await;

    let page = |url: &str| json!({"placement": "anna-1", "page": {"merchant": "m1", "url": url}});
    let bad = |what: &str| (422, what.to_owned());
    let elsewhere = page("https://elsewhere.example.cn/x");
    assert_eq!(refused(bench, &anna, "/v1/links", elsewhere.clone()).await, bad("bad_destination"));
    // Without a list, the host of its shop counts; without a shop, none.
    for (shop, there) in [(json!("https://shop.example.cn/"), 201), (Value::Null, 422)] {
        let merchant = json!({"platform": "p1", "name": "山里茶行", "hosts": null, "shop_url": shop});
        bench.ok("PUT", "/v1/merchants/m1", merchant).await;
        assert_eq!(refused(bench, &anna, "/v1/links", elsewhere.clone()).await, bad("bad_destination"));
        let own = page("https://shop.example.cn/about");
        assert_eq!(refused(bench, &anna, "/v1/links", own).await.0, there);
    }
    bench.ok("POST", "/v1/links", elsewhere).await;
});

on_both!(an_alias_does_not_catch_who_mistypes_anothers_code, async |bench: &Bench| {
    Stage::set(bench, "distributor1688", json!({})).await;
    let anna = token(bench, "promoter", "anna").await;
    let bobs = bench.ok("POST", "/v1/links", json!({"placement": "bob-1", "product": "cup"})).await;
    let (code, qr) = (bobs["code"].as_str().unwrap(), bobs["qr_code"].as_str().unwrap());
    let wrong = if code.ends_with('x') { 'y' } else { 'x' };
    let mut swapped = code.as_bytes().to_vec();
    swapped.swap(0, 1);
    let slips = [
        format!("{}{wrong}", &code[..8]),
        format!("{wrong}{}", &qr[1..]),
        code.to_ascii_lowercase(),
        String::from_utf8(swapped).unwrap(),
    ];
    for alias in slips.iter().filter(|alias| *alias != code) {
        let wish = json!({"placement": "anna-1", "product": "cup", "alias": alias});
        let answer = refused(bench, &anna, "/v1/links", wish).await;
        assert_eq!(answer, (422, "bad_alias".to_owned()), "{alias} beside {code} and {qr}");
    }
    let wish = json!({"placement": "anna-1", "product": "cup", "alias": "christmas"});
    assert_eq!(refused(bench, &anna, "/v1/links", wish).await.0, 201);
});

on_both!(an_old_password_opens_nothing_once_it_is_changed, async |bench: &Bench| {
    bench.ok("PUT", "/v1/promoters/lily", json!({"name": "莉莉"})).await;
    let old = "correct horse";
    let account = json!({"login": "lily", "password": old, "role": "promoter", "subject": "lily"});
    bench.ok("POST", "/v1/accounts", account).await;
    let thief = bench.core.sign_in("lily", old, None).await.unwrap();
    // The new password is being hashed while whoever knows the old one signs in, and changes it: their checks wait in
    // the same queue, and end after it.
    let reset = bench.call("PUT", "/v1/accounts/lily/password", json!({"password": "another horse"}));
    let signing_in = futures_util::future::join_all((0..6).map(|_| bench.core.sign_in("lily", old, None)));
    let changing = bench.core.change_password(&thief.secret, old, "a third horse");
    let ((status, _), sessions, _) = tokio::join!(reset, signing_in, changing);
    assert_eq!(status, 200);
    for session in sessions.into_iter().flatten() {
        assert_eq!(bench.core.session(&session.secret).await.unwrap(), None, "it outlived its password");
    }
    assert!(bench.core.session(&thief.secret).await.unwrap().is_none());
    bench.core.sign_in("lily", "another horse", None).await.unwrap();
    for gone in [old, "a third horse"] {
        assert!(matches!(bench.core.sign_in("lily", gone, None).await, Err(SignInError::Wrong)), "{gone}");
    }
});

on_both!(whose_a_thing_is_is_told_to_nobody_else, async |bench: &Bench| {
    let stage = Stage::set(bench, "distributor1688", json!({})).await;
    bench.ok("PUT", "/v1/merchants/m2", json!({"platform": "p1", "name": "另一家"})).await;
    stage.event(created("o1", "u1", "cup", hour(3)), hour(3)).await;
    let annas = bench.ok("POST", "/v1/links", json!({"placement": "anna-1", "product": "cup"})).await;
    let link = format!("/v1/links/{}", annas["code"].as_str().unwrap());
    let wrong = "/v1/links/000000000";
    let (there, nowhere) = ("/v1/orders/o1/attribution", "/v1/orders/o2/attribution");
    let pairs = [
        ("merchant", "m2", there, nowhere, 404),
        ("promoter", "bob", there, nowhere, 403),
        ("promoter", "bob", link.as_str(), wrong, 404),
        ("merchant", "m1", link.as_str(), wrong, 404),
    ];
    for (role, subject, theirs, none, status) in pairs {
        let token = token(bench, role, subject).await;
        let ask = async |path: &str| {
            let (status, mut answer) = bench.call_as(&token, "GET", path, Value::Null).await;
            // The number that was asked for is in the answer; nothing else tells the two apart.
            let number = path.split('/').nth(3).unwrap();
            answer["detail"] = json!(answer["detail"].as_str().unwrap().replace(number, "NUMBER"));
            (status.as_u16(), answer)
        };
        let answer = ask(theirs).await;
        assert_eq!((answer.0, &answer), (status, &ask(none).await), "{role} {subject}");
    }
    let own = token(bench, "merchant", "m1").await;
    assert_eq!(bench.call_as(&own, "GET", there, Value::Null).await.0, 200);
});

on_both!(nobody_takes_the_name_of_anothers_placement, async |bench: &Bench| {
    Stage::set(bench, "distributor1688", json!({})).await;
    let (anna, bob) = (token(bench, "promoter", "anna").await, token(bench, "promoter", "bob").await);
    let path = "/v1/promoters/anna/placements";
    let taken = refused(bench, &anna, path, json!({"programme": "g1", "id": "bob.g1"})).await;
    assert_eq!(taken, (409, "placement_taken".to_owned()));
    for id in ["anna.group.1", "bobby.g1", "bob-2"] {
        assert_eq!(refused(bench, &anna, path, json!({"programme": "g1", "id": id})).await.0, 201, "{id}");
    }
    let own = refused(bench, &bob, "/v1/promoters/bob/placements", json!({"programme": "g1"})).await;
    assert_eq!(own.0, 201);
});

on_both!(what_was_let_go_before_findings_named_their_click_stays_let_go, async |bench: &Bench| {
    let stage = ready(bench, json!({})).await;
    bench.set_clock(hour(3));
    let own = token(bench, "merchant", "m1").await;
    for (order, promoter) in [("let-go", "anna"), ("held", "bob")] {
        let (tap, _) = stage.tapped(visitor(1), promoter, "cup", hour(2)).await;
        let placed = by(created(order, "u1", "cup", hour(3)), "m1", &[&tap]);
        sent(bench, &own, json!([placed, step("paid", order, hour(3))])).await;
    }
    stage.edge_has_shipped(hour(5)).await;
    stage.sweep(hour(5)).await;
    stage.sweep(hour(90)).await;
    let found = async |bench: &Bench| {
        let reviews = bench.ok("GET", "/v1/reviews", Value::Null).await;
        reviews["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|of| (of["order"].clone(), of["found"].clone()))
            .collect()
    };
    let clicks: Vec<(Value, Value)> = found(bench).await;
    assert_eq!(clicks.len(), 2);
    let (order, click) = clicks.iter().find(|(order, _)| order == "let-go").unwrap();
    let release = json!({"platform": "p1", "order": order, "reason": "unjournaled", "line": "1", "found": click,
                         "resolution": "the shop knows the buyer", "release": true});
    bench.set_clock(hour(91));
    bench.ok("POST", "/v1/reviews/resolve", release).await;
    // As the version before left it.
    let word = if bench.is_sqlite() { "INTEGER" } else { "BIGINT" };
    let undo = format!(
        "ALTER TABLE order_lines ADD COLUMN review_passed {word} NOT NULL DEFAULT 0;
         UPDATE order_lines SET review_passed = 1 WHERE order_id = 'let-go';
         ALTER TABLE order_reviews DROP COLUMN released;
         UPDATE order_reviews SET found = '';
         DELETE FROM schema_migrations WHERE version = 96"
    );
    bench.core.store().write(move |tx| tx.script(&undo)).await.unwrap();
    drop(bench.open_again());
    let held: Vec<(Value, Value)> = clicks.iter().filter(|(order, _)| order == "held").cloned().collect();
    assert_eq!(found(bench).await, held);
    for order in ["let-go", "held"] {
        stage.event(step("completed", order, hour(92)), hour(92)).await;
    }
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t", "amount_fen": 100_000})).await;
    stage.sweep(hour(93)).await;
    assert_eq!(stage.short("let-go").await, ("anna".into(), "settled".into(), 1_000));
    assert_eq!(stage.short("held").await, ("bob".into(), "matured".into(), 1_000));
    stage.audit().await;
});
