//! Whatever is indexed or merged, and wherever that stops: the view says what the clicks say.

use super::super::young::database;
use super::{Sizes, When, index_some, put_off, runs, visitors_after};
use attribution_core::click::ClickId;
use attribution_core::ids::VisitorId;
use proptest::prelude::*;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

const SMALL: Sizes = Sizes { full: 10, together: 3, at_once: 6 };

#[derive(Debug, Clone)]
enum Step {
    /// Clicks of these visitors come in together.
    Clicks(Vec<u8>),
    Index,
    Merge(When),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        prop::collection::vec(0u8..12, 1..20).prop_map(Step::Clicks),
        Just(Step::Index),
        Just(Step::Merge(When::Ripe)),
        Just(Step::Merge(When::AtLeisure)),
    ];
    prop::collection::vec(step, 1..80)
}

fn insert(db: &Connection, from: u64, visitors: &[u8]) {
    let ids = (from..).map(|number| ClickId(u128::from(number).to_be_bytes()));
    for (visitor, id) in visitors.iter().zip(ids.clone()) {
        // One in twelve cannot earn: it has no visitor, or another outcome.
        let outcome = if *visitor == 11 { 3 } else { 15 };
        let visitor = (*visitor > 0).then_some([*visitor; 16]);
        db.execute(
            "INSERT INTO clicks (click_id, effective_ms, edge_ms, ingested_ms, outcome, visitor, code, placement, target, \
             payload) VALUES (?1, ?2, 0, 0, ?3, ?4, 0, 0, 0, x'')",
            params![&id.0[..], from.cast_signed(), outcome, visitor.as_ref().map(|bytes| &bytes[..])],
        )
        .unwrap();
    }
    put_off(db, ids.take(visitors.len())).unwrap();
}

/// Clicks of each visitor, by the view or by the clicks themselves.
fn by_visitor(db: &Connection, of: &str) -> BTreeMap<[u8; 16], Vec<[u8; 16]>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut rows = db.prepare(&format!("SELECT visitor, click_id FROM {of} ORDER BY click_id")).unwrap();
    for row in rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap() {
        let (visitor, click) = row.unwrap();
        found.entry(visitor).or_default().push(click);
    }
    found
}

fn check(db: &Connection) {
    let expected = by_visitor(db, "clicks WHERE outcome = 15 AND visitor IS NOT NULL");
    assert_eq!(by_visitor(db, "earning_clicks"), expected);
    let visitors: Vec<VisitorId> = expected.keys().copied().map(VisitorId).collect();
    assert_eq!(visitors_after(db, &[], 100).unwrap(), visitors);
    for (position, visitor) in visitors.iter().enumerate() {
        let some = visitors_after(db, &visitor.0, 2).unwrap();
        assert_eq!(some, visitors[position + 1..].iter().take(2).copied().collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_click_that_may_earn_is_in_the_view_once_however_runs_merge(steps in steps()) {
        let (_dir, db) = database();
        let mut clicks = 1;
        for step in &steps {
            let tx = db.unchecked_transaction().unwrap();
            match step {
                Step::Clicks(visitors) => {
                    insert(&db, clicks, visitors);
                    clicks += visitors.len() as u64;
                }
                Step::Index => index_some(&db, SMALL).unwrap(),
                Step::Merge(when) => runs::merge_some(&db, SMALL, *when).unwrap(),
            }
            tx.commit().unwrap();
            check(&db);
        }
        // With time for it the work ends, and no level has runs to merge.
        for _ in 0..10 * clicks {
            index_some(&db, SMALL).unwrap();
            runs::merge_some(&db, SMALL, When::Ripe).unwrap();
        }
        check(&db);
        let waiting: i64 = db.query_row("SELECT COUNT(*) FROM unindexed_clicks", [], |row| row.get(0)).unwrap();
        prop_assert_eq!(waiting, 0);
        let runs = runs::look(&db, SMALL).unwrap();
        prop_assert!(!runs.unmerged);
        // Levels grow twofold at least: of each there are at most two full runs, and the open one.
        let levels = clicks.checked_sub(1).and_then(|below| below.checked_ilog(2)).map_or(0, |log| u64::from(log) + 1);
        prop_assert!(runs.count <= 1 + 2 * levels, "{:?} of {} clicks", runs, clicks);
        // With leisure for it no level has two of them.
        for _ in 0..10 * clicks {
            runs::merge_some(&db, SMALL, When::AtLeisure).unwrap();
        }
        check(&db);
        let runs = runs::look(&db, SMALL).unwrap();
        prop_assert!(!runs.unmerged && !runs.loose);
        prop_assert!(runs.count <= 1 + levels, "{:?} of {} clicks", runs, clicks);
    }
}

#[test]
fn a_click_that_is_deleted_leaves_its_run_and_none_is_changed() {
    let (_dir, db) = database();
    insert(&db, 1, &[1, 2, 2, 3]);
    index_some(&db, SMALL).unwrap();
    check(&db);
    let second = 2u128.to_be_bytes();
    assert_eq!(db.execute("DELETE FROM clicks WHERE click_id = ?1", [&second[..]]).unwrap(), 1);
    assert_eq!(by_visitor(&db, "earning_clicks").values().map(Vec::len).sum::<usize>(), 3);
    check(&db);
    let refusal = db.execute("UPDATE clicks SET visitor = zeroblob(16)", []).unwrap_err().to_string();
    assert!(refusal.contains("never changed"), "{refusal}");
}
