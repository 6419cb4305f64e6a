//! From settled to paid out: payout days, accounts, withdrawals, and what refunds do on either side of them.

use crate::on_both;
use crate::order_bench::{Stage, created, refunded, step, visitor};
use crate::support::Bench;
use attribution_core::time::Instant;
use serde_json::{Value, json};

/// An instant of a story, written as in Asia/Shanghai.
pub(crate) fn at(text: &str) -> Instant {
    let text = format!("{}+08:00", text.replace(' ', "T"));
    Instant(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

fn rules(more: &Value) -> Value {
    let mut rules =
        json!({"attribution": {"scope": "shop", "require_converted_link": false, "require_badge": false}});
    rules.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    rules
}

/// An order of ¥100.00 that anna brought, completed and settled then.
async fn settled(stage: &Stage<'_>, order: &str, completed: Instant) {
    let placed = completed.plus(-3_600_000);
    stage.event(created(order, "u1", "cup", placed), placed).await;
    stage.event(step("paid", order, placed), placed).await;
    stage.event(step("completed", order, completed), completed).await;
    stage.edge_has_shipped(completed).await;
    stage.sweep(completed).await;
    assert_eq!(stage.short(order).await.1, "settled");
}

async fn ready<'a>(bench: &'a Bench, preset: &str, policy: Value, from: Instant) -> Stage<'a> {
    let stage = Stage::set(bench, preset, policy).await;
    bench.set_clock(from);
    stage.login(visitor(1), "u1", from).await;
    stage.tap(visitor(1), "anna", "cup", from.plus(1), from.plus(1)).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t", "amount_fen": 1_000_000})).await;
    stage
}

async fn bind(bench: &Bench, promoter: &str, account: &str, from: Instant) {
    let body = json!({"kind": "alipay", "account": account, "holder": "安娜", "from": from.millis()});
    bench.ok("PUT", &format!("/v1/promoters/{promoter}/payout-account"), body).await;
}

async fn purse(bench: &Bench) -> Value {
    bench.ok("GET", "/v1/promoters/anna/balance", Value::Null).await[0].clone()
}

/// Oldest first.
async fn payouts(bench: &Bench) -> Vec<Value> {
    let page = bench.ok("GET", "/v1/payouts?payee=promoter/anna", Value::Null).await;
    page["items"].as_array().unwrap().iter().rev().cloned().collect()
}

