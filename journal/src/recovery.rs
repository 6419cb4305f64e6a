//! What earlier starts left: which streams, from which number to which, and what of it was known to be durable.
//!
//! Only the last segments of a start that was killed are searched; where it ended is then written down, so that each
//! start is searched once. Nothing that may hold a frame is deleted here.

use crate::StreamId;
use crate::epoch::{End, Ending, EpochRecord};
use crate::failpoint;
use crate::index::{Entry, StreamIndex};
use crate::missing;
use crate::notice::Notice;
use crate::pool::Pool;
use crate::segment::{self, Header};
use crate::storage::{self, Storage};
use crate::tail::{make_durable, search_end, walk};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

/// First piece read of a segment: holds its first frame as a rule.
const PROBE: u64 = 8 << 10;

/// How a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamInfo {
    /// Which stream.
    pub stream: StreamId,
    /// The first number present; [`next`](Self::next) if there is none.
    pub first: u64,
    /// The number after the last.
    pub next: u64,
    /// Everything below was durable when the stream's start ended, as far as is known; for a live stream the
    /// watermark. All that recovery found is durable now.
    pub durable: u64,
    /// Everything below was released since this process started. What else is not there any more was lost.
    pub released: u64,
    /// Whether it belongs to this start.
    pub live: bool,
    /// Whether its start was closed in order; if not, what follows its last tally is in doubt.
    pub closed: bool,
}

/// An earlier start.
pub(crate) struct OldEpoch {
    pub(crate) record: EpochRecord,
    pub(crate) streams: Vec<Arc<StreamIndex>>,
    /// Segment files in which no frame could be read, though frames were written after them.
    pub(crate) blank: Vec<String>,
}

pub(crate) struct Recovered {
    pub(crate) epochs: BTreeMap<u64, OldEpoch>,
    pub(crate) pool: Pool,
    pub(crate) notices: Vec<Notice>,
}

type Files = BTreeMap<u64, u64>;

/// Looks at everything in the directory.
pub(crate) fn recover(storage: &dyn Storage, segment_bytes: u64) -> io::Result<Recovered> {
    let mut epochs = BTreeSet::new();
    let mut segments: BTreeMap<StreamId, Files> = BTreeMap::new();
    let mut distrusted = BTreeSet::new();
    let mut found = Recovered { epochs: BTreeMap::new(), pool: Pool::default(), notices: Vec::new() };
    for entry in storage.list()? {
        if let Some((stream, number)) = segment::parse_name(&entry.name) {
            epochs.insert(stream.epoch);
            segments.entry(stream).or_default().insert(number, entry.len);
        } else if let Some(epoch) = EpochRecord::parse_name(&entry.name) {
            epochs.insert(epoch);
        } else if let Some(epoch) = EpochRecord::parse_distrust(&entry.name) {
            distrusted.insert(epoch);
        } else if entry.name.ends_with(".new") {
            storage.remove(&entry.name)?;
        } else {
            found.pool.adopt(storage, &entry, segment_bytes)?;
        }
    }
    for epoch in epochs {
        let files = |stream: &StreamId| stream.epoch == epoch;
        let mine: BTreeMap<StreamId, Files> =
            segments.iter().filter(|(s, _)| files(s)).map(|(s, f)| (*s, f.clone())).collect();
        let trusted = !distrusted.contains(&epoch);
        let old = recover_epoch(storage, epoch, &mine, segment_bytes, trusted, &mut found)?;
        found.epochs.insert(epoch, old);
    }
    for epoch in distrusted {
        storage.remove(&EpochRecord::distrust_name(epoch))?;
    }
    storage.sync_dir()?;
    Ok(found)
}

