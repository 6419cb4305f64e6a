//! What is wrong with a scenario file, and where.

use crate::spelling::did_you_mean;
use std::fmt;

/// A place in a file, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Place {
    /// Its line.
    pub(super) line: usize,
    /// Its column, in characters.
    pub(super) column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {message}")]
pub(crate) struct Fault {
    /// Where.
    pub(super) at: Place,
    /// What was expected.
    pub(super) message: String,
}

impl Fault {
    /// A mistake at a place.
    pub(super) fn new(at: Place, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

/// `unknown X: a, b or c`, with a guess where one is near.
pub(super) fn unknown<'a>(
    what: &str,
    word: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    match did_you_mean(word, names.clone()) {
        Some(name) => format!("no {what} `{word}`; did you mean `{name}`?"),
        None => {
            let names: Vec<&str> = names.into_iter().collect();
            let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            format!("no {what} `{word}`; there are {there}")
        }
    }
}
