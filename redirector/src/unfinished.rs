//! Unfinished heads: kept in as many bytes as have come, and together in no more than the worker may hold.

use std::cell::Cell;
use std::rc::Rc;

/// What all unfinished heads of a worker may take.
#[derive(Clone)]
pub(crate) struct Room {
    used: Rc<Cell<usize>>,
    limit: usize,
}

/// There is no room for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoRoom;

impl Room {
    /// For `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { used: Rc::default(), limit }
    }

    fn take(&self, more: usize) -> Result<(), NoRoom> {
        let used = self.used.get() + more;
        if used > self.limit {
            return Err(NoRoom);
        }
        self.used.set(used);
        Ok(())
    }

    fn give_back(&self, bytes: usize) {
        self.used.set(self.used.get() - bytes);
    }

    /// Bytes taken now.
    pub(crate) fn used(&self) -> usize {
        self.used.get()
    }
}

/// The unfinished head of one connection. Its room is given back when it is taken out or dropped.
pub(crate) struct Kept {
    bytes: Vec<u8>,
    room: Room,
}

impl Kept {
    pub(crate) const fn new(room: Room) -> Self {
        Self { bytes: Vec::new(), room }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Keeps more.
    pub(crate) fn add(&mut self, more: &[u8]) -> Result<(), NoRoom> {
        self.room.take(more.len())?;
        self.bytes.reserve_exact(more.len());
        self.bytes.extend_from_slice(more);
        Ok(())
    }

    /// Takes everything out.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.room.give_back(self.bytes.len());
        std::mem::take(&mut self.bytes)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.take();
    }
}

/// Heads of up to so many bytes more than what was found in them are taken for whole: blanks around values are not found.
const BLANKS: usize = 256;

/// The room of an unfinished head that somebody else holds: hyper. Given back when dropped.
pub(crate) struct Held {
    bytes: Cell<usize>,
    room: Room,
    /// Bytes that the holder's buffer can have at most.
    buffer: usize,
    refused: Cell<bool>,
}

impl Held {
    /// In a buffer of at most `buffer` bytes.
    pub(crate) const fn new(room: Room, buffer: usize) -> Self {
        Self { bytes: Cell::new(0), room, buffer, refused: Cell::new(false) }
    }

    /// So many bytes more were read.
    pub(crate) fn add(&self, more: usize) -> Result<(), NoRoom> {
        self.room.take(more).inspect_err(|_| self.refused.set(true))?;
        self.bytes.set(self.bytes.get() + more);
        Ok(())
    }

    /// Whether there was once no room for it.
    pub(crate) const fn was_refused(&self) -> bool {
        self.refused.get()
    }

    /// A head was found in them, of at least so many bytes. What is left is the beginning of the next one, as far as
    /// the buffer can hold it: blanks that were not found do not add up from head to head.
    pub(crate) fn found(&self, head: usize) {
        let left = self.bytes.get().saturating_sub(head).min(self.buffer);
        let left = if left > BLANKS { left } else { 0 };
        self.room.give_back(self.bytes.replace(left) - left);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.give_back(self.bytes.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_back() {
        let room = Room::new(10);
        let (mut a, mut b) = (Kept::new(room.clone()), Kept::new(room.clone()));
        a.add(b"GET /").unwrap();
        b.add(b"GET /").unwrap();
        assert_eq!((a.add(b"x"), room.used(), a.bytes()), (Err(NoRoom), 10, &b"GET /"[..]));
        drop(b);
        a.add(b"abc").unwrap();
        assert_eq!((a.take(), room.used()), (b"GET /abc".to_vec(), 0));
    }

    #[test]
    fn what_is_behind_a_head_still_takes_room() {
        let room = Room::new(2_000);
        let held = Held::new(room.clone(), 2_000);
        held.add(1_500).unwrap();
        assert!(!held.was_refused());
        assert_eq!(held.add(501), Err(NoRoom));
        assert!(held.was_refused());
        held.found(400);
        assert_eq!(room.used(), 1_100);
        held.found(1_000);
        assert_eq!(room.used(), 0, "blanks");
        held.add(5).unwrap();
        drop(held);
        assert_eq!(room.used(), 0);
    }

    #[test]
    fn what_was_not_found_in_heads_does_not_add_up() {
        let room = Room::new(2_000);
        let held = Held::new(room.clone(), 1_000);
        for head in 0..100 {
            assert_eq!(held.add(900), Ok(()), "{head}");
            held.found(100);
        }
        assert_eq!(room.used(), 1_000, "no more than the buffer can hold");
    }
}
