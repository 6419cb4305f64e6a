//! `yinke dead-letters`: clicks that the core set aside, and putting them back once the cause is mended.

use super::listing::{Asking, LimitArgs};
use crate::api::{ApiError, CoreApi};
use crate::cli::Format;
use crate::exit::{Exit, Failure};
use crate::output::{note, pretty, progress_count, say};
use clap::{Args, Subcommand};
use http::Method;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use std::process::ExitCode;

const PUT_BACK: &str = "/v1/dead-letters/put-back";

/// Look at clicks that the core set aside, and put them back
///
/// They could not be read, or the database did not take them. Nothing of them is lost.
#[derive(Debug, Args)]
pub(crate) struct DeadLettersArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List them, with the reason
    #[command(after_help = "Example: yinke dead-letters list --limit 0 --output csv")]
    List {
        #[command(flatten)]
        limit: LimitArgs,
        #[command(flatten)]
        asking: Asking,
    },
    /// List those that were put back, newest first, and by whom
    Back {
        #[command(flatten)]
        limit: LimitArgs,
        #[command(flatten)]
        asking: Asking,
    },
    /// Try them all again, once the cause is mended
    ///
    /// Each that is taken counts as if it had come in late. Those that are still refused stay, with the newest reason, and
    /// the exit code is 1. Running it again, or breaking it off, does no harm.
    #[command(after_help = "Example: yinke dead-letters put-back")]
    PutBack {
        #[command(flatten)]
        asking: Asking,
    },
}

impl DeadLettersArgs {
    /// Does it.
    ///
    /// # Errors
    /// If the core cannot be reached or says no.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self.verb {
            Verb::List { limit, asking } => asking.list(
                limit,
                "/v1/dead-letters",
                &["click_id", "edge", "code", "edge_at", "set_aside_at", "reason"],
            ),
            Verb::Back { limit, asking } => asking.list(
                limit,
                "/v1/dead-letters/back",
                &["click_id", "edge", "back_at", "back_by", "set_aside_at", "reason"],
            ),
            Verb::PutBack { asking } => put_back(&asking),
        }
    }
}

fn put_back(asking: &Asking) -> Result<ExitCode, Failure> {
    let api = CoreApi::from_args(&asking.core)?;
    let bar = progress_count("dead letters");
    let done = super::runtime()?.block_on(all(&api, &bar));
    bar.finish_and_clear();
    let (taken, kept) = done?;
    match asking.output.output {
        Format::Json => say(pretty(&json!({ "taken": taken, "kept": kept }))),
        _ => say(format_args!("put back: {taken}; still refused: {kept}")),
    }
    if kept > 0 {
        note("yinke: yinke dead-letters list says why they are refused");
        return Ok(ExitCode::from(Exit::Runtime as u8));
    }
    Ok(ExitCode::SUCCESS)
}

/// Tries them step by step, and counts what was taken and what was not.
async fn all(api: &CoreApi, bar: &ProgressBar) -> Result<(u64, u64), ApiError> {
    let (mut taken, mut kept) = (0, 0);
    let mut body = json!({});
    loop {
        let answer = api.write(Method::POST, PUT_BACK, &body, None).await?;
        let count = |name: &str| answer[name].as_u64().unwrap_or_default();
        taken += count("taken");
        kept += count("kept");
        bar.set_position(taken + kept);
        match &answer["next"] {
            Value::String(next) => body = json!({ "after": next }),
            _ => return Ok((taken, kept)),
        }
    }
}
