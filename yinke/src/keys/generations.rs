//! The generations of one key in a folder: those in use, and the one that is prepared.

use super::{KeysError, file};
use std::io;
use std::path::Path;

/// The files `NAME.gN.key` and `NAME.gN.next.key`.
#[derive(Debug)]
pub(super) struct Generations<const N: usize> {
    /// In use, newest generation first.
    pub(super) used: Vec<(u16, [u8; N])>,
    /// Follows the newest in use.
    pub(super) prepared: Option<(u16, [u8; N])>,
}

impl<const N: usize> Generations<N> {
    /// Reads them. A folder that is not there has none.
    ///
    /// # Errors
    /// If the folder or a file cannot be read, others can read it, or it is no key.
    pub(super) fn find(dir: &Path, name: &str) -> Result<Self, KeysError> {
        let failed = |source| KeysError::Unreadable { path: dir.to_owned(), source };
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { used: Vec::new(), prepared: None });
            }
            Err(error) => return Err(failed(error)),
        };
        let (mut used, mut prepared) = (Vec::new(), Vec::new());
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let file_name = entry.file_name();
            let Some(rest) = file_name
                .to_str()
                .and_then(|f| f.strip_prefix(name)?.strip_prefix(".g")?.strip_suffix(".key"))
            else {
                continue;
            };
            let (number, found) = match rest.strip_suffix(".next") {
                Some(number) => (number, &mut prepared),
                None => (rest, &mut used),
            };
            if let Ok(generation) = number.parse::<u16>() {
                found.push((generation, file::read(&entry.path())?));
            }
        }
        used.sort_by_key(|(generation, _)| std::cmp::Reverse(*generation));
        // A rotation that was cut short leaves the prepared file beside the one in use.
        let newest = used.first().map_or(0, |(generation, _)| *generation);
        prepared.retain(|(generation, _)| *generation > newest);
        prepared.sort_by_key(|(generation, _)| *generation);
        Ok(Self { used, prepared: prepared.into_iter().next() })
    }
}
