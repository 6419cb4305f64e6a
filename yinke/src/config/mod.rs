//! Configuration files of the `edge` and `core` roles: TOML, one table per subsystem.
//!
//! A file is read whole and every mistake in it is reported at once, with its place and what was expected; nothing
//! is bound or opened before the configuration is whole. What was read can be printed back, secrets redacted.

mod core;
mod edge;
mod effective;
mod parse;
mod proxies;
mod reader;
mod redis;

pub(crate) use self::core::{CoreFile, SQLITE_FILE, StoreChoice};
pub(crate) use edge::{EdgeFile, workers_here};
pub(crate) use effective::Effective;
pub(crate) use parse::{own_host, public_base};

use reader::Reader;
use std::fmt;
use std::path::{Path, PathBuf};

/// One thing wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// The file.
    pub(crate) file: PathBuf,
    /// Line and column, where known.
    pub(crate) place: Option<(usize, usize)>,
    /// The dotted key, such as `listen.public`.
    pub(crate) key: String,
    /// What is wrong and what was expected.
    pub(crate) problem: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        if self.key.is_empty() {
            write!(f, " {}", self.problem)
        } else {
            write!(f, " {}: {}", self.key, self.problem)
        }
    }
}

/// All mistakes of a file, one per line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistakes(pub(crate) Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "{count} mistake{} in the configuration", if count == 1 { "" } else { "s" })?;
        for mistake in &self.0 {
            write!(f, "\n  {mistake}")?;
        }
        Ok(())
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read configuration {}", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It has mistakes.
    #[error("{0}")]
    Mistakes(Mistakes),
}

/// A role's configuration: read from a file, with what was understood.
pub(crate) struct Loaded<T> {
    /// The parsed settings.
    pub(crate) settings: T,
    /// Every setting as it will be used, for printing.
    pub(crate) effective: Effective,
}

/// A configuration file that can be read.
pub(crate) trait Role: Sized {
    /// Reads all keys; returns nothing if one could not be read (the reader knows the mistakes).
    fn read(reader: &mut Reader<'_>) -> Option<Self>;
}

/// Reads the file of a role.
///
/// # Errors
/// If it cannot be read, or has mistakes: all of them.
pub(crate) fn load<T: Role>(path: &Path) -> Result<Loaded<T>, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    parse_text(path, &text)
}

/// Reads a role's configuration from `text`; `path` is what mistakes name, and what relative paths start from.
///
/// # Errors
/// All mistakes.
pub(crate) fn parse_text<T: Role>(path: &Path, text: &str) -> Result<Loaded<T>, ConfigError> {
    let mut reader = Reader::new(path, text).map_err(ConfigError::Mistakes)?;
    let settings = T::read(&mut reader);
    let (effective, mistakes) = reader.finish();
    match settings {
        Some(settings) if mistakes.is_empty() => Ok(Loaded { settings, effective }),
        _ => Err(ConfigError::Mistakes(Mistakes(mistakes))),
    }
}

#[cfg(test)]
mod tests;
