//! Scenarios: stories in YAML, told against the real rules and a real store on a clock of their own.
//!
//! From file to verdict, by file: [`yaml`] (a tree with places), [`vocabulary`] (the words), [`read`], [`values`] and
//! [`given`] (the tree as stories), [`world`] (a core of the story's own), [`edge`] (clicks, decided as an edge decides them),
//! [`stage`] (time goes by), [`events`] (what happens), [`checks`] (what must be so), [`mod@schema`] (the same words as a
//! JSON schema). Nothing here computes money or picks a winner: it only asks.

mod checks;
mod edge;
mod events;
mod fault;
mod given;
mod read;
mod schema;
mod stage;
mod story;
pub(crate) mod time;
mod values;
mod vocabulary;
mod world;
mod yaml;

pub(crate) use fault::Fault;
pub(crate) use schema::schema;
pub(crate) use world::Database;

use futures_util::StreamExt as _;
use std::path::{Path, PathBuf};

/// A YAML document as JSON; times are written as in scenarios.
///
/// # Errors
/// Where it is no YAML.
pub(crate) fn json_of_yaml(text: &str) -> Result<serde_json::Value, Fault> {
    Ok(yaml::read(text)?.json(&values::times_to_millis))
}

/// Stories told side by side: each has a store of its own, and waits for its disk most of the time.
const AT_ONCE: usize = 4;

/// What became of one story.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    /// Its file.
    pub(crate) file: PathBuf,
    /// Its name; empty where the file does not read.
    pub(crate) name: String,
    /// Its title.
    pub(crate) title: String,
    /// Expectations looked at.
    pub(crate) looked: usize,
    /// What was not as expected; empty if all was.
    pub(crate) problems: Vec<Problem>,
}

/// Something that is wrong, with its place.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Problem {
    /// Line in the file.
    pub(crate) line: usize,
    /// Column in the line.
    pub(crate) column: usize,
    /// What was looked at, or what is wrong with the file.
    pub(crate) what: String,
    /// When, on the story's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) when: Option<String>,
    /// What it should have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expected: Option<String>,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) actual: Option<String>,
    /// What the core says to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) explanation: Vec<String>,
}

/// Why nothing could be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScenarioError {
    /// A file or folder does not read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No file anywhere.
    #[error("no .yaml file in {0}")]
    Nothing(String),
}

/// All scenario files under these files and folders, in the order of their names.
///
/// # Errors
/// If one does not read, or there is none.
pub(crate) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, ScenarioError> {
    let mut found = Vec::new();
    for path in paths {
        collect(path, &mut found)?;
    }
    if found.is_empty() {
        let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(ScenarioError::Nothing(names.join(", ")));
    }
    found.dedup();
    Ok(found)
}

fn collect(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), ScenarioError> {
    let read = |source| ScenarioError::Read { path: path.to_owned(), source };
    if !path.is_dir() {
        std::fs::metadata(path).map_err(read)?;
        found.push(path.to_owned());
        return Ok(());
    }
    let mut inside = Vec::new();
    for entry in std::fs::read_dir(path).map_err(read)? {
        inside.push(entry.map_err(read)?.path());
    }
    inside.sort();
    for path in inside {
        let is_yaml = path.extension().is_some_and(|kind| kind == "yaml" || kind == "yml");
        if path.is_dir() || is_yaml {
            collect(&path, found)?;
        }
    }
    Ok(())
}

/// Reads every file and tells its stories, or only reads them if there is no database. `tell` hears each verdict as
/// it comes, in the order of the files.
///
/// # Errors
/// If a file cannot be read. A file with mistakes is a verdict.
pub(crate) async fn run(
    files: &[PathBuf],
    database: Option<&Database>,
    mut tell: impl FnMut(&Verdict),
) -> Result<Vec<Verdict>, ScenarioError> {
    let mut work = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file)
            .map_err(|source| ScenarioError::Read { path: file.clone(), source })?;
        match read::stories(&text) {
            Ok(stories) => work.extend(stories.into_iter().map(|story| (file.clone(), Ok(story)))),
            Err(faults) => work.push((file.clone(), Err(faults))),
        }
    }
    let mut verdicts = Vec::new();
    let mut telling = futures_util::stream::iter(work)
        .map(|(file, story)| verdict(file, story, database))
        .buffered(AT_ONCE);
    while let Some(verdict) = telling.next().await {
        tell(&verdict);
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

/// How many stories a text has, or how many mistakes.
///
/// # Errors
/// If it has mistakes.
pub(crate) fn count(text: &str) -> Result<usize, usize> {
    read::stories(text).map(|stories| stories.len()).map_err(|faults| faults.len())
}

async fn verdict(
    file: PathBuf,
    story: Result<story::Story, Vec<Fault>>,
    database: Option<&Database>,
) -> Verdict {
    let mut verdict =
        Verdict { file, name: String::new(), title: String::new(), looked: 0, problems: Vec::new() };
    let story = match story {
        Ok(story) => story,
        Err(faults) => {
            verdict.problems = faults.into_iter().map(Problem::from).collect();
            return verdict;
        }
    };
    verdict.name.clone_from(&story.name);
    verdict.title.clone_from(&story.title);
    let Some(database) = database else { return verdict };
    match stage::tell(&story, database).await {
        Ok(told) => {
            verdict.looked = told.looked;
            verdict.problems = told.failures.into_iter().map(Problem::from).collect();
        }
        Err(error) => {
            let at = story.programmes.first().map_or(fault::Place::default(), |programme| programme.at);
            let what = format!("the story could not be told: {:#}", anyhow::Error::new(error));
            verdict.problems.push(Problem::from(Fault::new(at, what)));
        }
    }
    verdict
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self {
            line: fault.at.line,
            column: fault.at.column,
            what: fault.message,
            when: None,
            expected: None,
            actual: None,
            explanation: Vec::new(),
        }
    }
}

impl From<stage::Failure> for Problem {
    fn from(failure: stage::Failure) -> Self {
        Self {
            line: failure.at.line,
            column: failure.at.column,
            what: failure.what,
            when: Some(failure.when.to_string()),
            expected: Some(failure.expected),
            actual: Some(failure.actual),
            explanation: failure.explanation,
        }
    }
}

#[cfg(test)]
mod tests;
