//! `cargo xtask deny`: licences, sources, banned crates and known vulnerabilities of everything we build on.

use crate::suite::{cargo, command, succeed};
use anyhow::{Context as _, Result};

/// Runs cargo-deny, installing it first where it is missing (a few minutes).
///
/// `offline` leaves out the advisories, whose database is fetched from the network.
pub(crate) fn run(offline: bool) -> Result<()> {
    let installed =
        command("cargo-deny", &["--version"]).output().is_ok_and(|output| output.status.success());
    if !installed {
        println!("cargo-deny is missing; installing it");
        succeed(cargo(&["install", "cargo-deny", "--locked"])).context("installing cargo-deny")?;
    }
    let mut checks = vec!["deny", "--locked", "check", "bans", "licenses", "sources"];
    if !offline {
        checks.push("advisories");
    }
    succeed(cargo(&checks))
}
