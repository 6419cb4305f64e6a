//! A small client of the core's API for the commands: JSON in and out, and errors that a person can act on.

use crate::cli::CoreArgs;
use crate::data_dir;
use crate::exit::{Exit, Failure};
use crate::keys;
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// The core may wait for its store's disk.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The largest answer that is read.
const ANSWER_MAX: usize = 64 << 20;
/// The API of a `yinke up` with its usual addresses.
const DEFAULT_CORE: &str = "http://127.0.0.1:8081";

/// A file of lines.
const CSV: &str = "text/csv";

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The address is not one.
    #[error("{0:?} is not an http URL such as {DEFAULT_CORE}")]
    Address(String),
    /// The token cannot stand in a header.
    #[error("the token holds characters that a header cannot carry")]
    Token,
    /// Nobody there, or not in time.
    #[error("the core at {base} cannot be reached")]
    Unreachable {
        /// Where it should be.
        base: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The core said no.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// Something else answers there.
    #[error("the answer of {base} makes no sense (status {status})")]
    Answer {
        /// Who answered.
        base: String,
        /// With which status.
        status: u16,
    },
}

/// What the core says when it says no.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Problem {
    /// HTTP status.
    #[serde(default)]
    pub(crate) status: u16,
    /// Stable code.
    #[serde(default)]
    pub(crate) code: String,
    /// One line.
    #[serde(default)]
    pub(crate) title: String,
    /// More, for this case.
    #[serde(default)]
    pub(crate) detail: Option<String>,
    /// Everything else it said, such as which field of which row.
    #[serde(flatten)]
    pub(crate) more: serde_json::Map<String, Value>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.detail.as_deref().unwrap_or(&self.title);
        write!(f, "{text} ({}, status {})", self.code, self.status)
    }
}

impl ApiError {
    /// Whether the same call may succeed later.
    pub(crate) fn may_retry(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Problem(problem) => matches!(problem.status, 429 | 502..=504),
            Self::Address(_) | Self::Token | Self::Answer { .. } => false,
        }
    }

    /// How a command that ends with it exits.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Address(_) | Self::Token => Exit::Usage,
            Self::Unreachable { .. } | Self::Answer { .. } => Exit::Unavailable,
            Self::Problem(problem) => match problem.status {
                401 | 403 => Exit::NoPermission,
                404 => Exit::NotFound,
                429 | 502..=504 => Exit::TryAgain,
                400..=499 => Exit::BadData,
                _ => Exit::Runtime,
            },
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::new(error.exit(), error)
    }
}

/// What a request carries.
pub(crate) struct Sent {
    kind: &'static str,
    bytes: Bytes,
}

impl Sent {
    pub(crate) fn json(body: &Value) -> Self {
        Self { kind: "application/json", bytes: Bytes::from(body.to_string()) }
    }

    /// A file of lines.
    pub(crate) fn csv(bytes: Vec<u8>) -> Self {
        Self { kind: CSV, bytes: Bytes::from(bytes) }
    }
}

/// What the core said to a request.
pub(crate) struct Answer {
    pub(crate) value: Value,
    /// The same request had been answered before, and nothing was changed this time.
    pub(crate) replayed: bool,
}

/// Talks to one core.
pub(crate) struct CoreApi {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    bearer: Option<header::HeaderValue>,
}

impl CoreApi {
    /// Finds the core and the token: flags, else the process that runs on the data directory, else the usual place.
    ///
    /// # Errors
    /// If an address or a token cannot be one.
    pub(crate) fn from_args(args: &CoreArgs) -> Result<Self, ApiError> {
        let base = match &args.core {
            Some(url) => url.clone(),
            None => {
                let running = data_dir::running(&args.data).and_then(|running| running.core);
                running.unwrap_or_else(|| DEFAULT_CORE.to_owned())
            }
        };
        let token = args
            .token
            .clone()
            .or_else(|| std::env::var("YINKE_ADMIN_TOKEN").ok().filter(|t| !t.is_empty()))
            .or_else(|| keys::stored_admin_token(&args.data.join("keys")));
        Self::new(&base, token.as_deref())
    }

