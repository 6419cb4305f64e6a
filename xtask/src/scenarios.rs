//! Every story of `scenarios/`, told by the optimized program on both stores side by side.

use crate::install::{self, POSTGRES};
use crate::servers::Postgres;
use crate::suite::{command, yinke};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::path::Path;
use std::time::Instant;

/// There are more: fewer would mean that a folder was not looked into.
const STORIES: usize = 500;

/// Builds `yinke` with `profile` and has it tell all stories.
///
/// # Errors
/// If something in a story is not as expected on one of the stores.
pub(crate) fn hold(profile: &str) -> Result<()> {
    install::ensure(&[POSTGRES])?;
    let program = yinke(profile)?;
    let postgres = Postgres::start_unsynced()?;
    let stores = [("SQLite", "sqlite".to_owned()), ("PostgreSQL", postgres.url())];
    let failed: Vec<String> = std::thread::scope(|scope| {
        let telling =
            stores.each_ref().map(|(store, address)| scope.spawn(|| tell(store, &program, address)));
        telling
            .into_iter()
            .map(|telling| telling.join().unwrap_or_else(|_| anyhow::bail!("panicked")))
            .filter_map(|told| told.err().map(|error| format!("{error:#}")))
            .collect()
    });
    ensure!(failed.is_empty(), "{}", failed.join("; "));
    Ok(())
}

/// Tells all stories on one store, and prints those in which something is not as expected.
fn tell(store: &str, program: &Path, address: &str) -> Result<()> {
    let began = Instant::now();
    let arguments = ["scenario", "run", "scenarios", "--output", "json", "--store", address];
    let output = command(&program.to_string_lossy(), &arguments).output()?;
    let told: Vec<Value> = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{store}: {}", String::from_utf8_lossy(&output.stderr)))?;
    let failed: Vec<&Value> = told.iter().filter(|story| story["passed"] != true).collect();
    for story in &failed {
        println!("{store}: {story:#}");
    }
    let expectations: u64 = told.iter().filter_map(|story| story["expectations"].as_u64()).sum();
    let seconds = began.elapsed().as_secs();
    println!(
        "{store}: {} stories, {expectations} expectations, {} failed, {seconds} s",
        told.len(),
        failed.len()
    );
    ensure!(output.status.success() && failed.is_empty(), "{store}: {} stories failed", failed.len());
    ensure!(expectations > told.len() as u64 && told.len() >= STORIES, "{store}: hardly anything was told");
    Ok(())
}
