//! On to a destination that this browser cannot simply be sent to: the page at `/{code}~`, which offers the app or asks
//! for another browser.
//!
//! The tap itself is a click like any other, recorded once and answered by a redirect to here with its token. This page
//! is no click: it can be opened again, and in another browser, and always leads to the same place with the same token.
//! A browser that needs no page is sent on at once.

use crate::answer::{self, Answer};
use crate::pages::{self, Language};
use crate::query;
use crate::request::Asked;
use crate::table::Target;
use attribution_core::app_page::{InApp, Way};
use attribution_core::token::TOKEN_MAX_LEN;
use http::{HeaderMap, HeaderValue, StatusCode};

/// Whether a tap of this browser is answered with a redirect to the page.
pub(crate) fn needed(target: &Target, asked: &Asked<'_>) -> bool {
    target.ways.as_ref().is_some_and(|ways| ways.way(asked.agent) != Way::Direct)
}

/// Appends the page's path, up to where a query may follow. On the host that was asked: its cookies are there. And under
/// the name that was asked, a code or an alias.
pub(crate) fn push_path(asked: &Asked<'_>, out: &mut Vec<u8>) {
    out.push(b'/');
    out.extend_from_slice(asked.path.name());
    out.extend_from_slice(b"~?");
}

/// The answer at `/{code}~` for a living link.
pub(crate) fn answer(asked: &Asked<'_>, target: &Target, short_url: &str) -> Answer {
    let destination = destination(target, asked.query);
    let language = Language::preferred(asked.languages);
    let way = target.ways.as_ref().map_or(Way::Direct, |ways| ways.way(asked.agent));
    let text = String::from_utf8_lossy(&destination);
    let page = match way {
        Way::Direct => {
            let location = HeaderValue::from_bytes(&destination).unwrap_or_else(|_| target.plain.clone());
            return answer::redirect(HeaderMap::new(), location, std::iter::empty());
        }
        Way::OutOf(app) => out_of(app, &target.row.title, &text, short_url, language),
        Way::App(link) => in_app(&link.to(&text), &target.row.title, &text, short_url, language),
    };
    answer::page(StatusCode::OK, None, language, page.into())
}

/// The destination as the redirect would have had it, with the token that this page was asked with.
fn destination(target: &Target, query: &[u8]) -> Vec<u8> {
    let name = target.row.click_param.as_bytes();
    let mut own = Vec::new();
    if target.row.pass_query {
        query::push_without(query, name, &mut own);
    }
    let token = token(query, name);
    if token.is_none() && own.is_empty() {
        return target.plain.as_bytes().to_vec();
    }
    let mut all = target.head().to_vec();
    all.extend_from_slice(&own);
    if let Some(token) = token {
        if !own.is_empty() {
            all.push(b'&');
        }
        all.extend_from_slice(target.parameter());
        all.extend_from_slice(token);
    }
    all.extend_from_slice(target.fragment());
    all
}

/// What looks like a token of ours in the query. Whether it is one, the core will know: a forged one is worth nothing
/// there, and could be put into the shop's address without us.
fn token<'q>(query: &'q [u8], name: &[u8]) -> Option<&'q [u8]> {
    let parameters = query.split(|b| *b == b'&').rev();
    let value = parameters.filter_map(|p| p.strip_prefix(name)?.strip_prefix(b"=")).next()?;
    let fits = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    (!value.is_empty() && value.len() <= TOKEN_MAX_LEN && value.iter().all(fits)).then_some(value)
}

/// For the button, and the address to be copied.
const STYLE: &str = "<style>.go{display:inline-block;padding:.6rem 1.5rem;border-radius:.5rem;background:#1456f0;\
color:#fff!important;text-decoration:none}.copy{user-select:all;-webkit-user-select:all}</style>";

/// "Please open this in your browser". What is there to be copied is our short address: pasted elsewhere, it is a tap
/// of its own, and nobody passes on the token of another.
fn out_of(app: InApp, title: &str, destination: &str, short_url: &str, language: Language) -> String {
    let name = match app {
        InApp::Wechat => language.pick("微信", "WeChat"),
        InApp::Qq => "QQ",
        InApp::Alipay => language.pick("支付宝", "Alipay"),
        InApp::Taobao => language.pick("淘宝", "Taobao"),
        InApp::Douyin => language.pick("抖音", "Douyin"),
    };
    let heading = language.pick("请在浏览器中打开", "Please open this in your browser");
    let how = match language {
        Language::Chinese => format!(
            "{name}里打不开这个页面。请点右上角的“···”，选“在浏览器中打开”；或者复制下面的链接，粘贴到浏览器里。"
        ),
        Language::English => format!(
            "This page does not open inside {name}. Tap “···” at the top right and choose “Open in browser”, or copy \
             the link below into your browser."
        ),
    };
    let anyway = language.pick("仍要在这里打开", "Open it here all the same");
    let [title, destination, url] = [title, destination, short_url].map(pages::escaped);
    let body = format!(
        "<h1>{heading}</h1><p>{title}</p><p>{how}</p><p class=\"copy\">{url}</p><p><a rel=\"nofollow\" \
         href=\"{destination}\">{anyway}</a></p>"
    );
    pages::page(language, heading, STYLE, &body)
}

/// The app, and the web for those who do not have it.
fn in_app(link: &str, title: &str, destination: &str, short_url: &str, language: Language) -> String {
    let open = language.pick("在 App 中打开", "Open in the app");
    let web = language.pick("继续用浏览器访问", "Continue in the browser");
    let copy = language.pick("或者复制链接：", "Or copy the link:");
    let [link, title, destination, url] = [link, title, destination, short_url].map(pages::escaped);
    let body = format!(
        "<h1>{title}</h1><p><a class=\"go\" rel=\"nofollow\" href=\"{link}\">{open}</a></p><p><a rel=\"nofollow\" \
         href=\"{destination}\">{web}</a></p><p>{copy}</p><p class=\"copy\">{url}</p>"
    );
    pages::page(language, &title, STYLE, &body)
}
