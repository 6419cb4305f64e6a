//! One start of one process: takes the directory, makes a new epoch durable, looks at what earlier starts left, and
//! hands out writers, readers and cursors.

use crate::bell::Bell;
use crate::cursor::CursorStore;
use crate::epoch::{End, Ending, EpochRecord};
use crate::index::StreamIndex;
use crate::lane::Lane;
use crate::recovery::{self, OldEpoch};
use crate::spares::Spares;
use crate::storage::{LockError, OsStorage, Storage};
use crate::sync::Syncer;
use crate::{
    Cursors, Notice, Options, OptionsError, Reader, Stats, StreamId, StreamInfo, Writer, lock, segment,
};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// One start of a journal. Dropping it closes it.
pub struct Journal {
    inner: Arc<Inner>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

pub(crate) struct Inner {
    storage: Arc<dyn Storage>,
    segment_bytes: u64,
    record: EpochRecord,
    pub(crate) lanes: Vec<Arc<Lane>>,
    pub(crate) syncer: Syncer,
    pub(crate) spares: Spares,
    pub(crate) cursors: CursorStore,
    old: Mutex<BTreeMap<u64, OldEpoch>>,
    closed: Mutex<bool>,
}

/// What opening a journal gives.
#[derive(Debug)]
pub struct Opened {
    /// The journal.
    pub journal: Journal,
    /// One for each worker, in their order.
    pub writers: Vec<Writer>,
    /// What earlier starts left, oldest first, also streams without frames. Release each once it has been read.
    pub recovered: Vec<StreamInfo>,
    /// What a person should hear of.
    pub notices: Vec<Notice>,
}

/// Why a journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be kept like that.
    #[error("the journal's options are wrong")]
    Options(#[from] OptionsError),
    /// Another process has it.
    #[error("the journal directory {0} is in use by another process")]
    InUse(PathBuf),
    /// The directory cannot be made, opened or locked.
    #[error("the journal directory {0} cannot be used")]
    Directory(PathBuf, #[source] io::Error),
    /// What earlier starts left cannot be read or made durable.
    #[error("what an earlier start left in the journal cannot be recovered")]
    Recover(#[source] io::Error),
    /// The new epoch or the cursors cannot be written: the disk is full or broken.
    #[error("the journal cannot write its epoch and cursors")]
    Begin(#[source] io::Error),
    /// No thread can be started.
    #[error("the journal cannot start its threads")]
    Threads(#[source] io::Error),
}

/// Why a journal was not closed in order. It is closed nevertheless, and the next start recovers it.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// Frames that were written are not durable: the disk fails.
    #[error("{frames} frames could not be made durable")]
    NotDurable {
        /// How many.
        frames: u64,
    },
    /// The end could not be written down.
    #[error("the end of the journal could not be written down")]
    Save(#[source] io::Error),
}

/// Why frames were not released.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The journal has no such stream, or it was released.
    #[error("the journal has no stream of {0}")]
    NoStream(StreamId),
    /// The system refused to rename or remove a file. The next start tries again.
    #[error("a released segment could not be put aside")]
    Files(#[source] io::Error),
}

/// What a release did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Released {
    /// Segments put aside for reuse.
    pub segments: usize,
    /// The stream's start is over and wholly read: it is gone with all its streams.
    pub epoch_over: bool,
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

    /// Opens without threads; tests then step what the threads would do.
    pub(crate) fn open_still(
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
        let begun = Self::begin(storage, options, now_ms, random);
        if begun.is_err() {
            storage.unlock();
        }
        begun
    }

    fn begin(
        storage: &Arc<dyn Storage>,
        options: &Options,
        now_ms: i64,
        random: u64,
    ) -> Result<Opened, OpenError> {
        let recovered = recovery::recover(&**storage, options.segment_bytes).map_err(OpenError::Recover)?;
        let old = recovered.epochs;
        let mut notices = recovered.notices;
        let newest = old.keys().next_back().copied();
        let record = EpochRecord::new(options.edge, options.workers, now_ms, random, newest);
        record.save(&**storage).map_err(OpenError::Begin)?;

        let (sync_bell, spare_bell) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
        let lane = |(stream, _)| {
            let index = Arc::new(StreamIndex::new(stream, record.salt, Vec::new(), 0));
            Arc::new(Lane::new(index, options.segment_bytes, Arc::clone(&sync_bell), Arc::clone(&spare_bell)))
        };
        let lanes: Vec<Arc<Lane>> = record.streams().map(lane).collect();
        let writers =
            lanes.iter().map(|lane| Writer::new(Arc::clone(lane), options.unsynced_bytes)).collect();
        let streams: Vec<(StreamId, u64)> =
            old.values().flat_map(|o| &o.streams).map(|index| (index.stream(), index.first())).collect();
        let (cursors, lost) =
            CursorStore::open(Arc::clone(storage), &options.cursors, &streams).map_err(OpenError::Begin)?;
        notices.extend(lost.into_iter().map(|name| Notice::CursorLost { name }));
        let spares = Spares::new(
            Arc::clone(storage),
            lanes.clone(),
            record.salt,
            options.segment_bytes,
            options.spare_segments,
            recovered.pool,
            spare_bell,
            Arc::clone(&sync_bell),
        );
        for worker in 0..lanes.len() {
            // A full disk is no reason not to start: the writers refuse, and the thread tries again.
            if spares.prepare(worker).is_err() {
                break;
            }
        }
        let (store, marker) = (Arc::clone(storage), EpochRecord::distrust_name(record.epoch));
        // If even this fails, the frames are still moved; only a kill in between would go unnoticed.
        let distrust = Box::new(move || drop(store.create(&marker)));
        let inner = Arc::new(Inner {
            storage: Arc::clone(storage),
            segment_bytes: options.segment_bytes,
            syncer: Syncer::new(lanes.clone(), sync_bell, options.sync_interval, distrust),
            record,
            lanes,
            spares,
            cursors,
            old: Mutex::new(old),
            closed: Mutex::new(false),
        });
        let recovered = inner.old_streams();
        Ok(Opened { journal: Self { inner, threads: Mutex::default() }, writers, recovered, notices })
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

    /// Milliseconds from the oldest frame that is written and not durable until `now_ms`: what a power cut now would
    /// take. 0 if everything is durable.
    pub fn unsynced_age_ms(&self, now_ms: i64) -> u64 {
        let oldest = self.inner.lanes.iter().filter_map(|lane| lane.oldest_unsynced_ms()).min();
        oldest.map_or(0, |at| u64::try_from(now_ms.saturating_sub(at)).unwrap_or(0))
    }

    /// All streams that are there, oldest first, the live ones last.
    pub fn streams(&self) -> Vec<StreamInfo> {
        let mut all = self.inner.old_streams();
        all.extend(self.inner.lanes.iter().map(|lane| StreamInfo {
            stream: lane.index.stream(),
            first: lane.index.first(),
            next: lane.written(),
            durable: lane.durable(),
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

    /// For tests that step what the threads would do.
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

impl Inner {
    pub(crate) fn index(&self, stream: StreamId) -> Option<Arc<StreamIndex>> {
        if stream.epoch == self.record.epoch {
            let mut live = self.lanes.iter().map(|lane| &lane.index);
            return live.find(|index| index.stream() == stream).cloned();
        }
        lock(&self.old).get(&stream.epoch)?.streams.iter().find(|index| index.stream() == stream).cloned()
    }

    fn old_streams(&self) -> Vec<StreamInfo> {
        let old = lock(&self.old);
        let info = |old: &OldEpoch, index: &StreamIndex, end: &End| StreamInfo {
            stream: index.stream(),
            first: index.first(),
            next: end.next,
            durable: end.durable,
            live: false,
            closed: old.record.ending == Ending::Closed,
        };
        old.values()
            .flat_map(|o| o.streams.iter().zip(&o.record.ends).map(move |(index, end)| info(o, index, end)))
            .collect()
    }

    fn release(&self, stream: StreamId, below: u64) -> Result<Released, ReleaseError> {
        let index = self.index(stream).ok_or(ReleaseError::NoStream(stream))?;
        let mut limit = self.cursors.least(stream).map_or(below, |least| least.min(below));
        let lane = self.lanes.iter().find(|lane| lane.index.stream() == stream);
        if let Some(lane) = lane {
            limit = limit.min(lane.durable());
        }
        let gone = index.release(limit, lane.is_some());
        let file = |entry: &crate::index::Entry| {
            let usable = entry.bytes == self.segment_bytes && !index.is_suspect(entry.number);
            (segment::name(stream, entry.number), usable)
        };
        let files: Vec<(String, bool)> = gone.iter().map(file).collect();
        self.spares.recycle(&files).map_err(ReleaseError::Files)?;
        let epoch_over = lane.is_none() && self.forget_if_over(stream.epoch).map_err(ReleaseError::Files)?;
        Ok(Released { segments: files.len(), epoch_over })
    }

    /// Removes what is left of an old start once all its streams are read.
    fn forget_if_over(&self, epoch: u64) -> io::Result<bool> {
        let mut old = lock(&self.old);
        let Some(over) = old.get(&epoch) else { return Ok(false) };
        let read = |index: &Arc<StreamIndex>| {
            let least = self.cursors.least(index.stream());
            index.segments() == 0 && least.is_none_or(|least| least >= index.end())
        };
        if !over.streams.iter().all(read) {
            return Ok(false);
        }
        for name in over.blank.iter().chain([&EpochRecord::name(epoch)]) {
            match self.storage.remove(name) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        }
        self.storage.sync_dir()?;
        let streams: Vec<StreamId> = over.streams.iter().map(|index| index.stream()).collect();
        self.cursors.forget(&streams);
        old.remove(&epoch);
        Ok(true)
    }

    fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        for lane in &self.lanes {
            let written = lane.written();
            stats.frames += written;
            stats.bytes += lane.bytes.load(Ordering::Relaxed);
            stats.unsynced_frames += written.saturating_sub(lane.durable());
            stats.unsynced_bytes += lane.unsynced_bytes.load(Ordering::Relaxed) as u64;
            stats.refused += lane.refused.load(Ordering::Relaxed);
            stats.ready_segments += lock(&lane.state).ready.len() as u64;
            stats.live_segments += lane.index.segments() as u64;
        }
        stats.syncs = self.syncer.syncs.load(Ordering::Relaxed);
        stats.sync_time = Duration::from_nanos(self.syncer.sync_nanos.load(Ordering::Relaxed));
        stats.slowest_sync = Duration::from_nanos(self.syncer.slowest_nanos.load(Ordering::Relaxed));
        stats.sync_errors = self.syncer.errors.load(Ordering::Relaxed);
        stats.old_segments =
            lock(&self.old).values().flat_map(|o| &o.streams).map(|i| i.segments() as u64).sum();
        stats.spare_files = self.spares.pool_len() as u64;
        stats.spare_errors = self.spares.errors.load(Ordering::Relaxed);
        stats.spares_blocked = self.spares.blocked.load(Ordering::Relaxed);
        let files = (stats.ready_segments + stats.spare_files) * self.segment_bytes;
        // A file system that does not say how much is free counts as having nothing beyond our own files.
        stats.space_left = files.saturating_add(self.storage.free_bytes().unwrap_or(0));
        stats
    }

    /// Writes down how this start ended, and puts aside the segments that nobody used.
    fn end(&self) -> Result<(), CloseError> {
        let missing = |lane: &Arc<Lane>| lane.written() - lane.durable();
        let frames = self.lanes.iter().map(missing).sum();
        if frames > 0 {
            return Err(CloseError::NotDurable { frames });
        }
        let mut record = self.record.clone();
        record.ending = Ending::Closed;
        let end = |lane: &Arc<Lane>| End { next: lane.written(), durable: lane.durable() };
        record.ends = self.lanes.iter().map(end).collect();
        record.save(&*self.storage).map_err(CloseError::Save)?;
        // Everything is durable elsewhere: the doubt is over. As a rule there is no such file.
        drop(self.storage.remove(&EpochRecord::distrust_name(record.epoch)));
        let unused = self.lanes.iter().flat_map(|lane| {
            let ready = std::mem::take(&mut lock(&lane.state).ready);
            let stream = lane.index.stream();
            ready.into_iter().map(move |segment| (segment::name(stream, segment.number), true))
        });
        self.spares.recycle(&unused.collect::<Vec<_>>()).map_err(CloseError::Save)
    }
}
