//! Work that goes on beside the requests until it is asked to end.

use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};

/// The running work.
pub struct Task {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Task {
    /// Starts it; it ends soon after it reads `true`.
    pub(crate) fn spawn<F>(work: impl FnOnce(watch::Receiver<bool>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(work(stopped)) }
    }

    /// Tells whether it still runs.
    pub fn handle(&self) -> AbortHandle {
        self.task.abort_handle()
    }

    /// Ends it; what it has not done waits for the next start.
    pub async fn stop(self, within: Duration) {
        self.stop.send_replace(true);
        let mut task = self.task;
        if tokio::time::timeout(within, &mut task).await.is_err() {
            task.abort();
        }
    }
}
