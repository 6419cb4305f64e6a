//! Reading what a request carries: the extractors of axum, with our refusals.

use super::{JSON_BODY_MAX, Problem};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::error::Error;
use utoipa::ToSchema;

/// A JSON body.
#[derive(Debug)]
pub(crate) struct Body<T>(pub T);

/// The parameters behind the `?`.
#[derive(Debug)]
pub(crate) struct Params<T>(pub T);

/// One id in the path, checked by its own type.
#[derive(Debug)]
pub(crate) struct PathId<T>(pub T);

/// The body of a request whose path says everything.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        let bytes = read_bytes(request, state).await?;
        parse(&bytes).map(Self)
    }
}

/// 415 unless the request says that its body is JSON.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    require_type(headers, "application/json")
}

/// 415 unless the request says that its body is of this media type.
pub(crate) fn require_type(headers: &HeaderMap, expected: &str) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        format!("the body must be {expected}"),
    ))
}

/// The whole body, within its limit.
pub(crate) async fn read_bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection: BytesRejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let what = format!("the body has more than {JSON_BODY_MAX} bytes");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", what)
                .fact("most_bytes", JSON_BODY_MAX)
        } else {
            Problem::new(StatusCode::BAD_REQUEST, "body_unreadable", "the body could not be read to its end")
        }
    })
}

/// JSON into a type; says line and column of what is not JSON, and the path of what does not fit.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let parsed = Json::<T>::from_bytes(bytes);
    parsed.map(|Json(value)| value).map_err(|rejection| refused(&rejection, &place(&rejection)))
}

/// As [`parse`], of a part of a body, written anew: its lines and columns are nobody's, and are left out.
pub(crate) fn parse_part<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let parsed = Json::<T>::from_bytes(bytes);
    parsed.map(|Json(value)| value).map_err(|rejection| {
        let place = place(&rejection);
        refused(&rejection, place.rsplit_once(" at line ").map_or(place.as_str(), |(sentence, _)| sentence))
    })
}

fn refused(rejection: &JsonRejection, place: &str) -> Problem {
    match rejection {
        JsonRejection::JsonDataError(_) => {
            let what = format!("the body does not fit: {place}");
            of_field(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", what), place)
        }
        _ => {
            Problem::new(StatusCode::BAD_REQUEST, "malformed_json", format!("the body is not JSON: {place}"))
        }
    }
}

/// Where it is wrong, and what: a rejection's own sentence is general; its source names path, line and column.
fn place(rejection: &(dyn Error + 'static)) -> String {
    let mut place = rejection.to_string();
    let mut below = rejection.source();
    while let Some(cause) = below {
        place = cause.to_string();
        below = cause.source().filter(|next| !place.contains(&next.to_string()));
    }
    place
}

/// Says which field it is about, if the place begins with one.
fn of_field(problem: Problem, place: &str) -> Problem {
    match place.split_once(": ") {
        Some((field, _)) if is_field(field) => problem.about(field),
        _ => problem,
    }
}

/// As [`parse`], of a JSON object, of which every field that does not fit is told. A list would be taken for its fields in
/// the order of their declaration.
pub(super) fn parse_object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.trim_ascii_start().starts_with(b"[") {
        let what = "the body does not fit: a JSON object is expected, not a list";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", what));
    }
    parse(bytes).map_err(|first| with_the_others::<T>(bytes, first))
}

/// Bytes of a body at most of which more than the first mistake is looked for: a person's form is far smaller.
const LOOKED_THROUGH_MAX: usize = 64 << 10;
/// Mistakes that are told at most: the body is read anew for each.
const TOLD_MAX: usize = 32;

/// The first thing that does not fit, with all the others: without its field the body is read again.
fn with_the_others<T: DeserializeOwned>(bytes: &[u8], first: Problem) -> Problem {
    let body = Some(bytes).filter(|bytes| bytes.len() <= LOOKED_THROUGH_MAX);
    let Some(mut left) = body.and_then(|body| serde_json::from_slice::<Map<String, Value>>(body).ok()) else {
        return first;
    };
    let mut problems = vec![first.clone()];
    while problems.len() < TOLD_MAX {
        let field = problems.last().and_then(Problem::field).and_then(|path| path.split(['.', '[']).next());
        let known = field.is_some_and(|field| left.remove(field).is_some());
        let next =
            serde_json::to_vec(&left).ok().filter(|_| known).and_then(|left| parse_part::<T>(&left).err());
        // Once a field was taken out, a whole body lacks it.
        match next.filter(|next| next.field().is_some()) {
            Some(next) => problems.push(next),
            None => break,
        }
    }
    Problem::of_all(problems).unwrap_or(first)
}

/// Whether this is the path of a field, as it stands in front of what is wrong with it: `lines[0].product`.
fn is_field(path: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || "_.[]".contains(c);
    path.starts_with(|c: char| c.is_ascii_lowercase()) && path.chars().all(part)
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => {
                let place = place(&rejection);
                let what = format!("the query does not fit: {place}");
                Err(of_field(Problem::new(StatusCode::BAD_REQUEST, "invalid_query", what), &place))
            }
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            Err(rejection) => {
                Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_path", rejection.body_text()))
            }
        }
    }
}