on_both!(a_month_is_paid_on_its_day_to_the_account_bound_then, async |bench: &Bench| {
    let legacy = rules(&json!({"settlement": {"destination": "bound_at_payout"}}));
    let stage = ready(bench, "distributor1688", legacy, at("2020-07-05 09:00:00")).await;
    settled(&stage, "o1", at("2020-07-06 10:00:00")).await;
    settled(&stage, "o2", at("2020-07-10 10:00:00")).await;
    bind(bench, "anna", "a@example.cn", at("2020-07-01 00:00:00")).await;
    bind(bench, "anna", "b@example.cn", at("2020-09-14 00:00:00")).await;
    // A refund before the payout day comes off what is paid then.
    let refund = at("2020-08-20 10:00:00");
    stage.event(refunded("o2", "r1", 4_000, refund), refund).await;
    let before = purse(bench).await;
    assert_eq!(before["earned_fen"], 1_600);
    // What is July's is paid on the workday of September's fifteenth; the programme pays each month.
    let waiting = json!([{"month": "2020-07", "amount_fen": 1_600, "payable_on": "2020-09-15"}]);
    assert_eq!((&before["waiting"], &before["next_payout_on"]), (&waiting, &json!("2020-07-15")), "{before}");
    for day in ["2020-08-15 12:00:00", "2020-09-14 23:59:59"] {
        stage.sweep(at(day)).await;
    }
    assert_eq!(payouts(bench).await, Vec::<Value>::new());
    stage.sweep(at("2020-09-15 00:00:00")).await;
    stage.sweep(at("2020-09-15 00:00:01")).await;
    let paid = payouts(bench).await;
    assert_eq!(paid.len(), 1, "{paid:?}");
    assert_eq!(
        (&paid[0]["state"], &paid[0]["paid_fen"], &paid[0]["day"], &paid[0]["attempt"], &paid[0]["entries"]),
        (&json!("clearing"), &json!(1_600), &json!("2020-09-15"), &json!(1), &json!(3))
    );
    assert_eq!(paid[0]["account"], "*@example.cn");
    assert!(paid[0]["calendar"].as_str().is_some_and(|version| !version.is_empty()));
    let runs = bench.ok("GET", "/v1/payout-runs?programme=g1", Value::Null).await;
    assert_eq!(
        (&runs["items"][0]["served"], &runs["items"][0]["amount_fen"]),
        (&json!(1), &json!(1_600)),
        "{runs}"
    );
    let request = http::Request::builder()
        .uri("/v1/payout-files?programme=g1&day=2020-09-15")
        .header("authorization", format!("Bearer {}", crate::support::ADMIN))
        .body(axum::body::Body::empty())
        .unwrap();
    let bytes =
        http_body_util::BodyExt::collect(bench.send(request).await.into_body()).await.unwrap().to_bytes();
    let file = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(file.contains(",promoter/anna,alipay,b@example.cn,安娜,16.00,clearing"), "{file}");

    // A refund after it is carried as a debt, and comes off the next payout.
    let late = at("2020-09-16 10:00:00");
    stage.event(refunded("o1", "r1", 5_000, late), late).await;
    assert_eq!(purse(bench).await["available_fen"], -500);
    stage.tap(visitor(1), "anna", "cup", at("2020-09-16 11:00:00"), at("2020-09-16 11:00:00")).await;
    settled(&stage, "o3", at("2020-09-17 10:00:00")).await;
    stage.sweep(at("2020-11-15 12:00:00")).await;
    assert_eq!(payouts(bench).await.len(), 1, "the fifteenth of November 2020 is a Sunday");
    stage.sweep(at("2020-11-16 12:00:00")).await;
    assert_eq!(payouts(bench).await[1]["paid_fen"], 500);
    let id = payouts(bench).await[0]["id"].clone();
    let arrived = json!({"payouts": [{"id": id, "paid": true}]});
    bench.ok("POST", "/v1/payouts/arrivals", arrived.clone()).await;
    bench.ok("POST", "/v1/payouts/arrivals", arrived).await;
    let back = json!({"payouts": [{"id": id, "paid": false}]});
    let refused = bench.problem("POST", "/v1/payouts/arrivals", back, 422, "invalid_arrivals").await;
    assert_eq!(refused["errors"][0]["code"], "not_on_its_way", "{refused}");
    assert_eq!(purse(bench).await["clearing_fen"], 500);
    stage.audit().await;
});

on_both!(without_an_account_a_payment_fails_and_stays_payable, async |bench: &Bench| {
    let legacy = rules(&json!({"settlement": {"destination": "bound_at_payout"}}));
    let stage = ready(bench, "distributor1688", legacy, at("2020-07-05 09:00:00")).await;
    settled(&stage, "o1", at("2020-07-06 10:00:00")).await;
    stage.sweep(at("2020-09-15 08:00:00")).await;
    stage.sweep(at("2020-09-15 09:00:00")).await;
    let failed = payouts(bench).await;
    assert_eq!(
        (failed.len(), &failed[0]["state"], &failed[0]["reason"]),
        (1, &json!("failed"), &json!("no_account_bound"))
    );
    let notices = bench.ok("GET", "/v1/promoters/anna/notices", Value::Null).await;
    assert_eq!(
        (&notices["items"][0]["kind"], &notices["items"][0]["subject"]),
        (&json!("payout_failed"), &failed[0]["id"])
    );
    assert_eq!(purse(bench).await["earned_fen"], 1_000);
    bind(bench, "anna", "a@example.cn", at("2020-09-15 10:00:00")).await;
    // The next payout day takes it, or a person before that.
    stage.sweep(at("2020-09-15 11:00:00")).await;
    assert_eq!(payouts(bench).await.len(), 1);
    bench.set_clock(at("2020-09-15 12:00:00"));
    bench.ok("POST", "/v1/payout-runs", json!({"programme": "g1"})).await;
    stage.sweep(at("2020-09-15 12:00:01")).await;
    let paid = payouts(bench).await;
    assert_eq!(
        (&paid[1]["state"], &paid[1]["attempt"], &paid[1]["paid_fen"]),
        (&json!("clearing"), &json!(2), &json!(1_000))
    );
    assert_eq!(purse(bench).await["earned_fen"], 0);
    bench.problem("POST", "/v1/payout-runs", json!({"programme": "g1"}), 409, "nothing_due").await;
    stage.audit().await;
});

