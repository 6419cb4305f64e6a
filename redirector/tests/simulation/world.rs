//! One run: some lives of an edge that write, ship and end in one way or another, on a disk and a network that fail; then
//! a calm life, in which everything must get to where it belongs.

use crate::chance::{self, Trouble, below, now, one_in, true_now};
use crate::core::{Figures, Network};
use crate::damage;
use crate::oracle::{Known, payload};
use attribution_core::click::EdgeId;
use attribution_core::history::FeedPosition;
use attribution_core::record::Tally;
use attribution_core::time::Instant;
use journal::storage::{FakeStorage, Storage};
use journal::{AppendError, FlushError, Journal, Notice, OpenError, Opened, Options, Writer};
use redirector::background::{Background, BackgroundOptions, Contact, Parts, Seams, cursor_names, spawn_on};
use redirector::frame_clock::{FrameClock, LastStepBack};
use std::io::ErrorKind;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::{Builder, Handle};

const EDGE: EdgeId = EdgeId(7);
const WORKERS: u8 = 2;
const SEGMENT: u64 = 64 << 10;
/// What a record takes of a disk.
const BLOCK: u64 = 4096;
/// In simulated time: longer than all pauses and patience of the background together.
const CALM_WITHIN: Duration = Duration::from_secs(300);

/// The smallest disk has room for all that may wait for it, and a little more.
const SMALLEST: u64 = 14 * SEGMENT;

/// A run.
struct World {
    disk: FakeStorage,
    network: Network,
    /// This run damages files.
    damages: bool,
    /// A core of this run goes back to a backup.
    restores: bool,
    /// The disk's size, where nobody makes it larger.
    size: Option<u64>,
}

fn is_full(error: &OpenError) -> bool {
    let (OpenError::Recover(cause) | OpenError::Begin(cause)) = error else { return false };
    cause.kind() == ErrorKind::StorageFull
}

/// One life's parts.
struct Edge {
    journal: Arc<Journal>,
    writers: Vec<Writer>,
    background: Background,
    unwritten: Arc<Mutex<[Option<Instant>; WORKERS as usize]>>,
    begun: Instant,
    clocks: [FrameClock; WORKERS as usize],
    steps_back: Arc<[LastStepBack; WORKERS as usize]>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    InOrder,
    Kill,
    PowerCut,
}

/// Runs a seed; panics if anything does not hold.
pub(crate) fn run(seed: u64, trouble: Trouble) -> Figures {
    chance::begin(seed, trouble);
    let mut world = World {
        disk: FakeStorage::new(),
        network: Network::default(),
        damages: one_in(4),
        restores: one_in(8),
        size: chance::size().map(|word| SMALLEST + word % SMALLEST),
    };
    world.give_room();
    for _ in 0..2 + below(4) {
        world.life(false);
    }
    world.life(true);
    world.last_look();
    world.network.core().figures
}

fn options() -> BackgroundOptions {
    BackgroundOptions { jitter: chance::jitter, ..BackgroundOptions::default() }
}

impl World {
    fn open(&mut self) -> Opened {
        let mut journal = Options::new("simulation", EDGE.0, WORKERS);
        journal.segment_bytes = SEGMENT;
        journal.spare_segments = 1;
        journal.unsynced_bytes = if self.size.is_some() { 64 << 10 } else { 256 << 10 };
        journal.cursors = cursor_names(&options());
        journal.ticks = chance::ticks;
        let storage: Arc<dyn Storage> = Arc::new(self.disk.clone());
        let random = chance::word();
        let full = self.size.is_some() && self.disk.free_bytes().unwrap() < SEGMENT;
        self.network.core().figures.full_starts += u64::from(full);
        // The faults of one life may hit some attempts; then they have passed.
        for _ in 0..6 {
            match Journal::open_still(&storage, &journal, now().millis(), random) {
                Ok(opened) => return opened,
                Err(error) if self.size.is_some() && is_full(&error) => self.make_room(&error),
                Err(_) => self.give_room(),
            }
        }
        panic!("the journal does not open");
    }

    /// A person makes room on a small disk. Only what a failed write or sync has made doubtful may need that: it is copied
    /// before anything is released. Records always find room.
    fn make_room(&mut self, error: &OpenError) {
        let room = self.disk.free_bytes().unwrap() >= 2 * BLOCK;
        assert!(room || self.reserve() > 0, "nothing is left for records: {error:?}");
        self.network.core().figures.helped += 1;
        self.size = self.size.map(|size| size + SMALLEST);
        self.give_room();
    }

    /// Files that keep room for the records of a start.
    fn reserve(&self) -> usize {
        self.disk.list().unwrap().iter().filter(|file| file.name.starts_with("reserve-")).count()
    }

    /// There is room on the disk again, unless the disk is small.
    fn give_room(&self) {
        self.disk.set_capacity(self.size.unwrap_or(u64::MAX));
    }

