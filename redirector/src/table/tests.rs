//! The table as a whole: changes, merges and snapshots, against a plain map.

use super::*;
use attribution_core::catalogue::{ProgrammeRow, TargetRow};
use attribution_core::code::CheckKey;
use attribution_core::ids::{PlacementNum, ProgrammeId, PromoterNum, TargetNum};
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) const CHECK: CheckKey = CheckKey::new(*b"8 bytes!");
pub(crate) const HISTORY: HistoryId = HistoryId::new(7).unwrap();

pub(crate) fn code(body: u64) -> Code {
    Code::from_body(body, CHECK).unwrap()
}

pub(crate) fn link(body: u64) -> LinkRow {
    LinkRow::endless(code(body), PlacementNum(1), TargetNum(1))
}

pub(crate) fn target(num: u32) -> TargetRow {
    TargetRow::product(TargetNum(num), format!("https://shop.example/p/{num}"), format!("商品 {num}"))
}

pub(crate) fn programme(num: u32) -> ProgrammeRow {
    ProgrammeRow::lax(ProgrammeNum(num), ProgrammeId::new(format!("p{num}")).unwrap(), 15 * 86_400_000)
}

pub(crate) fn numbered(first: u64, changes: Vec<Change>) -> Vec<NumberedChange> {
    let number = |(i, change)| NumberedChange { number: first + i as u64, at: Instant(0), change };
    changes.into_iter().enumerate().map(number).collect()
}

/// One programme, one promoter, one placement, one target; links are the caller's.
pub(crate) fn surroundings() -> Vec<Change> {
    vec![
        Change::Programme(programme(1)),
        Change::Promoter(PromoterRow { num: PromoterNum(1), disabled_from: None }),
        Change::Placement(PlacementRow {
            num: PlacementNum(1),
            promoter: PromoterNum(1),
            programme: ProgrammeNum(1),
        }),
        Change::Target(target(1)),
    ]
}

#[test]
fn changes_apply_once_and_in_order() {
    let table = Table::new(false);
    let mut changes = surroundings();
    changes.push(Change::Link(link(5)));
    table.apply(HISTORY, &numbered(10, changes));
    assert_eq!(table.generation(), 14);
    assert_eq!(table.link(code(5)), Some(link(5)));
    assert_eq!(table.link(code(6)), None);
    // An older page that arrives again changes nothing.
    let other = LinkRow { target: TargetNum(9), ..link(5) };
    table.apply(HISTORY, &numbered(14, vec![Change::Link(other)]));
    assert_eq!(table.link(code(5)), Some(link(5)));
    table.apply(HISTORY, &numbered(15, vec![Change::Link(other)]));
    assert_eq!(table.link(code(5)), Some(other));
    let small = table.small().load();
    assert!(small.follow(&link(5)).is_some());
    assert!(small.follow(&other).is_none(), "its target is not known yet");
}

#[test]
fn withdrawing_a_product_changes_one_row() {
    let table = Table::new(false);
    table.apply(HISTORY, &numbered(1, surroundings()));
    table.load_links(&(0..1_000).map(link).collect::<Vec<_>>());
    let withdrawn = TargetRow { cancelled_from: Some(Instant(5)), ..target(1) };
    table.apply(HISTORY, &numbered(50, vec![Change::Target(withdrawn)]));
    let small = table.small().load();
    assert!((0..1_000).all(|body| {
        let link = table.link(code(body)).unwrap();
        small.follow(&link).unwrap().target.row.cancelled_from == Some(Instant(5))
    }));
}

#[test]
fn an_unusable_target_makes_its_links_unknown() {
    let table = Table::new(false);
    table.apply(HISTORY, &numbered(1, surroundings()));
    let hostile = TargetRow { destination: "javascript:alert(1)".to_owned(), ..target(1) };
    table.apply(HISTORY, &numbered(50, vec![Change::Target(hostile)]));
    assert!(table.small().load().follow(&link(5)).is_none());
}

