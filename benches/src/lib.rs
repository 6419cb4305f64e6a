//! What the benchmark programs share, so that every server sees the same requests and gives answers of one size.

pub mod answer;
pub mod blast;
pub mod core_stub;
pub mod cpu;
pub mod keys;
pub mod request;
pub mod synthetic;
