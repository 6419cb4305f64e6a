//! One worker: what this thread alone owns, and the turn of its event loop.

use crate::address::Tracer;
use crate::agents::AgentCache;
use crate::cells::Cells;
use crate::clock;
use crate::frame_clock::{FrameClock, FrameTime};
use crate::gate::{DiskQueue, Gate, Turn};
use crate::limits::MissLimit;
use crate::outbox::Outbox;
use crate::pictures::Pictures;
use crate::random::{NoRandomness, Random};
use crate::repeat::Repeats;
use crate::shared::Shared;
use crate::table::Small;
use crate::unfinished::Room;
use arc_swap::{ArcSwap, Cache};
use attribution_core::click::{EdgeId, Epoch, MAX_SEQUENCE, Stream, WorkerId};
use attribution_core::record::Tally;
use attribution_core::time::Instant;
use attribution_core::with_causes;
use journal::{AppendError, Writer};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// What a worker owns and a request borrows for its first, unawaited half.
pub(crate) struct State {
    pub(crate) writer: Writer,
    pub(crate) small: Cache<Arc<ArcSwap<Small>>, Arc<Small>>,
    pub(crate) agents: AgentCache,
    pub(crate) tracer: Tracer,
    pub(crate) misses: MissLimit,
    pub(crate) pictures: Pictures,
    pub(crate) repeats: Option<Repeats>,
    pub(crate) random: Random,
}

/// The turn under way: when it began, and how many requests it has.
#[derive(Clone, Copy)]
struct Started {
    now: Instant,
    frames_at: Instant,
    at: std::time::Instant,
    requests: u64,
    stale: bool,
}

/// What a request gets to know when it arrives.
#[derive(Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) turn: Turn,
    /// What the machine's clock says: for decisions and tokens.
    pub(crate) now: Instant,
    /// The time for its frame.
    pub(crate) frames_at: Instant,
    /// The edge has been cut off for longer than it may give claims.
    pub(crate) stale: bool,
}