on_both!(a_payout_day_that_was_missed_is_made_up_and_what_came_after_it_waits, async |bench: &Bench| {
    let legacy = rules(&json!({"settlement": {"destination": "bound_at_payout"}}));
    let stage = ready(bench, "distributor1688", legacy, at("2020-07-05 09:00:00")).await;
    bind(bench, "anna", "a@example.cn", at("2020-07-01 00:00:00")).await;
    settled(&stage, "o1", at("2020-07-06 10:00:00")).await;
    // Nobody looked on the fifteenth: the next look pays what was there then.
    stage.sweep(at("2020-09-17 08:00:00")).await;
    let paid = payouts(bench).await;
    assert_eq!((paid.len(), &paid[0]["day"], &paid[0]["paid_fen"]), (1, &json!("2020-09-17"), &json!(1_000)));
    // What is told and settled only now belongs to the same month; its day is over.
    let (then, now) = (at("2020-07-10 10:00:00"), at("2020-09-18 08:00:00"));
    for event in [created("o2", "u1", "cup", then), step("paid", "o2", then), step("completed", "o2", then)] {
        stage.event(event, now).await;
    }
    stage.edge_has_shipped(now).await;
    for day in ["2020-09-18 08:00:00", "2020-10-14 23:59:59"] {
        stage.sweep(at(day)).await;
    }
    assert_eq!(stage.short("o2").await.1, "settled");
    assert_eq!(payouts(bench).await.len(), 1);
    stage.sweep(at("2020-10-15 00:00:00")).await;
    assert_eq!(payouts(bench).await.len(), 2);
    stage.audit().await;
});

