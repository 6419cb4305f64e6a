//! What must hold whatever bytes a disk gives back: one function for each format, which panics if it does not hold. The
//! property tests give them random bytes, the targets in `fuzz/` bytes that a fuzzer has bred.

use crate::StreamId;
use crate::frame::{self, SLOT, Seed};
use crate::segment::{self, Found, Header};

const STREAM: StreamId = StreamId { edge: 513, epoch: 0x0123_4567_89ab_cdef, worker: 7 };
/// Where the bytes are said to lie in their segment.
const OFFSET: u64 = 4_096;

fn seed() -> Seed {
    Seed::new(42, STREAM, 3)
}

/// A frame that is taken has its checksum: the same bytes are no frame at another place, nor with one of them changed.
/// The bytes are also tried with stream and checksum put right: else hardly any would get beyond those.
pub fn frame(bytes: &[u8]) {
    let _ = frame::decode(bytes, STREAM, seed(), OFFSET);
    if bytes.len() < SLOT {
        return;
    }
    let mut bytes = bytes.to_vec();
    bytes[4..8].copy_from_slice(&[1, STREAM.worker, 1, 2]);
    bytes[8..16].copy_from_slice(&STREAM.epoch.to_le_bytes());
    let whole = frame::stored_size(&bytes);
    if whole <= bytes.len() {
        frame::seal(&mut bytes[..whole], seed(), OFFSET);
    }
    let Ok(frame) = frame::decode(&bytes, STREAM, seed(), OFFSET) else { return };
    assert!(frame.payload.len() <= frame::MAX_PAYLOAD && frame.durable_before <= frame.sequence);
    assert!(frame::decode(&bytes, STREAM, seed(), OFFSET + SLOT as u64).is_err());
    let at = usize::from(bytes[SLOT - 1]) % whole;
    let mut damaged = bytes.clone();
    damaged[at] ^= 1;
    assert!(frame::decode(&damaged, STREAM, seed(), OFFSET).is_err(), "byte {at} is not guarded");
}

/// A header that is taken is written as it was read; the search for frames stays within its piece and gets on.
pub fn segment(bytes: &[u8]) {
    if let Some(header) = Header::decode(bytes) {
        assert_eq!(Header::decode(&header.encode()), Some(header));
    }
    let mut start = 0;
    loop {
        match segment::find(bytes, start, OFFSET, STREAM, seed()) {
            Found::Frame { start: found, frame } => {
                let end = found + frame::size(frame.payload.len());
                assert!(found >= start && end <= bytes.len());
                start = end;
            }
            Found::NeedsMore { start: rest } => {
                assert!(rest >= start && rest <= bytes.len().next_multiple_of(SLOT));
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_a_disk_gives_back_is_a_sound_frame_or_none(bytes in vec(any::<u8>(), 0..700), len in 0u16..600) {
            super::frame(&bytes);
            super::segment(&bytes);
            let mut likely = bytes;
            if likely.len() > 32 {
                likely[30..32].copy_from_slice(&len.to_le_bytes());
                super::frame(&likely);
            }
        }
    }
}
