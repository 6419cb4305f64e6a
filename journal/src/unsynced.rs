//! The frames that are written and not yet durable, kept in memory: if the disk fails a sync, they are written
//! again elsewhere from here, because what the page cache then holds can no longer be trusted.

use crate::frame;
use std::collections::VecDeque;

/// Bytes of a chunk: the unit in which memory is given back.
const CHUNK: usize = 64 << 10;
/// Chunks kept for reuse, so that steady work allocates nothing.
const POOL: usize = 32;

#[derive(Default)]
pub(crate) struct Unsynced {
    chunks: VecDeque<Chunk>,
    pool: Vec<Vec<u8>>,
    bytes: usize,
}

struct Chunk {
    bytes: Vec<u8>,
    /// The number after its last frame.
    next: u64,
}

impl Unsynced {
    /// Keeps whole frames, the last of which is number `next - 1`.
    pub(crate) fn push(&mut self, frames: &[u8], next: u64) {
        self.bytes += frames.len();
        match self.chunks.back_mut() {
            Some(last) if last.bytes.len() + frames.len() <= CHUNK => {
                last.bytes.extend_from_slice(frames);
                last.next = next;
            }
            _ => {
                let mut bytes = self.pool.pop().unwrap_or_else(|| Vec::with_capacity(CHUNK));
                bytes.extend_from_slice(frames);
                self.chunks.push_back(Chunk { bytes, next });
            }
        }
    }

    /// Forgets what is below `durable` (in whole chunks).
    pub(crate) fn trim(&mut self, durable: u64) {
        while self.chunks.front().is_some_and(|c| c.next <= durable) {
            let Some(mut chunk) = self.chunks.pop_front() else { return };
            self.bytes -= chunk.bytes.len();
            if self.pool.len() < POOL && chunk.bytes.capacity() <= 2 * CHUNK {
                chunk.bytes.clear();
                self.pool.push(chunk.bytes);
            }
        }
    }

    /// Bytes kept.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// All frames from number `durable` on, in order.
    pub(crate) fn gather(&self, durable: u64) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.bytes);
        for chunk in &self.chunks {
            let mut rest = chunk.bytes.as_slice();
            while !rest.is_empty() {
                let (frame, behind) = rest.split_at(frame::stored_size(rest));
                if frame::stored_sequence(frame) >= durable {
                    all.extend_from_slice(frame);
                }
                rest = behind;
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Frame, Seed};
    use crate::{MAX_PAYLOAD, StreamId};

    #[test]
    fn what_is_not_durable_is_kept_in_order() {
        let stream = StreamId { edge: 1, epoch: 2, worker: 3 };
        let mut kept = Unsynced::default();
        for sequence in 0..100 {
            let mut bytes = Vec::new();
            let payload = vec![0; MAX_PAYLOAD];
            let frame = Frame { sequence, at_ms: 0, durable_before: 0, payload: &payload };
            frame::encode(&mut bytes, stream, &frame, Seed::new(0, stream, 0), 0);
            kept.push(&bytes, sequence + 1);
        }
        kept.trim(40);
        let all = kept.gather(42);
        let numbers: Vec<u64> = all.chunks(frame::size(MAX_PAYLOAD)).map(frame::stored_sequence).collect();
        assert_eq!(numbers, (42..100).collect::<Vec<_>>());
        assert!(kept.bytes() <= 60 * frame::size(MAX_PAYLOAD) + CHUNK);
        kept.trim(100);
        assert_eq!((kept.bytes(), kept.gather(0).len()), (0, 0));
    }
}
