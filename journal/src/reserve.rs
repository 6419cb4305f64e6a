//! Room that is kept for the records without which a journal cannot be opened on a full disk. An edge that is killed there
//! starts again, ships what it has once the core is back, and makes room by that: nobody has to come.

use crate::storage::{Entry, Storage};
use std::collections::BTreeSet;
use std::io;

const PREFIX: &str = "reserve-";
/// Many, because others may take at once what a start leaves of the one that it gives up: the next start has another.
const FILES: u64 = 16;
/// Room for the records of a start.
const BYTES: u64 = 16 << 10;

/// The files of the reserve that there are. What is in them means nothing.
#[derive(Debug, Default)]
pub(crate) struct Reserve(BTreeSet<u64>);

impl Reserve {
    /// Knows a file that was found, if it is one of the reserve, or removes it if it is not whole.
    pub(crate) fn adopt(&mut self, disk: &dyn Storage, file: &Entry) -> io::Result<()> {
        let Some(number) = file.name.strip_prefix(PREFIX).and_then(|n| n.parse().ok()) else { return Ok(()) };
        if file.len != BYTES {
            return disk.remove(&file.name);
        }
        self.0.insert(number);
        Ok(())
    }

    /// Makes the files that are missing, as far as there is room.
    pub(crate) fn keep(&mut self, disk: &dyn Storage) -> io::Result<()> {
        let missing: Vec<u64> = (0..FILES).filter(|number| !self.0.contains(number)).collect();
        // To ask costs a full disk less than a file that is made and removed.
        if missing.is_empty() || disk.free_bytes()? < BYTES {
            return Ok(());
        }
        for number in missing {
            let name = name(number);
            let made = disk.create(&name).and_then(|file| {
                file.preallocate(BYTES)?;
                file.sync()
            });
            made.inspect_err(|_| drop(disk.remove(&name)))?;
            self.0.insert(number);
        }
        disk.sync_dir()
    }

    /// Removes a file, if there is one.
    pub(crate) fn give_up(&mut self, disk: &dyn Storage) -> bool {
        self.0.pop_last().is_some_and(|number| disk.remove(&name(number)).is_ok())
    }
}

fn name(number: u64) -> String {
    format!("{PREFIX}{number}")
}
