//! A merchant's webhooks, told to a real receiver on this machine.

use crate::bench::{Bench, Page};
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use settlement_core::webhooks;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// Longer than anything here takes.
const ENOUGH: Duration = Duration::from_secs(30);
/// How often the log of deliveries is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What came, and what is answered.
#[derive(Clone)]
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<HeaderMap>>>,
    answer: Arc<Mutex<u16>>,
    came: Arc<Notify>,
}

async fn take(State(to): State<Receiver>, headers: HeaderMap) -> StatusCode {
    to.got.lock().unwrap().push(headers);
    to.came.notify_one();
    StatusCode::from_u16(*to.answer.lock().unwrap()).unwrap()
}

impl Receiver {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            url: format!("http://{}/hook", listener.local_addr().unwrap()),
            got: Arc::default(),
            answer: Arc::new(Mutex::new(200)),
            came: Arc::default(),
        };
        let router = axum::Router::new().route("/hook", post(take)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// Waits until so many have come, and gives the last one's headers.
    async fn wait(&self, count: usize) -> HeaderMap {
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
        self.got.lock().unwrap()[count - 1].clone()
    }
}

/// Waits until an endpoint's newest delivery is in this state, which the worker notes after the receiver's answer.
async fn until_told(bench: &Bench, id: &str, state: &str) -> String {
    let path = format!("/v1/webhooks/{id}/deliveries");
    let told = async {
        loop {
            let log = bench.ok("GET", &path, Value::Null).await;
            if log["items"][0]["state"] == state {
                return log["items"][0]["id"].as_str().unwrap().to_owned();
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(ENOUGH, told).await.unwrap_or_else(|_| panic!("{path} never said {state}"))
}

/// The secret that a page shows this once.
fn secret(page: &Page) -> String {
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let (_, rest) = page.body.split_once("id=\"secret\" type=\"text\" readonly value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// The id of the only endpoint that a page lists.
fn only(page: &Page) -> String {
    let (_, rest) = page.body.split_once("href=\"/merchant/webhooks/").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_is_made_tried_turned_over_told_again_and_removed() {
    let bench = Bench::beside_receivers().await;
    let receiver = Receiver::start().await;
    let tasks = webhooks::spawn(bench.core.clone()).unwrap();
    let shop = bench.signed_in("shop", "zh").await;
    let list = "/merchant/webhooks";
    let page = shop.get(list).await;
    let fields = [("url", &*receiver.url), ("events", "review.opened, order.attributed"), ("label", "ERP")];
    let made = shop.submit(&page, list, &fields).await;
    let first = secret(&shop.get(made.location()).await);
    let page = shop.get(list).await;
    assert!(page.body.contains("ERP") && page.body.contains("review.opened, order.attributed"));
    assert!(!page.body.contains(&first), "a secret is shown once");
    let id = only(&page);
    let here = format!("{list}/{id}");

    let tested = shop.submit(&page, &format!("{here}/test"), &[]).await;
    assert_eq!(tested.location(), format!("{here}?done=tested"), "{}", tested.body);
    let once = receiver.wait(1).await;
    let delivery = until_told(&bench, &id, "delivered").await;
    let log = shop.get(&here).await;
    assert!(log.body.contains("webhook.test") && log.body.contains("已送达"), "{}", log.body);

    // A new secret: for a day both sign, and the log tells the same event again under its name.
    let turned = shop.submit(&log, &format!("{here}/rotate"), &[]).await;
    assert_eq!(turned.location(), format!("{here}?done=rotated"), "{}", turned.body);
    let shown = shop.get(turned.location()).await;
    let second = secret(&shown);
    assert!(first != second && shown.body.contains("旧密钥在 24 小时内"), "{}", shown.body);
    assert!(!shop.get(turned.location()).await.body.contains(&second), "a reload turns nothing over");
    assert_eq!(log.hidden("delivery"), delivery);
    let again = shop.submit(&log, &format!("{here}/replay"), &[("delivery", &delivery)]).await;
    assert_eq!(again.location(), format!("{here}?done=replayed"), "{}", again.body);
    let twice = receiver.wait(2).await;
    assert_eq!(once["webhook-id"], twice["webhook-id"]);
    let signatures =
        |headers: &HeaderMap| headers["webhook-signature"].to_str().unwrap().matches("v1,").count();
    assert_eq!((signatures(&once), signatures(&twice)), (1, 2));
    until_told(&bench, &id, "delivered").await;
    let unknown = shop.submit(&log, &format!("{here}/replay"), &[("delivery", "nothing")]).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unknown.body.contains("没有这次推送：nothing。"), "{}", unknown.body);

    // Whoever says that it is gone is told nothing more, until its owner says otherwise.
    *receiver.answer.lock().unwrap() = 410;
    // Later, so that the log has it first.
    bench.pass(1_000);
    let page = shop.get(&here).await;
    shop.submit(&page, &format!("{here}/test"), &[]).await;
    until_told(&bench, &id, "failed").await;
    let page = shop.get(&here).await;
    assert!(
        page.body.contains("已停用") && page.body.contains("对方应答 410：地址已废弃。"),
        "{}",
        page.body
    );
    *receiver.answer.lock().unwrap() = 204;
    let enabled = shop.submit(&page, &format!("{here}/enable"), &[]).await;
    assert_eq!(enabled.location(), format!("{here}?done=enabled"), "{}", enabled.body);
    let page = shop.get(&here).await;
    assert!(!page.body.contains("已停用") && !page.body.contains("/enable"), "{}", page.body);
    shop.submit(&page, &format!("{here}/test"), &[]).await;
    receiver.wait(4).await;

    let removed = shop.submit(&page, &format!("{here}/remove"), &[]).await;
    assert_eq!(removed.location(), format!("{list}?done=removed"), "{}", removed.body);
    assert!(shop.get(list).await.body.contains("还没有接收地址。"));
    assert_eq!(shop.get(&here).await.status, StatusCode::NOT_FOUND);
    tasks.stop(ENOUGH).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_endpoint_is_refused_beside_its_field() {
    let bench = Bench::new().await;
    let list = "/merchant/webhooks";
    let long = "x".repeat(201);
    for (language, rows) in [
        (
            "zh",
            [
                ("url", "http://hooks.example.com/", "", "", "必须以 https:// 开头。"),
                ("url", "https://127.0.0.1/", "", "", "网址需要域名，不能用 IP 地址。"),
                ("url", "hook", "", "", "请填写以 https:// 开头的完整网址。"),
                (
                    "events",
                    "https://a.example.com/",
                    "payout.paid order.eaten",
                    "",
                    "order.eaten：没有这种事件。",
                ),
                ("label", "https://a.example.com/", "", &*long, "最多 200 个字符"),
            ],
        ),
        (
            "en",
            [
                ("url", "http://hooks.example.com/", "", "", "This must be https"),
                ("url", "https://127.0.0.1/", "", "", "This must have a host name, not an address"),
                ("url", "hook", "", "", "Enter a full address that begins with https://."),
                (
                    "events",
                    "https://a.example.com/",
                    "payout.paid order.eaten",
                    "",
                    "order.eaten: This is no event type",
                ),
                ("label", "https://a.example.com/", "", &*long, "Enter at most 200 letters"),
            ],
        ),
    ] {
        let shop = bench.signed_in("shop", language).await;
        let page = shop.get(list).await;
        for (field, url, events, label, words) in rows {
            let fields = [("url", url), ("events", events), ("label", label)];
            let refused = shop.submit(&page, list, &fields).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{url}: {}", refused.body);
            assert!(
                refused.body.contains(&format!("href=\"#f-{field}\"")) && refused.body.contains(words),
                "{field} {url} {events}: {}",
                refused.body
            );
            for typed in [url, events, label] {
                assert!(refused.body.contains(&format!("value=\"{typed}\"")), "{typed}: {}", refused.body);
            }
        }
        assert!(!shop.get(list).await.body.contains("/merchant/webhooks/wh"), "nothing is half done");
    }
    // A shop that has as many as it may is told so, and by no field that the form does not have.
    for _ in 0..20 {
        let body = serde_json::json!({"owner": "merchant/m1", "url": "https://a.example.com/"});
        bench.ok("POST", "/v1/webhooks", body).await;
    }
    let shop = bench.signed_in("shop", "zh").await;
    let page = shop.get(list).await;
    let refused = shop.submit(&page, list, &[("url", "https://a.example.com/")]).await;
    assert!(refused.body.contains("已经有 20 个接收地址，请先删除一个。"), "{}", refused.body);
    assert!(!refused.body.contains("href=\"#f-"), "{}", refused.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_is_its_merchants_alone() {
    let bench = Bench::new().await;
    let shop = bench.signed_in("shop", "zh").await;
    let list = "/merchant/webhooks";
    let page = shop.get(list).await;
    shop.submit(&page, list, &[("url", "https://a.example.com/")]).await;
    let id = only(&shop.get(list).await);
    let here = format!("{list}/{id}");
    let page = shop.get(&here).await;
    shop.submit(&page, &format!("{here}/test"), &[]).await;
    let delivery = shop.get(&here).await;
    assert!(delivery.body.contains("webhook.test"), "{}", delivery.body);
    let before = bench.ok("GET", &format!("/v1/webhooks/{id}"), Value::Null).await;
    let log = bench.ok("GET", &format!("/v1/webhooks/{id}/deliveries"), Value::Null).await;
    let event = log["items"][0]["id"].as_str().unwrap();

    let rival = bench.rival().await;
    assert!(!rival.get(list).await.body.contains("a.example.com"));
    let strangers = [rival, bench.signed_in("lily", "zh").await, bench.signed_in("boss", "zh").await];
    for stranger in &strangers {
        assert_eq!(stranger.get(&here).await.status, StatusCode::NOT_FOUND);
        let own = stranger.get("/account").await;
        for step in ["test", "rotate", "enable", "remove"] {
            let tried = stranger.submit(&own, &format!("{here}/{step}"), &[]).await;
            assert_eq!(tried.status, StatusCode::NOT_FOUND, "{step}: {}", tried.body);
        }
        let tried = stranger.submit(&own, &format!("{here}/replay"), &[("delivery", event)]).await;
        assert_eq!(tried.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(bench.ok("GET", &format!("/v1/webhooks/{id}"), Value::Null).await, before);
    assert_eq!(bench.ok("GET", &format!("/v1/webhooks/{id}/deliveries"), Value::Null).await, log);
    assert_eq!(shop.submit(&page, &format!("{here}/explode"), &[]).await.status, StatusCode::NOT_FOUND);
}
