//! The gate of the turn: no answer leaves before the record of its click is in the kernel, and one write serves all.
//!
//! Everything here runs on one thread. A handler appends its frame and waits at the gate; the first to arrive in a
//! turn wakes the flusher, which the event loop runs after the tasks that are already ready. The flusher writes once
//! and opens the gate for all. That is cheaper than one write per click and than answering first (measured).
//!
//! Strict programmes have a second wait, for the disk: see [`DiskQueue`].

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// One turn of the event loop, as a handler remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn(u64);

/// The frames of the turn could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotWritten;

/// The gate of one worker.
#[derive(Default)]
pub(crate) struct Gate {
    armed: Cell<bool>,
    /// Turns released so far.
    released: Cell<u64>,
    /// Turns whose write failed, newest last; a waiter of an older turn has long been polled.
    failed: Cell<u64>,
    waiting: RefCell<Vec<Waker>>,
    flusher: RefCell<Option<Waker>>,
}

impl Gate {
    /// Takes part in the current turn: the flusher will run once the ready tasks have.
    pub(crate) fn arm(&self) -> Turn {
        if !self.armed.replace(true)
            && let Some(flusher) = self.flusher.borrow().as_ref()
        {
            flusher.wake_by_ref();
        }
        Turn(self.released.get() + 1)
    }

    /// Waits until the frames of `turn` are in the kernel.
    pub(crate) const fn wait(&self, turn: Turn) -> Wait<'_> {
        Wait { gate: self, turn, registered: false }
    }

    /// The flusher's side: until somebody has armed the gate.
    pub(crate) async fn armed(&self) {
        poll_fn(|context| {
            if self.armed.get() {
                return Poll::Ready(());
            }
            *self.flusher.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// The flusher's side: ends the turn and lets all its handlers go on.
    pub(crate) fn release(&self, written: bool) {
        let turn = self.released.get() + 1;
        self.released.set(turn);
        self.armed.set(false);
        if !written {
            self.failed.set(turn);
        }
        // Waking only marks tasks as ready, so nobody comes back in here while the list is borrowed.
        for waker in self.waiting.borrow_mut().drain(..) {
            waker.wake();
        }
    }
}

/// A handler's wait for its turn's write.
pub(crate) struct Wait<'a> {
    gate: &'a Gate,
    turn: Turn,
    registered: bool,
}

impl Future for Wait<'_> {
    type Output = Result<(), NotWritten>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.gate.released.get() >= self.turn.0 {
            return Poll::Ready(if self.gate.failed.get() == self.turn.0 { Err(NotWritten) } else { Ok(()) });
        }
        // A connection is one task of its own, whose waker does not change while it waits.
        if !self.registered {
            self.registered = true;
            self.gate.waiting.borrow_mut().push(context.waker().clone());
        }
        Poll::Pending
    }
}

/// The handlers of strict programmes that wait for the disk, in the order of their sequence numbers.
pub(crate) struct DiskQueue {
    limit: usize,
    /// Places promised before the append: an answer never fails for want of a place after its click is recorded.
    promised: Cell<usize>,
    durable: Cell<u64>,
    waiting: RefCell<VecDeque<(u64, Waker)>>,
}

impl DiskQueue {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, promised: Cell::new(0), durable: Cell::new(0), waiting: RefCell::default() }
    }

    /// A place in the queue, or `None` if it is full.
    pub(crate) fn place(&self) -> Option<Place<'_>> {
        (self.promised.get() < self.limit).then(|| {
            self.promised.set(self.promised.get() + 1);
            Place { queue: self, waits_for: Cell::new(None) }
        })
    }

    /// Handlers that hold a place.
    pub(crate) const fn len(&self) -> usize {
        self.promised.get()
    }

    /// Everything below `next` is on disk now.
    pub(crate) fn advance(&self, next: u64) {
        self.durable.set(next.max(self.durable.get()));
        let mut waiting = self.waiting.borrow_mut();
        while waiting.front().is_some_and(|(sequence, _)| *sequence < next) {
            if let Some((_, waker)) = waiting.pop_front() {
                waker.wake();
            }
        }
    }
}

/// A promised place in the queue; given back when dropped.
pub(crate) struct Place<'a> {
    queue: &'a DiskQueue,
    /// The number under which it stands in the queue.
    waits_for: Cell<Option<u64>>,
}

