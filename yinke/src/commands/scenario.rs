//! `yinke scenario run FILE|FOLDER...`: tells stories in YAML against the real rules and says what was not as expected.

use crate::cli::{Format, OutputArgs};
use crate::exit::{Exit, Failure};
use crate::output::{Listing, note, pretty, say};
use crate::scenario::{Database, Problem, Verdict, files, run, schema};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

/// Run stories in YAML against the real rules, with a clock of their own
#[derive(Debug, Args)]
pub(crate) struct ScenarioArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tell the stories and compare; exit code 1 if anything is not as expected
    #[command(after_help = "Example: yinke scenario run scenarios")]
    Run(RunArgs),
    /// Only read the files and name every mistake in them
    Check(CheckArgs),
    /// Print the JSON schema of scenario files, for editors
    Schema,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Scenario files, and folders with them
    #[arg(required = true, value_name = "FILE|FOLDER")]
    paths: Vec<PathBuf>,
    /// Where the stories' data lives: `sqlite` (temporary files), or a PostgreSQL URL (schemas of their own)
    #[arg(long, env = "YINKE_SCENARIO_STORE", default_value = "sqlite", hide_env_values = true)]
    store: String,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Scenario files, and folders with them
    #[arg(required = true, value_name = "FILE|FOLDER")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

impl ScenarioArgs {
    /// Does what is asked.
    ///
    /// # Errors
    /// If a file cannot be read, or the store is no store.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self.what {
            What::Run(args) => {
                let database = database(&args.store)?;
                tell(&args.paths, Some(&database), args.output.output)
            }
            What::Check(args) => tell(&args.paths, None, args.output.output),
            What::Schema => {
                say(pretty(&schema()));
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn database(store: &str) -> Result<Database, Failure> {
    match store {
        "sqlite" => Ok(Database::Sqlite),
        url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            Ok(Database::Postgres(url.to_owned()))
        }
        _ => Err(Failure::new(Exit::Usage, anyhow::anyhow!("--store is `sqlite` or a postgres:// URL"))),
    }
}

fn tell(paths: &[PathBuf], database: Option<&Database>, format: Format) -> Result<ExitCode, Failure> {
    let files = files(paths).map_err(|error| Failure::new(Exit::NotFound, error))?;
    let verdicts = super::runtime()?
        .block_on(run(&files, database, |verdict| {
            if matches!(format, Format::Table) {
                for problem in &verdict.problems {
                    say(told(verdict, problem));
                }
            }
        }))
        .map_err(|error| Failure::new(Exit::NotFound, error))?;
    let failed = verdicts.iter().filter(|verdict| !verdict.problems.is_empty()).count();
    match format {
        Format::Json => say(pretty(&Value::Array(verdicts.iter().map(json).collect()))),
        Format::Csv => say(listing(&verdicts).csv()),
        Format::Table => {
            say(listing(&verdicts).table());
            let looked: usize = verdicts.iter().map(|verdict| verdict.looked).sum();
            note(format_args!("{} stories, {looked} expectations, {failed} stories failed", verdicts.len()));
        }
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A problem as text: place, what, expected, actual, and what the core says to it.
fn told(verdict: &Verdict, problem: &Problem) -> String {
    let mut text =
        format!("{}:{}:{}: {}", verdict.file.display(), problem.line, problem.column, problem.what);
    if let (Some(expected), Some(actual)) = (&problem.expected, &problem.actual) {
        text.push_str(&format!(": expected {expected}, got {actual}"));
    }
    if let Some(when) = &problem.when {
        text.push_str(&format!(" ({}, at {when})", verdict.name));
    }
    for line in &problem.explanation {
        text.push_str(&format!("\n    {line}"));
    }
    text
}

fn listing(verdicts: &[Verdict]) -> Listing {
    let mut list = Listing::new(&["scenario", "title", "expectations", "result"]);
    for verdict in verdicts {
        let name =
            if verdict.name.is_empty() { verdict.file.display().to_string() } else { verdict.name.clone() };
        let result = match verdict.problems.len() {
            0 => "passed".to_owned(),
            1 => "1 problem".to_owned(),
            several => format!("{several} problems"),
        };
        list.row(vec![name, verdict.title.clone(), verdict.looked.to_string(), result]);
    }
    list
}

fn json(verdict: &Verdict) -> Value {
    json!({
        "file": verdict.file.display().to_string(),
        "name": verdict.name,
        "title": verdict.title,
        "expectations": verdict.looked,
        "passed": verdict.problems.is_empty(),
        "problems": verdict.problems,
    })
}
