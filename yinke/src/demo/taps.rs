//! Taps links through the edge, over HTTP, as browsers would.

use super::{DemoError, Servers};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::collections::BTreeMap;
use url::Url;

/// Why a tap went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TapError {
    /// No answer.
    #[error("the edge did not answer")]
    NoAnswer(#[from] hyper_util::client::legacy::Error),
    /// Another answer than the story tells.
    #[error("the edge answered {got}, not {expected}")]
    Status {
        /// What it said.
        got: StatusCode,
        /// What it should say.
        expected: StatusCode,
    },
    /// A request that cannot be made.
    #[error("the link is not a URL")]
    Url(#[from] http::Error),
}

const WECHAT: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                      Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN";
const TAOBAO: &str = "Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 \
                      Chrome/123.0.6312.80 Mobile Safari/537.36 AliApp(TB/10.37.0) WindVane/8.5.0";
const DOUYIN: &str = "Mozilla/5.0 (Linux; Android 13; PGEM10) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 \
                      Chrome/110.0.5481.154 Mobile Safari/537.36 aweme_300100 NetType/5G";
const DESKTOP: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                       Chrome/130.0.0.0 Safari/537.36";
const GOOGLEBOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

/// One tap of the story: who (a browser with its cookies), on what, and what must come back.
struct Scene {
    browser: &'static str,
    link: &'static str,
    agent: &'static str,
    method: Method,
    prefetch: bool,
    expected: StatusCode,
}

const fn tap(browser: &'static str, link: &'static str, agent: &'static str) -> Scene {
    Scene { browser, link, agent, method: Method::GET, prefetch: false, expected: StatusCode::FOUND }
}

fn scenes() -> Vec<Scene> {
    vec![
        // A new customer taps and buys.
        tap("phone-051", "chen-wx/qc-001", WECHAT),
        // A returning customer taps two promoters' links: the last click wins.
        tap("phone-003", "zhou-wx/qc-002", WECHAT),
        tap("phone-003", "chen-wx/qc-002", WECHAT),
        // A customer of the tea shop is bound to the salesperson, whatever they buy there.
        tap("phone-052", "lin-shop/mj-001", WECHAT),
        // Another pays on delivery.
        tap("phone-053", "he-shop/mj-012", WECHAT),
        // One taps on bedding and buys shopping credit, which may not be promoted; another buys what they tapped on.
        tap("phone-054", "xu-wb/yh-001", TAOBAO),
        tap("phone-055", "chen-tb/yh-002", DOUYIN),
        // A live show: platform, agency and talent share.
        tap("phone-056", "sun-live/lx-011", TAOBAO),
        // Nobody's clicks: a crawler, a HEAD, a prefetch; then the real tap of the same browser.
        tap("crawler", "wu-blog/qc-004", GOOGLEBOT),
        Scene { method: Method::HEAD, ..tap("desktop-057", "wu-blog/qc-004", DESKTOP) },
        Scene {
            prefetch: true,
            expected: StatusCode::SERVICE_UNAVAILABLE,
            ..tap("desktop-057", "wu-blog/qc-004", DESKTOP)
        },
        tap("desktop-057", "wu-blog/qc-004", DESKTOP),
    ]
}

/// What a tap left behind: the click token in the destination, if there was one.
pub(super) struct Tapped {
    /// Which browser.
    pub(super) browser: &'static str,
    /// What the shop keeps and sends back with the order.
    pub(super) click_token: Option<String>,
}

/// Taps all links of the story.
///
/// # Errors
/// If the edge does not answer as it should.
pub(super) async fn tap_all(
    servers: &Servers<'_>,
    links: &BTreeMap<String, String>,
) -> Result<Vec<Tapped>, DemoError> {
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut jars: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
    let mut tapped = Vec::new();
    for scene in scenes() {
        let code = links.get(scene.link).ok_or_else(|| DemoError::NoLink(scene.link.to_owned()))?;
        let url = format!("{}/{code}", servers.edge);
        let jar = jars.entry(scene.browser).or_default();
        match scene.play(&client, &url, servers.public_host, jar).await {
            Ok(click_token) => tapped.push(Tapped { browser: scene.browser, click_token }),
            Err(source) => return Err(DemoError::Tap { url, source }),
        }
    }
    Ok(tapped)
}

impl Scene {
    async fn play(
        &self,
        client: &Client<HttpConnector, Empty<Bytes>>,
        url: &str,
        host: &str,
        jar: &mut BTreeMap<String, String>,
    ) -> Result<Option<String>, TapError> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(url)
            .header(header::HOST, host)
            .header(header::USER_AGENT, self.agent)
            .header(header::ACCEPT_LANGUAGE, "zh-CN,zh;q=0.9");
        if self.prefetch {
            request = request.header("sec-purpose", "prefetch");
        }
        if !jar.is_empty() {
            let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        let response = client.request(request.body(Empty::new())?).await?;
        if response.status() != self.expected {
            return Err(TapError::Status { got: response.status(), expected: self.expected });
        }
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        let location = response.headers().get(header::LOCATION).and_then(|l| l.to_str().ok());
        let destination = location.and_then(|l| Url::parse(l).ok());
        Ok(destination
            .and_then(|url| url.query_pairs().find(|(k, _)| k == "yk_click").map(|(_, v)| v.into_owned())))
    }
}
