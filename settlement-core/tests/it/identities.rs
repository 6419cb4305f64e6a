//! A visitor becomes a buyer only by a signed token.

use crate::on_both;
use crate::streams::stream;
use crate::support::{Bench, keys};
use attribution_core::click::{ClickId, EdgeId};
use attribution_core::code::Code;
use attribution_core::ids::{PlacementNum, ProgrammeNum, PromoterNum, TargetNum, VisitorId};
use attribution_core::time::Instant;
use attribution_core::token::{ClickKeys, ClickToken, MasterKey, VisitorToken};
use serde_json::json;

fn visitor_token(visitor: [u8; 16], expires: i64) -> String {
    let token = VisitorToken {
        visitor: VisitorId(visitor),
        issued: Instant(0),
        expires: Instant(expires),
        audience: 7,
    };
    let mut text = Vec::new();
    token.sign(&keys().browser, &mut text);
    String::from_utf8(text).unwrap()
}

fn click_token(visitor: VisitorId) -> String {
    let token = ClickToken {
        click: ClickId::new(stream(1, 0), 5),
        visitor,
        programme: ProgrammeNum(1),
        promoter: PromoterNum(1),
        placement: PlacementNum(1),
        target: TargetNum(1),
        code: Code(62),
        clicked: Instant(1),
        unjournaled: false,
    };
    let mut text = Vec::new();
    token.sign(&ClickKeys::edge_key(&MasterKey::new(1, [7; 32]), EdgeId(1)), &mut text);
    String::from_utf8(text).unwrap()
}

on_both!(a_signed_token_joins_and_nothing_else_does, async |bench: &Bench| {
    bench.ok("PUT", "/v1/platforms/p1", json!({"name": "淘"})).await;
    let far = 9_000_000_000_000;
    let good = visitor_token([3; 16], far);
    let body = json!({"platform": "p1", "buyer": "u1", "visitor_token": good, "at": 1_700_000_000_000_i64});
    assert_eq!(bench.ok("POST", "/v1/identities", body.clone()).await["new"], true);
    assert_eq!(bench.ok("POST", "/v1/identities", body).await["new"], false);
    let by_click = json!({"platform": "p1", "buyer": "u1", "click_token": click_token(VisitorId([4; 16]))});
    assert_eq!(bench.ok("POST", "/v1/identities", by_click).await["new"], true);
    let rows = bench
        .core
        .store()
        .read(|tx| tx.query("SELECT visitor, source FROM identities ORDER BY source", &[]))
        .await
        .unwrap();
    assert_eq!((rows[0].id16(0).unwrap(), rows[0].text(1).unwrap()), ([4; 16], "click_token"));
    assert_eq!((rows[1].id16(0).unwrap(), rows[1].text(1).unwrap()), ([3; 16], "visitor_token"));

    let refused = async |body, status, code| {
        bench.problem("POST", "/v1/identities", body, status, code).await;
    };
    let forged = good.replace("v1.", "v1.x");
    refused(json!({"platform": "p1", "buyer": "u2", "visitor_token": forged}), 422, "bad_token").await;
    let old = visitor_token([3; 16], 5);
    refused(json!({"platform": "p1", "buyer": "u2", "visitor_token": old}), 422, "bad_token").await;
    let none = click_token(VisitorId::NONE);
    refused(json!({"platform": "p1", "buyer": "u2", "click_token": none}), 422, "no_visitor").await;
    refused(json!({"platform": "p1", "buyer": "u2", "click_token": good}), 422, "bad_token").await;
    refused(json!({"platform": "p1", "buyer": "u2"}), 422, "invalid").await;
    refused(json!({"platform": "p1", "buyer": "u2", "visitor": "0303"}), 422, "invalid_body").await;
    refused(json!({"platform": "p9", "buyer": "u2", "visitor_token": good}), 404, "not_found").await;
    refused(json!({"platform": "p1", "buyer": "u2", "visitor_token": good, "at": far}), 422, "invalid").await;
    for at in [i64::MIN, 0, 1_700_000_000, i64::MAX] {
        let body = json!({"platform": "p1", "buyer": "u2", "visitor_token": good, "at": at});
        let answer = bench.problem("POST", "/v1/identities", body, 422, "invalid").await;
        assert_eq!(answer["field"], "at");
    }
});
