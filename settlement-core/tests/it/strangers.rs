//! Nobody reads or changes what is another's: every operation of the document is asked by every wrong subject.
//!
//! New operations are covered by being in the document: paths, queries and bodies are filled in from their own
//! descriptions with ids of the first family; the second family's tokens ask. A path whose parameters nobody has given ids
//! to fails the test. A refusal is 401, 403 or 404. An answer is allowed only if nothing in it names the first family, or
//! if the operation is one of those that are open to all. An administrator asks every question too, and gets an answer: a
//! refusal about something that is not there would say nothing.

use crate::on_both;
use crate::order_bench::{Stage, created, hour, step, visitor};
use crate::support::{ADMIN, Bench, read};
use attribution_core::time::SECOND_MS;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Every id of the first family holds this, and nothing else does.
const MARK: &str = "zz1";

/// What the catalogue shows to whoever works with it.
const OPEN: &[(&str, &str, &str)] = &[
    ("get", "/v1/products", "the library is there to be looked at"),
    ("get", "/v1/products/{id}", "the library is there to be looked at"),
    ("get", "/v1/categories", "categories are nobody's"),
    ("get", "/v1/bans", "bans are for everybody"),
    ("get", "/v1/programmes", "promoters choose among programmes"),
    ("get", "/v1/plans", "promoters choose among plans"),
    ("get", "/v1/calendar", "holidays are nobody's"),
    ("get", "/v1/changes", "edges serve everybody's links"),
];

/// What not even an administrator gets an answer to in this small world, and the test that has one.
const UNANSWERED: &[(&str, &str)] =
    &[("/v1/promoters/{id}/orders/{order}", "only_whoever_earns_by_an_order_reads_why")];

/// A file of orders with one of the first family's.
const FILE: &str = "type,platform,order,at\npaid,zz1-plat,zz1-o,2026-01-01T00:00:00Z\n";

/// Bodies that a description alone does not give.
fn body_of(path: &str) -> Option<Value> {
    Some(match path {
        "/v1/links" => json!({"placement": "zz1-place", "product": "zz1-sku"}),
        "/v1/links/bulk" => json!({"links": [{"placement": "zz1-place", "product": "zz1-sku"}]}),
        "/v1/programmes/{id}" => json!({"merchant": "zz1-m", "name": "n"}),
        "/v1/rates" => json!({"programme": "zz1-g", "rates": [{"product": "zz1-sku", "bp": 5}]}),
        "/v1/plans" => json!({"id": "other", "programme": "zz1-g", "name": "n", "approval": "manual",
                              "rates": [{"shop": "zz1-m", "bp": 5}]}),
        "/v1/edges/{id}/heartbeat" => json!({"edge": 1, "at": 0, "history": null, "applied": 0,
                                             "shipped_through": 0, "streams": []}),
        "/v1/edges/{id}/lost" => json!([]),
        "/v1/orders/events" => json!({"events": [{"type": "paid", "platform": "zz1-plat", "order": "zz1-o",
                                                  "at": "2026-01-01T00:00:00Z"}]}),
        "/v1/identities" => {
            json!({"platform": "zz1-plat", "buyer": "zz1-buyer", "visitor_token": "v1.a.b.c"})
        }
        "/v1/products" => json!({"products": [{"id": "zz1-new", "merchant": "zz1-m", "title": "t",
                                               "url": "https://x.example.cn/"}]}),
        "/v1/products/{id}" => json!({"merchant": "zz1-m", "title": "t", "url": "https://x.example.cn/"}),
        "/v1/webhooks" => json!({"url": "https://x.example.cn/", "owner": "merchant/zz1-m"}),
        "/v1/enrolments/{id}/edits" => json!({"edit": "detail"}),
        _ => return None,
    })
}

