//! What holds for every page: no form from another site, nothing but our own files, and failures with a page.

use crate::failure::Failure;
use crate::failure_page::failure_page;
use crate::handed::taken;
use crate::state::Console;
use crate::who::Anybody;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, header};
use settlement_core::api::Peer;
use url::Url;

/// Scripts, styles and connections of our own host alone; pictures from it or from the page itself; no frame around us.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                   connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Refuses forms of other sites, and dresses every answer.
pub(crate) async fn guard(State(console): State<Console>, request: Request, next: Next) -> Response {
    let (at, peer) = ((request.method(), request.uri()), request.extensions().get::<Peer>());
    let asked = Anybody::of(&console, at, request.headers(), peer);
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = if safe || is_ours(&console, request.headers()) {
        next.run(request).await
    } else {
        Failure::OtherSite.into_response()
    };
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        response = failure_page(&asked, &failure).await;
    }
    if asked.handed.is_some() {
        taken(&console, &mut response);
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CSP),
        // Not `no-referrer`: with that a browser hides the origin of our own forms too.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    response
}

/// Whether a form comes from one of our pages, as the browser says. One that says nothing is refused.
fn is_ours(console: &Console, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        // `none` is the person's own doing, such as a form sent again after a restart of the browser.
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin").and_then(|origin| Url::parse(origin).ok()) else { return false };
    match console.url() {
        Some(url) => origin.origin() == url.origin(),
        None => {
            let host = origin.host_str().unwrap_or_default();
            let named = origin.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
            text("host").is_some_and(|asked| asked.eq_ignore_ascii_case(&named))
        }
    }
}
