//! What every endpoint promises: who may ask, how refusals look, what a repeat does.

use crate::on_both;
use crate::support::{ADMIN, Bench, keys, read};
use attribution_core::code::CheckKey;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use settlement_core::api::{Limits, Peer, TokenText};
use settlement_core::{Core, CoreConfig, CoreKeys, OpenError};
use tower::ServiceExt;

on_both!(refusals_are_problems_with_codes, async |bench: &Bench| {
    bench.problem("GET", "/nowhere", Value::Null, 404, "no_such_path").await;
    bench.problem("DELETE", "/v1/tokens", Value::Null, 405, "method_not_allowed").await;
    bench.problem("POST", "/v1/tokens", json!({"role": "king"}), 422, "invalid_body").await;
    let answer =
        bench.problem("POST", "/v1/tokens", json!({"role": "admin", "x": 1}), 422, "invalid_body").await;
    assert!(answer["detail"].as_str().unwrap().contains('x'), "{answer}");
    bench.problem("POST", "/v1/tokens", json!({"role": "edge", "subject": "north"}), 422, "invalid").await;

    let request = |kind: &str, body: &'static str| {
        Request::post("/v1/tokens")
            .header("authorization", format!("Bearer {ADMIN}"))
            .header("content-type", kind)
            .body(Body::from(body))
            .unwrap()
    };
    let (status, answer) = read(bench.send(request("text/plain", "{}")).await).await;
    assert_eq!(
        (status, &answer["code"]),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, &json!("unsupported_media_type"))
    );
    let response = bench.send(request("application/json", "{\"role\": ")).await;
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let (status, answer) = read(response).await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("malformed_json")));
    assert!(answer["detail"].as_str().unwrap().contains("line 1 column"), "{answer}");

    // A list is no object whose fields stand in some order.
    let named = json!(["edge", "7"]);
    bench.problem("POST", "/v1/tokens", named, 422, "invalid_body").await;
    bench.problem("PUT", "/v1/calendar", json!([]), 422, "invalid_body").await;
    let answer = bench.problem("GET", "/v1/tokens?limit=many", Value::Null, 400, "invalid_query").await;
    assert_eq!(answer["field"], "limit", "{answer}");
});

on_both!(tokens_decide_who_may_ask, async |bench: &Bench| {
    bench.ok("PUT", "/v1/merchants/m1", json!({"platform": "p1", "name": "山里茶行"})).await;
    let issued = bench.ok("POST", "/v1/tokens", json!({"role": "merchant", "subject": "m1"})).await;
    let token = issued["token"].as_str().unwrap();
    let (status, answer) = bench.call_as(token, "POST", "/v1/tokens", json!({"role": "admin"})).await;
    assert_eq!((status, &answer["code"]), (StatusCode::FORBIDDEN, &json!("forbidden")));
    let (status, answer) = bench.call_as("wrong", "POST", "/v1/tokens", json!({"role": "admin"})).await;
    assert_eq!((status, &answer["code"]), (StatusCode::UNAUTHORIZED, &json!("token_unknown")));
    let (status, answer) =
        read(bench.send(Request::post("/v1/tokens").body(Body::empty()).unwrap()).await).await;
    assert_eq!((status, &answer["code"]), (StatusCode::UNAUTHORIZED, &json!("token_missing")));
});

on_both!(a_token_that_reads_changes_nothing, async |bench: &Bench| {
    bench.ok("PUT", "/v1/merchants/m1", json!({"platform": "p1", "name": "山里茶行"})).await;
    let wish = json!({"role": "merchant", "subject": "m1", "reads_only": true, "label": "BI"});
    let issued = bench.ok("POST", "/v1/tokens", wish).await;
    assert_eq!(issued["reads_only"], true);
    let token = issued["token"].as_str().unwrap();
    for path in ["/v1/orders", "/v1/products", "/v1/merchants/m1/balance", "/v1/tokens"] {
        assert_eq!(bench.call_as(token, "GET", path, Value::Null).await.0, 200, "{path}");
    }
    for (method, path, body) in [
        ("PUT", "/v1/merchants/m1", json!({"platform": "p1", "name": "x"})),
        ("POST", "/v1/tokens", json!({"role": "merchant", "subject": "m1"})),
        ("POST", "/v1/merchants/m1/settlements", json!({"lines": []})),
        ("POST", "/v1/orders/events", json!({"events": []})),
    ] {
        let (status, answer) = bench.call_as(token, method, path, body).await;
        assert_eq!(
            (status.as_u16(), &answer["code"]),
            (403, &json!("forbidden")),
            "{method} {path}: {answer}"
        );
    }
    let listed = bench.ok("GET", "/v1/tokens?subject=m1", Value::Null).await;
    assert_eq!(listed["items"][0]["reads_only"], true);
});

