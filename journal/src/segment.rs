//! One segment file as names and bytes: its name, its header page, and the search for sound frames in its body.

use crate::StreamId;
use crate::frame::{self, Frame, SLOT, Seed};
use crate::storage::File;
use std::sync::Arc;

/// Bytes of the header: a page of its own, so that writing frames never rewrites it.
pub const HEADER_BYTES: u64 = 4096;
/// The smallest segment allowed: the header and room for some of the largest frames.
pub const MIN_SEGMENT_BYTES: u64 = 64 << 10;

const MAGIC: [u8; 8] = *b"YKJSEG\0\x01";
const HEADER_USED: usize = 52;
const SUFFIX: &str = ".segment";

/// A segment that is being written or is ready for it.
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) file: Arc<dyn File>,
    pub(crate) seed: Seed,
    pub(crate) bytes: u64,
}

/// What a segment's header page says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Whose frames.
    pub stream: StreamId,
    /// The segment's number within the stream, from 0.
    pub number: u64,
    /// The epoch's salt.
    pub salt: u64,
    /// The file's length.
    pub bytes: u64,
}

impl Header {
    /// The header page.
    pub fn encode(&self) -> Vec<u8> {
        let mut page = Vec::with_capacity(4096);
        page.extend_from_slice(&MAGIC);
        page.extend_from_slice(&self.stream.edge.to_le_bytes());
        page.extend_from_slice(&[self.stream.worker, 0, 0, 0, 0, 0]);
        page.extend_from_slice(&self.stream.epoch.to_le_bytes());
        page.extend_from_slice(&self.number.to_le_bytes());
        page.extend_from_slice(&self.salt.to_le_bytes());
        page.extend_from_slice(&self.bytes.to_le_bytes());
        let crc = crc32fast::hash(&page);
        page.extend_from_slice(&crc.to_le_bytes());
        debug_assert_eq!(page.len(), HEADER_USED);
        page.resize(4096, 0);
        page
    }

    /// Reads a header page; `None` if it is not one or is damaged.
    pub fn decode(page: &[u8]) -> Option<Self> {
        let page = page.first_chunk::<HEADER_USED>()?;
        let word = |i: usize| -> Option<u64> { Some(u64::from_le_bytes(page[i..i + 8].try_into().ok()?)) };
        let crc = u32::from_le_bytes([page[48], page[49], page[50], page[51]]);
        if page[..8] != MAGIC || crc32fast::hash(&page[..48]) != crc {
            return None;
        }
        let stream =
            StreamId { edge: u16::from_le_bytes([page[8], page[9]]), worker: page[10], epoch: word(16)? };
        Some(Self { stream, number: word(24)?, salt: word(32)?, bytes: word(40)? })
    }
}

/// The file name of a segment.
pub fn name(stream: StreamId, number: u64) -> String {
    format!("{:016x}-{:05}-{:03}-{number:08}{SUFFIX}", stream.epoch, stream.edge, stream.worker)
}

/// The stream and number that a file name says; `None` if it is not a segment's.
pub fn parse_name(name: &str) -> Option<(StreamId, u64)> {
    let mut parts = name.strip_suffix(SUFFIX)?.split('-');
    let epoch = u64::from_str_radix(parts.next()?, 16).ok()?;
    let edge = parts.next()?.parse().ok()?;
    let worker = parts.next()?.parse().ok()?;
    let number = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some((StreamId { edge, epoch, worker }, number))
}

/// Where the next sound frame of a piece of a segment's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// At `start` of the piece.
    Frame {
        /// Bytes into the piece.
        start: usize,
        /// The frame.
        frame: Frame<'a>,
    },
    /// None that ends within the piece; one might begin at `start` and need more bytes.
    NeedsMore {
        /// Bytes into the piece: everything before holds no sound frame.
        start: usize,
    },
}

/// Looks for a sound frame slot by slot from `start` of `piece`, which begins at byte `base` of the segment.
pub fn find<'a>(piece: &'a [u8], mut start: usize, base: u64, stream: StreamId, seed: Seed) -> Found<'a> {
    let mut incomplete = None;
    while start + SLOT <= piece.len() {
        let rest = &piece[start..];
        match frame::decode(rest, stream, seed, base + start as u64) {
            Ok(frame) => return Found::Frame { start, frame },
            // Its length may be true and its end behind the piece; a frame found meanwhile comes first.
            Err(frame::Defect::Length) if incomplete.is_none() && could_be_cut(rest) => {
                incomplete = Some(start);
            }
            Err(_) => {}
        }
        start += SLOT;
    }
    Found::NeedsMore { start: incomplete.unwrap_or(start) }
}

fn could_be_cut(rest: &[u8]) -> bool {
    let len = usize::from(u16::from_le_bytes([rest[30], rest[31]]));
    len <= frame::MAX_PAYLOAD && frame::size(len) > rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: StreamId = StreamId { edge: 3, epoch: 0xabc, worker: 1 };

    #[test]
    fn names_read_back() {
        let text = name(STREAM, 12);
        assert_eq!(text, "0000000000000abc-00003-001-00000012.segment");
        assert_eq!(parse_name(&text), Some((STREAM, 12)));
        for other in
            ["epoch-0000000000000abc", "spare-1", "a-b-c-d.segment", "1-2-3.segment", "1-2-3-4-5.segment"]
        {
            assert_eq!(parse_name(other), None, "{other}");
        }
    }

    #[test]
    fn a_header_reads_back_and_guards_its_bits() {
        let header = Header { stream: STREAM, number: 9, salt: 77, bytes: 1 << 20 };
        let page = header.encode();
        assert_eq!(page.len() as u64, HEADER_BYTES);
        assert_eq!(Header::decode(&page), Some(header));
        for bit in 0..HEADER_USED * 8 {
            let mut bad = page.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&bad), None, "bit {bit}");
        }
    }

    #[test]
    fn the_search_steps_over_damage_and_asks_for_the_rest_of_a_cut_frame() {
        let seed = Seed::new(1, STREAM, 0);
        let mut piece = Vec::new();
        for sequence in 0..4 {
            let at = HEADER_BYTES + piece.len() as u64;
            let frame = Frame { sequence, at_ms: 1, durable_before: 0, payload: &[7; 100] };
            frame::encode(&mut piece, STREAM, &frame, seed, at);
        }
        piece[200] ^= 1; // frame 1
        let found = |bytes, start| match find(bytes, start, HEADER_BYTES, STREAM, seed) {
            Found::Frame { start, frame } => (start, Some(frame.sequence)),
            Found::NeedsMore { start } => (start, None),
        };
        assert_eq!(found(&piece, 0), (0, Some(0)));
        assert_eq!(found(&piece, 192), (384, Some(2)));
        assert_eq!(found(&piece[..700], 576), (576, None));
    }
}
