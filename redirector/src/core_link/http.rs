//! The core over HTTP: one pooled client, a deadline for every call, bodies of bounded size.

use super::{CoreLink, LinkError, LinkFuture, problem};
use attribution_core::catalogue::ChangePage;
use attribution_core::click::EdgeId;
use attribution_core::history::FeedPosition;
use attribution_core::shipping::{Batch, Heartbeat, HeartbeatAck, LostRange, ShipAck};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::time::Duration;
use url::Url;

/// Content type of a batch's body.
const BATCH_TYPE: HeaderValue = HeaderValue::from_static("application/vnd.yinke.batch");
const JSON_TYPE: HeaderValue = HeaderValue::from_static("application/json");
/// The largest answer that is read: a full page of changes is far below.
const ANSWER_MAX_BYTES: usize = 64 << 20;
/// How long the core may wait for a change before it answers that there is none: a change is heard of at once, and an
/// idle edge asks every few seconds.
const CHANGES_WAIT: Duration = Duration::from_secs(2);
/// Connections kept for reuse: one for each batch in flight, one for the feed, one for the heartbeat.
const IDLE_CONNECTIONS: usize = 8;

/// The bearer token of the edge's role. Never shown.
#[derive(Clone)]
pub struct CoreToken(HeaderValue);

impl CoreToken {
    /// Takes the token as configured.
    ///
    /// # Errors
    /// If it holds bytes that a header cannot carry.
    pub fn new(token: &str) -> Result<Self, LinkOptionsError> {
        let mut value =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| LinkOptionsError::Token)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl std::fmt::Debug for CoreToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CoreToken(..)")
    }
}

/// Where the core is and how long to wait for it.
#[derive(Debug, Clone)]
pub struct HttpCoreLinkOptions {
    /// The core's base, for example `http://core.internal:8081`. A path in it is kept as a prefix.
    pub base: Url,
    /// The token of the edge's role.
    pub token: CoreToken,
    /// For a connection to stand.
    pub connect_timeout: Duration,
    /// For the answer to a batch: the core may wait for its store.
    pub ship_timeout: Duration,
    /// For the answer to anything else.
    pub call_timeout: Duration,
}

impl HttpCoreLinkOptions {
    /// The usual waiting times.
    pub const fn new(base: Url, token: CoreToken) -> Self {
        Self {
            base,
            token,
            connect_timeout: Duration::from_secs(2),
            ship_timeout: Duration::from_secs(30),
            call_timeout: Duration::from_secs(5),
        }
    }
}

/// Why a link cannot be made from its options.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkOptionsError {
    /// Only plain HTTP: between edge and core stands a private network or a local TLS proxy.
    #[error("the core's address must start with http://, not {0}://")]
    Scheme(String),
    /// No host in it.
    #[error("the core's address names no host")]
    Host,
    /// Query or fragment in it.
    #[error("the core's address must have no query and no fragment")]
    Trailing,
    /// Bytes in the token that a header cannot carry.
    #[error("the core's token holds characters that a header cannot carry")]
    Token,
}

/// The core over HTTP. Calls are independent; connections are kept and reused.
#[derive(Debug)]
pub struct HttpCoreLink {
    client: Client<HttpConnector, Full<Bytes>>,
    /// Base without a trailing slash.
    base: String,
    token: CoreToken,
    ship_timeout: Duration,
    call_timeout: Duration,
}

