//! Real Redis servers for tests: private ones that a test may kill, hang, demote, fill up or cluster, on free ports of
//! loopback. Nothing here is used outside tests; a server that cannot be had is a failed test, so it panics.

#![expect(clippy::unwrap_used, reason = "a test rig: what fails here fails the test")]

mod cluster;
mod door;
mod mood;
mod server;

pub use cluster::Cluster;
pub use door::Door;
pub use mood::Mood;
pub use server::{RedisServer, connect, shared_url};
