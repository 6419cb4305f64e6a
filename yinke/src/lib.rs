//! `yinke`: one process that runs everything, or one role of it, and the tools around it. The program is [`run`]; the rest
//! of the library is for it alone.

mod admin;
mod api;
mod cli;
mod commands;
mod config;
mod data_dir;
mod demo;
mod exit;
mod exit_codes;
#[doc(hidden)]
pub mod fuzzing;
mod handover;
mod import;
mod keys;
mod logging;
mod output;
mod password;
mod roles;
mod scenario;
mod shutdown;
mod spelling;

use clap::Parser as _;
use std::process::ExitCode;

/// Reads the command line, starts logging, runs one command, and says how it ended.
#[must_use]
pub fn run() -> ExitCode {
    let cli = commands::Cli::parse();
    let result = logging::start(&cli.global, cli.command.who_logs()).and_then(|()| cli.command.run());
    logging::finish(result.as_ref().err());
    result.unwrap_or_else(|failure| ExitCode::from(failure.code()))
}
