//! What is not there though it was: segment files cut short or gone. The journal never makes a segment's name before
//! the file has its whole length, never leaves out a number, and never removes a start's last segments while it runs;
//! so what is seen here is damage from outside, and no kill or power cut looks like it.

use crate::cursor_store::CursorStore;
use crate::index::StreamIndex;
use crate::notice::Notice;
use crate::segment::{self, Header, MIN_SEGMENT_BYTES};
use crate::storage::{self, Storage};
use crate::{MAX_SEQUENCE, StreamId};

/// Names a segment that is shorter than it was made. Its header says how long that was; a small file without a header
/// is shorter than any segment.
pub(crate) fn cut_short(storage: &dyn Storage, stream: StreamId, number: u64, len: u64) -> Option<Notice> {
    let name = segment::name(stream, number);
    // Recovery copies the last frames into a segment that is just long enough: its header says so.
    let made = header(storage, &name, stream, number).map_or(MIN_SEGMENT_BYTES, |header| header.bytes);
    (len < made).then_some(Notice::CutShort { name, bytes: len })
}

fn header(storage: &dyn Storage, name: &str, stream: StreamId, number: u64) -> Option<Header> {
    let page = storage::read_file(storage, name, 4096).ok()??;
    Header::decode(&page).filter(|header| header.stream == stream && header.number == number)
}

/// Names the segments that are gone from behind the last frame of a start that was killed, though a later one was
/// prepared. Where nothing follows, nothing shows. `numbers` are those that are there.
pub(crate) fn gone_behind(
    index: &StreamIndex,
    numbers: impl DoubleEndedIterator<Item = u64> + Clone,
) -> Vec<Notice> {
    let last = index.from(MAX_SEQUENCE).last().map(|entry| entry.number);
    let mut expected = last.map_or(0, |last| last + 1);
    let mut gone = Vec::new();
    for number in numbers.filter(|number| last.is_none_or(|last| *number > last)) {
        if expected < number {
            let (first, last) = (expected, number - 1);
            gone.push(Notice::SegmentsGone { stream: index.stream(), first, last });
        }
        expected = number + 1;
    }
    gone
}

/// Compares a stream of an earlier start with how far its readers had come.
pub(crate) fn against_cursors(cursors: &CursorStore, index: &StreamIndex) -> Vec<Notice> {
    let stream = index.stream();
    let (Some(least), Some(most)) = (cursors.least(stream), cursors.most(stream)) else { return Vec::new() };
    let mut notices = Vec::new();
    if least < index.first() {
        notices.push(Notice::FramesGone { stream, from: least, to: index.first() });
    }
    if most > index.end() {
        notices.push(Notice::EndGone { stream, next: index.end(), read: most });
    }
    notices
}
