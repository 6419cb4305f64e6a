//! Open-loop load with an oracle: what was answered is compared, one by one, with what the core has.
//!
//! An arrival has its time before the run starts; a latency is counted from that time and not from when a busy
//! generator got round to sending (no coordinated omission). The life of an arrival, by file: [`mix`] (what kind it
//! is), [`people`] (who comes, with which cookies), [`message`] (the request and the answer), [`run`] (when and over
//! which connection), [`oracle`] (what was answered, on disk), [`check`] (the comparison with the core).

pub mod check;
pub mod core_client;
pub mod message;
pub mod mix;
pub mod oracle;
pub mod people;
pub mod random;
pub mod report;
pub mod run;
pub mod target;
pub mod token;
pub mod zipf;
