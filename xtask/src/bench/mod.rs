//! `cargo xtask bench ...`: comparisons with a reference in the same run.
//!
//! A figure alone says as much about the machine as about the code, so every figure stands beside one that was
//! taken in the same minutes: [`edge`] runs the edge beside a raw server, bare hyper, nginx and HAProxy; [`ingest`]
//! runs the core's intake beside a plain COPY. [`payouts`] and [`replay`] compare a payout run and a replay with one over
//! a tenth of the lines; [`search`] asks the library over a million products; [`lag`] says how late clicks get to the core.

mod blast;
mod edge;
mod ingest;
mod lag;
mod payouts;
mod plan;
mod replay;
mod report;
mod search;
mod server;

use anyhow::Result;
use clap::{Args, Subcommand};
use std::path::PathBuf;

use crate::suite::{cargo, command, succeed, target_directory};

/// What to compare.
#[derive(Args)]
pub(crate) struct BenchArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The edge beside a raw epoll server, bare hyper, nginx and HAProxy: processor time per click, in interleaved rounds.
    Edge(edge::EdgeArguments),
    /// The core's intake beside a plain binary COPY and plain appends.
    Ingest(ingest::IngestArguments),
    /// Every decision and ledger entry again: lines a second, memory, and how the time grows with the lines.
    Replay(replay::ReplayArguments),
    /// From a click's time to the core's commit at half of the core's capacity, and how fast a backlog is made up for.
    Lag(lag::LagArguments),
    /// A monthly payout run over settled lines: seconds, and how they grow with the lines.
    Payouts(payouts::PayoutsArguments),
    /// The library's search over a million products, by kind of question, on both stores.
    Search(search::SearchArguments),
    /// A hundred thousand links in bulk, on both stores.
    Links(search::LinksArguments),
}

/// Runs the comparison.
pub(crate) fn run(arguments: &BenchArguments) -> Result<()> {
    match &arguments.what {
        What::Edge(arguments) => edge::run(arguments),
        What::Ingest(arguments) => ingest::run(arguments),
        What::Replay(arguments) => replay::run(arguments),
        What::Lag(arguments) => lag::run(arguments),
        What::Payouts(arguments) => payouts::run(arguments),
        What::Search(arguments) => search::run(arguments),
        What::Links(arguments) => search::run_links(arguments),
    }
}

/// Builds the benchmark programs and says where they are.
fn build(profile: &str) -> Result<PathBuf> {
    succeed(cargo(&["build", "--locked", "--package", "benches", "--bins", "--profile", profile]))?;
    Ok(target_directory()?.join(if profile == "dev" { "debug" } else { profile }))
}

/// Fails with the words to install it if a program is missing.
fn require(program: &str, package: &str) -> Result<()> {
    let found = command("sh", &["-c", &format!("command -v {program}")]).output()?.status.success();
    anyhow::ensure!(found, "{program} is missing: apt-get install {package}");
    Ok(())
}
