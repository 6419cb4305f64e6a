//! Telling: what is due is leased, sent and noted. At least once: a core that dies between sending and noting lets
//! its lease run out, and another one sends it again under the same id.

use super::endpoint::{self, Endpoint};
use super::event::{EventKind, Owner};
use super::{outbox, schedule};
use crate::Core;
use crate::outgoing::{Answer, Client, SendError};
use crate::params;
use crate::random::{self, NoRandomness};
use crate::signing::SigningSecret;
use crate::store::{StoreError, Tx};
use crate::task::Task;
use attribution_core::time::{DAY_MS, Instant, SECOND_MS};
use attribution_core::with_causes;
use bytes::Bytes;
use http::StatusCode;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use url::Url;

/// Requests under way at once.
const AT_ONCE: usize = 64;
/// To one endpoint: a slow one never takes all places.
const AT_ONCE_TO_ONE: usize = 4;
/// Longer than a request ever takes.
const LEASE_MS: i64 = 60 * SECOND_MS;
/// How often the outbox is looked at.
const EVERY: Duration = Duration::from_millis(500);
/// Events, their deliveries and attempts are kept so long.
const KEEP_MS: i64 = 30 * DAY_MS;
/// How often old ones are looked for.
const FORGET_EVERY_MS: i64 = 60 * SECOND_MS;
/// Events forgotten at a time.
const FORGET_AT_ONCE: i64 = 500;
/// Bytes of an error that are kept.
const ERROR_MAX: usize = 300;

/// Webhooks cannot be sent at all: two cores of one name would take each other's deliveries for their own.
#[derive(Debug, thiserror::Error)]
#[error("the sender of webhooks cannot be named")]
pub struct SetupError(#[from] NoRandomness);

/// Counts none of what alerts watch, so that they see the first.
pub(crate) fn begin_counting() {
    for end in ["delivered", "again", "failed"] {
        metrics::counter!("yinke_core_webhook_attempts_total", "result" => end).increment(0);
    }
}

/// Starts telling. What is under way when it ends is sent again when its lease has run out.
///
/// # Errors
/// If the operating system gives no randomness.
pub fn spawn(core: Core) -> Result<Task, SetupError> {
    let name = format!("{:016x}", random::number()?);
    let worker = Worker { core, name: name.into(), busy: HashMap::new(), looked: None };
    Ok(Task::spawn(|stopped| worker.run(stopped)))
}

struct Worker {
    core: Core,
    name: Arc<str>,
    /// Requests under way, by endpoint.
    busy: HashMap<String, usize>,
    /// When old events were last looked for.
    looked: Option<Instant>,
}

/// A delivery that is ours until its lease ends.
#[derive(Debug, Clone)]
struct Leased {
    endpoint: Endpoint,
    event: String,
    payload: String,
    attempt: i64,
}

impl Worker {
    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut sending = JoinSet::new();
        while !*stopped.borrow() {
            if let Err(error) = self.round(&mut sending).await {
                tracing::warn!(error = with_causes(&error), "webhooks wait: the store failed");
            }
            tokio::select! {
                Some(ended) = sending.join_next() => self.ended(ended.ok()),
                () = tokio::time::sleep(EVERY) => {}
                _ = stopped.changed() => {}
            }
            while let Some(ended) = sending.try_join_next() {
                self.ended(ended.ok());
            }
        }
    }

    fn ended(&mut self, endpoint: Option<String>) {
        let Some(endpoint) = endpoint else {
            // A task that panicked: which one it was is not known, so that nobody is locked out.
            self.busy.clear();
            return;
        };
        if let Some(count) = self.busy.get_mut(&endpoint) {
            *count -= 1;
            if *count == 0 {
                self.busy.remove(&endpoint);
            }
        }
    }

    async fn round(&mut self, sending: &mut JoinSet<String>) -> Result<(), StoreError> {
        let now = self.core.now();
        self.clean(now).await?;
        let store = self.core.store().clone();
        let (due, oldest) =
            store.read(move |tx| Ok::<_, StoreError>((due(tx, now)?, oldest(tx, now)?))).await?;
        #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
        metrics::gauge!("yinke_core_webhooks_behind_seconds").set(oldest as f64 / 1_000.0);
        for id in due {
            let free = AT_ONCE_TO_ONE.saturating_sub(self.busy.get(&id).copied().unwrap_or(0));
            let free = free.min(AT_ONCE.saturating_sub(sending.len()));
            if free == 0 {
                continue;
            }
            let (of, name) = (id.clone(), Arc::clone(&self.name));
            let leased = store.write(move |tx| lease(tx, &of, &name, free, now)).await?;
            for one in leased {
                *self.busy.entry(id.clone()).or_default() += 1;
                sending.spawn(tell(self.core.clone(), Arc::clone(&self.name), one));
            }
        }
        Ok(())
    }

    /// What is old is forgotten.
    async fn clean(&mut self, now: Instant) -> Result<(), StoreError> {
        let store = self.core.store();
        if self.looked.is_none_or(|at| at.plus(FORGET_EVERY_MS) <= now) {
            self.looked = Some(now);
            let old = now.plus(-KEEP_MS);
            let sql = "SELECT 1 FROM webhook_events WHERE at_ms < $1 LIMIT 1";
            if store.read(move |tx| tx.query_opt(sql, params![old])).await?.is_some() {
                store.write(move |tx| forget(tx, old)).await?;
            }
        }
        Ok(())
    }
}

