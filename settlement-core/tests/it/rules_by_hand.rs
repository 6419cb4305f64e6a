//! What people do beside the feed: bans and suspensions that reach back, plans, rates, coupons, contracts.

use crate::on_both;
use crate::order_bench::{Stage, created, hour, refunded, step, visitor};
use crate::replay::replayed;
use crate::support::Bench;
use serde_json::{Value, json};
use settlement_core::params;

fn rules(more: &Value) -> Value {
    let mut rules = json!({"attribution": {"scope": "shop", "require_converted_link": false}});
    rules.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    rules
}

async fn ready<'a>(bench: &'a Bench, policy: Value) -> Stage<'a> {
    let stage = Stage::set(bench, "taobao_live", policy).await;
    stage.login(visitor(1), "u1", hour(0)).await;
    stage.tap(visitor(1), "anna", "cup", hour(1), hour(1)).await;
    stage
}

async fn paid(stage: &Stage<'_>, order: &str, at: i64) {
    stage.event(created(order, "u1", "cup", hour(at)), hour(at)).await;
    stage.event(step("paid", order, hour(at)), hour(at)).await;
}

async fn reviews(bench: &Bench) -> Vec<(String, String)> {
    let open = bench.ok("GET", "/v1/reviews", Value::Null).await;
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    open["items"].as_array().unwrap().iter().map(|item| (text(item, "order"), text(item, "reason"))).collect()
}

/// One order before the ban, one settled, one that waits for money, one that may still change: then the ban is known.
async fn four_orders(bench: &Bench) -> Stage<'_> {
    let stage = ready(bench, rules(&json!({}))).await;
    for (order, at) in [("before", 9), ("done", 10), ("held", 11), ("pending", 80)] {
        paid(&stage, order, at).await;
    }
    for order in ["done", "held"] {
        stage.event(step("completed", order, hour(20)), hour(20)).await;
    }
    stage.edge_has_shipped(hour(90)).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t", "amount_fen": 1_000})).await;
    stage.sweep(hour(90)).await;
    stage.sweep(hour(90).plus(1_000)).await;
    let states = ["before", "done", "held", "pending"];
    let mut seen = Vec::new();
    for order in states {
        seen.push((stage.short(order).await.1, stage.line(order).await["provisional"].clone()));
    }
    let state = |name: &str, provisional: bool| (name.to_owned(), json!(provisional));
    // The money reaches for one of the two that completed at once: the order's number decides.
    assert_eq!(
        seen,
        [state("expected", false), state("settled", false), state("matured", false), state("expected", true)]
    );
    stage
}

on_both!(a_ban_known_late_voids_what_is_open_and_flags_what_has_settled, async |bench: &Bench| {
    let stage = four_orders(bench).await;
    bench.ok("PUT", "/v1/categories/home", json!({"name": "家居", "parent": null})).await;
    let ban = json!({"category": "home", "effective_from": hour(10).millis()});
    bench.ok("POST", "/v1/bans", ban).await;
    stage.sweep(hour(91)).await;
    assert_eq!(stage.short("before").await, ("anna".into(), "expected".into(), 1_000));
    assert_eq!(stage.short("done").await, ("anna".into(), "settled".into(), 1_000));
    for order in ["held", "pending"] {
        let line = stage.line(order).await;
        assert_eq!(
            line["decision"]["attribution"]["outcome"]["no_commission"]["code"], "category_banned",
            "{order}: {line}"
        );
        assert_eq!(stage.short(order).await.2, 0);
    }
    assert_eq!(reviews(bench).await, [("done".to_owned(), "banned_after_settlement".to_owned())]);
    let kept = &stage.line("held").await["superseded"][0];
    assert_eq!(kept["promoter"], "anna", "every decision is kept");
    // It was meant for later: what was voided is due again.
    let later = json!({"category": "home", "effective_from": hour(79).millis()});
    bench.ok("POST", "/v1/bans", later).await;
    stage.sweep(hour(92)).await;
    assert_eq!(stage.short("held").await, ("anna".into(), "matured".into(), 1_000));
    assert_eq!(stage.short("pending").await.2, 0);
    stage.sweep(hour(93)).await;
    stage.audit().await;
});

