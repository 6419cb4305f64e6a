//! The edge over real sockets: every outcome, cookies, hostile input, and what survives a restart.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test; helpers are not marked as tests")]

mod cookies;
mod corpus;
mod disk;
mod front;
mod hostile;
mod http;
mod limits;
mod log;
mod onward;
mod outcomes;
mod pages;
mod proxies;
mod restart;
mod rotation;
mod siege;
mod stall;
mod world;
