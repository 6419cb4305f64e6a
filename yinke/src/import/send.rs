//! Makes the calls of a plan, and goes on after a break: what is in is not sent again.

use super::fault::Fault;
use super::kinds::Kind;
use super::plan::{Plan, Step};
use super::progress::Progress;
use crate::api::{Answer, ApiError, CoreApi, Problem};
use attribution_core::hex::hex;
use http::Method;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Pauses before a call that may succeed later is made again.
const PAUSES_MS: [u64; 5] = [200, 500, 1_000, 2_000, 4_000];

/// How to send.
pub(crate) struct Options<'a> {
    /// The imported file: how far it has come is noted beside it.
    pub(crate) file: Option<&'a Path>,
    /// Go on where the core refuses a row.
    pub(crate) skip_bad: bool,
}

/// What became of an import.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Items that are in.
    pub(crate) sent: usize,
    /// Items that were in before, from a run that broke off or that sent the same.
    pub(crate) before: usize,
    /// Items that the core refused.
    pub(crate) refused: Vec<Fault>,
}

/// What became of one step.
pub(crate) struct StepDone<'a> {
    /// Items that are through by now.
    pub(crate) through: usize,
    /// Those of an earlier run.
    pub(crate) before: usize,
    /// The core's answers to the step, by line; none if it was in before.
    pub(crate) answers: &'a [(u64, Value)],
}

/// Why an import stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// The core refused rows, and nothing of the file is in.
    #[error("the core refused {} of the rows; nothing was imported", .0.len())]
    Refused(Vec<Fault>),
    /// The core refused rows after others were in: those stay in.
    #[error("the core refused {} of the rows; {imported} imported{}", .faults.len(), rest(*.nothing_from))]
    Halfway {
        /// The refused rows.
        faults: Vec<Fault>,
        /// Items that are in, those of an earlier run that broke off among them.
        imported: usize,
        /// From this line on nothing is in; none if everything was sent.
        nothing_from: Option<u64>,
    },
    /// The core cannot be reached, or refuses everything.
    #[error("stopped after {done} of {total}; run the same command again to go on")]
    Stopped {
        /// Items that are in.
        done: usize,
        /// All items.
        total: usize,
        /// Why.
        source: ApiError,
    },
    /// What the core answered cannot be kept.
    #[error("the core's answers cannot be written; run the same command again to go on")]
    Unkept(#[source] std::io::Error),
    /// The file was changed after links of it were made: its rows would be made once more.
    #[error(
        "the file was changed after an import of it broke off, and links that were made then would be made once more: \
         import what is left under another name, or remove {} to import everything", .0.display()
    )]
    Changed(PathBuf),
}

fn rest(nothing_from: Option<u64>) -> String {
    nothing_from.map_or_else(String::new, |line| format!(", and nothing from line {line} on"))
}

