//! SIGTERM and SIGINT: the first asks to drain, the second ends the process at once.

use tokio::signal::unix::{SignalKind, signal};

/// How long a drain may take, everything together.
pub(crate) const DRAIN: std::time::Duration = std::time::Duration::from_millis(4_500);

/// Exit code after a second signal, by the shells' convention 128 + number.
const SIGTERM: i32 = 128 + 15;
const SIGINT: i32 = 128 + 2;

/// Watches for the two signals from now on.
pub(crate) struct Signals {
    term: tokio::signal::unix::Signal,
    int: tokio::signal::unix::Signal,
}

impl Signals {
    /// Must be called within a runtime, before anything that takes long.
    ///
    /// # Errors
    /// If the handlers cannot be installed.
    pub(crate) fn watch() -> std::io::Result<Self> {
        Ok(Self { term: signal(SignalKind::terminate())?, int: signal(SignalKind::interrupt())? })
    }

    /// Waits for one of them; gives its exit code by convention.
    pub(crate) async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.term.recv() => SIGTERM,
            _ = self.int.recv() => SIGINT,
        }
    }

    /// From here on the next signal ends the process without further ado.
    pub(crate) fn exit_on_next(mut self) {
        tokio::spawn(async move {
            let code = self.next().await;
            std::process::exit(code);
        });
    }
}
