//! The way of a line to standard error: a bounded queue, and one thread that writes.
//!
//! A write to a full pipe, or to a file on a disk that stands still, waits for as long as that takes. Only the thread that
//! writes waits: whoever logs puts the line into the queue, or, if that is full, drops it and counts it.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes that wait at most, with what each line costs beside its text.
const WAITING_MAX: usize = 256 << 10;
/// What a line costs beside its text.
const PER_LINE: usize = 64;

/// Lines that were dropped so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dropped {
    /// The queue had no room.
    pub(super) full: u64,
    /// Standard error took them with an error.
    pub(super) failed: u64,
}

#[derive(Default)]
struct Counts {
    /// Bytes in the queue or being written.
    waiting: AtomicUsize,
    full: AtomicU64,
    failed: AtomicU64,
    /// For whoever waits until nothing waits.
    looked: Mutex<()>,
    empty: Condvar,
}

/// The way in. Each clone leads to the same thread, which ends with the last of them.
#[derive(Clone)]
pub(super) struct Queue {
    lines: Sender<Vec<u8>>,
    counts: Arc<Counts>,
}

impl Queue {
    /// Starts the thread that writes to `out`.
    ///
    /// # Errors
    /// If there is no thread.
    pub(super) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, written) = channel();
        let counts = Arc::new(Counts::default());
        let writes = Writes { lines: written, counts: Arc::clone(&counts), out };
        thread::Builder::new().name("yinke-log".to_owned()).spawn(|| writes.run())?;
        Ok(Self { lines, counts })
    }

    /// Puts a line in, or drops it if there is no room. Never waits.
    pub(super) fn put(&self, line: &[u8]) {
        let cost = line.len() + PER_LINE;
        let before = self.counts.waiting.fetch_add(cost, Ordering::Relaxed);
        // The thread outlives us: sending cannot fail.
        if before + cost > WAITING_MAX || self.lines.send(line.to_vec()).is_err() {
            self.counts.waiting.fetch_sub(cost, Ordering::Relaxed);
            self.counts.full.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lines dropped so far.
    pub(super) fn dropped(&self) -> Dropped {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        Dropped { full: count(&self.counts.full), failed: count(&self.counts.failed) }
    }

    /// Waits until everything is written, but no longer than `limit`; whether it is.
    pub(super) fn flush(&self, limit: Duration) -> bool {
        let counts = &*self.counts;
        let looked = counts.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |_: &mut ()| counts.waiting.load(Ordering::Acquire) > 0;
        let ended = counts.empty.wait_timeout_while(looked, limit, waits);
        !ended.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

/// The thread's side.
struct Writes<W> {
    lines: Receiver<Vec<u8>>,
    counts: Arc<Counts>,
    out: W,
}

impl<W: Write> Writes<W> {
    fn run(mut self) {
        let mut told = 0;
        while let Ok(line) = self.lines.recv() {
            if self.out.write_all(&line).is_err() {
                self.counts.failed.fetch_add(1, Ordering::Relaxed);
            }
            let cost = line.len() + PER_LINE;
            if self.counts.waiting.fetch_sub(cost, Ordering::AcqRel) == cost {
                drop(self.counts.looked.lock());
                self.counts.empty.notify_all();
            }
            let full = self.counts.full.load(Ordering::Relaxed);
            if full > told {
                // Into the queue like any line: there is room again.
                tracing::warn!(
                    lines = full - told,
                    "lines of this log were dropped: nobody took them in time"
                );
                told = full;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{SyncSender, sync_channel};

    /// Takes a line only when it is asked for one.
    struct Reluctant(SyncSender<Vec<u8>>);

    impl Write for Reluctant {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const SOON: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn lines_come_out_in_order_and_a_flush_waits_for_them() {
        let (taken, takes) = sync_channel(100);
        let queue = Queue::start(Reluctant(taken)).unwrap();
        for number in 0..100 {
            queue.put(format!("{number}\n").as_bytes());
        }
        assert!(queue.flush(LONG));
        let lines: Vec<_> = takes.try_iter().map(|line| String::from_utf8(line).unwrap()).collect();
        assert_eq!(lines, (0..100).map(|number| format!("{number}\n")).collect::<Vec<_>>());
        assert_eq!(queue.dropped(), Dropped { full: 0, failed: 0 });
    }

    #[test]
    fn what_nobody_takes_is_bounded_and_counted() {
        let (taken, takes) = sync_channel(0);
        let queue = Queue::start(Reluctant(taken)).unwrap();
        let line = [b'x'; 1_000 - PER_LINE];
        let room = WAITING_MAX / 1_000;
        for _ in 0..room + 7 {
            queue.put(&line);
        }
        assert_eq!(queue.dropped(), Dropped { full: 7, failed: 0 });
        assert!(!queue.flush(SOON), "it does not wait for ever");

        // Whoever comes late gets all that was kept, and there is room again.
        for _ in 0..room {
            assert_eq!(takes.recv_timeout(LONG).unwrap(), line);
        }
        assert!(queue.flush(LONG));
        queue.put(b"anew\n");
        assert_eq!(takes.recv_timeout(LONG).unwrap(), b"anew\n");
        assert_eq!(queue.dropped().full, 7);
    }

    #[test]
    fn what_cannot_be_written_is_counted() {
        let (taken, takes) = sync_channel(1);
        drop(takes);
        let queue = Queue::start(Reluctant(taken)).unwrap();
        queue.put(b"lost\n");
        assert!(queue.flush(LONG));
        assert_eq!(queue.dropped(), Dropped { full: 0, failed: 1 });
    }
}