/// What the first parameter of a path names: the noun in front of it, and an id of the first family.
const NOUNS: [(&str, &str); 10] = [
    ("promoters", "zz1-p"),
    ("agencies", "zz1-a"),
    ("merchants", "zz1-m"),
    ("programmes", "zz1-g"),
    ("products", "zz1-sku"),
    ("plans", "zz1-plan"),
    ("orders", "zz1-o"),
    ("platforms", "zz1-plat"),
    ("categories", "tea"),
    ("edges", "1"),
];

/// Ids that were given when the first family's things were made: by noun.
type Made = HashMap<&'static str, String>;

/// The id for a parameter behind a noun in a path; none if nobody has given one.
fn path_id(noun: &str, made: &Made) -> Option<String> {
    let fixed = NOUNS.iter().find(|(name, _)| *name == noun).map(|(_, id)| (*id).to_owned());
    fixed.or_else(|| made.get(noun).cloned())
}

/// An id of the first family for a field or a query's parameter of this name.
fn id_of(name: &str) -> &'static str {
    match name {
        "promoter" => "zz1-p",
        "agency" => "zz1-a",
        "merchant" | "shop" => "zz1-m",
        "product" => "zz1-sku",
        "programme" => "zz1-g",
        "placement" => "zz1-place",
        "plan" => "zz1-plan",
        "order" => "zz1-o",
        "buyer" => "zz1-buyer",
        "platform" => "zz1-plat",
        "line" => "1",
        "payee" => "promoter/zz1-p",
        "category" => "tea",
        "url" | "shop_url" => "https://x.example.cn/",
        "month" => "2020-07",
        "visitor" | "click" => "00000000000000000000000000000000",
        _ => "1",
    }
}

/// The smallest value that fits a description: required fields only, but every field that names somebody.
fn example(document: &Value, schema: &Value, name: &str) -> Value {
    if let Some(link) = schema["$ref"].as_str() {
        let named = document.pointer(link.trim_start_matches('#')).unwrap();
        return example(document, named, name);
    }
    for alternatives in ["oneOf", "anyOf", "allOf"] {
        if let Some(list) = schema[alternatives].as_array() {
            let first = list.iter().find(|s| s["type"] != "null").unwrap();
            return example(document, first, name);
        }
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").unwrap().as_str().unwrap(),
        kind => kind.as_str().unwrap_or("object"),
    };
    match kind {
        "object" => {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let fields = schema["properties"].as_object().into_iter().flatten();
            let wanted = fields.filter(|(field, _)| required.contains(&json!(field)));
            wanted.map(|(field, schema)| (field.clone(), example(document, schema, field))).collect()
        }
        "array" => json!([example(document, &schema["items"], name)]),
        "integer" => json!(schema["minimum"].as_i64().unwrap_or(1).max(1)),
        "boolean" => json!(false),
        _ => json!(id_of(name)),
    }
}

/// The operation's path and query with the first family's ids.
fn address(document: &Value, path: &str, operation: &Value, made: &Made) -> String {
    let mut noun = "";
    let mut parts = Vec::new();
    for part in path.split('/') {
        if part.starts_with('{') {
            let id = path_id(noun, made);
            parts.push(id.unwrap_or_else(|| {
                panic!("{path}: what is {part}? Make one in `things`, or name it in NOUNS")
            }));
        } else {
            noun = part;
            parts.push(part.to_owned());
        }
    }
    let mut address = parts.join("/");
    let mut sign = '?';
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap();
        let subject = ["promoter", "merchant", "agency", "buyer", "payee"].contains(&name);
        if parameter["in"] == "query" && (parameter["required"] == true || subject) {
            let value = example(document, &parameter["schema"], name);
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            address.push_str(&format!("{sign}{name}={value}"));
            sign = '&';
        }
    }
    address
}

