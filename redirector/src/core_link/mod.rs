//! How an edge talks to the core: four calls, two implementations.
//!
//! [`HttpCoreLink`] speaks to core nodes over HTTP; the one-process program wraps the core itself. A link carries
//! bytes and answers; it never retries and never decides. Retrying, rewinding and backing off belong to the
//! background workers, which own the cursors.

mod error;
mod http;
mod problem;

pub use error::{LinkError, Retry, Source};
pub use http::{CoreToken, HttpCoreLink, HttpCoreLinkOptions, LinkOptionsError};

use attribution_core::catalogue::ChangePage;
use attribution_core::click::EdgeId;
use attribution_core::history::FeedPosition;
use attribution_core::shipping::{Batch, Heartbeat, HeartbeatAck, LostRange, ShipAck};
use futures_util::future::BoxFuture;

/// What a call of a [`CoreLink`] gives. The future borrows nothing but the link.
pub type LinkFuture<'a, T> = BoxFuture<'a, Result<T, LinkError>>;

/// The core, as an edge sees it. Every call may be repeated: the core makes a repetition harmless.
pub trait CoreLink: Send + Sync {
    /// Hands over consecutive frames of one stream. The core stores them and moves the stream's cursor in one
    /// transaction. A batch that does not begin at the cursor is answered by [`LinkError::CursorMismatch`].
    fn ship(&self, batch: Batch) -> LinkFuture<'_, ShipAck>;

    /// At most `limit` changes after a position, in order. If there is none yet, the core may wait a few seconds for
    /// one before it answers. A position that is not in the core's past is answered by the order to load everything
    /// anew.
    fn changes(&self, from: FeedPosition, limit: u32) -> LinkFuture<'_, ChangePage>;

    /// Says how the edge stands, and hears of which streams the core has less than was said.
    fn heartbeat(&self, heartbeat: Heartbeat) -> LinkFuture<'_, HeartbeatAck>;

    /// Names frames that this edge can never deliver. Once accepted, the core's cursor of a stream that stood inside
    /// or at the start of a range stands at the range's end.
    fn lost(&self, edge: EdgeId, ranges: Vec<LostRange>) -> LinkFuture<'_, ()>;
}
