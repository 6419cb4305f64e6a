//! The interface as it describes itself: kept in a file, so that a change of it is seen; and what it promises of every
//! write is true.

use crate::on_both;
use crate::support::{ADMIN, Bench, read};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use std::path::Path;

async fn document(bench: &Bench) -> Value {
    let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
    let (status, document) = read(bench.send(request).await).await;
    assert_eq!(status, StatusCode::OK);
    document
}

/// Method, path and operation of everything.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

/// The same of everything that changes something.
fn writes(document: &Value) -> Vec<(&str, &str, &Value)> {
    operations(document).filter(|(method, ..)| *method != "get").collect()
}

#[tokio::test]
async fn the_document_is_the_one_that_is_kept() {
    let bench = Bench::sqlite().await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let now = serde_json::to_string_pretty(&document(&bench).await).unwrap() + "\n";
    if std::env::var_os("YINKE_UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let line = kept.lines().zip(now.lines()).position(|(kept, now)| kept != now);
    assert!(
        kept == now,
        "settlement-core/openapi.json differs from line {:?} on. If the change is meant: \
         YINKE_UPDATE_OPENAPI=1 cargo test -p settlement-core --test it openapi, and say it in the CHANGELOG",
        line.map(|line| line + 1)
    );
}

#[tokio::test]
async fn every_operation_stands_in_a_chapter_and_no_chapter_is_empty() {
    let bench = Bench::sqlite().await;
    let document = document(&bench).await;
    let chapters = document["tags"].as_array().unwrap();
    let named = |tag: &Value| chapters.iter().any(|chapter| chapter["name"] == *tag);
    for (method, path, operation) in operations(&document) {
        let tags = operation["tags"].as_array().unwrap();
        assert!(tags.len() == 1 && named(&tags[0]), "{method} {path}: {tags:?}");
    }
    for chapter in chapters {
        let used = operations(&document).any(|(.., operation)| operation["tags"][0] == chapter["name"]);
        assert!(used && chapter["description"].is_string(), "{chapter}");
    }
}

/// The operations whose bodies have examples, so that each finds what the ones before it made; and the id in its path.
const WITH_EXAMPLES: [(&str, &str, &str); 12] = [
    ("put", "/v1/merchants/{id}", "tea"),
    ("put", "/v1/programmes/{id}", "tea-rules"),
    ("put", "/v1/products/{id}", "cup"),
    ("put", "/v1/products", ""),
    ("put", "/v1/promoters/{id}", "lily"),
    ("post", "/v1/promoters/{id}/placements", "lily"),
    ("post", "/v1/links", ""),
    ("post", "/v1/links/bulk", ""),
    ("post", "/v1/orders/events", ""),
    ("post", "/v1/intake-sources", ""),
    ("post", "/v1/webhooks", ""),
    ("post", "/v1/tokens", ""),
];

/// The examples of an operation's body.
fn examples(operation: &Value) -> Vec<&Value> {
    let body = &operation["requestBody"]["content"]["application/json"];
    let named = body["examples"].as_object().into_iter().flatten().map(|(_, named)| &named["value"]);
    body.get("example").into_iter().chain(named).collect()
}

#[tokio::test]
async fn every_example_is_taken() {
    let bench = Bench::sqlite().await;
    let document = document(&bench).await;
    for (method, path, _) in operations(&document).filter(|(.., of)| !examples(of).is_empty()) {
        assert!(
            WITH_EXAMPLES.iter().any(|of| (of.0, of.1) == (method, path)),
            "{method} {path} is not tried"
        );
    }
    for (method, path, id) in WITH_EXAMPLES {
        let examples = examples(&document["paths"][path][method]);
        assert!(!examples.is_empty(), "{method} {path}");
        for example in examples {
            bench.ok(&method.to_uppercase(), &path.replace("{id}", id), example.clone()).await;
        }
    }
}

#[tokio::test]
async fn every_operation_says_how_it_refuses_and_every_write_takes_a_key() {
    let bench = Bench::sqlite().await;
    let document = document(&bench).await;
    for (method, path, operation) in writes(&document) {
        for code in ["400", "401", "403", "422", "429", "503"] {
            assert!(operation["responses"][code].is_object(), "{method} {path}: {code}");
        }
        let keyed =
            operation["parameters"].as_array().into_iter().flatten().any(|p| p["name"] == "Idempotency-Key");
        // Exactly once by its own numbers, answered with a secret that is kept nowhere, or changing nothing.
        let own_numbers = path.starts_with("/v1/edges/") || path.starts_with("/v1/intake/");
        let unkeyed = [
            "/v1/tokens",
            "/v1/accounts",
            "/v1/accounts/{login}/password",
            "/v1/rehearsals",
            "/v1/orders/files",
        ];
        let made = method == "post" && ["/v1/intake-sources", "/v1/webhooks"].contains(&path);
        let by_itself = own_numbers || made || unkeyed.contains(&path) || path.ends_with("/rotate");
        assert_eq!(keyed, !by_itself, "{method} {path}");
    }
}

on_both!(whoever_may_not_write_hears_so_before_the_body_is_read, async |bench: &Bench| {
    bench.ok("PUT", "/v1/merchants/m1", json!({"platform": "p1", "name": "山里茶行"})).await;
    bench.ok("PUT", "/v1/promoters/lily", json!({"name": "莉莉", "agency": "stars"})).await;
    let mut tokens = Vec::new();
    for (role, subject) in [("merchant", "m1"), ("promoter", "lily"), ("agency", "stars"), ("edge", "7")] {
        let issued = bench.ok("POST", "/v1/tokens", json!({"role": role, "subject": subject})).await;
        tokens.push((role, issued["token"].as_str().unwrap().to_owned()));
    }
    let broken = async |token: &str, method: &str, path: &str| {
        let filled = |part: &'_ str| if part.starts_with('{') { "7".to_owned() } else { part.to_owned() };
        let path = path.split('/').map(filled).collect::<Vec<_>>().join("/");
        let request = Request::builder()
            .method(method.to_uppercase().as_str())
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        read(bench.send(request.body(Body::from("{\"")).unwrap()).await).await.0
    };
    let document = document(bench).await;
    let writes = writes(&document);
    assert!(writes.len() > 15, "the operations were not found");
    for (method, path, operation) in writes {
        if operation["security"] == json!([{}]) {
            continue; // Whoever signs it rightly may: no token is looked at.
        }
        assert!(broken(ADMIN, method, path).await != StatusCode::FORBIDDEN, "{method} {path}: admin");
        let mut refused = 0;
        for (role, token) in &tokens {
            refused += usize::from(broken(token, method, path).await == StatusCode::FORBIDDEN);
            // An edge has no business with anything but its own paths.
            if *role == "edge" && !path.starts_with("/v1/edges/") {
                assert_eq!(broken(token, method, path).await, StatusCode::FORBIDDEN, "{method} {path}: edge");
            }
        }
        assert!(refused > 0, "{method} {path} reads the body of whoever asks");
    }
});
