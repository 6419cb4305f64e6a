//! Damage of every kind to what is on disk: all of it is detected, the loss is the damaged frames and no others, and the
//! missing numbers are named exactly.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use journal::frame::SLOT;
use journal::storage::{FakeStorage, Storage, read_file, write_all};
use journal::{Journal, Notice, Options, ReadError, Reader, StreamId, frame, segment};
use std::collections::BTreeSet;
use std::sync::Arc;

const NOW: i64 = 1_763_000_000_000;
const SEGMENT: usize = 64 << 10;
const FRAMES: u64 = 20;
/// Without optimization the checksums are slow. `cargo xtask corrupt` asks for many more.
const ROUNDS: u32 = if cfg!(debug_assertions) { 20_000 } else { 100_000 };

fn options() -> Options {
    let mut options = Options::new("damage", 1, 1);
    options.segment_bytes = SEGMENT as u64;
    options.spare_segments = 1;
    options
}

fn open(disk: &FakeStorage, random: u64) -> journal::Opened {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    Journal::open_on(&storage, &options(), NOW, random).unwrap()
}

fn payload(sequence: u64) -> Vec<u8> {
    let len = usize::try_from(sequence * 37 % 300).unwrap();
    (sequence + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes().into_iter().cycle().take(len).collect()
}

fn random(state: &mut u64, limit: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state % limit as u64).unwrap()
}

/// What a start that was killed after `FRAMES` frames left: all files, the stream, and where each frame lies.
struct Written {
    files: Vec<(String, Vec<u8>)>,
    stream: StreamId,
    places: Vec<(usize, usize)>,
}

impl Written {
    fn new() -> Self {
        let disk = FakeStorage::new();
        let mut opened = open(&disk, 1);
        let writer = &mut opened.writers[0];
        let mut places = Vec::new();
        let mut at = usize::try_from(segment::HEADER_BYTES).unwrap();
        for sequence in 0..FRAMES {
            let payload = payload(sequence);
            writer.append(NOW, &payload).unwrap();
            writer.flush().unwrap();
            places.push((at, at + frame::size(payload.len())));
            at += frame::size(payload.len());
        }
        let stream = writer.stream();
        let disk = disk.survive();
        let names = disk.list().unwrap().into_iter().map(|e| e.name);
        let files = names.map(|name| (name.clone(), read_file(&disk, &name, SEGMENT).unwrap().unwrap()));
        Self { files: files.collect(), stream, places }
    }

    fn segment(&self) -> String {
        segment::name(self.stream, 0)
    }

