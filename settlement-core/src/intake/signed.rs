//! Whose word a notification is: its signature is checked over the bytes as they came, by what its source signs with, and
//! only then is it read.

use super::mapped::{Mapped, Unmappable};
use super::source::{Source, SourceKind};
use super::{shopify, youzan};
use crate::api::{Problem, check_line};
use crate::signing::{SigningSecret, is_recent};
use attribution_core::hex::hex;
use attribution_core::time::Instant;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Events of one notification at most.
const EVENTS_MAX: usize = 1_000;
/// Bytes of a sender's own name for a delivery at most.
const ID_MAX: usize = 200;

/// A notification whose signature is right.
pub(super) struct Incoming {
    /// The sender's own name for it, the same on a repeat.
    pub(super) delivery: String,
    pub(super) topic: String,
    pub(super) content: Content,
}

/// What it holds.
pub(super) enum Content {
    /// Our own events, as they came.
    Events(Vec<Value>),
    /// A platform's, mapped or not.
    Platform(Result<Mapped, Unmappable>),
}

/// Checks the signature over the bytes as they came, and reads them.
pub(super) fn open(
    source: &Source,
    headers: &HeaderMap,
    body: &[u8],
    now: Instant,
) -> Result<Incoming, Problem> {
    match source.kind {
        SourceKind::Standard => standard(source, headers, body, now),
        SourceKind::Youzan => of_youzan(source, headers, body, now),
        SourceKind::Shopify => of_shopify(source, headers, body, now),
    }
}

fn unauthorized(code: &'static str, what: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, what)
}

fn header_of<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h str, Problem> {
    let value = headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    value
        .filter(|value| !value.is_empty())
        .ok_or_else(|| unauthorized("signature_missing", &format!("the header {name} is missing")))
}

fn wrong_signature() -> Problem {
    unauthorized("signature_invalid", "the signature is not this source's for this body")
}

fn json(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, "malformed_json", format!("the body is not JSON: {error}"))
    })
}

fn bounded(id: &str) -> Result<String, Problem> {
    check_line("webhook-id", id, ID_MAX)?;
    Ok(id.to_owned())
}

/// Refuses what is not signed at all, or long ago, before its body is read.
pub(super) fn check_signed(source: &Source, headers: &HeaderMap, now: Instant) -> Result<(), Problem> {
    match source.kind {
        SourceKind::Standard => {
            header_of(headers, "webhook-id")?;
            header_of(headers, "webhook-signature")?;
            timestamp_of(headers, now).map(|_| ())
        }
        SourceKind::Youzan if source.shop.settings.accept_body_sign => Ok(()),
        SourceKind::Youzan => header_of(headers, "event-sign").map(|_| ()),
        SourceKind::Shopify => header_of(headers, "x-shopify-hmac-sha256").map(|_| ()),
    }
}

fn timestamp_of(headers: &HeaderMap, now: Instant) -> Result<i64, Problem> {
    let timestamp = header_of(headers, "webhook-timestamp")?;
    timestamp.parse().ok().filter(|at| is_recent(*at, now)).ok_or_else(|| {
        let what = "webhook-timestamp must be seconds since 1970, at most 5 minutes off";
        unauthorized("timestamp_out_of_tolerance", what)
    })
}

fn standard(source: &Source, headers: &HeaderMap, body: &[u8], now: Instant) -> Result<Incoming, Problem> {
    let id = header_of(headers, "webhook-id")?;
    let signatures = header_of(headers, "webhook-signature")?;
    let timestamp = timestamp_of(headers, now)?;
    let ours = source.secret.good(now).filter_map(SigningSecret::parse);
    // All secrets are tried, so that the time says nothing about which one it was.
    if !ours.fold(false, |right, secret| right | secret.verifies(id, timestamp, body, signatures)) {
        return Err(wrong_signature());
    }
    let delivery = bounded(id)?;
    let mut value = json(body)?;
    let events = match value.get_mut("events").map(Value::take) {
        None => vec![value],
        Some(Value::Array(events)) => events,
        Some(_) => return Err(Problem::invalid("events", "must be a list")),
    };
    if events.is_empty() || events.len() > EVENTS_MAX {
        return Err(Problem::invalid("events", format!("1 to {EVENTS_MAX} events, not {}", events.len())));
    }
    let topic = events[0].get("type").and_then(Value::as_str).unwrap_or_default();
    let topic = topic.chars().take(ID_MAX).collect();
    Ok(Incoming { delivery, topic, content: Content::Events(events) })
}

fn of_youzan(source: &Source, headers: &HeaderMap, body: &[u8], now: Instant) -> Result<Incoming, Problem> {
    let settings = &source.shop.settings;
    let client_id = settings.client_id.as_deref().unwrap_or_default();
    let right = |text: &[u8], theirs: &str| {
        source
            .secret
            .good(now)
            .fold(false, |right, secret| right | youzan::verifies(client_id, text, secret, theirs))
    };
    let push: Value;
    if settings.accept_body_sign && !headers.contains_key("event-sign") {
        // What is no JSON carries no signature either.
        push = json(body).map_err(|_| unauthorized("signature_missing", "the body carries no signature"))?;
        let text = |name: &str| push.get(name).and_then(Value::as_str).unwrap_or_default();
        if !right(text("msg").as_bytes(), text("sign")) {
            return Err(wrong_signature());
        }
    } else {
        if !right(body, header_of(headers, "event-sign")?) {
            return Err(wrong_signature());
        }
        push = json(body)?;
    }
    let hashed = || format!("sha256 {}", hex(&Sha256::digest(body)));
    let delivery = youzan::delivery_id(&push).filter(|id| id.len() <= ID_MAX).unwrap_or_else(hashed);
    let topic = push.get("type").and_then(Value::as_str).unwrap_or_default().chars().take(ID_MAX).collect();
    let content = Content::Platform(youzan::map(&source.shop, &push));
    Ok(Incoming { delivery, topic, content })
}

fn of_shopify(source: &Source, headers: &HeaderMap, body: &[u8], now: Instant) -> Result<Incoming, Problem> {
    let theirs = header_of(headers, "x-shopify-hmac-sha256")?;
    if !source.secret.good(now).fold(false, |right, secret| right | shopify::verifies(body, secret, theirs)) {
        return Err(wrong_signature());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let topic: String = text("x-shopify-topic").chars().take(ID_MAX).collect();
    let id = text("x-shopify-webhook-id");
    let delivery = if id.is_empty() || id.len() > ID_MAX {
        format!("sha256 {topic} {}", hex(&Sha256::digest(body)))
    } else {
        id.to_owned()
    };
    let content = if text("x-shopify-test") == "true" {
        Ok(Mapped::Ignored("a test notification".into()))
    } else {
        shopify::map(&source.shop, &topic, &json(body)?)
    };
    Ok(Incoming { delivery, topic, content: Content::Platform(content) })
}
