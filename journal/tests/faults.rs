//! A disk that fails under a running journal with its threads: full, and a sync that fails once and then lies.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use journal::storage::{FakeStorage, Storage};
use journal::{AppendError, FlushError, Journal, Notice, OpenError, Opened, Options};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const NOW: i64 = 1_763_000_000_000;
const SEGMENT: u64 = 64 << 10;
const PAYLOAD: [u8; 1000] = [7; 1000];

fn open(disk: &FakeStorage, random: u64) -> Opened {
    open_resting(disk, random, Duration::from_millis(1))
}

/// With so long a rest between two syncs.
fn open_resting(disk: &FakeStorage, random: u64, sync_interval: Duration) -> Opened {
    let mut options = Options::new("faults", 1, 1);
    options.segment_bytes = SEGMENT;
    options.sync_interval = sync_interval;
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    Journal::open_on(&storage, &options, NOW, random).unwrap()
}

/// Without threads.
fn open_still(disk: &FakeStorage, random: u64) -> Opened {
    let mut options = Options::new("faults", 1, 1);
    options.segment_bytes = SEGMENT;
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    Journal::open_still(&storage, &options, NOW, random).unwrap()
}

/// Waits until a watermark reaches `sequence`.
fn wait_durable(journal: &Journal, sequence: u64) {
    let (sender, receiver) = mpsc::channel();
    journal.on_durable(Box::new(move || sender.send(()).unwrap_or(())));
    let begun = Instant::now();
    while journal.durable(0) < sequence {
        assert!(begun.elapsed() < Duration::from_secs(20), "{sequence} did not become durable");
        receiver.recv_timeout(Duration::from_millis(50)).unwrap_or(());
    }
}

/// Waits until so many segments are ready.
fn wait_prepared(journal: &Journal, segments: u64) {
    let begun = Instant::now();
    while journal.stats().ready_segments < segments {
        assert!(begun.elapsed() < Duration::from_secs(20), "no segment is prepared");
        std::thread::yield_now();
    }
}

