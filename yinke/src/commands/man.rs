//! `yinke man`: the manual page, or one page per command into a folder.

use super::Cli;
use crate::exit::{Exit, Failure, io};
use clap::{Args, CommandFactory as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// Print the manual page, or write one page per command
#[derive(Debug, Args)]
#[command(after_help = "Example: yinke man | man -l -")]
pub(crate) struct ManArgs {
    /// Write yinke.1, yinke-up.1, ... into this folder instead
    #[arg(long, env = "YINKE_MAN_DIR", value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl ManArgs {
    /// Prints or writes it.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self.dir {
            None => clap_mangen::Man::new(Cli::command())
                .render(&mut std::io::stdout())
                .map_err(|e| io(e, "cannot print the manual".to_owned()))?,
            Some(dir) => {
                std::fs::create_dir_all(&dir).map_err(|e| Failure::new(Exit::CannotCreate, e))?;
                clap_mangen::generate_to(Cli::command(), &dir)
                    .map_err(|e| io(e, format!("cannot write into {}", dir.display())))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
