//! Open-loop load with an oracle: what was answered is compared, one by one, with what the core has.
//!
//! An arrival has its time before the run starts; a latency is counted from that time and not from when a busy
//! generator got round to sending (no coordinated omission).

pub mod random;
pub mod zipf;
