//! One start of one process: takes the directory, makes a new epoch durable, looks at what earlier starts left, and
//! hands out writers, readers and cursors.

use crate::inner::{CloseError, Inner, ReleaseError, Released};
use crate::lane::Lane;
use crate::open::{Begun, OpenError, Opened, begin};
use crate::storage::{LockError, OsStorage, Storage};
use crate::{Cursors, Options, Reader, Stats, StreamId, StreamInfo, lock};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// One start of a journal. Dropping it closes it.
pub struct Journal {
    inner: Arc<Inner>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Journal {
    /// Opens the journal in `options.dir`. `now_ms` is milliseconds since 1970; `random` comes from the system.
    /// Blocks for some syncs. On a full disk it still opens if the epoch can be written; the writers then refuse until
    /// there is space.
    ///
    /// # Errors
    /// If the directory is in use, cannot be written, or holds what cannot be recovered.
    pub fn open(options: &Options, now_ms: i64, random: u64) -> Result<Opened, OpenError> {
        let directory = |e| OpenError::Directory(options.dir.clone(), e);
        let storage = OsStorage::new(&options.dir).map_err(directory)?;
        let storage: Arc<dyn Storage> = Arc::new(storage);
        Self::open_on(&storage, options, now_ms, random)
    }

    /// Opens the journal on a storage; `options.dir` is only named in errors.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(
        storage: &Arc<dyn Storage>,
        options: &Options,
        now_ms: i64,
        random: u64,
    ) -> Result<Opened, OpenError> {
        let opened = Self::open_still(storage, options, now_ms, random)?;
        let inner = &opened.journal.inner;
        let (sync, spares) = (Arc::clone(inner), Arc::clone(inner));
        let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_owned()).spawn(body).map_err(OpenError::Threads)
        };
        let threads = [
            spawn("journal-sync", Box::new(move || sync.syncer.run()))?,
            spawn("journal-spares", Box::new(move || spares.spares.run()))?,
        ];
        lock(&opened.journal.threads).extend(threads);
        Ok(opened)
    }

    /// Opens without threads: whoever calls does what they would do, step by step, with [`step_sync`](Self::step_sync) and
    /// [`step_spares`](Self::step_spares). For simulations, where nothing may happen by itself.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_still(
        storage: &Arc<dyn Storage>,
        options: &Options,
        now_ms: i64,
        random: u64,
    ) -> Result<Opened, OpenError> {
        options.check()?;
        storage.lock().map_err(|e| match e {
            LockError::InUse => OpenError::InUse(options.dir.clone()),
            LockError::Io(e) => OpenError::Directory(options.dir.clone(), e),
        })?;
        let Begun { inner, writers, notices } =
            begin(storage, options, now_ms, random).inspect_err(|_| storage.unlock())?;
        let recovered = inner.old_streams();
        let journal = Self { inner: Arc::new(inner), threads: Mutex::default() };
        Ok(Opened { journal, writers, recovered, notices })
    }

    /// This start's epoch.
    pub fn epoch(&self) -> u64 {
        self.inner.record.epoch
    }

    /// The number of `worker`'s next frame to become durable: everything below survives a power cut. 0 for a
    /// worker that does not exist.
    pub fn durable(&self, worker: u8) -> u64 {
        self.lane(worker).map_or(0, |lane| lane.durable())
    }

    /// The number of `worker`'s next frame to be written: everything below survives the end of the process.
    pub fn written(&self, worker: u8) -> u64 {
        self.lane(worker).map_or(0, |lane| lane.written())
    }

    fn lane(&self, worker: u8) -> Option<&Arc<Lane>> {
        self.inner.lanes.get(usize::from(worker))
    }

    /// Has `listener` called on the sync thread each time a worker's durable number rises. It must be quick.
    pub fn on_durable(&self, listener: Box<dyn Fn() + Send + Sync>) {
        self.inner.syncer.listen(listener);
    }

    /// Milliseconds since the oldest frame that is written and not durable was appended, rounded up: a power cut now
    /// would take nothing older. 0 if everything is durable.
    pub fn unsynced_age_ms(&self) -> u64 {
        let oldest = self.inner.lanes.iter().filter_map(|lane| lane.oldest_unsynced()).min();
        let age = oldest.map_or(0, |at| (self.inner.ticks)().saturating_sub(at));
        u64::try_from(age).unwrap_or(0).div_ceil(1000)
    }

    /// All streams that are there, oldest first, the live ones last.
    pub fn streams(&self) -> Vec<StreamInfo> {
        let mut all = self.inner.old_streams();
        all.extend(self.inner.lanes.iter().map(|lane| StreamInfo {
            stream: lane.index.stream(),
            first: lane.index.first(),
            next: lane.written(),
            durable: lane.durable(),
            released: lane.index.released(),
            live: true,
            closed: false,
        }));
        all
    }

    /// Reads a stream from number `from` on; `None` if there is no such stream.
    pub fn reader(&self, stream: StreamId, from: u64) -> Option<Reader> {
        let index = self.inner.index(stream)?;
        Some(Reader::new(Arc::clone(&self.inner.storage), index, from))
    }

    /// The cursors of a name the journal was opened with.
    pub fn cursors(&self, name: &str) -> Option<Cursors> {
        let known = self.inner.cursors.knows(name);
        known.then(|| Cursors { inner: Arc::clone(&self.inner), name: name.to_owned() })
    }

    /// Puts aside the segments that hold only frames below `below`, and below every cursor. Call it also for old
    /// streams without frames: when all streams of an old start are read to their end, the start is forgotten.
    ///
    /// # Errors
    /// If there is no such stream or a file cannot be renamed or removed.
    pub fn release(&self, stream: StreamId, below: u64) -> Result<Released, ReleaseError> {
        self.inner.release(stream, below)
    }

    /// A reading of everything that is counted.
    pub fn stats(&self) -> Stats {
        let mut stats = self.inner.stats();
        stats.threads_alive = !lock(&self.threads).iter().any(JoinHandle::is_finished);
        stats
    }

    /// Stops the writers, makes everything durable, and writes down the end. Later calls do nothing.
    ///
    /// # Errors
    /// If something could not be made durable or written down.
    pub fn close(&self) -> Result<(), CloseError> {
        let mut closed = lock(&self.inner.closed);
        if std::mem::replace(&mut *closed, true) {
            return Ok(());
        }
        for lane in &self.inner.lanes {
            lock(&lane.state).closed = true;
        }
        self.inner.spares.stop();
        self.inner.syncer.stop();
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            // A thread that panicked has left frames that are not durable: that is what counts below.
            drop(thread.join());
        }
        // Nothing is left to do here unless the thread died.
        self.inner.syncer.finish();
        let result = self.inner.end();
        self.inner.storage.unlock();
        result
    }

    /// One round of what the sync thread does. `between` runs when the disk has synced and nobody knows it yet.
    pub fn step_sync(&self, between: impl FnMut()) {
        self.inner.syncer.pass(between);
    }

    /// One step of what the thread does that prepares segments; whether there may be more to do at once.
    pub fn step_spares(&self) -> bool {
        self.inner.spares.pass()
    }

    /// For tests that look inside.
    #[cfg(test)]
    pub(crate) const fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        drop(self.close());
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("epoch", &self.epoch()).finish_non_exhaustive()
    }
}