/// Tries until the journal takes a frame again.
fn append_when_possible(opened: &mut Opened) -> u64 {
    let begun = Instant::now();
    loop {
        match opened.writers[0].append(NOW, &PAYLOAD) {
            Ok(sequence) => return sequence,
            Err(AppendError::NoSpace) => std::thread::yield_now(),
            Err(e) => panic!("{e}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "no space for long");
    }
}

/// Tries until the journal writes what was appended: after a failed sync it waits for new segments.
fn flush_when_possible(opened: &mut Opened) {
    let begun = Instant::now();
    loop {
        match opened.writers[0].flush() {
            Ok(_) => return,
            Err(FlushError::NoSpace) => std::thread::yield_now(),
            Err(e) => panic!("{e}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "no space for long");
    }
}

#[test]
fn a_full_disk_refuses_before_the_append_and_recovers_alone() {
    let disk = FakeStorage::new();
    let mut opened = open(&disk, 1);
    append_when_possible(&mut opened);
    opened.writers[0].flush().unwrap();
    // The thread that prepares segments may be late.
    wait_prepared(&opened.journal, 1);
    disk.set_capacity(0);
    let refused = loop {
        match opened.writers[0].append(NOW, &PAYLOAD) {
            Ok(_) => opened.writers[0].flush().map(drop).unwrap(),
            Err(e) => break e,
        }
    };
    assert_eq!(refused, AppendError::NoSpace);
    let next = opened.writers[0].next_sequence();
    assert!(next > 60, "what was prepared is used up first: {next}");
    disk.set_capacity(u64::MAX);
    assert_eq!(append_when_possible(&mut opened), next);
    opened.writers[0].flush().unwrap();
    wait_durable(&opened.journal, next + 1);
    assert!(opened.journal.stats().refused > 0);
}

#[test]
fn a_full_disk_is_asked_now_and_then_however_many_clicks_come() {
    let disk = FakeStorage::new();
    disk.set_capacity(3 * SEGMENT);
    let mut opened = open(&disk, 1);
    let begun = Instant::now();
    let mut refused = 0_u32;
    while begun.elapsed() < Duration::from_secs(1) {
        match opened.writers[0].append(NOW, &PAYLOAD) {
            Ok(_) => opened.writers[0].flush().map(drop).unwrap(),
            Err(_) => refused += 1,
        }
    }
    let attempts = u128::from(opened.journal.stats().spare_errors);
    assert!(refused > 100, "{refused}");
    assert!((1..=begun.elapsed().as_millis() / 250 + 1).contains(&attempts), "{attempts} attempts");
}

#[test]
fn a_journal_opens_on_a_full_disk_in_the_place_of_a_spare_file() {
    for killed in [false, true] {
        let disk = FakeStorage::new();
        let mut opened = open(&disk, 1);
        append_when_possible(&mut opened);
        flush_when_possible(&mut opened);
        wait_durable(&opened.journal, 1);
        wait_prepared(&opened.journal, 2);
        disk.set_capacity(u64::MAX - disk.free_bytes().unwrap());
        let disk = if killed { disk.survive() } else { disk };
        drop(opened);

        let mut opened = open(&disk, 2);
        let recovered = opened.recovered[0];
        assert_eq!((recovered.first, recovered.next), (0, 1), "killed: {killed}");
        append_when_possible(&mut opened);
        opened.writers[0].flush().unwrap();
    }
}

/// Somebody else takes all that is left of the disk.
fn fill(disk: &FakeStorage) {
    disk.set_capacity(u64::MAX);
    disk.set_capacity(u64::MAX - disk.free_bytes().unwrap());
}

fn reserves(disk: &FakeStorage) -> usize {
    disk.list().unwrap().iter().filter(|file| file.name.starts_with("reserve-")).count()
}

#[test]
fn a_killed_journal_opens_again_and_again_on_a_full_disk_while_others_take_what_is_left() {
    let mut disk = FakeStorage::new();
    let mut opened = open_still(&disk, 1);
    opened.writers[0].append(NOW, &PAYLOAD).unwrap();
    opened.writers[0].flush().unwrap();
    opened.journal.step_sync(|| ());
    assert_eq!(reserves(&disk), 16);
    fill(&disk);
    // Everything that was prepared is used up.
    while opened.writers[0].append(NOW, &PAYLOAD).is_ok() {
        opened.writers[0].flush().unwrap();
    }
    for start in 2..=10 {
        disk = disk.crash(start);
        opened = open_still(&disk, start);
        let recovered = opened.recovered[0];
        assert!(recovered.first == 0 && recovered.next >= 1, "start {start}: {recovered:?}");
        assert!(opened.writers[0].append(NOW, &PAYLOAD).is_err(), "start {start} has no room for clicks");
        fill(&disk);
    }
    let left = reserves(&disk);
    assert!((1..16).contains(&left), "{left}");
    disk.set_capacity(u64::MAX);
    while opened.journal.step_spares() {}
    assert_eq!(reserves(&disk), 16, "once there is room");
}

#[test]
fn cursors_over_many_starts_are_kept_on_a_full_disk_while_others_take_what_is_left() {
    let mut disk = FakeStorage::new();
    let mut options = Options::new("faults", 1, 16);
    options.segment_bytes = SEGMENT;
    options.cursors = vec!["ship".to_owned()];
    let open = |disk: &FakeStorage, random| {
        let storage: Arc<dyn Storage> = Arc::new(disk.clone());
        let opened = Journal::open_still(&storage, &options, NOW, random).unwrap();
        fill(disk);
        opened
    };
    for start in 1..=14 {
        let opened = open(&disk, start);
        let moves: Vec<_> = opened.journal.streams().iter().map(|info| (info.stream, 0)).collect();
        let cursors = opened.journal.cursors("ship").unwrap();
        cursors.set(&moves).unwrap_or_else(|e| panic!("start {start}, {} rows: {e:?}", moves.len()));
        disk = disk.survive();
    }
}

#[test]
fn a_tail_is_copied_once_also_if_another_one_has_no_room() {
    let mut disk = FakeStorage::new();
    let mut options = Options::new("faults", 1, 2);
    options.segment_bytes = SEGMENT;
    let open = |disk: &FakeStorage, random| {
        let storage: Arc<dyn Storage> = Arc::new(disk.clone());
        Journal::open_still(&storage, &options, NOW, random)
    };
    let mut opened = open(&disk, 1).unwrap();
    fill(&disk);
    for writer in &mut opened.writers {
        while writer.append(NOW, &PAYLOAD).is_ok() {
            writer.flush().unwrap();
        }
    }
    disk = disk.survive();
    disk.fail_syncs(2);
    // Each time somebody makes room for one tail and a half.
    for start in 2..6 {
        disk.set_capacity(u64::MAX);
        disk.set_capacity(u64::MAX - disk.free_bytes().unwrap() + 3 * SEGMENT / 2);
        if open(&disk, start).is_ok() {
            return;
        }
        disk = disk.survive();
    }
    panic!("room for six tails is not enough for two");
}

#[test]
fn a_doubtful_tail_is_copied_in_the_place_of_spare_files_and_leaves_the_reserve() {
    for spares in [false, true] {
        let disk = FakeStorage::new();
        let mut opened = open_still(&disk, 1);
        while opened.journal.step_spares() {}
        fill(&disk);
        let writer = &mut opened.writers[0];
        let stream = writer.stream();
        let mut written = 0;
        while (!spares || written < 1) && writer.append(NOW, &PAYLOAD).is_ok() {
            written = writer.flush().unwrap();
        }
        let mut disk = disk.survive();
        disk.fail_syncs(1);
        let storage = |disk: &FakeStorage| -> Arc<dyn Storage> { Arc::new(disk.clone()) };
        let mut options = Options::new("faults", 1, 1);
        options.segment_bytes = SEGMENT;
        if !spares {
            let failed = Journal::open_still(&storage(&disk), &options, NOW, 2).unwrap_err();
            assert!(matches!(failed, OpenError::Recover(_)), "{failed:?}");
            assert_eq!(reserves(&disk), 16, "it is for the records");
            disk = disk.survive();
            disk.set_capacity(u64::MAX);
        }
        // The disk now says that it has synced.
        let opened = Journal::open_still(&storage(&disk), &options, NOW, 3).unwrap();
        let copied =
            |notice: &Notice| matches!(notice, Notice::TailCopied { stream: of, .. } if *of == stream);
        assert!(opened.notices.iter().any(copied), "{:?}", opened.notices);
        let opened = open_still(&disk.crash(4), 5);
        assert_eq!((opened.recovered[0].first, opened.recovered[0].next), (0, written), "spares: {spares}");
    }
}

#[test]
fn a_journal_without_a_reserve_opens_on_a_full_disk_in_the_place_of_a_spare_file() {
    let disk = FakeStorage::new();
    drop(open_still(&disk, 1));
    // As an older program leaves it.
    for file in disk.list().unwrap().iter().filter(|file| file.name.starts_with("reserve-")) {
        disk.remove(&file.name).unwrap();
    }
    fill(&disk);
    drop(open_still(&disk, 2));
}

#[test]
fn a_start_is_later_than_the_one_before_whatever_the_clock_says_and_uses_no_file_of_another_size() {
    let disk = FakeStorage::new();
    let first = open_still(&disk, 1).journal.epoch();
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let mut options = Options::new("faults", 1, 1);
    options.segment_bytes = 2 * SEGMENT;
    let opened = Journal::open_still(&storage, &options, NOW - 1_000_000, 2).unwrap();
    assert!(opened.journal.epoch() > first);
    while opened.journal.step_spares() {}
    assert!(disk.list().unwrap().iter().all(|file| file.len < SEGMENT || file.len == 2 * SEGMENT));
}

#[test]
fn the_reserve_survives_a_power_cut() {
    for seed in 0..20 {
        let disk = FakeStorage::new();
        let opened = open_still(&disk, 1);
        let disk = disk.crash(seed);
        assert!(
            disk.list().unwrap().iter().filter(|f| f.name.starts_with("reserve-")).all(|f| f.len == 16 << 10)
        );
        assert_eq!(reserves(&disk), 16);
        drop(opened);
    }
}

#[test]
fn after_a_failed_sync_the_frames_are_durable_elsewhere() {
    for seed in 0..20 {
        let disk = FakeStorage::new();
        let mut opened = open(&disk, seed);
        let stream = opened.writers[0].stream();
        for _ in 0..100 {
            append_when_possible(&mut opened);
            flush_when_possible(&mut opened);
            if opened.writers[0].next_sequence() == 50 {
                disk.fail_syncs(1);
            }
        }
        wait_durable(&opened.journal, 100);
        drop(opened.writers);
        let disk = disk.crash(seed);
        drop(opened.journal);
        let opened = open(&disk, 1000 + seed);
        assert_eq!(opened.recovered[0].next, 100);
        let mut reader = opened.journal.reader(stream, 0).unwrap();
        for sequence in 0..100 {
            assert_eq!(reader.next(100).unwrap().unwrap().sequence, sequence);
        }
    }
}

#[test]
fn who_hurries_does_not_wait_for_the_end_of_a_rest() {
    let disk = FakeStorage::new();
    let mut opened = open_resting(&disk, 1, Duration::from_hours(1));
    for sequence in 1..=3 {
        append_when_possible(&mut opened);
        flush_when_possible(&mut opened);
        opened.writers[0].hurry();
        wait_durable(&opened.journal, sequence);
    }
}

#[test]
fn who_hurried_before_a_failed_sync_need_not_hurry_again() {
    let disk = FakeStorage::new();
    let mut opened = open_resting(&disk, 1, Duration::from_hours(1));
    append_when_possible(&mut opened);
    // The next sync is to be the frame's, and not one of a segment that is prepared.
    wait_prepared(&opened.journal, 2);
    disk.fail_syncs(1);
    flush_when_possible(&mut opened);
    opened.writers[0].hurry();
    wait_durable(&opened.journal, 1);
    assert_eq!(opened.journal.stats().sync_errors, 1);
}
