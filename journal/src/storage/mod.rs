//! What the journal needs of a file system, as one small seam: the operating system, and a fake that fails on demand.
//!
//! Names are plain file names within the journal's one directory. Nothing here knows frames.

mod fake;
mod os;

pub use fake::FakeStorage;
pub use os::OsStorage;

use crate::failpoint;
use std::io;
use std::sync::Arc;

/// Why the directory cannot be had for oneself.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("the journal directory is in use by another process")]
    InUse,
    /// The lock file could not be made or locked.
    #[error("the journal directory cannot be locked")]
    Io(#[source] io::Error),
}

/// One file of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub len: u64,
}

/// One directory of files.
pub trait Storage: Send + Sync + 'static {
    /// Takes the directory for this process until [`unlock`](Self::unlock).
    ///
    /// # Errors
    /// If another process has it, or the lock file cannot be made.
    fn lock(&self) -> Result<(), LockError>;

    /// Gives the directory free.
    fn unlock(&self);

    /// All files.
    ///
    /// # Errors
    /// If the directory cannot be read.
    fn list(&self) -> io::Result<Vec<Entry>>;

    /// Makes a file, or empties the one of that name.
    ///
    /// # Errors
    /// If the system refuses.
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// If it is not there or the system refuses.
    fn open(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Renames a file; one that has the new name is replaced.
    ///
    /// # Errors
    /// If the system refuses.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// If the system refuses.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes the directory's names durable.
    ///
    /// # Errors
    /// If the system could not.
    fn sync_dir(&self) -> io::Result<()>;

    /// Bytes an unprivileged process can still write.
    ///
    /// # Errors
    /// If the system does not say.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// One open file.
pub trait File: Send + Sync {
    /// Writes at an offset; may write less than asked.
    ///
    /// # Errors
    /// If the system refuses: no space, a bad disk.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Reads at an offset; less than asked only at the end of the file.
    ///
    /// # Errors
    /// If the system refuses: a bad disk.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Makes everything written so far durable. After an error the file's unsynced bytes are lost for good: the
    /// next sync may "succeed" without them. Never call it again on that file.
    ///
    /// # Errors
    /// If anything written since the last sync may not be on disk.
    fn sync(&self) -> io::Result<()>;

    /// Reserves the bytes `0..len`.
    ///
    /// # Errors
    /// If there is no space.
    fn preallocate(&self, len: u64) -> io::Result<()>;
}

/// Writes all of `bytes` at `offset`, in one call if the system takes them in one.
///
/// # Errors
/// The system's, or `WriteZero` if it takes nothing.
pub fn write_all(file: &dyn File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => {
                bytes = &bytes[n..];
                offset += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Reads all of a small file; `None` if there is none.
///
/// # Errors
/// The system's.
pub fn read_file(storage: &dyn Storage, name: &str, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match storage.open(name) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let mut bytes = vec![0; limit];
    let len = file.read_at(&mut bytes, 0)?;
    bytes.truncate(len);
    Ok(Some(bytes))
}

/// Replaces a small file as one step: after a crash it has the old bytes or the new ones. Durable on return.
///
/// # Errors
/// The system's; then the old file is still there, or the new one if only its name could not be made durable.
pub fn replace_file(storage: &dyn Storage, name: &str, bytes: &[u8]) -> io::Result<()> {
    let new = format!("{name}.new");
    let written = storage.create(&new).and_then(|file| {
        write_all(&*file, bytes, 0)?;
        file.sync()
    });
    // A full disk needs even the little that it did take.
    written.inspect_err(|_| drop(storage.remove(&new)))?;
    failpoint::reach("replace.written");
    storage.rename(&new, name)?;
    failpoint::reach("replace.renamed");
    storage.sync_dir()
}

/// Whether something failed because the disk is full, or what this user may have of it.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