on_both!(a_ban_that_is_lifted_gives_back_what_was_placed_after_its_end, async |bench: &Bench| {
    let stage = four_orders(bench).await;
    let ban = json!({"category": "home", "effective_from": hour(10).millis()});
    bench.ok("POST", "/v1/bans", ban).await;
    stage.sweep(hour(91)).await;
    let lift = json!({"category": "home", "at": hour(11).millis()});
    let lifted = bench.ok("POST", "/v1/bans/lift", lift.clone()).await;
    assert_eq!(lifted["effective_to"], hour(11).millis());
    stage.sweep(hour(92)).await;
    assert_eq!(stage.short("done").await, ("anna".into(), "settled".into(), 1_000));
    assert_eq!(stage.short("held").await, ("anna".into(), "matured".into(), 1_000));
    assert_eq!(stage.short("pending").await, ("anna".into(), "expected".into(), 1_000));
    bench.problem("POST", "/v1/bans/lift", lift, 409, "not_banned").await;
    // Earlier still, it may be lifted; later, it is over.
    bench.ok("POST", "/v1/bans/lift", json!({"category": "home", "at": hour(10).millis()})).await;
    stage.sweep(hour(93)).await;
    stage.audit().await;
});

on_both!(a_suspension_known_late_takes_open_orders_and_flags_settled_ones, async |bench: &Bench| {
    let stage = four_orders(bench).await;
    bench.ok("POST", "/v1/promoters/anna/disable", json!({"at": hour(10).millis()})).await;
    stage.sweep(hour(91)).await;
    assert_eq!(stage.short("before").await, ("anna".into(), "expected".into(), 1_000));
    for order in ["held", "pending"] {
        let code = &stage.line(order).await["decision"]["attribution"]["outcome"]["no_commission"]["code"];
        assert_eq!(code, "promoter_disabled", "{order}");
    }
    assert_eq!(reviews(bench).await, [("done".to_owned(), "disabled_after_settlement".to_owned())]);
    stage.audit().await;
});

on_both!(a_targeted_plan_pays_those_it_approved_from_its_midnight_on, async |bench: &Bench| {
    let stage = ready(bench, rules(&json!({}))).await;
    bench.set_clock(hour(2));
    let plan = json!({"id": "p-20", "programme": "g1", "name": "定向", "approval": "manual",
                      "rates": [{"product": "cup", "bp": 2_000}]});
    bench.ok("POST", "/v1/plans", plan.clone()).await;
    bench.problem("POST", "/v1/plans", plan, 409, "plan_exists").await;
    let anna = json!({"promoter": "anna"});
    bench.problem("POST", "/v1/plans/p-20/approve", anna.clone(), 409, "no_application").await;
    assert_eq!(bench.ok("POST", "/v1/plans/p-20/apply", anna.clone()).await["state"], "pending");
    // The story begins at noon, so the plan begins twelve hours later.
    paid(&stage, "pending", 13).await;
    bench.set_clock(hour(14));
    assert_eq!(bench.ok("POST", "/v1/plans/p-20/approve", anna.clone()).await["state"], "approved");
    assert_eq!(bench.ok("POST", "/v1/plans/p-20/apply", anna.clone()).await["state"], "approved");
    paid(&stage, "before_midnight", 11).await;
    paid(&stage, "approved", 15).await;
    bench.set_clock(hour(16));
    bench.ok("POST", "/v1/plans/p-20/reject", anna).await;
    paid(&stage, "rejected", 17).await;
    let mut seen = Vec::new();
    for order in ["before_midnight", "pending", "approved", "rejected"] {
        seen.push(stage.short(order).await.2);
    }
    assert_eq!(seen, [1_000, 1_000, 2_000, 1_000]);
    let plans = bench.ok("GET", "/v1/plans?programme=g1", Value::Null).await;
    assert_eq!(
        (&plans["items"][0]["id"], &plans["items"][0]["approval"]),
        (&json!("p-20"), &json!("manual"))
    );
    // Also who reads of the plan is told from when on it pays.
    let begins = json!(hour(12).millis());
    assert_eq!(
        (&plans["items"][0]["effective_from"], &plans["items"][0]["rates"][0]["from"]),
        (&begins, &begins)
    );
    // A promoter does not answer their own application, and a merchant does not set another's rates.
    let token = bench.ok("POST", "/v1/tokens", json!({"role": "promoter", "subject": "anna"})).await;
    let token = token["token"].as_str().unwrap();
    let (status, _) =
        bench.call_as(token, "POST", "/v1/plans/p-20/approve", json!({"promoter": "anna"})).await;
    assert_eq!(status.as_u16(), 403);
    stage.audit().await;
});

