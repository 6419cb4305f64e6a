//! `cargo xtask bench edge`: the edge beside its references, interleaved, servers on one core, loader on the other.

use super::blast::{self, Dose, Figures};
use super::plan::{Case, MAIN_LINKS, SMALL_LINKS, Who, cases, edge_name};
use super::report::{Series, ratios, table};
use super::server::{FixedAnswer, Priority, Server};
use super::{build, require};
use crate::suite::target_directory;
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How much and how long.
#[derive(Args)]
pub(crate) struct EdgeArguments {
    /// Rounds; every round runs every case once.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each case in each round.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Connections of the loader.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Also runs an edge with 10,000,000 links (loads for a minute or so, and needs 1 GB).
    #[arg(long)]
    ten_million: bool,
    /// The build profile of our own programs.
    #[arg(long, default_value = "dist")]
    profile: String,
    /// Runs servers and loader before everybody else (real-time priority, needs root): for a machine that is not idle.
    #[arg(long)]
    realtime: bool,
    /// Only the cases of these names, separated by commas, as the table says them.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Writes every round's figures here, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Fails if a ratio misses its goal.
    #[arg(long)]
    strict: bool,
    /// Where the journals go; a folder on a disk, not in memory.
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// Runs the comparison.
pub(super) fn run(arguments: &EdgeArguments) -> Result<()> {
    require("nginx", "nginx-light")?;
    require("haproxy", "haproxy")?;
    let programs = build(&arguments.profile)?;
    let parent = arguments.dir.clone().unwrap_or(target_directory()?);
    let scratch = tempfile::Builder::new().prefix("bench-edge-").tempdir_in(parent)?;
    let mut sizes = vec![SMALL_LINKS, MAIN_LINKS];
    if arguments.ten_million {
        sizes.push(10_000_000);
    }
    let wanted = |case: &Case| arguments.only.is_empty() || arguments.only.contains(&case.name);
    let cases: Vec<Case> = cases(&sizes).into_iter().filter(wanted).collect();
    ensure!(!cases.is_empty(), "no case of that name");
    let mut field = Field::start(&programs, scratch.path(), &cases, priority(arguments))?;

    let mut series: Vec<Series> = cases.into_iter().map(|case| Series { case, rounds: Vec::new() }).collect();
    for round in 0..arguments.rounds {
        println!("round {} of {}", round + 1, arguments.rounds);
        for line in &mut series {
            let dose = dose(arguments, round);
            line.rounds.push(field.load(&programs, &line.case, dose, None)?);
        }
    }
    table(&series);
    let open = open_loop(arguments, &programs, &mut field, &series)?;
    let reached = ratios(&series, &open);
    field.memory()?;
    if let Some(path) = &arguments.json {
        let rounds: Vec<_> = series.iter().map(|line| (&line.case.name, &line.rounds)).collect();
        std::fs::write(path, serde_json::to_vec_pretty(&rounds)?)?;
    }
    field.verify(&programs)?;
    ensure!(reached || !arguments.strict, "a ratio misses its goal");
    Ok(())
}

fn dose(arguments: &EdgeArguments, round: usize) -> Dose {
    Dose {
        seconds: arguments.seconds,
        connections: arguments.connections,
        seed: round as u64 + 1,
        priority: priority(arguments),
    }
}

fn priority(arguments: &EdgeArguments) -> Priority {
    if arguments.realtime { Priority::Realtime } else { Priority::Normal }
}

/// The edge and bare hyper at half of the edge's peak rate, latency from the intended time.
fn open_loop(
    arguments: &EdgeArguments,
    programs: &Path,
    field: &mut Field,
    series: &[Series],
) -> Result<Vec<Series>> {
    let edge = edge_name(MAIN_LINKS, "uniform");
    let Some(peak) = series.iter().find(|line| line.case.name == edge) else { return Ok(Vec::new()) };
    let rate = (peak.median(|f| f.per_second) / 2.0).round();
    let mut open: Vec<Series> = series
        .iter()
        .filter(|line| line.case.name == "hyper" || line.case.name == edge)
        .map(|line| Series { case: line.case.clone(), rounds: Vec::new() })
        .collect();
    for round in 0..arguments.rounds {
        for line in &mut open {
            line.rounds.push(field.load(programs, &line.case, dose(arguments, round), Some(rate))?);
        }
    }
    println!("\nopen loop at {rate} requests a second:");
    table(&open);
    Ok(open)
}

/// All servers of a run, side by side; the idle ones wait.
struct Field {
    servers: Vec<(Who, Server, Option<Ledger>)>,
}

/// What an edge answered, to be compared with its journal.
struct Ledger {
    data: PathBuf,
    samples: PathBuf,
    redirects: u64,
}

impl Field {
    fn start(programs: &Path, scratch: &Path, cases: &[Case], priority: Priority) -> Result<Self> {
        let answer = Command::new(programs.join("bare_hyper")).arg("--print-answer").output()?;
        let answer: FixedAnswer = serde_json::from_slice(&answer.stdout).context("the fixed answer")?;
        let mut servers: Vec<(Who, Server, Option<Ledger>)> = Vec::new();
        for case in cases {
            if servers.iter().any(|(who, ..)| *who == case.who) {
                continue;
            }
            let mut ledger = None;
            let server = match case.who {
                Who::Raw { close: false } => Server::own(&programs.join("raw_epoll"), &[], priority)?,
                Who::Raw { close: true } => Server::own(&programs.join("raw_epoll"), &["--close"], priority)?,
                Who::Hyper => Server::own(&programs.join("bare_hyper"), &[], priority)?,
                Who::Nginx => Server::nginx(scratch, &answer, priority)?,
                Who::Haproxy => Server::haproxy(scratch, &answer, priority)?,
                Who::Edge { links } => {
                    let data = scratch.join(format!("edge-{links}"));
                    println!("loading an edge with {links} links");
                    let shown = data.to_string_lossy().into_owned();
                    let server = Server::own(
                        &programs.join("edge_bench"),
                        &["--links", &links.to_string(), "--data", &shown],
                        priority,
                    )?;
                    let samples = scratch.join(format!("edge-{links}.samples"));
                    ledger = Some(Ledger { data, samples, redirects: 0 });
                    server
                }
            };
            servers.push((case.who, server, ledger));
        }
        Ok(Self { servers })
    }