async fn family(bench: &Bench, mark: &str) {
    let id = |what: &str| format!("{mark}-{what}");
    bench
        .ok("PUT", &format!("/v1/merchants/{}", id("m")), json!({"platform": id("plat"), "name": id("shop")}))
        .await;
    let programme = json!({"merchant": id("m"), "name": id("programme"), "preset": "youzan_short", "effective_from": 0,
        "policy": {"commission": {"plan_precedence": ["approved_targeted", "general"]}}});
    bench.ok("PUT", &format!("/v1/programmes/{}", id("g")), programme).await;
    let product =
        json!({"merchant": id("m"), "title": id("cup"), "url": "https://x.example.cn/1", "price_fen": 100});
    bench.ok("PUT", &format!("/v1/products/{}", id("sku")), product).await;
    let promoter = json!({"name": id("promoter"), "agency": id("a")});
    bench.ok("PUT", &format!("/v1/promoters/{}", id("p")), promoter).await;
    let placement = json!({"id": id("place"), "programme": id("g")});
    bench.ok("POST", &format!("/v1/promoters/{}/placements", id("p")), placement).await;
    bench.ok("POST", "/v1/links", json!({"placement": id("place"), "product": id("sku")})).await;
    let plan = json!({"id": id("plan"), "programme": id("g"), "name": id("plan"), "approval": "manual",
                      "rates": [{"product": id("sku"), "bp": 500}]});
    bench.ok("POST", "/v1/plans", plan).await;
    bench.ok("POST", &format!("/v1/plans/{}/apply", id("plan")), json!({"promoter": id("p")})).await;
    bench.ok("PUT", &format!("/v1/promoters/{}/selection/{}", id("p"), id("sku")), Value::Null).await;
    let now = bench.core.now().millis();
    let events = json!({"events": [{"type": "created", "platform": id("plat"), "order": id("o"), "merchant": id("m"),
        "buyer": id("buyer"), "at": now, "lines": [{"line": "1", "product": id("sku"), "quantity": 1,
        "amount_fen": 100}]}]});
    bench.ok("POST", "/v1/orders/events", events).await;
}