on_both!(a_plan_that_is_closed_pays_no_later_order, async |bench: &Bench| {
    let stage = ready(bench, rules(&json!({"commission": {"targeted_effective": "immediate"}}))).await;
    bench.set_clock(hour(2));
    let plan = json!({"id": "p-20", "programme": "g1", "name": "定向", "approval": "automatic",
                      "rates": [{"product": "cup", "bp": 2_000}]});
    bench.ok("POST", "/v1/plans", plan).await;
    bench.ok("POST", "/v1/plans/p-20/apply", json!({"promoter": "anna"})).await;
    let to = "/v1/plans/p-20/close";
    bench.ok("PUT", "/v1/merchants/m2", json!({"platform": "p1", "name": "另一家"})).await;
    let other = bench.ok("POST", "/v1/tokens", json!({"role": "merchant", "subject": "m2"})).await;
    let other = other["token"].as_str().unwrap();
    let (status, _) = bench.call_as(other, "POST", to, json!({})).await;
    assert_eq!(status.as_u16(), 403, "the plan is another's");
    bench.problem("POST", to, json!({"at": hour(1).millis()}), 422, "invalid").await;
    // An end that has not come yet is moved.
    bench.ok("POST", to, json!({"at": hour(30).millis()})).await;
    paid(&stage, "before", 3).await;
    bench.set_clock(hour(4));
    let closed = bench.ok("POST", to, json!({})).await;
    assert_eq!(closed["closes_at"], hour(4).millis());
    bench.problem("POST", to, json!({}), 409, "plan_closed").await;
    paid(&stage, "after", 5).await;
    assert_eq!((stage.short("before").await.2, stage.short("after").await.2), (2_000, 1_000));
    stage.audit().await;
});

on_both!(a_merchant_sets_a_categorys_rate_in_its_own_programme_alone, async |bench: &Bench| {
    Stage::set(bench, "distributor1688", json!({})).await;
    for (id, whose, of) in [("own", "merchant", "m1"), ("all", "platform", "p1")] {
        let programme = json!({whose: of, "name": id, "preset": "youzan_short"});
        bench.ok("PUT", &format!("/v1/programmes/{id}"), programme).await;
    }
    let own = bench.ok("POST", "/v1/tokens", json!({"role": "merchant", "subject": "m1"})).await;
    let own = own["token"].as_str().unwrap();
    for (programme, expected) in [("own", 201), ("all", 403)] {
        let body = json!({"programme": programme, "rates": [{"category": "home", "bp": 500}]});
        let (status, answer) = bench.call_as(own, "POST", "/v1/rates", body).await;
        assert_eq!(status.as_u16(), expected, "{programme}: {answer}");
        if expected == 403 {
            assert_eq!(answer["field"], "rates[0].category");
        }
    }
    let (_, rates) = bench.call_as(own, "GET", "/v1/rates?programme=own", Value::Null).await;
    assert!(rates["items"][0]["subject_name"].is_string(), "{rates}");
});

on_both!(a_rename_leaves_agency_and_accounts_as_they_are, async |bench: &Bench| {
    let stage = ready(bench, rules(&json!({}))).await;
    let own = json!([{"platform": "p1", "buyer": "u1"}]);
    let body = json!({"name": "anna", "agency": "star", "agency_from": hour(10).millis(), "accounts": own});
    bench.ok("PUT", "/v1/promoters/anna", body).await;
    let renamed = bench.ok("PUT", "/v1/promoters/anna", json!({"name": "安娜"})).await;
    assert_eq!((&renamed["name"], &renamed["agency"]), (&json!("安娜"), &json!("star")));
    assert_eq!(bench.ok("GET", "/v1/promoters/anna", Value::Null).await["accounts"], own);
    let left = json!({"name": "安娜", "agency": null, "accounts": null});
    bench.ok("PUT", "/v1/promoters/anna", left).await;
    let left = bench.ok("GET", "/v1/promoters/anna", Value::Null).await;
    assert_eq!((left.get("agency"), left.get("accounts")), (None, None), "{left}");
    stage.audit().await;
});

