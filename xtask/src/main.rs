//! The project's own tasks: `cargo xtask test` proves everything on a fresh machine, the longer proofs have commands
//! of their own.
//!
//! Nothing is skipped silently: a component that is missing and cannot be installed fails the command.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task talks to the person who runs it")]

mod bench;
mod browser;
mod check;
mod conformance;
mod corrupt;
mod deny;
mod examples;
mod forge;
mod fuzz;
mod install;
mod kill;
mod live;
mod mutants;
mod outage;
mod powercut;
mod scenarios;
mod servers;
mod siege;
mod simulate;
mod stall;
mod story;
mod suite;
mod test;
mod tidy;
mod watching;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Yinke's tasks")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that must hold: layout, lints, unit tests, real servers, whole stories, faults. Up to an hour on
    /// two cores.
    Test(test::TestArguments),
    /// The quick half: layout, formatting, lints, docs, and the tests that need no server.
    Ci,
    /// Only the layout: floors, file rules, no unfinished work.
    Tidy,
    /// Licences, sources, banned crates and known vulnerabilities of what we build on.
    Deny {
        /// Leave out the advisories, whose database comes from the network.
        #[arg(long)]
        offline: bool,
    },
    /// Benchmarks that compare with a reference in the same run.
    Bench(bench::BenchArguments),
    /// Kills the whole process (kill -9) at random instants under load; every answered click must be in the core, once.
    Kill(kill::KillArguments),
    /// Corrupts a journal at random: all must be detected, and only what was hit may be lost.
    Corrupt(corrupt::CorruptArguments),
    /// Forges tokens in large numbers, and measures whether the time of a refusal gives anything away.
    Forge(forge::ForgeArguments),
    /// Breeds inputs for everything that parses bytes from outside, looking for one that breaks a promise.
    Fuzz(fuzz::FuzzArguments),
    /// Slow sockets and guesses at codes in large numbers, with honest clients among them.
    Siege(siege::SiegeArguments),
    /// Lets the disk under a running server stand still for ten seconds, under load. For root.
    Stall(stall::StallArguments),
    /// Changes the code in small ways, one at a time, and lists those that no test notices.
    Mutants(mutants::MutantsArguments),
    /// Simulates the edge's way from a written click to the core, with faults at random, in simulated time.
    Simulate(simulate::SimulateArguments),
    /// Compares every answer of a running API with its OpenAPI document, by schemathesis.
    Conformance {
        /// Profile that `yinke` is built with.
        #[arg(long, default_value = test::PROFILE)]
        profile: String,
    },
    /// Restarts a server under clients that connect all the time; nobody may be refused or cut off.
    Restarts {
        /// How often.
        #[arg(long, default_value_t = 100)]
        times: u32,
    },
    /// Takes core, PostgreSQL and Redis away under load, kills the edge meanwhile, and brings everything back.
    Outage(outage::OutageArguments),
    /// Cuts the power of a whole guest machine while the journal writes; strict loses nothing, fast only its window.
    Powercut(powercut::PowercutArguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Test(arguments) => test::run(&arguments),
        Task::Ci => check::run(),
        Task::Conformance { profile } => conformance::check(&profile),
        Task::Tidy => tidy::run(),
        Task::Deny { offline } => deny::run(offline),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Kill(arguments) => kill::run(&arguments),
        Task::Corrupt(arguments) => corrupt::run(&arguments),
        Task::Forge(arguments) => forge::run(&arguments),
        Task::Siege(arguments) => siege::run(&arguments),
        Task::Stall(arguments) => stall::run(&arguments),
        Task::Mutants(arguments) => mutants::run(&arguments),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Simulate(arguments) => simulate::run(&arguments),
        Task::Restarts { times } => test::restarts(times),
        Task::Outage(arguments) => outage::run(&arguments),
        Task::Powercut(arguments) => powercut::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
