//! A suite: a named part of a run, timed against its budget.

use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Runs suites one after the other, goes on after a failure, and says at the end what held.
pub(crate) struct Run {
    rows: Vec<Row>,
    only: Vec<String>,
}

struct Row {
    name: &'static str,
    took: Duration,
    budget: Duration,
    failure: Option<String>,
}

impl Run {
    /// `only`: names of the suites to run; empty means all.
    pub(crate) fn new(only: &[String]) -> Self {
        Self { rows: Vec::new(), only: only.to_vec() }
    }

    /// Whether this run includes `name`.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == name)
    }

    /// Runs one suite. A suite that takes longer than its budget (in seconds) is reported, not failed: the budget is
    /// for people who plan, and a slow machine is no defect.
    pub(crate) fn suite(&mut self, name: &'static str, budget: u64, body: impl FnOnce() -> Result<()>) {
        if !self.wants(name) {
            return;
        }
        println!("\n=== {name} (budget {budget} s)");
        let start = Instant::now();
        let failure = body().err().map(|error| format!("{error:#}"));
        let took = start.elapsed();
        match &failure {
            None => println!("=== {name}: passed in {:.0} s", took.as_secs_f64()),
            Some(why) => println!("=== {name}: FAILED after {:.0} s: {why}", took.as_secs_f64()),
        }
        self.rows.push(Row { name, took, budget: Duration::from_secs(budget), failure });
    }

    /// Prints the table and fails if any suite failed, or none ran.
    pub(crate) fn finish(self) -> Result<()> {
        println!("\n{:<22} {:>8} {:>8}  result", "suite", "took s", "budget");
        for row in &self.rows {
            let result = match &row.failure {
                None if row.took > row.budget => "passed, over budget".to_owned(),
                None => "passed".to_owned(),
                Some(why) => format!("FAILED: {why}"),
            };
            println!(
                "{:<22} {:>8.0} {:>8.0}  {result}",
                row.name,
                row.took.as_secs_f64(),
                row.budget.as_secs_f64()
            );
        }
        let failed = self.rows.iter().filter(|row| row.failure.is_some()).count();
        let total: f64 = self.rows.iter().map(|row| row.took.as_secs_f64()).sum();
        println!("\nall suites took {total:.0} s");
        println!("suites: {} passed, {failed} failed", self.rows.len() - failed);
        if self.rows.is_empty() {
            bail!("no suite of that name");
        }
        if failed > 0 {
            bail!("{failed} of {} suites failed", self.rows.len());
        }
        Ok(())
    }
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// A command in the workspace's root.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Runs a command to its end; fails with its words if it fails.
pub(crate) fn succeed(mut command: Command) -> Result<()> {
    let shown = format!("{command:?}").replace('"', "");
    println!("$ {shown}");
    let status = command.status().with_context(|| format!("cannot start: {shown}"))?;
    if status.success() { Ok(()) } else { bail!("{status}: {shown}") }
}

/// A cargo command in the workspace's root, with the cargo that runs this task.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    command(&cargo, arguments)
}

/// Where cargo puts what it builds.
pub(crate) fn target_directory() -> Result<PathBuf> {
    let output = cargo(&["metadata", "--no-deps", "--format-version", "1"]).output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let directory =
        metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    Ok(PathBuf::from(directory))
}

/// Builds `yinke` with `profile`; the program's path.
///
/// # Errors
/// If it cannot be built.
pub(crate) fn yinke(profile: &str) -> Result<PathBuf> {
    succeed(cargo(&["build", "--locked", "--package", "yinke", "--profile", profile]))?;
    Ok(target_directory()?.join(if profile == "dev" { "debug" } else { profile }).join("yinke"))
}
