//! Rows by number: a vector in chunks, so that changing one row copies one chunk and not the table.

use std::sync::Arc;

/// Rows of a chunk: a change copies so many.
const CHUNK: usize = 256;
/// Numbers come from a counter; one beyond this is a fault, and must not make us allocate.
const NUMBER_LIMIT: u32 = 1 << 28;

/// Rows by number. A clone shares all chunks.
#[derive(Clone)]
pub(super) struct Numbered<T> {
    chunks: Vec<Option<Arc<[Option<T>]>>>,
    len: usize,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<T: Clone> Numbered<T> {
    pub(super) fn get(&self, number: u32) -> Option<&T> {
        let number = number as usize;
        self.chunks.get(number / CHUNK)?.as_ref()?.get(number % CHUNK)?.as_ref()
    }

    /// Sets or removes a row; `false` if the number is out of range.
    pub(super) fn set(&mut self, number: u32, row: Option<T>) -> bool {
        if number >= NUMBER_LIMIT {
            return false;
        }
        let (chunk, at) = (number as usize / CHUNK, number as usize % CHUNK);
        if chunk >= self.chunks.len() {
            self.chunks.resize(chunk + 1, None);
        }
        let chunk = self.chunks[chunk].get_or_insert_with(|| vec![None; CHUNK].into());
        let slot = &mut Arc::make_mut(chunk)[at];
        self.len = self.len + usize::from(row.is_some()) - usize::from(slot.is_some());
        *slot = row;
        true
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten().flat_map(|chunk| chunk.iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_keeps_its_rows() {
        let mut table = Numbered::default();
        assert!(table.set(1_000, Some("a")));
        let before = table.clone();
        assert!(table.set(1_000, Some("b")));
        assert!(table.set(3, Some("c")));
        assert_eq!((before.get(1_000), before.get(3), before.len()), (Some(&"a"), None, 1));
        assert_eq!((table.get(1_000), table.get(3), table.len()), (Some(&"b"), Some(&"c"), 2));
        assert!(table.set(3, None));
        assert_eq!((table.get(3), table.len(), table.iter().count()), (None, 1, 1));
        assert!(!table.set(u32::MAX, Some("d")));
    }
}
