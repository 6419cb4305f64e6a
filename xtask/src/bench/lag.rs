//! `cargo xtask bench lag`: from a click's time to the core's commit, at half of what the core can take in, and how fast
//! a backlog is made up for. A real core on SQLite, then one on PostgreSQL; the edge's real shipper, over HTTP.

use crate::install::{POSTGRES, ensure};
use crate::outage::roles::Roles;
use crate::servers::{Postgres, free_port};
use crate::suite::{cargo, succeed, target_directory};
use anyhow::Result;
use clap::Args;
use std::process::Command;

/// The edge that ships.
const EDGE: u16 = 18;

/// How much.
#[derive(Args)]
pub(crate) struct LagArguments {
    /// The build profile.
    #[arg(long, default_value = "release")]
    profile: String,
    /// Clicks of the backlog that the capacity is taken from.
    #[arg(long, default_value_t = 300_000)]
    backlog: u32,
    /// Seconds at half of the capacity.
    #[arg(long, default_value_t = 15)]
    seconds: u32,
}

/// Runs it on both stores.
pub(super) fn run(arguments: &LagArguments) -> Result<()> {
    ensure(&[POSTGRES])?;
    succeed(cargo(&["build", "--locked", "--package", "yinke", "--profile", &arguments.profile]))?;
    let example =
        ["--locked", "--package", "redirector", "--example", "lag", "--profile", &arguments.profile];
    succeed(cargo(&[&["build"], &example[..]].concat()))?;
    let target = target_directory()?;
    let programs = target.join(if arguments.profile == "dev" { "debug" } else { &arguments.profile });
    let postgres = Postgres::start()?;
    for (name, url) in [("SQLite", None), ("PostgreSQL", Some(postgres.url()))] {
        println!("{name}:");
        let folder = tempfile::Builder::new().prefix("lag-").tempdir_in(&target)?;
        let roles = Roles::new(&programs, folder.path(), free_port()?, url.as_deref(), None)?;
        let core = roles.core()?;
        let token = roles.edge_token(&core, EDGE)?;
        let mut ship = Command::new(programs.join("examples/lag"));
        ship.arg(format!("http://{}/", core.address("core")?));
        ship.args([EDGE.to_string(), arguments.backlog.to_string(), arguments.seconds.to_string()]);
        ship.env("YINKE_CORE_TOKEN", token).env("TMPDIR", folder.path());
        succeed(ship)?;
        core.drain()?;
    }
    Ok(())
}
