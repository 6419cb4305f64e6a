//! One connection to Redis, or to a cluster: checked when it is made, deadlines on everything, never reconnecting by
//! itself. After an error the recorder drops it and makes a new one.

use super::super::RecorderOptions;
use attribution_core::holder::SCRIPT;
use futures_util::stream::{FuturesUnordered, TryStreamExt as _};
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, FromRedisValue, Pipeline, RedisError, ServerErrorKind, Value,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// The only policy under which Redis says so when it is full. Any other deletes records and answers OK.
const KEEPS_EVERYTHING: &str = "noeviction";

/// Why Redis did not take records. Nothing is lost: the cursor stays.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServerError {
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
    #[error("redis did not take the records")]
    Redis(#[from] RedisError),
}

impl ServerError {
    /// A short name for metrics: one of a closed set.
    pub(super) fn reason(&self) -> &'static str {
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
    pub(super) fn needs_repair(&self) -> bool {
        matches!(self.reason(), "evicts" | "unauthorised" | "refused" | "misconfigured" | "other")
    }
}

/// The server's own word for an error; of a pipeline the first.
fn code(error: &RedisError) -> Option<String> {
    let errors = error.clone().into_server_errors()?;
    errors.first().map(|(_, error)| error.code().to_owned())
}

/// One script call: records of one bucket and what happened to them.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) bucket: u8,
    pub(super) operations: Vec<(String, Vec<u8>)>,
}

/// What the calls did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// Records that changed.
    pub(super) records: u64,
    /// Records left alone because a newer version of this software wrote them.
    pub(super) newer_format: u64,
}

#[derive(Clone)]
enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// A checked connection.
pub(super) struct Server {
    connection: Connection,
    script_hash: String,
    deadline: Duration,
}

impl Server {
    /// Connects, refuses a server that evicts, and loads the script.
    pub(super) async fn connect(options: &RecorderOptions) -> Result<Self, ServerError> {
        // The library has timeouts of its own; this one also covers what it forgets (name look-ups, a cluster's
        // first slot map).
        let deadline = options.connect_timeout + options.response_timeout;
        let connection = tokio::time::timeout(deadline, open(options))
            .await
            .map_err(|_| ServerError::TimedOut(deadline))??;
        let mut server = Self { connection, script_hash: String::new(), deadline: options.response_timeout };
        server.refuse_eviction().await?;
        server.load_script().await?;
        Ok(server)
    }

    /// Asks every primary for its eviction policy.
    pub(super) async fn refuse_eviction(&mut self) -> Result<(), ServerError> {
        let info: Value = self.query(redis::cmd("INFO").arg("memory")).await?;
        let policies = fields(&info, "maxmemory_policy:");
        match policies.iter().find(|policy| policy.as_str() != KEEPS_EVERYTHING) {
            Some(policy) => Err(ServerError::Evicts { policy: policy.clone() }),
            None if policies.is_empty() => Err(ServerError::Evicts { policy: "unknown".to_owned() }),
            None => Ok(()),
        }
    }

    /// Which run of the server this is; of a cluster, which runs of all primaries.
    pub(super) async fn run_id(&mut self) -> Result<String, ServerError> {
        let info: Value = self.query(redis::cmd("INFO").arg("server")).await?;
        let mut runs = fields(&info, "run_id:");
        runs.sort_unstable();
        Ok(runs.join(","))
    }

    async fn load_script(&mut self) -> Result<(), ServerError> {
        self.script_hash = self.query(redis::cmd("SCRIPT").arg("LOAD").arg(SCRIPT)).await?;
        Ok(())
    }

