//! Nobody reads or changes what is another's: every operation of the document is asked by every wrong subject.
//!
//! New operations are covered by being in the document: paths, queries and bodies are filled in from their own
//! descriptions with ids of the first family; the second family's tokens ask. A refusal is 401, 403 or 404. An answer is
//! allowed only if nothing in it names the first family, or if the operation is one of those that are open to all.

use crate::on_both;
use crate::support::{ADMIN, Bench, read};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

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
        "/v1/products/{id}" => json!({"merchant": "zz1-m", "title": "t", "url": "https://x.example.cn/"}),
        "/v1/webhooks" => json!({"url": "https://x.example.cn/", "owner": "merchant/zz1-m"}),
        "/v1/enrolments/{id}/edits" => json!({"edit": "detail"}),
        _ => return None,
    })
}

/// An id of the first family for a field or parameter of this name at this path.
fn id_of(name: &str, path: &str) -> &'static str {
    match name {
        "id" | "name" | "code" if path.starts_with("/v1/promoters/") => "zz1-p",
        "id" if path.starts_with("/v1/agencies/") => "zz1-a",
        "id" if path.starts_with("/v1/merchants/") => "zz1-m",
        "id" if path.starts_with("/v1/programmes/") => "zz1-g",
        "id" if path.starts_with("/v1/products/") => "zz1-sku",
        "id" if path.starts_with("/v1/plans/") => "zz1-plan",
        "id" if path.starts_with("/v1/orders/") => "zz1-o",
        "id" if path.starts_with("/v1/platforms/") => "zz1-plat",
        "id" if path.starts_with("/v1/edges/") => "1",
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
fn example(document: &Value, schema: &Value, name: &str, path: &str) -> Value {
    if let Some(link) = schema["$ref"].as_str() {
        let named = document.pointer(link.trim_start_matches('#')).unwrap();
        return example(document, named, name, path);
    }
    for alternatives in ["oneOf", "anyOf", "allOf"] {
        if let Some(list) = schema[alternatives].as_array() {
            let first = list.iter().find(|s| s["type"] != "null").unwrap();
            return example(document, first, name, path);
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
            wanted.map(|(field, schema)| (field.clone(), example(document, schema, field, path))).collect()
        }
        "array" => json!([example(document, &schema["items"], name, path)]),
        "integer" => json!(schema["minimum"].as_i64().unwrap_or(1).max(1)),
        "boolean" => json!(false),
        _ => json!(id_of(name, path)),
    }
}

/// The operation's path and query with the first family's ids.
fn address(document: &Value, path: &str, operation: &Value) -> String {
    let filled = path.split('/').map(|part| match part.strip_prefix('{') {
        Some(name) => id_of(name.trim_end_matches('}'), path),
        None => part,
    });
    let mut address = filled.collect::<Vec<_>>().join("/");
    let mut sign = '?';
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap();
        let subject = ["promoter", "merchant", "agency", "buyer", "payee"].contains(&name);
        if parameter["in"] == "query" && (parameter["required"] == true || subject) {
            let value = example(document, &parameter["schema"], name, path);
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
    let programme =
        json!({"merchant": id("m"), "name": id("programme"), "preset": "youzan_short", "effective_from": 0});
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

on_both!(no_operation_shows_or_changes_what_is_anothers, async |bench: &Bench| {
    family(bench, MARK).await;
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
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let address = address(&document, path, operation);
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let body = match body_of(path).filter(|_| method != "get") {
                Some(body) => Some(body),
                None if schema.is_null() => None,
                None => Some(example(&document, schema, "", path)),
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
                    // Shops sign what they send; they have no token.
                    "nobody" => status == 401 || (path == "/v1/intake/{source}" && status == 404),
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