on_both!(withdrawals_collect_the_platforms_part_on_lifetime_totals, async |bench: &Bench| {
    let stage = ready(bench, "taobao_live", rules(&json!({})), at("2024-01-05 09:00:00")).await;
    settled(&stage, "o1", at("2024-01-06 10:00:00")).await;
    settled(&stage, "o2", at("2024-01-07 10:00:00")).await;
    let withdraw = async |body: Value| bench.call("POST", "/v1/promoters/anna/withdrawals", body).await;
    // Gross 1,000 each; no agency's contract, so the promoter sees all of it, with the platform's tenth inside.
    stage.sweep(at("2024-02-19 23:59:59")).await;
    assert_eq!(purse(bench).await["earned_fen"], 2_000);
    stage.sweep(at("2024-02-20 00:00:00")).await;
    assert_eq!(purse(bench).await["available_fen"], 2_000);
    bench.set_clock(at("2024-02-20 10:00:00"));
    let none = withdraw(json!({"programme": "g1"})).await;
    assert_eq!((none.0.as_u16(), none.1["code"].as_str()), (409, Some("no_account_bound")));
    bind(bench, "anna", "a@example.cn", at("2024-02-01 00:00:00")).await;
    let too_much = withdraw(json!({"programme": "g1", "amount_fen": 2_001})).await;
    assert_eq!(too_much.1["available_fen"], 2_000, "{}", too_much.1);
    for wrong in [json!({"programme": "g1", "amount_fen": 0}), json!({"programme": "g1", "amount_fen": -5})] {
        assert_eq!(withdraw(wrong).await.0.as_u16(), 422);
    }
    let mut collected = 0;
    for amount in [333, 7, 660, 1_000] {
        let (status, made) = withdraw(json!({"programme": "g1", "amount_fen": amount})).await;
        assert_eq!(status.as_u16(), 201, "{made}");
        collected += made["collected_fen"].as_i64().unwrap();
    }
    assert_eq!(collected, 200, "all is withdrawn: the platform has exactly its tenth");
    let left = purse(bench).await;
    assert_eq!((&left["available_fen"], &left["clearing_fen"]), (&json!(0), &json!(1_800)));
    // One that comes back can be withdrawn again, and is not collected on twice.
    let id = payouts(bench).await.iter().find(|p| p["gross_fen"] == 1_000).unwrap()["id"].clone();
    bench
        .ok(
            "POST",
            "/v1/payouts/arrivals",
            json!({"payouts": [{"id": id, "paid": false, "reason": "closed account"}]}),
        )
        .await;
    assert_eq!(purse(bench).await["available_fen"], 900);
    let told = bench.ok("GET", "/v1/promoters/anna/notices", Value::Null).await["items"][0].clone();
    let detail = told["detail"].as_str().unwrap();
    assert_eq!(told["kind"], "withdrawal_returned");
    assert!(detail.starts_with("¥9.00 · ") && detail.ends_with(" · closed account"), "{detail}");
    // The same word again is taken in; another reason contradicts it, and none is longer than its line.
    let came_back = |reason: Value| json!({"payouts": [{"id": id, "paid": false, "reason": reason}]});
    for reason in [json!("closed account"), Value::Null] {
        bench.ok("POST", "/v1/payouts/arrivals", came_back(reason)).await;
    }
    let other = came_back(json!("wrong name"));
    bench.problem("POST", "/v1/payouts/arrivals", other, 422, "invalid_arrivals").await;
    // Every wrong line is named, and what is wrong with it.
    let wrong = json!({"payouts": [
        {"id": id, "paid": true}, {"id": id, "paid": false}, {"id": "po_none", "paid": true},
        {"id": id, "paid": false, "reason": "x".repeat(201)}, {"id": id, "paid": false, "reason": "a\u{7}\nb"}]});
    let refused = bench.problem("POST", "/v1/payouts/arrivals", wrong, 422, "invalid_arrivals").await;
    let named: Vec<_> = refused["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            (
                error["index"].as_i64().unwrap(),
                error["code"].as_str().unwrap(),
                error["field"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        named,
        [
            (0, "not_on_its_way", "id"),
            (2, "not_found", "id"),
            (3, "invalid", "reason"),
            (4, "invalid", "reason")
        ]
    );
    let (_, again) = withdraw(json!({"programme": "g1"})).await;
    assert_eq!((&again["collected_fen"], &again["paid_fen"]), (&json!(0), &json!(900)));
    // After a refund the debt is carried, and nothing can be withdrawn.
    let late = at("2024-02-21 10:00:00");
    stage.event(refunded("o1", "r1", 10_000, late), late).await;
    assert_eq!(purse(bench).await["available_fen"], -1_000);
    assert_eq!(withdraw(json!({"programme": "g1"})).await.1["code"], "not_available");
    stage.audit().await;
});

on_both!(an_agency_withdraws_its_share, async |bench: &Bench| {
    let agency = json!({"name": "anna", "agency": "star", "agency_from": 0});
    let stage = ready(bench, "taobao_live", rules(&json!({})), at("2024-01-05 09:00:00")).await;
    bench.ok("PUT", "/v1/promoters/anna", agency).await;
    settled(&stage, "o1", at("2024-01-06 10:00:00")).await;
    let token = bench.ok("POST", "/v1/tokens", json!({"role": "agency", "subject": "star"})).await;
    let token = token["token"].as_str().unwrap();
    let ask = async |method: &str, path: &str, body: Value| bench.call_as(token, method, path, body).await;
    let purse = async || ask("GET", "/v1/agencies/star/balance", Value::Null).await.1[0].clone();
    // Weights 1:2:7 of 1,000.
    assert_eq!(purse().await["earned_fen"], 200);
    stage.sweep(at("2024-02-20 00:00:00")).await;
    bench.set_clock(at("2024-02-20 10:00:00"));
    assert_eq!(purse().await["available_fen"], 200);
    let account =
        json!({"kind": "company_alipay", "account": "star@example.cn", "holder": "星河传媒有限公司"});
    let (status, bound) = ask("PUT", "/v1/agencies/star/payout-account", account.clone()).await;
    assert_eq!((status.as_u16(), bound["accounts"][0]["verified"].as_bool()), (200, Some(false)));
    let withdrawals = "/v1/agencies/star/withdrawals";
    let (_, refused) = ask("POST", withdrawals, json!({"programme": "g1"})).await;
    assert_eq!(refused["code"], "account_not_verified");
    bench.ok("PUT", "/v1/agencies/star/payout-account", account).await;
    for amount in [150, 50] {
        let (status, made) = ask("POST", withdrawals, json!({"programme": "g1", "amount_fen": amount})).await;
        assert_eq!(status.as_u16(), 201, "{made}");
        bench.set_clock(bench.core.now().plus(1));
    }
    let left = purse().await;
    assert_eq!((&left["available_fen"], &left["clearing_fen"]), (&json!(0), &json!(200)));
    // The newest stands first, page by page.
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let (_, page) =
            ask("GET", &format!("/v1/payouts?payee=agency/star&limit=1{cursor}"), Value::Null).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|of| of["gross_fen"].as_i64().unwrap()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen[..2], [50, 150], "{seen:?}");
    // Another agency's token may not look.
    let other = bench.ok("PUT", "/v1/promoters/bob", json!({"name": "bob", "agency": "moon"})).await;
    assert_eq!(other["agency"], "moon");
    let moon = bench.ok("POST", "/v1/tokens", json!({"role": "agency", "subject": "moon"})).await;
    let moon = moon["token"].as_str().unwrap();
    let (status, _) = bench.call_as(moon, "GET", "/v1/agencies/star/balance", Value::Null).await;
    assert_eq!(status.as_u16(), 403);
});

