//! What needs no server: formatting, lints, docs, layout, and the tests that run anywhere.

use crate::suite::{Run, cargo, succeed};
use crate::tidy;
use anyhow::Result;

/// The quick half of the proof.
pub(crate) fn run() -> Result<()> {
    let mut run = Run::new(&[]);
    lints(&mut run);
    run.suite("tests", 300, || succeed(cargo(&["test", "--workspace", "--locked"])));
    run.finish()
}

/// Layout, formatting, lints and docs.
pub(crate) fn lints(run: &mut Run) {
    run.suite("tidy", 10, tidy::run);
    run.suite("format", 10, || succeed(cargo(&["fmt", "--all", "--check"])));
    // The fuzz targets are a workspace of their own, which nothing else here builds.
    run.suite("lockfiles", 20, || {
        succeed(cargo(&["update", "--workspace", "--locked", "--manifest-path", "fuzz/Cargo.toml"]))
    });
    run.suite("clippy", 240, || {
        succeed(cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
    });
    run.suite("docs", 120, || {
        let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--locked", "--document-private-items"]);
        docs.env("RUSTDOCFLAGS", "-D warnings");
        succeed(docs)
    });
}
