//! The core that a benchmark opens, and how it asks it.
#![allow(dead_code, reason = "each benchmark takes what it needs")]

use attribution_core::code::CheckKey;
use attribution_core::token::{BrowserKeys, ClickKeys, MasterKey};
use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::Value;
use settlement_core::api::{Limits, Role, TokenText};
use settlement_core::store::StoreConfig;
use settlement_core::{Clock, Core, CoreConfig, CoreKeys};
use tower::ServiceExt as _;

/// The token that [`Api`] asks with.
const TOKEN: &str = "bench";

/// Opens a core that nobody has to be an operator for.
pub(crate) fn open(store: StoreConfig, clock: Clock) -> Core {
    let master = MasterKey::new(1, [7; 32]);
    let keys = CoreKeys {
        browser: BrowserKeys::derive(&master, None),
        click: ClickKeys::new(vec![master]),
        check: CheckKey::new(*b"checkkey"),
    };
    let config = CoreConfig {
        store,
        public_base: "http://127.0.0.1".parse().unwrap(),
        own_hosts: Vec::new(),
        allow_private_destinations: true,
        limits: Limits::default(),
        clock,
    };
    Core::open(config, keys).unwrap()
}

/// The core's API without a socket, as an operator asks it.
pub(crate) struct Api(Router);

impl Api {
    /// The routes are put together once, as in a server.
    pub(crate) async fn of(core: &Core) -> Self {
        core.admit_token(TokenText::given(TOKEN), Role::Admin, None, "bench").await.unwrap();
        Self(core.router())
    }

    /// Sends JSON (none if it is `Null`), and reads the answer, which must be a success.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let mut request =
            Request::builder().method(method).uri(path).header("authorization", format!("Bearer {TOKEN}"));
        let content = if body.is_null() {
            Body::empty()
        } else {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        };
        let answer = self.0.clone().oneshot(request.body(content).unwrap()).await.unwrap();
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&bytes));
        serde_json::from_slice(&bytes).unwrap()
    }
}
