//! A loader that is lighter than any server it loads: one thread, raw sockets, prebuilt requests, no parsing beyond
//! the status and the end of the answer.
//!
//! [`connection`] is one connection and what it waits for, [`run`] the loops (closed and open), [`report`] the
//! figures.

pub mod connection;
pub mod report;
pub mod run;

use crate::synthetic::Popularity;
use clap::Parser;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What to send, how fast, and what to write down.
#[derive(Debug, Clone, Parser)]
#[command(name = "blast", about = "Loads one server on this machine and prints one line of JSON")]
pub struct Arguments {
    /// The server; only loopback addresses are accepted.
    #[arg(long)]
    pub target: SocketAddr,
    /// The `Host` header; the target's address unless given.
    #[arg(long)]
    pub host: Option<String>,
    /// Connections at a time.
    #[arg(long, default_value_t = 64)]
    pub connections: usize,
    /// Seconds that count.
    #[arg(long, default_value_t = 3.0)]
    pub seconds: f64,
    /// Seconds before that, which do not count.
    #[arg(long, default_value_t = 0.5)]
    pub warm: f64,
    /// Links in the catalogue.
    #[arg(long, default_value_t = 1_000)]
    pub links: u64,
    /// Which of them are asked for.
    #[arg(long, value_enum, default_value = "uniform")]
    pub popularity: Popularity,
    /// Codes drawn beforehand; the run goes round them.
    #[arg(long, default_value_t = 2_000_000)]
    pub draws: usize,
    /// Seed of the draws.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// One connection per request.
    #[arg(long)]
    pub close: bool,
    /// Only a `Host` header instead of a browser's fifteen.
    #[arg(long)]
    pub bare: bool,
    /// Requests per second, sent whether or not answers come (open loop); without it, as fast as answers come.
    #[arg(long)]
    pub rate: Option<f64>,
    /// The status every answer must have.
    #[arg(long, default_value_t = 302)]
    pub status: u16,
    /// Processes of the server, for its processor time.
    #[arg(long)]
    pub pid: Vec<u32>,
    /// Where to append a sample of the answers, as JSON lines.
    #[arg(long)]
    pub sample: Option<PathBuf>,
    /// One answer in so many is sampled.
    #[arg(long, default_value_t = 997)]
    pub sample_every: u64,
}
