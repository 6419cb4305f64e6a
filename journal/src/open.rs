//! Opening a journal: what is done, in which order, before the first frame.

use crate::bell::{Bell, Rest};
use crate::cursor_store::CursorStore;
use crate::epoch::EpochRecord;
use crate::failpoint;
use crate::index::StreamIndex;
use crate::inner::Inner;
use crate::lane::Lane;
use crate::missing;
use crate::pool::Pool;
use crate::recovery::{self, Recovered};
use crate::spares::Spares;
use crate::storage::Storage;
use crate::sync::Syncer;
use crate::{Journal, Notice, Options, OptionsError, StreamId, StreamInfo, Writer};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

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

/// What is ready before the threads start.
pub(crate) struct Begun {
    pub(crate) inner: Inner,
    pub(crate) writers: Vec<Writer>,
    pub(crate) notices: Vec<Notice>,
}

/// Looks at what is there, then makes a new epoch durable, then prepares the first segments. The directory is locked.
pub(crate) fn begin(
    storage: &Arc<dyn Storage>,
    options: &Options,
    now_ms: i64,
    random: u64,
) -> Result<Begun, OpenError> {
    let recovered = recovery::recover(&**storage, options.segment_bytes).map_err(OpenError::Recover)?;
    let Recovered { epochs: old, mut pool, mut notices } = recovered;
    let newest = old.keys().next_back().copied();
    let record = EpochRecord::new(options.edge, options.workers, now_ms, random, newest);
    pool.with_room(&**storage, || record.save(&**storage)).map_err(OpenError::Begin)?;
    failpoint::reach("epoch.recorded");

    let (sync_bell, spare_bell) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
    let sync_rest = Arc::new(Rest::default());
    let lane = |(stream, _)| {
        let index = Arc::new(StreamIndex::new(stream, record.salt, Vec::new(), 0));
        let bells = (Arc::clone(&sync_bell), Arc::clone(&sync_rest), Arc::clone(&spare_bell));
        Arc::new(Lane::new(index, options.segment_bytes, bells.0, bells.1, bells.2))
    };
    let lanes: Vec<Arc<Lane>> = record.streams().map(lane).collect();
    let writer = |lane| Writer::new(Arc::clone(lane), options.unsynced_bytes, options.ticks);
    let writers = lanes.iter().map(writer).collect();
    let old_streams: Vec<_> = old.values().flat_map(|epoch| &epoch.streams).collect();
    let cursors = cursors(storage, &options.cursors, &old_streams, &mut pool, &mut notices)?;
    // Before the segments, which take all the room there is. On a full disk it is made once there is some.
    while pool.reserve.keep(&**storage).unwrap_or(false) {}
    let spares = Spares::new(
        Arc::clone(storage),
        lanes.clone(),
        record.salt,
        options.segment_bytes,
        options.spare_segments,
        pool,
        spare_bell,
        Arc::clone(&sync_bell),
    );
    for worker in 0..lanes.len() {
        // A full disk is no reason not to start: the writers refuse, and the thread tries again.
        if !spares.prepare(worker) {
            break;
        }
    }
    let (store, marker) = (Arc::clone(storage), EpochRecord::distrust_name(record.epoch));
    // If even this fails, the frames are still moved; only a kill in between would go unnoticed.
    let distrust = Box::new(move || drop(store.create(&marker)));
    let inner = Inner {
        storage: Arc::clone(storage),
        segment_bytes: options.segment_bytes,
        ticks: options.ticks,
        syncer: Syncer::new(lanes.clone(), sync_bell, sync_rest, options.sync_interval, distrust),
        record,
        lanes,
        spares,
        cursors,
        old: Mutex::new(old),
        closed: Mutex::new(false),
    };
    Ok(Begun { inner, writers, notices })
}

/// The cursors of this start, and what is wrong with them.
fn cursors(
    storage: &Arc<dyn Storage>,
    names: &[String],
    old: &[&Arc<StreamIndex>],
    pool: &mut Pool,
    notices: &mut Vec<Notice>,
) -> Result<CursorStore, OpenError> {
    let begin: Vec<(StreamId, u64)> = old.iter().map(|index| (index.stream(), index.first())).collect();
    let opened = CursorStore::open(Arc::clone(storage), names, &begin, pool);
    let (cursors, lost) = opened.map_err(OpenError::Begin)?;
    notices.extend(lost.into_iter().map(|name| Notice::CursorLost { name }));
    notices.extend(old.iter().flat_map(|index| missing::against_cursors(&cursors, index)));
    Ok(cursors)
}