/// Makes what has an id of its own for the first family.
async fn things(bench: &Bench) -> Made {
    let text = |answer: &Value, field: &str| answer[field].as_str().unwrap().to_owned();
    let mut made = Made::new();
    let link = bench.ok("POST", "/v1/links", json!({"placement": "zz1-place", "product": "zz1-sku"})).await;
    made.insert("links", text(&link, "code"));
    let source = json!({"merchant": "zz1-m", "kind": "standard", "label": "zz1"});
    let source = bench.ok("POST", "/v1/intake-sources", source).await;
    made.insert("intake-sources", text(&source, "id"));
    made.insert("intake", text(&source, "id"));
    let hook = json!({"url": "https://x.example.cn/", "owner": "merchant/zz1-m", "label": "zz1"});
    let hook = text(&bench.ok("POST", "/v1/webhooks", hook).await, "id");
    bench.ok("POST", &format!("/v1/webhooks/{hook}/test"), Value::Null).await;
    let sent = bench.ok("GET", &format!("/v1/webhooks/{hook}/deliveries"), Value::Null).await;
    made.insert("deliveries", text(&sent["items"][0], "id"));
    made.insert("webhooks", hook);
    let account = json!({"login": "zz1-login", "password": "correct horse zz1", "role": "promoter", "subject": "zz1-p"});
    bench.ok("POST", "/v1/accounts", account).await;
    made.insert("accounts", "zz1-login".to_owned());
    bench.ok("POST", "/v1/tokens", json!({"role": "promoter", "subject": "zz1-p"})).await;
    let tokens = bench.ok("GET", "/v1/tokens?subject=zz1-p", Value::Null).await;
    made.insert("tokens", text(&tokens["items"][0], "name"));
    for (id, preset) in [("zz1-off", "offsite1688"), ("zz1-live", "taobao_live")] {
        let programme = json!({"merchant": "zz1-m", "name": id, "preset": preset, "effective_from": 0});
        bench.ok("PUT", &format!("/v1/programmes/{id}"), programme).await;
    }
    let facts = json!({"consumer_or_industrial": true, "level": 2, "dropship_products": 1, "service_tenths": 35,
                       "logistics_tenths": 30, "product_tenths": 20, "risk_ok": true});
    bench.ok("PUT", "/v1/merchants/zz1-m/sourcing-facts", facts).await;
    let facts = json!({"consumer_or_industrial": true, "dropship_free_shipping": true, "seven_day_returns": true,
                       "growth_score": 60, "ships_within": "hours48", "risk_ok": true, "group_purchase": false});
    bench.ok("PUT", "/v1/products/zz1-sku/sourcing-facts", facts).await;
    let red = json!({"sku": "zz1-red", "price_fen": 9_000, "stock": 500, "low30_fen": 8_500});
    bench.ok("PUT", "/v1/products/zz1-sku/skus", red).await;
    let enrolment = json!({"id": "zz1-enrolment", "programme": "zz1-off", "product": "zz1-sku",
                           "skus": [{"sku": "zz1-red", "channel_price_fen": 8_000}]});
    bench.ok("POST", "/v1/enrolments", enrolment).await;
    made.insert("enrolments", "zz1-enrolment".to_owned());
    let task = json!({"id": "zz1-task", "programme": "zz1-live", "merchant": "zz1-m", "talent": "zz1-p",
                      "price_fen": 40_000});
    bench.ok("POST", "/v1/video-tasks", task).await;
    made.insert("video-tasks", "zz1-task".to_owned());
    made.insert("selection", "zz1-sku".to_owned());
    let picture = json!({"picture": "iVBORw0KGgo="});
    bench.ok("PUT", "/v1/promoters/zz1-p/logo", picture).await;
    let statement = Request::post("/v1/reconciliations?platform=zz1-plat&programme=zz1-g&from=0&to=1")
        .header("authorization", format!("Bearer {ADMIN}"))
        .header("content-type", "text/csv")
        .body(Body::from("order,line,commission_fen,state\nzz1-o,1,5,settled\n"));
    let (status, compared) = read(bench.send(statement.unwrap()).await).await;
    assert_eq!(status.as_u16(), 200, "{compared}");
    made.insert("reconciliations", compared["id"].to_string());
    made.insert("differences", "1".to_owned());
    made
}

