//! What a journal and those it hands out share: the streams that are there, releasing them, and the end.

use crate::cursor_store::CursorStore;
use crate::epoch::{End, Ending, EpochRecord};
use crate::failpoint;
use crate::index::{Entry, StreamIndex};
use crate::lane::Lane;
use crate::recovery::OldEpoch;
use crate::spares::Spares;
use crate::storage::Storage;
use crate::sync::Syncer;
use crate::{Stats, StreamId, StreamInfo, lock, segment};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) struct Inner {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) segment_bytes: u64,
    /// See [`Options::ticks`](crate::Options::ticks).
    pub(crate) ticks: fn() -> i64,
    pub(crate) record: EpochRecord,
    pub(crate) lanes: Vec<Arc<Lane>>,
    pub(crate) syncer: Syncer,
    pub(crate) spares: Spares,
    pub(crate) cursors: CursorStore,
    pub(crate) old: Mutex<BTreeMap<u64, OldEpoch>>,
    pub(crate) closed: Mutex<bool>,
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

impl Inner {
    pub(crate) fn index(&self, stream: StreamId) -> Option<Arc<StreamIndex>> {
        if stream.epoch == self.record.epoch {
            let mut live = self.lanes.iter().map(|lane| &lane.index);
            return live.find(|index| index.stream() == stream).cloned();
        }
        lock(&self.old).get(&stream.epoch)?.streams.iter().find(|index| index.stream() == stream).cloned()
    }

    pub(crate) fn old_streams(&self) -> Vec<StreamInfo> {
        let old = lock(&self.old);
        let info = |old: &OldEpoch, index: &StreamIndex, end: &End| StreamInfo {
            stream: index.stream(),
            first: index.first(),
            next: end.next,
            durable: end.durable,
            released: index.released(),
            live: false,
            closed: old.record.ending == Ending::Closed,
        };
        old.values()
            .flat_map(|o| o.streams.iter().zip(&o.record.ends).map(move |(index, end)| info(o, index, end)))
            .collect()
    }

    pub(crate) fn release(&self, stream: StreamId, below: u64) -> Result<Released, ReleaseError> {
        let index = self.index(stream).ok_or(ReleaseError::NoStream(stream))?;
        let mut limit = self.cursors.least(stream).map_or(below, |least| least.min(below));
        let lane = self.lanes.iter().find(|lane| lane.index.stream() == stream);
        if let Some(lane) = lane {
            limit = limit.min(lane.durable());
        }
        let gone = index.release(limit, lane.is_some());
        let file = |entry: &Entry| {
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
        failpoint::reach("release.forgotten");
        self.storage.sync_dir()?;
        let streams: Vec<StreamId> = over.streams.iter().map(|index| index.stream()).collect();
        self.cursors.forget(&streams);
        old.remove(&epoch);
        Ok(true)
    }

    pub(crate) fn stats(&self) -> Stats {
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
        stats.reserve_files = self.spares.reserved.load(Ordering::Relaxed) as u64;
        stats.spare_errors = self.spares.errors.load(Ordering::Relaxed);
        stats.spare_error = lock(&self.spares.blocked).as_ref().map(ToString::to_string);
        let files = (stats.ready_segments + stats.spare_files) * self.segment_bytes;
        // A file system that does not say how much is free counts as having nothing beyond our own files.
        stats.space_left = files.saturating_add(self.storage.free_bytes().unwrap_or(0));
        stats
    }

    /// Writes down how this start ended, and puts aside the segments that nobody used.
    pub(crate) fn end(&self) -> Result<(), CloseError> {
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