#[test]
fn the_narrower_and_the_wider_ban_both_count() {
    let table = Table::new(false);
    let mut changes = surroundings();
    changes.push(Change::Target(TargetRow { category: Some(CategoryNum(4)), ..target(1) }));
    let ban = |programme, from, to: Option<i64>| {
        Change::Ban(BanRow {
            category: CategoryNum(4),
            programme,
            effective_from: Instant(from),
            effective_to: to.map(Instant),
        })
    };
    let banned_at = |at| {
        let small = table.small().load();
        let found = small.follow(&link(1)).unwrap();
        found.bans.iter().any(|ban| ban.forbids(found.programme.row.num, Instant(at)))
    };
    changes.push(ban(None, 100, None));
    changes.push(ban(Some(ProgrammeNum(1)), 50, Some(60)));
    changes.push(ban(Some(ProgrammeNum(2)), 10, None));
    table.apply(HISTORY, &numbered(1, changes));
    assert_eq!([49, 50, 59, 60, 99, 100].map(banned_at), [false, true, true, false, false, true]);
    table.apply(
        HISTORY,
        &numbered(90, vec![ban(Some(ProgrammeNum(1)), 300, None), ban(None, 100, Some(200))]),
    );
    assert_eq!([50, 100, 199, 200, 299, 300].map(banned_at), [false, true, true, false, false, true]);
}

#[test]
fn merges_and_loads_agree_with_a_plain_map() {
    let table = Table::new(false);
    let mut model = BTreeMap::new();
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state >> 33
    };
    for round in 0..20 {
        let rows: Vec<LinkRow> = (0..200 + next() % 300)
            .map(|_| LinkRow {
                target: TargetNum(u32::try_from(next() % 50).unwrap()),
                ..link(next() % 3_000)
            })
            .collect();
        model.extend(rows.iter().map(|row| (row.code, *row)));
        if round % 5 == 4 {
            // A bulk load goes past the overlay, so what is in it must go first.
            table.small().load().links.merge();
            table.load_links(&rows);
        } else {
            let changes = rows.into_iter().map(Change::Link).collect();
            table.apply(HISTORY, &numbered(1 + round * 1_000, changes));
        }
        if round % 3 == 2 {
            table.small().load().links.merge();
            assert_eq!(table.small().load().links.overlay_len(), 0);
        }
        for body in 0..3_000 {
            assert_eq!(table.link(code(body)), model.get(&code(body)).copied(), "round {round}");
        }
    }
}

fn full_table() -> Table {
    let table = Table::new(false);
    table.load_links(&(0..500).map(link).collect::<Vec<_>>());
    let mut changes = surroundings();
    changes.push(Change::Alias { alias: Alias::new("double11", CHECK).unwrap(), code: code(3) });
    changes.push(Change::Ban(BanRow {
        category: CategoryNum(1),
        programme: None,
        effective_from: Instant(9),
        effective_to: Some(Instant(99)),
    }));
    changes.extend((490..520).map(|body| Change::Link(LinkRow { target: TargetNum(1), ..link(body) })));
    table.apply(HISTORY, &numbered(1, changes));
    table.note_heard(Instant(77));
    table
}

fn assert_full(table: &Table) {
    assert!((0..520).all(|body| table.link(code(body)) == Some(link(body))));
    assert_eq!(table.small().load().alias("double11"), Some(code(3)));
    assert!(table.small().load().follow(&link(1)).is_some());
    assert_eq!(table.sizes().targets, 1);
    assert_eq!(table.small().load().bans_of(CategoryNum(1))[0].effective_to, Some(Instant(99)));
}

#[test]
fn a_snapshot_gives_back_the_table() {
    let dir = tempfile::tempdir().unwrap();
    let table = full_table();
    snapshot::save(dir.path(), &table, CHECK.fingerprint()).unwrap();
    let loaded = snapshot::load(dir.path(), false, 0);
    assert!(matches!(loaded.source, snapshot::Source::Current));
    assert_full(&loaded.table);
    let expected = FeedPosition { history: Some(HISTORY), number: 36 };
    assert_eq!((loaded.table.position(), loaded.table.heard_at()), (expected, Instant(77)));
}

#[test]
fn a_clock_that_was_ahead_is_not_remembered() {
    let table = full_table();
    table.note_heard(Instant(99));
    table.note_heard(Instant(88));
    assert_eq!(table.heard_at(), Instant(88));
}

