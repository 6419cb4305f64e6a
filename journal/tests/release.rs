//! What becomes of segments that everybody has read, and of the starts they belong to. Without threads: nothing happens
//! between two steps.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use journal::storage::{FakeStorage, Storage};
use journal::{Journal, Opened, Options, ReleaseError, Released, StreamId};
use std::sync::Arc;

const NOW: i64 = 1_763_000_000_000;
const PAYLOAD: [u8; 1000] = [7; 1000];
/// More than one segment holds.
const MANY: u64 = 150;

fn open(disk: &FakeStorage, random: u64) -> Opened {
    let mut options = Options::new("release", 1, 2);
    options.segment_bytes = 64 << 10;
    options.cursors = vec!["ship".to_owned()];
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    Journal::open_still(&storage, &options, NOW, random).unwrap()
}

/// Appends frames and makes them durable.
fn write(opened: &mut Opened, worker: usize, count: u64) -> StreamId {
    let writer = &mut opened.writers[worker];
    for _ in 0..count {
        while opened.journal.step_spares() {}
        writer.append(NOW, &PAYLOAD).unwrap();
        writer.flush().unwrap();
    }
    opened.journal.step_sync(|| ());
    assert_eq!(opened.journal.durable(u8::try_from(worker).unwrap()), writer.next_sequence());
    writer.stream()
}

/// Says that both streams are read to their ends.
fn read_all(journal: &Journal, streams: &[StreamId]) {
    let moves: Vec<(StreamId, u64)> = streams.iter().map(|stream| (*stream, MANY)).collect();
    journal.cursors("ship").unwrap().set(&moves).unwrap();
}

fn files(disk: &FakeStorage) -> Vec<String> {
    disk.list().unwrap().into_iter().map(|entry| entry.name).collect()
}

/// An ended start with frames of both workers, opened again.
fn ended(disk: &FakeStorage) -> (Opened, [StreamId; 2]) {
    let mut opened = open(disk, 1);
    let streams = [write(&mut opened, 0, MANY), write(&mut opened, 1, MANY)];
    opened.journal.close().unwrap();
    drop(opened);
    (open(disk, 2), streams)
}

#[test]
fn an_ended_start_is_over_once_all_its_streams_are_read_and_not_before() {
    let disk = FakeStorage::new();
    let (opened, streams) = ended(&disk);
    read_all(&opened.journal, &streams);
    let first = opened.journal.release(streams[0], MANY).unwrap();
    assert!(first.segments >= 2 && !first.epoch_over, "{first:?}: the other stream still has segments");
    assert!(opened.journal.reader(streams[1], 0).is_some());
    let second = opened.journal.release(streams[1], MANY).unwrap();
    assert!(second.epoch_over, "{second:?}");
    assert!(opened.journal.reader(streams[1], 0).is_none(), "it is gone with its streams");
    let epoch = format!("{:016x}", streams[0].epoch);
    assert!(!files(&disk).iter().any(|name| name.contains(&epoch)), "{:?}", files(&disk));
}

#[test]
fn a_start_whose_record_somebody_has_removed_is_over_all_the_same() {
    let disk = FakeStorage::new();
    let (opened, streams) = ended(&disk);
    read_all(&opened.journal, &streams);
    opened.journal.release(streams[0], MANY).unwrap();
    let epoch = format!("{:016x}", streams[0].epoch);
    let records: Vec<String> =
        files(&disk).into_iter().filter(|name| name.starts_with("epoch-") && name.contains(&epoch)).collect();
    assert_eq!(records.len(), 1, "{:?}", files(&disk));
    assert!(streams[0].to_string().contains(&epoch), "logs name a start as its files do");
    disk.remove(&records[0]).unwrap();
    assert!(opened.journal.release(streams[1], MANY).unwrap().epoch_over);
}

#[test]
fn a_start_whose_record_cannot_be_removed_stays_until_it_can() {
    let disk = FakeStorage::new();
    let (opened, streams) = ended(&disk);
    read_all(&opened.journal, &streams);
    opened.journal.release(streams[0], MANY).unwrap();
    disk.fail_removes(1);
    let refused = opened.journal.release(streams[1], MANY);
    assert!(matches!(refused, Err(ReleaseError::Files(_))), "{refused:?}");
    let epoch = format!("epoch-{:016x}", streams[0].epoch);
    let records = |disk| files(disk).into_iter().filter(|name| name.starts_with(&epoch)).count();
    assert_eq!(records(&disk), 1, "it says still how the start ended: {:?}", files(&disk));
    assert!(opened.journal.release(streams[1], MANY).unwrap().epoch_over, "asked again, it goes");
    assert_eq!(records(&disk), 0, "{:?}", files(&disk));
}

#[test]
fn what_a_start_says_of_earlier_ones_is_how_they_ended() {
    let disk = FakeStorage::new();
    let (opened, streams) = ended(&disk);
    let closed = |opened: &Opened| -> Vec<bool> {
        let ended = opened.recovered.iter().filter(|info| streams.contains(&info.stream));
        ended.map(|info| info.closed).collect()
    };
    assert_eq!(closed(&opened), [true, true]);
    drop(opened);
    let disk = FakeStorage::new();
    let mut killed = open(&disk, 1);
    write(&mut killed, 0, 3);
    let again = open(&disk.survive(), 2);
    assert!(again.recovered.iter().all(|info| !info.closed), "{:?}", again.recovered);
}

