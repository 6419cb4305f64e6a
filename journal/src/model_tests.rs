//! Random actions and faults on the whole journal over the fake disk, against a naive model: nothing below the
//! watermark is ever lost, nothing is invented, and what is missing is named exactly. A failure prints its seed.

use crate::epoch::EpochRecord;
use crate::frame::mix;
use crate::storage::{FakeStorage, Storage};
use crate::{
    AppendError, FlushError, Journal, Notice, Opened, Options, ReadError, Reader, StreamId, StreamInfo,
};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const WORKERS: u8 = 2;
const NAMES: [&str; 2] = ["ship", "redis"];

/// What the model knows of a stream.
#[derive(Default)]
struct Stream {
    /// Appended, flushed, durable: rising bounds of numbers.
    appended: u64,
    flushed: u64,
    durable: u64,
    /// What was there when the stream was first recovered: from then on it stays.
    present: Option<BTreeSet<u64>>,
    released: u64,
}

struct Model {
    seed: u64,
    steps: u64,
    disk: FakeStorage,
    opened: Option<Opened>,
    streams: BTreeMap<StreamId, Stream>,
    readers: BTreeMap<StreamId, Reader>,
    lost_frames: u64,
}

/// The payload that belongs to a number: anything else is invented.
fn payload(stream: StreamId, sequence: u64) -> Vec<u8> {
    let word = mix(stream.epoch ^ mix(sequence * 256 + u64::from(stream.worker)));
    let len = if word.is_multiple_of(50) { word >> 8 & 0xfff } else { word >> 8 & 0xff };
    (0..len).map(|i| mix(word ^ (i / 8)).to_le_bytes()[usize::try_from(i % 8).unwrap()]).collect()
}

impl Model {
    fn random(&mut self, limit: u64) -> u64 {
        self.steps += 1;
        mix(self.seed.wrapping_mul(0x1_0000_0001) ^ mix(self.steps)) % limit
    }

    fn open(&mut self) {
        let mut options = Options::new("model", 9, WORKERS);
        options.segment_bytes = 64 << 10;
        options.cursors = NAMES.map(str::to_owned).to_vec();
        options.unsynced_bytes = 512 << 10;
        let storage: Arc<dyn Storage> = Arc::new(self.disk.clone());
        let random = self.random(u64::MAX);
        // The faults of one life may hit several attempts; then they have passed.
        let mut opened = Err(());
        for _ in 0..4 {
            opened = Journal::open_still(&storage, &options, 1_763_000_000_000, random).map_err(|_| ());
            if opened.is_ok() {
                break;
            }
            self.disk.set_capacity(u64::MAX);
        }
        let opened = opened.unwrap();
        // Nobody has cut or removed a file. After a power cut frames that were not durable may be gone.
        for notice in opened.notices.iter().filter(|notice| notice.may_miss_frames()) {
            let known = |stream| self.streams[stream].durable;
            let honest = matches!(notice, Notice::FramesGone { stream, from, .. } if *from >= known(stream));
            assert!(honest, "{notice:?}");
        }
        for info in &opened.recovered {
            self.check_recovered(&opened.journal, *info);
        }
        for writer in &opened.writers {
            let fresh = self.streams.insert(writer.stream(), Stream::default()).is_none();
            assert!(fresh, "an epoch was used twice");
        }
        self.opened = Some(opened);
    }

    fn check_recovered(&mut self, journal: &Journal, info: StreamInfo) {
        let known = self.streams.get_mut(&info.stream).expect("a stream nobody wrote");
        assert!(info.next <= known.appended, "{info:?}: more than the {} appended", known.appended);
        assert!(info.next >= known.durable, "{info:?}: less than the {} durable", known.durable);
        assert!(info.durable <= known.durable.max(info.next), "{info:?}: more durable than was");
        let mut reader = journal.reader(info.stream, known.released).unwrap();
        let (present, lost) = read(&mut reader, info.stream, info.next);
        for (from, to) in lost {
            assert!(from >= known.durable, "{info:?}: durable frames {from}..{to} are lost");
            self.lost_frames += to - from;
        }
        if let Some(before) = &known.present {
            let since: BTreeSet<u64> = before.iter().copied().filter(|s| *s >= known.released).collect();
            assert!(since.is_subset(&present), "{info:?}: what was recovered has changed");
        }
        known.durable = info.next;
        known.flushed = info.next;
        // Lost frames are never asked for again.
        known.durable = known.durable.min(present.iter().next_back().map_or(known.durable, |s| s + 1));
        let first_hole = (known.released..info.next).find(|s| !present.contains(s));
        known.durable = first_hole.unwrap_or(info.next);
        known.present = Some(present);
    }

