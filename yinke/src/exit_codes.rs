//! Which error means which exit code.

use crate::config::ConfigError;
use crate::data_dir::DataDirError;
use crate::demo::DemoError;
use crate::exit::{Exit, Failure};
use crate::keys::KeysError;
use settlement_core::store::StoreError;

impl From<DataDirError> for Failure {
    fn from(error: DataDirError) -> Self {
        let exit = match &error {
            DataDirError::InUse { .. } => Exit::TryAgain,
            DataDirError::Create { .. } => Exit::CannotCreate,
            DataDirError::Writable { .. } => Exit::NoPermission,
            DataDirError::Full { .. } | DataDirError::Io { .. } => Exit::Io,
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
