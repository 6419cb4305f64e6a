//! A disk in memory that fails on demand: it loses unsynced sectors in a power cut, fills up, fails a sync once and
//! then "succeeds" without the data, and writes short. Everything random comes from seeds.

use super::{Entry, File, LockError, Storage};
use crate::frame::mix;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

const SECTOR: usize = 512;
/// Space is given out in pieces of this size, as file systems do.
const BLOCK: u64 = 4096;

/// One power life of the disk in memory. Clones see the same disk.
#[derive(Clone)]
pub struct FakeStorage {
    disk: Arc<Mutex<Disk>>,
    held: Arc<Held>,
    life: u64,
}

/// Whether syncs of files wait, and the way to wake them.
#[derive(Default)]
struct Held(Mutex<bool>, Condvar);

#[derive(Default)]
struct Disk {
    life: u64,
    locked: bool,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    /// Changes of names since the directory was last synced, in order.
    unsynced_names: Vec<NameChange>,
    files: BTreeMap<u64, Content>,
    next_id: u64,
    capacity: u64,
    short_writes: bool,
    failing_syncs: u32,
    failing_writes: u32,
    failing_removes: u32,
    failing_opens: u32,
    /// A file, and how many reads of it fail.
    failing_reads: Option<(u64, u32)>,
    random: u64,
}

#[derive(Default)]
struct Content {
    current: Vec<u8>,
    durable: Vec<u8>,
    dirty: Sectors,
}

/// Numbers of sectors, as bits: simulations touch many.
#[derive(Default)]
struct Sectors(Vec<u64>);

impl Sectors {
    fn extend(&mut self, range: Range<usize>) {
        let words = range.end.div_ceil(64);
        if self.0.len() < words {
            self.0.resize(words, 0);
        }
        for sector in range {
            self.0[sector / 64] |= 1 << (sector % 64);
        }
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        let set = |i: usize, word: u64| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| i * 64 + bit)
        };
        self.0.iter().enumerate().filter(|(_, word)| **word != 0).flat_map(move |(i, word)| set(i, *word))
    }
}

enum NameChange {
    Create(String, u64),
    Rename(String, String),
    Remove(String),
}

impl Default for FakeStorage {
    fn default() -> Self {
        let disk = Disk { capacity: u64::MAX, ..Disk::default() };
        Self { disk: Arc::new(Mutex::new(disk)), held: Arc::default(), life: 0 }
    }
}

impl FakeStorage {
    /// An empty disk without an end.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cuts the power and gives the disk after the next boot. Of what was not synced, a part that `seed` decides is
    /// there: any sectors of files, and the first few changes of names. Handles of the old life fail from now on.
    #[must_use]
    pub fn crash(&self, seed: u64) -> Self {
        let mut disk = lock(&self.disk);
        disk.random = mix(seed);
        disk.life += 1;
        disk.locked = false;
        let changes = std::mem::take(&mut disk.unsynced_names);
        let kept = disk.below(changes.len() as u64 + 1);
        for (change, _) in changes.into_iter().zip(0..kept) {
            change.apply(&mut disk.durable_names);
        }
        disk.names = disk.durable_names.clone();
        let ids: Vec<u64> = disk.files.keys().copied().collect();
        for id in ids {
            // Out of 4: none, all, or a random part of the sectors.
            let luck = disk.below(6).min(4);
            let mut content = disk.files.remove(&id).unwrap_or_default();
            for sector in std::mem::take(&mut content.dirty).iter() {
                if disk.below(4) < luck {
                    content.persist(sector);
                }
            }
            content.current = content.durable.clone();
            disk.files.insert(id, content);
        }
        let named: BTreeSet<u64> = disk.names.values().copied().collect();
        disk.files.retain(|id, _| named.contains(id));
        Self { disk: Arc::clone(&self.disk), held: Arc::clone(&self.held), life: disk.life }
    }

