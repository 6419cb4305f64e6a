//! What no commit may carry: files so large that somebody added them by mistake. They stay in the history for ever.

use crate::suite::{command, root};
use anyhow::{Context as _, Result};

/// Twice the largest file that a person or a generator here has had reason to add.
const LARGEST: u64 = 2 << 20;

/// Every tracked file that is too large.
pub(super) fn breaches() -> Result<Vec<String>> {
    let output = command("git", &["ls-files", "-z"]).output().context("git ls-files")?;
    let mut breaches = Vec::new();
    for path in String::from_utf8_lossy(&output.stdout).split_terminator('\0') {
        // A file that is deleted in the working tree and not yet committed has no size.
        let bytes = std::fs::symlink_metadata(root().join(path)).map_or(0, |metadata| metadata.len());
        breaches.extend(breach_of(path, bytes));
    }
    Ok(breaches)
}

fn breach_of(path: &str, bytes: u64) -> Option<String> {
    (bytes > LARGEST).then(|| format!("{path}: {bytes} bytes are too many for a commit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_is_named() {
        assert_eq!(breach_of("a.rs", LARGEST), None);
        assert!(breach_of(".tmp/links.db", LARGEST + 1).unwrap().starts_with(".tmp/links.db: "));
    }
}
