//! `yinke replay`: does every decision, commission and ledger entry still come out of the events?

use super::replay_note::ReplayNote;
use crate::cli::{Format, OutputArgs, SelectionArgs, StoreArgs};
use crate::exit::{Exit, Failure};
use crate::output::{Listing, complain, note, progress_bar, say};
use clap::Args;
use serde_json::json;
use settlement_core::replay::{Difference, Kept, Progress, ReplayError, Replayed, replay_behind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

/// Make every decision, commission and ledger entry again from the events, and compare
///
/// Each decision is made with what was known when it was made, the superseded ones too. Reads the core's store itself,
/// beside a running core or without one, and writes nothing. Ends with exit code 1 if anything differs.
#[derive(Debug, Args)]
#[command(after_help = "Example: yinke replay --since 2026-03-01 --until 2026-04-01")]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Only this order
    #[arg(long, env = "YINKE_ORDER", value_name = "ORDER")]
    order: Option<String>,
    /// Note in this file how far it is, and go on from there if an earlier run was interrupted
    #[arg(long, env = "YINKE_RESUME", value_name = "FILE", conflicts_with = "order")]
    resume: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl ReplayArgs {
    /// Runs it.
    ///
    /// # Errors
    /// If the store cannot be had, or has not what was asked for.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let mut selection = self.selection.read()?;
        selection.order = self
            .order
            .map(|order| order.parse())
            .transpose()
            .map_err(|error| Failure::message(Exit::Usage, format!("--order: {error}")))?;
        let (note, kept) = match self.resume.clone() {
            Some(path) => {
                let (note, kept) = ReplayNote::open(path, &selection)?;
                (Some(note), kept)
            }
            None => (None, Kept::default()),
        };
        if kept.lines() > 0 {
            crate::output::note(format_args!("goes on behind {} lines of an earlier run", kept.lines()));
        }
        let store = self.store.open_for_looking()?;
        let bar = progress_bar(0, "lines");
        let shown = bar.clone();
        let progress = move |progress: Progress| {
            shown.set_length(progress.total);
            shown.set_position(progress.done);
        };
        let noted = Mutex::new(note);
        let keep = move |kept: &Kept| {
            if let Some(note) = &mut *noted.lock().unwrap_or_else(PoisonError::into_inner) {
                note.keep(kept);
            }
        };
        let done = super::runtime()?.block_on(replay_behind(&store, selection, kept, progress, keep));
        bar.finish_and_clear();
        store.close();
        let done = done?;
        if let Some(path) = &self.resume {
            ReplayNote::finish(path);
        }
        print(&done, self.output.output);
        if done.differing == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        complain(&format_args!("NOT THE SAME: {} fields differ", done.differing));
        Ok(ExitCode::from(Exit::Runtime as u8))
    }
}

fn print(done: &Replayed, format: Format) {
    let mut list = Listing::new(&["platform", "order", "line", "decision", "field", "stored", "recomputed"]);
    for difference in &done.differences {
        let Difference { platform, order, line, decision, field, stored, recomputed } = difference.clone();
        let decision = decision.map_or_else(String::new, |number| number.to_string());
        list.row(vec![platform, order, line, decision, field, stored, recomputed]);
    }
    if format != Format::Table || done.differing > 0 {
        list.print(format, &json!(done));
    }
    if format == Format::Table {
        say(format_args!(
            "{} lines, {} decisions, {} differences",
            done.lines, done.decisions, done.differing
        ));
        if done.in_doubt > 0 {
            note(format_args!(
                "{} decisions were made in the moments in which facts were recorded, and came out with those they saw",
                done.in_doubt
            ));
        }
    }
    if done.waiting > 0 {
        note(format_args!(
            "{} orders have new facts and wait to be judged: their books were not compared",
            done.waiting
        ));
    }
    let named = done.differences.len() as u64;
    if named < done.differing {
        note(format_args!("the first {named} differences are listed"));
    }
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Store(error) => error.into(),
            ReplayError::NoOrder(_) | ReplayError::NoMerchant(_) | ReplayError::NoPlace(_) => {
                Self::new(Exit::NotFound, error)
            }
        }
    }
}
