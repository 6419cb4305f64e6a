//! Segment files that are cut short or removed between two starts: it is always said, and where the numbers are known
//! they are named as lost.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use journal::storage::{FakeStorage, Storage};
use journal::{Journal, Notice, Opened, Options, ReadError, StreamId, segment};
use std::sync::Arc;

const NOW: i64 = 1_763_000_000_000;
const SEGMENT: u64 = 64 << 10;
const PAYLOAD: [u8; 4000] = [7; 4000];

fn open(disk: &FakeStorage, random: u64) -> Opened {
    let mut options = Options::new("missing", 1, 1);
    options.segment_bytes = SEGMENT;
    options.spare_segments = 2;
    options.cursors = vec!["ship".to_owned()];
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    Journal::open_on(&storage, &options, NOW, random).unwrap()
}

/// Waits until the thread has prepared segments ahead.
fn wait_ready(opened: &Opened) {
    let begun = std::time::Instant::now();
    while opened.journal.stats().ready_segments < 2 {
        assert!(begun.elapsed().as_secs() < 20, "no segment is prepared");
        std::thread::yield_now();
    }
}

/// A disk after a start that wrote so many frames, and the first number in each of its segments with frames.
fn written(frames: u64, killed: bool) -> (FakeStorage, StreamId, Vec<u64>) {
    let disk = FakeStorage::new();
    let mut opened = open(&disk, 1);
    let stream = opened.writers[0].stream();
    let mut firsts = Vec::new();
    for sequence in 0..frames {
        wait_ready(&opened);
        let segments = opened.journal.stats().live_segments;
        opened.writers[0].append(NOW, &PAYLOAD).unwrap();
        opened.writers[0].flush().unwrap();
        if opened.journal.stats().live_segments > segments {
            firsts.push(sequence);
        }
    }
    wait_ready(&opened);
    if killed {
        return (disk.survive(), stream, firsts);
    }
    opened.journal.close().unwrap();
    (disk, stream, firsts)
}

fn lost(opened: &Opened, stream: StreamId) -> Vec<(u64, u64)> {
    let next = opened.recovered.iter().find(|info| info.stream == stream).unwrap().next;
    let mut reader = opened.journal.reader(stream, 0).unwrap();
    let mut lost = Vec::new();
    loop {
        match reader.next(next) {
            Ok(Some(_)) => {}
            Ok(None) => return lost,
            Err(ReadError::Damaged { from, to }) => lost.push((from, to)),
            Err(e) => panic!("{e}"),
        }
    }
}

#[test]
fn the_only_segment_with_frames_is_missed_though_nothing_follows() {
    for empty in [true, false] {
        let (disk, stream, _) = written(5, true);
        let name = segment::name(stream, 0);
        let expected = if empty {
            disk.damage(&name, Vec::clear).unwrap();
            Notice::CutShort { name, bytes: 0 }
        } else {
            disk.remove(&name).unwrap();
            Notice::SegmentsGone { stream, first: 0, last: 0 }
        };
        assert_eq!(open(&disk, 2).notices, [expected]);
    }
}

#[test]
fn the_last_segment_with_frames_is_missed_and_so_is_its_end() {
    let (disk, stream, firsts) = written(40, true);
    let last = firsts.len() as u64 - 1;
    assert_eq!(last, 2);
    disk.remove(&segment::name(stream, last)).unwrap();
    assert_eq!(open(&disk, 2).notices, [Notice::SegmentsGone { stream, first: last, last }]);

    let (disk, stream, _) = written(40, true);
    let name = segment::name(stream, last);
    disk.damage(&name, |bytes| bytes.truncate(9000)).unwrap();
    let opened = open(&disk, 2);
    assert_eq!(opened.notices, [Notice::CutShort { name, bytes: 9000 }]);
    assert_eq!(opened.recovered[0].next, firsts[2] + 1);
}

#[test]
fn the_first_and_a_middle_segment_are_named_exactly() {
    for killed in [true, false] {
        let (disk, stream, firsts) = written(40, killed);
        disk.remove(&segment::name(stream, 0)).unwrap();
        let opened = open(&disk, 2);
        assert_eq!(opened.notices, [Notice::FramesGone { stream, from: 0, to: firsts[1] }]);
        assert_eq!(lost(&opened, stream), [(0, firsts[1])]);

        let (disk, stream, firsts) = written(40, killed);
        disk.damage(&segment::name(stream, 1), Vec::clear).unwrap();
        let opened = open(&disk, 2);
        assert_eq!(opened.notices, [Notice::CutShort { name: segment::name(stream, 1), bytes: 0 }]);
        assert_eq!(lost(&opened, stream), [(firsts[1], firsts[2])]);
    }
}

#[test]
fn of_a_closed_start_even_the_last_frames_are_named() {
    let (disk, stream, _) = written(5, false);
    disk.remove(&segment::name(stream, 0)).unwrap();
    let opened = open(&disk, 2);
    assert_eq!(opened.notices, [Notice::FramesGone { stream, from: 0, to: 5 }]);
    assert_eq!(lost(&opened, stream), [(0, 5)]);
}

#[test]
fn a_reader_that_had_read_more_than_there_is_shows_that_the_end_is_gone() {
    let disk = FakeStorage::new();
    let mut opened = open(&disk, 1);
    let stream = opened.writers[0].stream();
    opened.writers[0].append(NOW, &PAYLOAD).unwrap();
    opened.writers[0].flush().unwrap();
    opened.journal.cursors("ship").unwrap().set(&[(stream, 1)]).unwrap();
    let disk = disk.survive();
    for entry in disk.list().unwrap() {
        if segment::parse_name(&entry.name).is_some() {
            disk.remove(&entry.name).unwrap();
        }
    }
    assert_eq!(open(&disk, 2).notices, [Notice::EndGone { stream, next: 0, read: 1 }]);
}

#[test]
fn a_kill_while_segments_are_prepared_is_no_damage() {
    for frames in [0, 1, 20] {
        let (mut disk, ..) = written(frames, true);
        // Each of these starts is killed while its thread prepares.
        for random in 2..10 {
            let mut opened = open(&disk, random);
            assert_eq!(opened.notices, []);
            opened.writers[0].append(NOW, &PAYLOAD).unwrap();
            opened.writers[0].flush().unwrap();
            disk = disk.survive();
        }
    }
}
