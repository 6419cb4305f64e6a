//! Connecting to addresses that somebody else chose: webhooks are [posted](client), products' [pictures] are fetched.
//!
//! One way out for both: an [`address`] that only we can reach is never connected to, no redirect is followed, and what is
//! read and how long it may take is bounded.

mod address;
mod client;
mod pictures;

pub(crate) use client::{Answer, Client, SendError};
pub use pictures::Picture;
pub(crate) use pictures::Pictures;
