//! What stops a whole page, and the page that says so.

use crate::api::ApiError;
use crate::frame::Frame;
use crate::who::{Anybody, SignedIn};
use askama::Template;
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
        /// They sent a form, which is lost.
        lost: bool,
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

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    f: Frame,
    title: &'a str,
    words: &'a str,
}

/// The page of a failure, for whoever asked.
pub(crate) async fn page(asked: &Anybody, failure: &Failure) -> Response {
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
