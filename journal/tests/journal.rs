//! A whole journal on real files: what is appended and flushed is read again, live, after a close and after a drop
//! without one; cursors, release, the lock.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use journal::{AppendError, Journal, OpenError, Opened, Options, ReadError, Reader};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

const NOW: i64 = 1_763_000_000_000;

fn options(dir: &Path) -> Options {
    let mut options = Options::new(dir, 3, 2);
    options.segment_bytes = 64 << 10;
    options.cursors = vec!["ship".to_owned(), "redis".to_owned()];
    options.sync_interval = Duration::from_millis(1);
    options
}

fn open(dir: &Path, random: u64) -> Opened {
    Journal::open(&options(dir), NOW, random).unwrap()
}

fn payload(sequence: u64) -> Vec<u8> {
    let len = 96 + usize::try_from(sequence % 5).unwrap() * 20;
    sequence.to_le_bytes().into_iter().cycle().take(len).collect()
}

/// Appends and flushes `count` frames, waiting for prepared segments when the disk is behind.
fn write(opened: &mut Opened, worker: usize, count: u64) {
    let writer = &mut opened.writers[worker];
    for _ in 0..count {
        let sequence = writer.next_sequence();
        loop {
            match writer.append(NOW, &payload(sequence)) {
                Ok(_) => break,
                Err(AppendError::NoSpace) => std::thread::yield_now(),
                Err(e) => panic!("{e}"),
            }
        }
        if sequence.is_multiple_of(3) {
            writer.flush().unwrap();
        }
    }
    writer.flush().unwrap();
}

fn wait_durable(journal: &Arc<Journal>, worker: u8, sequence: u64) {
    let (sender, receiver) = mpsc::channel();
    journal.on_durable(Box::new(move || sender.send(()).unwrap_or(())));
    while journal.durable(worker) < sequence {
        receiver.recv_timeout(Duration::from_millis(100)).unwrap_or(());
    }
}

fn read_all(reader: &mut Reader, below: u64) -> u64 {
    let mut count = 0;
    while reader.position() < below {
        let expected = reader.position();
        let frame = reader.next(below).unwrap().unwrap();
        assert_eq!((frame.sequence, frame.at_ms), (expected, NOW));
        assert_eq!(frame.payload, payload(expected));
        count += 1;
    }
    assert!(reader.next(below).unwrap().is_none());
    count
}

#[test]
fn a_live_stream_is_read_behind_the_watermark() {
    let dir = tempfile::tempdir().unwrap();
    let mut opened = open(dir.path(), 1);
    write(&mut opened, 0, 2000);
    let stream = opened.writers[0].stream();
    let journal = Arc::new(opened.journal);
    wait_durable(&journal, 0, 2000);
    assert_eq!(journal.unsynced_age_ms(), 0);
    let mut reader = journal.reader(stream, 0).unwrap();
    assert_eq!(read_all(&mut reader, 1500), 1500);
    assert_eq!(read_all(&mut reader, journal.durable(0)), 500);
    assert!(journal.stats().threads_alive);
    assert_eq!(journal.stats().frames, 2000);
}

#[test]
fn what_a_start_left_is_there_for_the_next() {
    for closes in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let mut opened = open(dir.path(), 1);
        write(&mut opened, 1, 3000);
        let stream = opened.writers[1].stream();
        if closes {
            opened.journal.close().unwrap();
        }
        drop(opened);
        let opened = open(dir.path(), 2);
        assert_eq!(opened.notices, []);
        assert_eq!(opened.recovered.len(), 2);
        let info = opened.recovered[1];
        assert_eq!((info.stream, info.first, info.next, info.live), (stream, 0, 3000, false));
        assert!(opened.journal.epoch() > stream.epoch);
        let mut reader = opened.journal.reader(stream, 100).unwrap();
        assert_eq!(read_all(&mut reader, info.next), 2900);
    }
}

#[test]
fn a_segment_goes_when_every_cursor_has_passed_it_and_an_old_start_when_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut opened = open(dir.path(), 1);
    write(&mut opened, 0, 3000);
    let stream = opened.writers[0].stream();
    drop(opened);

    let opened = open(dir.path(), 2);
    let journal = &opened.journal;
    let (ship, redis) = (journal.cursors("ship").unwrap(), journal.cursors("redis").unwrap());
    assert!(journal.cursors("other").is_none());
    ship.set(&[(stream, 3000)]).unwrap();
    assert_eq!(journal.release(stream, 3000).unwrap().segments, 0, "redis has read nothing");
    redis.set(&[(stream, 1500)]).unwrap();
    let released = journal.release(stream, 3000).unwrap();
    assert!(released.segments > 2 && !released.epoch_over);
    let mut reader = journal.reader(stream, 0).unwrap();
    let Err(ReadError::Released { first }) = reader.next(3000) else {
        panic!("released frames must be named")
    };
    assert!(first <= 1500);
    assert_eq!(read_all(&mut reader, 3000), 3000 - first);
    drop(opened);

    let opened = open(dir.path(), 3);
    let journal = &opened.journal;
    assert_eq!(journal.cursors("redis").unwrap().get(stream), 1500);
    journal.cursors("redis").unwrap().set(&[(stream, 3000)]).unwrap();
    assert!(journal.release(stream, 3000).unwrap().epoch_over);
    assert!(journal.reader(stream, 0).is_none());
    drop(opened);
    assert!(open(dir.path(), 4).recovered.iter().all(|info| info.stream.epoch != stream.epoch));
}

#[test]
fn a_start_of_a_newer_program_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut opened = open(dir.path(), 1);
    write(&mut opened, 0, 3000);
    let stream = opened.writers[0].stream();
    drop(opened);
    let record = dir.path().join(format!("epoch-{:016x}", stream.epoch));
    let ours = std::fs::read(&record).unwrap();
    let mut newer = ours[..ours.len() - 4].to_vec();
    newer[7] += 1;
    newer.extend(crc32fast::hash(&newer).to_le_bytes());
    std::fs::write(&record, &newer).unwrap();
    let error = Journal::open(&options(dir.path()), NOW, 2).unwrap_err();
    assert!(matches!(&error, OpenError::Recover(why) if why.to_string().contains("newer")), "{error:?}");
    std::fs::write(&record, &ours).unwrap();
    let opened = open(dir.path(), 3);
    assert_eq!(read_all(&mut opened.journal.reader(stream, 0).unwrap(), 3000), 3000);
}

#[test]
fn a_directory_serves_one_process() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path(), 1);
    let error = Journal::open(&options(dir.path()), NOW, 2).unwrap_err();
    assert!(matches!(&error, OpenError::InUse(path) if path == dir.path()), "{error}");
    first.journal.close().unwrap();
    assert!(Journal::open(&options(dir.path()), NOW, 2).is_ok());
}
