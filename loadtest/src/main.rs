//! The loader's command line: `run` and `saturate` make load, `check` compares what was answered with the core.
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Parser, Subcommand};
use loadtest::check::compare;
use loadtest::core_client::CoreClient;
use loadtest::mix::Mix;
use loadtest::oracle::{self, Oracle};
use loadtest::run::{Pace, Plan, run};
use loadtest::target::Target;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
#[command(name = "loadtest", about = "Load for an edge on this machine, with a memory of every answer")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Open loop: arrivals have their times beforehand, whether or not answers come.
    Run {
        /// Arrivals per second on average.
        #[arg(long, default_value_t = 1_000.0)]
        rate: f64,
        /// Polls instead of sleeping: no lag from the timer, but a whole core.
        #[arg(long)]
        precise: bool,
        #[command(flatten)]
        load: Load,
    },
    /// Closed loop: every connection sends as soon as its answer is there.
    Saturate {
        #[command(flatten)]
        load: Load,
    },
    /// Compares the oracle's files with what the core has; fails if a click was lost, doubled, invented or changed.
    Check {
        /// Files that `run --oracle` wrote.
        #[arg(long, required = true)]
        oracle: Vec<PathBuf>,
        /// The core's address.
        #[arg(long)]
        core: SocketAddr,
        /// A token of the core's with the role admin.
        #[arg(long, env = "YINKE_ADMIN_TOKEN", hide_env_values = true)]
        token: String,
    },
}

#[derive(Args)]
struct Load {
    /// The edge; only loopback addresses are loaded.
    #[arg(long, conflicts_with = "target_file", required_unless_present = "target_file")]
    target: Option<SocketAddr>,
    /// A file that holds the edge's address, read again for every connection.
    #[arg(long)]
    target_file: Option<PathBuf>,
    /// The `Host` header; the target's address unless given.
    #[arg(long)]
    host: Option<String>,
    /// A file of codes that work, one a line, the most popular first.
    #[arg(long)]
    codes: PathBuf,
    /// A file of withdrawn codes.
    #[arg(long)]
    withdrawn: Option<PathBuf>,
    /// Seconds.
    #[arg(long, default_value_t = 10.0)]
    duration: f64,
    /// Connections at a time.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Percent of requests over a connection of their own.
    #[arg(long, default_value_t = 10.0)]
    alone: f64,
    /// Percent of each kind that is no person's tap; the rest are taps.
    #[arg(long, default_value = "head=1,prefetch=1,preview=2,embed=1,bot=5,unknown=1")]
    mix: Mix,
    /// How steep popularity falls: 1 is the classic curve, near 0 is even.
    #[arg(long, default_value_t = 1.0)]
    exponent: f64,
    /// Percent of visits by people who came before and bring their cookies.
    #[arg(long, default_value_t = 60.0)]
    returning: f64,
    /// People remembered at most.
    #[arg(long, default_value_t = 100_000)]
    people: usize,
    /// Seconds after which a request counts as unanswered.
    #[arg(long, default_value_t = 5.0)]
    timeout: f64,
    /// The same seed gives the same arrivals; random unless given.
    #[arg(long)]
    seed: Option<u64>,
    /// Where every answer is written down, for `check`.
    #[arg(long)]
    oracle: Option<PathBuf>,
    /// Prints the figures as JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match Arguments::parse().command {
        Command::Run { rate, precise, load } => make_load(&runtime, Pace::Open { rate, precise }, load),
        Command::Saturate { load } => make_load(&runtime, Pace::Closed, load),
        Command::Check { oracle, core, token } => runtime.block_on(check(&oracle, core, &token)),
    }
}

fn make_load(runtime: &tokio::runtime::Runtime, pace: Pace, load: Load) -> Result<()> {
    let name = format!("{:08x}", getrandom::u32()?);
    let target = match (load.target, load.target_file) {
        (Some(address), _) => Target::Fixed(address),
        (None, Some(path)) => Target::File(path),
        (None, None) => anyhow::bail!("a target is needed"),
    };
    let plan = Plan {
        target,
        host: load.host,
        pace,
        duration: Duration::try_from_secs_f64(load.duration).context("--duration")?,
        connections: load.connections,
        alone: load.alone / 100.0,
        mix: load.mix,
        codes: lines(&load.codes)?,
        withdrawn: load.withdrawn.as_deref().map_or(Ok(Vec::new()), lines)?,
        exponent: load.exponent,
        returning: load.returning / 100.0,
        people: load.people,
        timeout: Duration::try_from_secs_f64(load.timeout).context("--timeout")?,
        seed: load.seed.map_or_else(getrandom::u64, Ok)?,
        name,
    };
    let oracle =
        load.oracle.as_deref().map(Oracle::append).transpose().context("cannot open the oracle's file")?;
    let stop = {
        let _inside = runtime.enter();
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
        }
    };
    let (figures, oracle) = run(plan, oracle, stop, runtime)?;
    if let Some(oracle) = oracle {
        oracle.finish().context("the oracle's file is incomplete")?;
    }
    if load.json {
        println!("{}", figures.json());
    } else {
        print!("{figures}");
    }
    Ok(())
}

async fn check(files: &[PathBuf], core: SocketAddr, token: &str) -> Result<()> {
    let mut entries = Vec::new();
    for file in files {
        entries.extend(oracle::read(file).with_context(|| file.display().to_string())?);
    }
    let mut client = CoreClient::connect(core, token).await?;
    let clicks = client.clicks().await?;
    let verdict = compare(&entries, &clicks);
    print!("{verdict}");
    let audit: serde_json::Value = client.get("/v1/audit/clicks").await?;
    println!("audit: {audit}");
    ensure!(verdict.holds(), "the core does not have what was answered");
    ensure!(audit["gaps"] == 0, "the audit finds gaps");
    println!("every answered click is in the core exactly once");
    Ok(())
}

/// The lines of a file, without empty ones.
fn lines(path: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}
