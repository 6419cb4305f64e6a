//! The data directory: mode 0700, one process at a time, and a note of where that process listens.

use rustix::fs::{FlockOperation, Mode};
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    /// Another process holds the lock.
    #[error("data directory {} is in use by process {}", .dir.display(), .pid.as_deref().unwrap_or("(unknown)"))]
    InUse {
        /// The directory.
        dir: PathBuf,
        /// The process that holds it, as it wrote it down.
        pid: Option<String>,
    },
    /// The directory or its lock file cannot be made.
    #[error("cannot create {}", .path.display())]
    Create {
        /// What was to be made.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others on this machine can change what is in it.
    #[error("data directory {} has mode {mode:04o}: others can write into it; chmod go-w it", .dir.display())]
    Writable {
        /// The directory.
        dir: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// What a start writes would not find room.
    #[error("the disk of data directory {} has {free} bytes free and a start needs {ROOM}", .dir.display())]
    Full {
        /// The directory.
        dir: PathBuf,
        /// What an ordinary user may still write.
        free: u64,
    },
    /// Reading or writing in it failed.
    #[error("cannot use {}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Where a running process listens. Written beside the data so that `yinke audit` and friends find it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    /// The process.
    pub(crate) pid: u32,
    /// Base URL of the links.
    pub(crate) public: String,
    /// Base URL of the edge's own listener, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) edge: Option<String>,
    /// Base URL of the core's API, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) core: Option<String>,
    /// Base URL of the admin listener.
    pub(crate) admin: String,
}

/// A data directory that this process holds until it is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// The kernel frees the lock with the file, however the process ends.
    _lock: File,
}

impl DataDir {
    /// Creates the directory if needed and takes it for this process.
    ///
    /// # Errors
    /// If another process has it, it cannot be made, or others can write into it.
    pub(crate) fn open(path: &Path) -> Result<Self, DataDirError> {
        create_private(path)?;
        let metadata = std::fs::metadata(path);
        let metadata = metadata.map_err(|source| DataDirError::Io { path: path.to_owned(), source })?;
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o022 != 0 {
            return Err(DataDirError::Writable { dir: path.to_owned(), mode });
        }
        let lock_path = path.join("lock");
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|source| DataDirError::Create { path: lock_path.clone(), source })?;
        let failed = |source| DataDirError::Io { path: lock_path.clone(), source };
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut pid = String::new();
                let read = lock.read_to_string(&mut pid);
                let pid = read.ok().and(Some(pid.trim().to_owned())).filter(|p| !p.is_empty());
                return Err(DataDirError::InUse { dir: path.to_owned(), pid });
            }
            Err(errno) => return Err(failed(errno.into())),
        }
        // For whoever finds it taken. A disk that is full is no reason not to start.
        let _ = lock
            .set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| writeln!(lock, "{}", std::process::id()));
        // What a killed process left behind is no longer true.
        remove_if_there(&path.join(RUNNING))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// A path inside.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A private directory inside, made if needed.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn subdirectory(&self, name: &str) -> Result<PathBuf, DataDirError> {
        let path = self.path.join(name);
        create_private(&path)?;
        Ok(path)
    }

    /// Notes where this process listens, for the commands that look for it. Without the note it serves all the same.
    pub(crate) fn note_running(&self, running: &Running) {
        let text = serde_json::to_vec_pretty(running).unwrap_or_default();
        let temporary = self.path.join("running.json.new");
        let noted = std::fs::write(&temporary, text)
            .and_then(|()| std::fs::rename(&temporary, self.path.join(RUNNING)));
        if let Err(error) = noted {
            tracing::warn!(%error, dir = %self.path.display(), "commands will not find this process by its directory");
        }
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        let _ = remove_if_there(&self.path.join(RUNNING));
    }
}

const RUNNING: &str = "running.json";
/// More than a start writes before it serves: records of the journal, the beginning of the store's log, notes.
const ROOM: u64 = 4 << 20;

/// Whether a process that starts now could write what it must.
///
/// # Errors
/// If not.
pub(crate) fn takes_writes(dir: &Path) -> Result<(), DataDirError> {
    let failed = |source| DataDirError::Io { path: dir.to_owned(), source };
    let disk = rustix::fs::statvfs(dir).map_err(|errno| failed(errno.into()))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < ROOM {
        return Err(DataDirError::Full { dir: dir.to_owned(), free });
    }
    // A file system that only reads since its disk failed still tells of free space.
    let probe = dir.join("probe");
    let written =
        File::create(&probe).and_then(|mut file| file.write_all(b"probe\n").and_then(|()| file.sync_all()));
    written.and_then(|()| std::fs::remove_file(&probe)).map_err(failed)
}

/// Where the process that holds `dir` listens, if one does and has started.
pub(crate) fn running(dir: &Path) -> Option<Running> {
    serde_json::from_slice(&std::fs::read(dir.join(RUNNING)).ok()?).ok()
}

/// Creates a directory with mode 0700, with its parents; one that exists stays as it is.
///
/// # Errors
/// If it cannot be made.
pub(crate) fn create_private(path: &Path) -> Result<(), DataDirError> {
    let failed = |source| DataDirError::Create { path: path.to_owned(), source };
    let existed = path.is_dir();
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    if !existed {
        // The process's umask may have taken bits away; it cannot have added any.
        rustix::fs::chmod(path, Mode::RWXU).map_err(|errno| failed(errno.into()))?;
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> Result<(), DataDirError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(DataDirError::Io { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_holder() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("deep").join("data");
        let held = DataDir::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        let Err(DataDirError::InUse { pid, .. }) = DataDir::open(&path) else { panic!("taken twice") };
        assert_eq!(pid, Some(std::process::id().to_string()));
        drop(held);
        DataDir::open(&path).unwrap();
    }

    #[test]
    fn a_directory_that_others_can_write_into_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        for mode in [0o777, 0o770, 0o702, 0o1777] {
            std::fs::set_permissions(temporary.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            let Err(error) = DataDir::open(temporary.path()) else { panic!("{mode:o} was taken") };
            assert!(error.to_string().contains(&format!("{mode:04o}")), "{error}");
        }
        // Reading is the owner's own choice: what is secret has a mode of its own.
        std::fs::set_permissions(temporary.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        DataDir::open(temporary.path()).unwrap();
    }

    #[test]
    fn a_disk_without_room_or_that_does_not_write_is_named() {
        let temporary = tempfile::tempdir().unwrap();
        takes_writes(temporary.path()).unwrap();
        assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "nothing is left behind");
        // Never has a byte free.
        let error = takes_writes(Path::new("/proc")).unwrap_err();
        assert!(matches!(error, DataDirError::Full { free: 0, .. }), "{error}");
        std::fs::create_dir(temporary.path().join("probe")).unwrap();
        let error = takes_writes(temporary.path()).unwrap_err();
        assert!(matches!(error, DataDirError::Io { .. }), "{error}");
    }

    #[test]
    fn the_note_goes_with_its_process() {
        let temporary = tempfile::tempdir().unwrap();
        let note = Running {
            pid: 7,
            public: "http://a".into(),
            edge: Some("http://a".into()),
            core: None,
            admin: "http://c".into(),
        };
        let held = DataDir::open(temporary.path()).unwrap();
        assert_eq!(running(temporary.path()), None);
        held.note_running(&note);
        assert_eq!(running(temporary.path()), Some(note));
        drop(held);
        assert_eq!(running(temporary.path()), None);
    }
}
