//! What stops a whole page.

use crate::api::ApiError;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
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

    pub(crate) const fn status(&self) -> StatusCode {
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
    /// [`guard`](crate::guard) makes the [page](crate::failure_page) of it: only there is known in which language.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
