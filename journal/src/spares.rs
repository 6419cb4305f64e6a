//! The thread that prepares segments ahead, so that a writer never waits for one: preallocated and filled with zeros
//! in small steps, or a released file used again; durable under their final name before they are handed out.

use crate::bell::{Bell, Rest};
use crate::failpoint;
use crate::frame::Seed;
use crate::lane::Lane;
use crate::lock;
use crate::pool::Pool;
use crate::reserve::Reserve;
use crate::segment::{self, Header, Segment};
use crate::storage::{self, File, Storage};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Zeros written at once. The kernel copies a step in one go, on a processor that answers clicks as well.
const STEP: usize = 64 << 10;
/// Zeros written between two syncs: more would make the frames' own syncs wait behind them.
const SYNC_EVERY: u64 = 1 << 20;
/// Rest after each step, while every worker has a segment to go on with: a worker on the same core gets its turn.
const STEP_REST: Duration = Duration::from_millis(1);
/// How soon a full disk is tried again.
const RETRY: Duration = Duration::from_millis(250);

pub(crate) struct Spares {
    storage: Arc<dyn Storage>,
    lanes: Vec<Arc<Lane>>,
    salt: u64,
    segment_bytes: u64,
    /// Segments to keep ready for each worker.
    target: usize,
    /// The number each worker's next segment gets.
    numbers: Mutex<Vec<u64>>,
    pool: Mutex<Pool>,
    reserve: Mutex<Reserve>,
    /// Its files, for who must not wait while one is made.
    pub(crate) reserved: AtomicUsize,
    bell: Arc<Bell>,
    sync_bell: Arc<Bell>,
    stop: AtomicBool,
    /// After a failure. Writers that get nothing ring the bell with each click, and do not cut it short.
    retry: Rest,
    /// It runs on a thread of its own, which may rest.
    rests: AtomicBool,
    /// Why the last attempt to prepare a segment failed, if it did.
    pub(crate) blocked: Mutex<Option<io::Error>>,
    pub(crate) errors: AtomicU64,
}

