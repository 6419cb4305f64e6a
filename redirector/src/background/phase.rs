//! The background's life: run, drain, stop. One signal that every worker watches.
//!
//! Those who wait are woken in the order they began to: a `watch` channel spreads them over lists and picks one at
//! random, and a simulation that drains would not repeat its run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::sync::Notify;

/// What the workers do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Phase {
    /// Work as things come.
    Run,
    /// Nothing new will come: finish what there is, then end.
    Drain,
    /// End now; what is not finished waits for the next start.
    Stop,
}

#[derive(Debug, Default)]
struct Signal {
    phase: AtomicU8,
    changed: Notify,
}

/// Sets the phase. Dropped, it sets [`Phase::Stop`]: then everything is over.
#[derive(Debug)]
pub(super) struct Switch(Arc<Signal>);

impl Switch {
    /// On to this phase; never back.
    pub(super) fn set(&self, phase: Phase) {
        self.0.phase.fetch_max(phase as u8, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.set(Phase::Stop);
    }
}

/// A worker's view of the phase.
#[derive(Debug, Clone)]
pub(super) struct Phases(Arc<Signal>);

impl Phases {
    /// The switch, and the view to be cloned for every worker.
    pub(super) fn new() -> (Switch, Self) {
        let signal = Arc::<Signal>::default();
        (Switch(Arc::clone(&signal)), Self(signal))
    }

    /// The phase now.
    pub(super) fn now(&self) -> Phase {
        match self.0.phase.load(Ordering::SeqCst) {
            0 => Phase::Run,
            1 => Phase::Drain,
            _ => Phase::Stop,
        }
    }

    /// Waits until the phase is at least `phase`.
    pub(super) async fn reaches(&self, phase: Phase) {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            // Armed before the question: a change cannot fall between the two.
            changed.as_mut().enable();
            if self.now() >= phase {
                return;
            }
            changed.await;
        }
    }

    /// Waits for `pause` unless `phase` comes first; says whether the whole pause has passed.
    pub(super) async fn pause(&self, pause: std::time::Duration, phase: Phase) -> bool {
        tokio::select! {
            biased;
            () = self.reaches(phase) => false,
            () = tokio::time::sleep(pause) => true,
        }
    }
}
