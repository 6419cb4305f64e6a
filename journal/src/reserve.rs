//! Room that is kept for the records without which a journal cannot be opened on a full disk. An edge that is killed there
//! starts again, ships what it has once the core is back, and makes room by that: nobody has to come.

use crate::storage::{self, Entry, Storage};
use std::collections::BTreeSet;
use std::io;

const PREFIX: &str = "reserve-";
/// Many, because others may take at once what a start leaves of the one that it gives up: the next start has another.
const FILES: u64 = 16;
/// Room for the records of a start.
const BYTES: u64 = ROOM.len() as u64;
const ROOM: [u8; 16 << 10] = [0; 16 << 10];

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

    /// Makes one file that is missing, if there is room for it; whether it did. The directory's next sync makes its name
    /// durable.
    pub(crate) fn keep(&mut self, disk: &dyn Storage) -> io::Result<bool> {
        let missing = (0..FILES).find(|number| !self.0.contains(number));
        // To ask costs a full disk less than a file that is made and removed.
        let Some(number) = missing.filter(|_| disk.free_bytes().is_ok_and(|free| free >= BYTES)) else {
            return Ok(false);
        };
        let name = name(number);
        let made = disk.create(&name).and_then(|file| {
            // Zeros, because not every file system can give room without.
            storage::write_all(&*file, &ROOM, 0)?;
            file.sync()
        });
        made.inspect_err(|_| drop(disk.remove(&name)))?;
        self.0.insert(number);
        Ok(true)
    }

    /// Removes a file, if there is one that can be removed.
    pub(crate) fn give_up(&mut self, disk: &dyn Storage) -> bool {
        while let Some(number) = self.0.pop_last() {
            if disk.remove(&name(number)).is_ok() {
                return true;
            }
        }
        false
    }

    /// How many files there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

fn name(number: u64) -> String {
    format!("{PREFIX}{number}")
}
