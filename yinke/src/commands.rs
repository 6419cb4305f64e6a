//! The commands: one file each; this enum ties them together.

mod completions;
mod config;
mod keys;
mod man;

use crate::exit::Failure;
use clap::Subcommand;
use std::process::ExitCode;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Config(config::ConfigArgs),
    Keys(keys::KeysArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

impl Command {
    /// What is logged unless asked otherwise: a server says what it does, a tool only what went wrong.
    pub(crate) const fn default_log_level(&self) -> &'static str {
        match self {
            _ => "warn",
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// What went wrong, with the exit code.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Config(args) => args.run(),
            Self::Keys(args) => args.run(),
            Self::Completions(args) => args.run(),
            Self::Man(args) => args.run(),
        }
    }
}
