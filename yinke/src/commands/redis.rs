//! `yinke redis rebuild|check`: the records of who holds whom in Redis, restored from the core's store or compared with
//! it. Both open the store themselves, so that they work beside a running core and without one.

use crate::cli::{Format, OutputArgs, RedisArgs, StoreArgs};
use crate::exit::{Exit, Failure};
use crate::output::{Listing, complain, progress_bar, say};
use attribution_core::holder::Holding;
use clap::{Args, Subcommand};
use redis_view::RedisOptions;
use serde_json::{Value, json};
use settlement_core::Clock;
use settlement_core::holders::{CheckError, Checked, RebuildError, check, rebuild};
use settlement_core::store::Store;
use std::process::ExitCode;

/// Restore or compare the last-click and binding records in Redis
#[derive(Debug, Args)]
pub(crate) struct RedisCommandArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write all records anew from the core's store
    ///
    /// For a Redis that was emptied or replaced. Edges and cores may go on writing meanwhile. A rebuild that was broken
    /// off goes on where it stopped when the same command is run again.
    #[command(after_help = "Example: yinke redis rebuild --config core.toml")]
    Rebuild {
        #[command(flatten)]
        place: PlaceArgs,
        /// Begin anew, also if an earlier rebuild was broken off
        #[arg(long, env = "YINKE_REDIS_ANEW")]
        anew: bool,
    },
    /// Compare all records with the core's store; exit code 1 if one differs
    ///
    /// What differs is looked at again for some seconds before it is reported: a running system is always a moment
    /// behind.
    #[command(after_help = "Example: yinke redis check --data yinke-data --redis redis://127.0.0.1/")]
    Check {
        #[command(flatten)]
        place: PlaceArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
}

/// Which store and which Redis.
#[derive(Debug, Args)]
struct PlaceArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    redis: RedisArgs,
}

impl RedisCommandArgs {
    /// Runs it.
    ///
    /// # Errors
    /// If store or Redis cannot be had.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self.verb {
            Verb::Rebuild { place, anew } => run_rebuild(place, anew),
            Verb::Check { place, output } => run_check(place, output.output),
        }
    }
}

fn run_rebuild(place: PlaceArgs, anew: bool) -> Result<ExitCode, Failure> {
    let (store, redis) = place.open()?;
    let bar = progress_bar(0, "visitors and buyers");
    let done = super::runtime()?.block_on(rebuild(&store, &Clock::System, &redis, anew, |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    }));
    bar.finish_and_clear();
    store.close();
    let done = done?;
    if done.resumed_at > 0 {
        say(format_args!("went on behind {} visitors and buyers of an earlier run", done.resumed_at));
    }
    say(format_args!("{} records written for {} visitors and buyers", done.records, done.passed));
    if done.newer_format > 0 {
        complain(&format_args!("{} records of a newer yinke were left alone", done.newer_format));
    }
    Ok(ExitCode::SUCCESS)
}

fn run_check(place: PlaceArgs, format: Format) -> Result<ExitCode, Failure> {
    let (store, redis) = place.open()?;
    let bar = progress_bar(0, "visitors and buyers");
    let checked = super::runtime()?.block_on(check(&store, &Clock::System, &redis, |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    }));
    bar.finish_and_clear();
    store.close();
    let checked = checked?;
    print(&checked, format);
    if checked.differences.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let more = if checked.cut_short { "at least " } else { "" };
    complain(&format_args!(
        "NOT THE SAME: {more}{} of {} records differ; `yinke redis rebuild` writes them anew",
        checked.differences.len(),
        checked.records
    ));
    Ok(ExitCode::from(Exit::Runtime as u8))
}

fn print(checked: &Checked, format: Format) {
    let mut list = Listing::new(&["record", "what", "redis", "core"]);
    for difference in &checked.differences {
        list.row(vec![
            difference.key.clone(),
            difference.kind.to_owned(),
            words(difference.redis.as_ref()),
            words(difference.core.as_ref()),
        ]);
    }
    let json = json!({
        "looked_at": checked.looked_at,
        "records": checked.records,
        "ahead": checked.ahead,
        "cut_short": checked.cut_short,
        "differences": checked.differences.iter().map(|difference| json!({
            "record": difference.key,
            "what": difference.kind,
            "redis": holding(difference.redis.as_ref()),
            "core": holding(difference.core.as_ref()),
        })).collect::<Vec<_>>(),
    });
    if format != Format::Table || !checked.differences.is_empty() {
        list.print(format, &json);
    }
    if format == Format::Table && checked.differences.is_empty() {
        say(format_args!(
            "the same: {} records of {} visitors and buyers; {} ahead of the core",
            checked.records, checked.looked_at, checked.ahead
        ));
    }
}

fn words(holding: Option<&Holding>) -> String {
    holding.map_or_else(
        || "nobody".to_owned(),
        |h| format!("promoter {}, click {} at {}", h.promoter.0, h.click, h.clicked.millis()),
    )
}

fn holding(holding: Option<&Holding>) -> Value {
    holding.map_or(Value::Null, |h| {
        json!({
            "promoter": h.promoter.0,
            "placement": h.placement.0,
            "click": h.click.to_string(),
            "clicked_at": h.clicked.millis(),
            "protected_until": h.protected_until.millis(),
            "expires_at": h.expires.millis(),
        })
    })
}

impl PlaceArgs {
    /// The open store and where Redis is.
    fn open(self) -> Result<(Store, RedisOptions), Failure> {
        let named = self.store.file()?.and_then(|file| file.redis);
        let redis = self.redis.options()?.or(named).ok_or_else(|| {
            Failure::message(
                Exit::Usage,
                "no Redis is named: give --redis or --redis-cluster, or a --config with a [redis] table",
            )
        })?;
        Ok((self.store.open()?, redis))
    }
}

impl From<RebuildError> for Failure {
    fn from(error: RebuildError) -> Self {
        match error {
            RebuildError::Store(error) => error.into(),
            RebuildError::Redis(_) => Self::new(Exit::Unavailable, error),
        }
    }
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Store(error) => error.into(),
            CheckError::Redis(_) => Self::new(Exit::Unavailable, error),
        }
    }
}
