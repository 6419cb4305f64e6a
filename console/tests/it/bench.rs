//! A console over a core on a store of its own, and a browser with a cookie jar.

use attribution_core::code::CheckKey;
use attribution_core::token::{BrowserKeys, ClickKeys, MasterKey};
use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use settlement_core::api::{Peer, Role, TokenText};
use settlement_core::store::StoreConfig;
use settlement_core::{Clock, Core, CoreConfig, CoreKeys};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use tower::ServiceExt as _;
use yinke_console::ConsoleConfig;

/// The administrator's token.
pub(crate) const ADMIN: &str = "test-admin";
/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse";

/// A console that serves.
pub(crate) struct Bench {
    pub(crate) core: Core,
    clock: Clock,
    router: Router,
    _folder: tempfile::TempDir,
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Page {
    /// Where it leads.
    pub(crate) fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap())
    }

    /// The value of a hidden field.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let (_, rest) = self.body.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| {
            panic!("there is no field {name} in {}", self.body);
        });
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Bench {
    /// With a promoter, a merchant, an agency and an operator who can sign in by those names.
    pub(crate) async fn new() -> Self {
        Self::open(false, &[]).await
    }

    /// As [`new`](Self::new), with further hosts of its own.
    pub(crate) async fn at_hosts(further: &[&str]) -> Self {
        Self::open(false, further).await
    }

    /// As [`new`](Self::new), with a core that may connect to this machine.
    pub(crate) async fn beside_receivers() -> Self {
        Self::open(true, &[]).await
    }

    async fn open(allow_private_destinations: bool, further: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Clock::System.now());
        let config = CoreConfig {
            store: StoreConfig::Sqlite { path: folder.path().join("core.db") },
            public_base: "https://go.example.com".parse().unwrap(),
            own_hosts: further.iter().map(|host| (*host).to_owned()).collect(),
            allow_private_destinations,
            limits: settlement_core::api::Limits::default(),
            clock: clock.clone(),
        };
        let master = MasterKey::new(1, [7; 32]);
        let keys = CoreKeys {
            browser: BrowserKeys::derive(&master, None),
            click: ClickKeys::new(vec![master]),
            check: CheckKey::new(*b"checkkey"),
        };
        let core = Core::open(config, keys).unwrap();
        core.admit_token(TokenText::given(ADMIN), Role::Admin, None, "tests").await.unwrap();
        let router = yinke_console::router(&core, ConsoleConfig::default()).unwrap();
        let bench = Self { core, clock, router, _folder: folder };
        bench.ok("PUT", "/v1/platforms/1688", json!({"name": "1688"})).await;
        bench.ok("PUT", "/v1/merchants/m1", json!({"platform": "1688", "name": "山里茶行"})).await;
        let programme = json!({"platform": "1688", "name": "1688分销客", "preset": "distributor1688"});
        bench.ok("PUT", "/v1/programmes/fx", programme).await;
        let product = json!({"merchant": "m1", "title": "316不锈钢保温杯", "url": "https://shop.example.com/1",
            "price_fen": 9_900});
        bench.ok("PUT", "/v1/products/cup", product).await;
        for (id, name) in [("lily", "莉莉"), ("amei", "阿梅")] {
            bench.ok("PUT", &format!("/v1/promoters/{id}"), json!({"name": name, "agency": "stars"})).await;
        }
        for (login, role, subject) in [
            ("lily", "promoter", Some("lily")),
            ("amei", "promoter", Some("amei")),
            ("shop", "merchant", Some("m1")),
            ("stars", "agency", Some("stars")),
            ("boss", "operator", None),
        ] {
            let body = json!({"login": login, "password": PASSWORD, "role": role, "subject": subject});
            bench.ok("POST", "/v1/accounts", body).await;
        }
        bench
    }

    /// A second shop of the same platform, whose merchant signs in as `rival`.
    pub(crate) async fn rival(&self) -> Browser<'_> {
        self.ok("PUT", "/v1/merchants/m2", json!({"platform": "1688", "name": "隔壁茶行"})).await;
        let body = json!({"login": "rival", "password": PASSWORD, "role": "merchant", "subject": "m2"});
        self.ok("POST", "/v1/accounts", body).await;
        self.signed_in("rival", "zh").await
    }

    /// The same core under another configuration.
    pub(crate) fn with(mut self, config: ConsoleConfig) -> Self {
        self.router = yinke_console::router(&self.core, config).unwrap();
        self
    }

    /// Asks the API as the administrator; the answer must be a success.
    pub(crate) async fn ok(&self, method: &str, path: &str, body: Value) -> Value {
        let page = self.ask(method, path, body).await;
        assert!(page.status.is_success(), "{method} {path}: {} {}", page.status, page.body);
        serde_json::from_str(&page.body).unwrap_or(Value::Null)
    }

    /// Asks the API as the administrator.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Value) -> Page {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {ADMIN}"));
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Body::from(body.to_string())
        };
        self.send(request.body(body).unwrap()).await
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Page {
        request.extensions_mut().insert(Peer([192, 0, 2, 1].into()));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Page { status: parts.status, headers: parts.headers, body }
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, millis: i64) {
        let Clock::Manual(hands) = &self.clock else { unreachable!("every bench has a clock of its own") };
        hands.fetch_add(millis, Ordering::SeqCst);
    }

    /// A browser in which nobody is signed in.
    pub(crate) fn browser(&self, language: &'static str) -> Browser<'_> {
        Browser { bench: self, language, jar: Mutex::new(Vec::new()) }
    }

    /// A browser in which somebody is signed in.
    pub(crate) async fn signed_in(&self, login: &str, language: &'static str) -> Browser<'_> {
        let browser = self.browser(language);
        let page = browser.sign_in(login, PASSWORD).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        browser
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.core.close();
    }
}

/// Keeps cookies, and sends forms as a browser does.
pub(crate) struct Browser<'b> {
    bench: &'b Bench,
    language: &'static str,
    jar: Mutex<Vec<(String, String)>>,
}

