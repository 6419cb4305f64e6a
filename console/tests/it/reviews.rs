//! What a person must look at: the merchant sees its own, the operator answers.

use crate::bench::Bench;
use http::StatusCode;
use serde_json::{Value, json};

/// An order of a shop that names a product nobody knows, which is not taken in.
async fn unknown_product(bench: &Bench, order: &str, merchant: &str) {
    let event = json!({"events": [{"type": "created", "platform": "1688", "order": order,
        "at": bench.core.now().millis(), "merchant": merchant, "buyer": "b1",
        "lines": [{"line": "1", "product": "nothing", "amount_fen": 10_000}]}]});
    let taken = bench.ask("POST", "/v1/orders/events", event).await;
    assert!(taken.body.contains("\"review\":1"), "{}", taken.body);
}

async fn open(bench: &Bench) -> usize {
    bench.ok("GET", "/v1/reviews", Value::Null).await["items"].as_array().unwrap().len()
}

/// Where the page leads to answer the finding about an order.
fn answer_of(body: &str, order: &str) -> String {
    let order = format!("order={order}&");
    let links = body.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let mut links = links.map(|link| link.replace("&#38;", "&").replace("&amp;", "&"));
    links.find(|link| link.contains("/operator/reviews/answer?") && link.contains(&order)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merchant_sees_what_an_operator_answers() {
    let bench = Bench::new().await;
    let rival = bench.rival().await;
    unknown_product(&bench, "order-one", "m1").await;
    unknown_product(&bench, "order-two", "m2").await;
    let (zh, en) = (bench.signed_in("shop", "zh").await, bench.signed_in("shop", "en").await);
    let page = zh.get("/merchant/reviews").await;
    for words in ["order-one", "商品不存在", "没有登记过商品 nothing。"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    assert!(!page.body.contains("order-two"), "another's: {}", page.body);
    // It was not taken in: there is no page to lead to.
    assert!(!page.body.contains("/merchant/orders/1688/order-one"), "{}", page.body);
    let page = en.get("/merchant/reviews").await;
    assert!(page.body.contains("The catalogue has no product nothing"), "{}", page.body);
    assert!(zh.get("/merchant/overview").await.body.contains("<a href=\"/merchant/reviews\">1</a>"));
    let page = rival.get("/merchant/reviews").await;
    assert!(page.body.contains("order-two") && !page.body.contains("order-one"), "{}", page.body);

    let boss = bench.signed_in("boss", "zh").await;
    let queue = boss.get("/operator/reviews").await;
    let to = answer_of(&queue.body, "order-one");
    let page = boss.get(&to).await;
    assert!(
        page.body.contains("order-one") && !page.body.contains("/operator/orders/1688/"),
        "{}",
        page.body
    );
    assert!(page.body.contains("没有登记过商品 nothing。"), "what was found stands beside: {}", page.body);
    let key: Vec<(&str, String)> =
        ["platform", "order", "reason", "line", "found"].map(|name| (name, page.hidden(name))).into();
    let send = async |resolution: &str| {
        let mut fields: Vec<(&str, &str)> = key.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.push(("resolution", resolution));
        boss.submit(&boss.get(&to).await, "/operator/reviews/answer", &fields).await
    };
    let refused = send("  ").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    assert!(
        refused.body.contains("href=\"#f-resolution\"") && refused.body.contains("请写明处理结果。"),
        "{}",
        refused.body
    );
    assert_eq!(refused.hidden("order"), "order-one", "the form still knows what it is about");
    let answered = send("商家已补登商品").await;
    assert_eq!(answered.location(), "/operator/reviews?done=resolved", "{}", answered.body);
    assert_eq!(open(&bench).await, 1);
    assert!(zh.get("/merchant/reviews").await.body.contains("没有需要处理的事项。"));
    // Whoever comes second is told.
    let late = send("再处理一次").await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", late.body);
    assert!(
        late.body.contains("订单 order-one 的这个事项不存在，或已经处理过。")
            && late.body.contains("再处理一次"),
        "{}",
        late.body
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_but_an_operator_answers() {
    let bench = Bench::new().await;
    unknown_product(&bench, "order-one", "m1").await;
    let finding = bench.ok("GET", "/v1/reviews", Value::Null).await["items"][0].clone();
    let found = finding["found"].as_str().unwrap();
    let fields = [
        ("platform", "1688"),
        ("order", "order-one"),
        ("reason", "unknown_product"),
        ("line", ""),
        ("found", found),
        ("resolution", "done"),
    ];
    for login in ["shop", "lily", "stars"] {
        let stranger = bench.signed_in(login, "zh").await;
        for path in ["/operator/reviews", "/operator/reviews/answer?order=order-one"] {
            assert_eq!(stranger.get(path).await.status, StatusCode::NOT_FOUND, "{login} {path}");
        }
        let own = stranger.get("/account").await;
        let tried = stranger.submit(&own, "/operator/reviews/answer", &fields).await;
        assert_eq!(tried.status, StatusCode::NOT_FOUND, "{login}: {}", tried.body);
    }
    for login in ["lily", "stars", "boss"] {
        let stranger = bench.signed_in(login, "zh").await;
        assert_eq!(stranger.get("/merchant/reviews").await.status, StatusCode::NOT_FOUND, "{login}");
    }
    assert_eq!(open(&bench).await, 1);
    let boss = bench.signed_in("boss", "zh").await;
    assert_eq!(boss.get("/operator/reviews/answer").await.status, StatusCode::NOT_FOUND, "of what?");
}
