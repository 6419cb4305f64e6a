//! A bell that wakes one background thread, and a rest that somebody can cut short. Ringing costs a load while the
//! thread is awake.

use crate::lock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

#[derive(Default)]
pub(crate) struct Bell {
    asleep: AtomicBool,
    rung: Mutex<bool>,
    wake: Condvar,
}

impl Bell {
    /// Wakes the thread if it sleeps. What it should see must be stored before, sequentially consistent.
    pub(crate) fn ring(&self) {
        if self.asleep.load(Ordering::SeqCst) {
            *lock(&self.rung) = true;
            self.wake.notify_one();
        }
    }

    /// Sleeps until rung, or at most `limit`. `idle` is asked after the bell is armed: a ring cannot fall between.
    pub(crate) fn sleep(&self, limit: Option<Duration>, idle: impl Fn() -> bool) {
        self.asleep.store(true, Ordering::SeqCst);
        if idle() {
            let rung = lock(&self.rung);
            match limit {
                None => drop(self.wake.wait_while(rung, |rung| !*rung)),
                Some(limit) => drop(self.wake.wait_timeout_while(rung, limit, |rung| !*rung)),
            }
        }
        self.asleep.store(false, Ordering::SeqCst);
        *lock(&self.rung) = false;
    }
}

/// The rest of a thread between two rounds of its work.
#[derive(Default)]
pub(crate) struct Rest {
    cut: AtomicBool,
    bell: Bell,
}

impl Rest {
    /// Cuts the rest under way short, or the next one.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        self.bell.ring();
    }

    /// Rests for `time`; `true` if it was cut short.
    pub(crate) fn take(&self, time: Duration) -> bool {
        if !time.is_zero() {
            self.bell.sleep(Some(time), || !self.cut.load(Ordering::SeqCst));
        }
        self.cut.swap(false, Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const SHORT: Duration = Duration::from_millis(30);
    const LONG: Duration = Duration::from_secs(3_600);

    #[test]
    fn nobody_rings_and_the_sleep_lasts_its_time() {
        let bell = Bell::default();
        let begun = Instant::now();
        bell.sleep(Some(SHORT), || true);
        assert!(begun.elapsed() >= SHORT);
        // Who has something to do does not sleep at all.
        bell.sleep(None, || false);
    }

    #[test]
    fn a_ring_ends_a_sleep_without_end() {
        let (bell, done) = (Bell::default(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                bell.sleep(None, || !done.load(Ordering::SeqCst));
                done.store(true, Ordering::SeqCst);
            });
            while !done.load(Ordering::SeqCst) {
                bell.ring();
                std::thread::yield_now();
            }
        });
    }

    #[test]
    fn a_rest_that_is_cut_says_so_once() {
        let rest = Rest::default();
        let begun = Instant::now();
        assert!(!rest.take(SHORT), "nobody has cut it");
        assert!(begun.elapsed() >= SHORT);
        rest.cut();
        assert!(rest.take(LONG), "cut before it began");
        assert!(!rest.take(Duration::ZERO), "only the next one");
        rest.cut();
        assert!(rest.take(Duration::ZERO));
    }

    #[test]
    fn a_rest_under_way_is_cut_short() {
        let rest = Rest::default();
        std::thread::scope(|scope| {
            let resting = scope.spawn(|| rest.take(LONG));
            while !rest.bell.asleep.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            rest.cut();
            assert!(resting.join().unwrap());
        });
    }
}
