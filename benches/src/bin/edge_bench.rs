//! The edge under test: the real one, with a made-up catalogue, a real journal on disk and no core to ship to.
//!
//! Prints the port once the whole catalogue is loaded, then serves until SIGTERM, or until its parent ends.
#![expect(clippy::print_stdout, reason = "the runner reads the port from here")]

use anyhow::{Context as _, Result, ensure};
use benches::core_stub::CoreStub;
use benches::{keys, synthetic};
use clap::Parser;
use redirector::config::Listen;
use redirector::{Edge, EdgeConfig};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
struct Arguments {
    /// Links in the catalogue.
    #[arg(long, default_value_t = 1_000)]
    links: u64,
    /// Where the journal and the table go.
    #[arg(long)]
    data: PathBuf,
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

/// The catalogue is loaded within this time, or something is wrong.
const LOAD_WITHIN: Duration = Duration::from_secs(600);

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: Arguments) -> Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    std::fs::create_dir_all(&arguments.data)?;
    let public = "http://127.0.0.1/".parse()?;
    let listen = Listen::Bind(arguments.listen);
    let mut config = EdgeConfig::new(keys::EDGE, listen, public, arguments.data);
    config.workers = 1;
    // Unknown codes are measured too; from one address they would soon be refused.
    config.limits.misses_per_minute = 0;
    // No save of the table in the middle of a measurement.
    config.snapshot_every = Duration::from_secs(86_400);
    let edge = Edge::start(config, keys::edge(), Arc::new(CoreStub::new(arguments.links)))?;
    let address = edge.address();
    wait_for_last_link(address, arguments.links).await?;
    println!("port {}", address.port());
    term.recv().await.context("no signals")?;
    edge.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

/// Waits until the last link of the catalogue redirects.
async fn wait_for_last_link(address: SocketAddr, links: u64) -> Result<()> {
    let last = synthetic::code(links.saturating_sub(1));
    let began = Instant::now();
    let mut look = tokio::time::interval(Duration::from_millis(20));
    loop {
        look.tick().await;
        let status = tokio::task::spawn_blocking(move || head(address, &last.to_string())).await?;
        if status.is_ok_and(|status| status == "302") {
            return Ok(());
        }
        ensure!(began.elapsed() < LOAD_WITHIN, "the catalogue is not loaded");
    }
}

/// The status of a HEAD request, which never counts as a click.
fn head(address: SocketAddr, code: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(
        format!("HEAD /{code} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    Ok(String::from_utf8_lossy(&status[9..]).into_owned())
}
