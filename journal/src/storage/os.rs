//! The operating system's files: pwrite, fdatasync, fallocate, flock, and fsync of the directory. No mmap: a full
//! disk is an error code here and never a signal.

use super::{Entry, File, LockError, Storage};
use rustix::fs::{self, FallocateFlags, FlockOperation};
use std::fs as std_fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

const LOCK_NAME: &str = "lock";

/// A directory of the operating system.
#[derive(Debug)]
pub struct OsStorage {
    dir: PathBuf,
    handle: std_fs::File,
    lock: Mutex<Option<std_fs::File>>,
}

impl OsStorage {
    /// Opens the directory; makes it, durable in its parent, if it is not there.
    ///
    /// # Errors
    /// If it cannot be made or opened.
    pub fn new(dir: &Path) -> io::Result<Self> {
        if !dir.is_dir() {
            std_fs::create_dir_all(dir)?;
            for ancestor in dir.ancestors().skip(1).take(2).filter(|a| !a.as_os_str().is_empty()) {
                std_fs::File::open(ancestor)?.sync_all()?;
            }
        }
        let handle = std_fs::File::open(dir)?;
        Ok(Self { dir: dir.to_owned(), handle, lock: Mutex::new(None) })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

fn writable() -> std_fs::OpenOptions {
    let mut options = std_fs::OpenOptions::new();
    options.read(true).write(true);
    options
}

impl Storage for OsStorage {
    fn lock(&self) -> Result<(), LockError> {
        let path = self.path(LOCK_NAME);
        let file = writable().create(true).truncate(false).open(path).map_err(LockError::Io)?;
        match fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(LockError::InUse),
            Err(e) => return Err(LockError::Io(e.into())),
        }
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
        Ok(())
    }

    fn unlock(&self) {
        // Closing the only handle gives the lock free.
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn list(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in std_fs::read_dir(&self.dir)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name != LOCK_NAME && entry.file_type()?.is_file() {
                entries.push(Entry { name, len: entry.metadata()?.len() });
            }
        }
        Ok(entries)
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(writable().create(true).truncate(true).open(self.path(name))?))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(writable().open(self.path(name))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std_fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std_fs::remove_file(self.path(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        Ok(fs::fsync(&self.handle)?)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let stat = fs::fstatvfs(&self.handle)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

impl File for std_fs::File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < bytes.len() {
            match FileExt::read_at(self, &mut bytes[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(done)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(fs::fdatasync(self)?)
    }

    fn preallocate(&self, len: u64) -> io::Result<()> {
        match fs::fallocate(self, FallocateFlags::empty(), 0, len) {
            // A file system without fallocate: filling with zeros allocates as well.
            Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
            other => Ok(other?),
        }
    }
}