on_both!(everything_that_is_wrong_with_rates_is_told_at_once, async |bench: &Bench| {
    ready(bench, rules(&json!({}))).await;
    let wrong = json!([
        {"bp": 5}, {"bp": 5, "class": "new", "from": 2_000, "to": 1_000}, {"bp": 5, "product": "none"},
        {"bp": 5, "product": "none", "shop": "m1"}, {"bp": 5, "shop": "none", "class": "new"},
    ]);
    let expected =
        ["rates[1].to", "rates[1].class", "rates[2].product", "rates[3]", "rates[4].shop", "rates[4].class"];
    let named = |refusal: &Value| -> Vec<String> {
        let errors = refusal["errors"].as_array().unwrap();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    };
    let body = json!({"programme": "g1", "plan": "none", "rates": wrong});
    let refusal = bench.problem("POST", "/v1/rates", body, 404, "not_found").await;
    assert_eq!(named(&refusal), [&["plan"], &expected[..]].concat(), "{refusal}");
    let plan = json!({"programme": "g1", "id": "p-9", "name": "n", "approval": "manual", "closes_at": 1, "rates": wrong});
    let refusal = bench.problem("POST", "/v1/plans", plan, 422, "invalid").await;
    assert_eq!(named(&refusal), [&["closes_at"], &expected[..]].concat(), "{refusal}");
    // Who may not set one of them is told nothing else; nothing was set.
    let token = bench.ok("POST", "/v1/tokens", json!({"role": "merchant", "subject": "m1"})).await;
    let body = json!({"programme": "g1", "rates": [{"bp": 5, "class": "new"}, {"bp": 5, "from": 0}]});
    let (status, refusal) = bench.call_as(token["token"].as_str().unwrap(), "POST", "/v1/rates", body).await;
    assert_eq!((status.as_u16(), refusal.get("errors")), (403, None), "{refusal}");
    let set = bench.ok("GET", "/v1/rates?programme=g1", Value::Null).await;
    assert_eq!(set["items"], json!([]), "{set}");
});

on_both!(rates_that_no_order_would_be_paid_by_are_refused, async |bench: &Bench| {
    let stage = ready(bench, rules(&json!({}))).await;
    let rates =
        |programme: &str| json!({"programme": programme, "rates": [{"bp": 5}, {"bp": 5, "class": "new"}]});
    let mut plan = rates("g1");
    plan.as_object_mut()
        .unwrap()
        .extend(json!({"id": "p-3", "name": "n", "approval": "manual"}).as_object().unwrap().clone());
    for (path, body) in [("/v1/rates", rates("g1")), ("/v1/plans", plan)] {
        let refused = bench.problem("POST", path, body, 422, "invalid").await;
        assert_eq!(refused["field"], "rates[1].class", "{path}");
    }
    let offsite = json!({"merchant": "m1", "name": "off", "preset": "offsite1688", "effective_from": 0});
    bench.ok("PUT", "/v1/programmes/off", offsite).await;
    let placement = json!({"id": "anna-off", "programme": "off"});
    for (path, body) in [("/v1/rates", rates("off")), ("/v1/promoters/anna/placements", placement)] {
        let refused = bench.problem("POST", path, body, 409, "no_promoters").await;
        assert_eq!(refused["field"], "programme", "{path}");
    }
    stage.audit().await;
});