    fn step(&mut self) {
        let action = self.random(100);
        let Some(mut opened) = self.opened.take() else { return self.open() };
        let worker = usize::try_from(self.random(u64::from(WORKERS))).unwrap();
        match action {
            0..40 => self.append(&mut opened, worker),
            40..55 => self.flush(&mut opened, worker),
            55..60 => self.flush_while_syncing(&mut opened, worker),
            60..70 => {
                opened.journal.inner().syncer.pass(|| {});
                self.note_durable(&opened);
            }
            70..80 => {
                opened.journal.inner().spares.pass();
            }
            80..86 => self.read_live(&opened, worker),
            86..91 => self.release(&opened),
            91 => self.disk.fail_syncs(1),
            92 => {
                let short = self.random(2) == 0;
                self.disk.set_short_writes(short);
                let count = u32::try_from(self.random(4)).unwrap();
                self.disk.fail_writes(count);
            }
            93 => {
                let free = self.random(4) * 100_000;
                let used = u64::MAX - self.disk.free_bytes().unwrap();
                self.disk.set_capacity(used.saturating_add(free));
            }
            94..96 => self.disk.set_capacity(u64::MAX),
            96 => return self.end(opened, "close"),
            97 => return self.end(opened, "kill"),
            _ => return self.end(opened, "cut"),
        }
        self.opened = Some(opened);
    }

    fn append(&mut self, opened: &mut Opened, worker: usize) {
        let writer = &mut opened.writers[worker];
        let stream = writer.stream();
        for _ in 0..=self.random(20) {
            let sequence = writer.next_sequence();
            match writer.append(i64::try_from(sequence).unwrap(), &payload(stream, sequence)) {
                Ok(given) => assert_eq!(given, sequence),
                Err(AppendError::NoSpace | AppendError::Backlog) => break,
                Err(e) => panic!("{e}"),
            }
        }
        self.streams.get_mut(&stream).unwrap().appended = writer.next_sequence();
    }

    fn flush(&mut self, opened: &mut Opened, worker: usize) {
        let writer = &mut opened.writers[worker];
        let known = self.streams.get_mut(&writer.stream()).unwrap();
        match writer.flush() {
            Ok(next) => known.flushed = next,
            Err(FlushError::NoSpace | FlushError::Write(_)) => {}
            Err(e) => panic!("{e}"),
        }
    }

    /// Frames that are written after the disk has synced and before the watermark rises are not durable.
    fn flush_while_syncing(&mut self, opened: &mut Opened, worker: usize) {
        let inner = Arc::clone(opened.journal.inner());
        let Some(work) = inner.lanes[worker].begin_sync() else { return };
        let failed = work.segments.iter().any(|segment| segment.file.sync().is_err());
        self.append(opened, worker);
        self.flush(opened, worker);
        if failed {
            drop(self.disk.create(&EpochRecord::distrust_name(opened.journal.epoch())));
            inner.lanes[worker].fail_sync();
        } else {
            inner.lanes[worker].finish_sync(&work);
        }
        self.note_durable(opened);
    }

    fn note_durable(&mut self, opened: &Opened) {
        for worker in 0..WORKERS {
            let stream = opened.writers[usize::from(worker)].stream();
            let known = self.streams.get_mut(&stream).unwrap();
            let durable = opened.journal.durable(worker);
            assert!(durable >= known.durable && durable <= known.flushed, "{durable} {}", known.flushed);
            known.durable = durable;
        }
    }

    fn read_live(&mut self, opened: &Opened, worker: usize) {
        let stream = opened.writers[worker].stream();
        let below = opened.journal.durable(u8::try_from(worker).unwrap());
        let released = self.streams[&stream].released;
        let reader = self.readers.entry(stream);
        let reader = reader.or_insert_with(|| opened.journal.reader(stream, released).unwrap());
        let from = reader.position();
        let (present, lost) = read(reader, stream, below);
        if from >= released {
            assert_eq!(lost, []);
            assert_eq!(present.len() as u64, below.max(from) - from);
        }
    }

    fn release(&mut self, opened: &Opened) {
        let all = opened.journal.streams();
        let info = all[usize::try_from(self.random(all.len() as u64)).unwrap()];
        let StreamInfo { stream, first, durable, next, live, .. } = info;
        let end = if live { durable } else { next };
        let to = first + self.random(end.saturating_sub(first) + 1);
        let to = if self.random(2) == 0 { end } else { to };
        for name in NAMES {
            let cursors = opened.journal.cursors(name).unwrap();
            if self.random(3) > 0 && cursors.set(&[(stream, to)]).is_ok() {
                assert_eq!(cursors.get(stream), to);
            }
        }
        let least =
            NAMES.map(|name| opened.journal.cursors(name).unwrap().get(stream)).into_iter().min().unwrap();
        let Ok(released) = opened.journal.release(stream, end) else { return };
        if released.epoch_over {
            self.streams.retain(|known, _| known.epoch != stream.epoch);
        } else if released.segments > 0 {
            // Only whole segments go: the model may only assume less, and never more than what all had read.
            let mut reader = opened.journal.reader(stream, 0).unwrap();
            let first = match reader.next(end) {
                Err(ReadError::Released { first }) => first,
                // What went was repeated by a later segment, after a failed sync.
                Ok(Some(frame)) => frame.sequence,
                Ok(None) => end,
                other => panic!("{other:?}"),
            };
            assert!(first <= least.max(end));
            self.streams.get_mut(&stream).unwrap().released = first;
        }
    }

