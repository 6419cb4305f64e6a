//! Statements of a month, what a report shows from when on, and a platform's own statement against our books.

use crate::on_both;
use crate::order_bench::{Stage, created, refunded, step, visitor};
use crate::payouts::at;
use crate::support::{ADMIN, Bench, read};
use serde_json::{Value, json};

fn rules() -> Value {
    json!({"attribution": {"scope": "shop", "require_converted_link": false},
           "settlement": {"destination": "bound_at_withdrawal"}})
}

async fn settled(stage: &Stage<'_>, order: &str, completed: &str) {
    let (placed, done) = (at(completed).plus(-3_600_000), at(completed));
    stage.event(created(order, "u1", "cup", placed), placed).await;
    stage.event(step("paid", order, placed), placed).await;
    stage.event(step("completed", order, done), done).await;
    stage.sweep(done).await;
    assert_eq!(stage.short(order).await.1, "settled");
}

async fn ready(bench: &Bench) -> Stage<'_> {
    let stage = Stage::set(bench, "distributor1688", rules()).await;
    bench.set_clock(at("2020-07-20 09:00:00"));
    stage.login(visitor(1), "u1", at("2020-07-20 09:00:00")).await;
    stage.tap(visitor(1), "anna", "cup", at("2020-07-20 09:00:01"), at("2020-07-20 09:00:01")).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t", "amount_fen": 1_000_000})).await;
    stage
}

on_both!(a_month_adds_up_from_its_opening_to_its_closing, async |bench: &Bench| {
    let stage = ready(bench).await;
    settled(&stage, "o1", "2020-07-21 10:00:00").await;
    settled(&stage, "o2", "2020-07-31 23:59:59").await;
    let refund = at("2020-08-20 10:00:00");
    stage.event(refunded("o1", "r1", 4_000, refund), refund).await;
    stage.sweep(at("2020-09-15 00:00:00")).await;
    bench.set_clock(at("2020-09-16 00:00:00"));
    let account = json!({"kind": "alipay", "account": "a@example.cn", "holder": "安娜"});
    bench.ok("PUT", "/v1/promoters/anna/payout-account", account).await;
    bench.ok("POST", "/v1/promoters/anna/withdrawals", json!({"programme": "g1", "amount_fen": 600})).await;
    let month = async |month: &str| {
        let path = format!("/v1/promoters/anna/statements?month={month}");
        bench.ok("GET", &path, Value::Null).await
    };
    let sums = |answer: &Value| {
        let one = &answer["statements"][0];
        ["opening_fen", "settled_fen", "taken_back_fen", "paid_fen", "closing_fen"]
            .map(|name| one[name].as_i64().unwrap())
    };
    let (july, august, september) = (month("2020-07").await, month("2020-08").await, month("2020-09").await);
    assert_eq!(sums(&july), [0, 2_000, 0, 0, 2_000]);
    assert_eq!(sums(&august), [2_000, 0, -400, 0, 1_600]);
    // Made available and on its way: still the promoter's until it arrives.
    assert_eq!(sums(&september), [1_600, 0, 0, 0, 1_600]);
    assert_eq!((&july["closed"], &september["closed"]), (&json!(true), &json!(false)));
    let payouts = bench.ok("GET", "/v1/payouts?payee=promoter/anna", Value::Null).await;
    let sent = payouts["items"].as_array().unwrap().iter().find(|p| p["kind"] == "withdrawal").unwrap();
    bench.ok("POST", "/v1/payouts/arrivals", json!({"payouts": [{"id": sent["id"], "paid": true}]})).await;
    assert_eq!(sums(&month("2020-09").await), [1_600, 0, 0, -600, 1_000]);
    let request = http::Request::builder()
        .uri("/v1/promoters/anna/statements?month=2020-08&format=csv")
        .header("authorization", format!("Bearer {ADMIN}"))
        .body(axum::body::Body::empty())
        .unwrap();
    let body =
        http_body_util::BodyExt::collect(bench.send(request).await.into_body()).await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(text.contains("g1,clawback,o1,1,2020-08-20 10:00:00,2020-08-20 10:00:00,"), "{text}");
    assert!(text.trim_end().ends_with("g1,closing,,,,,16.00"), "{text}");
    bench.problem("GET", "/v1/promoters/anna/statements?month=2020-13", Value::Null, 422, "invalid").await;
    stage.audit().await;
});

on_both!(a_success_is_shown_from_the_next_midnight_on, async |bench: &Bench| {
    let stage = ready(bench).await;
    settled(&stage, "o1", "2020-07-31 23:59:59").await;
    let mut seen = Vec::new();
    for now in ["2020-07-31 23:59:59", "2020-08-01 00:00:00"] {
        bench.set_clock(at(now));
        let total = bench.ok("GET", "/v1/promoters/anna/report", Value::Null).await["total"].clone();
        seen.push((total["settled_fen"].as_i64().unwrap(), total["expected_fen"].as_i64().unwrap()));
    }
    assert_eq!(seen, [(0, 1_000), (1_000, 0)]);
});

