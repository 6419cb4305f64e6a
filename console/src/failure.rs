//! What stops a whole page, and the page that says so.

use crate::api::ApiError;
use crate::frame::{self, Frame};
use crate::lang::Lang;
use crate::state::Console;
use crate::who::page_of;
use askama::Template;
use axum::extract::Request;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use settlement_core::store::StoreError;

/// Why there is no page.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// There is no such page, or it is not for this person.
    NotFound,
    /// Whoever asks has to sign in, and comes back.
    SignInFirst {
        /// The page they wanted.
        back: String,
    },
    /// A form that did not come from our page.
    OtherSite,
    /// A form that cannot be read, such as one beyond all bounds.
    BadForm,
    /// The core has too much to do.
    Busy,
    /// This session asks for too many pages.
    TooMany {
        /// Seconds until the next one.
        retry_after_s: u32,
    },
    /// Something broke; the log says what.
    Broken,
}

impl Failure {
    /// A failure of the store.
    pub(crate) fn store(error: StoreError) -> Self {
        Self::from(settlement_core::api::Problem::from(error))
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::SignInFirst { .. } => StatusCode::SEE_OTHER,
            Self::OtherSite => StatusCode::FORBIDDEN,
            Self::BadForm => StatusCode::BAD_REQUEST,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<settlement_core::api::Problem> for Failure {
    fn from(problem: settlement_core::api::Problem) -> Self {
        match problem.status() {
            StatusCode::SERVICE_UNAVAILABLE => Self::Busy,
            StatusCode::TOO_MANY_REQUESTS => Self::TooMany { retry_after_s: problem.wait_s().unwrap_or(1) },
            _ => Self::Broken,
        }
    }
}

impl From<ApiError> for Failure {
    /// For questions: what the API refuses there, the person has no way to mend on the page.
    fn from(error: ApiError) -> Self {
        match &error {
            ApiError::Refused(problem) => match problem.status {
                404 | 403 => Self::NotFound,
                // A parameter in the address that nobody typed into a form of ours.
                400 | 422 => Self::NotFound,
                503 => Self::Busy,
                _ => {
                    tracing::error!(%error, "the API refused a question of the console");
                    Self::Broken
                }
            },
            ApiError::Unreadable { source, .. } => {
                tracing::error!(%error, source, "the console and the API do not understand each other");
                Self::Broken
            }
        }
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        tracing::error!(%error, "a page could not be rendered");
        Self::Broken
    }
}

impl IntoResponse for Failure {
    /// [`guard`](crate::guard) makes the page of it: only there is known in which language.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What of a request its failure's page needs.
pub(crate) struct Asked {
    lang: Lang,
    path: String,
}

impl Asked {
    pub(crate) fn of(console: &Console, request: &Request) -> Self {
        let path = page_of(request.method(), request.uri(), request.headers());
        Self { lang: Lang::of(console, request.headers()), path }
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    f: Frame,
    title: &'a str,
    words: &'a str,
}

/// The page of a failure.
pub(crate) fn page(console: &Console, asked: &Asked, failure: &Failure) -> Response {
    if let Failure::SignInFirst { back } = failure {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("back", back).finish();
        return Redirect::to(&format!("/sign-in?{query}")).into_response();
    }
    let t = console.texts(asked.lang);
    let (title, words) = match failure {
        Failure::NotFound => (&t.failure.not_found, &t.failure.not_found_words),
        Failure::OtherSite => (&t.failure.other_site, &t.failure.other_site_words),
        Failure::BadForm => (&t.failure.bad_form, &t.failure.bad_form_words),
        Failure::Busy | Failure::TooMany { .. } => (&t.failure.busy, &t.failure.busy_words),
        Failure::Broken | Failure::SignInFirst { .. } => (&t.failure.broken, &t.failure.broken_words),
    };
    let f = frame::bare(console, asked.lang, &asked.path);
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
