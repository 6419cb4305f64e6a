//! The bytes on disk, committed: every layout ever shipped must be readable, and today's must not change unnoticed.
//!
//! `YINKE_WRITE_GOLDEN=1 cargo test -p journal golden` writes the files anew, for a new layout version.

use crate::storage::{FakeStorage, Storage, read_file, write_all};
use crate::{Journal, Options, StreamId};
use std::path::PathBuf;
use std::sync::Arc;

const NOW: i64 = 1_763_000_000_000;
const STREAM: StreamId = StreamId { edge: 513, epoch: 0x669e_bf47_8001_e240, worker: 1 };
const LIMIT: usize = 1 << 20;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

fn payload(sequence: u64) -> Vec<u8> {
    (0..sequence * 40).map(|i| i.to_le_bytes()[0]).collect()
}

fn options() -> Options {
    let mut options = Options::new("golden", 513, 2);
    options.segment_bytes = 64 << 10;
    options.cursors = vec!["ship".to_owned()];
    options
}

/// Writes ten frames, the last three not durable, and leaves without closing.
fn written_today() -> FakeStorage {
    let disk = FakeStorage::new();
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let mut opened = Journal::open_still(&storage, &options(), NOW, 123_456).unwrap();
    for sequence in 0..10 {
        let writer = &mut opened.writers[1];
        writer.append(NOW + i64::try_from(sequence).unwrap(), &payload(sequence)).unwrap();
        writer.flush().unwrap();
        if sequence == 6 {
            opened.journal.inner().syncer.pass(|| {});
        }
    }
    let stream = opened.writers[1].stream();
    opened.journal.cursors("ship").unwrap().set(&[(stream, 4)]).unwrap();
    disk.survive()
}

fn files(disk: &FakeStorage) -> Vec<(String, Vec<u8>)> {
    let names = disk.list().unwrap().into_iter().map(|e| e.name);
    // The reserve has no layout: what is in it means nothing.
    let names = names.filter(|name| !name.starts_with("reserve-"));
    names.map(|name| (name.clone(), read_file(disk, &name, LIMIT).unwrap().unwrap())).collect()
}

#[test]
fn the_golden_files_are_what_is_written_today() {
    let today = files(&written_today());
    if std::env::var_os("YINKE_WRITE_GOLDEN").is_some() {
        std::fs::create_dir_all(folder()).unwrap();
        for (name, bytes) in &today {
            std::fs::write(folder().join(name), bytes).unwrap();
        }
    }
    assert_eq!(today.len(), 4, "an epoch, a segment for each worker, a cursor");
    for (name, bytes) in today {
        let golden = std::fs::read(folder().join(&name)).unwrap();
        assert!(golden == bytes, "{name} has changed: a new layout needs a new version");
    }
}

#[test]
fn the_golden_files_are_read() {
    let disk = FakeStorage::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let file = disk.create(path.file_name().unwrap().to_str().unwrap()).unwrap();
        write_all(&*file, &std::fs::read(&path).unwrap(), 0).unwrap();
    }
    let storage: Arc<dyn Storage> = Arc::new(disk);
    let opened = Journal::open_still(&storage, &options(), NOW, 7).unwrap();
    assert_eq!(opened.notices, []);
    let info = opened.recovered[1];
    assert_eq!(info.stream, STREAM);
    assert_eq!((info.first, info.next, info.durable), (0, 10, 7));
    assert_eq!(opened.journal.cursors("ship").unwrap().get(STREAM), 4);
    let mut reader = opened.journal.reader(STREAM, 0).unwrap();
    for sequence in 0..10 {
        let frame = reader.next(10).unwrap().unwrap();
        assert_eq!((frame.sequence, frame.at_ms), (sequence, NOW + i64::try_from(sequence).unwrap()));
        assert_eq!(frame.payload, payload(sequence));
    }
}
