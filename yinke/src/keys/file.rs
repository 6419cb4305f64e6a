//! One secret in one file: hex, mode 0600, created whole or not at all.

use super::KeysError;
use attribution_core::hex::{hex, unhex};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Reads a key of `N` bytes.
///
/// # Errors
/// If it is missing, unreadable, readable by others, or not `2 * N` hex digits.
pub(super) fn read<const N: usize>(path: &Path) -> Result<[u8; N], KeysError> {
    let text =
        read_text(path)?.ok_or_else(|| KeysError::Unreadable { path: path.to_owned(), source: missing() })?;
    unhex(&text).ok_or_else(|| KeysError::Malformed { path: path.to_owned(), want: 2 * N })
}

/// Reads a key, or makes one from the system's randomness.
///
/// # Errors
/// As [`read`] and [`create`].
pub(super) fn read_or_create<const N: usize>(path: &Path) -> Result<[u8; N], KeysError> {
    if let Some(text) = read_text(path)? {
        return unhex(&text).ok_or_else(|| KeysError::Malformed { path: path.to_owned(), want: 2 * N });
    }
    let secret = random(path)?;
    create(path, &secret)?;
    Ok(secret)
}

/// Reads a line of text; `None` if there is no such file.
///
/// # Errors
/// If it is unreadable or readable by others.
pub(super) fn read_text(path: &Path) -> Result<Option<String>, KeysError> {
    let failed = |source| KeysError::Unreadable { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeysError::Exposed { path: path.to_owned(), mode });
    }
    let text = io::read_to_string(file).map_err(failed)?;
    Ok(Some(text.trim().to_owned()))
}

/// Makes a key file; never overwrites one.
///
/// # Errors
/// If it exists or cannot be made.
pub(super) fn create(path: &Path, secret: &[u8]) -> Result<(), KeysError> {
    create_text(path, &hex(secret)).map(|_| ())
}

/// Removes a file, if it is there.
///
/// # Errors
/// If it cannot be removed.
pub(super) fn remove(path: &Path) -> Result<(), KeysError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(KeysError::Create { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

/// Makes a file with a line of text and gives the text back.
///
/// # Errors
/// If it exists or cannot be made.
pub(super) fn create_text(path: &Path, text: &str) -> Result<String, KeysError> {
    let failed = |source| KeysError::Create { path: path.to_owned(), source };
    let temporary = path.with_extension("new");
    let _ = std::fs::remove_file(&temporary);
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary).map_err(failed)?;
    writeln!(file, "{text}").and_then(|()| file.sync_all()).map_err(failed)?;
    // A link, unlike a rename, fails when the name is taken: a key is never replaced.
    let linked = std::fs::hard_link(&temporary, path);
    std::fs::remove_file(&temporary).map_err(failed)?;
    linked.map_err(failed)?;
    if let Some(parent) = path.parent() {
        File::open(parent).and_then(|dir| dir.sync_all()).map_err(failed)?;
    }
    Ok(text.to_owned())
}

/// "No such file", as the system says it.
pub(super) fn missing() -> io::Error {
    io::Error::from_raw_os_error(rustix::io::Errno::NOENT.raw_os_error())
}

/// `N` random bytes as hex, for the secret in `path`.
///
/// # Errors
/// If the system gives none.
pub(super) fn random_hex<const N: usize>(path: &Path) -> Result<String, KeysError> {
    random::<N>(path).map(|bytes| hex(&bytes))
}

fn random<const N: usize>(path: &Path) -> Result<[u8; N], KeysError> {
    let mut bytes = [0; N];
    let filled = getrandom::fill(&mut bytes).map_err(io::Error::other);
    filled.map(|()| bytes).map_err(|source| KeysError::Create { path: path.to_owned(), source })
}
