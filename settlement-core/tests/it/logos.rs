//! A promoter's picture for the middle of QR codes: kept, replaced, forgotten, and nobody else's.

use crate::on_both;
use crate::support::Bench;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

on_both!(a_promoter_keeps_one_picture_for_codes, async |bench: &Bench| {
    for promoter in ["anna", "bob"] {
        bench
            .ok("PUT", &format!("/v1/promoters/{promoter}"), json!({"name": promoter, "agency": "stars"}))
            .await;
    }
    let issued = bench.ok("POST", "/v1/tokens", json!({"role": "promoter", "subject": "anna"})).await;
    let anna = issued["token"].as_str().unwrap();
    let path = "/v1/promoters/anna/logo";
    let picture = |bytes: &[u8]| json!({"picture": STANDARD.encode(bytes)});
    bench.problem("GET", path, Value::Null, 404, "not_found").await;
    let (one, other) = (picture(b"\x89PNG\r\n\x1a\n1"), picture(b"\xff\xd8\xff2"));
    for body in [&one, &other, &other] {
        let (status, kept) = bench.call_as(anna, "PUT", path, body.clone()).await;
        assert_eq!((status.as_u16(), &kept), (200, body));
        assert_eq!(&bench.ok("GET", path, Value::Null).await, body);
    }
    let large = [b"\x89PNG\r\n\x1a\n".to_vec(), vec![0; 256 << 10]].concat();
    for wrong in [json!({"picture": "?"}), picture(b"GIF89a"), picture(&large)] {
        let problem = bench.problem("PUT", path, wrong, 422, "invalid").await;
        assert_eq!(problem["field"], "picture");
    }
    assert_eq!(bench.ok("GET", path, Value::Null).await, other, "what was refused changed nothing");
    let (status, _) = bench.call_as(anna, "PUT", "/v1/promoters/bob/logo", one).await;
    assert_eq!(status.as_u16(), 403);
    for removed in [true, false] {
        let (_, answer) = bench.call_as(anna, "DELETE", path, Value::Null).await;
        assert_eq!(answer["removed"], removed);
    }
    bench.problem("GET", path, Value::Null, 404, "not_found").await;
});
