//! Measures how fast a backlog reaches a core: `cargo run --release -p redirector --example catch_up [CLICKS
//! [REDIS_URL]]`. With an empty Redis it also measures the recorder, every click being another visitor's.
//!
//! Writes clicks into a journal while the core is away, then starts the background against an HTTP server on loopback
//! that checks every batch and keeps nothing. Prints frames per second and the CPU time of the whole process, server
//! included.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program for measuring")]

// The same rig as the tests; it needs only a part of it.
#[path = "../tests/background/core_server.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod core_server;
#[path = "../tests/background/rig.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod rig;

use core_server::CoreServer;
use redirector::background::{BackgroundOptions, RecorderOptions};
use redis_view::RedisOptions;
use rig::{LAST_CLICK, Rig};
use std::time::{Duration, Instant};

/// As an edge has them.
const SEGMENT_BYTES: u64 = 16 << 20;

fn main() {
    let clicks: u64 = std::env::args().nth(1).map_or(1_000_000, |count| count.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(measure(clicks, std::env::args().nth(2)));
}

async fn measure(clicks: u64, redis: Option<String>) {
    let dir = tempfile::tempdir().unwrap();
    let core = CoreServer::start().await;
    core.with(|state| state.keep = false);
    let away = "127.0.0.1:1".parse().unwrap();
    let start = |core, redis: Option<String>| {
        let recorder = redis.map(|url| RecorderOptions::new(RedisOptions::single(&url).unwrap()));
        let options = BackgroundOptions { recorder, ..BackgroundOptions::default() };
        Rig::start_with(dir.path(), core, options, LAST_CLICK, SEGMENT_BYTES)
    };
    let mut rig = start(away, redis.as_ref().map(|_| "redis://127.0.0.1:1/".to_owned()));
    rig.write(0, clicks / 2);
    rig.write(1, clicks / 2);
    rig.shutdown(Duration::from_millis(100)).await;

    let (begun, cpu) = (Instant::now(), cpu_seconds());
    let rig = start(core.address, redis.clone());
    core.until("everything shipped", |state| (state.taken >= clicks).then_some(())).await;
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let batches = core.with(|state| state.batches);
    if let Some(url) = redis {
        let mut redis = redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
        while redis::cmd("DBSIZE").query_async::<u64>(&mut redis).await.unwrap() < clicks {
            tokio::task::yield_now().await;
        }
        let seconds = begun.elapsed().as_secs_f64();
        println!("recorded in {seconds:.2} s, {:.0} records/s", frames(clicks) / seconds);
    }
    rig.shutdown(Duration::from_secs(5)).await;
    core.check();
    let frames = frames(clicks);
    println!(
        "{clicks} clicks in {batches} batches: {seconds:.2} s, {:.0} frames/s, {:.2} us of CPU per frame",
        frames / seconds,
        cpu * 1e6 / frames
    );
}

fn frames(clicks: u64) -> f64 {
    u32::try_from(clicks).map_or(f64::INFINITY, f64::from)
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = [fields[11], fields[12]].iter().map(|field| field.parse::<f64>().unwrap()).sum();
    ticks / 100.0
}
