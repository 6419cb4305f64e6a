//! The bounded queue in front of the threads that own the connections.
//!
//! A full queue refuses at once instead of letting requests pile up.

use super::{Mode, StoreError, Tx};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Transactions that may wait per queue: a second or two of work, then callers should hear "later".
const QUEUE_LIMIT: usize = 1_024;

/// One queued transaction: runs any number of times, is finished once.
pub(super) trait Job: Send {
    /// Runs the closure; `true` if it wants to commit.
    fn run(&mut self, tx: &mut dyn Tx) -> bool;
    /// Answers the caller: with what the last run returned, or with the store's own failure.
    fn finish(self: Box<Self>, failure: Option<StoreError>);
}

/// A transaction with where its answer goes.
pub(super) struct Typed<F, T, E, R> {
    work: F,
    result: Option<Result<T, E>>,
    /// Tells the caller, who may have gone; the transaction stands all the same.
    reply: R,
}

impl<F, T, E, R> Typed<F, T, E, R> {
    pub(super) const fn new(work: F, reply: R) -> Self {
        Self { work, result: None, reply }
    }
}

impl<F, T, E, R> Job for Typed<F, T, E, R>
where
    F: FnMut(&mut dyn Tx) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
    R: FnOnce(Result<T, E>) + Send,
{
    fn run(&mut self, tx: &mut dyn Tx) -> bool {
        self.result.insert((self.work)(tx)).is_ok()
    }

    fn finish(self: Box<Self>, failure: Option<StoreError>) {
        let answer = match (failure, self.result) {
            (Some(failure), _) => Err(failure.into()),
            (None, Some(result)) => result,
            (None, None) => Err(StoreError::Closed.into()),
        };
        (self.reply)(answer);
    }
}

/// Transactions that wait for a thread.
pub(super) struct Queue {
    pub(super) mode: Mode,
    state: Mutex<QueueState>,
    /// A job came, or the queue closed.
    changed: Condvar,
    /// The queue closed. Apart from `changed`, so that a pausing thread takes no wake-up that a job needs.
    closing: Condvar,
}

struct QueueState {
    jobs: VecDeque<Box<dyn Job>>,
    closed: bool,
}

impl Queue {
    pub(super) fn new(mode: Mode) -> Arc<Self> {
        let state = Mutex::new(QueueState { jobs: VecDeque::new(), closed: false });
        Arc::new(Self { mode, state, changed: Condvar::new(), closing: Condvar::new() })
    }

    fn state(&self) -> MutexGuard<'_, QueueState> {
        // Nothing panics while the lock is held; if it ever did, the queue itself is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, job: Box<dyn Job>) {
        let mut state = self.state();
        let refusal = if state.closed {
            StoreError::Closed
        } else if state.jobs.len() >= QUEUE_LIMIT {
            StoreError::Overloaded
        } else {
            state.jobs.push_back(job);
            drop(state);
            self.changed.notify_one();
            return;
        };
        drop(state);
        job.finish(Some(refusal));
    }

    /// The next job; `None` once the queue is closed and empty.
    pub(super) fn pop(&self) -> Option<Box<dyn Job>> {
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next job if one comes within `wait`.
    pub(super) fn pop_within(&self, wait: Duration) -> Option<Box<dyn Job>> {
        let nothing = |state: &mut QueueState| state.jobs.is_empty() && !state.closed;
        let waited = self.changed.wait_timeout_while(self.state(), wait, nothing);
        waited.unwrap_or_else(PoisonError::into_inner).0.jobs.pop_front()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
        self.closing.notify_all();
    }

    /// Waits so long, or until the queue closes.
    pub(super) fn pause(&self, pause: Duration) {
        let waited = self.closing.wait_timeout_while(self.state(), pause, |state| !state.closed);
        drop(waited);
    }
}