/// Endpoints with something due that nobody has leased.
fn due(tx: &mut dyn Tx, now: Instant) -> Result<Vec<String>, StoreError> {
    let rows = tx.query(
        "SELECT e.id FROM webhook_endpoints e WHERE e.removed_ms IS NULL AND e.disabled_ms IS NULL AND EXISTS (\
         SELECT 1 FROM webhook_deliveries d WHERE d.endpoint = e.id AND d.state = 'pending' AND d.next_ms <= $1 \
         AND d.lease_until_ms <= $1)",
        params![now],
    )?;
    rows.iter().map(|row| Ok(row.text(0)?.to_owned())).collect()
}

/// How long the oldest delivery to a working endpoint has been waiting for its turn, in milliseconds.
fn oldest(tx: &mut dyn Tx, now: Instant) -> Result<i64, StoreError> {
    let row = tx.query_one(
        "SELECT MIN(d.next_ms) FROM webhook_endpoints e JOIN webhook_deliveries d ON d.endpoint = e.id \
         WHERE d.state = 'pending' AND d.next_ms <= $1 AND e.disabled_ms IS NULL AND e.removed_ms IS NULL",
        params![now],
    )?;
    Ok(row.opt_int(0)?.map_or(0, |since| (now.millis() - since).max(0)))
}

/// Takes up to `free` deliveries of one endpoint; two cores never take the same one.
fn lease(
    tx: &mut dyn Tx,
    id: &str,
    name: &str,
    free: usize,
    now: Instant,
) -> Result<Vec<Leased>, StoreError> {
    tx.lock(&format!("webhook {id}"))?;
    let working = endpoint::find(tx, id)?.filter(|endpoint| endpoint.disabled.is_none());
    let Some(endpoint) = working else { return Ok(Vec::new()) };
    let rows = tx.query(
        "SELECT d.event, d.attempts, v.payload FROM webhook_deliveries d JOIN webhook_events v ON v.id = d.event \
         WHERE d.endpoint = $1 AND d.state = 'pending' AND d.next_ms <= $2 AND d.lease_until_ms <= $2 \
         ORDER BY d.next_ms LIMIT $3",
        params![id, now, i64::try_from(free).unwrap_or(1)],
    )?;
    let mut leased = Vec::with_capacity(rows.len());
    for row in &rows {
        tx.execute(
            "UPDATE webhook_deliveries SET lease_until_ms = $3, leased_by = $4 WHERE endpoint = $1 AND event = $2",
            params![id, row.text(0)?, now.plus(LEASE_MS), name],
        )?;
        leased.push(Leased {
            endpoint: endpoint.clone(),
            event: row.text(0)?.to_owned(),
            attempt: row.int(1)? + 1,
            payload: row.text(2)?.to_owned(),
        });
    }
    Ok(leased)
}

/// Sends one, and notes how it went; returns the endpoint's id.
async fn tell(core: Core, name: Arc<str>, one: Leased) -> String {
    let id = one.endpoint.id.clone();
    let began = tokio::time::Instant::now();
    let now = core.now();
    let result = send(core.outgoing(), &one, now).await;
    let took = began.elapsed();
    metrics::histogram!("yinke_core_webhook_duration_seconds").record(took.as_secs_f64());
    let attempt = Attempt::of(&result, now, i64::try_from(took.as_millis()).unwrap_or(i64::MAX));
    let after = core.now();
    let random = getrandom::u32().unwrap_or_default();
    let noted = core.store().write(move |tx| note(tx, &name, &one, &attempt, random, after)).await;
    match noted {
        Ok(end) => metrics::counter!("yinke_core_webhook_attempts_total", "result" => end).increment(1),
        Err(error) => {
            tracing::warn!(
                error = with_causes(&error),
                endpoint = id,
                "a webhook was sent and could not be noted"
            );
        }
    }
    id
}

async fn send(client: &Client, one: &Leased, now: Instant) -> Result<Answer, SendError> {
    let url = Url::parse(&one.endpoint.url).map_err(|_| SendError::Address)?;
    let body = Bytes::from(one.payload.clone());
    let at = now.floor_seconds();
    let secrets = one.endpoint.secret.good(now).filter_map(SigningSecret::parse);
    let signatures: Vec<String> = secrets.map(|secret| secret.sign(&one.event, at, &body)).collect();
    let headers = [
        ("webhook-id", one.event.clone()),
        ("webhook-timestamp", at.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ];
    client.post(&url, &headers, body).await
}

/// How an attempt went.
#[derive(Debug)]
struct Attempt {
    at: Instant,
    took_ms: i64,
    status: Option<StatusCode>,
    error: Option<String>,
    answer: Option<String>,
}

impl Attempt {
    fn of(result: &Result<Answer, SendError>, at: Instant, took_ms: i64) -> Self {
        match result {
            Ok(answer) => {
                let (status, excerpt) = (Some(answer.status), Some(answer.excerpt.clone()));
                Self { at, took_ms, status, error: None, answer: excerpt }
            }
            Err(error) => {
                let error = Some(with_causes(error).chars().take(ERROR_MAX).collect());
                Self { at, took_ms, status: None, error, answer: None }
            }
        }
    }

    fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| status.is_success())
    }
}