on_both!(a_plan_that_no_order_would_be_paid_by_is_refused, async |bench: &Bench| {
    let targeted = json!({"commission": {"plan_precedence": ["approved_targeted", "general"]}});
    let stage = ready(bench, rules(&targeted)).await;
    let plan = |id: &str| json!({"id": id, "programme": "g1", "name": "定向", "approval": "manual", "rates": [{"bp": 2_000}]});
    let anna = json!({"promoter": "anna"});
    bench.ok("POST", "/v1/plans", plan("p-1")).await;
    bench.ok("POST", "/v1/plans/p-1/apply", anna.clone()).await;
    let listed = async || bench.ok("GET", "/v1/programmes", Value::Null).await;
    assert_eq!(listed().await["items"][0]["targeted_plans"], true);
    let general =
        json!({"merchant": "m1", "name": "g", "policy": {"commission": {"plan_precedence": ["general"]}}});
    bench.ok("PUT", "/v1/programmes/g1", general).await;
    assert_eq!(listed().await["items"][0]["targeted_plans"], false);
    for (path, body) in [
        ("/v1/plans", plan("p-2")),
        ("/v1/plans/p-1/apply", anna.clone()),
        ("/v1/plans/p-1/approve", anna.clone()),
    ] {
        let refused = bench.problem("POST", path, body, 409, "no_targeted_plans").await;
        assert_eq!(refused["field"], "programme", "{path}");
    }
    bench.ok("POST", "/v1/plans/p-1/reject", anna).await;
    stage.audit().await;
});

on_both!(rates_count_from_their_time_on_and_the_narrowest_wins, async |bench: &Bench| {
    let stage = ready(bench, rules(&json!({}))).await;
    bench.set_clock(hour(2));
    let rates = json!({"programme": "g1", "rates": [
        {"shop": "m1", "bp": 300, "from": hour(10).millis()},
        {"category": "home", "bp": 400, "from": hour(20).millis()},
        {"product": "cup", "bp": null, "from": hour(30).millis()}]});
    bench.ok("POST", "/v1/rates", rates).await;
    let mut seen = Vec::new();
    for (order, at) in [("o1", 9), ("o2", 10), ("o3", 20), ("o4", 30)] {
        paid(&stage, order, at).await;
        seen.push(stage.short(order).await.2);
    }
    assert_eq!(seen, [1_000, 300, 400, 0]);
    bench.ok("PUT", "/v1/merchants/m2", json!({"platform": "p1", "name": "另一家"})).await;
    let token = bench.ok("POST", "/v1/tokens", json!({"role": "merchant", "subject": "m2"})).await;
    let token = token["token"].as_str().unwrap();
    for rate in [json!({"product": "cup", "bp": 1}), json!({"shop": "m1", "bp": 1}), json!({"bp": 1})] {
        let body = json!({"programme": "g1", "rates": [rate]});
        assert_eq!(bench.call_as(token, "POST", "/v1/rates", body).await.0.as_u16(), 403);
    }
    // Nothing begins before an order that has settled.
    stage.event(step("completed", "o1", hour(31)), hour(31)).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t", "amount_fen": 1_000})).await;
    stage.edge_has_shipped(hour(90)).await;
    stage.sweep(hour(90)).await;
    assert_eq!(stage.short("o1").await.1, "settled");
    bench.set_clock(hour(91));
    let early = json!({"programme": "g1", "rates": [{"product": "cup", "bp": 1, "from": hour(8).millis()}]});
    bench.problem("POST", "/v1/rates", early, 409, "settled_since").await;
    stage.audit().await;
});

on_both!(an_exclusive_coupon_wins_where_the_rules_say_so, async |bench: &Bench| {
    let policy = json!({"attribution": {"scope": "shop", "require_converted_link": false,
                                        "coupon": "exclusive_code_wins"}});
    let stage = ready(bench, policy).await;
    bench.set_clock(hour(2));
    bench.ok("POST", "/v1/coupons", json!({"programme": "g1", "code": "X", "promoter": "bob"})).await;
    for (order, buyer, code) in [("with", "u1", "X"), ("other", "u1", "Y"), ("no_click", "u9", "X")] {
        let mut event = created(order, buyer, "cup", hour(10));
        event["coupon"] = json!(code);
        stage.event(event, hour(10)).await;
        stage.event(step("paid", order, hour(10)), hour(10)).await;
    }
    let owners = [stage.short("with").await.0, stage.short("other").await.0, stage.short("no_click").await.0];
    assert_eq!(owners, ["bob", "anna", "bob"]);
    stage.audit().await;
});

