//! One connection to Redis, or to a cluster: checked when it is made, deadlines on everything, never reconnecting by
//! itself. After an error its owner drops it and makes a new one, which also finds a primary that has moved.

use crate::{RedisOptions, ServerError};
use attribution_core::holder::SCRIPT;
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisError, Value};
use std::time::Duration;

/// The only policy under which Redis says so when it is full. Any other deletes records and answers OK.
const KEEPS_EVERYTHING: &str = "noeviction";

/// What the cluster client waits, in milliseconds, before it asks a node again that said "not now".
const RETRY_WAIT_MS: std::ops::Range<u64> = 10..50;

#[derive(Clone)]
pub(crate) enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// A checked connection.
pub struct Server {
    pub(crate) connection: Connection,
    pub(crate) script_hash: String,
    deadline: Duration,
}

impl Server {
    /// Connects, refuses a server that evicts, and loads the script.
    ///
    /// # Errors
    /// If it cannot be reached in time, refuses us, or evicts.
    pub async fn connect(options: &RedisOptions) -> Result<Self, ServerError> {
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
    ///
    /// # Errors
    /// If one evicts, or does not answer.
    pub async fn refuse_eviction(&mut self) -> Result<(), ServerError> {
        let info: Value = self.query(redis::cmd("INFO").arg("memory")).await?;
        let policies = fields(&info, "maxmemory_policy:");
        match policies.iter().find(|policy| policy.as_str() != KEEPS_EVERYTHING) {
            Some(policy) => Err(ServerError::Evicts { policy: policy.clone() }),
            None if policies.is_empty() => Err(ServerError::Evicts { policy: "unknown".to_owned() }),
            None => Ok(()),
        }
    }

    /// Which run of the server this is; of a cluster, which runs of all primaries. Another run may have lost records.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn run_id(&mut self) -> Result<String, ServerError> {
        let info: Value = self.query(redis::cmd("INFO").arg("server")).await?;
        let mut runs = fields(&info, "run_id:");
        runs.sort_unstable();
        Ok(runs.join(","))
    }

    pub(crate) async fn load_script(&mut self) -> Result<(), ServerError> {
        self.script_hash = self.query(redis::cmd("SCRIPT").arg("LOAD").arg(SCRIPT)).await?;
        Ok(())
    }

    /// Sends a pipeline. On a cluster all its keys lie in one bucket.
    pub(crate) async fn send<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, ServerError> {
        let connection = self.connection.clone();
        let replies = async move {
            match connection {
                Connection::Single(mut single) => pipeline.query_async(&mut single).await,
                Connection::Cluster(mut cluster) => pipeline.query_async(&mut cluster).await,
            }
        };
        self.in_time(replies).await
    }

    /// Sends one command.
    pub(crate) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, ServerError> {
        let connection = self.connection.clone();
        let reply = async move {
            match connection {
                Connection::Single(mut single) => command.query_async(&mut single).await,
                Connection::Cluster(mut cluster) => command.query_async(&mut cluster).await,
            }
        };
        self.in_time(reply).await
    }

    async fn in_time<T>(&self, reply: impl Future<Output = Result<T, RedisError>>) -> Result<T, ServerError> {
        Ok(tokio::time::timeout(self.deadline, reply)
            .await
            .map_err(|_| ServerError::TimedOut(self.deadline))??)
    }
}

async fn open(options: &RedisOptions) -> Result<Connection, RedisError> {
    if options.cluster {
        // A cluster's redirections need a few tries; whatever lasts longer is the owner's to retry.
        let client = ClusterClient::builder(options.nodes.iter().map(String::as_str))
            .connection_timeout(options.connect_timeout)
            .response_timeout(options.response_timeout)
            .retries(3)
            // Its usual waits are longer than our deadline, and a slot on its way is helped by asking key by key.
            .min_retry_wait(RETRY_WAIT_MS.start)
            .max_retry_wait(RETRY_WAIT_MS.end)
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
pub(crate) fn fields(info: &Value, name: &str) -> Vec<String> {
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
