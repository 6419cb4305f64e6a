//! A kill at every named instant of the journal's and the background's code, where a random kill hardly ever hits.

use super::loader::{Loader, oracle};
use super::process::Yinke;
use super::world::World;
use super::{check, wait_until_shipped};
use crate::suite::root;
use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::time::Duration;

/// Under this load, with this catalogue.
const LINKS: u32 = 200;
const RATE: u32 = 300;
/// An instant is reached within.
const REACHED_WITHIN: Duration = Duration::from_secs(60);
/// The instants of every click or batch are also reached later, when much is on its way.
const LATER: u32 = 40;
const OFTEN: [&str; 3] = ["writer.", "sync.", "shipper."];

/// Kills at each instant and compares what was answered with the core.
pub(super) fn prove(programs: &Path, folder: &Path) -> Result<()> {
    let mut yinke = Yinke::start(programs, folder)?;
    yinke.wait_until_listening()?;
    let world = World::make(&yinke.core()?, LINKS)?;
    yinke.wait_until_redirecting(world.sample())?;
    let loader = Loader::start(programs, folder, &world, RATE, yinke.edge()?)?;
    yinke.live_for(Duration::from_secs(1))?;
    yinke.kill()?;
    let names = names()?;
    let later = names.iter().filter(|name| OFTEN.iter().any(|often| name.starts_with(often)));
    let instants = names.iter().map(|name| (name, 1)).chain(later.map(|name| (name, LATER)));
    let mut kills = 0;
    for (name, count) in instants {
        let mut yinke = Yinke::start_armed(programs, folder, &format!("{name}:{count}"))?;
        yinke.dies_within(REACHED_WITHIN, |edge| loader.goes_to(edge)).with_context(|| name.clone())?;
        println!("killed at {name}, time {count}");
        kills += 1;
    }
    let mut yinke = Yinke::start(programs, folder)?;
    yinke.wait_until_redirecting(world.sample())?;
    loader.goes_to(yinke.edge()?)?;
    yinke.live_for(Duration::from_secs(1))?;
    let figures = loader.stop()?;
    wait_until_shipped(&mut yinke)?;
    check(programs, &[oracle(folder)], &yinke.core()?)?;
    println!("{kills} kills at {} instants: {} answered; 0 lost, 0 twice", names.len(), figures["answered"]);
    ensure!(
        figures["by_outcome"]["attributed"].as_u64() > Some(100),
        "the load got hardly any answer: {figures}"
    );
    Ok(())
}

/// The names as the journal's source lists them, so that none is forgotten here.
fn names() -> Result<Vec<String>> {
    let source = std::fs::read_to_string(root().join("journal/src/failpoint.rs"))?;
    let list = source.split_once("pub const ALL").and_then(|(_, rest)| rest.split_once("];"));
    let (list, _) = list.context("no list of instants in the journal")?;
    let names: Vec<String> = list.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    ensure!(
        names.len() > 10 && names.iter().all(|name| name.contains('.')),
        "not a list of instants: {names:?}"
    );
    Ok(names)
}
