//! One reader's cursors, as it holds them.

use crate::StreamId;
use crate::cursor_store::CursorError;
use crate::inner::Inner;
use crate::storage;
use std::sync::Arc;

/// The cursors of one name.
#[derive(Clone)]
pub struct Cursors {
    pub(crate) inner: Arc<Inner>,
    pub(crate) name: String,
}

impl Cursors {
    /// The number of the next frame this reader wants of a stream.
    pub fn get(&self, stream: StreamId) -> u64 {
        self.inner.cursors.get(&self.name, stream)
    }

    /// Moves cursors, of several streams at once if need be; durable on return. Blocks for two syncs. Going back is
    /// allowed as far as the frames are still there.
    ///
    /// # Errors
    /// If a stream is not there, its frames are gone, or the file cannot be written; then none has moved.
    pub fn set(&self, moves: &[(StreamId, u64)]) -> Result<(), CursorError> {
        for (stream, next) in moves {
            let index = self.inner.index(*stream).ok_or(CursorError::NoStream(*stream))?;
            if *next < index.released() {
                return Err(CursorError::Released { first: index.released() });
            }
        }
        loop {
            match self.inner.cursors.save(&self.name, moves) {
                // Without it nothing is released, and a full disk stays full.
                Err(CursorError::Save(e)) if storage::is_full(&e) && self.inner.spares.give_reserve_up() => {}
                other => return other,
            }
        }
    }
}

impl std::fmt::Debug for Cursors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cursors").field("name", &self.name).finish_non_exhaustive()
    }
}
