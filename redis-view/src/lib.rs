//! The records of who holds a visitor or buyer now, as they are told to Redis and read from it.
//!
//! Edges tell clicks, the core tells decisions, both through the one script of [`attribution_core::holder`]. This crate
//! knows how to reach one server or a cluster, what a server must be like to be trusted with records, how operations
//! are grouped so that none crosses a slot, and what each way of failing means. It decides nothing and retries
//! nothing: whoever owns the records keeps a cursor and tells them again.

mod call;
mod error;
mod fold;
#[doc(hidden)]
pub mod fuzzing;
mod options;
mod read;
mod server;

pub use call::{Call, Operation, Written, calls};
pub use error::ServerError;
pub use options::{AddressError, RedisOptions};
pub use server::Server;