/// Sends a plan. `keep` is given the outcome of each step before it is noted as done: whatever breaks off afterwards,
/// what it wrote stays, and what it could not write is asked for again.
///
/// # Errors
/// If the core refuses a row (unless bad rows are skipped) or cannot be reached any longer, or `keep` fails.
pub(crate) async fn send(
    api: &CoreApi,
    plan: &Plan,
    options: &Options<'_>,
    mut keep: impl FnMut(&StepDone<'_>) -> std::io::Result<()>,
) -> Result<Report, ImportError> {
    let mut progress = Progress::open(options.file, api.base(), plan.kind.name(), &plan.content);
    if let (Kind::Links, Some(note)) = (plan.kind, progress.of_other_contents()) {
        return Err(ImportError::Changed(note.to_owned()));
    }
    let mut report = Report::default();
    let mut through = 0;
    if !options.skip_bad {
        check(api, plan, progress.done()).await?;
    }
    for (index, step) in plan.steps.iter().enumerate() {
        if index < progress.done() {
            report.before += step.lines.len();
            through += step.lines.len();
            keep(&StepDone { through, before: report.before, answers: &[] }).map_err(ImportError::Unkept)?;
            continue;
        }
        let answers = match send_step(api, plan, step, options.skip_bad, &mut report).await {
            Ok(answers) => answers,
            Err(error) => {
                note(progress.save());
                return Err(match error {
                    StepError::Refused { faults, others_in } => {
                        let rest = &plan.steps[index + usize::from(others_in)..];
                        let nothing_from = rest.first().map(|step| step.lines[0]);
                        match report.sent + report.before {
                            0 => ImportError::Refused(faults),
                            imported => ImportError::Halfway { faults, imported, nothing_from },
                        }
                    }
                    StepError::Api(source) => {
                        ImportError::Stopped { done: through, total: plan.items(), source }
                    }
                });
            }
        };
        through += step.lines.len();
        keep(&StepDone { through, before: report.before, answers: &answers }).map_err(ImportError::Unkept)?;
        note(progress.advance(step.method != Method::PUT || step.lines.len() > 1));
    }
    progress.finish();
    report.refused.sort_by_key(|fault| fault.line);
    Ok(report)
}

/// Asks the core whether it would take all that is not in yet, where it can say: so that a file of several calls is saved
/// whole or not at all, and every row that would be refused is named.
async fn check(api: &CoreApi, plan: &Plan, done: usize) -> Result<(), ImportError> {
    let Some(path) = plan.kind.bulk().and_then(|bulk| bulk.check) else { return Ok(()) };
    let (before, rest) = plan.steps.split_at(done.min(plan.steps.len()));
    let imported = before.iter().map(|step| step.lines.len()).sum();
    let mut report = Report::default();
    for step in rest {
        let asked = Step { path: path.to_owned(), ..step.clone() };
        match send_step(api, plan, &asked, true, &mut report).await {
            Ok(_) => {}
            Err(StepError::Refused { mut faults, .. }) => report.refused.append(&mut faults),
            Err(StepError::Api(source)) => {
                return Err(ImportError::Stopped { done: imported, total: plan.items(), source });
            }
        }
    }
    let (mut faults, nothing_from) = (report.refused, rest.first().map(|step| step.lines[0]));
    faults.sort_by_key(|fault| fault.line);
    match imported {
        _ if faults.is_empty() => Ok(()),
        0 => Err(ImportError::Refused(faults)),
        _ => Err(ImportError::Halfway { faults, imported, nothing_from }),
    }
}

fn note(result: std::io::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "how far the import has come cannot be noted beside the file");
    }
}

enum StepError {
    Refused {
        faults: Vec<Fault>,
        /// The other items of the call are in; else none is.
        others_in: bool,
    },
    Api(ApiError),
}

/// Sends one step and gives the core's answers by line; a bulk call that is refused for one item is sent again without it,
/// if bad rows are skipped.
async fn send_step(
    api: &CoreApi,
    plan: &Plan,
    step: &Step,
    skip_bad: bool,
    report: &mut Report,
) -> Result<Vec<(u64, Value)>, StepError> {
    let mut body = step.body.clone();
    let mut lines = step.lines.clone();
    while !lines.is_empty() {
        let problem = match call(api, plan, step, &body).await {
            Ok(answer) => return record(plan, &lines, answer, skip_bad, report),
            Err(ApiError::Problem(mut problem)) if problem.more.contains_key("results") => {
                let value = Value::Object(std::mem::take(&mut problem.more));
                return record(plan, &lines, Answer { value, replayed: false }, skip_bad, report);
            }
            Err(ApiError::Problem(problem)) if matches!(problem.status, 400 | 404 | 409 | 410 | 422) => {
                problem
            }
            Err(error) => return Err(StepError::Api(error)),
        };
        let bulk = plan.kind.bulk();
        let mut items = bulk.as_ref().map_or_else(Vec::new, |bulk| problem.items(bulk.name));
        items.retain(|(item, _)| *item < lines.len());
        if bulk.is_none() || items.is_empty() {
            items = vec![(0, problem.to_string())];
            if bulk.is_some() || !skip_bad {
                // A bulk call that is refused as a whole: no row of it is to blame.
                let faults = vec![Fault::row(lines[0], problem.to_string())];
                return Err(StepError::Refused { faults, others_in: false });
            }
        }
        items.sort_unstable();
        items.dedup_by_key(|(item, _)| *item);
        if !skip_bad {
            let faults = items.into_iter().map(|(item, why)| Fault::row(lines[item], why));
            return Err(StepError::Refused { faults: faults.collect(), others_in: false });
        }
        for (item, why) in items.into_iter().rev() {
            report.refused.push(Fault::row(lines.remove(item), why));
            if let Some(items) = bulk.as_ref().and_then(|bulk| body[bulk.name].as_array_mut()) {
                items.remove(item);
            }
        }
    }
    Ok(Vec::new())
}

