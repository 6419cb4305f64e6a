//! Reads consecutive frames of one stream into a batch, up to the watermark, the batch's limit, or damage.

use attribution_core::shipping::Batch;
use attribution_core::time::Instant;
use journal::{ReadError, Reader};
use std::ops::Range;

/// What lies ahead of a reader.
#[derive(Debug)]
pub(super) enum Filled {
    /// Frames to ship.
    Batch {
        batch: Batch,
        /// Times of the first and the last frame.
        times: (Instant, Instant),
    },
    /// Nothing below the watermark yet.
    Nothing,
    /// These frames cannot be read, now or ever.
    Lost(Range<u64>),
    /// The journal begins here: what lies before was released because the core had it.
    Released { first: u64 },
}

/// Fills `batch`, which is empty and begins at the reader's position.
///
/// What stops a batch that already holds frames (damage, a segment that cannot be opened) is met again, alone, by the
/// next call: the caller makes a new reader after every call that did not give a batch or nothing.
pub(super) fn fill(
    reader: &mut Reader,
    below: u64,
    limit: u32,
    mut batch: Batch,
) -> Result<Filled, ReadError> {
    let mut times: Option<(Instant, Instant)> = None;
    while batch.len() < limit {
        let position = reader.position();
        match reader.next(below) {
            Ok(Some(frame)) => {
                let at = Instant(frame.at_ms);
                if !batch.push(at, frame.payload) {
                    if batch.is_empty() {
                        // No batch can carry it. Edges do not write such frames.
                        return Ok(Filled::Lost(position..position + 1));
                    }
                    break;
                }
                times = Some((times.map_or(at, |(first, _)| first), at));
            }
            Ok(None) => break,
            Err(_) if !batch.is_empty() => break,
            Err(ReadError::Damaged { from, to }) => return Ok(Filled::Lost(from..to)),
            Err(ReadError::Released { first }) => return Ok(Filled::Released { first }),
            Err(error) => return Err(error),
        }
    }
    Ok(times.map_or(Filled::Nothing, |times| Filled::Batch { batch, times }))
}
