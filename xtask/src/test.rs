//! `cargo xtask test`: everything that must hold, against real servers that it starts itself.

use crate::check;
use crate::install::{self, CURL, POSTGRES, PROMTOOL, REDIS};
use crate::servers::{Postgres, Redis};
use crate::suite::{Run, cargo, command, root, succeed};
use anyhow::Result;
use clap::Args;

/// Which suites.
#[derive(Args)]
pub(crate) struct TestArguments {
    /// Run only the suites of these names (tidy, format, clippy, docs, tests, ...).
    only: Vec<String>,
}

/// Runs all suites.
pub(crate) fn run(arguments: &TestArguments) -> Result<()> {
    let mut run = Run::new(&arguments.only);
    check::lints(&mut run);
    run.suite("tests", 900, || {
        install::ensure(&[REDIS, POSTGRES, PROMTOOL, CURL])?;
        let redis = Redis::start()?;
        let postgres = Postgres::start()?;
        println!("redis at {}, PostgreSQL at {}", redis.url(), postgres.url());
        let mut tests = cargo(&["test", "--workspace", "--locked", "--", "--include-ignored"]);
        tests.env("YINKE_TEST_REDIS_URL", redis.url()).env("YINKE_TEST_POSTGRES_URL", postgres.url());
        succeed(tests)
    });
    run.suite("alert rules", 20, alert_rules);
    run.finish()
}

/// Prometheus' own checker reads the alert rules and runs their tests.
fn alert_rules() -> Result<()> {
    install::ensure(&[PROMTOOL])?;
    let folder = root().join("deploy/prometheus");
    for arguments in [["check", "rules", "yinke.rules.yml"], ["test", "rules", "yinke.rules.test.yml"]] {
        let mut promtool = command("promtool", &arguments);
        promtool.current_dir(&folder);
        succeed(promtool)?;
    }
    Ok(())
}