    /// On a small disk somebody else takes what is left, once in a while, and the core is away for long.
    fn press(&mut self) {
        let (Some(size), Some(word)) = (&mut self.size, chance::size()) else { return };
        if word.is_multiple_of(100) {
            // A file system gives away what was removed only when that is durable.
            self.disk.sync_dir().unwrap();
            *size -= self.disk.free_bytes().unwrap();
            self.disk.set_capacity(*size);
        }
        if (word >> 32).is_multiple_of(20) {
            self.network.core().go_down(120_000);
        }
    }

    fn start(&mut self) -> Edge {
        let Opened { journal, writers, recovered, notices } = self.open();
        let mut core = self.network.core();
        core.figures.lives += 1;
        for info in &recovered {
            let core_has = core.cursor(info.stream);
            let known = core
                .known
                .get_mut(&info.stream)
                .unwrap_or_else(|| panic!("{}: nobody wrote it", info.stream));
            let gone = known.recovered(info, core_has);
            core.figures.cut_away += gone;
        }
        for notice in notices.iter().filter(|notice| notice.may_miss_frames() && !self.damages) {
            // Nobody has cut or removed a file.
            let honest = matches!(notice, Notice::FramesGone { stream, from, to } if {
                core.known[stream].may_be_lost(*stream, *from..*to);
                true
            });
            assert!(honest, "{notice:?}");
        }
        for writer in &writers {
            let fresh = core.known.insert(writer.stream(), Known::default()).is_none();
            assert!(fresh, "an epoch was used twice");
        }
        drop(core);
        let journal = Arc::new(journal);
        let unwritten: Arc<Mutex<[Option<Instant>; WORKERS as usize]>> = Arc::default();
        let asked = Arc::clone(&unwritten);
        let steps_back: Arc<[LastStepBack; WORKERS as usize]> = Arc::default();
        let stepped = Arc::clone(&steps_back);
        let begun = now();
        let parts = Parts {
            edge: EDGE,
            begun,
            link: Arc::new(self.network.clone()),
            journal: Arc::clone(&journal),
            contact: Arc::new(Contact::new(FeedPosition::START, None)),
            incomplete: notices.iter().filter_map(Notice::incomplete).collect(),
            seams: Seams {
                now,
                apply: Box::new(|_, _| ()),
                begin_anew: Box::new(|| ()),
                take_over: Box::new(|| ()),
                save: Box::new(|_| Ok(())),
                tally: Box::new(|_| Tally::default()),
                unwritten: Box::new(move || asked.lock().unwrap().iter().flatten().min().copied()),
                stepped_back: Box::new(move |worker| stepped[usize::from(worker.0)].get()),
                terms: Box::new(|_| None),
            },
            options: options(),
        };
        let background = spawn_on(parts, &Handle::current()).unwrap();
        let clocks = std::array::from_fn(|_| FrameClock::new(begun));
        Edge { journal, writers, background, unwritten, begun, clocks, steps_back }
    }

