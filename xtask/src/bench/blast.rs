//! Runs the loader on its own core and reads its report.

use super::plan::Case;
use super::server::{Priority, Server, pinned};
use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::Stdio;

/// The core that the loader runs on.
const LOADER_CORE: &str = "1";

/// What the loader found; see the loader's own report for the fields' meaning.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Figures {
    pub(super) answers_total: u64,
    pub(super) unanswered: u64,
    pub(super) wrong_status: u64,
    pub(super) per_second: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) server_cpu_us: f64,
    pub(super) server_busy: f64,
    pub(super) loader_cpu_us: f64,
    pub(super) answer_bytes: u64,
}

/// How long and how wide.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dose {
    pub(super) seconds: f64,
    pub(super) connections: usize,
    pub(super) seed: u64,
    pub(super) priority: Priority,
}

/// Loads `server` as `case` says.
pub(super) fn run(
    programs: &Path,
    server: &Server,
    case: &Case,
    dose: Dose,
    rate: Option<f64>,
    samples: Option<&Path>,
) -> Result<Figures> {
    let mut command = pinned(programs.join("blast").as_os_str(), LOADER_CORE, dose.priority);
    command.args(["--target", &server.address.to_string(), "--pid", &server.pid().to_string()]);
    command.args(["--links", &case.links.to_string(), "--popularity", case.popularity]);
    command.args(["--status", &case.status.to_string(), "--seed", &dose.seed.to_string()]);
    command.args(["--seconds", &dose.seconds.to_string(), "--connections", &dose.connections.to_string()]);
    if case.close {
        command.arg("--close");
    }
    if let Some(rate) = rate {
        command.args(["--rate", &rate.to_string()]);
    }
    if let Some(samples) = samples {
        command.arg("--sample").arg(samples);
    }
    let output = command.stderr(Stdio::inherit()).output().context("cannot start the loader")?;
    ensure!(output.status.success(), "the loader failed on {}", case.name);
    let figures: Figures = serde_json::from_slice(&output.stdout).context("the loader's report")?;
    ensure!(figures.wrong_status == 0, "{}: {} wrong answers", case.name, figures.wrong_status);
    ensure!(figures.unanswered == 0, "{}: {} requests were not answered", case.name, figures.unanswered);
    Ok(figures)
}