async fn call(api: &CoreApi, plan: &Plan, step: &Step, body: &Value) -> Result<Answer, ApiError> {
    // Everything but a link has a name of its own, by which a repeat is known; and what is written by name must take
    // effect even if the same file was imported an hour ago.
    let key = (plan.kind == Kind::Links).then(|| idempotency_key(plan, step, body));
    let mut pauses = PAUSES_MS.iter();
    loop {
        match api.write_or_hear_again(step.method.clone(), &step.path, body, key.as_deref()).await {
            Err(error) if error.may_retry() => match pauses.next() {
                Some(pause) => {
                    tracing::warn!(%error, "the core is busy or away; trying again");
                    tokio::time::sleep(Duration::from_millis(*pause)).await;
                }
                None => return Err(error),
            },
            other => return other,
        }
    }
}

/// The same rows of the same file to the same place have the same key, whoever sends them and whenever.
fn idempotency_key(plan: &Plan, step: &Step, body: &Value) -> String {
    let mut hash = Sha256::new();
    for part in [plan.content.as_bytes(), step.path.as_bytes(), body.to_string().as_bytes()] {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part);
    }
    hash.update(step.lines.first().copied().unwrap_or_default().to_le_bytes());
    format!("import-{}", hex(&hash.finalize()[..16]))
}

/// Takes the core's answer apart: one part per line where it gives a list.
fn record(
    plan: &Plan,
    lines: &[u64],
    Answer { value: mut answer, replayed }: Answer,
    skip_bad: bool,
    report: &mut Report,
) -> Result<Vec<(u64, Value)>, StepError> {
    let list = match plan.kind {
        Kind::Links => answer["links"].take(),
        Kind::Orders => answer["results"].take(),
        _ => Value::Array(vec![answer]),
    };
    let parts = match list {
        Value::Array(parts) => parts,
        _ => Vec::new(),
    };
    let answers: Vec<(u64, Value)> = lines.iter().copied().zip(parts).collect();
    let refused: Vec<Fault> = answers.iter().filter_map(|(line, part)| refusal(*line, part)).collect();
    let taken = if replayed { &mut report.before } else { &mut report.sent };
    *taken += lines.len() - refused.len();
    // The other events of the call are in, and stay in: each is whole by itself.
    if !refused.is_empty() && !skip_bad {
        return Err(StepError::Refused { faults: refused, others_in: true });
    }
    report.refused.extend(refused);
    Ok(answers)
}

/// Why an order event was not applied, if so.
fn refusal(line: u64, part: &Value) -> Option<Fault> {
    let text = |name: &str| part.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("status") {
        "review" => {
            let why = format!("{} ({}); it waits in the review queue", text("detail"), text("code"));
            Some(Fault::row(line, why))
        }
        "rejected" => Some(Fault::row(line, format!("{} ({})", text("detail"), text("code")))),
        _ => None,
    }
}

impl Problem {
    /// Which items of a bulk body are meant, and why: by `index`, or by a JSON pointer such as `/links/3/product`.
    fn items(&self, list: &str) -> Vec<(usize, String)> {
        let errors = self.more.get("errors").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let item = |error: &Value| {
            let index = match error.get("index").and_then(Value::as_u64) {
                Some(index) => usize::try_from(index).ok()?,
                None => {
                    let pointer = error.get("pointer")?.as_str()?;
                    pointer
                        .strip_prefix('/')?
                        .strip_prefix(list)?
                        .strip_prefix('/')?
                        .split('/')
                        .next()?
                        .parse()
                        .ok()?
                }
            };
            let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
            Some((index, format!("{} ({})", text("detail"), text("code"))))
        };
        errors.iter().filter_map(item).collect()
    }
}