    /// One life, in a runtime whose time jumps over what nobody waits for.
    fn life(&mut self, calm: bool) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            chance::power_on();
            chance::clock();
            let mut edge = self.start();
            if calm {
                self.calm(&mut edge).await;
                return self.end(edge, End::InOrder).await;
            }
            let mut stalled_until = true_now();
            for _ in 0..10 + below(60) {
                chance::clock();
                self.press();
                self.act(&mut edge, &mut stalled_until);
                let pause = if one_in(12) { 1_500_000 } else { 30_000 };
                tokio::time::sleep(Duration::from_micros(below(pause))).await;
            }
            let end = [End::InOrder, End::Kill, End::PowerCut, End::PowerCut];
            self.end(edge, end[usize::try_from(below(4)).unwrap()]).await;
        });
        // Whoever still runs ends with the machine.
        drop(runtime);
    }

    fn act(&mut self, edge: &mut Edge, stalled_until: &mut Instant) {
        let worker = usize::try_from(below(u64::from(WORKERS))).unwrap();
        match below(100) {
            0..40 => {
                let few = 1 + below(12);
                self.append(edge, worker, if self.size.is_some() { 6 * few } else { few });
                self.flush(edge, worker);
            }
            40..44 => self.append(edge, worker, 1 + below(4)),
            44..48 => self.flush(edge, worker),
            48..50 => self.append(edge, worker, 300),
            50..80 if true_now() >= *stalled_until => self.sync(edge),
            80..90 => drop(edge.journal.step_spares()),
            90 => self.disk.fail_syncs(1),
            91 => {
                self.disk.set_short_writes(one_in(2));
                self.disk.fail_writes(u32::try_from(below(4)).unwrap());
            }
            92 => {
                let more = below(4) * 100_000;
                if self.size.is_none() {
                    let used = u64::MAX - self.disk.free_bytes().unwrap();
                    self.disk.set_capacity(used.saturating_add(more));
                }
            }
            93 | 94 => self.give_room(),
            95 => *stalled_until = true_now().plus(10_000),
            96 => self.network.core().go_down(below(30_000)),
            97 if self.damages => damage::strike(&self.disk, &mut self.network.core().known),
            98 if self.restores => self.network.core().back_up(),
            99 if self.restores => self.network.core().restore(),
            _ => {}
        }
    }

    fn append(&self, edge: &mut Edge, worker: usize, count: u64) {
        let writer = &mut edge.writers[worker];
        let stream = writer.stream();
        let core = &mut *self.network.core();
        let known = core.known.get_mut(&stream).unwrap();
        for _ in 0..count {
            let sequence = writer.next_sequence();
            assert_eq!(sequence, known.times.len() as u64);
            let at = edge.clocks[worker].time(now()).at;
            match writer.append(at.millis(), &payload(stream, sequence)) {
                Ok(given) => assert_eq!(given, sequence, "numbers without gaps"),
                Err(AppendError::NoSpace | AppendError::Backlog) => {
                    core.figures.refused += 1;
                    return;
                }
                Err(error) => panic!("{error}"),
            }
            if at.millis() < known.times.last().copied().unwrap_or(edge.begun.millis()) {
                edge.steps_back[worker].note(sequence, at);
            }
            known.appended(at.millis(), true_now().millis());
            let oldest = &mut edge.unwritten.lock().unwrap()[worker];
            *oldest = Some(oldest.map_or(at, |oldest| oldest.min(at)));
        }
    }

    fn flush(&self, edge: &mut Edge, worker: usize) {
        let writer = &mut edge.writers[worker];
        match writer.flush() {
            Ok(next) => {
                self.network.core().known.get_mut(&writer.stream()).unwrap().flushed = next;
                edge.unwritten.lock().unwrap()[worker] = None;
            }
            Err(FlushError::NoSpace | FlushError::Write(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// A round of syncs; between the disk's and the watermark's rise more may be written.
    fn sync(&self, edge: &mut Edge) {
        let journal = Arc::clone(&edge.journal);
        journal.step_sync(|| {
            if one_in(4) {
                self.append(edge, 0, 3);
                self.flush(edge, 0);
            }
        });
        let mut core = self.network.core();
        for worker in 0..WORKERS {
            let known = core.known.get_mut(&edge.writers[usize::from(worker)].stream()).unwrap();
            let durable = journal.durable(worker);
            assert!((known.durable..=known.flushed).contains(&durable), "{durable} of {}", known.flushed);
            known.durable = durable;
        }
    }

    async fn end(&mut self, edge: Edge, how: End) {
        let window = edge.journal.unsynced_age_ms();
        let Edge { journal, writers, background, .. } = edge;
        match how {
            End::InOrder => {
                drop(writers);
                background.shutdown(Duration::from_secs(1 + below(10))).await;
                if journal.close().is_ok() {
                    let mut core = self.network.core();
                    for (stream, known) in &mut core.known {
                        if stream.epoch == journal.epoch() {
                            known.durable = known.flushed;
                        }
                    }
                }
                self.disk = self.disk.survive();
            }
            End::Kill => self.disk = self.disk.survive(),
            End::PowerCut => {
                self.network
                    .core()
                    .known
                    .values_mut()
                    .for_each(|known| known.cut(true_now().millis(), window));
                self.disk = self.disk.crash(chance::word());
            }
        }
        self.disk.fail_syncs(u32::from(one_in(10)));
        self.disk.fail_writes(0);
        self.disk.set_short_writes(false);
        chance::power_off();
    }

    /// Nothing fails any more: in the end the core has everything, and no earlier start is left.
    async fn calm(&self, edge: &mut Edge) {
        self.network.core().calm_down();
        self.give_room();
        self.disk.fail_syncs(0);
        let begun = tokio::time::Instant::now();
        self.append(edge, 0, 5);
        loop {
            for worker in 0..usize::from(WORKERS) {
                self.flush(edge, worker);
            }
            self.sync(edge);
            while edge.journal.step_spares() {}
            tokio::time::sleep(Duration::from_millis(20)).await;
            let waiting: Vec<String> = {
                let core = self.network.core();
                let waits = |info: &journal::StreamInfo| {
                    !info.live || core.cursor(info.stream) < core.known[&info.stream].times.len() as u64
                };
                let all = edge.journal.streams();
                all.iter()
                    .filter(|info| waits(info))
                    .map(|info| format!("{info:?}, core at {}", core.cursor(info.stream)))
                    .collect()
            };
            if waiting.is_empty() {
                while edge.journal.step_spares() {}
                let reserve = self.reserve();
                assert!(reserve == 16 || self.disk.free_bytes().unwrap() < 4 * BLOCK, "{reserve} left");
                return;
            }
            assert!(begun.elapsed() < CALM_WITHIN, "never done: {waiting:#?}");
        }
    }

    /// Every frame that was written and is not known to be gone is in the core. What only a backup lacks, and was released
    /// when the core still had it, nobody can deliver any more.
    fn last_look(&self) {
        let core = self.network.core();
        for (stream, known) in &core.known {
            let has = core.cursor(*stream).max(known.had_once);
            assert!(has >= known.flushed, "{stream}: {has} of {}", known.flushed);
        }
    }
}
