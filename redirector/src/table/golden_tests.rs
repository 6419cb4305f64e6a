//! Bytes of table snapshots that have been written to disks. The files under `golden/` are never changed: a new layout
//! gets a file of its own beside them, and the older ones must load.

use super::tests::{CHECK, HISTORY, code, link, numbered, surroundings};
use super::*;

const V1: &[u8] = include_bytes!("../../tests/golden/table_v1.snapshot");
const V2: &[u8] = include_bytes!("../../tests/golden/table_v2.snapshot");
const V3: &[u8] = include_bytes!("../../tests/golden/table_v3.snapshot");

fn table() -> Table {
    let table = Table::new(false);
    table.load_links(&[link(5)]);
    let mut changes = surroundings();
    changes.push(Change::Alias { alias: Alias::new("double11", CHECK).unwrap(), code: code(6) });
    changes.push(Change::Ban(BanRow {
        category: CategoryNum(1),
        programme: None,
        effective_from: Instant(9),
        effective_to: None,
    }));
    changes.push(Change::Link(link(6)));
    table.apply(HISTORY, &numbered(1, changes));
    table.note_heard(Instant(77));
    table
}

#[test]
fn a_snapshot_is_written_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    snapshot::save(dir.path(), &table(), CHECK.fingerprint()).unwrap();
    assert!(std::fs::read(dir.path().join("table.snapshot")).unwrap() == V3);
}

#[test]
fn every_layout_ever_written_loads() {
    // The first one knew no history: its position is none that a core could recognise. Before the third, the check key
    // was not told.
    let layouts =
        [(V1, None, None), (V2, Some(HISTORY), None), (V3, Some(HISTORY), Some(CHECK.fingerprint()))];
    for (bytes, history, check_key) in layouts {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("table.snapshot"), bytes).unwrap();
        let loaded = snapshot::load(dir.path(), false, 0);
        assert!(matches!(loaded.source, snapshot::Source::Current), "{:?}", loaded.quarantined);
        assert_eq!(loaded.check_key, check_key);
        let table = loaded.table;
        assert_eq!(table.position(), FeedPosition { history, number: 7 });
        assert_eq!(table.heard_at(), Instant(77));
        assert_eq!((table.link(code(5)), table.link(code(6))), (Some(link(5)), Some(link(6))));
        assert_eq!(table.small().load().alias("double11"), Some(code(6)));
        assert!(table.small().load().follow(&link(5)).is_some());
    }
}
