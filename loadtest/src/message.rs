//! The request of an arrival, and what an answer says.

use crate::mix::Kind;
use crate::people::Visit;
use crate::random::Random;
use crate::token;
use attribution_core::click::ClickId;
use attribution_core::ids::VisitorId;
use bytes::Bytes;
use http::header::{COOKIE, HOST, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Empty;

const CHROME: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 \
                      Mobile Safari/537.36";
const WECHAT: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                      Mobile/15E148 MicroMessenger/8.0.54(0x1800362a) NetType/WIFI Language/zh_CN";
const PREVIEW_CRAWLERS: [&str; 2] =
    ["facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "Twitterbot/1.0"];
const BOTS: [&str; 3] = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "curl/8.10.1",
    "python-requests/2.32.3",
];

/// One arrival, ready to be sent.
#[derive(Debug)]
pub struct Ask {
    /// Our own name for it; the edge records it as the link's sub-id.
    pub label: String,
    /// Its kind.
    pub kind: Kind,
    /// The code asked for.
    pub code: String,
    /// Who asks.
    pub visit: Visit,
    /// Over a connection of its own.
    pub alone: bool,
}

impl Ask {
    /// The request, to `host`.
    ///
    /// # Errors
    /// If the code or the host cannot stand in a request.
    pub fn request(&self, host: &str, random: &mut Random) -> http::Result<Request<Empty<Bytes>>> {
        let in_app = random.below(2) == 0;
        let pick = |from: &[&'static str], random: &mut Random| {
            usize::try_from(random.below(from.len() as u64))
                .ok()
                .and_then(|n| from.get(n))
                .copied()
                .unwrap_or("")
        };
        let agent = match self.kind {
            Kind::Preview => pick(&PREVIEW_CRAWLERS, random),
            Kind::Bot => pick(&BOTS, random),
            _ if in_app => WECHAT,
            _ => CHROME,
        };
        let mut request = Request::builder()
            .method(if self.kind == Kind::Head { Method::HEAD } else { Method::GET })
            .uri(format!("/{}?sub={}", self.code, self.label))
            .header(HOST, host)
            .header("user-agent", agent)
            .header("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
            .header("accept-language", "zh-CN,zh;q=0.9,en;q=0.8");
        if self.alone {
            request = request.header("connection", "close");
        }
        match self.kind {
            Kind::Prefetch => request = request.header("sec-purpose", "prefetch;prerender"),
            Kind::Embed => {
                request = request.header("sec-fetch-dest", "image").header("sec-fetch-mode", "no-cors");
            }
            // In-app browsers send no fetch metadata; Chrome does.
            Kind::Tap | Kind::Withdrawn | Kind::Unknown if !in_app => {
                request = request
                    .header("sec-fetch-dest", "document")
                    .header("sec-fetch-mode", "navigate")
                    .header("sec-fetch-site", "cross-site")
                    .header("sec-fetch-user", "?1");
            }
            _ => {}
        }
        if let Some(cookies) = self.visit.jar.header() {
            request = request.header(COOKIE, cookies);
        }
        request.body(Empty::new())
    }
}

/// What an answer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// `X-Yinke-Outcome`; absent on redirects.
    pub outcome: Option<String>,
    /// The click and the visitor of the click token, if one was given.
    pub click: Option<(ClickId, VisitorId)>,
}

impl Answer {
    /// Reads the head of an answer and puts its cookies into the visitor's jar.
    pub fn read<B>(response: &Response<B>, visit: &mut Visit) -> Self {
        let text = |headers: &HeaderMap, name: &str| {
            headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        for cookie in response.headers().get_all(SET_COOKIE) {
            if let Ok(cookie) = cookie.to_str() {
                visit.jar.take(cookie);
            }
        }
        Self {
            status: response.status(),
            outcome: text(response.headers(), "x-yinke-outcome"),
            click: text(response.headers(), LOCATION.as_str()).and_then(|to| token::click_in_location(&to)),
        }
    }
}
