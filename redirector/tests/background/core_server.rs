//! A core for tests: a real HTTP server with the core's endpoints over memory. It decodes every batch, insists on
//! contiguous cursors, compares every frame that comes twice, and misbehaves as told.

use attribution_core::catalogue::{ChangePage, NumberedChange};
use attribution_core::history::HistoryId;
use attribution_core::shipping::{
    Batch, Heartbeat, HeartbeatAck, LostRange, ShipAck, StreamCursor, StreamStatus,
};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// The token that the server accepts.
pub(crate) const TOKEN: &str = "edge-token";

/// Epoch and worker.
pub(crate) type Key = (u64, u8);

/// How the server treats one call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// Answers this status and does nothing.
    Status(u16),
    /// Does nothing and never answers.
    Hang,
    /// Closes the connection without doing anything.
    Drop,
    /// Does what was asked, then closes the connection without an answer.
    DropAfter,
    /// Answers bytes that make no sense.
    Nonsense,
}

/// What the server knows.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Every stream's cursor.
    pub(crate) cursors: BTreeMap<Key, u64>,
    /// Every frame taken: payload by sequence.
    pub(crate) frames: HashMap<Key, BTreeMap<u64, Vec<u8>>>,
    /// Whether a batch that begins before the cursor is refused; else what is new in it is taken.
    pub(crate) strict: bool,
    /// Whether frames are kept; a test of speed only counts them.
    pub(crate) keep: bool,
    pub(crate) taken: u64,
    /// Frames that came again with the same bytes.
    pub(crate) repeated: u64,
    /// Broken promises of the edge; a test fails on any.
    pub(crate) violations: Vec<String>,
    pub(crate) lost: Vec<LostRange>,
    pub(crate) heartbeats: Vec<Heartbeat>,
    pub(crate) changes: Vec<NumberedChange>,
    /// Which history numbers the changes: another one disowns every place in this one.
    pub(crate) history: u64,
    /// Faults for batches, used up one by one.
    pub(crate) batch_faults: VecDeque<Fault>,
    /// Faults for questions for changes.
    pub(crate) change_faults: VecDeque<Fault>,
    pub(crate) batches: u64,
    pub(crate) connections: u64,
}

/// The running server.
pub(crate) struct CoreServer {
    pub(crate) address: SocketAddr,
    pub(crate) state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
    accepting: JoinHandle<()>,
}

impl CoreServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { keep: true, ..State::default() }));
        let changed = Arc::new(Notify::new());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state), Arc::clone(&changed)));
        Self { address, state, changed, accepting }
    }

    /// Waits until the state satisfies `wanted`, and gives what it returns.
    pub(crate) async fn until<T>(&self, what: &str, wanted: impl Fn(&State) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if let Some(value) = wanted(&self.state.lock().unwrap()) {
                    return value;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(std::time::Duration::from_secs(30), waiting).await {
            Ok(value) => value,
            Err(_) => panic!("{what}: never came about: {:?}", self.summary()),
        }
    }

    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    /// Fails on any broken promise.
    pub(crate) fn check(&self) {
        let violations = &self.state.lock().unwrap().violations;
        assert!(violations.is_empty(), "{violations:#?}");
    }

    fn summary(&self) -> impl std::fmt::Debug {
        let state = self.state.lock().unwrap();
        (state.cursors.clone(), state.batches, state.lost.clone(), state.violations.clone())
    }
}

impl Drop for CoreServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>, changed: Arc<Notify>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let (state, changed) = (Arc::clone(&state), Arc::clone(&changed));
        state.lock().unwrap().connections += 1;
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, Arc::clone(&state), Arc::clone(&changed)));
            // A dropped connection is part of the game.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
) -> Result<Response<Full<Bytes>>, &'static str> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| "the client left")?.to_bytes();
    let path = head.uri.path().to_owned();
    let fault = {
        let mut state = state.lock().unwrap();
        match path.rsplit('/').next() {
            Some("batches") => state.batch_faults.pop_front(),
            Some("changes") => state.change_faults.pop_front(),
            _ => None,
        }
    };
    match fault {
        Some(Fault::Status(status)) => {
            changed.notify_waiters();
            return Ok(problem(status, "told_to", None));
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Drop) => return Err("told to drop"),
        Some(Fault::Nonsense) => return Ok(Response::new(Full::from("<html>"))),
        Some(Fault::DropAfter) | None => {}
    }
    let done = {
        let mut state = state.lock().unwrap();
        let authorised = head.headers.get("authorization").is_some_and(|token| {
            token.to_str().is_ok_and(|token| token.strip_prefix("Bearer ") == Some(TOKEN))
        });
        if authorised {
            let query = head.uri.query().unwrap_or_default();
            state.route(&head.method, &path, query, &head.headers, &body)
        } else {
            problem(401, "unauthorised", None)
        }
    };
    changed.notify_waiters();
    if matches!(fault, Some(Fault::DropAfter)) { Err("told to drop") } else { Ok(done) }
}

