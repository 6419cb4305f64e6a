//! Secrets that a form has made and that are shown once: on the page that its answer leads to, so that a reload makes no
//! other.
//!
//! On the way there such a secret is in a cookie of the one who is to see it, bound to that page, which takes it away. It
//! is in no memory of ours: the page may be served by another process than the form.

use crate::back::done;
use crate::cookies::Cookie;
use crate::state::Console;
use axum::response::Response;
use http::{HeaderMap, Method, Uri, header};

/// Between the page and the secret; no path of ours has it.
const BETWEEN: char = '|';

/// On to a page that says what was done and shows the secret.
pub(crate) fn hand_over(console: &Console, page: &str, what: &str, secret: &str) -> Response {
    let mut response = done(page, what);
    if let Some(cookie) = Cookie::Handed.set(console, &format!("{page}{BETWEEN}{secret}")) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The secret that the page which is asked for shows this once.
pub(crate) fn handed(console: &Console, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let (page, secret) = Cookie::Handed.read(console, headers)?.split_once(BETWEEN)?;
    (*method == Method::GET && page == uri.path()).then(|| secret.to_owned())
}

/// Takes it away from the browser.
pub(crate) fn taken(console: &Console, response: &mut Response) {
    if let Some(cookie) = Cookie::Handed.clear(console) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
