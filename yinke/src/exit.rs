//! How a command ends: its exit code, and what it says.
//!
//! The numbers above 2 are those of sysexits.h, so that a supervisor can tell "try again" from "call somebody".

use std::fmt;

/// The exit codes. Documented in `--help`; scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Something failed while running, or the books do not balance.
    Runtime = 1,
    /// Wrong flags or arguments.
    Usage = 2,
    /// Input or stored data is not what it must be (EX_DATAERR).
    BadData = 65,
    /// The named input, order or link does not exist (EX_NOINPUT).
    NotFound = 66,
    /// A port is taken, or a server that is needed does not answer (EX_UNAVAILABLE).
    Unavailable = 69,
    /// A file or directory cannot be created (EX_CANTCREAT).
    CannotCreate = 73,
    /// Reading or writing failed (EX_IOERR).
    Io = 74,
    /// The data directory is in use, or the server asks to try again later (EX_TEMPFAIL).
    TryAgain = 75,
    /// Keys are unreadable or readable by others, or the token is not allowed to do this (EX_NOPERM).
    NoPermission = 77,
    /// The configuration has mistakes (EX_CONFIG).
    Config = 78,
}

/// The table in `--help` and in the manual.
pub(crate) const HELP: &str = "\
Exit codes:
   0  done
   1  failed while running; the books do not balance
   2  wrong usage
  65  bad data in a file
  66  no such file, order or link
  69  a port is taken, or a server that is needed does not answer
  73  a file or directory cannot be created
  74  reading or writing failed
  75  in use by another process, or busy: try again later
  77  not permitted: keys, files or token
  78  mistakes in the configuration

Every flag can also be given as the environment variable named beside it.";

/// A command that failed: what to print and how to exit.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    error: anyhow::Error,
}

impl Failure {
    /// Any error with a code.
    pub(crate) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into() }
    }

    /// A message of our own with a code.
    pub(crate) fn message(
        exit: Exit,
        message: impl fmt::Display + fmt::Debug + Send + Sync + 'static,
    ) -> Self {
        Self { exit, error: anyhow::Error::msg(message) }
    }

    /// The process exit code.
    pub(crate) const fn code(&self) -> u8 {
        self.exit as u8
    }
}

impl fmt::Display for Failure {
    /// The whole chain of causes in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

/// How to exit for an I/O error on `doing`.
pub(crate) fn io(error: std::io::Error, doing: String) -> Failure {
    let exit = match error.kind() {
        std::io::ErrorKind::NotFound => Exit::NotFound,
        std::io::ErrorKind::PermissionDenied => Exit::NoPermission,
        _ => Exit::Io,
    };
    Failure { exit, error: anyhow::Error::new(error).context(doing) }
}