on_both!(each_difference_to_a_platforms_statement_has_a_name, async |bench: &Bench| {
    let stage = ready(bench).await;
    for order in ["same", "amount", "state", "extra"] {
        settled(&stage, order, "2020-07-21 10:00:00").await;
    }
    let send_as = async |csv: &str, states: &str| {
        let span = "from=2020-07-01T00:00:00%2B08:00&to=2020-08-01T00:00:00%2B08:00";
        let request = http::Request::builder()
            .method("POST")
            .uri(format!("/v1/reconciliations?platform=p1&programme=g1&{span}{states}"))
            .header("authorization", format!("Bearer {ADMIN}"))
            .header("content-type", "text/csv")
            .body(axum::body::Body::from(csv.to_owned()))
            .unwrap();
        read(bench.send(request).await).await
    };
    let send = async |csv: &str| send_as(csv, "").await;
    let csv = "order,line,commission_yuan,state\nsame,1,10.00,3\namount,1,9.99,3\nstate,1,10.00,14\nlost,1,5.00,12\n";
    let (status, answer) = send(csv).await;
    assert_eq!(status.as_u16(), 200, "{answer}");
    let kinds: Vec<(&str, &str)> = answer["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| (d["order"].as_str().unwrap(), d["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(
        kinds,
        [("amount", "amount"), ("extra", "missing_there"), ("lost", "missing_here"), ("state", "state")]
    );
    assert_eq!((&answer["agree"], &answer["lines"]), (&json!(1), &json!(4)));
    // It is kept, with each difference as it was then.
    let id = &answer["id"];
    let kept = bench.ok("GET", &format!("/v1/reconciliations/{id}"), Value::Null).await;
    assert_eq!(
        kept["counts"],
        json!({"missing_here": 1, "missing_there": 1, "amount": 1, "state": 1}),
        "{kept}"
    );
    assert_eq!(
        (&kept["programme_name"], &kept["states"], &kept["agree"]),
        (&json!("g"), &json!("taobao"), &json!(1))
    );
    let path = format!("/v1/reconciliations/{id}/differences");
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = bench.ok("GET", &format!("{path}?limit=3{cursor}"), Value::Null).await;
        paged.extend(page["items"].as_array().unwrap().iter().map(|of| {
            let mut of = of.clone();
            let fields = of.as_object_mut().unwrap();
            fields.remove("number");
            assert_eq!(
                (fields.remove("settled"), fields.remove("notes")),
                (Some(json!(false)), Some(json!([])))
            );
            of
        }));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(json!(paged), answer["differences"]);
    let of_kind = bench.ok("GET", &format!("{path}?kind=missing_there"), Value::Null).await;
    assert_eq!(
        (of_kind["items"].as_array().unwrap().len(), &of_kind["items"][0]["order"]),
        (1, &json!("extra"))
    );
    bench.problem("GET", &format!("{path}?kind=lost"), Value::Null, 400, "invalid_query").await;
    bench.problem("GET", "/v1/reconciliations/99", Value::Null, 404, "not_found").await;
    // 3 is cancelled at JD, and 17 as good as done.
    let csv = "order,line,commission_yuan,state\nsame,1,10.00,18\namount,1,10.00,3\nstate,1,10.00,17\nextra,1,10.00,18\n";
    let (_, answer) = send_as(csv, "&states=jd").await;
    let differ: Vec<_> = answer["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| (d["order"].as_str().unwrap(), d["theirs_state"].as_str().unwrap()))
        .collect();
    assert_eq!(differ, [("amount", "invalid"), ("state", "matured")], "{answer}");
    assert_eq!(send_as(csv, "&states=ebay").await.0.as_u16(), 400);
    let (status, answer) = send("order,line,commission_yuan,state\nsame,1,ten,3\n").await;
    assert_eq!((status.as_u16(), answer["code"].as_str()), (422, Some("statement_unreadable")));
    assert!(answer["detail"].as_str().unwrap().starts_with("row 2, column commission_yuan"), "{answer}");
    // What could not be read left nothing behind.
    let all = bench.ok("GET", "/v1/reconciliations", Value::Null).await;
    let ids: Vec<&Value> = all["items"].as_array().unwrap().iter().map(|of| &of["id"]).collect();
    assert_eq!(ids, [2, 1], "newest first: {all}");
});

on_both!(a_statement_is_compared_with_a_programme_that_is_there_and_its_platform, async |bench: &Bench| {
    ready(bench).await;
    let line = "order,line,commission_fen,state\no1,1,500,settled\n";
    let send = async |query: &str, csv: &'static str| {
        let request = http::Request::post(format!("/v1/reconciliations?{query}&from=0&to=1"))
            .header("authorization", format!("Bearer {ADMIN}"))
            .header("content-type", "text/csv");
        let (status, answer) =
            read(bench.send(request.body(axum::body::Body::from(csv)).unwrap()).await).await;
        (status.as_u16(), answer)
    };
    let (status, answer) = send("platform=p1&programme=nope", line).await;
    assert_eq!((status, &answer["field"]), (404, &json!("programme")), "{answer}");
    let (status, answer) = send("platform=p2&programme=g1", line).await;
    assert_eq!((status, &answer["field"]), (422, &json!("platform")), "{answer}");
    let (status, answer) = send("platform=p1&programme=g1", "order,line,commission_fen,state\n").await;
    assert_eq!((status, &answer["code"]), (422, &json!("statement_unreadable")), "{answer}");
    let (status, answer) = send("platform=p1&programme=g1&state=jd", line).await;
    assert_eq!((status, &answer["code"]), (400, &json!("invalid_query")), "{answer}");
    let kept = bench.ok("GET", "/v1/reconciliations", Value::Null).await;
    assert_eq!(kept["items"], json!([]));
    assert_eq!(send("platform=p1&programme=g1", line).await.0, 200);
    // Whose statement it is follows from the programme.
    assert_eq!(send("programme=g1", line).await.0, 200);
    let kept = bench.ok("GET", "/v1/reconciliations", Value::Null).await;
    assert_eq!((&kept["items"][0]["platform"], &kept["items"][1]["platform"]), (&json!("p1"), &json!("p1")));
});

on_both!(a_difference_is_settled_by_somebody_with_a_note_and_every_note_is_kept, async |bench: &Bench| {
    let stage = ready(bench).await;
    settled(&stage, "o1", "2020-07-21 10:00:00").await;
    let csv = "order,line,commission_yuan,state\no1,1,9.99,3\nlost,1,5.00,12\n";
    let request = http::Request::builder()
        .method("POST")
        .uri("/v1/reconciliations?platform=p1&programme=g1&from=2020-07-01T00:00:00Z&to=2020-08-01T00:00:00Z")
        .header("authorization", format!("Bearer {ADMIN}"))
        .header("content-type", "text/csv")
        .body(axum::body::Body::from(csv))
        .unwrap();
    let (status, compared) = read(bench.send(request).await).await;
    assert_eq!((status.as_u16(), &compared["found"]), (200, &json!(2)), "{compared}");
    let whole = format!("/v1/reconciliations/{}", compared["id"]);
    let unsettled = async || bench.ok("GET", &whole, Value::Null).await["unsettled"].clone();
    let with = async |settled: bool| {
        let path = format!("{whole}/differences?settled={settled}");
        let page = bench.ok("GET", &path, Value::Null).await;
        let orders = page["items"].as_array().unwrap().iter();
        orders.map(|of| of["order"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let say = async |number: u32, settled: bool, note: &str| {
        let path = format!("{whole}/differences/{number}/notes");
        bench.ok("POST", &path, json!({"settled": settled, "note": note})).await
    };
    let before = bench.ok("GET", &format!("{whole}/differences/1"), Value::Null).await;
    assert_eq!((unsettled().await, &before["settled"]), (json!(2), &json!(false)));
    bench.set_clock(at("2020-08-02 10:00:00"));
    let lost = say(1, true, "  the platform paid it twice  ").await;
    assert_eq!((&lost["order"], &lost["settled"]), (&json!("lost"), &json!(true)), "{lost}");
    assert_eq!(lost["notes"][0]["note"], "the platform paid it twice");
    assert_eq!(lost["notes"][0]["made_at"], json!(at("2020-08-02 10:00:00").millis()));
    assert_eq!(
        (unsettled().await, with(true).await, with(false).await),
        (json!(1), vec!["lost".to_owned()], vec!["o1".to_owned()])
    );
    // A further word that changes nothing changes no count; taking it back does, and both stay.
    say(1, true, "seen on their side, too").await;
    assert_eq!(unsettled().await, json!(1));
    let back = say(1, false, "they took it back").await;
    let words: Vec<(&str, bool)> = back["notes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| (of["note"].as_str().unwrap(), of["settled"].as_bool().unwrap()))
        .collect();
    assert_eq!(
        words,
        [
            ("the platform paid it twice", true),
            ("seen on their side, too", true),
            ("they took it back", false)
        ]
    );
    assert_eq!((unsettled().await, &back["settled"]), (json!(2), &json!(false)));
    // What was found then is as it was.
    let now = bench.ok("GET", &format!("{whole}/differences/1"), Value::Null).await;
    assert_eq!((&now["theirs_fen"], &now["kind"]), (&before["theirs_fen"], &before["kind"]));
    let path = format!("{whole}/differences/1/notes");
    bench.problem("POST", &path, json!({"settled": true, "note": " "}), 422, "invalid").await;
    bench.problem("POST", &path, json!({"settled": true, "note": "x".repeat(1_001)}), 422, "invalid").await;
    let missing = format!("{whole}/differences/9");
    bench.problem("GET", &missing, Value::Null, 404, "not_found").await;
    let path = format!("{missing}/notes");
    bench.problem("POST", &path, json!({"settled": true, "note": "n"}), 404, "not_found").await;
    assert_eq!(unsettled().await, json!(2), "what was refused changed nothing");
});
