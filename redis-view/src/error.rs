//! Why Redis did not take or give records, in words that an operator and a metric can use.

use redis::{ErrorKind, RedisError, ServerErrorKind};
use std::time::Duration;

/// Why Redis did not take or give records. Nothing is lost: whoever asked keeps its cursor.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// No answer in time.
    #[error("redis did not answer within {0:?}")]
    TimedOut(Duration),
    /// The server would delete records to make room, and say nothing.
    #[error(
        "redis has maxmemory-policy {policy:?}, which deletes records without saying so; set it to noeviction"
    )]
    Evicts {
        /// Its `maxmemory-policy`.
        policy: String,
    },
    /// Anything else that Redis or the connection said.
    #[error("redis failed")]
    Redis(#[from] RedisError),
}

impl ServerError {
    /// A short name for metrics: one of a closed set.
    pub fn reason(&self) -> &'static str {
        let error = match self {
            Self::TimedOut(_) => return "timed_out",
            Self::Evicts { .. } => return "evicts",
            Self::Redis(error) => error,
        };
        match error.kind() {
            ErrorKind::Io if error.is_timeout() => "timed_out",
            ErrorKind::Io => "unreachable",
            ErrorKind::AuthenticationFailed => "unauthorised",
            ErrorKind::ClusterConnectionNotFound => "cluster",
            ErrorKind::Server(server) => match server {
                ServerErrorKind::BusyLoading => "loading",
                ServerErrorKind::ReadOnly => "read_only",
                ServerErrorKind::NoPerm => "unauthorised",
                ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::CrossSlot
                | ServerErrorKind::MasterDown => "cluster",
                _ => "refused",
            },
            _ => match code(error).as_deref() {
                Some("OOM") => "out_of_memory",
                Some("NOAUTH" | "WRONGPASS") => "unauthorised",
                Some("MISCONF") => "misconfigured",
                Some("BUSY") => "busy",
                _ => "other",
            },
        }
    }

    /// Whether a person must change something first.
    pub fn needs_repair(&self) -> bool {
        matches!(
            self.reason(),
            "evicts" | "out_of_memory" | "misconfigured" | "read_only" | "unauthorised" | "refused" | "other"
        )
    }

    /// The script is not known to the node that was asked.
    pub(crate) fn lacks_script(&self) -> bool {
        self.server_kind() == Some(ServerErrorKind::NoScript)
    }

    /// The records asked for are elsewhere in the cluster, or on their way.
    pub(crate) fn is_redirection(&self) -> bool {
        matches!(
            self.server_kind(),
            Some(
                ServerErrorKind::Moved
                    | ServerErrorKind::Ask
                    | ServerErrorKind::TryAgain
                    | ServerErrorKind::CrossSlot
            )
        )
    }

    fn server_kind(&self) -> Option<ServerErrorKind> {
        match self {
            Self::Redis(error) => match error.kind() {
                ErrorKind::Server(kind) => Some(kind),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The server's own word for an error; of a pipeline the first.
fn code(error: &RedisError) -> Option<String> {
    let errors = error.clone().into_server_errors()?;
    errors.first().map(|(_, error)| error.code().to_owned())
}