impl Spares {
    #[expect(
        clippy::too_many_arguments,
        reason = "built in one place, from parts that have nothing else in common"
    )]
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        lanes: Vec<Arc<Lane>>,
        salt: u64,
        segment_bytes: u64,
        target: usize,
        mut pool: Pool,
        bell: Arc<Bell>,
        sync_bell: Arc<Bell>,
    ) -> Self {
        let numbers = Mutex::new(vec![0; lanes.len()]);
        let reserve = std::mem::take(&mut pool.reserve);
        let reserved = AtomicUsize::new(reserve.len());
        let (pool, reserve) = (Mutex::new(pool), Mutex::new(reserve));
        let (stop, rests) = (AtomicBool::new(false), AtomicBool::new(false));
        let (blocked, errors) = (Mutex::default(), AtomicU64::new(0));
        let retry = Rest::default();
        Self {
            storage,
            lanes,
            salt,
            segment_bytes,
            target,
            numbers,
            pool,
            reserve,
            reserved,
            bell,
            sync_bell,
            stop,
            retry,
            rests,
            blocked,
            errors,
        }
    }

    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.bell.ring();
        self.retry.cut();
    }

    /// The thread.
    pub(crate) fn run(&self) {
        self.rests.store(true, Ordering::Relaxed);
        while !self.stop.load(Ordering::SeqCst) {
            if self.pass() {
                continue;
            }
            if lock(&self.blocked).is_some() {
                self.retry.take(RETRY);
            } else {
                self.bell.sleep(None, || {
                    !self.stop.load(Ordering::SeqCst) && self.neediest(self.target).is_none()
                });
            }
        }
    }

    /// Prepares one segment where it is needed most, or removes one file that is spare beyond need, or else makes one that
    /// the reserve lacks; whether there may be more to do at once.
    pub(crate) fn pass(&self) -> bool {
        let done = match self.neediest(self.target) {
            Some(worker) => self.prepare(worker),
            None => self.trim(),
        };
        done || self.keep_reserve()
    }

    /// It does not hold the pool's lock, for which whoever asks how the journal is would wait as long as the disk stands
    /// still.
    fn keep_reserve(&self) -> bool {
        let mut reserve = lock(&self.reserve);
        let made = reserve.keep(&*self.storage).unwrap_or(false);
        self.reserved.store(reserve.len(), Ordering::Relaxed);
        made
    }

    /// Gives up a file of the reserve, if there is one, so that something small can be written.
    pub(crate) fn give_reserve_up(&self) -> bool {
        let mut reserve = lock(&self.reserve);
        let given = reserve.give_up(&*self.storage);
        self.reserved.store(reserve.len(), Ordering::Relaxed);
        given
    }

    /// The worker with the fewest ready segments, if it has fewer than `target`.
    fn neediest(&self, target: usize) -> Option<usize> {
        let missing = |lane: &Lane| {
            let state = lock(&lane.state);
            (target + state.moving.unwrap_or(0)).saturating_sub(state.ready.len())
        };
        let lanes = self.lanes.iter().enumerate().map(|(i, lane)| (missing(lane), i));
        lanes
            .max_by_key(|(missing, i)| (*missing, std::cmp::Reverse(*i)))
            .filter(|(m, _)| *m > 0)
            .map(|(_, i)| i)
    }

    /// Prepares a segment for a worker and hands it out; says whether it could.
    pub(crate) fn prepare(&self, worker: usize) -> bool {
        let lane = &self.lanes[worker];
        let number = lock(&self.numbers)[worker];
        match self.make(lane, number) {
            Ok(segment) => {
                *lock(&self.blocked) = None;
                // No number is left out, so that a file that is gone shows.
                lock(&self.numbers)[worker] += 1;
                lock(&lane.state).ready.push_back(Arc::new(segment));
                failpoint::reach("spares.ready");
                self.sync_bell.ring();
                true
            }
            Err(error) => {
                self.errors.fetch_add(1, Ordering::Relaxed);
                *lock(&self.blocked) = Some(error);
                false
            }
        }
    }

    fn make(&self, lane: &Lane, number: u64) -> io::Result<Segment> {
        let stream = lane.index.stream();
        let (file, name) = match self.reuse() {
            Some(spare) => spare,
            None => {
                let name = format!("{}.new", lock(&self.pool).fresh_name());
                let filled = self.storage.create(&name).and_then(|file| self.fill(&*file).map(|()| file));
                (filled.inspect_err(|_| self.forget(&name))?, name)
            }
        };
        failpoint::reach("spares.filled");
        let header = Header { stream, number, salt: self.salt, bytes: self.segment_bytes };
        let done = storage::write_all(&*file, &header.encode(), 0)
            .and_then(|()| file.sync())
            .inspect(|()| failpoint::reach("spares.headed"))
            .and_then(|()| self.storage.rename(&name, &segment::name(stream, number)));
        done.inspect_err(|_| self.forget(&name))?;
        failpoint::reach("spares.renamed");
        self.storage.sync_dir().inspect_err(|_| self.forget(&segment::name(stream, number)))?;
        let seed = Seed::new(self.salt, stream, number);
        Ok(Segment { number, file, seed, bytes: self.segment_bytes })
    }

    /// A spare file, open, out of the pool.
    fn reuse(&self) -> Option<(Arc<dyn File>, String)> {
        let name = lock(&self.pool).take()?;
        match self.storage.open(&name) {
            Ok(file) => Some((file, name)),
            Err(e) => {
                // For want of descriptors, say: on a full disk there may soon be no other file to go on with.
                if e.kind() != io::ErrorKind::NotFound {
                    lock(&self.pool).put_back(name);
                }
                None
            }
        }
    }

    fn fill(&self, file: &dyn File) -> io::Result<()> {
        file.preallocate(self.segment_bytes)?;
        let zeros = vec![0; STEP];
        let mut at = 0;
        while at < self.segment_bytes {
            if self.stop.load(Ordering::SeqCst) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let len = (self.segment_bytes - at).min(STEP as u64);
            storage::write_all(file, &zeros[..usize::try_from(len).unwrap_or(STEP)], at)?;
            at += len;
            if at.is_multiple_of(SYNC_EVERY) {
                file.sync()?;
            }
            if self.has_time() {
                std::thread::park_timeout(STEP_REST);
            }
        }
        file.sync()
    }

    /// Whether nobody waits for a segment.
    fn has_time(&self) -> bool {
        let has_one = |lane: &Arc<Lane>| !lock(&lane.state).ready.is_empty();
        self.rests.load(Ordering::Relaxed) && self.lanes.iter().all(has_one)
    }

    /// Removes a file that did not become a segment. If that fails too, the next start removes it.
    fn forget(&self, name: &str) {
        drop(self.storage.remove(name));
    }

    /// Makes released segments spare files again, or removes them if they cannot be trusted. The caller has made
    /// durable that nobody needs them.
    pub(crate) fn recycle(&self, files: &[(String, bool)]) -> io::Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        {
            let mut pool = lock(&self.pool);
            for (name, usable) in files {
                let done =
                    if *usable { pool.take_in(&*self.storage, name) } else { self.storage.remove(name) };
                match done {
                    Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                    _ => {}
                }
            }
        }
        failpoint::reach("release.put_aside");
        self.storage.sync_dir()?;
        self.bell.ring();
        self.retry.cut();
        Ok(())
    }

    /// Removes one spare file if there are more than all workers can need soon.
    fn trim(&self) -> bool {
        let mut pool = lock(&self.pool);
        pool.len() > self.lanes.len() * (self.target + 1) && pool.give_up(&*self.storage)
    }

    pub(crate) fn pool_len(&self) -> usize {
        lock(&self.pool).len()
    }
}
