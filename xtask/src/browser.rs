//! The stories in a real Chromium (`browser-tests/stories/*.test.js`), against the program as it was just built.

use crate::install::{self, CHROMIUM, NODE, NPM, ZBARIMG};
use crate::suite::{command, root, succeed, target_directory, yinke};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// The folder with the stories, their package and its lockfile.
const FOLDER: &str = "browser-tests";
/// A story that takes longer has got stuck.
const STORY_WITHIN: Duration = Duration::from_secs(600);

/// Builds `yinke` with `profile` and tells every story.
pub(crate) fn tell(profile: &str) -> Result<()> {
    install::ensure(&[CHROMIUM, NODE, NPM, ZBARIMG])?;
    let program = yinke(profile)?;
    let folder = root().join(FOLDER);
    if !has_packages(&folder)? {
        let mut packages = command("npm", &["ci", "--prefer-offline", "--no-audit", "--no-fund"]);
        packages.current_dir(&folder);
        succeed(packages).context("the stories' packages")?;
    }
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
    node.arg(format!("--test-timeout={}", STORY_WITHIN.as_millis()));
    node.args(stories).env("YINKE_PROGRAM", program);
    let chromium = install::find(CHROMIUM.program).context("no chromium")?;
    node.env("YINKE_SCREENSHOTS", target_directory()?.join("screenshots"));
    node.env("YINKE_CHROMIUM", chromium).current_dir(&folder);
    succeed(node)
}

/// Whether just the packages of the lockfile are installed. npm leaves a lockfile of what it has installed beside them.
fn has_packages(folder: &Path) -> Result<bool> {
    let Ok(installed) = std::fs::read(folder.join("node_modules/.package-lock.json")) else {
        return Ok(false);
    };
    let wanted = std::fs::read(folder.join("package-lock.json")).context("the stories' lockfile")?;
    let (installed, wanted): (Value, Value) =
        (serde_json::from_slice(&installed).unwrap_or_default(), serde_json::from_slice(&wanted)?);
    Ok(same_packages(&installed, &wanted))
}

fn same_packages(installed: &Value, wanted: &Value) -> bool {
    // The folder itself has an entry without a name, only in the wanted ones.
    let packages = |lock: &Value| {
        let mut packages = lock["packages"].as_object().cloned()?;
        packages.remove("");
        Some(packages)
    };
    packages(installed).is_some_and(|installed| Some(installed) == packages(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn packages_are_installed_again_when_the_lockfile_names_others() {
        let lock =
            |version| json!({"packages": {"": {"name": "us"}, "node_modules/a": {"version": version}}});
        let installed = json!({"packages": {"node_modules/a": {"version": "1"}}});
        assert!(same_packages(&installed, &lock("1")));
        assert!(!same_packages(&installed, &lock("2")));
        assert!(!same_packages(&Value::Null, &json!({})), "nothing is known of what is there");
    }
}
