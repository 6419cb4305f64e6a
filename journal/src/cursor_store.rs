//! How far each reader has come, by name and stream: durable, so that a restart goes on there, and asked before a
//! segment is released.

use crate::pool::Pool;
use crate::storage::{self, Storage};
use crate::{StreamId, lock};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

const MAGIC: [u8; 8] = *b"YKJCUR\0\x01";
const PER_STREAM: usize = 24;
const PREFIX: &str = "cursor-";
/// Bytes of the largest file that is read: some hundred thousand streams.
const LIMIT: usize = 4 << 20;

type Positions = BTreeMap<StreamId, u64>;

/// All cursors of a journal.
pub(crate) struct CursorStore {
    storage: Arc<dyn Storage>,
    names: Mutex<BTreeMap<String, Positions>>,
}

/// Why a cursor was not moved.
#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    /// Not one of the names the journal was opened with.
    #[error("the journal has no cursor {0:?}")]
    Unknown(String),
    /// The journal has no such stream, or it was released.
    #[error("the journal has no stream of {0}")]
    NoStream(StreamId),
    /// Back to where frames are gone.
    #[error("frames below {first} were released")]
    Released {
        /// The first number still there.
        first: u64,
    },
    /// The file could not be written; the cursor stays where it was.
    #[error("the cursor could not be saved")]
    Save(#[source] io::Error),
}

impl CursorStore {
    /// Reads the cursors of these names, for these streams with the first number present of each. Also gives the
    /// names whose file was damaged.
    ///
    /// A name without a good file begins where the others are, but not before the first frame that is there. On a full disk
    /// `pool` makes room for its file.
    pub(crate) fn open(
        storage: Arc<dyn Storage>,
        names: &[String],
        streams: &[(StreamId, u64)],
        pool: &mut Pool,
    ) -> io::Result<(Self, Vec<String>)> {
        let mut all = BTreeMap::new();
        let mut fresh = Vec::new();
        let mut lost = Vec::new();
        for name in names {
            let bytes = storage::read_file(&*storage, &file_name(name), LIMIT)?;
            let positions = bytes.as_ref().map(|bytes| decode(bytes));
            match positions {
                Some(Some(mut positions)) => {
                    positions.retain(|stream, _| streams.iter().any(|(s, _)| s == stream));
                    all.insert(name.clone(), positions);
                }
                Some(None) => lost.push(name.clone()),
                None => fresh.push(name.clone()),
            }
        }
        let begin = |(stream, first): &(StreamId, u64)| {
            let least = all.values().map(|p: &Positions| p.get(stream).copied().unwrap_or(0)).min();
            (*stream, least.unwrap_or(0).max(*first))
        };
        let begins: Positions = streams.iter().map(begin).collect();
        for name in fresh.iter().chain(&lost) {
            pool.with_room(&*storage, || write(&*storage, name, &begins))?;
            all.insert(name.clone(), begins.clone());
        }
        Ok((Self { storage, names: Mutex::new(all) }, lost))
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        lock(&self.names).contains_key(name)
    }

    pub(crate) fn get(&self, name: &str, stream: StreamId) -> u64 {
        lock(&self.names).get(name).and_then(|p| p.get(&stream).copied()).unwrap_or(0)
    }

    /// The least position of all names; `None` if there is no name.
    pub(crate) fn least(&self, stream: StreamId) -> Option<u64> {
        lock(&self.names).values().map(|p| p.get(&stream).copied().unwrap_or(0)).min()
    }

    /// The greatest position of all names; `None` if there is no name.
    pub(crate) fn most(&self, stream: StreamId) -> Option<u64> {
        lock(&self.names).values().map(|p| p.get(&stream).copied().unwrap_or(0)).max()
    }

    pub(crate) fn save(&self, name: &str, moves: &[(StreamId, u64)]) -> Result<(), CursorError> {
        let mut names = lock(&self.names);
        let Some(positions) = names.get_mut(name) else { return Err(CursorError::Unknown(name.to_owned())) };
        let mut new = positions.clone();
        new.extend(moves.iter().copied());
        if new != *positions {
            write(&*self.storage, name, &new).map_err(CursorError::Save)?;
            *positions = new;
        }
        Ok(())
    }

    /// Forgets streams that are gone. The files follow when they are next written.
    pub(crate) fn forget(&self, streams: &[StreamId]) {
        for positions in lock(&self.names).values_mut() {
            positions.retain(|stream, _| !streams.contains(stream));
        }
    }
}

