//! The core: takes clicks and orders in, decides who earned what, and can prove it.

pub mod accounts;
pub mod api;
pub mod attribution;
pub mod audit;
mod catalogue;
mod clock;
mod core;
mod describe;
mod disputes;
mod earlier;
mod edges;
pub mod holders;
mod identities;
mod ingest;
mod installation;
mod intake;
pub mod ledger;
mod library;
mod notices;
pub mod orders;
pub mod payouts;
mod plans;
mod random;
pub mod replay;
mod shared_secret;
mod signing;
mod sourcing;
mod statements;
pub mod store;
mod video_tasks;
pub mod webhooks;

pub use crate::catalogue::Maintained;
pub use crate::clock::Clock;
pub use crate::core::{Core, CoreConfig, CoreKeys, EdgeBell, OpenError};
pub use crate::ingest::IngestError;
