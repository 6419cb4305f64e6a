//! A store that was set back to a backup is told from one that went on, whatever its numbers say.

use crate::feed::place;
use crate::on_both;
use crate::support::Bench;
use attribution_core::click::EdgeId;
use attribution_core::history::FeedPosition;
use attribution_core::shipping::Heartbeat;
use attribution_core::time::Instant;
use serde_json::json;
use settlement_core::store::StoreError;
use std::time::Duration;

/// Makes `count` changes.
async fn change(bench: &Bench, prefix: &str, count: u32) {
    for n in 0..count {
        let path = format!("/v1/promoters/{prefix}{n}");
        bench.ok("PUT", &path, json!({"name": "莉莉"})).await;
    }
}

/// Sets the store back to when it stood at `number` with so many histories, as a restored backup would.
async fn set_back(bench: &Bench, number: u64, histories: i64) {
    let sql = format!(
        "DELETE FROM promoters WHERE change_no > {number}; UPDATE counters SET value = {number} WHERE name = \
         'change'; DELETE FROM change_histories WHERE ordinal > {histories}"
    );
    bench.core.store().write(move |tx| tx.script(&sql)).await.map_err(|error: StoreError| error).unwrap();
}

async fn reloads(bench: &Bench, from: FeedPosition) -> bool {
    let page = bench.core.changes(from, 1_000).await.unwrap();
    assert!(!page.reload || page.changes.is_empty());
    page.reload
}

on_both!(a_restored_store_disowns_what_it_has_lost, async |bench: &Bench| {
    change(bench, "a", 3).await;
    let (at_two, at_three) = (place(bench, 2).await, place(bench, 3).await);
    // It goes on, restarts, and goes on.
    change(bench, "b", 3).await;
    let at_six = place(bench, 6).await;
    bench.open_again().close();
    let restarted = place(bench, 6).await;
    assert_ne!(at_six.history, restarted.history);
    for known in [FeedPosition::START, at_two, at_three, at_six, restarted] {
        assert!(!reloads(bench, known).await, "{known:?}: a restart is no reason to load anew");
    }
    // Restored from a backup that was made at change 3, started, and further on than ever.
    set_back(bench, 3, 1).await;
    bench.open_again().close();
    change(bench, "c", 9).await;
    for common in [FeedPosition::START, at_two, at_three] {
        assert!(!reloads(bench, common).await, "{common:?}: the backup has it");
    }
    for lost in [at_six, restarted, FeedPosition { history: None, number: 2 }] {
        assert!(reloads(bench, lost).await, "{lost:?}");
    }
    assert!(!reloads(bench, place(bench, 12).await).await);
});

on_both!(a_store_set_back_while_open_takes_a_new_history_once, async |bench: &Bench| {
    change(bench, "a", 5).await;
    let (at_two, at_five) = (place(bench, 2).await, place(bench, 5).await);
    set_back(bench, 3, 1).await;
    // The question itself is answered at once, however long it would wait.
    let page = bench.core.await_changes(at_five, 10, Duration::from_secs(20)).await.unwrap();
    assert!(page.reload);
    let now = bench.core.feed_head().await.unwrap();
    assert_ne!(now.history, at_five.history);
    change(bench, "b", 4).await;
    assert!(reloads(bench, at_five).await, "the new numbers do not hide it");
    assert!(!reloads(bench, at_two).await);
    assert_eq!(bench.core.feed_head().await.unwrap().history, now.history, "once");
});

on_both!(what_an_edge_has_applied_may_fall_with_a_new_history_only, async |bench: &Bench| {
    let beat = async |position: FeedPosition| {
        let FeedPosition { history, number: applied } = position;
        let at = Instant(1_700_000_000_000);
        let beat = Heartbeat { edge: EdgeId(9), at, history, applied, shipped_through: at, streams: vec![] };
        bench.core.heartbeat(beat, at).await.unwrap();
        let sql = "SELECT applied FROM edges";
        bench.core.store().read(move |tx| tx.query_one(sql, &[])?.count(0)).await.unwrap()
    };
    let first = place(bench, 7).await;
    assert_eq!(beat(first).await, 7);
    assert_eq!(beat(FeedPosition { number: 5, ..first }).await, 7, "an old heartbeat came late");
    bench.open_again().close();
    assert_eq!(beat(place(bench, 3).await).await, 3);
});
