//! How a command ends: its exit code, and which error means which code.
//!
//! The numbers above 2 are those of sysexits.h, so that a supervisor can tell "try again" from "call somebody".

use crate::config::ConfigError;
use crate::data_dir::DataDirError;
use crate::demo::DemoError;
use crate::keys::KeysError;
use settlement_core::store::StoreError;
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

// === which error means which code ===

impl From<DataDirError> for Failure {
    fn from(error: DataDirError) -> Self {
        let exit = match &error {
            DataDirError::InUse { .. } => Exit::TryAgain,
            DataDirError::Create { .. } => Exit::CannotCreate,
            DataDirError::Writable { .. } => Exit::NoPermission,
            DataDirError::Io { .. } => Exit::Io,
        };
        Self::new(exit, error)
    }
}

impl From<KeysError> for Failure {
    fn from(error: KeysError) -> Self {
        let exit = match &error {
            KeysError::Unreadable { .. } | KeysError::Exposed { .. } => Exit::NoPermission,
            KeysError::Missing(_) | KeysError::LastGeneration(_) => Exit::Config,
            KeysError::Create { .. } => Exit::CannotCreate,
            KeysError::Malformed { .. } => Exit::BadData,
        };
        Self::new(exit, error)
    }
}

impl From<redirector::StartError> for Failure {
    fn from(error: redirector::StartError) -> Self {
        use redirector::StartError as E;
        let exit = match &error {
            E::Workers(_) | E::PublicBase(_) | E::Agents(_) | E::CheckKey => Exit::Config,
            E::DataDir(..) => Exit::CannotCreate,
            E::Listen(_) => Exit::Unavailable,
            E::Journal(_) | E::Background(_) => Exit::Io,
            E::System(_) => Exit::Runtime,
        };
        Self::new(exit, error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = if error.may_retry() { Exit::TryAgain } else { Exit::Io };
        Self::new(exit, anyhow::Error::new(error).context("the store failed"))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let exit = match &error {
            ConfigError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Exit::NotFound
            }
            ConfigError::Read { .. } => Exit::Io,
            ConfigError::Mistakes(_) => Exit::Config,
        };
        Self::new(exit, error)
    }
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        let exit = match &error {
            DemoError::File { .. } => Exit::Io,
            DemoError::Mistakes { .. } => Exit::BadData,
            DemoError::Import { .. }
            | DemoError::Api(_)
            | DemoError::Tap { .. }
            | DemoError::NoLink(_)
            | DemoError::Randomness => Exit::Runtime,
        };
        Self::new(exit, error)
    }
}
