//! Files whose space is kept: released segments that are used again without asking the file system, and the reserve.

use crate::reserve::Reserve;
use crate::storage::{self, Entry, Storage};
use std::io;

const PREFIX: &str = "spare-";

/// Spare segment files and the reserve.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    names: Vec<String>,
    next: u64,
    pub(crate) reserve: Reserve,
}

impl Pool {
    /// Knows a file that was found, or removes it if it is not whole.
    pub(crate) fn adopt(&mut self, disk: &dyn Storage, file: &Entry, segment_bytes: u64) -> io::Result<()> {
        let Some(number) = file.name.strip_prefix(PREFIX).and_then(|n| n.parse::<u64>().ok()) else {
            return self.reserve.adopt(disk, file);
        };
        if file.len != segment_bytes {
            return disk.remove(&file.name);
        }
        self.next = self.next.max(number.saturating_add(1));
        self.names.push(file.name.clone());
        Ok(())
    }

    /// How many spare segment files there are.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// A name no spare file has.
    pub(crate) fn fresh_name(&mut self) -> String {
        let name = format!("{PREFIX}{}", self.next);
        self.next += 1;
        name
    }

    /// Makes a file a spare one. The caller syncs the directory.
    pub(crate) fn take_in(&mut self, disk: &dyn Storage, name: &str) -> io::Result<()> {
        let spare = self.fresh_name();
        disk.rename(name, &spare)?;
        self.names.push(spare);
        Ok(())
    }

    /// A spare file to be used: the one taken in last.
    pub(crate) fn take(&mut self) -> Option<String> {
        self.names.pop()
    }

    /// A spare file that could not be used now: others come first.
    pub(crate) fn put_back(&mut self, name: String) {
        self.names.insert(0, name);
    }

    /// Does what a start cannot do without and what takes little room. On a full disk the reserve is given up for it, piece
    /// by piece, and then spare files, until it succeeds or none is left.
    pub(crate) fn with_room<T>(
        &mut self,
        disk: &dyn Storage,
        mut what: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            match what() {
                Err(e) if storage::is_full(&e) && (self.reserve.give_up(disk) || self.give_up(disk)) => {}
                other => return other,
            }
        }
    }

    /// Does what may take much room: on a full disk spare files are given up for it, and the reserve is left to the records.
    pub(crate) fn with_spares<T>(
        &mut self,
        disk: &dyn Storage,
        mut what: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            match what() {
                Err(e) if storage::is_full(&e) && self.give_up(disk) => {}
                other => return other,
            }
        }
    }

    /// Removes a spare file, if there is one.
    pub(crate) fn give_up(&mut self, disk: &dyn Storage) -> bool {
        self.take().is_some_and(|name| disk.remove(&name).is_ok())
    }
}
