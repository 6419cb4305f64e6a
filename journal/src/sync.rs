//! The thread that makes frames durable: one fdatasync after the other while there is something to sync, asleep
//! otherwise. Between two it rests, for longer while nobody waits for the disk: a sync costs the processor as much as
//! a dozen clicks, however little it has to write, and the worker on the same core stands still meanwhile.
//!
//! The first error of a sync ends its segment. It is never tried again, because the kernel then says "success" for
//! pages it has dropped; the frames are written from memory to new segments, and the watermark waits for those.

use crate::bell::{Bell, Rest};
use crate::failpoint;
use crate::lane::Lane;
use crate::lock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Time from the start of one sync to the next while somebody waits for the disk: he waits at most this, and the sync.
const AWAITED_INTERVAL: Duration = Duration::from_millis(2);

pub(crate) type Listener = Box<dyn Fn() + Send + Sync>;

pub(crate) struct Syncer {
    lanes: Vec<Arc<Lane>>,
    bell: Arc<Bell>,
    rest: Arc<Rest>,
    interval: Duration,
    stop: AtomicBool,
    listeners: Mutex<Vec<Listener>>,
    /// Told at once of each sync that failed.
    distrust: Listener,
    pub(crate) syncs: AtomicU64,
    pub(crate) sync_nanos: AtomicU64,
    pub(crate) slowest_nanos: AtomicU64,
    pub(crate) errors: AtomicU64,
}

impl Syncer {
    pub(crate) fn new(
        lanes: Vec<Arc<Lane>>,
        bell: Arc<Bell>,
        rest: Arc<Rest>,
        interval: Duration,
        distrust: Listener,
    ) -> Self {
        Self {
            lanes,
            bell,
            rest,
            interval,
            stop: AtomicBool::new(false),
            listeners: Mutex::new(Vec::new()),
            distrust,
            syncs: AtomicU64::new(0),
            sync_nanos: AtomicU64::new(0),
            slowest_nanos: AtomicU64::new(0),
            errors: AtomicU64::new(0),
        }
    }

    pub(crate) fn listen(&self, listener: Listener) {
        lock(&self.listeners).push(listener);
    }

    /// Makes the thread sync what is left and end.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.bell.ring();
        self.rest.cut();
    }

    /// The thread.
    pub(crate) fn run(&self) {
        loop {
            let begun = Instant::now();
            self.pass(|| {});
            if self.stop.load(Ordering::SeqCst) {
                return self.finish();
            }
            self.bell.sleep(None, || !self.has_work() && !self.stop.load(Ordering::SeqCst));
            if self.rest.take(self.interval.saturating_sub(begun.elapsed())) {
                let rest = AWAITED_INTERVAL.min(self.interval).saturating_sub(begun.elapsed());
                std::thread::park_timeout(rest);
            }
        }
    }

    /// Syncs until nothing is left that can be synced.
    pub(crate) fn finish(&self) {
        while self.has_work() {
            self.pass(|| {});
        }
    }

    fn has_work(&self) -> bool {
        self.lanes.iter().any(|lane| lane.has_sync_work())
    }

    /// One round over all workers. `between` runs after each sync and before anybody knows of it.
    pub(crate) fn pass(&self, mut between: impl FnMut()) {
        for lane in &self.lanes {
            let Some(work) = lane.begin_sync() else { continue };
            let begun = Instant::now();
            let failed = work.segments.iter().find(|segment| segment.file.sync().is_err());
            failpoint::reach("sync.synced");
            between();
            let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.syncs.fetch_add(work.segments.len() as u64, Ordering::Relaxed);
            self.sync_nanos.fetch_add(nanos, Ordering::Relaxed);
            self.slowest_nanos.fetch_max(nanos, Ordering::Relaxed);
            if let Some(segment) = failed {
                (self.distrust)();
                lane.index.suspect(segment.number);
                self.errors.fetch_add(1, Ordering::Relaxed);
                lane.fail_sync();
                // Somebody may wait for what has moved, and has cut the rest of the sync that failed.
                self.rest.cut();
                continue;
            }
            lane.finish_sync(&work);
            failpoint::reach("sync.published");
            for listener in lock(&self.listeners).iter() {
                listener();
            }
        }
    }
}
