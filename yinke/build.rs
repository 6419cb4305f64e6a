//! Puts the commit's short hash into `yinke --version`. Built without git (from a tarball, or by a packager who
//! sets `YINKE_GIT_SHA`) it says what it was given, or nothing.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=YINKE_GIT_SHA");
    let sha = std::env::var("YINKE_GIT_SHA").ok().or_else(|| git(&["rev-parse", "--short=12", "HEAD"]));
    if let Some(head) = git(&["rev-parse", "--git-path", "logs/HEAD"])
        && std::path::Path::new(&head).exists()
    {
        println!("cargo::rerun-if-changed={head}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=YINKE_REVISION={}", sha.unwrap_or_else(|| "unknown".to_owned()));
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
