//! Payout accounts that payees bind themselves, and the person who looks whose they are.

use crate::on_both;
use crate::order_bench::{Stage, hour};
use crate::support::Bench;
use axum::http::StatusCode;
use serde_json::{Value, json};
use settlement_core::payout_accounts::bindings;

const VERIFY: &str = "/v1/payout-accounts/verify";
const REFUSE: &str = "/v1/payout-accounts/refuse";

async fn to_check(bench: &Bench, query: &str) -> Vec<Value> {
    let page = bench.ok("GET", &format!("/v1/payout-accounts{query}"), Value::Null).await;
    page["items"].as_array().unwrap().clone()
}

on_both!(an_account_counts_once_somebody_has_looked_whose_it_is, async |bench: &Bench| {
    Stage::set(bench, "taobao_live", json!({})).await;
    bench.set_clock(hour(1));
    let mut tokens = Vec::new();
    for (at, promoter) in ["bob", "anna"].into_iter().enumerate() {
        let issued = bench.ok("POST", "/v1/tokens", json!({"role": "promoter", "subject": promoter})).await;
        let token = issued["token"].as_str().unwrap().to_owned();
        bench.set_clock(hour(1 + i64::try_from(at).unwrap()));
        let account = json!({"kind": "alipay", "account": format!("{promoter}@a.example"), "holder": "安娜"});
        let path = format!("/v1/promoters/{promoter}/payout-account");
        let (status, bound) = bench.call_as(&token, "PUT", &path, account).await;
        assert_eq!((status, &bound["accounts"][0]["verified"]), (StatusCode::OK, &json!(false)), "{bound}");
        tokens.push(token);
    }
    // What operators bind they have looked at.
    let account = json!({"kind": "company_alipay", "account": "stars@a.example", "holder": "星"});
    bench.ok("PUT", "/v1/promoters/star", json!({"name": "星", "agency": "stars"})).await;
    bench.ok("PUT", "/v1/agencies/stars/payout-account", account).await;
    let all = to_check(bench, "").await;
    let whose: Vec<&Value> = all.iter().map(|of| &of["payee"]).collect();
    assert_eq!(whose, ["promoter/bob", "promoter/anna"], "the longest first");
    assert_eq!(all[1]["account"], "anna@a.example", "in full, to be compared");
    let first = bench.ok("GET", "/v1/payout-accounts?limit=1", Value::Null).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(to_check(bench, &format!("?limit=1&cursor={cursor}")).await, all[1..]);
    assert_eq!(to_check(bench, "?payee=promoter/anna").await, all[1..]);

    // Another account than the one that was looked at is not verified with it.
    let anna = json!({"payee": "promoter/anna", "from": all[1]["from"]});
    let other = json!({"payee": "promoter/anna", "from": hour(1).millis()});
    bench.problem("POST", VERIFY, other, 409, "account_changed").await;
    bench.problem("POST", VERIFY, json!({"payee": "promoter/nobody"}), 404, "not_found").await;
    bench.set_clock(hour(3));
    for _ in 0..2 {
        assert_eq!(bench.ok("POST", VERIFY, anna.clone()).await["verified"], true);
    }
    let accounts = bench.ok("GET", "/v1/promoters/anna/payout-account", Value::Null).await;
    assert_eq!(accounts["accounts"][0]["verified"], true, "{accounts}");
    let notices = bench.ok("GET", "/v1/promoters/anna/notices", Value::Null).await;
    assert_eq!(notices["items"].as_array().unwrap().len(), 1, "told once: {notices}");
    assert_eq!(
        (&notices["items"][0]["kind"], &notices["items"][0]["detail"]),
        (&json!("account_verified"), &json!("a***@a.example"))
    );

    // Refused: not bound any more, and the payee reads why. The next one is looked at anew.
    for reason in [" ", "a\u{7}b", &"x".repeat(201)] {
        let body = json!({"payee": "promoter/bob", "reason": reason});
        let refused = bench.problem("POST", REFUSE, body, 422, "invalid").await;
        assert_eq!(refused["field"], "reason");
    }
    let body = json!({"payee": "promoter/bob", "from": all[0]["from"], "reason": "户名不符"});
    assert_eq!(bench.ok("POST", REFUSE, body.clone()).await["verified"], false);
    bench.problem("POST", REFUSE, body, 404, "not_found").await;
    assert!(to_check(bench, "").await.is_empty());
    let accounts = bench.ok("GET", "/v1/promoters/bob/payout-account", Value::Null).await;
    let of = &accounts["accounts"][0];
    assert_eq!((&of["refusal"], &of["to"]), (&json!("户名不符"), &json!(hour(3).millis())), "{accounts}");
    let notices = bench.ok("GET", "/v1/promoters/bob/notices", Value::Null).await;
    assert_eq!(notices["items"][0]["kind"], "account_refused", "{notices}");
    bench.set_clock(hour(4));
    let again = json!({"kind": "alipay", "account": "bob2@a.example", "holder": "鲍勃"});
    bench.call_as(&tokens[0], "PUT", "/v1/promoters/bob/payout-account", again).await;
    assert_eq!(to_check(bench, "").await[0]["account"], "bob2@a.example");

    // Payees do not check themselves.
    for (method, path, body) in [
        ("GET", "/v1/payout-accounts", Value::Null),
        ("POST", VERIFY, json!({"payee": "promoter/bob"})),
        ("POST", REFUSE, json!({"payee": "promoter/bob", "reason": "x"})),
    ] {
        let (status, answer) = bench.call_as(&tokens[0], method, path, body).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}: {answer}");
    }
});

on_both!(what_is_unbound_does_not_come_back, async |bench: &Bench| {
    Stage::set(bench, "taobao_live", json!({})).await;
    bench.set_clock(hour(1));
    let bind = async |account: &str, from: i64| {
        let body =
            json!({"kind": "alipay", "account": account, "holder": "安娜", "from": hour(from).millis()});
        bench.ok("PUT", "/v1/promoters/anna/payout-account", body).await;
    };
    bind("a@a.example", 10).await;
    bind("b@a.example", 20).await;
    let unbind = json!({"at": hour(5).millis()});
    bench.ok("POST", "/v1/promoters/anna/payout-account/unbind", unbind).await;
    bind("c@a.example", 6).await;
    for (hours, bound) in [(5, None), (7, Some("c")), (12, Some("c")), (21, Some("c"))] {
        let of = bench.core.store().read(move |tx| bindings::bound(tx, "promoter/anna", hour(hours))).await;
        let account = of.unwrap().map(|of| of.account);
        assert_eq!(account.as_deref(), bound.map(|name| format!("{name}@a.example")).as_deref(), "{hours}");
    }
});
