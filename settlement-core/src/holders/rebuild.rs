//! Telling an emptied Redis everything, from the command line: resumable, idempotent, beside live writers.

use super::decide::{DECIDED_TOGETHER, decide};
use super::pass::{self, Pass, Walker};
use super::worker::fold;
use crate::Clock;
use crate::store::{Store, StoreError};
use redis_view::{RedisOptions, Server, ServerError};
use std::sync::Arc;

/// Why a rebuild stopped. Run it again: it goes on where it was.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The core's store failed.
    #[error("the core's store failed")]
    Store(#[from] StoreError),
    /// Redis failed or refused.
    #[error("redis did not take the records ({})", .0.reason())]
    Redis(#[from] ServerError),
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildProgress {
    /// Visitors and buyers passed, those of an earlier run included.
    pub done: u64,
    /// All of them, as counted at the beginning.
    pub total: u64,
}

/// What it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rebuilt {
    /// Visitors and buyers passed, those of an earlier run included.
    pub passed: u64,
    /// Of them, passed by an earlier run that was broken off.
    pub resumed_at: u64,
    /// Records written by this run.
    pub records: u64,
    /// Records left alone because a newer version of this software wrote them.
    pub newer_format: u64,
}

/// Tells Redis how every visitor and every buyer of the store stands. A run that was broken off is continued, unless
/// `anew` or the server is another run than it told.
///
/// # Errors
/// If the store or Redis fails.
pub async fn rebuild(
    store: &Store,
    clock: &Clock,
    redis: &RedisOptions,
    anew: bool,
    mut progress: impl FnMut(RebuildProgress) + Send,
) -> Result<Rebuilt, RebuildError> {
    let mut server = Server::connect(redis).await?;
    let run = server.run_id().await?;
    let total = store.read(|tx| pass::population(tx)).await?;
    let saved = store.read(|tx| pass::load(tx, Walker::Rebuild)).await?;
    let mut pass = saved
        .filter(|pass| !anew && !pass.is_done() && pass.server == run)
        .unwrap_or_else(|| Pass::begin(Walker::Rebuild, run, clock.now()));
    let mut rebuilt = Rebuilt { resumed_at: pass.done, ..Rebuilt::default() };
    while !pass.is_done() {
        progress(RebuildProgress { done: pass.done, total: total.max(pass.done) });
        let from = pass.clone();
        let (who, after) = store.read(move |tx| from.next(tx, DECIDED_TOGETHER)).await?;
        let operations = decide(store, Arc::from(who), clock.now()).await?;
        let written = fold(&mut server, operations).await?;
        rebuilt.records += written.records;
        rebuilt.newer_format += written.newer_format;
        let saved = after.clone();
        store.write(move |tx| pass::save(tx, &saved)).await?;
        pass = after;
    }
    progress(RebuildProgress { done: pass.done, total: pass.done });
    rebuilt.passed = pass.done;
    Ok(rebuilt)
}