impl Browser<'_> {
    pub(crate) async fn get(&self, path: &str) -> Page {
        self.send(Request::get(path), Body::empty()).await
    }

    /// A form of a page of ours.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = Request::post(path).header("sec-fetch-site", "same-origin");
        self.send(request, encode(fields)).await
    }

    /// A form of the page `on`, with its hidden fields.
    pub(crate) async fn submit(&self, on: &Page, path: &str, fields: &[(&str, &str)]) -> Page {
        let (token, once) = (on.hidden("_token"), on.hidden("_once"));
        let mut all = vec![("_token", token.as_str()), ("_once", once.as_str())];
        all.extend(fields);
        self.post(path, &all).await
    }

    /// A form with a file of the page `on`, with its hidden fields.
    pub(crate) async fn upload(
        &self,
        on: &Page,
        path: &str,
        fields: &[(&str, &str)],
        (name, file): (&str, &[u8]),
    ) -> Page {
        const BETWEEN: &str = "----between-parts";
        let (token, once) = (on.hidden("_token"), on.hidden("_once"));
        let mut body = Vec::new();
        for (name, value) in [("_token", &*token), ("_once", &*once)].iter().chain(fields) {
            body.extend(
                format!("--{BETWEEN}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                    .bytes(),
            );
        }
        // A browser sends the part of a file that nobody chose, too, with an empty name.
        let filename = if file.is_empty() { "" } else { "picture.png" };
        let head = format!(
            "--{BETWEEN}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{filename}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend(head.bytes());
        body.extend(file);
        body.extend(format!("\r\n--{BETWEEN}--\r\n").bytes());
        let request = Request::post(path)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={BETWEEN}"));
        self.send(request, Body::from(body)).await
    }

    pub(crate) async fn sign_in(&self, login: &str, password: &str) -> Page {
        self.post("/sign-in", &[("login", login), ("password", password)]).await
    }

    /// As [`post`](Self::post), with other headers.
    pub(crate) async fn post_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        fields: &[(&str, &str)],
    ) -> Page {
        let request =
            headers.iter().fold(Request::post(path), |request, (name, value)| request.header(*name, *value));
        self.send(request, encode(fields)).await
    }

    async fn send(&self, request: http::request::Builder, body: Body) -> Page {
        let cookies: Vec<String> =
            self.jar.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = request
            .header(header::HOST, "console.test")
            .header(header::ACCEPT_LANGUAGE, self.language)
            .header(header::COOKIE, cookies.join("; "));
        let is_upload =
            request.headers_ref().is_some_and(|headers| headers.contains_key(header::CONTENT_TYPE));
        if !is_upload {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let page = self.bench.send(request.body(body).unwrap()).await;
        for line in page.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            let mut jar = self.jar.lock().unwrap();
            jar.retain(|(key, _)| key != name);
            if !line.contains("Max-Age=0;") {
                jar.push((name.to_owned(), value.to_owned()));
            }
        }
        page
    }
}

fn encode(fields: &[(&str, &str)]) -> Body {
    Body::from(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish())
}