impl HttpCoreLink {
    /// Makes a link; connects only when first used.
    ///
    /// # Errors
    /// If the address or the token cannot be used.
    pub fn new(options: HttpCoreLinkOptions) -> Result<Self, LinkOptionsError> {
        let HttpCoreLinkOptions { base, token, connect_timeout, ship_timeout, call_timeout } = options;
        if base.scheme() != "http" {
            return Err(LinkOptionsError::Scheme(base.scheme().to_owned()));
        }
        if !base.has_host() {
            return Err(LinkOptionsError::Host);
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(LinkOptionsError::Trailing);
        }
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(connect_timeout));
        connector.set_nodelay(true);
        connector.set_keepalive(Some(Duration::from_secs(15)));
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_timer(TokioTimer::new())
            .build(connector);
        let base = base.as_str().trim_end_matches('/').to_owned();
        Ok(Self { client, base, token, ship_timeout, call_timeout })
    }

    /// One call: the body of a success, or what the answer means.
    async fn call(
        &self,
        method: Method,
        path: String,
        content: Option<(HeaderValue, Bytes)>,
        timeout: Duration,
    ) -> Result<Bytes, LinkError> {
        let uri = Uri::try_from(format!("{}{path}", self.base))
            .map_err(|error| LinkError::BadAnswer(error.to_string()))?;
        let mut request = Request::new(Full::default());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        request.headers_mut().insert(AUTHORIZATION, self.token.0.clone());
        request.headers_mut().insert(ACCEPT, JSON_TYPE);
        if let Some((kind, body)) = content {
            request.headers_mut().insert(CONTENT_TYPE, kind);
            *request.body_mut() = Full::new(body);
        }
        let (status, headers, body) = tokio::time::timeout(timeout, self.exchange(request))
            .await
            .map_err(|_| LinkError::TimedOut(timeout))??;
        if status.is_success() { Ok(body) } else { Err(problem::to_error(status, &headers, &body)) }
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), LinkError> {
        let response =
            self.client.request(request).await.map_err(|error| LinkError::Unreachable(error.into()))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_MAX_BYTES).collect().await.map_err(LinkError::Unreachable)?;
        Ok((parts.status, parts.headers, body.to_bytes()))
    }

    async fn post_json<T: serde::Serialize + Sync>(
        &self,
        path: String,
        value: &T,
    ) -> Result<Bytes, LinkError> {
        let body = serde_json::to_vec(value).map_err(|error| LinkError::BadAnswer(error.to_string()))?;
        self.call(Method::POST, path, Some((JSON_TYPE, body.into())), self.call_timeout).await
    }
}

fn read_json<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, LinkError> {
    serde_json::from_slice(body).map_err(|error| LinkError::BadAnswer(error.to_string()))
}

impl CoreLink for HttpCoreLink {
    fn ship(&self, batch: Batch) -> LinkFuture<'_, ShipAck> {
        Box::pin(async move {
            let path = format!("/v1/edges/{}/batches", batch.stream().edge.0);
            let body = lz4_flex::compress_prepend_size(&batch.encode());
            drop(batch);
            let content = Some((BATCH_TYPE, body.into()));
            read_json(&self.call(Method::POST, path, content, self.ship_timeout).await?)
        })
    }

    fn changes(&self, from: FeedPosition, limit: u32) -> LinkFuture<'_, ChangePage> {
        Box::pin(async move {
            let wait = CHANGES_WAIT.as_millis();
            let FeedPosition { history, number } = from;
            let history = history.map_or_else(String::new, |history| format!("&history={history}"));
            let path = format!("/v1/changes?after={number}{history}&limit={limit}&wait_ms={wait}");
            read_json(&self.call(Method::GET, path, None, self.call_timeout + CHANGES_WAIT).await?)
        })
    }

    fn heartbeat(&self, heartbeat: Heartbeat) -> LinkFuture<'_, HeartbeatAck> {
        Box::pin(async move {
            let path = format!("/v1/edges/{}/heartbeat", heartbeat.edge.0);
            read_json(&self.post_json(path, &heartbeat).await?)
        })
    }

    fn lost(&self, edge: EdgeId, ranges: Vec<LostRange>) -> LinkFuture<'_, ()> {
        Box::pin(async move {
            let path = format!("/v1/edges/{}/lost", edge.0);
            self.post_json(path, &ranges).await.map(drop)
        })
    }
}
