//! One frame as bytes: what it looks like, how it is written, how it is checked. No file, no clock.
//!
//! A frame takes whole slots of 64 bytes and starts at a slot's beginning, so that after damage the next frame is
//! found by looking at the next slot, and no small frame straddles a disk sector. All integers are little-endian.
//!
//! | offset | field | bytes |
//! | --- | --- | --- |
//! | 0 | CRC-32 of all the rest, padding included; its seed names the place | 4 |
//! | 4 | layout version | 1 |
//! | 5 | worker | 1 |
//! | 6 | edge | 2 |
//! | 8 | epoch | 8 |
//! | 16 | sequence | 5 |
//! | 21 | how many frames before this one were not yet durable when it was written | 3 |
//! | 24 | time, milliseconds since 1970 | 6 |
//! | 30 | payload length | 2 |
//! | 32 | payload, then zeros to the slot's end | n |
//!
//! The seed of the CRC is made of the epoch's salt, the stream, the segment's number and the slot: a block of an
//! earlier life of the file, or one that a disk put in the wrong place, never passes for a frame; nor does a payload
//! that was made to look like one, because the salt is secret.

use crate::StreamId;

/// Bytes of a slot: every frame takes a whole number of them.
pub const SLOT: usize = 64;
/// Bytes of a frame before its payload. With 96 bytes of payload a frame is exactly two slots.
pub const HEADER: usize = 32;
/// The largest payload.
pub const MAX_PAYLOAD: usize = 4096;
/// The largest sequence number: 40 bits.
pub const MAX_SEQUENCE: u64 = (1 << 40) - 1;
/// The layout written today. Never zero: a slot that begins with zeros is unused.
pub const VERSION: u8 = 1;

const MAX_BEHIND: u64 = (1 << 24) - 1;
const MAX_TIME: i64 = (1 << 47) - 1;

/// One frame, borrowed from the buffer it was read into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its number in the stream.
    pub sequence: u64,
    /// The time it was given, in milliseconds since 1970.
    pub at_ms: i64,
    /// Everything below this number was durable when the frame was written.
    pub durable_before: u64,
    /// The bytes.
    pub payload: &'a [u8],
}

/// Why the bytes at a slot are not a frame of this place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// Never written: the version byte is zero.
    Unused,
    /// A version this program does not know, or garbage.
    Version,
    /// A length that no frame has, or more than there are bytes.
    Length,
    /// Another stream's, or an earlier life's.
    Foreign,
    /// The checksum does not match.
    Checksum,
}

/// The seed of all checksums of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(u32);

