//! What becomes of a form that was sent: on to the page that says so, or the form again with what is wrong.

use crate::api::ApiError;
use crate::back::done;
use crate::failure::Failure;
use crate::form::{Fields, Form, Mistake, Submitted};
use crate::problem;
use crate::who::SignedIn;
use axum::response::Response;
use serde::de::IgnoredAny;
use serde_json::Value;

impl SignedIn {
    /// What is wrong with the id of something new that is to be at `to`: a form for it must not change what there is.
    pub(crate) async fn wrong_new_id(&self, to: &str, id: &str) -> Option<Mistake> {
        let t = &self.t().shop;
        let words = match self.ask::<IgnoredAny>(to, &[]).await {
            _ if id.is_empty() => &t.id_needed,
            Err(error) if matches!(error.code(), Some("not_found" | "invalid_path")) => return None,
            _ => &t.id_taken,
        };
        Some(Mistake { field: Some("id".to_owned()), words: words.clone() })
    }

    /// What became of a form: on to the page `to`, which says `what` was done, or `again` with what is wrong.
    pub(crate) async fn finish<F: Future<Output = Result<Response, Failure>>>(
        &self,
        sent: &Submitted,
        changed: Result<Value, ApiError>,
        (to, what): (&str, &str),
        again: impl FnOnce(Form) -> F,
    ) -> Result<Response, Failure> {
        match changed {
            Ok(_) => Ok(done(to, what)),
            Err(error) => again(self.refused(&sent.fields, error)?).await,
        }
    }

    /// The form that was sent, with what the API says about it. What is not the person's to mend stops the page.
    pub(crate) fn refused(&self, sent: &Fields, error: ApiError) -> Result<Form, Failure> {
        match error {
            ApiError::Refused(body) if matches!(body.status, 400 | 403 | 404 | 409 | 413 | 422) => {
                Ok(Form::refused(sent, problem::mistakes(self.t(), self.anybody.lang, &body)))
            }
            error => Err(error.into()),
        }
    }
}