    /// A client of the core at `base`.
    ///
    /// # Errors
    /// If the address or the token cannot be one.
    pub(crate) fn new(base: &str, token: Option<&str>) -> Result<Self, ApiError> {
        let url = Url::parse(base).ok().filter(|url| url.scheme() == "http" && url.has_host());
        let url = url.ok_or_else(|| ApiError::Address(base.to_owned()))?;
        let bearer = token
            .map(|token| {
                let mut value =
                    header::HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| ApiError::Token)?;
                value.set_sensitive(true);
                Ok(value)
            })
            .transpose()?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { client, base: url.as_str().trim_end_matches('/').to_owned(), bearer })
    }

    /// Where the core is.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Reads.
    ///
    /// # Errors
    /// If the core cannot be reached or says no.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, ApiError> {
        Ok(self.call(Method::GET, path, None, None).await?.value)
    }

    /// Writes; the same key never takes effect twice.
    ///
    /// # Errors
    /// If the core cannot be reached or says no.
    pub(crate) async fn write(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        idempotency_key: Option<&str>,
    ) -> Result<Value, ApiError> {
        self.send(method, path, Sent::json(body), idempotency_key).await
    }

    /// As [`write`](Self::write), and says whether the answer is one that was given before.
    ///
    /// # Errors
    /// If the core cannot be reached or says no.
    pub(crate) async fn write_or_hear_again(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        idempotency_key: Option<&str>,
    ) -> Result<Answer, ApiError> {
        self.call(method, path, Some(Sent::json(body)), idempotency_key).await
    }

    /// Writes a body of any kind, as [`write`](Self::write).
    ///
    /// # Errors
    /// If the core cannot be reached or says no.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Sent,
        idempotency_key: Option<&str>,
    ) -> Result<Value, ApiError> {
        Ok(self.call(method, path, Some(body), idempotency_key).await?.value)
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Sent>,
        idempotency_key: Option<&str>,
    ) -> Result<Answer, ApiError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, concat!("yinke/", env!("CARGO_PKG_VERSION")));
        if let Some(bearer) = &self.bearer {
            request = request.header(header::AUTHORIZATION, bearer);
        }
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let bytes = match body {
            None => Bytes::new(),
            Some(Sent { kind, bytes }) => {
                request = request.header(header::CONTENT_TYPE, kind);
                bytes
            }
        };
        let request =
            request.body(Full::new(bytes)).map_err(|_| ApiError::Address(format!("{}{path}", self.base)))?;
        let unreachable = |source: Box<dyn std::error::Error + Send + Sync>| ApiError::Unreachable {
            base: self.base.clone(),
            source,
        };
        let exchange = async {
            let response = self.client.request(request).await.map_err(|e| unreachable(e.into()))?;
            let (status, headers) = (response.status(), response.headers());
            let replayed = headers.contains_key("idempotent-replayed");
            let is_csv = headers
                .get(header::CONTENT_TYPE)
                .is_some_and(|kind| kind.as_bytes().starts_with(CSV.as_bytes()));
            let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await.map_err(unreachable)?;
            Ok((status, replayed, is_csv, body.to_bytes()))
        };
        let (status, replayed, is_csv, body) =
            tokio::time::timeout(TIMEOUT, exchange).await.map_err(|e| unreachable(e.into()))??;
        let value = if is_csv && status.is_success() {
            Value::String(String::from_utf8_lossy(&body).into_owned())
        } else {
            self.understand(status, &body)?
        };
        Ok(Answer { value, replayed })
    }

    fn understand(&self, status: StatusCode, body: &[u8]) -> Result<Value, ApiError> {
        let nonsense = || ApiError::Answer { base: self.base.clone(), status: status.as_u16() };
        if status.is_success() {
            if body.is_empty() {
                return Ok(Value::Null);
            }
            return serde_json::from_slice(body).map_err(|_| nonsense());
        }
        let mut problem: Problem = serde_json::from_slice(body).map_err(|_| nonsense())?;
        problem.status = status.as_u16();
        Err(ApiError::Problem(Box::new(problem)))
    }
}