/// One worker.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: WorkerId,
    pub(crate) stream: Stream,
    pub(crate) gate: Gate,
    pub(crate) disk: DiskQueue,
    pub(crate) state: RefCell<State>,
    /// The answers of the turn.
    pub(crate) outbox: RefCell<Outbox>,
    /// Where the connections read to, one after the other: a whole head at most.
    pub(crate) scratch: RefCell<Box<[u8]>>,
    /// For unfinished heads.
    pub(crate) unfinished: Room,
    /// Seconds since the worker began.
    pub(crate) second: Rc<Cell<u32>>,
    started: Cell<Option<Started>>,
    frame_clock: FrameClock,
    /// The time of the last frame, or of the stream's beginning.
    last_frame: Cell<Instant>,
    told: Cell<Tally>,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, writer: Writer) -> Result<Self, NoRandomness> {
        let id = writer.stream();
        let mut random = Random::new()?;
        let limits = &shared.limits;
        let workers = u8::try_from(shared.cells.len()).unwrap_or(u8::MAX);
        let seed = u64::from_le_bytes(random.bytes()?);
        let state = State {
            small: Cache::new(Arc::clone(shared.table.small())),
            agents: AgentCache::new(seed.rotate_left(16)),
            tracer: Tracer::new(&shared.keys.address_secret),
            misses: MissLimit::new(limits.misses_per_minute, limits.miss_burst, workers, seed),
            pictures: Pictures::new(workers, seed.rotate_left(32)),
            repeats: Repeats::new(&random.bytes()?),
            random,
            writer,
        };
        Ok(Self {
            id: WorkerId(id.worker),
            stream: Stream { edge: EdgeId(id.edge), epoch: Epoch(id.epoch), worker: WorkerId(id.worker) },
            gate: Gate::default(),
            disk: DiskQueue::new(limits.strict_queue),
            state: RefCell::new(state),
            outbox: RefCell::default(),
            scratch: RefCell::new(vec![0; shared.limits.head_bytes].into()),
            unfinished: Room::new(limits.unfinished_bytes / usize::from(workers).max(1)),
            second: Rc::default(),
            started: Cell::new(None),
            frame_clock: FrameClock::new(shared.begun),
            last_frame: Cell::new(shared.begun),
            told: Cell::new(Tally::default()),
            shared,
        })
    }

    pub(crate) fn cells(&self) -> &Cells {
        &self.shared.cells[usize::from(self.id.0)]
    }

    /// A request has arrived: it belongs to this turn and has its time. The clock is read once per turn.
    pub(crate) fn arrive(&self) -> Arrival {
        let started = match self.started.get() {
            Some(started) => Started { requests: started.requests + 1, ..started },
            None => {
                let now = clock::now();
                let stale = self.shared.is_stale(now);
                let frames_at = self.frame_time(now);
                Started { now, frames_at, at: std::time::Instant::now(), requests: 1, stale }
            }
        };
        self.started.set(Some(started));
        let Started { now, frames_at, stale, .. } = started;
        Arrival { turn: self.gate.arm(), now, frames_at, stale }
    }

    /// The time for the frames of now; a clock that went back far is said so.
    fn frame_time(&self, now: Instant) -> Instant {
        let FrameTime { at, stepped_back_ms } = self.frame_clock.time(now);
        if let Some(stepped_back_ms) = stepped_back_ms {
            self.cells().clock_steps_back.add(1);
            tracing::error!(
                stepped_back_ms,
                worker = self.id.0,
                "the machine's clock went back: clicks before it carry times that are still to come"
            );
        }
        at
    }

    /// Appends a frame to the memory of the turn; the next flush writes it.
    pub(crate) fn append(
        &self,
        writer: &mut Writer,
        at: Instant,
        payload: &[u8],
    ) -> Result<u64, AppendError> {
        let is_first = writer.pending_bytes() == 0;
        let sequence = writer.append(at.millis(), payload)?;
        let went_back = at < self.last_frame.replace(at);
        if went_back {
            self.cells().step_back.note(sequence, at);
        }
        if is_first || went_back {
            self.cells().unwritten_from(at);
        }
        Ok(sequence)
    }

    /// The number of a click that no journal holds: from the far end, where no frame will ever get.
    pub(crate) fn unjournaled_sequence(&self) -> u64 {
        MAX_SEQUENCE - self.cells().unjournaled.get()
    }

    /// Ends turn after turn: one write for all its frames, then its answers. Never returns.
    pub(crate) async fn flush_turns(&self) {
        loop {
            self.gate.armed().await;
            let written = self.flush();
            if let Some(turn) = self.started.take() {
                let nanos = u64::try_from(turn.at.elapsed().as_nanos()).unwrap_or(u64::MAX);
                self.cells().latency(nanos, turn.requests);
                self.cells().turns.add(1);
            }
            let (key, second) = (&self.shared.keys.click, self.second.get());
            self.outbox.borrow_mut().send(written, key, self.cells(), second);
            self.gate.release(written);
        }
    }

    fn flush(&self) -> bool {
        let writer = &mut self.state.borrow_mut().writer;
        if writer.pending_bytes() == 0 {
            return true;
        }
        match writer.flush() {
            Ok(_) => {
                if self.disk.len() > 0 {
                    writer.hurry();
                }
                self.cells().all_written();
                true
            }
            Err(error) => {
                // Once a second is enough to hear of a broken disk.
                if self.cells().flush_errors.get().is_multiple_of(1_000) {
                    let error = with_causes(&error);
                    tracing::error!(error, worker = self.id.0, "the journal could not be written");
                }
                self.cells().flush_errors.add(1);
                false
            }
        }
    }

    /// Writes the running totals into the stream if they have changed, tries again what could not be written, and lets
    /// go of old rows. Every second or so.
    pub(crate) fn tell(&self) {
        self.cells().unfinished_bytes.set(self.unfinished.used() as u64);
        self.state.borrow_mut().small.load();
        let tally = self.cells().tally();
        if tally != self.told.get() {
            let at = self.frame_time(clock::now());
            if self.append(&mut self.state.borrow_mut().writer, at, &tally.encode()).is_ok() {
                self.told.set(tally);
            }
        }
        // Also what an earlier write has left: without clicks nobody else would try again.
        if self.state.borrow().writer.pending_bytes() > 0 {
            self.gate.arm();
        }
    }

    /// The last words of this worker: its totals, in the kernel.
    pub(crate) fn finish(&self) {
        self.tell();
        self.flush();
    }

    /// Takes note of what the disk has.
    pub(crate) fn note_durable(&self) {
        self.disk.advance(self.shared.journal.durable(self.id.0));
        self.note_disk_queue();
    }

    /// Says how many wait for the disk; the sync thread wakes this worker only if somebody does.
    pub(crate) fn note_disk_queue(&self) {
        self.cells().disk_queue.set(self.disk.len() as u64);
    }
}