    /// Kills the process and not the machine: everything written is there, and handles of the old life fail.
    #[must_use]
    pub fn survive(&self) -> Self {
        let mut disk = lock(&self.disk);
        disk.life += 1;
        disk.locked = false;
        Self { disk: Arc::clone(&self.disk), held: Arc::clone(&self.held), life: disk.life }
    }

    /// Lets the disk end after this many bytes over all files.
    pub fn set_capacity(&self, bytes: u64) {
        lock(&self.disk).capacity = bytes;
    }

    /// Lets each write take only a part of what is asked.
    pub fn set_short_writes(&self, short: bool) {
        lock(&self.disk).short_writes = short;
    }

    /// Lets the next `count` syncs of files with something to sync fail. The data is lost and the sync after "succeeds".
    pub fn fail_syncs(&self, count: u32) {
        lock(&self.disk).failing_syncs = count;
    }

    /// Lets syncs of files wait until this is called with `false`: a disk that stands still.
    pub fn hold_syncs(&self, hold: bool) {
        *self.held.0.lock().unwrap_or_else(PoisonError::into_inner) = hold;
        self.held.1.notify_all();
    }

    /// Lets the next `count` writes fail after a part of the bytes is written.
    pub fn fail_writes(&self, count: u32) {
        lock(&self.disk).failing_writes = count;
    }

    /// Lets the next `count` removals of files fail; the files stay.
    pub fn fail_removes(&self, count: u32) {
        lock(&self.disk).failing_removes = count;
    }

    /// Lets the next `count` files not be opened or made, as for want of descriptors.
    pub fn fail_opens(&self, count: u32) {
        lock(&self.disk).failing_opens = count;
    }

    /// Lets the next `count` reads of a file fail; one file at a time.
    pub fn fail_reads(&self, name: &str, count: u32) {
        let mut disk = lock(&self.disk);
        disk.failing_reads = disk.names.get(name).map(|id| (*id, count));
    }

    /// Changes a file's bytes behind everyone's back, durable: `change` gets them all.
    ///
    /// # Errors
    /// If there is no such file.
    pub fn damage(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut disk = lock(&self.disk);
        let id = disk.names.get(name).copied().ok_or(io::ErrorKind::NotFound)?;
        let content = disk.files.get_mut(&id).ok_or(io::ErrorKind::NotFound)?;
        change(&mut content.current);
        content.durable = content.current.clone();
        content.dirty.clear();
        Ok(())
    }

    fn disk(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let disk = lock(&self.disk);
        if disk.life == self.life { Ok(disk) } else { Err(io::Error::other("the power is off")) }
    }
}

fn lock(disk: &Mutex<Disk>) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk {
    /// A random number in `0..limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.random = self.random.wrapping_add(1);
        mix(self.random) % limit.max(1)
    }

    fn used(&self) -> u64 {
        self.files.values().map(Content::takes).sum()
    }

    fn may_open(&mut self) -> io::Result<()> {
        let fails = self.failing_opens > 0;
        self.failing_opens -= u32::from(fails);
        if fails { Err(io::Error::other("no descriptor is left")) } else { Ok(()) }
    }

    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.unsynced_names.push(change);
    }

    /// How long a file can be.
    fn most(&self, id: u64) -> u64 {
        let takes = self.files.get(&id).map_or(0, Content::takes);
        let free = self.capacity.saturating_sub(self.used()) / BLOCK * BLOCK;
        takes.saturating_add(free)
    }

    fn grow(&mut self, id: u64, len: usize) -> io::Result<()> {
        let now = self.files.get(&id).map_or(0, |f| f.current.len());
        if len > now {
            if len as u64 > self.most(id) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let content = self.files.entry(id).or_default();
            content.current.resize(len, 0);
            content.dirty.extend(now / SECTOR..len.div_ceil(SECTOR));
        }
        Ok(())
    }
}

impl Content {
    /// What the file takes of the disk.
    fn takes(&self) -> u64 {
        (self.current.len() as u64).next_multiple_of(BLOCK)
    }

