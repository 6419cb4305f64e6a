//! The floors: which of our crates may know which, and that the pure crates stay free of I/O.

use crate::suite::cargo;
use anyhow::{Context as _, Result};
use serde::Deserialize;

/// What each crate may know of the others, lowest floor first. Tests and benches follow the same rule.
const MAY_KNOW: [(&str, &[&str]); 12] = [
    ("attribution-core", &[]),
    ("journal", &[]),
    ("redis-view", &["attribution-core"]),
    ("redis-rig", &[]),
    ("qr-code", &[]),
    ("redirector", &["attribution-core", "journal", "qr-code", "redis-view", "redis-rig"]),
    ("settlement-core", &["attribution-core", "redis-view", "redis-rig"]),
    ("yinke-console", &["attribution-core", "settlement-core", "qr-code"]),
    (
        "yinke",
        &[
            "attribution-core",
            "journal",
            "qr-code",
            "redirector",
            "settlement-core",
            "yinke-console",
            "redis-view",
        ],
    ),
    ("loadtest", &["attribution-core"]),
    ("benches", &["attribution-core", "journal", "redirector", "settlement-core", "loadtest"]),
    ("xtask", &[]),
];

/// All that the pure rules may use: no runtime, no network, no database, no clock of its own.
const RULES_MAY_USE: [&str; 12] = [
    "base64",
    "crc32fast",
    "hkdf",
    "hmac",
    "jiff",
    "serde",
    "serde_json",
    "sha2",
    "subtle",
    "thiserror",
    "url",
    "xxhash-rust",
];

/// All that the journal may use.
const JOURNAL_MAY_USE: [&str; 4] = ["crc32fast", "getrandom", "rustix", "thiserror"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// None for an ordinary dependency, "dev" or "build" otherwise.
    kind: Option<String>,
    /// Set for a crate of this workspace.
    path: Option<String>,
}

/// Every dependency that breaks a floor.
pub(super) fn breaches() -> Result<Vec<String>> {
    let output = cargo(&["metadata", "--format-version", "1", "--no-deps", "--locked"]).output()?;
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)))?;
    Ok(metadata.packages.iter().flat_map(breaches_of).collect())
}

fn breaches_of(package: &Package) -> Vec<String> {
    let Some((_, known)) = MAY_KNOW.iter().find(|(name, _)| *name == package.name) else {
        return vec![format!("{}: a new crate needs its floor in xtask/src/tidy/floors.rs", package.name)];
    };
    let outside: Option<&[&str]> = match package.name.as_str() {
        "attribution-core" => Some(&RULES_MAY_USE),
        "journal" => Some(&JOURNAL_MAY_USE),
        _ => None,
    };
    let mut breaches = Vec::new();
    for dependency in &package.dependencies {
        let ours = dependency.path.is_some();
        let shipped = dependency.kind.is_none();
        if ours && !known.contains(&dependency.name.as_str()) {
            breaches.push(format!("{} must not know {}", package.name, dependency.name));
        }
        if !ours && shipped && outside.is_some_and(|allowed| !allowed.contains(&dependency.name.as_str())) {
            breaches.push(format!("{} must not use {}", package.name, dependency.name));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependency: &str, path: Option<&str>) -> Package {
        let dependency =
            Dependency { name: dependency.to_owned(), kind: None, path: path.map(str::to_owned) };
        Package { name: name.to_owned(), dependencies: vec![dependency] }
    }

    #[test]
    fn a_floor_that_is_broken_is_named() {
        let rows = [
            (
                package("redirector", "settlement-core", Some("x")),
                vec!["redirector must not know settlement-core"],
            ),
            (package("attribution-core", "tokio", None), vec!["attribution-core must not use tokio"]),
            (package("settlement-core", "attribution-core", Some("x")), vec![]),
        ];
        for (package, expected) in rows {
            assert_eq!(breaches_of(&package), expected);
        }
    }
}
