//! `yinke rehearse`: changed rules over past orders, before they are in force.

use crate::cli::{Format, OutputArgs, SelectionArgs, StoreArgs};
use crate::exit::{Exit, Failure, io};
use crate::output::{Listing, note, progress_bar, say, yuan};
use crate::scenario;
use clap::Args;
use serde_json::{Value, json};
use settlement_core::replay::{Changed, LineFigures, Rehearsal, RehearseError, rehearse};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Show who would have gained or lost how much under changed rules
///
/// Decides past orders again as if the rules had been in force from --since on, and compares with how they stand. Reads
/// the core's store itself and writes nothing.
#[derive(Debug, Args)]
#[command(after_help = "Example: yinke rehearse wider.toml --programme demo --since 2026-03-01 --lines\n\n\
    The file has the fields of PUT /v1/programmes: `preset` (to begin with; the programme's newest rules if absent) and \
    `policy` (fields laid over); or the fields of `policy` alone. TOML, JSON or YAML, by its name.")]
pub(crate) struct RehearseArgs {
    /// The changed rules, or the fields that change
    #[arg(env = "YINKE_POLICY", value_name = "POLICY")]
    policy: PathBuf,
    /// The programme whose rules change
    #[arg(long, env = "YINKE_PROGRAMME", value_name = "ID")]
    programme: String,
    #[command(flatten)]
    selection: SelectionArgs,
    /// List the lines that change instead of who gains and loses
    #[arg(long, env = "YINKE_LINES")]
    lines: bool,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl RehearseArgs {
    /// Runs it.
    ///
    /// # Errors
    /// If the rules have mistakes, or the store cannot be had.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let selection = self.selection.read()?;
        if selection.since.is_none() {
            return Err(Failure::message(
                Exit::Usage,
                "--since: from which day on should the rules be in force?",
            ));
        }
        let programme = self
            .programme
            .parse()
            .map_err(|error| Failure::message(Exit::Usage, format!("--programme: {error}")))?;
        let changed = Changed { list: self.lines, ..read(&self.policy)? };
        let store = self.store.open_for_looking()?;
        let bar = progress_bar(0, "lines");
        let shown = bar.clone();
        let done =
            super::runtime()?.block_on(rehearse(&store, programme, changed, selection, move |progress| {
                shown.set_length(progress.total);
                shown.set_position(progress.done);
            }));
        bar.finish_and_clear();
        store.close();
        print(&done?, self.lines, self.output.output);
        Ok(ExitCode::SUCCESS)
    }
}

/// Reads the file by its ending.
fn read(path: &Path) -> Result<Changed, Failure> {
    let text =
        std::fs::read_to_string(path).map_err(|error| io(error, format!("reading {}", path.display())))?;
    let ending = path.extension().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
    document(ending, &text).and_then(changed).map_err(|error| {
        let error = anyhow::Error::new(error).context(path.display().to_string());
        Failure::new(Exit::BadData, error)
    })
}

/// Why a file says no rules.
#[derive(Debug, thiserror::Error)]
enum NoRules {
    #[error("its name must end in .toml, .json or .yaml")]
    Ending,
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Yaml(#[from] scenario::Fault),
    #[error("expected fields such as `policy`")]
    NoFields,
    #[error("preset")]
    Preset(#[source] serde_json::Error),
    #[error("{0}: no such field; rules stand under `policy`")]
    NoSuchField(String),
}

fn document(ending: &str, text: &str) -> Result<Value, NoRules> {
    match ending {
        "toml" => Ok(toml::from_str(text)?),
        "json" => Ok(serde_json::from_str(text)?),
        "yaml" | "yml" => Ok(scenario::json_of_yaml(text)?),
        _ => Err(NoRules::Ending),
    }
}

/// The fields of `PUT /v1/programmes` that say rules, or rules alone.
fn changed(document: Value) -> Result<Changed, NoRules> {
    let Value::Object(mut fields) = document else { return Err(NoRules::NoFields) };
    if !fields.contains_key("preset") && !fields.contains_key("policy") {
        return Ok(Changed { policy: Value::Object(fields), ..Changed::default() });
    }
    let preset = fields.remove("preset").filter(|preset| !preset.is_null());
    let preset = preset.map(serde_json::from_value).transpose().map_err(NoRules::Preset)?;
    let policy = fields.remove("policy").unwrap_or_default();
    // What says who owns the programme is no matter here; what was meant as a rule must not be overlooked.
    let other = fields
        .keys()
        .find(|name| !matches!(name.as_str(), "name" | "merchant" | "platform" | "effective_from"));
    match other {
        Some(name) => Err(NoRules::NoSuchField(name.clone())),
        None => Ok(Changed { preset, policy, list: false }),
    }
}

fn print(done: &Rehearsal, lines: bool, format: Format) {
    let list = if lines { changes(done) } else { holders(done) };
    list.print(format, &json!(done));
    if format != Format::Table {
        return;
    }
    say(format_args!(
        "{} orders, {} lines: {} would change (winner {}, class {}, rate {}, amount {})",
        done.orders, done.lines, done.changed, done.winner, done.class, done.rate, done.amount
    ));
    say(format_args!(
        "commission {} -> {}",
        yuan(done.commission_before_fen),
        yuan(done.commission_after_fen)
    ));
    let listed = done.changes.len() as u64;
    if lines && listed < done.changed {
        note(format_args!("the first {listed} lines are listed"));
    }
}

fn holders(done: &Rehearsal) -> Listing {
    let mut list = Listing::new(&["who", "stands", "would be", "gains"]);
    for shares in &done.holders {
        list.row(vec![
            shares.holder.clone(),
            yuan(shares.before_fen),
            yuan(shares.after_fen),
            yuan(shares.gain_fen),
        ]);
    }
    list
}

fn changes(done: &Rehearsal) -> Listing {
    let mut list = Listing::new(&["platform", "order", "line", "changes", "stands", "would be"]);
    for change in &done.changes {
        list.row(vec![
            change.platform.clone(),
            change.order.clone(),
            change.line.clone(),
            change.changed.join(", "),
            words(&change.before),
            words(&change.after),
        ]);
    }
    list
}

fn words(figures: &LineFigures) -> String {
    if figures.outcome != "award" {
        return figures.outcome.clone();
    }
    let rate = figures.rate_bp.unwrap_or_default();
    let class = figures.class.as_deref().map_or_else(String::new, |class| format!("{class}, "));
    let promoter = figures.promoter.as_deref().unwrap_or("nobody");
    format!("{promoter}, {class}{}.{:02} %, {}", rate / 100, rate % 100, yuan(figures.commission_fen))
}

impl From<RehearseError> for Failure {
    fn from(error: RehearseError) -> Self {
        match error {
            RehearseError::Replay(error) => error.into(),
            RehearseError::Store(error) => error.into(),
            RehearseError::NoProgramme(_) => Self::new(Exit::NotFound, error),
            RehearseError::Mistakes(mistakes) => {
                let lines = mistakes.iter().map(|mistake| format!("\n  {mistake}"));
                Self::message(
                    Exit::BadData,
                    format!("these rules have mistakes:{}", lines.collect::<String>()),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_stand_alone_or_in_a_programmes_request() {
        let alone = changed(json!({"commission": {"min_fen": 5}})).unwrap();
        assert_eq!((alone.preset, alone.policy), (None, json!({"commission": {"min_fen": 5}})));
        let request =
            changed(json!({"name": "x", "preset": "taobao_live", "policy": {"commission": {}}})).unwrap();
        assert!(request.preset.is_some());
        assert_eq!(request.policy, json!({"commission": {}}));
        assert_eq!(
            changed(json!({"policy": {}, "commission": {}})).unwrap_err().to_string(),
            "commission: no such field; rules stand under `policy`"
        );
    }
}
