//! Telling Redis: script calls in pipelines, one pipeline per bucket on a cluster.
//!
//! While a slot moves from one node to another, a call on several of its keys is refused (`TRYAGAIN`) until all of them
//! have arrived, and a pipeline is redirected as a whole. Then each operation goes alone: a single key is on one side
//! or the other.

use crate::call::{Call, Written};
use crate::server::Connection;
use crate::{Server, ServerError};
use attribution_core::holder::SCRIPT;
use futures_util::stream::{FuturesUnordered, TryStreamExt as _};
use redis::{Cmd, Pipeline};
use std::collections::BTreeMap;

impl Server {
    /// Makes the calls, pipelined. Any may have taken effect if this fails; making them again does no harm.
    ///
    /// # Errors
    /// If the server does not answer in time or refuses.
    pub async fn fold(&mut self, calls: &[Call]) -> Result<Written, ServerError> {
        match self.fold_once(calls).await {
            // The server was restarted, its scripts were flushed, or a node joined that never had them.
            Err(error) if error.lacks_script() => {
                self.load_script().await?;
                self.fold_once(calls).await
            }
            done => done,
        }
    }

    async fn fold_once(&self, calls: &[Call]) -> Result<Written, ServerError> {
        if matches!(self.connection, Connection::Single(_)) {
            return self.send_all(calls.iter()).await;
        }
        let mut buckets: BTreeMap<u8, Vec<&Call>> = BTreeMap::new();
        for call in calls {
            buckets.entry(call.bucket).or_default().push(call);
        }
        let sent: FuturesUnordered<_> = buckets.into_values().map(|calls| self.fold_bucket(calls)).collect();
        sent.try_fold(Written::default(), async |sum, written| Ok(sum.plus(written))).await
    }

    async fn fold_bucket(&self, calls: Vec<&Call>) -> Result<Written, ServerError> {
        match self.send_all(calls.iter().copied()).await {
            Err(error) if error.is_redirection() => {}
            done => return done,
        }
        let mut sum = Written::default();
        for (key, argument) in calls.iter().flat_map(|call| &call.operations) {
            // The whole script each time: a node that a slot moves to may not have it.
            let mut command = redis::cmd("EVAL");
            command.arg(SCRIPT).arg(1).arg(key).arg(argument.as_slice());
            sum = sum.plus(written(self.query(&command).await?));
        }
        Ok(sum)
    }

    async fn send_all(&self, calls: impl Iterator<Item = &Call>) -> Result<Written, ServerError> {
        let mut pipeline = Pipeline::new();
        for call in calls {
            pipeline.add_command(self.command(call));
        }
        let replies: Vec<(u64, u64)> = self.send(&pipeline).await?;
        Ok(replies.into_iter().fold(Written::default(), |sum, reply| sum.plus(written(reply))))
    }

    fn command(&self, call: &Call) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.script_hash).arg(call.operations.len());
        for (key, _) in &call.operations {
            command.arg(key);
        }
        for (_, argument) in &call.operations {
            command.arg(argument.as_slice());
        }
        command
    }
}

const fn written((records, newer_format): (u64, u64)) -> Written {
    Written { records, newer_format }
}