on_both!(what_is_nowhere_has_no_files_lists_and_accounts, async |bench: &Bench| {
    ready(bench, "taobao_live", rules(&json!({})), at("2024-01-05 09:00:00")).await;
    for list in ["payout-runs", "payout-files", "plans", "rates"] {
        let path = format!("/v1/{list}?programme=nope");
        let refused = bench.problem("GET", &path, Value::Null, 404, "not_found").await;
        assert_eq!((&refused["what"], &refused["field"]), (&json!("programme"), &json!("programme")));
        let (status, _) = bench.call("GET", &format!("/v1/{list}?programme=g1&bogus=1"), Value::Null).await;
        assert_eq!(status.as_u16(), 400, "{list}");
    }
    let day = "/v1/payout-files?programme=g1&day=zzz";
    assert_eq!(bench.problem("GET", day, Value::Null, 422, "invalid").await["field"], "day");
    for of in ["payout-account", "balance", "statements", "report"] {
        bench.problem("GET", &format!("/v1/agencies/nobody/{of}"), Value::Null, 404, "not_found").await;
    }
    let account = json!({"kind": "company_alipay", "account": "a@example.cn", "holder": "无此机构"});
    bench.problem("PUT", "/v1/agencies/nobody/payout-account", account, 404, "not_found").await;
});

on_both!(a_repeated_withdrawal_is_made_once, async |bench: &Bench| {
    let stage = ready(bench, "youzan_permanent", rules(&json!({})), at("2024-01-05 09:00:00")).await;
    settled(&stage, "o1", at("2024-01-06 10:00:00")).await;
    // This programme pays at once, into the salesperson's balance.
    stage.sweep(at("2024-01-06 10:00:01")).await;
    assert_eq!(purse(bench).await["available_fen"], 1_000);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let request = http::Request::builder()
            .method("POST")
            .uri("/v1/promoters/anna/withdrawals")
            .header("authorization", format!("Bearer {}", crate::support::ADMIN))
            .header("content-type", "application/json")
            .header("idempotency-key", "w-1")
            .body(axum::body::Body::from(json!({"programme": "g1", "amount_fen": 400}).to_string()))
            .unwrap();
        seen.push(crate::support::read(bench.send(request).await).await.1);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(purse(bench).await["available_fen"], 600);
    // Another promoter's token may not.
    let token = bench.ok("POST", "/v1/tokens", json!({"role": "promoter", "subject": "bob"})).await;
    let (status, _) = bench
        .call_as(
            token["token"].as_str().unwrap(),
            "POST",
            "/v1/promoters/anna/withdrawals",
            json!({"programme": "g1"}),
        )
        .await;
    assert_eq!(status.as_u16(), 403);
    stage.audit().await;
});