#[test]
fn nothing_saved_is_an_empty_table() {
    let dir = tempfile::tempdir().unwrap();
    let loaded = snapshot::load(dir.path(), false, 0);
    assert!(matches!(loaded.source, snapshot::Source::Nothing) && loaded.quarantined.is_empty());
    assert!(loaded.table.is_empty());
}

fn corrupt(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn every_flipped_byte_and_every_cut_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    snapshot::save(dir.path(), &full_table(), CHECK.fingerprint()).unwrap();
    let path = dir.path().join("table.snapshot");
    let good = std::fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(13).chain([0, good.len() - 1]) {
        corrupt(&path, at);
        let loaded = snapshot::load(dir.path(), false, i64::try_from(at).unwrap());
        assert_eq!(loaded.quarantined.len(), 1, "byte {at}");
        assert!(loaded.table.is_empty() && !path.exists(), "byte {at}");
        std::fs::write(&path, &good[..at]).unwrap();
        assert_eq!(snapshot::load(dir.path(), false, -1).quarantined.len(), 1, "cut at {at}");
        std::fs::write(&path, &good).unwrap();
    }
}

#[test]
fn the_previous_snapshot_takes_the_place_of_a_corrupt_one() {
    let dir = tempfile::tempdir().unwrap();
    let table = full_table();
    snapshot::save(dir.path(), &table, CHECK.fingerprint()).unwrap();
    table.apply(HISTORY, &numbered(1_000, vec![Change::Link(link(999))]));
    snapshot::save(dir.path(), &table, CHECK.fingerprint()).unwrap();
    corrupt(&dir.path().join("table.snapshot"), 60);
    let loaded = snapshot::load(dir.path(), false, 5);
    assert!(matches!(loaded.source, snapshot::Source::Previous));
    assert_full(&loaded.table);
    assert_eq!(loaded.table.link(code(999)), None);
    assert!(loaded.table.generation() < 1_000, "the feed brings the rest again");
    assert!(dir.path().join("table.snapshot.corrupt-5").exists());
}

#[test]
fn a_bad_fallback_costs_the_fallback_and_not_the_programme() {
    let long = format!("https://shop.example/{}", "a".repeat(2_048));
    for bad in ["https://user:secret@shop.example/", "https://:80/", long.as_str()] {
        let table = full_table();
        let row = ProgrammeRow { fallback_url: Some(bad.to_owned()), ..programme(1) };
        table.apply(HISTORY, &numbered(1_000, vec![Change::Programme(row)]));
        let small = table.small().load();
        let found = small.follow(&link(1)).expect("the link still leads somewhere");
        assert_eq!(found.programme.fallback, None, "{bad}");
    }
}

/// Everything that is logged while `act` runs, as text.
fn logged(act: impl FnOnce()) -> String {
    use tracing::field::{Field, Visit};
    use tracing::span;

    struct Said(Arc<Mutex<String>>);
    struct Fields<'a>(&'a mut String);
    impl Visit for Fields<'_> {
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            self.0.push_str(&format!("{field}={value:?} "));
        }
    }
    impl tracing::Subscriber for Said {
        fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }
        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn event(&self, event: &tracing::Event<'_>) {
            event.record(&mut Fields(&mut self.0.lock().unwrap()));
        }
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }

    let said = Arc::new(Mutex::new(String::new()));
    tracing::subscriber::with_default(Said(Arc::clone(&said)), act);
    said.lock().unwrap().clone()
}

#[test]
fn a_refused_row_is_named_in_the_log_without_its_addresses() {
    let table = Table::new(false);
    let address = Some("https://user:secret@shop.example/".to_owned());
    let rows = vec![
        Change::Target(TargetRow { destination: address.clone().unwrap(), ..target(7) }),
        Change::Programme(ProgrammeRow { fallback_url: address, ..programme(8) }),
    ];
    let text = logged(|| table.apply(HISTORY, &numbered(41, rows)));
    assert!(text.contains("kind=\"target\" row=7 number=41"), "{text}");
    assert!(text.contains("kind=\"programme\" row=8 number=42"), "{text}");
    assert!(!text.contains("secret"), "{text}");
}
