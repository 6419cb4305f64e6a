//! Pictures are read and drawn on threads that answer nobody else, few at a time: each takes as long as many clicks, and a
//! large one more than a hundred MiB.

use crate::failure::Failure;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Pictures that are read or drawn at once.
const AT_ONCE: usize = 2;

/// The places to draw at.
pub(crate) struct Desks(Arc<Semaphore>);

impl Default for Desks {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Desks {
    /// Does this when there is a place for it.
    pub(crate) async fn draw<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let place = self.0.clone().acquire_owned().await.map_err(broken)?;
        let done = tokio::task::spawn_blocking(move || {
            let drawn = work();
            // Held by the thread, not by the request: a client that leaves must not free a place that is in use.
            drop(place);
            drawn
        });
        done.await.map_err(broken)
    }
}

/// What nobody who looks at the page can mend.
pub(crate) fn broken(error: impl std::fmt::Display) -> Failure {
    tracing::error!(%error, "a picture could not be drawn");
    Failure::Broken
}