/// 250 payees with one entry of ten fen each, as settlement leaves them.
async fn owed_to_many(bench: &Bench) {
    use settlement_core::{params, store::StoreError};
    let all = bench.core.store().write(move |tx| {
        for number in 0..250 {
            let payee = format!("promoter/p{number:03}");
            for sql in [
                "INSERT INTO payout_buckets (programme, payee, version, month, entries, amount_fen, part_fen, paid_entries, \
                 paid_fen, paid_part_fen) VALUES ('g1', $1, 1, '2024-01', 1, 10, 1, 0, 0, 0)",
                "INSERT INTO ledger_entries (transfer, position, layer, account, owner, programme, amount_fen) VALUES \
                 ('owed ' || $1, 0, 'posted', 'merchant', 'many', '', -10), ('owed ' || $1, 1, 'posted', 'earned', $1, 'g1', 10)",
                "INSERT INTO ledger_balances (account, owner, programme, balance_fen) VALUES ('earned', $1, 'g1', 10)",
            ] {
                tx.execute(sql, params![&payee])?;
            }
        }
        let merchant = "INSERT INTO ledger_balances (account, owner, programme, balance_fen) \
                        VALUES ('merchant', 'many', '', -2500)";
        tx.execute(merchant, &[])?;
        Ok::<_, StoreError>(())
    });
    all.await.unwrap();
}

on_both!(cores_that_pay_at_the_same_time_pay_everybody_once, async |bench: &Bench| {
    let stage = Stage::set(bench, "taobao_live", rules(&json!({}))).await;
    owed_to_many(bench).await;
    let day = at("2024-02-20 00:00:00");
    let others = [bench.open_again(), bench.open_again()];
    // Who meets the other in the store tries again, as the core's job does.
    let pays = async |core: &settlement_core::Core| loop {
        match core.pay_out(day).await {
            Ok(done) => return done.payees,
            Err(error) => assert!(error.may_retry(), "{error}"),
        }
    };
    let (one, two, three) = tokio::join!(pays(&bench.core), pays(&others[0]), pays(&others[1]));
    assert_eq!(one + two + three, 250, "{one}, {two}, {three}");
    let runs = bench.ok("GET", "/v1/payout-runs?programme=g1", Value::Null).await;
    assert_eq!(runs["items"].as_array().unwrap().len(), 1, "{runs}");
    assert_eq!(
        (&runs["items"][0]["served"], &runs["items"][0]["amount_fen"]),
        (&json!(250), &json!(2_500)),
        "{runs}"
    );
    let paid = "SELECT COUNT(*), CAST(SUM(paid_fen) AS BIGINT) FROM payout_buckets WHERE paid_entries = 1";
    let paid = bench.core.store().read(move |tx| {
        let row = tx.query_one(paid, &[])?;
        Ok::<_, settlement_core::store::StoreError>((row.int(0)?, row.int(1)?))
    });
    assert_eq!(paid.await.unwrap(), (250, 2_500));
    stage.audit().await;
    others.iter().for_each(settlement_core::Core::close);
});

