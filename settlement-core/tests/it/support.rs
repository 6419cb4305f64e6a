//! Opens a core on a fresh store of either kind, and talks to it over HTTP types without a socket.

use attribution_core::code::CheckKey;
use attribution_core::time::Instant;
use attribution_core::token::{BrowserKeys, ClickKeys, MasterKey};
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use settlement_core::api::{Role, TokenText};
use settlement_core::store::StoreConfig;
use settlement_core::{Clock, Core, CoreConfig, CoreKeys};
use tower::ServiceExt;

/// Makes two tests of one body: `sqlite` always runs, `postgres` needs a server.
#[macro_export]
macro_rules! on_both {
    ($(#[$meta:meta])* $name:ident, $body:expr) => {
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "small bodies need nothing from around them")]
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let bench = $crate::support::Bench::sqlite().await;
                ($body)(&bench).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "needs a server: cargo xtask test starts it"]
            async fn postgres() {
                let bench = $crate::support::Bench::postgres().await;
                ($body)(&bench).await;
            }
        }
    };
}

/// The admin token of every test core.
pub(crate) const ADMIN: &str = "test-admin";

/// A core on a store of its own, which goes away with it.
pub(crate) struct Bench {
    pub(crate) core: Core,
    pub(crate) config: CoreConfig,
    /// Made once: describing the whole interface takes longer than most requests.
    router: axum::Router,
    /// A PostgreSQL schema to drop at the end.
    schema: Option<(String, String)>,
    _folder: tempfile::TempDir,
}

pub(crate) fn keys() -> CoreKeys {
    let master = MasterKey::new(1, [7; 32]);
    CoreKeys {
        browser: BrowserKeys::derive(&master, None),
        click: ClickKeys::new(vec![master]),
        check: CheckKey::new(*b"checkkey"),
    }
}

impl Bench {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = StoreConfig::Sqlite { path: folder.path().join("core.db") };
        Self::open(store, None, folder).await
    }

    pub(crate) async fn postgres() -> Self {
        let url =
            std::env::var("YINKE_TEST_POSTGRES_URL").expect("YINKE_TEST_POSTGRES_URL names the test server");
        let schema = format!("yk_{:016x}", getrandom::u64().unwrap());
        let store = StoreConfig::Postgres { url: url.clone(), schema: Some(schema.clone()), connections: 3 };
        Self::open(store, Some((url, schema)), tempfile::tempdir().unwrap()).await
    }

    async fn open(store: StoreConfig, schema: Option<(String, String)>, folder: tempfile::TempDir) -> Self {
        let config = CoreConfig {
            store,
            public_base: "https://go.example.com".parse().unwrap(),
            own_hosts: vec!["yinke.example.net".to_owned()],
            allow_private_destinations: false,
            limits: settlement_core::api::Limits::default(),
            clock: Clock::manual(Clock::System.now()),
        };
        let core = Core::open(config.clone(), keys()).unwrap();
        core.admit_token(TokenText::given(ADMIN), Role::Admin, None, "tests").await.unwrap();
        let router = core.router();
        Self { core, config, router, schema, _folder: folder }
    }

    pub(crate) const fn is_sqlite(&self) -> bool {
        matches!(self.config.store, StoreConfig::Sqlite { .. })
    }

    /// From now on it is this time, until it is set again.
    pub(crate) fn set_clock(&self, now: Instant) {
        let Clock::Manual(hands) = &self.config.clock else {
            unreachable!("every bench has a clock of its own")
        };
        hands.store(now.millis(), std::sync::atomic::Ordering::SeqCst);
    }

    /// A second core on the same store that may connect to this machine, as in development.
    pub(crate) fn open_private(&self) -> Core {
        let config = CoreConfig { allow_private_destinations: true, ..self.config.clone() };
        Core::open(config, keys()).unwrap()
    }

    /// A second core on the same store, as another process would open it.
    pub(crate) fn open_again(&self) -> Core {
        Core::open(self.config.clone(), keys()).unwrap()
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Sends JSON as the admin and reads JSON.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        self.call_as(ADMIN, method, path, body).await
    }

    /// Sends JSON with a token and reads JSON. `Null` sends no body.
    pub(crate) async fn call_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Body::from(body.to_string())
        };
        read(self.send(request.body(body).unwrap()).await).await
    }

    /// Asks for a file as the admin.
    pub(crate) async fn file(&self, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {ADMIN}"));
        let response = self.send(request.body(Body::empty()).unwrap()).await;
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// As [`call`](Self::call), and the answer must be a success.
    pub(crate) async fn ok(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(method, path, body).await;
        assert!(status.is_success(), "{method} {path}: {status} {answer}");
        answer
    }

    /// As [`call`](Self::call), and the answer must be this problem.
    pub(crate) async fn problem(
        &self,
        method: &str,
        path: &str,
        body: Value,
        status: u16,
        code: &str,
    ) -> Value {
        let (got, answer) = self.call(method, path, body).await;
        assert_eq!(
            (got.as_u16(), answer["code"].as_str()),
            (status, Some(code)),
            "{method} {path}: {answer}"
        );
        answer
    }
}

/// Status and JSON body of an answer.
pub(crate) async fn read(response: Response<Body>) -> (StatusCode, Value) {
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.core.close();
        if let Some((url, schema)) = self.schema.take() {
            // The synchronous client must not run inside the test's runtime.
            let dropped = std::thread::spawn(move || {
                postgres::Client::connect(&url, postgres::NoTls)
                    .and_then(|mut client| client.batch_execute(&format!("DROP SCHEMA \"{schema}\" CASCADE")))
            });
            let _ = dropped.join();
        }
    }
}
