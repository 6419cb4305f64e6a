//! `yinke config check|print`: what is wrong in a configuration file, or what it comes to.

use crate::config::{ConfigError, CoreFile, EdgeFile, Effective, load};
use crate::exit::Failure;
use crate::output::say;
use clap::{Args, Subcommand, ValueEnum};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Check or print a configuration file
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Report every mistake at once; exit code 78 if there is one
    Check(FileArgs),
    /// Print what is set, secrets redacted
    Print {
        #[command(flatten)]
        file: FileArgs,
        /// With every default
        #[arg(long, env = "YINKE_CONFIG_EFFECTIVE")]
        effective: bool,
    },
}

#[derive(Debug, Args)]
struct FileArgs {
    /// Whose file it is [default: by its keys: an edge's file has `edge = NUMBER`]
    #[arg(long, env = "YINKE_ROLE", value_enum)]
    role: Option<RoleName>,
    /// The configuration file
    #[arg(env = "YINKE_CONFIG")]
    config: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleName {
    /// `yinke edge`
    Edge,
    /// `yinke core`
    Core,
}

impl ConfigArgs {
    /// Checks or prints.
    ///
    /// # Errors
    /// If the file cannot be read or has mistakes.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self.verb {
            Verb::Check(file) => {
                file.load()?;
                say(format_args!("{}: ok", file.config.display()));
            }
            Verb::Print { file, effective } => say(file.load()?.toml(effective).trim_end()),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl FileArgs {
    fn load(&self) -> Result<Effective, ConfigError> {
        Ok(match self.role.unwrap_or_else(|| guess(&self.config)) {
            RoleName::Edge => load::<EdgeFile>(&self.config)?.effective,
            RoleName::Core => load::<CoreFile>(&self.config)?.effective,
        })
    }
}

/// Only an edge has a number. A file that cannot be read is reported by whoever reads it next.
fn guess(path: &Path) -> RoleName {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let has_number =
        |line: &str| line.trim_start().strip_prefix("edge").is_some_and(|l| l.trim_start().starts_with('='));
    if text.lines().any(has_number) { RoleName::Edge } else { RoleName::Core }
}
