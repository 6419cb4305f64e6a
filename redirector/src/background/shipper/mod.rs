//! Sends what is behind the durable watermark to the core, exactly once in effect.
//!
//! Every stream has a task of its own: read a batch at the cursor, ship it, and only when the core has answered move
//! the cursor; the keeper makes it durable, and only then are segments before it released. A permit per batch keeps the
//! number of batches on their way small; permits are given in the order they were asked for, so that no stream starves
//! another. Ended streams are asked about first, oldest first.
//!
//! The core's word about a cursor is the truth. If it expects another number, the task goes there: back, if the core
//! was restored from a backup, or forward, if the answer to a batch was lost. Frames that cannot be delivered any more
//! are named to the core as exact ranges and counted, never skipped in silence.

mod fill;
mod step_error;
mod stream;

use super::phase::Phases;
use super::progress::Progress;
use super::streams::Streams;
use super::{BackgroundOptions, Seams};
use crate::core_link::CoreLink;
use attribution_core::click::{EdgeId, Epoch, Stream, WorkerId};
use journal::StreamId;
use std::sync::Arc;
use stream::StreamShipper;
use tokio::sync::Semaphore;

/// What the tasks of all streams share.
pub(super) struct Shipper {
    pub(super) link: Arc<dyn CoreLink>,
    pub(super) seams: Arc<Seams>,
    pub(super) options: Arc<BackgroundOptions>,
    pub(super) streams: Arc<Streams>,
    pub(super) progress: Arc<Progress>,
    pub(super) permits: Semaphore,
}

impl Shipper {
    /// Ships one stream: an ended one to its end, a live one until the phase says drain and nothing is left.
    pub(super) async fn run(&self, stream: StreamId, phases: Phases) {
        StreamShipper::new(self, stream, phases).run().await;
    }
}

/// The journal's name of a stream, as the core knows it.
pub(super) const fn core_stream(stream: StreamId) -> Stream {
    Stream { edge: EdgeId(stream.edge), epoch: Epoch(stream.epoch), worker: WorkerId(stream.worker) }
}
