//! The edge's link to a core in the same process: the calls of the HTTP API without the HTTP.

use attribution_core::catalogue::ChangePage;
use attribution_core::click::EdgeId;
use attribution_core::history::FeedPosition;
use attribution_core::shipping::{Batch, Heartbeat, HeartbeatAck, LostRange, ShipAck};
use redirector::core_link::{CoreLink, LinkError, LinkFuture};
use settlement_core::Core;
use settlement_core::IngestError;
use settlement_core::store::StoreError;
use std::time::Duration;

/// How long a call for changes waits for one: nobody polls in between, so a change is heard of at once.
const CHANGES_WAIT: Duration = Duration::from_secs(1);

/// A core in this process.
pub(crate) struct InProcess(pub(crate) Core);

impl CoreLink for InProcess {
    fn ship(&self, batch: Batch) -> LinkFuture<'_, ShipAck> {
        Box::pin(async move {
            self.0.ingest(batch, self.0.now()).await.map_err(|error| match error {
                IngestError::Gap { expected, .. } => LinkError::CursorMismatch { next_sequence: expected },
                IngestError::Store(error) => store_error(error),
            })
        })
    }

    fn changes(&self, from: FeedPosition, limit: u32) -> LinkFuture<'_, ChangePage> {
        Box::pin(async move { self.0.await_changes(from, limit, CHANGES_WAIT).await.map_err(store_error) })
    }

    fn heartbeat(&self, heartbeat: Heartbeat) -> LinkFuture<'_, HeartbeatAck> {
        Box::pin(async move { self.0.heartbeat(heartbeat, self.0.now()).await.map_err(store_error) })
    }

    fn lost(&self, edge: EdgeId, ranges: Vec<LostRange>) -> LinkFuture<'_, ()> {
        Box::pin(async move { self.0.lost(edge, ranges, self.0.now()).await.map_err(store_error) })
    }
}

fn store_error(error: StoreError) -> LinkError {
    if matches!(error, StoreError::Overloaded | StoreError::Contention { .. } | StoreError::Transient(_)) {
        LinkError::Busy { retry_after: None }
    } else if error.may_retry() || matches!(error, StoreError::Closed) {
        LinkError::Unreachable(error.into())
    } else {
        LinkError::Failed(format!("{:#}", anyhow::Error::new(error)))
    }
}
