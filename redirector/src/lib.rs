//! The edge: resolves a promo link, decides what the click is, makes it durable, and answers.
//!
//! The life of a click, by file: `server` (accept), `front` (read the head), `request` (parse), [`table`] (resolve),
//! `click` (the hot path, in request order), `visit` (what the browser's cookies say of who taps), `reply` (the answer is
//! made), `gate` and `outbox` (it leaves when its record is in the kernel), `answer` and `pages` (respond). It knows the
//! rules and the journal; it never talks to a store, and no answer waits for the core.

mod address;
mod agents;
mod answer;
pub mod background;
mod beside;
mod cells;
mod click;
pub mod clock;
pub mod config;
mod connection;
mod cookies;
pub mod core_link;
mod edge;
pub mod frame_clock;
mod front;
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod hoard;
mod journal_metrics;
mod limits;
mod listen;
mod metrics;
mod onward;
mod outbox;
mod pages;
mod pictures;
#[doc(hidden)]
pub mod probes;
mod query;
mod random;
pub mod readiness;
mod repeat;
mod reply;
mod request;
mod server;
mod shared;
mod start_error;
mod step;
pub mod table;
pub mod tap;
mod unfinished;
mod visit;
mod wire;
mod wiring;
mod worker;

pub use address::client as client_address;
pub use agents::AgentsError;
pub use config::{EdgeConfig, EdgeKeys};
pub use edge::{Edge, ShutdownReport};
pub use listen::ListenError;
pub use readiness::{NotReady, Readiness};
pub use start_error::StartError;
