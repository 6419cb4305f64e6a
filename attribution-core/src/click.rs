//! The identity of a click: which edge, which start of it, which worker, which number.

use crate::hex::{Hex16, hex, unhex};
use serde::{Deserialize, Serialize};

/// An edge's number, given once by the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EdgeId(pub u16);

/// One start of an edge: 64 bits from time and randomness, durable before the first frame of that start, so that
/// neither a crash nor a lost disk can number two clicks alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// A worker of an edge (one per core).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerId(pub u8);

/// The numbers of one worker within one epoch run without gaps: a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stream {
    /// The edge.
    pub edge: EdgeId,
    /// Its start.
    pub epoch: Epoch,
    /// Its worker.
    pub worker: WorkerId,
}

/// Bits of a sequence number that fit a click id.
const SEQUENCE_BITS: u32 = 40;
/// The largest sequence number within one epoch and worker: a thousand milliard clicks.
pub const MAX_SEQUENCE: u64 = (1 << SEQUENCE_BITS) - 1;

/// A click's fixed 16-byte name: epoch (8), edge (2), worker (1), sequence (5), all big-endian.
///
/// Ids of one stream sort by sequence, and the epoch starts with time, so a table keyed by it grows at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ClickId(pub [u8; 16]);

impl ClickId {
    /// The id of number `sequence` of `stream`.
    ///
    /// # Panics
    /// In debug builds, if `sequence` is above [`MAX_SEQUENCE`].
    pub fn new(stream: Stream, sequence: u64) -> Self {
        debug_assert!(sequence <= MAX_SEQUENCE);
        let tail = (u128::from(stream.edge.0) << 48)
            | (u128::from(stream.worker.0) << SEQUENCE_BITS)
            | u128::from(sequence & MAX_SEQUENCE);
        Self(((u128::from(stream.epoch.0) << 64) | tail).to_be_bytes())
    }

    /// The stream this click belongs to.
    pub fn stream(self) -> Stream {
        let b = self.0;
        Stream {
            epoch: Epoch(u64::from_be_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])),
            edge: EdgeId(u16::from_be_bytes([b[8], b[9]])),
            worker: WorkerId(b[10]),
        }
    }

    /// Its number within the stream.
    pub fn sequence(self) -> u64 {
        let b = self.0;
        u64::from_be_bytes([0, 0, 0, b[11], b[12], b[13], b[14], b[15]])
    }

    /// 32 lower-case hex digits.
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }

    /// Reads 32 hex digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        unhex(text).map(Self)
    }
}

impl std::fmt::Display for ClickId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Hex16::of(&self.0).as_str())
    }
}

impl Serialize for ClickId {
    /// As 32 hex digits.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Hex16::of(&self.0).as_str())
    }
}

impl<'de> Deserialize<'de> for ClickId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("a click id is 32 hex digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_gives_back_what_it_was_made_of() {
        let stream = Stream { edge: EdgeId(513), epoch: Epoch(0x0123_4567_89ab_cdef), worker: WorkerId(7) };
        let id = ClickId::new(stream, MAX_SEQUENCE - 1);
        assert_eq!((id.stream(), id.sequence()), (stream, MAX_SEQUENCE - 1));
        assert_eq!(ClickId::from_hex(&id.to_hex()), Some(id));
        assert_eq!(id.to_hex(), "0123456789abcdef020107fffffffffe");
    }

    #[test]
    fn ids_of_a_stream_sort_by_sequence() {
        let stream = Stream { edge: EdgeId(1), epoch: Epoch(9), worker: WorkerId(0) };
        assert!(ClickId::new(stream, 255) < ClickId::new(stream, 256));
    }
}
