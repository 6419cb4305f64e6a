//! `cargo xtask bench search`: the library's search over a million products, by kind of question; and
//! `cargo xtask bench links`: a hundred thousand links in bulk.

use crate::servers::Postgres;
use crate::suite::{cargo, succeed};
use anyhow::Result;
use clap::Args;

/// How many products.
#[derive(Args)]
pub(crate) struct SearchArguments {
    /// The build profile.
    #[arg(long, default_value = "release")]
    profile: String,
    /// Products.
    #[arg(long, default_value_t = 1_000_000)]
    products: u32,
}

/// Runs the core's library example on SQLite and on a PostgreSQL of its own; fails if the promise is not kept.
pub(super) fn run(arguments: &SearchArguments) -> Result<()> {
    let postgres = Postgres::start()?;
    let mut command =
        cargo(&["run", "--locked", "--package", "settlement-core", "--example", "library_bench"]);
    command.args(["--profile", &arguments.profile, "--"]);
    command.arg(arguments.products.to_string());
    command.env("YINKE_TEST_POSTGRES_URL", postgres.url());
    succeed(command)
}

/// How many links.
#[derive(Args)]
pub(crate) struct LinksArguments {
    /// The build profile.
    #[arg(long, default_value = "release")]
    profile: String,
    /// Links.
    #[arg(long, default_value_t = 100_000)]
    links: u32,
}

/// Runs the core's link example on both stores; fails if the promise is not kept.
pub(super) fn run_links(arguments: &LinksArguments) -> Result<()> {
    let postgres = Postgres::start()?;
    let mut command = cargo(&["run", "--locked", "--package", "settlement-core", "--example", "links_bench"]);
    command.args(["--profile", &arguments.profile, "--"]);
    command.arg(arguments.links.to_string());
    command.env("YINKE_TEST_POSTGRES_URL", postgres.url());
    succeed(command)
}