    fn persist(&mut self, sector: usize) {
        let start = sector * SECTOR;
        let end = (start + SECTOR).min(self.current.len());
        if start < end {
            if self.durable.len() < end {
                self.durable.resize(end, 0);
            }
            self.durable[start..end].copy_from_slice(&self.current[start..end]);
        }
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Create(name, id) => {
                names.insert(name.clone(), *id);
            }
            Self::Rename(from, to) => {
                if let Some(id) = names.remove(from) {
                    names.insert(to.clone(), id);
                }
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

struct FakeFile {
    storage: FakeStorage,
    id: u64,
}

impl Storage for FakeStorage {
    fn lock(&self) -> Result<(), LockError> {
        let mut disk = self.disk().map_err(LockError::Io)?;
        if std::mem::replace(&mut disk.locked, true) { Err(LockError::InUse) } else { Ok(()) }
    }

    fn unlock(&self) {
        if let Ok(mut disk) = self.disk() {
            disk.locked = false;
        }
    }

    fn list(&self) -> io::Result<Vec<Entry>> {
        let disk = self.disk()?;
        let len = |id| disk.files.get(id).map_or(0, |f| f.current.len() as u64);
        Ok(disk.names.iter().map(|(name, id)| Entry { name: name.clone(), len: len(id) }).collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let mut disk = self.disk()?;
        disk.may_open()?;
        if let Some(old) = disk.names.get(name).copied().and_then(|id| disk.files.get_mut(&id)) {
            old.current = Vec::new();
        }
        let id = disk.next_id;
        disk.next_id += 1;
        disk.files.insert(id, Content::default());
        disk.change_name(NameChange::Create(name.to_owned(), id));
        Ok(Arc::new(FakeFile { storage: self.clone(), id }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let mut disk = self.disk()?;
        disk.may_open()?;
        let id = disk.names.get(name).copied().ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(FakeFile { storage: self.clone(), id }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.disk()?;
        if !disk.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        disk.change_name(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut disk = self.disk()?;
        if disk.failing_removes > 0 {
            disk.failing_removes -= 1;
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let id = disk.names.get(name).copied().ok_or(io::ErrorKind::NotFound)?;
        disk.change_name(NameChange::Remove(name.to_owned()));
        // The space comes back at once; a power cut may still bring the name back, with an empty file.
        if let Some(content) = disk.files.get_mut(&id) {
            content.current = Vec::new();
        }
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut disk = self.disk()?;
        for change in std::mem::take(&mut disk.unsynced_names) {
            change.apply(&mut disk.durable_names);
        }
        // What has no name any more is gone for good.
        let named: BTreeSet<u64> = disk.names.values().chain(disk.durable_names.values()).copied().collect();
        disk.files.retain(|id, _| named.contains(id));
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let disk = self.disk()?;
        Ok(disk.capacity.saturating_sub(disk.used()))
    }
}

/// An offset as an index of memory.
fn index(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

impl File for FakeFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut disk = self.storage.disk()?;
        let start = index(offset)?;
        let mut len = bytes.len();
        let fails = disk.failing_writes > 0;
        if fails {
            disk.failing_writes -= 1;
        }
        if (fails || disk.short_writes) && len > 1 {
            len = 1 + index(disk.below(len as u64))?.min(len - 1);
        }
        // A full disk takes what it has room for.
        let end = index(disk.most(self.id).max((start + 1) as u64).min((start + len) as u64))?;
        disk.grow(self.id, end)?;
        let len = end - start;
        let content = disk.files.entry(self.id).or_default();
        content.current[start..start + len].copy_from_slice(&bytes[..len]);
        content.dirty.extend(start / SECTOR..(start + len).div_ceil(SECTOR));
        if fails {
            return Err(io::Error::other("the disk refused a write"));
        }
        Ok(len)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut disk = self.storage.disk()?;
        if let Some((id, left @ 1..)) = &mut disk.failing_reads
            && *id == self.id
        {
            *left -= 1;
            return Err(io::Error::other("the disk did not read"));
        }
        let Some(content) = disk.files.get(&self.id) else { return Ok(0) };
        let start = index(offset)?.min(content.current.len());
        let len = bytes.len().min(content.current.len() - start);
        bytes[..len].copy_from_slice(&content.current[start..start + len]);
        Ok(len)
    }

    fn sync(&self) -> io::Result<()> {
        let Held(held, woken) = &*self.storage.held;
        let held = held.lock().unwrap_or_else(PoisonError::into_inner);
        drop(woken.wait_while(held, |held| *held).unwrap_or_else(PoisonError::into_inner));
        let mut disk = self.storage.disk()?;
        let mut content = disk.files.remove(&self.id).unwrap_or_default();
        let fails = !content.dirty.is_empty() && disk.failing_syncs > 0;
        if fails {
            disk.failing_syncs -= 1;
        }
        for sector in std::mem::take(&mut content.dirty).iter() {
            if !fails || disk.below(2) == 0 {
                content.persist(sector);
            }
        }
        disk.files.insert(self.id, content);
        if fails { Err(io::Error::other("the disk lost a write")) } else { Ok(()) }
    }

    fn preallocate(&self, len: u64) -> io::Result<()> {
        self.storage.disk()?.grow(self.id, index(len)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{read_file, replace_file, write_all};

    fn content(disk: &FakeStorage, name: &str) -> Vec<u8> {
        read_file(disk, name, 4096).unwrap().unwrap()
    }

    #[test]
    fn what_was_synced_survives_and_the_rest_by_luck() {
        let mut kept = 0;
        for seed in 0..100 {
            let disk = FakeStorage::new();
            let file = disk.create("a").unwrap();
            write_all(&*file, &[1; 512], 0).unwrap();
            file.sync().unwrap();
            disk.sync_dir().unwrap();
            write_all(&*file, &[2; 512], 512).unwrap();
            let after = disk.crash(seed);
            assert!(file.write_at(&[3], 0).is_err(), "the old life is over");
            let bytes = content(&after, "a");
            assert_eq!(bytes[..512], [1; 512]);
            kept += usize::from(bytes.len() == 1024);
        }
        assert!((20..80).contains(&kept), "{kept} of 100");
    }

    #[test]
    fn a_failed_sync_loses_data_and_the_next_one_lies() {
        let lost = (0..20)
            .filter(|seed| {
                let disk = FakeStorage::new();
                let file = disk.create("a").unwrap();
                disk.sync_dir().unwrap();
                write_all(&*file, &[1; 2048], 0).unwrap();
                disk.fail_syncs(1);
                assert!(file.sync().is_err());
                assert!(file.sync().is_ok());
                content(&disk.crash(*seed), "a") != [1; 2048]
            })
            .count();
        assert!(lost > 10, "{lost} of 20");
    }

    #[test]
    fn a_file_that_a_full_disk_does_not_replace_takes_nothing_of_it() {
        let disk = FakeStorage::new();
        disk.set_capacity(2 * BLOCK);
        replace_file(&disk, "a", b"old").unwrap();
        let error = replace_file(&disk, "a", &[1; 5000]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(disk.free_bytes().unwrap(), BLOCK);
        assert_eq!(read_file(&disk, "a", 10).unwrap().unwrap(), b"old");
    }

    #[test]
    fn a_full_disk_says_so() {
        let disk = FakeStorage::new();
        disk.set_capacity(3 * BLOCK);
        let file = disk.create("a").unwrap();
        assert_eq!(file.preallocate(3 * BLOCK + 1).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(file.preallocate(2 * BLOCK + 1).is_ok());
        let other = disk.create("b").unwrap();
        assert_eq!(
            other.write_at(&[1], 0).unwrap_err().kind(),
            io::ErrorKind::StorageFull,
            "blocks are whole"
        );
        assert_eq!(file.write_at(&[1; 9], 3 * BLOCK - 2).unwrap(), 2, "what there is room for");
        assert_eq!(file.write_at(&[1; 9], 3 * BLOCK).unwrap_err().kind(), io::ErrorKind::StorageFull);
        disk.remove("a").unwrap();
        assert_eq!(disk.free_bytes().unwrap(), 3 * BLOCK);
    }
}
