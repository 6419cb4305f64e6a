//! The layout's rules, checked by reading the tree: which crate may know which, and what no file may hold.

mod floors;
mod proofs;
mod sizes;
mod sources;

use anyhow::{Result, bail};

/// Checks all rules and reports every breach.
pub(crate) fn run() -> Result<()> {
    let mut breaches = floors::breaches()?;
    breaches.extend(sources::breaches()?);
    breaches.extend(sizes::breaches()?);
    breaches.extend(proofs::breaches()?);
    for breach in &breaches {
        println!("{breach}");
    }
    if breaches.is_empty() { Ok(()) } else { bail!("{} breaches of the layout's rules", breaches.len()) }
}