on_both!(a_run_that_is_cut_off_goes_on_and_pays_nobody_twice, async |bench: &Bench| {
    use settlement_core::payouts::Trigger;
    use settlement_core::payouts::run::{begin, step as run_step};
    use settlement_core::store::StoreError;
    let stage = Stage::set(bench, "taobao_live", rules(&json!({}))).await;
    owed_to_many(bench).await;
    let day = at("2024-02-20 00:00:00");
    let programme: attribution_core::ids::ProgrammeId = "g1".parse().unwrap();
    let run = bench
        .core
        .store()
        .write(move |tx| {
            begin(tx, &programme, Trigger::Day, day)
                .map_err(|e| StoreError::Corrupt { what: "run", cause: e.to_string().into() })
        })
        .await
        .unwrap()
        .unwrap();
    let first = run.clone();
    let done = bench
        .core
        .store()
        .write(move |tx| {
            run_step(tx, &first, day)
                .map_err(|e| StoreError::Corrupt { what: "run", cause: e.to_string().into() })
        })
        .await
        .unwrap()
        .unwrap();
    assert_eq!(done.payees, 100);
    // Another process finds it, an hour later.
    let again = bench.core.pay_out(day.plus(3_600_000)).await.unwrap();
    assert_eq!((again.payees, again.failed), (150, 0));
    let runs = bench.ok("GET", "/v1/payout-runs?programme=g1", Value::Null).await;
    assert_eq!(runs["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&runs["items"][0]["served"], &runs["items"][0]["amount_fen"], &runs["items"][0]["payees"]),
        (&json!(250), &json!(2_500), &json!(250))
    );
    assert_eq!(bench.core.pay_out(day.plus(7_200_000)).await.unwrap().payees, 0);
    stage.audit().await;
});

on_both!(the_calendar_can_be_overridden_and_refuses_to_guess, async |bench: &Bench| {
    let official = bench.ok("GET", "/v1/calendar", Value::Null).await;
    let by = json!({"days": {"2020-09-15": false}});
    let over = bench.ok("PUT", "/v1/calendar", by).await;
    assert_ne!(official["version"], over["version"]);
    bench.problem("PUT", "/v1/calendar", json!({"complete_through": 2010}), 422, "invalid").await;
    // What was said before stays to be read, the newest first.
    let again =
        bench.ok("PUT", "/v1/calendar", json!({"days": {"2020-09-15": false, "2026-12-31": false}})).await;
    let said = bench.ok("GET", "/v1/calendar/versions", Value::Null).await;
    let versions: Vec<(&Value, &Value)> =
        said["items"].as_array().unwrap().iter().map(|of| (&of["number"], &of["version"])).collect();
    assert_eq!(versions, [(&json!(2), &again["version"]), (&json!(1), &over["version"])], "{said}");
    assert_eq!(said["items"][1]["override"], over["override"]);
    let first = bench.ok("GET", "/v1/calendar/versions?limit=1", Value::Null).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let next = bench.ok("GET", &format!("/v1/calendar/versions?limit=1&cursor={cursor}"), Value::Null).await;
    assert_eq!((&next["items"][0]["number"], &next["next_cursor"]), (&json!(1), &Value::Null));
    let newer = rules(&json!({"settlement": {"destination": "bound_at_withdrawal"}}));
    let stage = ready(bench, "distributor1688", newer, at("2020-07-05 09:00:00")).await;
    settled(&stage, "o1", at("2020-07-06 10:00:00")).await;
    stage.sweep(at("2020-09-15 12:00:00")).await;
    assert_eq!(purse(bench).await["available_fen"], 0);
    stage.sweep(at("2020-09-16 00:00:00")).await;
    assert_eq!(purse(bench).await["available_fen"], 1_000);
});

on_both!(what_is_noted_of_payouts_and_lies_in_no_account_is_found, async |bench: &Bench| {
    let stage = ready(bench, "taobao_live", rules(&json!({})), at("2024-01-05 09:00:00")).await;
    settled(&stage, "o1", at("2024-01-06 10:00:00")).await;
    stage.sweep(at("2024-02-20 00:00:00")).await;
    bench.set_clock(at("2024-02-20 10:00:00"));
    bind(bench, "anna", "a@example.cn", at("2024-02-01 00:00:00")).await;
    bench.ok("POST", "/v1/promoters/anna/withdrawals", json!({"programme": "g1", "amount_fen": 10})).await;
    let again = at("2024-02-21 00:00:00");
    stage.tap(visitor(1), "anna", "cup", again, again).await;
    settled(&stage, "o2", at("2024-02-21 10:00:00")).await;
    stage.audit().await;
    let month = "month = (SELECT MAX(b.month) FROM payout_buckets b)";
    for (table, column, which) in [
        ("payout_buckets", "amount_fen", month),
        ("payout_buckets", "paid_fen", month),
        ("payout_totals", "available_fen", "1 = 1"),
        ("payout_totals", "withdrawn_fen", "1 = 1"),
    ] {
        for (fen, wrong) in [("+ 1", 1), ("- 1", 0)] {
            let sql = format!("UPDATE {table} SET {column} = {column} {fen} WHERE {which}");
            bench.core.store().write(move |tx| tx.execute(&sql, &[])).await.unwrap();
            let audit = bench.ok("GET", "/v1/audit/ledger", Value::Null).await;
            assert_eq!(
                (&audit["wrong_balances"], &audit["balanced"]),
                (&json!(wrong), &json!(wrong == 0)),
                "{column}"
            );
        }
    }
});
