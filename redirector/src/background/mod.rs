//! What an edge does behind the answers: learn changes, ship clicks, say how it stands, tell Redis who holds whom.
//!
//! Nothing here is ever waited for by an answer, and nothing here may lose a click: the journal is the truth, every
//! reader has a durable cursor in it, and moves the cursor only after the other side has taken what lies before it.
//! All of it runs on a small runtime of its own, beside the edge's workers:
//!
//! - `feed` follows the core's changes and applies them to the table;
//! - `shipper` sends what is behind the durable watermark to the core, one task per stream;
//! - `recorder`, if wanted, tells Redis who holds which visitor;
//! - `keeper` makes their cursors durable and releases what all have passed;
//! - `heartbeat` tells the core how the edge stands;
//! - `watch` tells whoever reads the log what becomes of the journal's disk.

mod backoff;
mod contact;
mod describe;
mod feed;
mod heartbeat;
mod keeper;
mod options;
mod phase;
mod progress;
mod recorder;
mod seams;
mod shipper;
mod spawn;
mod streams;
mod watch;

pub use contact::Contact;
pub use options::{BackgroundOptions, RecorderOptions};
pub use seams::{ApplyPage, ClaimTerms, FindTerms, SaveError, Seams};
pub use spawn::{Background, Parts, Pulse, ShutdownReport, SpawnError, cursor_names, spawn, spawn_on};

use attribution_core::time::Instant;
use tokio::runtime::{Handle, RuntimeFlavor};

/// From one time to another in seconds, as a metric takes them; nothing if the clock went back between them.
#[expect(clippy::cast_precision_loss, reason = "metrics are floats")]
fn seconds(from: Instant, to: Instant) -> f64 {
    to.millis().saturating_sub(from.millis()).max(0) as f64 / 1_000.0
}

/// Runs what may wait for the disk on a thread that may block; a panic goes on here. A runtime of one thread is a
/// simulation's, whose disk never stalls: there it runs in place, so that a run can be repeated step by step.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is being shut down: nobody waits for this any more.
            Err(_) => std::future::pending().await,
        },
    }
}
