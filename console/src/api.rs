//! The core's API, called in process as the person who is signed in.

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use settlement_core::api::{Principal, ProblemBody};
use tower::ServiceExt as _;

/// The API's routes.
pub(crate) struct Api {
    router: Router,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The API said no.
    #[error("{}: {}", .0.code, .0.detail)]
    Refused(Box<ProblemBody>),
    /// The answer cannot be read: ours and the API's idea of it differ.
    #[error("the answer to {path} cannot be read")]
    Unreadable {
        /// The path.
        path: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ApiError {
    /// The stable code, if the API said no.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => Some(&problem.code),
            Self::Unreadable { .. } => None,
        }
    }
}

/// A path of the API with its parts escaped: `path(&["promoters", id, "report"])` is `/v1/promoters/ID/report`.
pub(crate) fn path(parts: &[&str]) -> String {
    let mut path = String::from("/v1");
    for part in parts {
        path.push('/');
        // A form's escaping, except that a space in a path is %20.
        let escaped: String = url::form_urlencoded::byte_serialize(part.as_bytes()).collect();
        path.push_str(&escaped.replace('+', "%20"));
    }
    path
}

impl Api {
    pub(crate) const fn new(router: Router) -> Self {
        Self { router }
    }

    /// Asks. Empty values are left out: a search field that nobody filled in.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        who: &Principal,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, ApiError> {
        read(path, &self.get_bytes(who, path, query).await?)
    }

    /// Asks for a file.
    pub(crate) async fn get_bytes(
        &self,
        who: &Principal,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Bytes, ApiError> {
        let query = query.iter().filter(|(_, value)| !value.is_empty());
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        self.call(who, Request::get(target), Body::empty(), path).await
    }

    /// Asks for a change. The same `once` again changes nothing more.
    pub(crate) async fn write<T: DeserializeOwned>(
        &self,
        who: &Principal,
        method: Method,
        path: &str,
        once: &str,
        body: &impl Serialize,
    ) -> Result<T, ApiError> {
        let unreadable =
            |error: serde_json::Error| ApiError::Unreadable { path: path.to_owned(), source: error.into() };
        let body = serde_json::to_vec(body).map_err(unreadable)?;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if !once.is_empty() {
            request = request.header("idempotency-key", once);
        }
        read(path, &self.call(who, request, Body::from(body), path).await?)
    }

    /// Sends a file of lines. The same `once` again changes nothing more.
    pub(crate) async fn send_csv<T: DeserializeOwned>(
        &self,
        who: &Principal,
        path: &str,
        query: &[(&str, &str)],
        once: &str,
        lines: String,
    ) -> Result<T, ApiError> {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let mut request = Request::post(format!("{path}?{query}"))
            .header(header::CONTENT_TYPE, HeaderValue::from_static("text/csv"));
        if !once.is_empty() {
            request = request.header("idempotency-key", once);
        }
        read(path, &self.call(who, request, Body::from(lines), path).await?)
    }

    async fn call(
        &self,
        who: &Principal,
        request: http::request::Builder,
        body: Body,
        path: &str,
    ) -> Result<Bytes, ApiError> {
        let unreadable = |source: Box<dyn std::error::Error + Send + Sync>| ApiError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let request = request.extension(who.clone()).body(body).map_err(|e| unreadable(e.into()))?;
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|e| unreadable(e.into()))?.to_bytes();
        if status.is_success() || status == StatusCode::MULTI_STATUS {
            return Ok(body);
        }
        let problem: ProblemBody = serde_json::from_slice(&body).map_err(|e| unreadable(e.into()))?;
        Err(ApiError::Refused(Box::new(problem)))
    }
}

fn read<T: DeserializeOwned>(path: &str, body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body)
        .map_err(|error| ApiError::Unreadable { path: path.to_owned(), source: error.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_path_cannot_become_paths() {
        assert_eq!(path(&["promoters", "a/b?c d", "report"]), "/v1/promoters/a%2Fb%3Fc%20d/report");
    }
}
