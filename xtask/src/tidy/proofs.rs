//! `docs/faults.md` names the tests that show each promise: every one of them must be there.

use crate::suite::{command, root};
use anyhow::{Context as _, Result};

const PAGE: &str = "docs/faults.md";
/// What stands before a test's name on the page.
const MARK: &str = "T: ";

/// Names on the page that no source file has.
pub(super) fn breaches() -> Result<Vec<String>> {
    let page = std::fs::read_to_string(root().join(PAGE)).context(PAGE)?;
    let mut search = command("git", &["grep", "-h", "-E", r"(fn |on_both!\()[a-z0-9_]+", "--", "*.rs"]);
    let sources = search.output().context("git grep")?;
    let sources = String::from_utf8_lossy(&sources.stdout);
    let missing = names(&page).filter(|name| !is_in(&sources, name));
    Ok(missing.map(|name| format!("{PAGE}: there is no test {name}")).collect())
}

fn names(page: &str) -> impl Iterator<Item = &str> {
    let is_of_a_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    page.split(MARK).skip(1).map(move |rest| rest.split(|c| !is_of_a_name(c)).next().unwrap_or_default())
}

fn is_in(sources: &str, name: &str) -> bool {
    ["fn ", "on_both!("]
        .iter()
        .any(|before| [",", "("].iter().any(|behind| sources.contains(&format!("{before}{name}{behind}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_there_is_found() {
        let page = "| a | b | X: kill, T: holds_well, T: on_both_sides |\n| T: gone |";
        let sources = "fn holds_well() {\non_both!(on_both_sides, async |bench| {\nfn gone_too() {";
        let missing: Vec<&str> = names(page).filter(|name| !is_in(sources, name)).collect();
        assert_eq!(missing, ["gone"]);
    }
}
