//! The page of what stops a page.

use crate::failure::Failure;
use crate::frame::Frame;
use crate::who::{Anybody, SignedIn};
use askama::Template;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, header};

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    f: Frame,
    title: &'a str,
    words: &'a str,
}

/// The page of a failure, for whoever asked.
pub(crate) async fn failure_page(asked: &Anybody, failure: &Failure) -> Response {
    if let Failure::SignInFirst { back, lost } = failure {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("back", back);
        if *lost {
            query.append_pair("lost", "yes");
        }
        let query = query.finish();
        return Redirect::to(&format!("/sign-in?{query}")).into_response();
    }
    let t = &asked.t;
    let (title, words) = match failure {
        Failure::NotFound => (&t.failure.not_found, &t.failure.not_found_words),
        Failure::OtherSite => (&t.failure.other_site, &t.failure.other_site_words),
        Failure::BadForm => (&t.failure.bad_form, &t.failure.bad_form_words),
        Failure::Busy | Failure::TooMany { .. } => (&t.failure.busy, &t.failure.busy_words),
        Failure::Broken | Failure::SignInFirst { .. } => (&t.failure.broken, &t.failure.broken_words),
    };
    // Whoever only lost their way keeps the menu. Where the store may be what fails, it is not asked.
    let known = match failure {
        Failure::NotFound => SignedIn::find(asked).await.ok().flatten(),
        _ => None,
    };
    let f = known.map_or_else(|| asked.frame(), |who| who.frame());
    let body = FailurePage { f, title, words }.render().unwrap_or_else(|_| title.clone());
    let mut headers = HeaderMap::new();
    if matches!(failure, Failure::Busy) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if let Failure::TooMany { retry_after_s } = failure {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_s));
    }
    (failure.status(), headers, Html(body)).into_response()
}
