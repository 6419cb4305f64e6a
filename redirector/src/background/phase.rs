//! The background's life: run, drain, stop. One signal that every worker watches.

use tokio::sync::watch;

/// What the workers do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Work as things come.
    Run,
    /// Nothing new will come: finish what there is, then end.
    Drain,
    /// End now; what is not finished waits for the next start.
    Stop,
}

/// A worker's view of the phase.
#[derive(Debug, Clone)]
pub(super) struct Phases(watch::Receiver<Phase>);

impl Phases {
    /// The switch, and the view to be cloned for every worker.
    pub(super) fn new() -> (watch::Sender<Phase>, Self) {
        let (sender, receiver) = watch::channel(Phase::Run);
        (sender, Self(receiver))
    }

    /// The phase now.
    pub(super) fn now(&self) -> Phase {
        *self.0.borrow()
    }

    /// Waits until the phase is at least `phase`; a dropped switch counts as [`Phase::Stop`].
    pub(super) async fn reaches(&mut self, phase: Phase) {
        // An error means that the switch is gone: then everything is over.
        let _ = self.0.wait_for(|now| *now >= phase).await;
    }

    /// Waits for `pause` unless `phase` comes first; says whether the whole pause has passed.
    pub(super) async fn pause(&mut self, pause: std::time::Duration, phase: Phase) -> bool {
        tokio::select! {
            biased;
            () = self.reaches(phase) => false,
            () = tokio::time::sleep(pause) => true,
        }
    }
}