    /// Makes the calls, pipelined. Any may have taken effect if this fails; making them again does no harm.
    pub(super) async fn fold(&mut self, calls: &[Call]) -> Result<Written, ServerError> {
        match self.fold_once(calls).await {
            // The server was restarted or its scripts were flushed.
            Err(ServerError::Redis(error))
                if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) =>
            {
                self.load_script().await?;
                self.fold_once(calls).await
            }
            done => done,
        }
    }

    async fn fold_once(&self, calls: &[Call]) -> Result<Written, ServerError> {
        let pipelines = match self.connection {
            Connection::Single(_) => vec![self.pipeline(calls.iter())],
            // A pipeline must stay within one slot, and a bucket is a slot.
            Connection::Cluster(_) => {
                let mut buckets: BTreeMap<u8, Vec<&Call>> = BTreeMap::new();
                for call in calls {
                    buckets.entry(call.bucket).or_default().push(call);
                }
                buckets.into_values().map(|calls| self.pipeline(calls.into_iter())).collect()
            }
        };
        let sent: FuturesUnordered<_> = pipelines.iter().map(|pipeline| self.send(pipeline)).collect();
        sent.try_fold(Written::default(), async |sum, replies| {
            Ok(replies.into_iter().fold(sum, |sum, (records, newer_format)| Written {
                records: sum.records + records,
                newer_format: sum.newer_format + newer_format,
            }))
        })
        .await
    }

    fn pipeline<'a>(&self, calls: impl Iterator<Item = &'a Call>) -> Pipeline {
        let mut pipeline = redis::pipe();
        for call in calls {
            let command = pipeline.cmd("EVALSHA").arg(&self.script_hash).arg(call.operations.len());
            for (key, _) in &call.operations {
                command.arg(key);
            }
            for (_, operation) in &call.operations {
                command.arg(operation.as_slice());
            }
        }
        pipeline
    }

    async fn send(&self, pipeline: &Pipeline) -> Result<Vec<(u64, u64)>, ServerError> {
        let connection = self.connection.clone();
        let replies = async move {
            match connection {
                Connection::Single(mut single) => pipeline.query_async(&mut single).await,
                Connection::Cluster(mut cluster) => pipeline.query_async(&mut cluster).await,
            }
        };
        Ok(tokio::time::timeout(self.deadline, replies)
            .await
            .map_err(|_| ServerError::TimedOut(self.deadline))??)
    }

    async fn query<T: FromRedisValue>(&mut self, command: &redis::Cmd) -> Result<T, ServerError> {
        let reply = async {
            match &mut self.connection {
                Connection::Single(single) => command.query_async(single).await,
                Connection::Cluster(cluster) => command.query_async(cluster).await,
            }
        };
        Ok(tokio::time::timeout(self.deadline, reply)
            .await
            .map_err(|_| ServerError::TimedOut(self.deadline))??)
    }
}

async fn open(options: &RecorderOptions) -> Result<Connection, RedisError> {
    if options.cluster {
        // A cluster's redirections need a few tries; whatever lasts longer is the recorder's to retry.
        let client = ClusterClient::builder(options.nodes.iter().map(String::as_str))
            .connection_timeout(options.connect_timeout)
            .response_timeout(options.response_timeout)
            .retries(3)
            .build()?;
        return client.get_async_connection().await.map(Connection::Cluster);
    }
    let node = options.nodes.first().map_or("", String::as_str);
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(options.connect_timeout))
        .set_response_timeout(Some(options.response_timeout));
    let client = Client::open(node)?;
    client.get_multiplexed_async_connection_with_config(&config).await.map(Connection::Single)
}

/// A field in the answers to `INFO`: one text, or one per node.
fn fields(info: &Value, name: &str) -> Vec<String> {
    match info {
        Value::Map(nodes) => nodes.iter().flat_map(|(_, info)| fields(info, name)).collect(),
        Value::Array(nodes) => nodes.iter().flat_map(|info| fields(info, name)).collect(),
        text => {
            let text: String = redis::from_redis_value_ref(text).unwrap_or_default();
            text.lines()
                .filter_map(|line| line.strip_prefix(name))
                .map(|value| value.trim().to_owned())
                .collect()
        }
    }
}