on_both!(tokens_are_made_only_for_those_who_are_there, async |bench: &Bench| {
    bench.ok("PUT", "/v1/merchants/m1", json!({"platform": "p1", "name": "山里茶行"})).await;
    bench.ok("PUT", "/v1/promoters/lily", json!({"name": "莉莉", "agency": "stars"})).await;
    let ask = |role: &str, subject: &str| json!({"role": role, "subject": subject});
    for role in ["merchant", "promoter", "agency", "edge"] {
        for subject in ["", " ", "m2", "m1\u{0}", &"m".repeat(5_000)] {
            let answer = bench.problem("POST", "/v1/tokens", ask(role, subject), 422, "invalid").await;
            assert_eq!(answer["field"], "subject", "{role}");
        }
    }
    bench.problem("POST", "/v1/tokens", ask("edge", "+7"), 422, "invalid").await;
    bench.problem("POST", "/v1/tokens", ask("edge", "007"), 422, "invalid").await;
    let label = json!({"role": "operator", "label": "x".repeat(5_000)});
    bench.problem("POST", "/v1/tokens", label, 422, "invalid").await;
    for (role, subject) in [("merchant", "m1"), ("promoter", "lily"), ("agency", "stars"), ("edge", "7")] {
        bench.ok("POST", "/v1/tokens", ask(role, subject)).await;
    }
});

on_both!(a_nul_in_a_text_is_the_senders_mistake, async |bench: &Bench| {
    for path in
        ["/v1/orders?product=a%00", "/v1/webhooks?owner=%00", "/v1/webhooks/a%00", "/v1/payouts?payee=%00"]
    {
        bench.problem("GET", path, Value::Null, 422, "invalid").await;
    }
    let review = json!({"platform": "p1", "order": "o1", "reason": "unjournaled", "resolution": "\0"});
    bench.problem("POST", "/v1/reviews/resolve", review, 422, "invalid").await;
});

on_both!(a_change_without_a_body_may_say_what_it_would_be, async |bench: &Bench| {
    bench.ok("PUT", "/v1/promoters/lily", json!({"name": "莉莉"})).await;
    let request = Request::delete("/v1/promoters/lily/logo")
        .header("authorization", format!("Bearer {ADMIN}"))
        .header("content-type", "application/json")
        .body(Body::empty())
        .unwrap();
    let (status, answer) = read(bench.send(request).await).await;
    assert!(status.is_success(), "{status} {answer}");
});

on_both!(the_interface_describes_itself, async |bench: &Bench| {
    let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
    let (status, document) = read(bench.send(request).await).await;
    assert_eq!(status, StatusCode::OK);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"]["/v1/tokens"]["post"].is_object(), "{document}");
});

on_both!(a_core_started_with_another_token_forgets_the_former, async |bench: &Bench| {
    let start = async |tokens: &[&str]| {
        let tokens = tokens.iter().map(|token| TokenText::given(*token)).collect();
        bench.core.admit_administrators(tokens).await.unwrap();
    };
    let may = async |token: &str| {
        bench.call_as(token, "GET", "/v1/audit/ledger", Value::Null).await.0 == StatusCode::OK
    };
    start(&["given-1", "file"]).await;
    assert!(may("given-1").await && may("file").await);
    let issued = bench.ok("POST", "/v1/tokens", json!({"role": "admin", "label": "ops"})).await;
    let issued = issued["token"].as_str().unwrap();
    start(&["given-2", "file"]).await;
    assert!(!may("given-1").await, "the former token");
    assert!(may("given-2").await && may("file").await && may(issued).await && may(ADMIN).await);
    let label = json!({"role": "admin", "label": "first administrator"});
    bench.problem("POST", "/v1/tokens", label, 422, "invalid").await;
});

on_both!(a_store_knows_the_key_its_codes_were_made_with, async |bench: &Bench| {
    let other = CoreKeys { check: CheckKey::new(*b"another!"), ..keys() };
    let refused = Core::open(bench.config.clone(), other);
    assert!(matches!(refused, Err(OpenError::CheckKey)));
    bench.open_again().close();
});

on_both!(too_many_requests_are_told_when_to_go_on, async |bench: &Bench| {
    bench.ok("PUT", "/v1/merchants/m1", json!({"platform": "p1", "name": "山里茶行"})).await;
    let issued = bench.ok("POST", "/v1/tokens", json!({"role": "merchant", "subject": "m1"})).await;
    let token = issued["token"].as_str().unwrap();
    let limits = Limits { merchant: 2, unauthenticated: 2, ..Limits::default() };
    let core = Core::open(CoreConfig { limits, ..bench.config.clone() }, keys()).unwrap();
    let router = core.router();
    let ask = async |token: &str| {
        let request = Request::get("/v1/merchants/m1/balance")
            .header("authorization", format!("Bearer {token}"))
            .extension(Peer("203.0.113.7".parse().unwrap()));
        router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    };
    // The bench's clock stands still: a burst, and nothing more.
    let mut passed = 0;
    let refused = loop {
        let answer = ask(token).await;
        if answer.status() != StatusCode::OK {
            break answer;
        }
        passed += 1;
    };
    assert_eq!(passed, 10, "five seconds of two");
    assert_eq!(refused.headers()["retry-after"], "1");
    let (status, answer) = read(refused).await;
    assert_eq!((status.as_u16(), &answer["code"]), (429, &json!("rate_limited")));
    bench.set_clock(bench.core.now().plus(1_000));
    assert_eq!(ask(token).await.status(), StatusCode::OK);
    // Guessing stops too, and hinders nobody who is known.
    let guessed = async {
        let mut wrong = 0;
        while ask("wrong").await.status() == StatusCode::UNAUTHORIZED {
            wrong += 1;
        }
        wrong
    };
    assert_eq!(guessed.await, 10);
    assert_eq!(ask(token).await.status(), StatusCode::OK);
    assert_eq!(ask("wrong").await.status(), StatusCode::TOO_MANY_REQUESTS);
    tokio::task::spawn_blocking(move || core.close()).await.unwrap();
});
