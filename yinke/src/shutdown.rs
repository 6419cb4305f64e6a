//! Signals: SIGHUP reloads; the first SIGTERM or SIGINT asks to drain, the second ends the process at once.

use crate::roles::Served;
use tokio::signal::unix::{SignalKind, signal};

/// How long a drain may take, everything together.
pub(crate) const DRAIN: std::time::Duration = std::time::Duration::from_millis(4_500);

/// Exit code after a second signal, by the shells' convention 128 + number.
const SIGTERM: i32 = 128 + 15;
const SIGINT: i32 = 128 + 2;

/// How a process ends that was asked to stop before it had started.
pub(crate) fn interrupted(code: i32) -> std::process::ExitCode {
    u8::try_from(code).map_or(std::process::ExitCode::FAILURE, std::process::ExitCode::from)
}

/// Watches for the signals from now on.
pub(crate) struct Signals {
    term: tokio::signal::unix::Signal,
    int: tokio::signal::unix::Signal,
    hup: tokio::signal::unix::Signal,
}

impl Signals {
    /// Must be called within a runtime, before anything that takes long.
    ///
    /// # Errors
    /// If the handlers cannot be installed.
    pub(crate) fn watch() -> std::io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one of them; gives its exit code by convention.
    pub(crate) async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.term.recv() => SIGTERM,
            _ = self.int.recv() => SIGINT,
        }
    }

    /// Waits for the end and reloads meanwhile when asked to.
    pub(crate) async fn next_or_reload(&mut self, served: &Served) {
        loop {
            tokio::select! {
                _ = self.term.recv() => return,
                _ = self.int.recv() => return,
                _ = self.hup.recv() => drop(served.reload()),
            }
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
