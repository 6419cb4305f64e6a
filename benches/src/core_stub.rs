//! A core that gives the edge its made-up catalogue and takes nothing: what the edge ships comes back, as if the core
//! could not be reached.

use crate::synthetic;
use attribution_core::catalogue::ChangePage;
use attribution_core::click::EdgeId;
use attribution_core::history::{FeedPosition, HistoryId};
use attribution_core::shipping::{Batch, Heartbeat, HeartbeatAck, LostRange, ShipAck};
use redirector::core_link::{CoreLink, LinkError, LinkFuture};

/// See the module's text.
#[derive(Debug)]
pub struct CoreStub {
    links: u64,
}

impl CoreStub {
    /// A catalogue of so many links.
    pub const fn new(links: u64) -> Self {
        Self { links }
    }
}

/// The made-up catalogue never changes.
const HISTORY: HistoryId = HistoryId::new(1).unwrap();

fn away<T>() -> Result<T, LinkError> {
    Err(LinkError::Unreachable("the benchmark has no core".into()))
}

impl CoreLink for CoreStub {
    fn ship(&self, _: Batch) -> LinkFuture<'_, ShipAck> {
        Box::pin(async { away() })
    }

    fn changes(&self, from: FeedPosition, limit: u32) -> LinkFuture<'_, ChangePage> {
        let head = synthetic::head(self.links);
        let after = from.number;
        let last = head.min(after.saturating_add(u64::from(limit)));
        Box::pin(async move {
            let changes: Result<Vec<_>, _> = (after + 1..=last).map(synthetic::change).collect();
            let changes = changes.map_err(|error| LinkError::BadAnswer(error.to_string()))?;
            Ok(ChangePage { history: HISTORY, reload: false, changes, head })
        })
    }

    fn heartbeat(&self, _: Heartbeat) -> LinkFuture<'_, HeartbeatAck> {
        Box::pin(async { away() })
    }

    fn lost(&self, _: EdgeId, _: Vec<LostRange>) -> LinkFuture<'_, ()> {
        Box::pin(async { away() })
    }
}