fn recover_epoch(
    storage: &dyn Storage,
    epoch: u64,
    files: &BTreeMap<StreamId, Files>,
    segment_bytes: u64,
    trusted: bool,
    found: &mut Recovered,
) -> io::Result<OldEpoch> {
    let loaded = EpochRecord::load(storage, epoch)?;
    let known = loaded.is_some();
    let mut record = loaded.unwrap_or_else(|| rebuilt_record(storage, epoch, files, &mut found.notices));
    let searched = record.ending != Ending::Unknown;
    // Of a start that ended nothing behind the last frame need be there; nor is it known that one without a record ran.
    let running = known && !searched;
    let mut streams = Vec::new();
    let mut blank = Vec::new();
    for worker in (0..=u8::MAX).take(record.ends.len()) {
        let stream = record.stream(worker);
        let none = Files::new();
        let numbers = files.get(&stream).unwrap_or(&none);
        let index = StreamIndex::new(stream, record.salt, Vec::new(), 0);
        let empty = fill_index(storage, &index, numbers, &mut blank, &mut found.notices)?;
        if running {
            found.notices.append(&mut missing::gone_behind(&index, numbers.keys().copied()));
        }
        // Behind the last frame: prepared and never used, as far as anyone can tell. The last first, so that a kill
        // in between leaves no number out.
        for name in empty.into_iter().rev() {
            if numbers.values().all(|len| *len == segment_bytes) {
                found.pool.take_in(storage, &name)?;
            } else {
                storage.remove(&name)?;
            }
        }
        let end = &mut record.ends[usize::from(worker)];
        if !searched {
            let (found_end, repeats) = search_end(storage, &index, &mut found.notices)?;
            *end = found_end;
            let copied = make_durable(storage, &index, *end, repeats || !trusted, &mut found.pool)?;
            found.notices.extend(copied);
            failpoint::reach("recovery.made_durable");
        }
        index.set_end(end.next);
        streams.push(Arc::new(index));
    }
    if !searched {
        record.ending = Ending::Recovered;
        found.pool.with_room(storage, || record.save(storage))?;
        failpoint::reach("recovery.recorded");
    }
    Ok(OldEpoch { record, streams, blank })
}

/// Takes the files of a stream into its index. Gives the names of those without frames behind the last one that has some;
/// those before it go to `blank`.
fn fill_index(
    storage: &dyn Storage,
    index: &StreamIndex,
    numbers: &Files,
    blank: &mut Vec<String>,
    notices: &mut Vec<Notice>,
) -> io::Result<Vec<String>> {
    let stream = index.stream();
    let mut empty = Vec::new();
    for (number, len) in numbers {
        notices.extend(missing::cut_short(storage, stream, *number, *len));
        match first_frame(storage, index, *number, *len)? {
            First::Frame(first) => {
                blank.append(&mut empty);
                index.add(Entry { number: *number, first, bytes: *len });
            }
            First::None => empty.push(segment::name(stream, *number)),
            First::Unreadable => {
                let (from, name) = (segment::name(stream, *number), aside(stream, *number));
                storage.rename(&from, &name)?;
                notices.push(Notice::SetAside { name });
            }
        }
    }
    Ok(empty)
}

/// The record of an epoch that has lost it; an empty one if its segments say nothing either.
fn rebuilt_record(
    storage: &dyn Storage,
    epoch: u64,
    files: &BTreeMap<StreamId, Files>,
    notices: &mut Vec<Notice>,
) -> EpochRecord {
    notices.push(Notice::EpochRecordLost { epoch });
    rebuild_record(storage, epoch, files).unwrap_or_else(|| {
        notices.push(Notice::Unreadable { epoch });
        EpochRecord { edge: 0, epoch, salt: 0, ending: Ending::Recovered, ends: Vec::new() }
    })
}

/// Makes a record from what the segments' names and headers say.
fn rebuild_record(
    storage: &dyn Storage,
    epoch: u64,
    files: &BTreeMap<StreamId, Files>,
) -> Option<EpochRecord> {
    let header = files.iter().find_map(|(stream, numbers)| {
        numbers.keys().find_map(|number| {
            let page = storage::read_file(storage, &segment::name(*stream, *number), 4096).ok()??;
            Header::decode(&page).filter(|header| header.stream.epoch == epoch)
        })
    })?;
    let workers = files.keys().map(|stream| usize::from(stream.worker) + 1).max()?;
    let ends = vec![End::default(); workers];
    Some(EpochRecord { edge: header.stream.edge, epoch, salt: header.salt, ending: Ending::Unknown, ends })
}

/// What a segment begins with.
enum First {
    /// A sound frame of this number.
    Frame(u64),
    /// No sound frame in all of it.
    None,
    /// The disk did not read all of it, and the rest holds no sound frame.
    Unreadable,
}

/// The name of a segment that could not be read.
fn aside(stream: StreamId, number: u64) -> String {
    format!("unreadable-{}", segment::name(stream, number))
}

/// The number of a segment's first sound frame.
fn first_frame(storage: &dyn Storage, index: &StreamIndex, number: u64, len: u64) -> io::Result<First> {
    let mut first = None;
    let unreadable = walk(storage, index, number, len, PROBE, |frame| {
        first = Some(frame.sequence);
        false
    })?;
    Ok(match (first, unreadable) {
        (Some(first), _) => First::Frame(first),
        (None, None) => First::None,
        (None, Some(_)) => First::Unreadable,
    })
}
