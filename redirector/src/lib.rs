//! The edge: resolves a promo link, decides what the click is, makes it durable, and answers.
//!
//! The life of a click, by file: `server` (accept), `request` (parse), [`table`] (resolve), `click` (the hot path,
//! in request order), `gate` (no answer before its record is in the kernel), `answer` and `pages` (respond).
//! It knows the rules and the journal; it never talks to a store, and no answer waits for the core.

mod address;
mod agents;
pub mod background;
mod cells;
pub mod clock;
pub mod config;
mod cookies;
pub mod core_link;
mod gate;
mod limits;
#[doc(hidden)]
pub mod probes;
mod query;
pub mod readiness;
mod repeat;
pub mod table;

pub use config::{EdgeConfig, EdgeKeys};
pub use readiness::{NotReady, Readiness};
