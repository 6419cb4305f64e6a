//! One start of the journal as a small file: durable before the first frame of that start, so that no crash and no
//! lost disk can number two frames alike. When the start is over, the file also says where each stream ends.

use crate::StreamId;
use crate::frame::mix;
use crate::storage::{self, Storage};
use std::io;

/// The last byte is the layout of everything that a start writes. Who changes any of it raises this one, so that older
/// programs leave the start alone instead of taking its frames for damaged.
const MAGIC: [u8; 8] = *b"YKJEPO\0\x01";
const PREFIX: &str = "epoch-";
const DISTRUST: &str = "distrust-";
const FIXED: usize = 40;
const PER_WORKER: usize = 16;
/// The largest record: 255 workers.
const LIMIT: usize = FIXED + 255 * PER_WORKER + 4;
/// Low bits of an epoch that are random; above them are milliseconds since 1970, good until the year 2109.
const RANDOM_BITS: u32 = 22;

/// One start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EpochRecord {
    pub(crate) edge: u16,
    pub(crate) epoch: u64,
    /// Part of every checksum of this start. Not in any click id, so that a payload cannot pose as a frame.
    pub(crate) salt: u64,
    pub(crate) ending: Ending,
    pub(crate) ends: Vec<End>,
}

/// How a start ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It runs, or the process was killed: where the streams end must be searched.
    Unknown,
    /// Closed in order: the ends are exact.
    Closed,
    /// Searched and made durable by a later start.
    Recovered,
}

/// Where a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct End {
    /// The number after the last frame.
    pub(crate) next: u64,
    /// Everything below was durable when the start ended, as far as is known.
    pub(crate) durable: u64,
}

impl EpochRecord {
    /// A new start, later than `newest`.
    pub(crate) fn new(edge: u16, workers: u8, now_ms: i64, random: u64, newest: Option<u64>) -> Self {
        let time = u64::try_from(now_ms).unwrap_or(0) << RANDOM_BITS;
        let candidate = time | (random & ((1 << RANDOM_BITS) - 1));
        let epoch = newest.map_or(candidate, |newest| candidate.max(newest.saturating_add(1)));
        let ends = vec![End::default(); usize::from(workers)];
        Self { edge, epoch, salt: mix(random), ending: Ending::Unknown, ends }
    }

    pub(crate) fn stream(&self, worker: u8) -> StreamId {
        StreamId { edge: self.edge, epoch: self.epoch, worker }
    }

    /// Its streams with their ends.
    pub(crate) fn streams(&self) -> impl Iterator<Item = (StreamId, End)> {
        (0..=u8::MAX).zip(&self.ends).map(|(worker, end)| (self.stream(worker), *end))
    }

    pub(crate) fn name(epoch: u64) -> String {
        format!("{PREFIX}{epoch:016x}")
    }

    pub(crate) fn parse_name(name: &str) -> Option<u64> {
        let digits = name.strip_prefix(PREFIX)?;
        (digits.len() == 16).then(|| u64::from_str_radix(digits, 16).ok())?
    }

    /// A file of this name says that a sync failed in this start: no later sync can be believed, so what is not known to
    /// be durable must be copied. It need not be durable itself, because a power cut takes the doubtful cache with it.
    pub(crate) fn distrust_name(epoch: u64) -> String {
        format!("{DISTRUST}{epoch:016x}")
    }

