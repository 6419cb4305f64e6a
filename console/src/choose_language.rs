//! The form on every page that chooses its language.

use crate::back::local_path;
use crate::cookies::Cookie;
use crate::form;
use crate::lang::Lang;
use crate::state::Console;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use http::header;

pub(crate) fn routes() -> Router<Console> {
    Router::new().route("/language", post(choose))
}

/// Remembers the language and goes back to the page.
async fn choose(State(console): State<Console>, body: Bytes) -> Response {
    let fields = form::parse(&body);
    let value = |name: &str| form::value(&fields, name);
    let mut response = Redirect::to(&local_path(value("back"))).into_response();
    if let Some(cookie) =
        Lang::named(value("lang")).and_then(|lang| Cookie::Language.set(&console, lang.name()))
    {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