fn file_name(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// Makes a cursor's file durable: as one step, and on a full disk over the one that is there. Segments wait for it that make
/// room once they are released; and if the power fails in the middle, the file is found damaged and begins anew, which
/// repeats and loses nothing.
fn write(disk: &dyn Storage, name: &str, positions: &Positions) -> io::Result<()> {
    let name = file_name(name);
    match storage::replace_file(disk, &name, &encode(positions, 0)) {
        Err(e) if storage::is_full(&e) => {
            let there = storage::read_file(disk, &name, LIMIT)?.ok_or(e)?;
            let file = disk.open(&name)?;
            storage::write_all(&*file, &encode(positions, there.len()), 0)?;
            file.sync()
        }
        other => other,
    }
}

/// The bytes of a file that is at least so long: the last row is repeated, which means nothing.
fn encode(positions: &Positions, len: usize) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    let last = positions.iter().next_back();
    let missing = len.saturating_sub(MAGIC.len() + positions.len() * PER_STREAM + 4) / PER_STREAM;
    for (stream, next) in positions.iter().chain(last.into_iter().cycle().take(missing)) {
        out.extend_from_slice(&stream.epoch.to_le_bytes());
        out.extend_from_slice(&stream.edge.to_le_bytes());
        out.extend_from_slice(&[stream.worker, 0, 0, 0, 0, 0]);
        out.extend_from_slice(&next.to_le_bytes());
    }
    let crc = crc32fast::hash(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

fn decode(bytes: &[u8]) -> Option<Positions> {
    let (body, crc) = bytes.split_last_chunk::<4>()?;
    let rows = body.strip_prefix(&MAGIC)?;
    if crc32fast::hash(body) != u32::from_le_bytes(*crc) || !rows.len().is_multiple_of(PER_STREAM) {
        return None;
    }
    let row = |row: &[u8]| {
        let word = |i: usize| Some(u64::from_le_bytes(row.get(i..i + 8)?.try_into().ok()?));
        let edge = u16::from_le_bytes([row[8], row[9]]);
        Some((StreamId { epoch: word(0)?, edge, worker: row[10] }, word(16)?))
    };
    rows.chunks_exact(PER_STREAM).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::FakeStorage;

    const A: StreamId = StreamId { edge: 1, epoch: 7, worker: 0 };
    const B: StreamId = StreamId { edge: 1, epoch: 7, worker: 1 };

    fn open(disk: &FakeStorage, names: &[&str]) -> (CursorStore, Vec<String>) {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        CursorStore::open(Arc::new(disk.clone()), &names, &[(A, 0), (B, 2)], &mut Pool::default()).unwrap()
    }

    #[test]
    fn what_was_saved_survives_a_power_cut() {
        for seed in 0..50 {
            let disk = FakeStorage::new();
            let (store, _) = open(&disk, &["ship"]);
            store.save("ship", &[(A, 5), (B, 6)]).unwrap();
            let (store, lost) = open(&disk.crash(seed), &["ship"]);
            assert_eq!((store.get("ship", A), store.get("ship", B), lost.len()), (5, 6, 0));
        }
    }

    #[test]
    fn a_new_name_begins_where_the_others_are() {
        let disk = FakeStorage::new();
        let (store, _) = open(&disk, &["ship"]);
        store.save("ship", &[(A, 5)]).unwrap();
        assert_eq!(store.least(A), Some(5));
        let (store, _) = open(&disk, &["ship", "redis"]);
        assert_eq!((store.get("redis", A), store.least(A), store.least(B)), (5, Some(5), Some(2)));
        assert!(matches!(store.save("other", &[]), Err(CursorError::Unknown(_))));
    }

    #[test]
    fn a_new_name_begins_where_the_last_of_the_others_is() {
        let disk = FakeStorage::new();
        let (store, _) = open(&disk, &["redis", "ship"]);
        store.save("ship", &[(A, 5)]).unwrap();
        store.save("redis", &[(A, 3)]).unwrap();
        let (store, _) = open(&disk, &["other", "redis", "ship"]);
        assert_eq!(store.get("other", A), 3);
    }

    #[test]
    fn streams_that_are_gone_are_forgotten_and_leave_the_file_with_the_next_write() {
        let disk = FakeStorage::new();
        let (store, _) = open(&disk, &["ship"]);
        store.save("ship", &[(A, 5), (B, 6)]).unwrap();
        store.forget(&[A]);
        assert_eq!((store.get("ship", A), store.get("ship", B)), (0, 6));
        store.save("ship", &[(B, 7)]).unwrap();
        let (store, _) = open(&disk, &["ship"]);
        assert_eq!((store.get("ship", A), store.get("ship", B)), (0, 7));
    }

    #[test]
    fn on_a_full_disk_a_file_is_written_over_also_by_a_shorter_one() {
        let disk = FakeStorage::new();
        let (store, _) = open(&disk, &["ship"]);
        store.save("ship", &[(A, 5), (B, 6)]).unwrap();
        disk.set_capacity(0);
        store.forget(&[A]);
        store.save("ship", &[(B, 7)]).unwrap();
        let (store, lost) = open(&disk.crash(1), &["ship"]);
        assert_eq!((store.get("ship", A), store.get("ship", B), lost.len()), (0, 7, 0));
    }

    #[test]
    fn cursors_are_logged_by_their_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut options = crate::Options::new(dir.path(), 1, 1);
        options.cursors = vec!["ship".to_owned()];
        let opened = crate::Journal::open(&options, 1_763_000_000_000, 1).unwrap();
        assert_eq!(
            format!("{:?}", opened.journal.cursors("ship").unwrap()),
            "Cursors { name: \"ship\", .. }"
        );
    }

    #[test]
    fn a_damaged_file_is_named_and_begins_anew() {
        let disk = FakeStorage::new();
        let (store, _) = open(&disk, &["ship"]);
        store.save("ship", &[(A, 5)]).unwrap();
        disk.damage("cursor-ship", |bytes| bytes[30] ^= 4).unwrap();
        let (store, lost) = open(&disk, &["ship"]);
        assert_eq!((store.get("ship", A), store.get("ship", B), lost), (0, 2, vec!["ship".to_owned()]));
    }
}