    fn end(&mut self, opened: Opened, how: &str) {
        self.readers.clear();
        let crash_seed = self.random(u64::MAX);
        match how {
            "close" => {
                if opened.journal.close().is_ok() {
                    for writer in &opened.writers {
                        let known = self.streams.get_mut(&writer.stream()).unwrap();
                        known.durable = known.flushed;
                    }
                }
            }
            "kill" => {
                // The kernel keeps what was flushed; nobody closes anything.
                for writer in &opened.writers {
                    let known = self.streams.get_mut(&writer.stream()).unwrap();
                    known.durable = known.flushed;
                }
                self.disk.set_capacity(u64::MAX);
                self.disk = self.disk.survive();
            }
            _ => self.disk = self.disk.crash(crash_seed),
        }
        self.disk.fail_syncs(u32::from(crash_seed.is_multiple_of(8)));
        self.disk.fail_writes(0);
        drop(opened);
    }
}

/// Reads up to `below`: the numbers that are there, each checked, and the ranges named as lost.
fn read(reader: &mut Reader, stream: StreamId, below: u64) -> (BTreeSet<u64>, Vec<(u64, u64)>) {
    let (mut present, mut lost) = (BTreeSet::new(), Vec::new());
    loop {
        let expected = reader.position();
        match reader.next(below) {
            Ok(Some(frame)) => {
                assert_eq!(frame.sequence, expected, "a gap that was not named");
                assert_eq!(frame.payload, payload(stream, frame.sequence), "{stream}, {expected}: invented");
                assert_eq!(frame.at_ms, i64::try_from(frame.sequence).unwrap());
                present.insert(expected);
            }
            Ok(None) => return (present, lost),
            Err(ReadError::Damaged { from, to }) => {
                assert!(from == expected && to > from && to <= below, "{from}..{to} at {expected}");
                lost.push((from, to));
            }
            Err(ReadError::Released { first }) => assert!(first > expected),
            Err(e) => panic!("{e}"),
        }
    }
}

fn run(seed: u64, steps: u64) -> (u64, u64) {
    let mut model = Model {
        seed,
        steps: 0,
        disk: FakeStorage::new(),
        opened: None,
        streams: BTreeMap::new(),
        readers: BTreeMap::new(),
        lost_frames: 0,
    };
    for _ in 0..steps {
        model.step();
    }
    let written = model.streams.values().map(|s| s.flushed).sum();
    (written, model.lost_frames)
}

#[test]
fn nothing_durable_is_lost_and_nothing_is_invented() {
    let seeds = std::env::var("YINKE_JOURNAL_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let (mut written, mut lost) = (0, 0);
    for seed in 0..seeds {
        let result = std::panic::catch_unwind(|| run(seed, 300));
        let (w, l) = result.unwrap_or_else(|_| panic!("seed {seed} failed"));
        written += w;
        lost += l;
    }
    // The cuts must have had something to take, or the test shows nothing.
    assert!(written > seeds * 100 && lost > seeds, "{written} written, {lost} lost before they were durable");
}

#[test]
fn the_published_age_is_that_of_the_oldest_frame_a_cut_would_take() {
    thread_local!(static TICKS: Cell<i64> = const { Cell::new(900_000) });
    let storage: Arc<dyn Storage> = Arc::new(FakeStorage::new());
    let options = Options { ticks: || TICKS.get(), ..Options::new("age", 1, 2) };
    let mut opened = Journal::open_still(&storage, &options, 0, 1).unwrap();
    let journal = &opened.journal;
    // The ticks are microseconds: what is 9.001 ms old is published as 10.
    let age_at = |ms: i64| {
        TICKS.set(ms * 1000);
        journal.unsynced_age_ms()
    };
    // The machine's clock runs ahead, behind and back meanwhile: nothing becomes older or younger by it.
    let mut write = |worker: usize, ms: i64, at_ms| {
        TICKS.set(ms * 1000 + 999);
        opened.writers[worker].append(at_ms, b"x").unwrap();
        opened.writers[worker].flush().unwrap();
    };
    assert_eq!(age_at(900), 0);
    write(1, 1000, 7_200_000);
    write(0, 1005, 3_600_000);
    write(0, 1007, 0);
    assert_eq!(age_at(1010), 10);
    let lane = &journal.inner().lanes[1];
    let work = lane.begin_sync().unwrap();
    write(1, 1020, 9_000_000);
    assert_eq!(age_at(1030), 30, "a sync that runs has made nothing durable");
    lane.finish_sync(&work);
    assert_eq!(age_at(1030), 25);
    let other = &journal.inner().lanes[0];
    other.finish_sync(&other.begin_sync().unwrap());
    assert_eq!(age_at(1030), 10);
    lane.begin_sync().unwrap();
    lane.fail_sync();
    assert_eq!(age_at(1040), 20, "what a failed sync covered is as old as it was");
    for _ in 0..3 {
        journal.step_spares();
        journal.inner().syncer.pass(|| {});
    }
    assert_eq!(age_at(2000), 0);
}
