//! The end of a stream whose process was killed: found by searching its last segments, and made durable before anyone
//! ships it.

use crate::epoch::{End, EpochRecord};
use crate::frame::{self, Frame, SLOT};
use crate::index::{Entry, StreamIndex};
use crate::notice::Notice;
use crate::pool::Pool;
use crate::reader::read_what_can_be_read;
use crate::segment::{self, Found, HEADER_BYTES, Header};
use crate::storage::{self, File, Storage};
use std::collections::BTreeMap;
use std::io;

/// Pieces in which a segment is searched.
const PIECE: u64 = 1 << 20;
/// Attempts to read a piece; each lets the disk make its own.
const ATTEMPTS: u32 = 3;

/// Where a stream of a killed start ends, and whether its last segments repeat each other: then a failed write or
/// sync had frames written twice, and each place may have some that the other lacks.
pub(crate) fn search_end(
    storage: &dyn Storage,
    index: &StreamIndex,
    notices: &mut Vec<Notice>,
) -> io::Result<(End, bool)> {
    let mut end = End::default();
    let mut repeats = false;
    let mut first_behind = None;
    // From the last segment backwards, as long as frames may lie there that were not durable.
    for entry in index.from(0).iter().rev() {
        let mut next = 0;
        let unreadable = walk(storage, index, entry.number, entry.bytes, PIECE, |frame| {
            next = frame.sequence + 1;
            end.durable = end.durable.max(frame.durable_before);
            true
        })?;
        if unreadable.is_some() {
            notices.push(Notice::PartlyUnreadable { name: segment::name(index.stream(), entry.number) });
        }
        end.next = end.next.max(next);
        repeats |= first_behind.is_some_and(|first| next > first);
        first_behind = Some(entry.first);
        if entry.first < end.durable {
            break;
        }
    }
    Ok((end, repeats))
}

/// Makes durable what a killed start had written and perhaps not synced: it will be shipped as durable. Says whether that
/// took a copy.
pub(crate) fn make_durable(
    storage: &dyn Storage,
    index: &StreamIndex,
    end: End,
    mut copy: bool,
    pool: &mut Pool,
) -> io::Result<Option<Notice>> {
    let entries = index.from(end.durable);
    if let Some(last) = entries.last()
        && is_copy(storage, index, last)?
    {
        // An earlier attempt to start came so far for this stream.
        return Ok(None);
    }
    for entry in &entries {
        copy = copy || storage.open(&segment::name(index.stream(), entry.number))?.sync().is_err();
    }
    if !copy || entries.is_empty() {
        return Ok(None);
    }
    // What the cache shows may not be on disk, and no later sync would say so: write it elsewhere. Only this is tried
    // again with more room, never the sync.
    let mark = EpochRecord::distrust_name(index.stream().epoch);
    pool.with_room(storage, || storage.create(&mark).map(drop))?;
    pool.with_spares(storage, || copy_tail(storage, index, &entries, end.durable))?;
    Ok(Some(Notice::TailCopied { stream: index.stream(), from: end.durable }))
}

/// Whether a segment is what [`copy_tail`] has made: whole, and of a length that no other segment has.
fn is_copy(storage: &dyn Storage, index: &StreamIndex, entry: &Entry) -> io::Result<bool> {
    let name = segment::name(index.stream(), entry.number);
    let head = storage::read_file(storage, &name, 4096)?.unwrap_or_default();
    let header = Header::decode(&head).filter(|header| header.bytes == entry.bytes);
    Ok(header.is_some_and(|header| !header.bytes.is_multiple_of(HEADER_BYTES)))
}

/// Writes all sound frames from number `from` on into one new segment behind `entries`, synced before it has its name.
fn copy_tail(storage: &dyn Storage, index: &StreamIndex, entries: &[Entry], from: u64) -> io::Result<()> {
    let mut frames: BTreeMap<u64, (i64, u64, Vec<u8>)> = BTreeMap::new();
    for entry in entries {
        let _ = walk(storage, index, entry.number, entry.bytes, PIECE, |frame| {
            if frame.sequence >= from {
                frames.insert(frame.sequence, (frame.at_ms, frame.durable_before, frame.payload.to_vec()));
            }
            true
        })?;
    }
    let (Some(first), Some(last)) = (frames.keys().next().copied(), entries.last()) else { return Ok(()) };
    let number = last.number + 1;
    let mut body = Vec::new();
    for (sequence, (at_ms, durable_before, payload)) in frames {
        let frame = Frame { sequence, at_ms, durable_before, payload: &payload };
        let at = HEADER_BYTES + body.len() as u64;
        frame::encode(&mut body, index.stream(), &frame, index.seed(number), at);
    }
    if (body.len() as u64).is_multiple_of(HEADER_BYTES) {
        // A slot without a frame: the length tells a copy.
        body.resize(body.len() + SLOT, 0);
    }
    let bytes = HEADER_BYTES + body.len() as u64;
    let header = Header { stream: index.stream(), number, salt: index.salt(), bytes };
    let mut file = header.encode();
    file.append(&mut body);
    storage::replace_file(storage, &segment::name(index.stream(), number), &file)?;
    index.add(Entry { number, first, bytes });
    Ok(())
}

/// Calls `seen` with each sound frame of a segment, until it says `false`. Returns the error of pages that the disk did
/// not read though they were asked for more than once.
pub(crate) fn walk(
    storage: &dyn Storage,
    index: &StreamIndex,
    number: u64,
    len: u64,
    piece: u64,
    mut seen: impl FnMut(&Frame<'_>) -> bool,
) -> io::Result<Option<io::Error>> {
    let file = storage.open(&segment::name(index.stream(), number))?;
    let seed = index.seed(number);
    let mut buffer = Vec::new();
    let mut base = HEADER_BYTES;
    let mut want = piece;
    let mut unreadable = None;
    while base < len {
        buffer.resize(usize::try_from(want.min(len - base)).unwrap_or(0), 0);
        let (_, error) = read_with_patience(&*file, &mut buffer, base);
        unreadable = unreadable.or(error);
        let mut at = 0;
        let rest = loop {
            match segment::find(&buffer, at, base, index.stream(), seed) {
                Found::Frame { start, frame } => {
                    if !seen(&frame) {
                        return Ok(unreadable);
                    }
                    at = start + frame::size(frame.payload.len());
                }
                Found::NeedsMore { start } => break start,
            }
        };
        // A frame that seems cut at the very end of the file is none.
        base += if rest == 0 { buffer.len() as u64 } else { rest as u64 };
        want = PIECE;
    }
    Ok(unreadable)
}

/// Reads a piece, more than once if the disk does not read all of it.
fn read_with_patience(file: &dyn File, bytes: &mut [u8], offset: u64) -> (usize, Option<io::Error>) {
    for _ in 1..ATTEMPTS {
        if let (got, None) = read_what_can_be_read(file, bytes, offset) {
            return (got, None);
        }
    }
    read_what_can_be_read(file, bytes, offset)
}
