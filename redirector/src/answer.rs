//! The answers, as HTTP: redirects, pages and refusals. Headers come from constants or were checked before.

use crate::pages::Language;
use crate::request::{QrForm, Refusal};
use attribution_core::outcome::Outcome;
use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;

/// An answer, before it is put on a wire.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// As hyper takes it.
    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }

    /// Appends it to `out` as bytes of HTTP/1.1. `date` is the header's value.
    pub(crate) fn push_to(&self, date: &[u8], close: bool, out: &mut Vec<u8>) {
        let reason = self.status.canonical_reason().unwrap_or_default();
        for part in
            [b"HTTP/1.1 ", self.status.as_str().as_bytes(), b" ", reason.as_bytes(), b"\r\ndate: ", date]
        {
            out.extend_from_slice(part);
        }
        out.extend_from_slice(b"\r\n");
        for (name, value) in &self.headers {
            push_line(name.as_str(), value.as_bytes(), out);
        }
        if close && !self.headers.contains_key(header::CONNECTION) {
            push_line("connection", b"close", out);
        }
        push_line("content-length", self.body.len().to_string().as_bytes(), out);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
    }
}

/// Appends one header.
pub(crate) fn push_line(name: &str, value: &[u8], out: &mut Vec<u8>) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

/// A click must come to us every time.
const NO_STORE: HeaderValue = HeaderValue::from_static("private, no-store");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const X_YINKE_OUTCOME: HeaderName = HeaderName::from_static("x-yinke-outcome");
const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");
/// Our pages load nothing, run nothing and stand in nobody's frame.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const fn answer(status: StatusCode, headers: HeaderMap, body: Bytes) -> Answer {
    Answer { status, headers, body }
}

/// A redirect for hyper. `headers` is the request's own map: it has the room.
pub(crate) fn redirect(
    mut headers: HeaderMap,
    location: HeaderValue,
    cookies: impl Iterator<Item = HeaderValue>,
) -> Answer {
    headers.clear();
    headers.insert(header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    answer(StatusCode::FOUND, headers, Bytes::new())
}

/// The status of an outcome that is answered with a page.
pub(crate) const fn status(outcome: Outcome) -> StatusCode {
    match outcome {
        Outcome::PromotionCancelled | Outcome::ProductDelisted | Outcome::LinkExpired => StatusCode::GONE,
        Outcome::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Outcome::Overloaded | Outcome::Prefetch => StatusCode::SERVICE_UNAVAILABLE,
        Outcome::Preview => StatusCode::OK,
        Outcome::Refused => StatusCode::BAD_REQUEST,
        _ => StatusCode::NOT_FOUND,
    }
}

/// A page of ours.
pub(crate) fn page(status: StatusCode, outcome: Option<Outcome>, language: Language, body: Bytes) -> Answer {
    let mut headers = HeaderMap::with_capacity(10);
    headers.insert(header::CONTENT_TYPE, HTML);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Language"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex"));
    if let Some(outcome) = outcome {
        headers.insert(X_YINKE_OUTCOME, HeaderValue::from_static(outcome.name()));
    }
    answer(status, headers, body)
}

/// The same with the seconds after which to try again.
pub(crate) fn page_with_retry(outcome: Outcome, language: Language, body: Bytes, seconds: u32) -> Answer {
    let mut answer = page(status(outcome), Some(outcome), language, body);
    answer.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

/// The answer to a prefetch: nothing, so that the real tap comes back.
pub(crate) fn prefetch() -> Answer {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert(X_YINKE_OUTCOME, HeaderValue::from_static(Outcome::Prefetch.name()));
    answer(status(Outcome::Prefetch), headers, Bytes::new())
}

/// A refusal. The connection ends with it: what follows on it cannot be trusted.
pub(crate) fn refusal(refusal: Refusal) -> Answer {
    let mut headers = HeaderMap::with_capacity(6);
    headers.insert(header::CONTENT_TYPE, TEXT);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert(X_YINKE_OUTCOME, HeaderValue::from_static(Outcome::Refused.name()));
    if refusal == Refusal::Method {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    answer(refusal.status(), headers, Bytes::from_static(refusal.message().as_bytes()))
}

/// A picture that cannot be made as it was asked for.
pub(crate) fn bad_picture(why: &dyn std::error::Error) -> Answer {
    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(header::CONTENT_TYPE, TEXT);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer(StatusCode::BAD_REQUEST, headers, format!("{why}\n").into())
}

/// A QR code. The picture of a code never changes.
pub(crate) fn qr(form: QrForm, body: Bytes) -> Answer {
    let mut headers = HeaderMap::with_capacity(5);
    let kind = match form {
        QrForm::Svg => "image/svg+xml",
        QrForm::Png => "image/png",
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    answer(StatusCode::OK, headers, body)
}

/// `/robots.txt`.
pub(crate) fn robots() -> Answer {
    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(header::CONTENT_TYPE, TEXT);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    answer(StatusCode::OK, headers, Bytes::from_static(crate::pages::ROBOTS.as_bytes()))
}
