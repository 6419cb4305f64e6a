//! Changed rules over past orders: who gains, who loses, and nothing is written.

use crate::on_both;
use crate::order_bench::{Stage, created, hour, step, visitor};
use crate::replay::replayed;
use crate::support::Bench;
use serde_json::{Value, json};

/// Two promoters clicked, the second one last; one order of ¥100.00 at 10 %, paid.
async fn one_order(bench: &Bench) -> Stage<'_> {
    bench.set_clock(hour(-1));
    let policy =
        json!({"attribution": {"scope": "shop", "require_badge": false, "require_converted_link": false}});
    let stage = Stage::set(bench, "distributor1688", policy).await;
    bench.set_clock(hour(0));
    stage.login(visitor(1), "u1", hour(0)).await;
    stage.tap(visitor(1), "anna", "cup", hour(1), hour(1)).await;
    stage.tap(visitor(1), "bob", "cup", hour(2), hour(2)).await;
    stage.event(created("o1", "u1", "cup", hour(3)), hour(3)).await;
    stage.event(step("paid", "o1", hour(3)), hour(3)).await;
    bench.set_clock(hour(5));
    stage
}

fn ask(policy: &Value) -> Value {
    json!({"programme": "g1", "policy": policy, "since": hour(0).millis(), "lines": true})
}

fn gains(answer: &Value) -> Vec<(String, i64)> {
    let holders = answer["holders"].as_array().unwrap().iter();
    holders.map(|h| (h["holder"].as_str().unwrap().to_owned(), h["gain_fen"].as_i64().unwrap())).collect()
}

on_both!(who_gains_and_who_loses_is_said_to_the_fen, async |bench: &Bench| {
    let stage = one_order(bench).await;
    let before = stage.books().await;
    let same = bench.ok("POST", "/v1/rehearsals", ask(&json!({}))).await;
    assert_eq!(
        (&same["lines"], &same["changed"], &same["holders"]),
        (&json!(1), &json!(0), &json!([])),
        "{same}"
    );

    let rates = json!([{"bp": 1500, "effective": {"from": 0}}]);
    let dearer = bench.ok("POST", "/v1/rehearsals", ask(&json!({"commission": {"rates": rates}}))).await;
    assert_eq!((&dearer["rate"], &dearer["amount"], &dearer["winner"]), (&json!(1), &json!(1), &json!(0)));
    assert_eq!(dearer["commission_before_fen"], 1_000);
    assert_eq!(dearer["commission_after_fen"], 1_500);
    assert_eq!(gains(&dearer).iter().map(|(_, fen)| fen).sum::<i64>(), 0, "{dearer}");
    assert!(gains(&dearer).contains(&("merchant/m1".to_owned(), -500)), "{dearer}");

    // The first promoter would have kept the buyer.
    let locked = json!({"attribution": {"model": "binding", "rebind": "never"}});
    let kept = bench.ok("POST", "/v1/rehearsals", ask(&locked)).await;
    assert_eq!((&kept["winner"], &kept["rate"]), (&json!(1), &json!(0)), "{kept}");
    assert_eq!(kept["changes"][0]["before"]["promoter"], "bob");
    assert_eq!(kept["changes"][0]["after"]["promoter"], "anna");

    // From a day after the order on, nothing changes.
    let later =
        json!({"programme": "g1", "policy": {"commission": {"rates": []}}, "since": hour(30).millis()});
    assert_eq!(bench.ok("POST", "/v1/rehearsals", later).await["orders"], 0);

    assert_eq!(stage.books().await, before, "nothing is written");
    assert_eq!(replayed(bench).await.differences, []);
});

on_both!(mistakes_and_strangers_are_refused, async |bench: &Bench| {
    one_order(bench).await;
    let wrong = json!({"attribution": {"validity": {"from_last_click": "0s"}},
                       "commission": {"rates": [{"bp": 10_001, "effective": {"from": 0}}], "splt": []}});
    let answer = bench.problem("POST", "/v1/rehearsals", ask(&wrong), 422, "invalid_policy").await;
    let errors = answer["errors"].as_array().unwrap();
    assert!(errors.len() >= 2, "every mistake is listed: {answer}");
    bench.problem("POST", "/v1/rehearsals", json!({"programme": "g9", "since": 0}), 404, "not_found").await;
    let turned = json!({"programme": "g1", "since": hour(2).millis(), "until": hour(1).millis()});
    bench.problem("POST", "/v1/rehearsals", turned, 422, "invalid").await;

    bench.ok("PUT", "/v1/merchants/m2", json!({"platform": "p1", "name": "m2"})).await;
    for (merchant, status) in [("m1", 200), ("m2", 403)] {
        let issued = bench.ok("POST", "/v1/tokens", json!({"role": "merchant", "subject": merchant})).await;
        let token = issued["token"].as_str().unwrap();
        let (got, answer) = bench.call_as(token, "POST", "/v1/rehearsals", ask(&json!({}))).await;
        assert_eq!(got.as_u16(), status, "{merchant}: {answer}");
    }
});
