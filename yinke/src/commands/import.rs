//! `yinke import KIND FILE`: a file of rows into the core, checked whole before anything is sent.

use crate::api::CoreApi;
use crate::cli::{CoreArgs, Format, OutputArgs};
use crate::exit::{Exit, Failure, io};
use crate::import::{
    Column, Fault, FileFormat, ImportError, Kind, Options, Plan, Report, Results, lines_left_out, send,
};
use crate::output::{Listing, note, pretty, progress_bar, say};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Import merchants, products, promoters, links, orders and so on from CSV or JSON lines
///
/// The whole file is checked first: every mistake is reported with line, column, value and reason, and nothing is
/// sent. A broken import goes on where it stopped when the same command is run again. docs/import.md lists the
/// columns.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: yinke import products products.csv --core http://127.0.0.1:8081 --token ..."
)]
pub(crate) struct ImportArgs {
    /// What the file holds
    #[arg(value_enum)]
    kind: Kind,
    /// The file: CSV with a header, or JSON lines
    #[arg(env = "YINKE_IMPORT_FILE", required_unless_present = "columns")]
    file: Option<PathBuf>,
    /// List the columns of such a file instead
    #[arg(long, env = "YINKE_IMPORT_COLUMNS", conflicts_with = "file")]
    columns: bool,
    /// How the file is written [default: by its extension]
    #[arg(long, env = "YINKE_IMPORT_FORMAT", value_enum)]
    format: Option<FileFormat>,
    /// Import the good rows and list the bad ones
    #[arg(long, env = "YINKE_IMPORT_SKIP_BAD")]
    skip_bad: bool,
    /// Check the file and send nothing
    #[arg(long, env = "YINKE_IMPORT_DRY_RUN")]
    dry_run: bool,
    /// Where to write the codes of imported links [default: FILE.links.csv]
    #[arg(long, env = "YINKE_IMPORT_RESULTS", value_name = "FILE")]
    results: Option<PathBuf>,
    #[command(flatten)]
    core: CoreArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl ImportArgs {
    /// The import of a file of links.
    pub(super) fn links(file: PathBuf, core: CoreArgs, output: OutputArgs) -> Self {
        Self {
            kind: Kind::Links,
            file: Some(file),
            columns: false,
            format: None,
            skip_bad: false,
            dry_run: false,
            results: None,
            core,
            output,
        }
    }

    /// Imports.
    ///
    /// # Errors
    /// If the file has mistakes, the core refuses a row, or cannot be reached.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let Some(file) = self.file.clone() else {
            self.list_columns();
            return Ok(ExitCode::SUCCESS);
        };
        let bytes = std::fs::read(&file).map_err(|e| io(e, format!("cannot read {}", file.display())))?;
        let plan = Plan::make(self.kind, &bytes, self.format.unwrap_or_else(|| FileFormat::of(&file)));
        if !plan.faults.is_empty() && (!self.skip_bad || plan.items() == 0) {
            self.list_faults(&file, &plan.faults);
            let count = plan.faults.len();
            let s = if count == 1 { "" } else { "s" };
            return Err(Failure::message(Exit::BadData, format!("{count} mistake{s}; nothing was imported")));
        }
        if self.dry_run {
            self.finish(&file, &plan, &Report::default());
            return Ok(ExitCode::SUCCESS);
        }
        let api = CoreApi::from_args(&self.core)?;
        let runtime = super::runtime()?;
        let bar = progress_bar(plan.items(), self.kind.name());
        let options = Options { file: Some(&file), skip_bad: self.skip_bad };
        let path = self.results.clone().unwrap_or_else(|| beside(&file, ".links.csv"));
        let mut results = (self.kind == Kind::Links).then(|| Results::new(path));
        let sent = runtime.block_on(send(&api, &plan, &options, |step| {
            bar.set_position(u64::try_from(step.through).unwrap_or(u64::MAX));
            results.as_mut().map_or(Ok(()), |results| results.add(step))
        }));
        bar.finish_and_clear();
        if let Some(path) = results.as_ref().and_then(Results::written) {
            note(format_args!("codes are in {}", path.display()));
        }
        let report = sent.map_err(|error| self.explain(&file, error))?;
        self.finish(&file, &plan, &report);
        Ok(if plan.faults.is_empty() && report.refused.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(Exit::BadData as u8)
        })
    }

    fn explain(&self, file: &Path, error: ImportError) -> Failure {
        match error {
            ImportError::Refused(ref faults) | ImportError::Halfway { ref faults, .. } => {
                self.list_faults(file, faults);
                Failure::new(Exit::BadData, error)
            }
            ImportError::Stopped { ref source, .. } => Failure::new(source.exit(), error),
            ImportError::Unkept(_) => Failure::new(Exit::Io, error),
            ImportError::Changed(_) => Failure::new(Exit::BadData, error),
        }
    }

    fn list_columns(&self) {
        let mut list = Listing::new(&["column", "required", "meaning"]);
        let columns = self.kind.columns();
        for column in columns {
            let required = if column.required { "yes" } else { "" };
            list.row(vec![column.name.to_owned(), required.to_owned(), column.about.to_owned()]);
        }
        let json = |c: &Column| json!({"column": c.name, "required": c.required, "meaning": c.about});
        list.print(self.output.output, &Value::Array(columns.iter().map(json).collect()));
    }

    fn list_faults(&self, file: &Path, faults: &[Fault]) {
        let name = file.display().to_string();
        let json = |f: &Fault| json!({"line": f.line, "column": f.column, "field": f.field, "value": f.value, "why": f.why});
        match self.output.output {
            Format::Table => faults.iter().for_each(|fault| note(fault.at(&name))),
            Format::Json => say(pretty(&Value::Array(faults.iter().map(json).collect()))),
            Format::Csv => {
                let mut list = Listing::new(&["line", "column", "field", "value", "why"]);
                for f in faults {
                    let column = f.column.map(|c| c.to_string()).unwrap_or_default();
                    list.row(vec![
                        f.line.to_string(),
                        column,
                        f.field.clone(),
                        f.value.clone(),
                        f.why.clone(),
                    ]);
                }
                say(list.csv());
            }
        }
    }

    fn finish(&self, file: &Path, plan: &Plan, report: &Report) {
        let bad = plan.faults.len() + report.refused.len();
        if bad > 0 {
            let all: Vec<Fault> = plan.faults.iter().chain(&report.refused).cloned().collect();
            self.list_faults(file, &all);
        }
        let (kind, sent) = (self.kind.name(), report.sent);
        let before =
            if report.before > 0 { format!(", {} were in already", report.before) } else { String::new() };
        let mut left = String::new();
        match lines_left_out(&plan.faults) {
            0 => {}
            1 => left.push_str(", 1 line left out"),
            lines => left.push_str(&format!(", {lines} lines left out")),
        }
        if !report.refused.is_empty() {
            left.push_str(&format!(", {} refused by the core", report.refused.len()));
        }
        match self.output.output {
            _ if self.dry_run => note(format_args!("{kind}: {} good{left}; nothing was sent", plan.items())),
            Format::Json if bad == 0 => {
                say(pretty(&json!({"kind": kind, "imported": sent, "before": report.before})));
            }
            _ => note(format_args!("{kind}: {sent} imported{before}{left}")),
        }
    }
}

/// The file's name with something behind it.
fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