impl Seed {
    /// The seed of segment `number` of `stream`.
    pub fn new(salt: u64, stream: StreamId, number: u64) -> Self {
        let mut hash = mix(salt ^ stream.epoch);
        hash = mix(hash ^ (u64::from(stream.edge) << 8 | u64::from(stream.worker)));
        hash = mix(hash ^ number);
        let b = hash.to_le_bytes();
        Self(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    /// The seed of the slot at byte `offset` of the segment. The odd factor gives every slot another seed.
    fn at(self, offset: u64) -> u32 {
        let slot = (offset / SLOT as u64).to_le_bytes();
        let slot = u32::from_le_bytes([slot[0], slot[1], slot[2], slot[3]]);
        self.0.wrapping_add(slot.wrapping_mul(0x9e37_79b1))
    }
}

/// Spreads the bits of a word (the finisher of splitmix64).
pub(crate) fn mix(word: u64) -> u64 {
    let mut z = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Bytes a frame with `payload` bytes takes on disk.
pub const fn size(payload: usize) -> usize {
    (HEADER + payload).next_multiple_of(SLOT)
}

/// Whether a time fits the layout (some 4,400 years either way).
pub const fn time_fits(at_ms: i64) -> bool {
    at_ms >= -MAX_TIME && at_ms <= MAX_TIME
}

/// Appends a frame to `out`, for the slot at byte `offset` of the segment that `seed` belongs to.
///
/// The caller has checked the payload's length, the sequence and the time.
pub fn encode(out: &mut Vec<u8>, stream: StreamId, frame: &Frame<'_>, seed: Seed, offset: u64) {
    debug_assert!(frame.payload.len() <= MAX_PAYLOAD && frame.sequence <= MAX_SEQUENCE);
    let start = out.len();
    let behind = frame.sequence.saturating_sub(frame.durable_before).min(MAX_BEHIND);
    let len = frame.payload.len().to_le_bytes();
    let mut head = [0; HEADER];
    head[4] = VERSION;
    head[5] = stream.worker;
    head[6..8].copy_from_slice(&stream.edge.to_le_bytes());
    head[8..16].copy_from_slice(&stream.epoch.to_le_bytes());
    head[16..21].copy_from_slice(&frame.sequence.to_le_bytes()[..5]);
    head[21..24].copy_from_slice(&behind.to_le_bytes()[..3]);
    head[24..30].copy_from_slice(&frame.at_ms.to_le_bytes()[..6]);
    head[30..32].copy_from_slice(&len[..2]);
    out.extend_from_slice(&head);
    out.extend_from_slice(frame.payload);
    out.resize(start + size(frame.payload.len()), 0);
    seal(&mut out[start..], seed, offset);
}

/// Writes the checksum of the frame that fills `bytes`, for a place. Also moves a frame to another place.
pub fn seal(bytes: &mut [u8], seed: Seed, offset: u64) {
    let crc = checksum(&bytes[4..], seed, offset);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
}

fn checksum(bytes: &[u8], seed: Seed, offset: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(seed.at(offset));
    hasher.update(bytes);
    hasher.finalize()
}

/// Bytes on disk of the frame at the start of `bytes`, which is known to be one.
pub fn stored_size(bytes: &[u8]) -> usize {
    size(usize::from(u16::from_le_bytes([bytes[30], bytes[31]])))
}

/// The sequence number of the frame at the start of `bytes`, which is known to be one.
pub fn stored_sequence(bytes: &[u8]) -> u64 {
    u64::from_le_bytes([bytes[16], bytes[17], bytes[18], bytes[19], bytes[20], 0, 0, 0])
}

/// Reads the frame at the start of `bytes`, which may go on behind it.
///
/// # Errors
/// If there is no whole and sound frame of `stream` for this place.
pub fn decode(bytes: &[u8], stream: StreamId, seed: Seed, offset: u64) -> Result<Frame<'_>, Defect> {
    let Some(head) = bytes.first_chunk::<HEADER>() else { return Err(Defect::Length) };
    if head[4] != VERSION {
        return Err(if head[4] == 0 { Defect::Unused } else { Defect::Version });
    }
    if head[8..16] != stream.epoch.to_le_bytes()
        || head[5] != stream.worker
        || head[6..8] != stream.edge.to_le_bytes()
    {
        return Err(Defect::Foreign);
    }
    let len = usize::from(u16::from_le_bytes([head[30], head[31]]));
    if len > MAX_PAYLOAD || size(len) > bytes.len() {
        return Err(Defect::Length);
    }
    let stored = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
    if checksum(&bytes[4..size(len)], seed, offset) != stored {
        return Err(Defect::Checksum);
    }
    let sequence = stored_sequence(bytes);
    let behind = u64::from(u32::from_le_bytes([head[21], head[22], head[23], 0]));
    let sign = if head[29] & 0x80 == 0 { 0 } else { 0xff };
    let t = [head[24], head[25], head[26], head[27], head[28], head[29], sign, sign];
    Ok(Frame {
        sequence,
        at_ms: i64::from_le_bytes(t),
        // The field saturates: then it says nothing.
        durable_before: if behind == MAX_BEHIND { 0 } else { sequence.saturating_sub(behind) },
        payload: &bytes[HEADER..HEADER + len],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STREAM: StreamId = StreamId { edge: 513, epoch: 0x0123_4567_89ab_cdef, worker: 7 };

    fn seed() -> Seed {
        Seed::new(42, STREAM, 3)
    }

    fn encoded(frame: &Frame<'_>, offset: u64) -> Vec<u8> {
        let mut out = Vec::new();
        encode(&mut out, STREAM, frame, seed(), offset);
        out
    }

    fn sample(payload: &[u8]) -> Frame<'_> {
        Frame { sequence: 0x01_0203_0405, at_ms: 1_763_000_000_123, durable_before: 0x01_0203_0000, payload }
    }

    #[test]
    fn a_click_without_a_label_takes_two_slots() {
        assert_eq!(size(96), 128);
        assert_eq!(size(97), 192);
        assert_eq!(size(0), 64);
    }

    #[test]
    fn the_layout_is_what_was_written_down() {
        let bytes = encoded(&sample(b"abc"), 4096);
        assert_eq!(bytes.len(), SLOT);
        assert_eq!(bytes[4..8], [1, 7, 1, 2]);
        assert_eq!(bytes[8..16], [0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01]);
        assert_eq!(bytes[16..24], [5, 4, 3, 2, 1, 5, 4, 0]);
        assert_eq!(bytes[24..30], 1_763_000_000_123_i64.to_le_bytes()[..6]);
        assert_eq!(bytes[30..35], [3, 0, b'a', b'b', b'c']);
        assert_eq!(bytes[35..], [0; 29]);
    }

    #[test]
    fn every_single_bit_is_guarded() {
        let bytes = encoded(&sample(b"a click of some length, more than one slot can hold ......"), 4096);
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&bad, STREAM, seed(), 4096).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_frame_is_valid_in_its_own_place_only() {
        let frame = sample(b"abc");
        let bytes = encoded(&frame, 4096);
        assert_eq!(decode(&bytes, STREAM, seed(), 4096), Ok(frame));
        assert_eq!(decode(&bytes, STREAM, seed(), 4160), Err(Defect::Checksum));
        assert_eq!(decode(&bytes, STREAM, Seed::new(42, STREAM, 4), 4096), Err(Defect::Checksum));
        assert_eq!(decode(&bytes, STREAM, Seed::new(43, STREAM, 3), 4096), Err(Defect::Checksum));
        let others = [
            StreamId { epoch: STREAM.epoch + 1, ..STREAM },
            StreamId { worker: STREAM.worker + 1, ..STREAM },
            StreamId { edge: STREAM.edge + 1, ..STREAM },
        ];
        for other in others {
            assert_eq!(decode(&bytes, other, seed(), 4096), Err(Defect::Foreign), "{other}");
        }
        assert_eq!(decode(&[0; 64], STREAM, seed(), 4096), Err(Defect::Unused));
    }

    #[test]
    fn the_longest_payload_is_read_and_a_longer_one_not_believed() {
        let payload = [7; MAX_PAYLOAD];
        let longest = sample(&payload);
        let mut bytes = encoded(&longest, 4096);
        assert_eq!(decode(&bytes, STREAM, seed(), 4096), Ok(longest));
        bytes[30..32].copy_from_slice(&u16::try_from(MAX_PAYLOAD + 1).unwrap().to_le_bytes());
        bytes.resize(2 * bytes.len(), 0);
        let size = size(MAX_PAYLOAD + 1);
        seal(&mut bytes[..size], seed(), 4096);
        assert_eq!(decode(&bytes, STREAM, seed(), 4096), Err(Defect::Length));
    }

    #[test]
    fn a_moved_frame_is_sound_again() {
        let frame = sample(b"abc");
        let mut bytes = encoded(&frame, 4096);
        let elsewhere = Seed::new(42, STREAM, 9);
        seal(&mut bytes, elsewhere, 8192);
        assert_eq!(decode(&bytes, STREAM, elsewhere, 8192), Ok(frame));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            sequence in 0..=MAX_SEQUENCE,
            at_ms in -MAX_TIME..=MAX_TIME,
            behind in 0..MAX_BEHIND,
            payload in proptest::collection::vec(any::<u8>(), 0..300),
            slot in 64_u64..1_000_000,
        ) {
            let frame = Frame {
                sequence, at_ms, durable_before: sequence.saturating_sub(behind), payload: &payload,
            };
            let bytes = encoded(&frame, slot * 64);
            prop_assert_eq!(bytes.len(), size(payload.len()));
            prop_assert_eq!(stored_size(&bytes), bytes.len());
            prop_assert_eq!(decode(&bytes, STREAM, seed(), slot * 64), Ok(frame));
            for cut in 0..bytes.len() {
                prop_assert!(decode(&bytes[..cut], STREAM, seed(), slot * 64).is_err());
            }
        }
    }
}