on_both!(no_operation_shows_or_changes_what_is_anothers, async |bench: &Bench| {
    family(bench, MARK).await;
    let made = things(bench).await;
    family(bench, "yy2").await;
    let mut tokens = vec![("nobody", String::new())];
    for (role, subject) in [("merchant", "yy2-m"), ("promoter", "yy2-p"), ("agency", "yy2-a"), ("edge", "2")]
    {
        let issued = bench.ok("POST", "/v1/tokens", json!({"role": role, "subject": subject})).await;
        tokens.push((role, issued["token"].as_str().unwrap().to_owned()));
    }
    let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
    let (_, document) = read(bench.send(request).await).await;
    let mut asked = 0;
    let mut wrong = Vec::new();
    for (path, operation) in
        document["paths"].as_object().unwrap().iter().map(|(path, item)| (path, &item["get"]))
    {
        if operation.is_object() && !UNANSWERED.iter().any(|(unanswered, _)| unanswered == path) {
            let address = address(&document, path, operation, &made);
            let (status, answer) = bench.call_as(ADMIN, "GET", &address, Value::Null).await;
            if !status.is_success() {
                wrong.push(format!("there is nothing to be refused: {address} {status} {answer}"));
            }
        }
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        // Nobody asks faster than they may.
        bench.set_clock(bench.core.now().plus(SECOND_MS));
        for (method, operation) in item.as_object().unwrap() {
            let address = address(&document, path, operation, &made);
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let body = match body_of(path).filter(|_| method != "get") {
                Some(body) => Some(body),
                None if schema.is_null() => None,
                None => Some(example(&document, schema, "")),
            };
            let open = OPEN.iter().any(|(m, p, _)| m == method && p == path);
            for (role, token) in &tokens {
                let mut request = Request::builder().method(method.to_uppercase().as_str()).uri(&address);
                if !token.is_empty() {
                    request = request.header("authorization", format!("Bearer {token}"));
                }
                let content = match &body {
                    _ if !operation["requestBody"]["content"]["text/csv"].is_null() => {
                        request = request.header("content-type", "text/csv");
                        Body::from(FILE)
                    }
                    Some(body) => {
                        request = request.header("content-type", "application/json");
                        Body::from(body.to_string())
                    }
                    None => Body::empty(),
                };
                let (status, answer) = read(bench.send(request.body(content).unwrap()).await).await;
                // A batch or a file of events is refused event by event.
                let refused = [401, 403, 404].contains(&status.as_u16())
                    || answer["not_applied"][0]["code"] == "other_merchants_order"
                    || (status == 422 && answer["code"] == "other_merchants_order");
                let harmless = status.is_success() && method == "get" && !answer.to_string().contains(MARK);
                let allowed = match *role {
                    "nobody" => status == 401,
                    _ => refused || harmless || (open && status.is_success()),
                };
                if !allowed {
                    wrong.push(format!("{role}: {method} {address} {status} {answer} (sent {body:?})"));
                }
                asked += 1;
            }
        }
    }
    assert!(asked > 300, "the operations were not found: {asked}");
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
    // The first family's things are there: the refusals above were not about nothing.
    let links = bench.call_as(ADMIN, "GET", "/v1/links?promoter=zz1-p", Value::Null).await.1;
    assert_eq!(links["items"][0]["target"], "zz1-sku", "{links}");
    let orders = bench.ok("GET", "/v1/orders?merchant=zz1-m", Value::Null).await;
    assert_eq!(orders["items"][0]["order"], "zz1-o", "{orders}");
});

on_both!(only_whoever_earns_by_an_order_reads_why, async |bench: &Bench| {
    let rules = json!({"attribution": {"scope": "shop", "require_converted_link": false}});
    let stage = Stage::set(bench, "distributor1688", rules).await;
    bench.ok("PUT", "/v1/promoters/anna", json!({"name": "anna", "agency": "stars"})).await;
    bench.ok("PUT", "/v1/promoters/bob", json!({"name": "bob", "agency": "moons"})).await;
    stage.tap(visitor(1), "anna", "cup", hour(1), hour(1)).await;
    stage.login(visitor(1), "u1", hour(2)).await;
    stage.event(created("o1", "u1", "cup", hour(3)), hour(3)).await;
    stage.event(step("paid", "o1", hour(4)), hour(4)).await;
    stage.sweep(hour(5)).await;
    let ask = async |role: &str, subject: &str, promoter: &str| {
        let issued = bench.ok("POST", "/v1/tokens", json!({"role": role, "subject": subject})).await;
        let path = format!("/v1/promoters/{promoter}/orders/o1?platform=p1");
        bench.call_as(issued["token"].as_str().unwrap(), "GET", &path, Value::Null).await
    };
    for (role, subject) in [("promoter", "anna"), ("agency", "stars")] {
        let (status, answer) = ask(role, subject, "anna").await;
        assert_eq!((status.as_u16(), &answer["lines"][0]["line"]), (200, &json!("1")), "{role}: {answer}");
        assert!(!answer.to_string().contains("u1"), "the buyer is nobody's to know: {answer}");
    }
    let rows = [
        ("promoter", "bob", "anna", 403),
        ("promoter", "bob", "bob", 404),
        ("agency", "moons", "anna", 403),
        ("merchant", "m1", "anna", 403),
        ("edge", "1", "anna", 403),
    ];
    for (role, subject, promoter, status) in rows {
        assert_eq!(ask(role, subject, promoter).await.0.as_u16(), status, "{role} {subject} of {promoter}");
    }
});
