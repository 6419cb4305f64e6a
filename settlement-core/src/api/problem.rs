//! How the API refuses: RFC 9457 problems with a stable `code` that programs can rely on.

use crate::random::NoRandomness;
use crate::store::StoreError;
use attribution_core::with_causes;
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fmt;

/// The body of every refusal.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProblemBody {
    /// `urn:yinke:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable, for programs.
    pub code: String,
    /// What is wrong with this request, for people.
    pub detail: String,
    /// More facts, by code.
    #[serde(flatten)]
    pub facts: serde_json::Map<String, serde_json::Value>,
}

/// A refusal on its way out.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    facts: serde_json::Map<String, serde_json::Value>,
    retry_after: Option<u32>,
}

impl Problem {
    /// A refusal with a stable code and a sentence that says what is wrong with this request.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), facts: serde_json::Map::new(), retry_after: None }
    }

    /// 422: the body can be read but makes no sense; `field` says where.
    pub fn invalid(field: &str, detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", format!("{field}: {detail}")).about(field)
    }

    /// 404: a thing that the request names does not exist.
    pub fn unknown(what: &'static str, id: impl fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no {what} {id}")).fact("what", what)
    }

    /// Says which field of the request it is about, as [`invalid`](Self::invalid) does.
    #[must_use]
    pub fn about(self, field: &str) -> Self {
        self.fact("field", field)
    }

    /// 403: the token's role or subject does not allow it.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 409: what is there does not fit the request.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 500: our fault; whoever makes it has logged why.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the core failed; its log says more")
    }

    /// When it may be tried again, in seconds.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Adds a fact for programs.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// All that is wrong with one request: the first one's status, code and sentence, and each of them in `errors`. What the
    /// server failed at, and what whoever asks may not do, is told alone.
    pub(super) fn of_all(mut problems: Vec<Self>) -> Option<Self> {
        let alone =
            |problem: &Self| problem.status.is_server_error() || problem.status == StatusCode::FORBIDDEN;
        if let Some(at) = problems.iter().position(alone) {
            return Some(problems.swap_remove(at));
        }
        let first = problems.first()?.clone();
        if problems.len() == 1 {
            return Some(first);
        }
        let errors: Vec<serde_json::Value> = problems.into_iter().flat_map(Self::each).collect();
        Some(first.fact("errors", errors))
    }

    /// As some of several `errors`: what it tells of all that is wrong, or itself.
    fn each(mut self) -> Vec<serde_json::Value> {
        match self.facts.remove("errors") {
            Some(serde_json::Value::Array(told)) => told,
            _ => vec![self.of_many()],
        }
    }

    /// As one of several `errors`: the code, the sentence and the facts, of which `field` is one.
    fn of_many(self) -> serde_json::Value {
        let mut entry = self.facts;
        entry.insert("code".to_owned(), self.code.into());
        entry.insert("detail".to_owned(), self.detail.into());
        entry.into()
    }

    /// As one of the `errors` of a list: with its `index` too.
    pub(super) fn of_entry(self, index: usize) -> serde_json::Value {
        self.fact("index", index).of_many()
    }

    /// The field that it is about.
    pub(super) fn field(&self) -> Option<&str> {
        self.facts.get("field").and_then(serde_json::Value::as_str)
    }

    /// The HTTP status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Seconds after which it is worth asking again, if the answer says so.
    pub const fn wait_s(&self) -> Option<u32> {
        self.retry_after
    }

    /// The sentence.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl Error for Problem {}

impl From<NoRandomness> for Problem {
    fn from(error: NoRandomness) -> Self {
        tracing::error!(error = with_causes(&error), "a request cannot be answered");
        Self::internal()
    }
}

impl From<StoreError> for Problem {
    /// What the database said goes to the log, not to the client.
    fn from(error: StoreError) -> Self {
        let (status, code, detail) = match &error {
            // Whoever sent the text can mend it: nothing has failed.
            StoreError::Nul => {
                return Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", error.to_string());
            }
            StoreError::Overloaded | StoreError::Contention { .. } | StoreError::Transient(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "overloaded", "the core has too much to do; try again")
            }
            StoreError::Unreachable(_) | StoreError::Closed => (
                StatusCode::SERVICE_UNAVAILABLE,
                "store_unavailable",
                "the core cannot reach its store; try again",
            ),
            StoreError::Unusable(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "store_unavailable",
                "the core's store takes nothing now; try again",
            ),
            StoreError::CommitUnknown(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "outcome_unknown",
                "the core lost its store while committing; repeat with the same idempotency key",
            ),
            StoreError::Unique { .. } => (
                StatusCode::CONFLICT,
                "conflict",
                "somebody wrote the same thing at the same time; try again",
            ),
            StoreError::Address(_)
            | StoreError::Collation
            | StoreError::Refused(_)
            | StoreError::Unfit(_)
            | StoreError::NoRow
            | StoreError::Column { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Randomness(_)
            | StoreError::Panicked => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", "the core failed; its log says more")
            }
        };
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(error = with_causes(&error), "a request failed in the store");
        } else {
            tracing::warn!(error = with_causes(&error), "a request did not get through the store");
        }
        Self::new(status, code, detail)
    }
}

impl From<Problem> for ProblemBody {
    fn from(problem: Problem) -> Self {
        Self {
            kind: format!("urn:yinke:problem:{}", problem.code),
            title: problem.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: problem.status.as_u16(),
            code: problem.code.to_owned(),
            detail: problem.detail,
            facts: problem.facts,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status;
        let wait = self.retry_after.or((status == StatusCode::SERVICE_UNAVAILABLE).then_some(1));
        let mut response = (status, Json(ProblemBody::from(self))).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = wait {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
