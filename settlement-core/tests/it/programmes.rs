//! Programmes: versions of rules, and when they reach the edges.

use crate::catalogue::shop;
use crate::feed::changes;
use crate::on_both;
use crate::support::Bench;
use attribution_core::catalogue::Change;
use attribution_core::time::{DAY_MS, Instant};
use serde_json::{Value, json};

on_both!(rules_are_versions_and_mistakes_are_listed, async |bench: &Bench| {
    shop(bench).await;
    let put = |policy: Value| json!({"merchant": "m1", "name": "销售员", "policy": policy});
    let same = bench.ok("PUT", "/v1/programmes/g1", put(Value::Null)).await;
    assert_eq!(same["version"], 1);
    let next = bench.ok("PUT", "/v1/programmes/g1", put(json!({"attribution": {"protection": "3d"}}))).await;
    assert_eq!(next["version"], 2);
    let wrong = put(json!({"attribution": {"protection": "a while", "scope": "galaxy"}, "colour": 1}));
    let answer = bench.problem("PUT", "/v1/programmes/g1", wrong, 422, "invalid_policy").await;
    assert_eq!(answer["errors"].as_array().unwrap().len(), 3, "{answer}");
    let stolen = json!({"platform": "p1", "name": "x"});
    bench.problem("PUT", "/v1/programmes/g1", stolen, 409, "owner_mismatch").await;
    bench.problem("PUT", "/v1/programmes/g2", json!({"name": "x"}), 422, "invalid").await;
    bench.problem("PUT", "/v1/programmes/g2", json!({"merchant": "mx", "name": "x"}), 404, "not_found").await;
});

on_both!(rules_that_come_into_force_reach_the_edges_by_themselves, async |bench: &Bench| {
    shop(bench).await;
    let later = Instant(4_000_000_000_000);
    let programme = json!({"merchant": "m1", "name": "销售员", "policy": {"attribution": {"protection": "3d"}},
                           "effective_from": later.millis()});
    bench.ok("PUT", "/v1/programmes/g1", programme).await;
    let protection = async || {
        let all = changes(bench, 0).await;
        let row = all
            .into_iter()
            .find_map(|c| if let Change::Programme(row) = c.change { Some(row) } else { None });
        row.unwrap().protection_ms
    };
    assert_eq!(protection().await, 0);
    assert_eq!(bench.core.maintain(later.plus(-1)).await.unwrap().activated, 0);
    assert_eq!(bench.core.maintain(later).await.unwrap().activated, 1);
    assert_eq!(protection().await, 3 * DAY_MS);
    assert_eq!(bench.core.maintain(later.plus(1)).await.unwrap().activated, 0);
});
