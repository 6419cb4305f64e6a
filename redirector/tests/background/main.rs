//! The background against real counterparts: a core that speaks HTTP and misbehaves as told, a real journal, a real
//! process that is killed, and a real Redis.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod core_server;
mod damage;
mod feed;
mod holder;
mod kill;
#[path = "../edge/log.rs"]
mod log;
mod metrics;
mod moods;
mod recorder;
mod rig;
mod shipping;
