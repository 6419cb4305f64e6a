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
        let used = self.room.used.get() + more.len();
        if used > self.room.limit {
            return Err(NoRoom);
        }
        self.room.used.set(used);
        self.bytes.reserve_exact(more.len());
        self.bytes.extend_from_slice(more);
        Ok(())
    }

    /// Takes everything out.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.room.used.set(self.room.used.get() - self.bytes.len());
        std::mem::take(&mut self.bytes)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.take();
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
}