#[test]
fn released_segments_are_used_again_but_not_those_that_a_sync_failed_on() {
    for failed in [false, true] {
        let disk = FakeStorage::new();
        let mut opened = open(&disk, 1);
        let stream = if failed {
            write(&mut opened, 0, 3);
            // What is written now becomes durable elsewhere; the segment is not trusted any more.
            while opened.journal.step_spares() {}
            opened.writers[0].append(NOW, &PAYLOAD).unwrap();
            opened.writers[0].flush().unwrap();
            disk.fail_syncs(1);
            opened.journal.step_sync(|| ());
            write(&mut opened, 0, 20)
        } else {
            write(&mut opened, 0, 64)
        };
        assert_eq!(opened.journal.stats().sync_errors, u64::from(failed));
        let next = opened.writers[0].next_sequence();
        opened.journal.cursors("ship").unwrap().set(&[(stream, next)]).unwrap();
        let before = opened.journal.stats().spare_files;
        let released = opened.journal.release(stream, next).unwrap();
        assert_eq!(released, Released { segments: 1, epoch_over: false });
        let spare = opened.journal.stats().spare_files - before;
        assert_eq!(spare, u64::from(!failed), "a sync failed: {failed}");
    }
}

#[test]
fn the_figures_add_up_what_the_workers_wrote() {
    let disk = FakeStorage::new();
    let mut opened = open(&disk, 1);
    write(&mut opened, 0, 5);
    write(&mut opened, 1, 7);
    assert_eq!(opened.journal.stats().frames, 12);
    // A thousand bytes and their header take 17 slots of 64 bytes.
    assert_eq!(opened.journal.stats().bytes, 12 * 17 * 64);
    assert_eq!(opened.journal.stats().unsynced_frames, 0);
    opened.writers[1].append(NOW, &PAYLOAD).unwrap();
    opened.writers[1].flush().unwrap();
    let stats = opened.journal.stats();
    assert_eq!((stats.frames, stats.unsynced_frames), (13, 1));
    assert_eq!([opened.journal.written(0), opened.journal.written(1)], [5, 8]);
}

#[test]
fn nothing_is_released_that_is_not_durable_whatever_its_readers_say() {
    let disk = FakeStorage::new();
    let mut opened = open(&disk, 1);
    let stream = opened.writers[0].stream();
    for _ in 0..MANY {
        while opened.journal.step_spares() {}
        opened.writers[0].append(NOW, &PAYLOAD).unwrap();
        opened.writers[0].flush().unwrap();
    }
    opened.journal.cursors("ship").unwrap().set(&[(stream, MANY)]).unwrap();
    assert_eq!(opened.journal.release(stream, MANY).unwrap().segments, 0);
    opened.journal.step_sync(|| ());
    assert!(opened.journal.release(stream, MANY).unwrap().segments >= 2);
}

#[test]
fn on_a_full_disk_no_spare_file_is_forgotten_because_it_could_not_be_opened() {
    let disk = FakeStorage::new();
    let opened = open(&disk, 1);
    while opened.journal.step_spares() {}
    opened.journal.close().unwrap();
    drop(opened);
    let opened = open(&disk, 2);
    let before = opened.journal.stats();
    assert_eq!((before.ready_segments, before.spare_files), (2, 2));
    disk.set_capacity(u64::MAX - disk.free_bytes().unwrap());
    disk.fail_opens(u32::MAX);
    for _ in 0..5 {
        assert!(!opened.journal.step_spares());
    }
    disk.fail_opens(0);
    while opened.journal.step_spares() {}
    let after = opened.journal.stats();
    assert_eq!((after.ready_segments, after.spare_files), (4, 0));
}

#[test]
fn on_a_full_disk_what_was_read_makes_room_for_what_comes() {
    let disk = FakeStorage::new();
    let mut opened = open(&disk, 1);
    let stream = write(&mut opened, 0, MANY);
    let both = [(stream, 1), (opened.writers[1].stream(), 0)];
    opened.journal.cursors("ship").unwrap().set(&both).unwrap();
    // Full, as after hours without the core; and all that was prepared is used up.
    disk.set_capacity(u64::MAX - disk.free_bytes().unwrap());
    while opened.writers[0].append(NOW, &PAYLOAD).is_ok() {
        opened.writers[0].flush().unwrap();
    }
    assert!(!opened.journal.step_spares());
    opened.journal.step_sync(|| ());
    // The core is back and takes everything.
    let end = opened.writers[0].next_sequence();
    opened.journal.cursors("ship").unwrap().set(&[(stream, end)]).unwrap();
    assert!(opened.journal.release(stream, end).unwrap().segments >= 2);
    while opened.journal.step_spares() {}
    assert_eq!(opened.writers[0].append(NOW, &PAYLOAD), Ok(end));
    opened.writers[0].flush().unwrap();
    drop(opened);
    let opened = open(&disk.survive(), 2);
    assert_eq!((&*opened.notices, opened.journal.cursors("ship").unwrap().get(stream)), (&[][..], end));
}
