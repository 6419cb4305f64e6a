//! A request that changes something: who asks, the body, and the promise that repeating it changes nothing more.
//!
//! With an `Idempotency-Key` the answer is kept in the transaction of the change, by principal, method, path and
//! key. The same request again gets the kept answer; another body under the same key is refused. So a client whose
//! connection broke, or who was told that the outcome is unknown, simply repeats.

use super::body::{parse, parse_object, read_bytes, require_json};
use super::{Principal, Problem};
use crate::Core;
use crate::params;
use crate::store::{Store, StoreError, Tx};
use attribution_core::time::{DAY_MS, Instant};
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// How long an answer is kept for a repeat.
const KEEP_MS: i64 = DAY_MS;
/// Longest key.
const KEY_MAX: usize = 255;
const KEY_HEADER: &str = "idempotency-key";

/// A change that somebody asks for.
#[derive(Debug)]
pub(crate) struct Write<T> {
    /// The body.
    pub body: T,
    /// Who asks, and how to run it.
    pub scope: WriteScope,
}

/// Who asks for a change, when, and under which key.
#[derive(Debug, Clone)]
pub(crate) struct WriteScope {
    /// Who asks.
    pub principal: Principal,
    /// When the request came.
    pub now: Instant,
    method: String,
    path: String,
    key: Option<String>,
    body_hash: [u8; 32],
}

/// A change that comes as a file.
#[derive(Debug)]
pub(crate) struct WriteFile {
    /// The file.
    pub bytes: Bytes,
    /// Who asks, and how to run it.
    pub scope: WriteScope,
}

/// A request with its body, not yet looked into.
async fn opened(request: Request, core: &Core) -> Result<(HeaderMap, WriteFile), Problem> {
    let (mut parts, body) = request.into_parts();
    let principal = Principal::of_request(&mut parts, core).await?;
    let key = key_of(&parts.headers)?;
    let method = parts.method.as_str().to_owned();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let headers = parts.headers.clone();
    let bytes = read_bytes(Request::from_parts(parts, body), core).await?;
    // Of the same request the query is the same too.
    let body_hash = Sha256::new().chain_update(&bytes).chain_update(query).finalize().into();
    let scope = WriteScope { principal, now: core.now(), method, path, key, body_hash };
    Ok((headers, WriteFile { bytes, scope }))
}

impl FromRequest<Core> for WriteFile {
    type Rejection = Problem;

    async fn from_request(request: Request, core: &Core) -> Result<Self, Problem> {
        opened(request, core).await.map(|(_, file)| file)
    }
}

impl<T: DeserializeOwned> FromRequest<Core> for Write<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, core: &Core) -> Result<Self, Problem> {
        let (headers, WriteFile { bytes, scope }) = opened(request, core).await?;
        // A change without details needs no body, whatever the headers call it.
        let body = if bytes.is_empty() {
            parse(b"{}")?
        } else {
            require_json(&headers)?;
            parse_object(&bytes)?
        };
        Ok(Self { body, scope })
    }
}

fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(KEY_HEADER) else { return Ok(None) };
    match value.to_str() {
        Ok(text) if !text.is_empty() && text.len() <= KEY_MAX => Ok(Some(text.to_owned())),
        _ => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid_idempotency_key",
            format!("Idempotency-Key must be 1 to {KEY_MAX} visible ASCII characters"),
        )),
    }
}

/// Forgets the answers that are kept no longer. Says how many went.
///
/// # Errors
/// If the store fails.
pub(crate) async fn forget_answers(store: &Store, now: Instant) -> Result<u64, StoreError> {
    let old = now.plus(-KEEP_MS);
    // Looking is a read, so that a quiet core writes nothing.
    let sql = "SELECT 1 FROM idempotency_keys WHERE created_at <= $1 LIMIT 1";
    if store.read(move |tx| tx.query_opt(sql, params![old])).await?.is_none() {
        return Ok(0);
    }
    let sql = "DELETE FROM idempotency_keys WHERE created_at <= $1";
    store.write(move |tx| tx.execute(sql, params![old])).await
}