on_both!(an_agencys_share_begins_with_its_contract, async |bench: &Bench| {
    let stage = ready(bench, rules(&json!({}))).await;
    let body = json!({"name": "anna", "agency": "star", "agency_from": hour(10).millis()});
    bench.ok("PUT", "/v1/promoters/anna", body).await;
    paid(&stage, "before", 9).await;
    paid(&stage, "after", 10).await;
    let books = stage.books().await;
    let of = |account: &str| books.iter().find(|(name, _)| name == account).map(|(_, fen)| *fen);
    // Weights 1:2:7 of 1,000: the agency has its 200 of the second order only.
    assert_eq!(of("pending earned agency/star g1"), Some(200));
    assert_eq!(of("pending earned promoter/anna g1"), Some(1_800));
    stage.audit().await;
});

on_both!(an_agency_has_an_id_like_everybody, async |bench: &Bench| {
    let stage = ready(bench, rules(&json!({}))).await;
    for agency in ["", "星光", "two words", "a/b", "star\u{0}"] {
        let body = json!({"name": "anna", "agency": agency});
        let refused = bench.problem("PUT", "/v1/promoters/anna", body, 422, "invalid_body").await;
        assert_eq!(refused["field"], "agency");
    }
    paid(&stage, "after", 10).await;
    assert_eq!(stage.short("after").await.0, "anna");
});

on_both!(what_cannot_have_happened_is_kept_for_a_person, async |bench: &Bench| {
    let stage = ready(bench, rules(&json!({}))).await;
    bench.set_clock(hour(30));
    let post = async |event: Value| {
        let (_, answer) = bench.call("POST", "/v1/orders/events", json!({"events": [event]})).await;
        let one = &answer["results"][0];
        (one["status"].as_str().unwrap().to_owned(), one["code"].as_str().unwrap_or_default().to_owned())
    };
    let review = |code: &str| ("review".to_owned(), code.to_owned());
    assert_eq!(post(created("future", "u1", "cup", hour(31))).await, review("time_implausible"));
    let mut dollars = created("dollars", "u1", "cup", hour(10));
    dollars["currency"] = json!("USD");
    assert_eq!(post(dollars).await, review("currency_not_cny"));
    let mut yuan = created("yuan", "u1", "cup", hour(10));
    yuan["currency"] = json!("CNY");
    assert_eq!(post(yuan).await.0, "accepted");
    assert_eq!(post(created("yuan", "u1", "cup", hour(10))).await.0, "duplicate");
    paid(&stage, "early", 12).await;
    assert_eq!(post(step("completed", "early", hour(11))).await.0, "accepted");
    let mut found = reviews(bench).await;
    found.sort();
    let expected =
        [("dollars", "currency_not_cny"), ("early", "completed_before_paid"), ("future", "time_implausible")];
    assert_eq!(found, expected.map(|(order, reason)| (order.to_owned(), reason.to_owned())));
    // Its time has come.
    bench.set_clock(hour(32));
    assert_eq!(post(created("future", "u1", "cup", hour(31))).await.0, "accepted");
    stage.audit().await;
});

on_both!(what_a_payment_explains_leaves_the_review_queue, async |bench: &Bench| {
    let stage = ready(bench, rules(&json!({}))).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t", "amount_fen": 10_000})).await;
    let open = |reason: &str| vec![("o1".to_owned(), reason.to_owned())];
    stage.event(created("o1", "u1", "cup", hour(10)), hour(10)).await;
    stage.event(step("completed", "o1", hour(20)), hour(20)).await;
    stage.edge_has_shipped(hour(90)).await;
    stage.sweep(hour(90)).await;
    assert_eq!(stage.short("o1").await.1, "tracked", "nobody has paid");
    assert_eq!(reviews(bench).await, open("completed_before_paid"));
    stage.event(refunded("o1", "r1", 1, hour(12)), hour(91)).await;
    assert_eq!(reviews(bench).await.len(), 2, "nor is there anything to be refunded");
    stage.event(step("paid", "o1", hour(11)), hour(92)).await;
    stage.sweep(hour(93)).await;
    assert_eq!(stage.short("o1").await.1, "settled");
    assert_eq!(reviews(bench).await, []);
    let told = bench.ok("GET", "/v1/orders/o1/attribution", Value::Null).await;
    let said = |review: &Value| review["resolution"] == "explained by what came in since";
    assert!(told["reviews"].as_array().unwrap().iter().all(said), "{told}");

    // What they explain no more is open again; what a person has looked at is not.
    stage.event(refunded("o1", "r2", 10_000, hour(94)), hour(94)).await;
    assert_eq!(reviews(bench).await, open("refund_exceeds_payment"));
    let body = json!({"platform": "p1", "order": "o1", "reason": "refund_exceeds_payment", "line": "1",
                      "resolution": "the shop paid too much back"});
    bench.ok("POST", "/v1/reviews/resolve", body).await;
    stage.event(refunded("o1", "r3", 1, hour(95)), hour(95)).await;
    assert_eq!(reviews(bench).await, []);
    assert_eq!(stage.short("o1").await.2, 0);
    stage.audit().await;
});

