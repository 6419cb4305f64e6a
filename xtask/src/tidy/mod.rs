//! The layout's rules, checked by reading the tree: which crate may know which, and what no file may hold.

mod circles;
mod floors;
mod proofs;
mod sizes;
mod sources;

use crate::suite::{command, root};
use anyhow::{Context as _, Result, bail};

/// A source file that git knows.
#[derive(Debug, Clone)]
struct Source {
    path: String,
    text: String,
}

/// Checks all rules and reports every breach.
pub(crate) fn run() -> Result<()> {
    let mut breaches = floors::breaches()?;
    let sources = sources()?;
    breaches.extend(sources::breaches(&sources));
    breaches.extend(circles::breaches(&sources));
    breaches.extend(sizes::breaches()?);
    breaches.extend(proofs::breaches()?);
    for breach in &breaches {
        println!("{breach}");
    }
    if breaches.is_empty() { Ok(()) } else { bail!("{} breaches of the layout's rules", breaches.len()) }
}

fn sources() -> Result<Vec<Source>> {
    let output = command("git", &["ls-files", "-z", "*.rs"]).output().context("git ls-files")?;
    let mut sources = Vec::new();
    for path in String::from_utf8_lossy(&output.stdout).split_terminator('\0') {
        match std::fs::read_to_string(root().join(path)) {
            Ok(text) => sources.push(Source { path: path.to_owned(), text }),
            // Deleted in the working tree and not yet committed.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| path.to_owned()),
        }
    }
    Ok(sources)
}