impl Place<'_> {
    /// Waits until the frame `sequence` is on disk.
    pub(crate) async fn until_durable(self, sequence: u64) {
        poll_fn(|context| {
            if self.queue.durable.get() > sequence {
                return Poll::Ready(());
            }
            if self.waits_for.replace(Some(sequence)).is_none() {
                let mut waiting = self.queue.waiting.borrow_mut();
                let at = waiting.partition_point(|(other, _)| *other < sequence);
                waiting.insert(at, (sequence, context.waker().clone()));
            }
            Poll::Pending
        })
        .await;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.promised.set(self.queue.promised.get() - 1);
        // A client that leaves while the disk stands still takes its entry along: the queue stays as long as it says.
        if let Some(sequence) = self.waits_for.get() {
            let mut waiting = self.queue.waiting.borrow_mut();
            let at = waiting.partition_point(|(other, _)| *other < sequence);
            if waiting.get(at).is_some_and(|(other, _)| *other == sequence) {
                waiting.remove(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll<F: Future + ?Sized>(future: Pin<&mut F>, count: &Arc<Count>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(&Waker::from(count.clone())))
    }

    #[test]
    fn a_turn_wakes_the_flusher_once_and_all_its_handlers() {
        let gate = Gate::default();
        let (flusher, handlers) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let mut armed = Box::pin(gate.armed());
        assert!(poll(armed.as_mut(), &flusher).is_pending());

        let (mut a, mut b) = (Box::pin(gate.wait(gate.arm())), Box::pin(gate.wait(gate.arm())));
        assert_eq!(flusher.0.load(Ordering::Relaxed), 1);
        for _ in 0..3 {
            assert!(poll(a.as_mut(), &handlers).is_pending());
        }
        assert!(poll(b.as_mut(), &handlers).is_pending());
        assert!(poll(armed.as_mut(), &flusher).is_ready());

        gate.release(true);
        assert_eq!(handlers.0.load(Ordering::Relaxed), 2, "one wake for each");
        assert_eq!(poll(a.as_mut(), &handlers), Poll::Ready(Ok(())));
        assert_eq!(poll(b.as_mut(), &handlers), Poll::Ready(Ok(())));
    }

    #[test]
    fn a_failed_write_is_told_to_its_own_turn_only() {
        let gate = Gate::default();
        let count = Arc::new(Count::default());
        let mut failed = Box::pin(gate.wait(gate.arm()));
        gate.release(false);
        assert_eq!(poll(failed.as_mut(), &count), Poll::Ready(Err(NotWritten)));
        let mut next = Box::pin(gate.wait(gate.arm()));
        assert!(poll(next.as_mut(), &count).is_pending());
        gate.release(true);
        assert_eq!(poll(next.as_mut(), &count), Poll::Ready(Ok(())));
    }

    #[test]
    fn a_handler_that_left_disturbs_nobody() {
        let gate = Gate::default();
        let count = Arc::new(Count::default());
        let mut left = Box::pin(gate.wait(gate.arm()));
        assert!(poll(left.as_mut(), &count).is_pending());
        drop(left);
        gate.release(true);
        let mut next = Box::pin(gate.wait(gate.arm()));
        assert!(poll(next.as_mut(), &count).is_pending());
    }

    #[test]
    fn the_disk_queue_is_bounded_and_wakes_what_is_durable() {
        let queue = DiskQueue::new(2);
        let count = Arc::new(Count::default());
        let mut late = Box::pin(queue.place().unwrap().until_durable(8));
        let mut early = Box::pin(queue.place().unwrap().until_durable(7));
        assert!(queue.place().is_none());
        assert!(poll(late.as_mut(), &count).is_pending());
        assert!(poll(early.as_mut(), &count).is_pending());
        queue.advance(8);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(poll(late.as_mut(), &count).is_pending());
        assert!(poll(early.as_mut(), &count).is_ready());
        drop(early);
        assert!(queue.place().is_some());
        queue.advance(9);
        assert!(poll(late.as_mut(), &count).is_ready());
    }

    #[test]
    fn clients_that_leave_while_the_disk_stands_still_leave_nothing_behind() {
        let queue = DiskQueue::new(2);
        let count = Arc::new(Count::default());
        let mut stays = Box::pin(queue.place().unwrap().until_durable(0));
        assert!(poll(stays.as_mut(), &count).is_pending());
        for sequence in 1..100 {
            let mut leaves = Box::pin(queue.place().unwrap().until_durable(sequence));
            assert!(poll(leaves.as_mut(), &count).is_pending());
        }
        assert_eq!((queue.len(), queue.waiting.borrow().len()), (1, 1));
        queue.advance(100);
        assert_eq!(count.0.load(Ordering::Relaxed), 1, "only who waits is woken");
        assert!(poll(stays.as_mut(), &count).is_ready());
        drop(stays);
        assert_eq!(queue.len(), 0);
    }
}
