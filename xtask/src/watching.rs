//! What watches a running Yinke: Prometheus' own checker reads the alert rules and runs their tests, and whatever the
//! rules and the dashboard ask about is a metric that the programs have.

use crate::install::{self, PROMTOOL};
use crate::suite::{command, root, succeed};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

/// Endings that Prometheus puts behind the name of a histogram.
const OF_HISTOGRAMS: [&str; 3] = ["_bucket", "_sum", "_count"];

/// Checks rules, their tests and the dashboard.
///
/// # Errors
/// If a rule or its test fails, or a metric is asked about that no program has.
pub(crate) fn check() -> Result<()> {
    install::ensure(&[PROMTOOL])?;
    let folder = root().join("deploy/prometheus");
    for arguments in [["check", "rules", "yinke.rules.yml"], ["test", "rules", "yinke.rules.test.yml"]] {
        let mut promtool = command("promtool", &arguments);
        promtool.current_dir(&folder);
        succeed(promtool)?;
    }
    let rules = fs::read_to_string(folder.join("yinke.rules.yml"))?;
    let tests = fs::read_to_string(folder.join("yinke.rules.test.yml"))?;
    let runbook = fs::read_to_string(root().join("docs/runbook.md"))?;
    for alert in rules.split("- alert: ").skip(1) {
        let name = alert.lines().next().unwrap_or_default();
        ensure!(is_shown_firing(name, &tests), "no test shows that {name} fires");
        let page = alert.split("runbook.md#").nth(1).and_then(|rest| rest.split('"').next());
        let is_there = page.is_some_and(|page| sections(&runbook).any(|section| section == page));
        ensure!(is_there, "the runbook has no section for {name}");
    }
    let dashboard = fs::read_to_string(root().join("deploy/grafana/yinke.json"))?;
    let parsed: Value = serde_json::from_str(&dashboard).context("the dashboard is no JSON")?;
    let panels = parsed["panels"].as_array().map_or(0, Vec::len);
    let sources = sources()?;
    let known = names(&sources);
    let records = rules.lines().filter_map(|line| line.split_once("record: "));
    let recorded: BTreeSet<String> = records.flat_map(|(_, name)| names(name)).collect();
    let asked = names(&rules).into_iter().chain(names(&dashboard));
    let missing: BTreeSet<String> = asked
        .filter(|name| !recorded.contains(name) && !is_known(name, &known) && !is_built(name, &sources))
        .collect();
    ensure!(missing.is_empty(), "no program has these metrics: {missing:?}");
    println!("dashboard: {panels} panels, every metric is there");
    Ok(())
}

/// Whether a test of the rules expects the alert, not only its absence.
fn is_shown_firing(alert: &str, tests: &str) -> bool {
    let cases = tests.split("alertname: ").skip(1).filter_map(|case| case.split_once('\n'));
    cases.filter(|(name, _)| *name == alert).any(|(_, rest)| rest.trim_start().starts_with("exp_alerts:\n"))
}

/// The sections of a page, as links name them.
fn sections(page: &str) -> impl Iterator<Item = String> {
    page.lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|title| title.to_lowercase().replace(' ', "-"))
}

fn is_known(name: &str, known: &BTreeSet<String>) -> bool {
    let plain = OF_HISTOGRAMS.iter().filter_map(|ending| name.strip_suffix(ending));
    plain.chain([name]).any(|name| known.contains(name))
}

/// Whether sources put the name together: a front with `{name}` behind it, and the rest as a text of its own.
fn is_built(name: &str, sources: &str) -> bool {
    name.match_indices('_').any(|(at, _)| {
        let (front, rest) = name.split_at(at + 1);
        sources.contains(&format!("{front}{{name}}")) && sources.contains(&format!("\"{rest}\""))
    })
}

/// Every name of a metric in a text.
fn names(text: &str) -> BTreeSet<String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words = text.split(|c| !fits(c)).map(|word| word.strip_prefix("yinke_").map(|_| word));
    words.flatten().filter(|word| word.matches('_').count() > 1).map(str::to_owned).collect()
}

/// The text of all programs' sources.
fn sources() -> Result<String> {
    let mut text = String::new();
    let mut folders: Vec<_> = ["redirector", "settlement-core", "yinke", "journal"]
        .iter()
        .map(|name| root().join(name).join("src"))
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                text += &fs::read_to_string(&path)?;
            }
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_histograms_known_by_their_own() {
        let found = names(
            "rate(yinke_core_intake_total[5m]) > 0 and uid yinke_x, outcome:yinke_edge_requests:rate5m",
        );
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["yinke_core_intake_total", "yinke_edge_requests"]);
        let known = names("\"yinke_core_webhook_duration_seconds\"");
        assert!(is_known("yinke_core_webhook_duration_seconds_bucket", &known));
        assert!(!is_known("yinke_core_webhook_seconds_bucket", &known));
        let tests = "alertname: A\n  exp_alerts: []\nalertname: B\n  exp_alerts:\n    - exp_labels";
        assert!(is_shown_firing("B", tests) && !is_shown_firing("A", tests));
        let sources = "(\"threads_alive\", 1) format!(\"yinke_journal_{name}\")";
        assert!(is_built("yinke_journal_threads_alive", sources));
        assert!(!is_built("yinke_journal_threads_dead", sources));
    }
}