    fn load(&mut self, programs: &Path, case: &Case, dose: Dose, rate: Option<f64>) -> Result<Figures> {
        let Some((_, server, ledger)) = self.servers.iter_mut().find(|(who, ..)| *who == case.who) else {
            bail!("no server for {}", case.name);
        };
        let samples = ledger.as_ref().filter(|_| case.status == 302).map(|ledger| ledger.samples.as_path());
        let figures = blast::run(programs, server, case, dose, rate, samples)?;
        if let Some(ledger) = ledger.as_mut().filter(|_| case.status == 302) {
            ledger.redirects += figures.answers_total;
        }
        Ok(figures)
    }

    /// Memory per link: of all that is resident, and of what came with the links.
    fn memory(&self) -> Result<()> {
        let mut small = None;
        println!("\nmemory of the edge after the load:");
        for (who, server, _) in &self.servers {
            let Who::Edge { links } = *who else { continue };
            let resident = server.resident()?;
            #[expect(clippy::cast_precision_loss, reason = "bytes and links below 2^53")]
            let per = |bytes: u64| bytes as f64 / links as f64;
            print!("{links:>12} links: {:>6} MiB resident", resident >> 20);
            match small {
                None => println!(),
                Some(base) => println!(
                    ", {:.1} bytes a link all counted, {:.1} beyond an edge with {SMALL_LINKS} links",
                    per(resident),
                    per(resident.saturating_sub(base))
                ),
            }
            small.get_or_insert(resident);
        }
        Ok(())
    }

    /// Stops the edges and compares their journals with the answers.
    fn verify(self, programs: &Path) -> Result<()> {
        for (_, server, ledger) in self.servers {
            let Some(ledger) = ledger else { continue };
            server.stop()?;
            let status = Command::new(programs.join("verify_journal"))
                .arg("--data")
                .arg(&ledger.data)
                .arg("--samples")
                .arg(&ledger.samples)
                .args(["--redirects", &ledger.redirects.to_string()])
                .status()?;
            ensure!(status.success(), "the journal and the answers differ");
        }
        Ok(())
    }
}
