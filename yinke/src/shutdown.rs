//! Signals: SIGHUP reloads; SIGUSR2 asks to drain and start anew; the first SIGTERM or SIGINT asks to drain, the
//! second ends the process at once.

use crate::exit::Failure;
use crate::handover::{Handover, Name};
use crate::logging;
use crate::roles::Served;
use std::net::TcpListener;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// How long a drain may take, everything together.
pub(crate) const DRAIN: std::time::Duration = std::time::Duration::from_millis(4_500);

/// Exit code after a second signal, by the shells' convention 128 + number.
const SIGTERM: i32 = 128 + 15;
const SIGINT: i32 = 128 + 2;

/// How a process ends that was asked to stop before it had started.
pub(crate) fn interrupted(code: i32) -> ExitCode {
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// What a server is asked to do at last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Drain and end.
    Stop,
    /// Drain and become the program anew.
    Restart,
}

/// How a server has ended.
pub(crate) enum Ended {
    /// For good.
    Stopped(ExitCode),
    /// To start anew with these sockets.
    Restarting(Handover),
}

impl Ended {
    /// As it was asked to, with the sockets for the process after this one, if there is to be one.
    pub(crate) fn asked(ask: Ask, kept: Vec<(Name, TcpListener)>, restarts: u32) -> Self {
        match ask {
            Ask::Stop => Self::Stopped(ExitCode::SUCCESS),
            Ask::Restart => Self::Restarting(Handover::new(kept, restarts)),
        }
    }

    /// Ends the process, or becomes the program anew. Called when nothing runs any more.
    ///
    /// # Errors
    /// If the program cannot be started again.
    pub(crate) fn finish(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Stopped(code) => Ok(code),
            Self::Restarting(handover) => Err(handover.exec()),
        }
    }
}

/// Watches for the signals from now on.
pub(crate) struct Signals {
    term: tokio::signal::unix::Signal,
    int: tokio::signal::unix::Signal,
    hup: tokio::signal::unix::Signal,
    usr2: tokio::signal::unix::Signal,
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
            usr2: signal(SignalKind::user_defined2())?,
        })
    }

    /// Waits for one of them; gives its exit code by convention.
    pub(crate) async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.term.recv() => SIGTERM,
            _ = self.int.recv() => SIGINT,
        }
    }

    /// Waits for the end and reloads meanwhile when asked to. `may_restart` is asked before a restart gives anything up:
    /// whether the process after this one would start. It may block.
    pub(crate) async fn next_or_reload(
        &mut self,
        served: &Served,
        may_restart: impl Fn() -> Result<(), Failure> + Clone + Send + 'static,
    ) -> Ask {
        loop {
            tokio::select! {
                _ = self.term.recv() => return Ask::Stop,
                _ = self.int.recv() => return Ask::Stop,
                _ = self.hup.recv() => drop(served.reload()),
                _ = self.usr2.recv() => match tokio::task::spawn_blocking(may_restart.clone()).await {
                    Ok(Ok(())) => return Ask::Restart,
                    Ok(Err(error)) => tracing::error!(%error, "not restarted: the next process would not start; this one goes on"),
                    Err(error) => tracing::error!(%error, "not restarted: the next process could not be tried"),
                },
            }
        }
    }

    /// From here on the next signal ends the process without further ado.
    pub(crate) fn exit_on_next(mut self) {
        tokio::spawn(async move {
            let code = self.next().await;
            logging::finish(None);
            std::process::exit(code);
        });
    }
}
