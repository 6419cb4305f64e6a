//! The loader of the side-by-side runs; see `benches::blast`.
#![expect(clippy::print_stdout, reason = "the report goes to the runner as one line of JSON")]

use anyhow::Result;
use benches::blast::{Arguments, run};
use clap::Parser as _;

fn main() -> Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let report = run::run(&Arguments::parse())?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