/// What the transaction ended with.
enum Ended {
    Fresh(StatusCode, String),
    Repeated(StatusCode, String),
}

impl WriteScope {
    /// Forgets the key: for answers that hold a secret, which must not be kept anywhere.
    #[must_use]
    pub(crate) fn without_key(mut self) -> Self {
        self.key = None;
        self
    }

    /// Runs `work` in one transaction and answers with what it returns, or with the kept answer of the same request.
    /// A refusal is not kept: it changed nothing, so a repeat may try again.
    ///
    /// # Errors
    /// What `work` refuses, or the store's own failure.
    pub(crate) async fn run<T, F>(self, core: &Core, mut work: F) -> Result<Response, Problem>
    where
        T: Serialize,
        F: FnMut(&mut dyn Tx, &Self) -> Result<(StatusCode, T), Problem> + Send + 'static,
    {
        let ended = core
            .store()
            .write(move |tx| {
                if let Some((status, response)) = self.kept(tx)? {
                    return Ok::<_, Problem>(Ended::Repeated(status, response));
                }
                let (status, value) = work(tx, &self)?;
                let response = serde_json::to_string(&value).map_err(|error| {
                    tracing::error!(%error, "an answer could not be written as JSON");
                    Problem::internal()
                })?;
                self.keep(tx, status, &response)?;
                Ok(Ended::Fresh(status, response))
            })
            .await?;
        let (status, text, repeated) = match ended {
            Ended::Fresh(status, text) => (status, text, false),
            Ended::Repeated(status, text) => (status, text, true),
        };
        let json = HeaderValue::from_static("application/json");
        let mut response = (status, [(header::CONTENT_TYPE, json)], text).into_response();
        if repeated {
            response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
        }
        Ok(response)
    }

    /// Like [`run`](Self::run), for a change that edges must hear of.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) async fn run_changing<T, F>(self, core: &Core, work: F) -> Result<Response, Problem>
    where
        T: Serialize,
        F: FnMut(&mut dyn Tx, &Self) -> Result<(StatusCode, T), Problem> + Send + 'static,
    {
        let core = core.clone();
        // In a task of its own: a client that leaves drops its handler, and edges must hear of the change all the same.
        let task = tokio::spawn(async move {
            let response = self.run(&core, work).await?;
            core.announce_change();
            Ok(response)
        });
        task.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a change was cut off");
            Err(Problem::internal())
        })
    }

    fn kept(&self, tx: &mut dyn Tx) -> Result<Option<(StatusCode, String)>, Problem> {
        let Some(key) = &self.key else { return Ok(None) };
        let name = self.principal.name();
        // Two of the same request at once: the second waits here and then finds the first one's answer.
        tx.lock(&format!("idempotency {name} {key}"))?;
        let row = tx.query_opt(
            "SELECT body_hash, status, response FROM idempotency_keys \
             WHERE principal = $1 AND method = $2 AND path = $3 AND idempotency_key = $4 AND created_at > $5",
            params![name, &self.method, &self.path, key, self.now.plus(-KEEP_MS)],
        )?;
        let Some(row) = row else { return Ok(None) };
        if row.blob(0)? != self.body_hash {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "this Idempotency-Key was used for another body",
            ));
        }
        let status = u16::try_from(row.int(1)?).ok().and_then(|s| StatusCode::from_u16(s).ok());
        Ok(Some((status.unwrap_or(StatusCode::OK), row.text(2)?.to_owned())))
    }

    fn keep(&self, tx: &mut dyn Tx, status: StatusCode, response: &str) -> Result<(), Problem> {
        let Some(key) = &self.key else { return Ok(()) };
        tx.execute(
            "INSERT INTO idempotency_keys (principal, method, path, idempotency_key, body_hash, status, response, \
             created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (principal, method, path, idempotency_key) DO UPDATE SET body_hash = excluded.body_hash, \
             status = excluded.status, response = excluded.response, created_at = excluded.created_at",
            params![
                self.principal.name(),
                &self.method,
                &self.path,
                key,
                &self.body_hash,
                i64::from(status.as_u16()),
                response,
                self.now
            ],
        )?;
        Ok(())
    }
}