    pub(crate) fn parse_distrust(name: &str) -> Option<u64> {
        u64::from_str_radix(name.strip_prefix(DISTRUST)?, 16).ok()
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(LIMIT);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.edge.to_le_bytes());
        out.push(match self.ending {
            Ending::Unknown => 0,
            Ending::Closed => 1,
            Ending::Recovered => 2,
        });
        out.extend_from_slice(&self.ends.len().to_le_bytes()[..2]);
        out.extend_from_slice(&[0; 3]);
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&self.salt.to_le_bytes());
        out.extend_from_slice(&[0; 8]);
        for end in &self.ends {
            out.extend_from_slice(&end.next.to_le_bytes());
            out.extend_from_slice(&end.durable.to_le_bytes());
        }
        let crc = crc32fast::hash(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, crc) = bytes.split_last_chunk::<4>()?;
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) || body.get(..8)? != MAGIC {
            return None;
        }
        let word = |i: usize| Some(u64::from_le_bytes(body.get(i..i + 8)?.try_into().ok()?));
        let workers = usize::from(u16::from_le_bytes([*body.get(11)?, *body.get(12)?]));
        if body.len() != FIXED + workers * PER_WORKER || workers > 255 {
            return None;
        }
        let ending = match body[10] {
            0 => Ending::Unknown,
            1 => Ending::Closed,
            2 => Ending::Recovered,
            _ => return None,
        };
        let mut ends = Vec::with_capacity(workers);
        for i in (FIXED..body.len()).step_by(PER_WORKER) {
            ends.push(End { next: word(i)?, durable: word(i + 8)? });
        }
        let edge = u16::from_le_bytes([body[8], body[9]]);
        Some(Self { edge, epoch: word(16)?, salt: word(24)?, ending, ends })
    }

    /// Writes the record, file and directory synced.
    pub(crate) fn save(&self, storage: &dyn Storage) -> io::Result<()> {
        storage::replace_file(storage, &Self::name(self.epoch), &self.encode())
    }

    /// Reads a record; `None` if it is damaged.
    ///
    /// # Errors
    /// The system's, or that a newer program wrote it.
    pub(crate) fn load(storage: &dyn Storage, epoch: u64) -> io::Result<Option<Self>> {
        let name = Self::name(epoch);
        let bytes = storage::read_file(storage, &name, LIMIT)?.unwrap_or_default();
        if is_newer(&bytes) {
            let why =
                format!("a newer version of the program wrote {name} and its segments: go on with that one");
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        Ok(Self::decode(&bytes).filter(|record| record.epoch == epoch))
    }
}

/// Whether a sound record has a layout after ours. Each ends with the sum of what is before: damage is not taken for news.
fn is_newer(bytes: &[u8]) -> bool {
    let Some((body, crc)) = bytes.split_last_chunk::<4>() else { return false };
    let layout = body.strip_prefix(&MAGIC[..7]).and_then(|rest| rest.first());
    layout.is_some_and(|layout| *layout > MAGIC[7]) && crc32fast::hash(body) == u32::from_le_bytes(*crc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::FakeStorage;

    #[test]
    fn a_record_reads_back_and_a_damaged_one_does_not() {
        let disk = FakeStorage::new();
        let mut record = EpochRecord::new(3, 2, 1_763_000_000_000, 77, None);
        record.ending = Ending::Closed;
        record.ends[1] = End { next: 9, durable: 8 };
        record.save(&disk).unwrap();
        assert_eq!(EpochRecord::load(&disk, record.epoch).unwrap(), Some(record.clone()));
        let name = EpochRecord::name(record.epoch);
        assert_eq!(EpochRecord::parse_name(&name), Some(record.epoch));
        disk.damage(&name, |bytes| bytes[25] ^= 1).unwrap();
        assert_eq!(EpochRecord::load(&disk, record.epoch).unwrap(), None);
    }

    #[test]
    fn a_record_that_contradicts_itself_is_none_even_if_its_sum_is_right() {
        let decode = |workers: u16, ends: usize, ending: u8| {
            let record = EpochRecord::new(3, 2, 1_763_000_000_000, 77, None);
            let mut bytes = record.encode()[..FIXED].to_vec();
            bytes[10] = ending;
            bytes[11..13].copy_from_slice(&workers.to_le_bytes());
            bytes.resize(FIXED + ends * PER_WORKER, 0);
            bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
            EpochRecord::decode(&bytes).map(|record| record.ends.len())
        };
        assert_eq!([decode(2, 2, 0), decode(255, 255, 2)], [Some(2), Some(255)]);
        assert_eq!([decode(2, 1, 0), decode(1, 2, 0), decode(2, 2, 3), decode(256, 256, 0)], [None; 4]);
    }

    #[test]
    fn epochs_rise_even_if_the_clock_goes_back() {
        let first = EpochRecord::new(1, 1, 1_763_000_000_000, u64::MAX, None).epoch;
        let second = EpochRecord::new(1, 1, 1_763_000_000_001, 0, Some(first)).epoch;
        let third = EpochRecord::new(1, 1, 5, 0, Some(second)).epoch;
        assert!(first < second && second < third);
        assert_eq!(first >> RANDOM_BITS, 1_763_000_000_000);
    }
}
