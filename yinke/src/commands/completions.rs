//! `yinke completions SHELL`: a completion script on standard output.

use super::Cli;
use crate::exit::Failure;
use crate::output::say;
use clap::{Args, CommandFactory as _};
use std::process::ExitCode;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "Example: yinke completions bash > /etc/bash_completion.d/yinke")]
pub(crate) struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

impl CompletionsArgs {
    /// Prints it.
    #[expect(clippy::unnecessary_wraps, reason = "all commands run alike")]
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "yinke", &mut script);
        say(String::from_utf8_lossy(&script).trim_end());
        Ok(ExitCode::SUCCESS)
    }
}