on_both!(an_agency_that_cannot_be_named_holds_its_orders_until_it_can, async |bench: &Bench| {
    // A replay goes by when things were recorded: the catalogue comes before the orders.
    bench.set_clock(hour(0));
    let stage = ready(bench, rules(&json!({}))).await;
    let named = |agency: &str| json!({"name": "anna", "agency": agency, "agency_from": 0});
    bench.ok("PUT", "/v1/promoters/anna", named("stars")).await;
    // Ids of agencies were not always checked: what was stored then is still there.
    let sql = "UPDATE agency_contracts SET agency = 'stars and moons'";
    bench.core.store().write(move |tx| tx.execute(sql, params![])).await.unwrap();
    for (order, at) in [("held", 10), ("pending", 80)] {
        paid(&stage, order, at).await;
    }
    stage.event(step("completed", "held", hour(20)), hour(20)).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t", "amount_fen": 10_000})).await;
    stage.edge_has_shipped(hour(90)).await;
    stage.sweep(hour(90)).await;
    let held = |order: &str| (order.to_owned(), "unnamed_agency".to_owned());
    assert_eq!(reviews(bench).await, [held("held"), held("pending")]);
    for order in ["held", "pending"] {
        let line = stage.line(order).await;
        assert_eq!(line["decision"]["attribution"]["flags"], json!(["unnamed_agency"]), "{line}");
    }
    assert_ne!(stage.short("held").await.1, "settled");
    let purse = bench.ok("GET", "/v1/promoters/anna/balance", Value::Null).await;
    assert_eq!((&purse[0]["earned_fen"], &purse[0]["available_fen"]), (&json!(0), &json!(0)), "{purse}");
    let audit = bench.ok("GET", "/v1/audit/ledger", Value::Null).await;
    let unnamed = &audit["unnamed_agencies"][0];
    assert_eq!((&unnamed["promoter"], &unnamed["agency"]), (&json!("anna"), &json!("stars and moons")));
    assert!(unnamed["problem"].as_str().unwrap().contains("' '"), "{unnamed}");
    assert_eq!(audit["balanced"], true);
    // A video task is listed, and not paid to nobody knows whom.
    let task = json!({"id": "v1", "programme": "g1", "merchant": "m1", "talent": "anna", "price_fen": 1_000});
    bench.ok("POST", "/v1/video-tasks", task).await;
    bench.problem("POST", "/v1/video-tasks/v1/confirm", json!({}), 409, "unnamed_agency").await;
    assert_eq!(replayed(bench).await.differences, []);
    // A right id mends all of it, also where the decision is final.
    bench.set_clock(hour(91));
    bench.ok("PUT", "/v1/promoters/anna", named("stars")).await;
    for minute in 0..3 {
        stage.sweep(hour(91).plus((minute + 1) * 60_000)).await;
    }
    assert_eq!(reviews(bench).await, []);
    assert_eq!(stage.short("held").await, ("anna".into(), "settled".into(), 1_000));
    assert_eq!(stage.short("pending").await, ("anna".into(), "expected".into(), 1_000));
    let purse = bench.ok("GET", "/v1/agencies/stars/balance", Value::Null).await;
    assert_eq!((&purse[0]["earned_fen"], &purse[0]["expected_fen"]), (&json!(200), &json!(200)), "{purse}");
    let audit = bench.ok("GET", "/v1/audit/ledger", Value::Null).await;
    assert_eq!(audit["unnamed_agencies"], json!([]));
    bench.ok("POST", "/v1/video-tasks/v1/confirm", json!({})).await;
    assert_eq!(replayed(bench).await.differences, []);
    stage.audit().await;
});