impl State {
    fn route(
        &mut self,
        method: &Method,
        path: &str,
        query: &str,
        headers: &http::HeaderMap,
        body: &[u8],
    ) -> Response<Full<Bytes>> {
        match (method.as_str(), path) {
            ("POST", "/v1/edges/7/batches") => {
                if headers.get("content-type").is_none_or(|kind| kind != "application/vnd.yinke.batch") {
                    self.violations.push("a batch without its content type".to_owned());
                }
                let bytes = lz4_flex::decompress_size_prepended(body).unwrap();
                self.take(&Batch::decode(&bytes).unwrap())
            }
            ("POST", "/v1/edges/7/heartbeat") => {
                let beat: Heartbeat = serde_json::from_slice(body).unwrap();
                let cursor = |s: &StreamStatus| StreamCursor {
                    epoch: s.epoch,
                    worker: s.worker,
                    next_sequence: self.cursors.get(&(s.epoch.0, s.worker.0)).copied().unwrap_or(0),
                };
                let behind = beat.streams.iter().filter(|s| cursor(s).next_sequence < s.shipped);
                let ack = HeartbeatAck { behind: behind.map(cursor).collect() };
                self.heartbeats.push(beat);
                json(&ack)
            }
            ("POST", "/v1/edges/7/lost") => {
                let ranges: Vec<LostRange> = serde_json::from_slice(body).unwrap();
                for range in ranges {
                    let cursor = self.cursors.entry((range.epoch.0, range.worker.0)).or_default();
                    if (range.from..range.to).contains(cursor) {
                        *cursor = range.to;
                    }
                    if !self.lost.contains(&range) {
                        self.lost.push(range);
                    }
                }
                json(&serde_json::json!({}))
            }
            ("GET", "/v1/changes") => {
                let pairs = || query.split('&').filter_map(|pair| pair.split_once('='));
                let value = |name: &str| pairs().find(|(n, _)| *n == name).map(|(_, value)| value);
                let number = |name: &str| -> u64 { value(name).unwrap().parse().unwrap() };
                let limit = usize::try_from(number("limit")).unwrap();
                let after = number("after");
                let history = HistoryId::new(self.history + 1).unwrap();
                let reload = after > 0 && value("history") != Some(history.to_string().as_str());
                let changes = self.changes.iter().filter(|change| !reload && change.number > after);
                json(&ChangePage {
                    history,
                    reload,
                    changes: changes.take(limit).cloned().collect(),
                    head: self.changes.last().map_or(0, |last| last.number),
                })
            }
            _ => problem(404, "not_found", None),
        }
    }

    fn take(&mut self, batch: &Batch) -> Response<Full<Bytes>> {
        self.batches += 1;
        let stream = batch.stream();
        let key = (stream.epoch.0, stream.worker.0);
        let cursor = self.cursors.entry(key).or_default();
        let overlaps = batch.first_sequence() < *cursor;
        if batch.first_sequence() > *cursor || (overlaps && self.strict) {
            return problem(409, "cursor_mismatch", Some(*cursor));
        }
        if batch.is_empty() {
            self.violations.push("an empty batch".to_owned());
        }
        let frames = self.frames.entry(key).or_default();
        for frame in batch.frames() {
            if frame.sequence < *cursor {
                if self.keep && frames.get(&frame.sequence).is_some_and(|old| old != frame.payload) {
                    self.violations.push(format!("{key:?} {}: other bytes", frame.sequence));
                }
                self.repeated += 1;
            } else {
                self.taken += 1;
                if self.keep {
                    frames.insert(frame.sequence, frame.payload.to_vec());
                }
            }
        }
        *cursor = (*cursor).max(batch.next_sequence());
        json(&ShipAck { next_sequence: *cursor })
    }
}

fn json<T: serde::Serialize>(value: &T) -> Response<Full<Bytes>> {
    Response::new(Full::from(serde_json::to_vec(value).unwrap()))
}

fn problem(status: u16, code: &str, next_sequence: Option<u64>) -> Response<Full<Bytes>> {
    let body = serde_json::json!({ "status": status, "code": code, "next_sequence": next_sequence });
    Response::builder()
        .status(status)
        .header("content-type", "application/problem+json")
        .body(Full::from(body.to_string()))
        .unwrap()
}
