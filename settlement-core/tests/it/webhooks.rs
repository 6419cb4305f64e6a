//! Webhooks out, to a real receiver on this machine: signed, repeated until taken, never twice at once.

use crate::on_both;
use crate::order_bench::{Stage, created, hour, refunded, step, visitor};
use crate::support::{ADMIN, Bench, read};
use attribution_core::time::{DAY_MS, Instant};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use settlement_core::Core;
use settlement_core::{Task, webhooks};
use sha2::Sha256;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tower::ServiceExt;

/// Longer than anything here takes.
const ENOUGH: Duration = Duration::from_secs(30);

/// What came, and what is answered.
#[derive(Clone)]
struct Receiver {
    base: String,
    got: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answers: Arc<Mutex<Vec<u16>>>,
    came: Arc<Notify>,
    /// Requests to `/slow` wait here.
    gate: Arc<Semaphore>,
}

async fn take(
    State(to): State<Receiver>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, &'static str) {
    let status = to.answers.lock().unwrap().pop().unwrap_or(200);
    to.got.lock().unwrap().push((headers, body));
    to.came.notify_one();
    let mut headers = HeaderMap::new();
    if status / 100 == 3 {
        headers.insert("location", format!("{}/hook", to.base).parse().unwrap());
    }
    (StatusCode::from_u16(status).unwrap(), headers, "noted")
}

async fn slow(
    state: State<Receiver>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, &'static str) {
    let gate = Arc::clone(&state.gate);
    let answer = take(state, headers, body).await;
    let _turn = gate.acquire().await.unwrap();
    answer
}

impl Receiver {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            base: format!("http://{}", listener.local_addr().unwrap()),
            got: Arc::default(),
            answers: Arc::default(),
            came: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
        };
        let router = axum::Router::new().route("/hook", post(take)).route("/slow", post(slow));
        let router = router.with_state(receiver.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = hyper_util::service::TowerToHyperService::new(router.clone());
                let stream = hyper_util::rt::TokioIo::new(stream);
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(stream, service));
            }
        });
        receiver
    }

    /// Waits until so many have come.
    async fn wait(&self, count: usize) -> Vec<(HeaderMap, Bytes)> {
        let all = async {
            loop {
                let came = self.came.notified();
                if self.got.lock().unwrap().len() >= count {
                    return;
                }
                came.await;
            }
        };
        tokio::time::timeout(ENOUGH, all).await.expect("webhooks did not come");
        self.got.lock().unwrap().clone()
    }
}

/// A verifier of the convention, written from its text and not with our own code.
fn verified(secret: &str, (headers, body): &(HeaderMap, Bytes)) -> Value {
    let text = |name: &str| headers[name].to_str().unwrap();
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.", text("webhook-id"), text("webhook-timestamp")).as_bytes());
    mac.update(body);
    let ours = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert!(text("webhook-signature").split(' ').any(|theirs| theirs == ours), "{headers:?}");
    serde_json::from_slice(body).unwrap()
}

struct Endpoint {
    id: String,
    secret: String,
}

async fn call(core: &Private, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
    let mut request =
        Request::builder().method(method).uri(path).header("authorization", format!("Bearer {ADMIN}"));
    let body = if body.is_null() {
        Body::empty()
    } else {
        request = request.header("content-type", "application/json");
        Body::from(body.to_string())
    };
    read(core.router.clone().oneshot(request.body(body).unwrap()).await.unwrap()).await
}

async fn listen(core: &Private, owner: &str, url: &str, events: &[&str]) -> Endpoint {
    let (status, opened) =
        call(core, "POST", "/v1/webhooks", json!({"owner": owner, "url": url, "events": events})).await;
    assert_eq!(status, StatusCode::CREATED, "{opened}");
    Endpoint { id: opened["id"].as_str().unwrap().into(), secret: opened["secret"].as_str().unwrap().into() }
}

