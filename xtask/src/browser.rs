//! The stories in a real Chromium (`browser-tests/stories/*.test.js`), against the program as it was just built.

use crate::install::{self, CHROMIUM, NODE, NPM};
use crate::suite::{cargo, command, root, succeed};
use anyhow::{Context as _, Result, ensure};

/// The folder with the stories, their package and its lockfile.
const FOLDER: &str = "browser-tests";

/// Builds `yinke` with `profile` and tells every story.
pub(crate) fn tell(profile: &str) -> Result<()> {
    install::ensure(&[CHROMIUM, NODE, NPM])?;
    succeed(cargo(&["build", "--locked", "--package", "yinke", "--profile", profile]))?;
    let program = crate::bench::target_directory()?.join(profile).join("yinke");
    let folder = root().join(FOLDER);
    let mut packages = command("npm", &["ci", "--no-audit", "--no-fund"]);
    packages.current_dir(&folder);
    succeed(packages).context("the stories' packages")?;
    let mut stories: Vec<_> = std::fs::read_dir(folder.join("stories"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .filter(|path| path.to_string_lossy().ends_with(".test.js"))
        .collect();
    stories.sort();
    ensure!(!stories.is_empty(), "no story in {}", folder.display());
    // One after the other: two cores are few for a browser and a server.
    let mut node = command("node", &["--test", "--test-concurrency=1", "--test-reporter=spec"]);
    node.args(stories).env("YINKE_PROGRAM", program);
    let chromium = install::find(CHROMIUM.program).context("no chromium")?;
    node.env("YINKE_CHROMIUM", chromium).current_dir(&folder);
    succeed(node)
}