/// Notes an attempt, and what comes of it: `delivered`, `again` or `failed`.
fn note(
    tx: &mut dyn Tx,
    name: &str,
    one: &Leased,
    attempt: &Attempt,
    random: u32,
    now: Instant,
) -> Result<&'static str, StoreError> {
    let id = &one.endpoint.id;
    tx.lock(&format!("webhook {id}"))?;
    let pause = schedule::pause_after(one.attempt, random);
    let gone = attempt.status == Some(StatusCode::GONE);
    let (end, state, finished) = match (attempt.succeeded(), pause) {
        (true, _) => ("delivered", "delivered", Some(now)),
        (false, Some(_)) if !gone => ("again", "pending", None),
        (false, _) => ("failed", "failed", Some(now)),
    };
    let ours = tx.execute(
        "UPDATE webhook_deliveries SET state = $4, attempts = $5, next_ms = $6, lease_until_ms = 0, leased_by = '', \
         finished_ms = $7 WHERE endpoint = $1 AND event = $2 AND leased_by = $3 AND state = 'pending'",
        params![id, &one.event, name, state, one.attempt, now.plus(pause.unwrap_or(0)), finished],
    )?;
    if ours == 0 {
        // The lease had run out and another core has sent it again, or it was removed meanwhile.
        return Ok("overtaken");
    }
    let last = tx.query_one(
        "SELECT COALESCE(MAX(number), 0) FROM webhook_attempts WHERE endpoint = $1 AND event = $2",
        params![id, &one.event],
    )?;
    tx.execute(
        "INSERT INTO webhook_attempts (endpoint, event, number, at_ms, took_ms, status, error, answer) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            id,
            &one.event,
            last.int(0)? + 1,
            attempt.at,
            attempt.took_ms,
            attempt.status.map(|status| i64::from(status.as_u16())),
            attempt.error.as_ref(),
            attempt.answer.as_ref()
        ],
    )?;
    if attempt.succeeded() {
        tx.execute("UPDATE webhook_endpoints SET failing_since_ms = NULL WHERE id = $1", params![id])?;
        return Ok(end);
    }
    let row = tx.query_one(
        "UPDATE webhook_endpoints SET failing_since_ms = COALESCE(failing_since_ms, $2) WHERE id = $1 \
         RETURNING failing_since_ms",
        params![id, attempt.at],
    )?;
    let failing_since = row.instant(0)?;
    if gone {
        disable(tx, &one.endpoint, "it answered 410: it is gone", now)?;
    } else if end == "failed" && failing_since.plus(schedule::span_ms()) <= now {
        disable(tx, &one.endpoint, "it has taken nothing for three days", now)?;
    }
    Ok(end)
}

/// Tells an endpoint nothing more until somebody says so, and tells its owner's others why.
fn disable(tx: &mut dyn Tx, endpoint: &Endpoint, reason: &str, now: Instant) -> Result<(), StoreError> {
    let changed = tx.execute(
        "UPDATE webhook_endpoints SET disabled_ms = $2, disabled_reason = $3 WHERE id = $1 AND disabled_ms IS NULL",
        params![&endpoint.id, now, reason],
    )?;
    if changed == 0 {
        return Ok(());
    }
    tracing::warn!(endpoint = endpoint.id, owner = endpoint.owner, reason, "a webhook endpoint was disabled");
    let data = json!({"webhook": endpoint.id, "url": endpoint.url, "reason": reason});
    outbox::tell(tx, &[Owner::payee(&endpoint.owner)], EventKind::WebhookDisabled, &data, now)
}

/// Forgets events of before `old`, with their deliveries and attempts.
fn forget(tx: &mut dyn Tx, old: Instant) -> Result<(), StoreError> {
    let rows = tx.query(
        "SELECT id FROM webhook_events WHERE at_ms < $1 ORDER BY at_ms LIMIT $2",
        params![old, FORGET_AT_ONCE],
    )?;
    for row in &rows {
        let id = row.text(0)?;
        let endpoints = tx.query("SELECT endpoint FROM webhook_deliveries WHERE event = $1", params![id])?;
        for endpoint in &endpoints {
            let key = params![endpoint.text(0)?, id];
            tx.execute("DELETE FROM webhook_attempts WHERE endpoint = $1 AND event = $2", key)?;
        }
        tx.execute("DELETE FROM webhook_deliveries WHERE event = $1", params![id])?;
        tx.execute("DELETE FROM webhook_events WHERE id = $1", params![id])?;
    }
    Ok(())
}
