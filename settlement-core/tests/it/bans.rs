//! Bans of categories, and where they end.

use crate::catalogue::shop;
use crate::feed::changes;
use crate::on_both;
use crate::support::Bench;
use attribution_core::catalogue::{Change, NumberedChange};
use attribution_core::time::Instant;
use serde_json::{Value, json};
use settlement_core::store::StoreError;

on_both!(a_ban_says_that_it_has_made_the_category, async |bench: &Bench| {
    for made in [true, false] {
        let ban = json!({"category": "typo", "effective_from": "2020-01-01T00:00:00+08:00"});
        let banned = bench.ok("POST", "/v1/bans", ban).await;
        assert_eq!(
            (&banned["category_made"], &banned["effective_from"]),
            (&json!(made), &json!(1_577_808_000_000_i64))
        );
    }
});

on_both!(a_ban_ends_where_it_is_lifted_and_where_the_rules_drop_it, async |bench: &Bench| {
    shop(bench).await;
    let told = async || {
        let all = changes(bench, 0).await;
        let ban = |change: &NumberedChange| match change.change {
            Change::Ban(ban) => Some((ban.effective_from.millis(), ban.effective_to.map(Instant::millis))),
            _ => None,
        };
        all.iter().filter_map(ban).collect::<Vec<_>>()
    };
    let periods = async || {
        let read = bench.core.store().read(|tx| {
            let rows =
                tx.query("SELECT from_ms, to_ms FROM periods WHERE what = 'banned' ORDER BY from_ms", &[])?;
            rows.iter().map(|row| Ok((row.int(0)?, row.opt_int(1)?))).collect::<Result<Vec<_>, StoreError>>()
        });
        read.await.unwrap()
    };
    let empty = json!({"category": "tea", "effective_from": 5, "effective_to": 5});
    bench.problem("POST", "/v1/bans", empty, 422, "invalid").await;
    bench
        .ok("POST", "/v1/bans", json!({"category": "tea", "effective_from": 1_000, "effective_to": 5_000}))
        .await;
    assert_eq!((told().await, periods().await), (vec![(1_000, Some(5_000))], vec![(1_000, Some(5_000))]));
    // It ends earlier; of a second one it is the history.
    bench.ok("POST", "/v1/bans/lift", json!({"category": "tea", "at": 3_000})).await;
    bench.ok("POST", "/v1/bans", json!({"category": "tea", "effective_from": 4_000})).await;
    assert_eq!(told().await, [(4_000, None)]);
    assert_eq!(periods().await, [(1_000, Some(3_000)), (4_000, None)]);
    bench.ok("POST", "/v1/bans/lift", json!({"category": "tea", "at": 4_000})).await;
    assert_eq!((told().await, periods().await), (vec![(4_000, Some(4_000))], vec![(1_000, Some(3_000))]));

    let rules = async |bans: Value, from: i64| {
        let body = json!({"merchant": "m1", "name": "g", "effective_from": from, "policy": {"bans": bans}});
        bench.ok("PUT", "/v1/programmes/g1", body).await;
    };
    let ours = json!({"category": "tea", "effective_from": 6_000, "effective_to": 9_000_000_000_000i64});
    rules(json!([ours]), 6_000).await;
    let dated = (6_000, Some(9_000_000_000_000));
    assert_eq!(told().await, [(4_000, Some(4_000)), dated]);
    let lift = json!({"category": "tea", "programme": "g1", "at": 7_000});
    bench.problem("POST", "/v1/bans/lift", lift, 409, "banned_by_rules").await;
    rules(json!([]), 8_000).await;
    assert_eq!(told().await, [(4_000, Some(4_000)), (6_000, Some(8_000))]);
    assert_eq!(periods().await, [(1_000, Some(3_000)), (6_000, Some(8_000))]);
    // What an operator banned beside the rules stays when these drop theirs.
    rules(json!([{"category": "tea", "effective_from": 9_000}]), 9_000).await;
    let own = json!({"category": "tea", "programme": "g1", "effective_from": 9_500});
    bench.ok("POST", "/v1/bans", own).await;
    rules(json!([]), 10_000).await;
    assert_eq!(told().await, [(4_000, Some(4_000)), (9_500, None)]);
});