    /// A disk with these files, one of them changed.
    fn disk(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> FakeStorage {
        let disk = FakeStorage::new();
        for (name, bytes) in &self.files {
            write_all(&*disk.create(name).unwrap(), bytes, 0).unwrap();
        }
        disk.damage(name, change).unwrap();
        disk
    }
}

/// The numbers that are read, each checked; what is missing between them must be named.
fn read(reader: &mut Reader, below: u64) -> BTreeSet<u64> {
    let mut present = BTreeSet::new();
    for _ in 0..=2 * FRAMES {
        let expected = reader.position();
        match reader.next(below) {
            Ok(Some(frame)) => {
                assert_eq!((frame.sequence, frame.at_ms), (expected, NOW));
                assert_eq!(frame.payload, payload(expected), "a wrong frame was read");
                present.insert(expected);
            }
            Ok(None) => return present,
            Err(ReadError::Damaged { from, to }) => {
                assert!(from == expected && to > from && to <= below && reader.position() == to);
            }
            Err(e) => panic!("{e}"),
        }
    }
    panic!("the reader does not come to an end");
}

#[test]
fn a_tail_torn_at_any_byte_ends_before_the_torn_frame() {
    let written = Written::new();
    let (from, to) = (written.places[17].0, written.places[19].1);
    for cut in from..to {
        for truncated in [false, true] {
            let disk = written.disk(&written.segment(), |bytes| {
                if truncated {
                    bytes.truncate(cut);
                } else {
                    bytes[cut..].fill(0);
                }
            });
            // Of the last bytes of a frame some are zero anyway.
            let whole = |end: usize| {
                let original = &written.files.iter().find(|(n, _)| *n == written.segment()).unwrap().1;
                end <= cut || (!truncated && original[cut..end].iter().all(|b| *b == 0))
            };
            let expected = written.places.iter().take_while(|(_, end)| whole(*end)).count() as u64;
            let opened = open(&disk, 2);
            let info = opened.recovered[0];
            assert_eq!((info.stream, info.first, info.next), (written.stream, 0, expected), "cut at {cut}");
            let mut reader = opened.journal.reader(info.stream, 0).unwrap();
            assert_eq!(read(&mut reader, info.next).len() as u64, expected);
        }
    }
}

#[test]
fn of_random_damage_all_is_detected_and_only_the_damaged_is_lost() {
    let written = Written::new();
    let name = written.segment();
    let disk = written.disk(&name, |_| {});
    let opened = open(&disk, 2);
    let original = read_file(&disk, &name, SEGMENT).unwrap().unwrap();
    let used = written.places[19].1;
    // An earlier life of the same file: sound frames of another segment of this stream.
    let mut stale = Vec::new();
    let other = frame::Seed::new(99, written.stream, 7);
    while stale.len() < SEGMENT {
        let at = stale.len() as u64;
        let old = frame::Frame { sequence: at / 64, at_ms: NOW, durable_before: 0, payload: b"an old life" };
        frame::encode(&mut stale, written.stream, &old, other, at);
    }
    // The same frames as if another segment of this stream had held them.
    let mut swapped = original.clone();
    let salt = segment::Header::decode(&original).unwrap().salt;
    for (at, end) in &written.places {
        frame::seal(&mut swapped[*at..*end], frame::Seed::new(salt, written.stream, 1), *at as u64);
    }
    let rounds = std::env::var("YINKE_JOURNAL_DAMAGES").map_or(ROUNDS, |text| text.parse().unwrap());
    let mut state = 0x1234_5678_9abc_def1;
    let mut lost = 0;
    for round in 0..rounds {
        let at = random(&mut state, used);
        let len = 1 + random(&mut state, 1024);
        let kind = random(&mut state, 8);
        let filler = u8::try_from(random(&mut state, 256)).unwrap();
        let elsewhere = random(&mut state, used / 512) * 512;
        disk.damage(&name, |bytes| {
            bytes.clone_from(&original);
            let end = (at + len).min(SEGMENT);
            match kind {
                0 => bytes[at] ^= 1 << (filler % 8),
                1 => bytes[at..end].fill(filler),
                2 => bytes[at / 512 * 512..][..512].fill(0),
                3 => bytes[at / 512 * 512..][..512].copy_from_slice(&original[elsewhere..][..512]),
                4 => bytes[at / SLOT * SLOT..][..SLOT].copy_from_slice(&stale[at / SLOT * SLOT..][..SLOT]),
                5 => bytes[at / 512 * 512..][..512].copy_from_slice(&stale[at / 512 * 512..][..512]),
                6 => bytes.truncate(at),
                _ => bytes[at / 4096 * 4096..].copy_from_slice(&swapped[at / 4096 * 4096..]),
            }
        })
        .unwrap();
        let now = read_file(&disk, &name, SEGMENT).unwrap().unwrap();
        let sound =
            |(_, (from, to)): &(u64, &(usize, usize))| now.get(*from..*to) == Some(&original[*from..*to]);
        let expected: BTreeSet<u64> =
            (0..).zip(&written.places).filter(sound).map(|(sequence, _)| sequence).collect();
        let mut reader = opened.journal.reader(written.stream, 0).unwrap();
        assert_eq!(read(&mut reader, FRAMES), expected, "round {round}: kind {kind} at {at}");
        lost += FRAMES - expected.len() as u64;
    }
    println!("{rounds} corruptions: all detected, {lost} frames lost, all of them damaged");
    assert!(lost > u64::from(rounds) / 2, "only {lost} frames were hit: the test shows little");
}

#[test]
fn a_start_is_recovered_though_its_record_or_a_header_is_damaged() {
    let written = Written::new();
    let record = format!("epoch-{:016x}", written.stream.epoch);
    for (file, notices) in [(written.segment(), 0), (record, 1)] {
        let disk = written.disk(&file, |bytes| bytes[20] ^= 1);
        let opened = open(&disk, 2);
        assert_eq!(opened.notices.len(), notices, "{:?}", opened.notices);
        assert_eq!(opened.recovered[0].next, FRAMES);
        let mut reader = opened.journal.reader(written.stream, 0).unwrap();
        assert_eq!(read(&mut reader, FRAMES).len() as u64, FRAMES);
    }
}

#[test]
fn a_disk_that_does_not_read_for_a_while_loses_nothing() {
    let written = Written::new();
    let disk = written.disk(&written.segment(), |_| {});
    let opened = open(&disk, 2);
    let info = opened.recovered[0];
    let mut reader = opened.journal.reader(info.stream, 0).unwrap();
    disk.fail_reads(&written.segment(), u32::MAX);
    for _ in 0..3 {
        assert!(matches!(reader.next(info.next), Err(ReadError::Unreadable(_))));
        assert_eq!(reader.position(), 0);
    }
    disk.fail_reads(&written.segment(), 0);
    assert_eq!(read(&mut reader, info.next).len() as u64, FRAMES);

    // Only when told does a reader give up, and it names what it gives up.
    let mut reader = opened.journal.reader(info.stream, 0).unwrap();
    reader.give_up_unreadable(true);
    disk.fail_reads(&written.segment(), u32::MAX);
    assert!(matches!(reader.next(info.next), Err(ReadError::Damaged { from: 0, to: FRAMES })));
}

#[test]
fn a_segment_that_a_start_cannot_read_is_kept() {
    let written = Written::new();
    // A moment's trouble changes nothing.
    for (failing, kept) in [(2, false), (u32::MAX, true)] {
        let disk = written.disk(&written.segment(), |_| {});
        disk.fail_reads(&written.segment(), failing);
        let opened = open(&disk, 2);
        disk.fail_reads(&written.segment(), 0);
        let aside = format!("unreadable-{}", written.segment());
        let names: Vec<String> = disk.list().unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names.contains(&aside), kept, "{names:?}");
        assert_eq!(opened.notices.contains(&Notice::SetAside { name: aside.clone() }), kept);
        if kept {
            let bytes = read_file(&disk, &aside, SEGMENT).unwrap().unwrap();
            assert!(written.files.iter().any(|(_, file)| *file == bytes), "no byte of it has changed");
        } else {
            assert_eq!(opened.recovered[0].next, FRAMES);
        }
    }
}

#[test]
fn behind_a_damaged_end_a_reader_finds_what_is_written_later() {
    let disk = FakeStorage::new();
    let mut opened = open(&disk, 1);
    let writer = &mut opened.writers[0];
    let stream = writer.stream();
    let write = |writer: &mut journal::Writer, sequence| {
        writer.append(NOW, &payload(sequence)).unwrap();
        writer.flush().unwrap();
    };
    (0..5).for_each(|sequence| write(writer, sequence));
    let used: usize = (0..4).map(|sequence| frame::size(payload(sequence).len())).sum();
    let from = usize::try_from(segment::HEADER_BYTES).unwrap() + used;
    disk.damage(&segment::name(stream, 0), |bytes| bytes[from..].fill(0)).unwrap();
    let mut reader = opened.journal.reader(stream, 0).unwrap();
    assert_eq!(read(&mut reader, 5).len(), 4);
    assert_eq!(reader.position(), 5);
    write(writer, 5);
    assert_eq!(read(&mut reader, 6), BTreeSet::from([5]));
}
