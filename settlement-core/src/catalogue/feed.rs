//! The numbered feed of changes, from which every edge keeps its copy of the catalogue.
//!
//! Numbers come from one locked row in the writing transaction, so they become visible in order: a reader that has
//! seen number N will never be shown a smaller one later. Each row carries the number of its last change only.

use super::feed_rows;
use super::histories::{self, Place};
use crate::Core;
use crate::api::{Params, Principal, Problem};
use crate::params;
use crate::store::{StoreConfig, StoreError, Tx};
use attribution_core::catalogue::ChangePage;
use attribution_core::history::{FeedPosition, HistoryId};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use std::time::Duration;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Changes of one page at most.
const PAGE_MAX: u32 = 10_000;
const PAGE_DEFAULT: u32 = 1_000;
/// The longest wait of one request: below the time limit of requests and of common proxies.
const WAIT_MAX: Duration = Duration::from_secs(25);
/// Another core node may have written: its changes are looked for this often.
const OTHER_NODES: Duration = Duration::from_millis(100);

/// Change numbers for one transaction, handed out in order.
pub(crate) struct Numbers {
    next: i64,
    last: i64,
}

impl Numbers {
    /// Takes `count` numbers and, with them, the lock that orders all changes. Take it before anything else.
    pub(crate) fn take(tx: &mut dyn Tx, count: usize) -> Result<Self, StoreError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let sql = "UPDATE counters SET value = value + $1 WHERE name = 'change' RETURNING value";
        let last = tx.query_one(sql, params![count])?.int(0)?;
        Ok(Self { next: last - count + 1, last })
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> i64 {
        debug_assert!(self.next <= self.last, "more changes than numbers were taken for");
        self.next += 1;
        self.next - 1
    }

    /// Gives back what was not used, so that the last number given always belongs to a row.
    pub(crate) fn give_back(self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        let unused = self.last - self.next + 1;
        if unused > 0 {
            tx.execute("UPDATE counters SET value = value - $1 WHERE name = 'change'", params![unused])?;
        }
        Ok(())
    }
}

fn head(tx: &mut dyn Tx) -> Result<u64, StoreError> {
    tx.query_one("SELECT value FROM counters WHERE name = 'change'", &[])?.count(0)
}

/// The page after a position. A position that is no longer in the past gets none, but the order to begin anew.
fn page(tx: &mut dyn Tx, from: FeedPosition, limit: u32) -> Result<(ChangePage, Place), StoreError> {
    let (head, history) = (head(tx)?, histories::current(tx)?);
    let place = histories::place(tx, from, head)?;
    let (after, reload) = (from.number, place != Place::Past);
    if reload || head <= after {
        return Ok((ChangePage { history, reload, changes: Vec::new(), head }, place));
    }
    let mut changes = Vec::new();
    for source in feed_rows::SOURCES {
        changes.append(&mut source(tx, i64::try_from(after).unwrap_or(i64::MAX), i64::from(limit))?);
    }
    changes.sort_unstable_by_key(|change| change.number);
    changes.truncate(limit as usize);
    Ok((ChangePage { history, reload, changes, head }, place))
}

impl Core {
    /// The last change number given, in the history under way.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn feed_head(&self) -> Result<FeedPosition, StoreError> {
        let read =
            |tx: &mut dyn Tx| Ok(FeedPosition { history: Some(histories::current(tx)?), number: head(tx)? });
        self.store().read(read).await
    }

    /// At most `limit` changes after a position, in order; or the order to load everything anew.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn changes(&self, from: FeedPosition, limit: u32) -> Result<ChangePage, StoreError> {
        let limit = limit.clamp(1, PAGE_MAX);
        let (page, place) = self.store().read(move |tx| page(tx, from, limit)).await?;
        if place == Place::Ahead {
            self.overtaken(from).await?;
        }
        Ok(page)
    }

    /// Somebody has applied more than this history has: the store was set back while it was open. Numbers that are
    /// given from now on must not look like those.
    async fn overtaken(&self, from: FeedPosition) -> Result<(), StoreError> {
        let Ok(random) = histories::random() else { return Ok(()) }; // the next question tries again
        let now = self.now();
        let begun =
            self.store().write(move |tx| histories::begin_if_overtaken(tx, from, random, now)).await?;
        if begun {
            metrics::counter!("yinke_core_feed_set_back_total").increment(1);
            tracing::error!(
                applied = from.number,
                "an edge has applied changes that this store does not have: it was set back; edges load their \
                 tables anew"
            );
        }
        Ok(())
    }

    /// Like [`changes`](Self::changes), but waits up to `wait` for the first one.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn await_changes(
        &self,
        from: FeedPosition,
        limit: u32,
        wait: Duration,
    ) -> Result<ChangePage, StoreError> {
        let deadline = tokio::time::Instant::now() + wait.min(WAIT_MAX);
        let mut announced = self.changes_announced();
        loop {
            // Mark before looking, so that a change between looking and waiting wakes us.
            announced.mark_unchanged();
            let page = self.changes(from, limit).await?;
            let now = tokio::time::Instant::now();
            if page.reload || !page.changes.is_empty() || now >= deadline {
                return Ok(page);
            }
            let until = match self.config().store {
                StoreConfig::Sqlite { .. } => deadline,
                StoreConfig::Postgres { .. } => deadline.min(now + OTHER_NODES),
            };
            // Ends at the time or at the announcement; the loop looks again either way.
            let _ = tokio::time::timeout_at(until, announced.changed()).await;
        }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The last number that was applied.
    #[serde(default)]
    after: u64,
    /// The history of the page that brought it: 16 hexadecimal digits. Needed with any number above zero.
    #[param(value_type = Option<String>)]
    history: Option<HistoryId>,
    /// Changes wanted, 1 to 10000.
    limit: Option<u32>,
    /// Milliseconds to wait for the first change, at most 25000.
    #[serde(default)]
    wait_ms: u64,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(changes))
}

/// The changes after a number, in order. For edges. `reload: true` says that the number belongs to another past than
/// this store's, which was restored from a backup or is a new one: then everything must be asked for anew, after 0.
#[utoipa::path(get, path = "/v1/changes", params(Wanted), responses((status = 200, body = serde_json::Value)))]
async fn changes(
    State(core): State<Core>,
    principal: Principal,
    Params(wanted): Params<Wanted>,
) -> Result<Json<ChangePage>, Problem> {
    principal.require_any_edge()?;
    let limit = wanted.limit.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid_query",
            format!("limit must be 1 to {PAGE_MAX}, not {limit}"),
        ));
    }
    let from = FeedPosition { history: wanted.history, number: wanted.after };
    Ok(Json(core.await_changes(from, limit, Duration::from_millis(wanted.wait_ms)).await?))
}
