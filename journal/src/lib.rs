//! An append-only log of bytes that survives kill -9 and says what survives a power cut.
//!
//! It knows nobody and nothing of what its bytes mean. The floors, lowest first:
//!
//! - [`failpoint`]: instants at which a test may kill;
//! - [`storage`]: files, as one seam with the operating system and a fake disk that fails on demand;
//! - [`frame`], [`segment`]: the bytes;
//! - `epoch`, `index`, `lane`: one start of the journal, where a stream's frames are, what a worker shares;
//! - `writer`, `sync`, `spares`: append and flush, the thread that makes durable, the thread that prepares files;
//! - `recovery`, `tail`, `missing`, `reader`, `cursor`: what an earlier start left or lacks, reading it, how far each
//!   reader has come;
//! - `open`, `inner`, `journal`: one start of one process, which ties them together.
//!
//! What it promises: a frame that [`Writer::flush`] has taken survives the end of the process. A frame below
//! [`Journal::durable`] survives a power cut. Nothing is ever read that was not written, in its place; what is missing
//! is named as a range of sequence numbers.

mod bell;
mod cursor;
mod cursor_store;
mod epoch;
pub mod failpoint;
pub mod frame;
#[doc(hidden)]
pub mod fuzzing;
#[cfg(test)]
mod golden_tests;
mod index;
mod inner;
mod journal;
mod lane;
mod missing;
#[cfg(test)]
mod model_tests;
mod notice;
mod open;
mod options;
mod pool;
mod reader;
mod recovery;
mod reserve;
pub mod segment;
mod spares;
mod stats;
pub mod storage;
mod sync;
mod tail;
mod unsynced;
mod writer;

pub use cursor::Cursors;
pub use cursor_store::CursorError;
pub use frame::{Frame, MAX_PAYLOAD, MAX_SEQUENCE};
pub use inner::{CloseError, ReleaseError, Released};
pub use journal::Journal;
pub use notice::Notice;
pub use open::{OpenError, Opened};
pub use options::{Options, OptionsError, SEGMENT_BYTES, SYNC_INTERVAL};
pub use reader::{ReadError, Reader};
pub use recovery::StreamInfo;
pub use stats::Stats;
pub use writer::{AppendError, FlushError, Writer};

/// The numbers of one worker within one start of one edge, without gaps from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// The edge.
    pub edge: u16,
    /// Its start.
    pub epoch: u64,
    /// Its worker.
    pub worker: u8,
}

impl std::fmt::Display for StreamId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "edge {} epoch {:016x} worker {}", self.edge, self.epoch, self.worker)
    }
}

/// Locks, whether or not another holder panicked: every holder leaves the value whole at each step, and a journal
/// that stops answering would lose more than it could protect.
pub(crate) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
