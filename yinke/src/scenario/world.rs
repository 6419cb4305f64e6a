//! A core of a story's own: a fresh store, a clock that the story sets, and the API as a client sees it.

use attribution_core::code::CheckKey;
use attribution_core::time::Instant;
use attribution_core::token::{BrowserKeys, ClickKeys, MasterKey};
use axum::body::Body;
use http::{Request, header};
use http_body_util::BodyExt as _;
use serde_json::Value as Json;
use settlement_core::api::{Role, TokenText};
use settlement_core::store::{StoreConfig, StoreError};
use settlement_core::{Clock, Core, CoreConfig, CoreKeys, OpenError};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tower::ServiceExt as _;

/// The front of every short link.
pub(super) const PUBLIC_BASE: &str = "https://go.example.com";
/// The platform of every story.
pub(super) const PLATFORM: &str = "P";
const TOKEN: &str = "the story's own administrator";

/// Which database the stories run on.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    /// A file per story, in a temporary folder.
    Sqlite,
    /// A schema per story on this server.
    Postgres(String),
}

/// Why a story cannot be told.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorldError {
    /// No temporary folder.
    #[error("no temporary folder")]
    Folder(#[source] std::io::Error),
    /// No randomness for the schema's name.
    #[error("no randomness")]
    Random(#[source] getrandom::Error),
    /// The core does not open.
    #[error("the core does not open")]
    Open(#[from] OpenError),
    /// Its store fails.
    #[error("the core's store fails")]
    Store(#[from] StoreError),
    /// A thread of ours ended badly.
    #[error("a task was cut off")]
    Task(#[from] tokio::task::JoinError),
    /// The edge's own patterns do not read.
    #[error("the edge's patterns of agents do not read")]
    Agents(#[from] redirector::AgentsError),
    /// What the story needs to begin with was refused.
    #[error("{what} is refused: {answer}")]
    Setup {
        /// What.
        what: String,
        /// The core's answer.
        answer: String,
    },
}

/// The keys of every story: nothing in it is secret.
pub(super) fn master() -> MasterKey {
    MasterKey::new(1, [7; 32])
}

pub(super) fn check_key() -> CheckKey {
    CheckKey::new(*b"scenario")
}

/// The core and its clock.
pub(super) struct World {
    pub(super) core: Core,
    hands: Arc<AtomicI64>,
    router: axum::Router,
    schema: Option<String>,
    _folder: Option<tempfile::TempDir>,
}

impl World {
    /// Opens a fresh one at `at`.
    pub(super) async fn open(database: &Database, at: Instant) -> Result<Self, WorldError> {
        let (store, schema, folder) = match database {
            Database::Sqlite => {
                let folder = tempfile::tempdir().map_err(WorldError::Folder)?;
                (StoreConfig::Sqlite { path: folder.path().join("core.db") }, None, Some(folder))
            }
            Database::Postgres(url) => {
                let schema = format!("yinke_story_{:016x}", getrandom::u64().map_err(WorldError::Random)?);
                let store =
                    StoreConfig::Postgres { url: url.clone(), schema: Some(schema.clone()), connections: 1 };
                (store, Some(schema), None)
            }
        };
        let hands = Arc::new(AtomicI64::new(at.millis()));
        let config = CoreConfig {
            store,
            public_base: PUBLIC_BASE.parse().unwrap_or_else(|_| unreachable!("a literal")),
            own_hosts: Vec::new(),
            allow_private_destinations: false,
            limits: settlement_core::api::Limits::default(),
            clock: Clock::Manual(Arc::clone(&hands)),
        };
        let keys = CoreKeys {
            browser: BrowserKeys::derive(&master(), None),
            click: ClickKeys::new(vec![master()]),
            check: check_key(),
        };
        let core = tokio::task::spawn_blocking(move || Core::open(config, keys)).await??;
        core.admit_token(TokenText::given(TOKEN), Role::Admin, None, "story").await?;
        let router = core.router();
        Ok(Self { core, hands, router, schema, _folder: folder })
    }

    /// What time it is.
    pub(super) fn now(&self) -> Instant {
        Instant(self.hands.load(Ordering::SeqCst))
    }

    /// Sets the clock.
    pub(super) fn set(&self, at: Instant) {
        self.hands.store(at.millis(), Ordering::SeqCst);
    }

    /// One request: its status and its JSON.
    pub(super) async fn call(&self, method: &str, path: &str, body: Option<&Json>) -> (u16, Json) {
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(method, path, "application/json", body).await
    }

    /// One file that is handed in: the answer's status and its JSON.
    pub(super) async fn hand_in(&self, path: &str, csv: &str) -> (u16, Json) {
        self.send("POST", path, "text/csv", Body::from(csv.to_owned())).await
    }

    async fn send(&self, method: &str, path: &str, kind: &str, body: Body) -> (u16, Json) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
            .header(header::CONTENT_TYPE, kind);
        let request = match request.body(body) {
            Ok(request) => request,
            Err(error) => return (0, Json::String(error.to_string())),
        };
        let Ok(response) = self.router.clone().oneshot(request).await;
        let status = response.status().as_u16();
        let bytes =
            response.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        (status, serde_json::from_slice(&bytes).unwrap_or(Json::Null))
    }

    /// A request that belongs to the beginning of the story.
    pub(super) async fn set_up(&self, method: &str, path: &str, body: &Json) -> Result<Json, WorldError> {
        let (status, answer) = self.call(method, path, Some(body)).await;
        if (200..300).contains(&status) {
            return Ok(answer);
        }
        Err(WorldError::Setup { what: format!("{method} {path}"), answer: format!("{status} {answer}") })
    }

    /// Ends it and leaves nothing behind.
    pub(super) async fn close(self) -> Result<(), WorldError> {
        if let Some(schema) = &self.schema {
            let sql = format!("DROP SCHEMA \"{schema}\" CASCADE");
            self.core.store().write(move |tx| tx.script(&sql)).await?;
        }
        let core = self.core;
        tokio::task::spawn_blocking(move || core.close()).await?;
        Ok(())
    }
}