/// Asks until `is` says yes.
async fn until(core: &Private, path: &str, is: impl Fn(&Value) -> bool) -> Value {
    let asked = async {
        loop {
            let (_, answer) = call(core, "GET", path, Value::Null).await;
            if is(&answer) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(ENOUGH, asked).await.unwrap_or_else(|_| panic!("{path} never said so"))
}

/// A core that may connect to this machine, and its interface, made once.
struct Private {
    core: Core,
    router: axum::Router,
}

fn tellers(bench: &Bench, count: usize) -> (Private, Vec<Task>) {
    let core = bench.open_private();
    let tasks = (0..count).map(|_| webhooks::spawn(core.clone()).unwrap()).collect();
    let router = core.router();
    (Private { core, router }, tasks)
}

async fn end(core: Private, tasks: Vec<Task>) {
    for task in tasks {
        task.stop(ENOUGH).await;
    }
    tokio::task::spawn_blocking(move || core.core.close()).await.unwrap();
}

on_both!(an_orders_life_is_told_to_those_it_concerns, async |bench: &Bench| {
    let stage = Stage::set(
        bench,
        "distributor1688",
        json!({"attribution": {"scope": "shop", "require_converted_link": false}}),
    )
    .await;
    let receiver = Receiver::start().await;
    // Several at once: nothing is told twice.
    let (core, tasks) = tellers(bench, 3);
    let url = format!("{}/hook", receiver.base);
    let promoter = listen(&core, "promoter/anna", &url, &[]).await;
    let merchant = listen(&core, "merchant/m1", &url, &["commission.settled"]).await;
    listen(&core, "promoter/bob", &url, &[]).await;
    stage.tap(visitor(1), "anna", "cup", hour(1), hour(1)).await;
    stage.login(visitor(1), "u1", hour(2)).await;
    stage.event(created("o1", "u1", "cup", hour(3)), hour(3)).await;
    stage.event(step("paid", "o1", hour(4)), hour(4)).await;
    stage.event(step("completed", "o1", hour(10)), hour(10)).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t1", "amount_fen": 5_000})).await;
    stage.edge_has_shipped(hour(11)).await;
    stage.sweep(hour(11)).await;
    stage.event(refunded("o1", "r1", 4_000, hour(20)), hour(20)).await;
    stage.sweep(hour(21)).await;
    bench.ok("POST", "/v1/products/cup/cancel-promotion", json!({})).await;
    let got = receiver.wait(4).await;
    let mut told: Vec<(String, Value)> = Vec::new();
    for one in &got {
        let to_merchant = String::from_utf8_lossy(&one.1).contains("commission_fen");
        let body = verified(if to_merchant { &merchant.secret } else { &promoter.secret }, one);
        assert!(!body.to_string().contains("u1"), "a buyer is named: {body}");
        assert!(body["timestamp"].as_str().unwrap().ends_with('Z'), "{body}");
        told.push((body["type"].as_str().unwrap().to_owned(), body["data"].clone()));
    }
    told.sort_by(|a, b| (&a.0, a.1.to_string()).cmp(&(&b.0, b.1.to_string())));
    let kinds: Vec<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["commission.clawed_back", "commission.settled", "commission.settled", "order.attributed"]
    );
    let back = &told[0].1;
    assert_eq!((&back["promoter_fen"], &back["taken_back_fen"]), (&json!(600), &json!(400)), "{back}");
    let settled = told.iter().find(|(_, data)| data["commission_fen"].is_number()).unwrap();
    assert_eq!((&settled.1["order"], &settled.1["promoter_fen"]), (&json!("o1"), &json!(1_000)));
    // Each under a name of its own, and delivered once.
    let mut ids: Vec<&str> = got.iter().map(|(headers, _)| headers["webhook-id"].to_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    let path = format!("/v1/webhooks/{}/deliveries", promoter.id);
    let log = until(&core, &path, |log| {
        let items = log["items"].as_array().unwrap();
        items.len() == 3 && items.iter().all(|item| item["state"] == "delivered")
    })
    .await;
    assert_eq!(log["items"][0]["attempts"][0]["status"], 200, "{log}");
    assert_eq!(log["items"][0]["attempts"].as_array().unwrap().len(), 1, "{log}");
    assert_eq!(receiver.got.lock().unwrap().len(), 4);
    end(core, tasks).await;
});

on_both!(what_is_not_taken_is_tried_again_and_replayed, async |bench: &Bench| {
    let stage = Stage::set(bench, "distributor1688", json!({})).await;
    let receiver = Receiver::start().await;
    let (core, tasks) = tellers(bench, 2);
    bench.set_clock(hour(1));
    // From the end: a redirect is not followed, 500, then 200.
    *receiver.answers.lock().unwrap() = vec![500, 302];
    let hook = listen(&core, "merchant/m1", &format!("{}/hook", receiver.base), &["review.opened"]).await;
    let mut order = created("o1", "u1", "cup", hour(1));
    order["lines"][0]["product"] = json!("nothing");
    stage.event(order, hour(1)).await;
    let path = format!("/v1/webhooks/{}/deliveries", hook.id);
    let attempts =
        |log: &Value, count: usize| log["items"][0]["attempts"].as_array().is_some_and(|a| a.len() == count);
    let log = until(&core, &path, |log| attempts(log, 1)).await;
    assert_eq!(
        (&log["items"][0]["state"], &log["items"][0]["attempts"][0]["status"]),
        (&json!("pending"), &json!(302))
    );
    bench.set_clock(hour(1).plus(10_000));
    until(&core, &path, |log| attempts(log, 2)).await;
    bench.set_clock(hour(1).plus(200_000));
    let log = until(&core, &path, |log| log["items"][0]["state"] == "delivered").await;
    assert_eq!(log["items"][0]["attempts"].as_array().unwrap().len(), 3, "{log}");
    let got = receiver.wait(3).await;
    let ids: Vec<_> = got.iter().map(|(headers, _)| headers["webhook-id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "a repeat has the same name: {ids:?}");
    assert_eq!(verified(&hook.secret, &got[2])["data"]["reason"], "unknown_product");

    // Once more by hand, signed with both secrets during a rotation.
    let rotated = call(&core, "POST", &format!("/v1/webhooks/{}/rotate", hook.id), json!({})).await.1;
    let replay = format!("{path}/{}/replay", ids[0].to_str().unwrap());
    assert_eq!(call(&core, "POST", &replay, json!({})).await.0, StatusCode::ACCEPTED);
    let got = receiver.wait(4).await;
    verified(&hook.secret, &got[3]);
    verified(rotated["secret"].as_str().unwrap(), &got[3]);
    assert_eq!(got[3].0["webhook-id"], ids[0]);
    assert_eq!(
        call(&core, "POST", &format!("{path}/nothing/replay"), json!({})).await.0,
        StatusCode::NOT_FOUND
    );

    // A test event, whatever is wanted.
    let test = format!("/v1/webhooks/{}/test", hook.id);
    assert_eq!(call(&core, "POST", &test, json!({})).await.0, StatusCode::ACCEPTED);
    assert_eq!(verified(&hook.secret, &receiver.wait(5).await[4])["type"], "webhook.test");
    end(core, tasks).await;
});

on_both!(a_dead_endpoint_is_disabled_and_its_owner_told, async |bench: &Bench| {
    let _stage = Stage::set(bench, "distributor1688", json!({})).await;
    let receiver = Receiver::start().await;
    let (core, tasks) = tellers(bench, 1);
    bench.set_clock(hour(1));
    // Nobody listens there.
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = format!("http://{}/", free.local_addr().unwrap());
    drop(free);
    let dead = listen(&core, "merchant/m1", &dead, &[]).await;
    let other = listen(&core, "merchant/m1", &format!("{}/hook", receiver.base), &["webhook.disabled"]).await;
    call(&core, "POST", &format!("/v1/webhooks/{}/test", dead.id), json!({})).await;
    let path = format!("/v1/webhooks/{}/deliveries", dead.id);
    let mut at = hour(1);
    for attempt in 1..=11 {
        let log = until(&core, &path, |log| log["items"][0]["attempts"][0]["number"] == attempt).await;
        assert!(log["items"][0]["attempts"][0]["error"].as_str().unwrap().contains("no connection"), "{log}");
        let next = &log["items"][0]["next_at"];
        at = if next.is_null() { at } else { Instant(next.as_i64().unwrap()) };
        bench.set_clock(at);
    }
    assert!((hour(1).plus(3 * DAY_MS)..hour(1).plus(4 * DAY_MS)).contains(&at));
    let shown =
        until(&core, &format!("/v1/webhooks/{}", dead.id), |shown| !shown["disabled_at"].is_null()).await;
    assert!(shown["disabled_reason"].as_str().unwrap().contains("three days"), "{shown}");
    let notice = verified(&other.secret, &receiver.wait(1).await[0]);
    assert_eq!((&notice["type"], &notice["data"]["webhook"]), (&json!("webhook.disabled"), &json!(dead.id)));
    // It can be enabled again, and 410 ends it at once.
    let enable = format!("/v1/webhooks/{}/enable", dead.id);
    assert_eq!(call(&core, "POST", &enable, json!({})).await.1["disabled_at"], Value::Null);
    *receiver.answers.lock().unwrap() = vec![410];
    call(&core, "POST", &format!("/v1/webhooks/{}/test", other.id), json!({})).await;
    until(&core, &format!("/v1/webhooks/{}", other.id), |shown| !shown["disabled_at"].is_null()).await;
    end(core, tasks).await;
});

on_both!(a_slow_endpoint_holds_up_nobody_else, async |bench: &Bench| {
    let _stage = Stage::set(bench, "distributor1688", json!({})).await;
    let receiver = Receiver::start().await;
    let (core, tasks) = tellers(bench, 1);
    let slow = listen(&core, "merchant/m1", &format!("{}/slow", receiver.base), &[]).await;
    let quick = listen(&core, "promoter/anna", &format!("{}/hook", receiver.base), &[]).await;
    for _ in 0..20 {
        call(&core, "POST", &format!("/v1/webhooks/{}/test", slow.id), json!({})).await;
    }
    receiver.wait(4).await;
    call(&core, "POST", &format!("/v1/webhooks/{}/test", quick.id), json!({})).await;
    let path = format!("/v1/webhooks/{}/deliveries", quick.id);
    until(&core, &path, |log| log["items"][0]["state"] == "delivered").await;
    assert_eq!(receiver.got.lock().unwrap().len(), 5, "no more than four at once to one");
    receiver.gate.add_permits(100);
    receiver.wait(21).await;
    end(core, tasks).await;
});

on_both!(an_expired_link_is_told_once, async |bench: &Bench| {
    let _stage = Stage::set(bench, "distributor1688", json!({})).await;
    let receiver = Receiver::start().await;
    bench.set_clock(hour(1));
    let (core, tasks) = tellers(bench, 2);
    let hook = listen(&core, "promoter/anna", &format!("{}/hook", receiver.base), &["link.expired"]).await;
    let link = json!({"placement": "anna-1", "product": "cup", "expires": hour(2).millis()});
    let link = bench.ok("POST", "/v1/links", link).await;
    // The endpoint hears.
    call(&core, "POST", &format!("/v1/webhooks/{}/test", hook.id), json!({})).await;
    receiver.wait(1).await;
    bench.set_clock(hour(2).plus(60_000));
    bench.core.maintain(bench.core.now()).await.unwrap();
    bench.core.maintain(bench.core.now()).await.unwrap();
    let got = receiver.wait(2).await;
    let told = verified(&hook.secret, &got[1]);
    assert_eq!(told["type"], "link.expired");
    assert_eq!(
        (&told["data"]["code"], &told["data"]["target"]["id"]),
        (&link["code"], &json!("cup")),
        "{told}"
    );
    end(core, tasks).await;
});

on_both!(an_endpoint_is_public_https_and_its_owners_alone, async |bench: &Bench| {
    let _stage = Stage::set(bench, "distributor1688", json!({})).await;
    let bad = |url: &str| json!({"owner": "merchant/m1", "url": url});
    for url in [
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://localhost/",
        "https://db.internal/x",
        "ftp://a.example/",
    ] {
        bench.problem("POST", "/v1/webhooks", bad(url), 422, "bad_destination").await;
    }
    bench.problem("POST", "/v1/webhooks", bad("http://hooks.example.com/"), 422, "invalid").await;
    let nobody = json!({"owner": "merchant/m9", "url": "https://hooks.example.com/"});
    bench.problem("POST", "/v1/webhooks", nobody, 422, "invalid").await;
    let unknown =
        json!({"owner": "merchant/m1", "url": "https://hooks.example.com/", "events": ["order.eaten"]});
    let answer = bench.problem("POST", "/v1/webhooks", unknown, 422, "invalid").await;
    assert_eq!(answer["field"], "events/0");
    let hook = bench.ok("POST", "/v1/webhooks", bad("https://hooks.example.com/yinke")).await;
    let id = hook["id"].as_str().unwrap();
    let issued = bench.ok("POST", "/v1/tokens", json!({"role": "promoter", "subject": "anna"})).await;
    let token = issued["token"].as_str().unwrap();
    for (method, path) in [
        ("GET", format!("/v1/webhooks/{id}")),
        ("DELETE", format!("/v1/webhooks/{id}")),
        ("POST", format!("/v1/webhooks/{id}/rotate")),
        ("POST", format!("/v1/webhooks/{id}/test")),
        ("POST", format!("/v1/webhooks/{id}/enable")),
        ("GET", format!("/v1/webhooks/{id}/deliveries")),
        ("POST", format!("/v1/webhooks/{id}/deliveries/x/replay")),
    ] {
        let body = if method == "GET" { Value::Null } else { json!({}) };
        assert_eq!(
            bench.call_as(token, method, &path, body).await.0,
            StatusCode::NOT_FOUND,
            "{method} {path}"
        );
    }
    assert_eq!(
        bench.call_as(token, "POST", "/v1/webhooks", bad("https://a.example.com/")).await.0,
        StatusCode::FORBIDDEN
    );
    let own = json!({"url": "https://a.example.com/"});
    assert_eq!(bench.call_as(token, "POST", "/v1/webhooks", own).await.1["owner"], "promoter/anna");
    let listed = bench.call_as(token, "GET", "/v1/webhooks", Value::Null).await.1;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    assert!(!listed.to_string().contains("whsec_"), "{listed}");
    bench.ok("DELETE", &format!("/v1/webhooks/{id}"), json!({})).await;
    bench.problem("GET", &format!("/v1/webhooks/{id}"), Value::Null, 404, "not_found").await;
});
