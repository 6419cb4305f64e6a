//! Signing up as a promoter, where the operator allows it.

use crate::failure::Failure;
use crate::form::{self, Field, Fields, Form, Mistake};
use crate::frame::{Frame, html};
use crate::problem;
use crate::sign_in::begin;
use crate::state::Console;
use crate::texts::fill;
use crate::who::Anybody;
use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use settlement_core::accounts::{SignInError, SignUp, SignUpError};
use settlement_core::api::ProblemBody;

pub(crate) fn routes() -> Router<Console> {
    Router::new().route("/sign-up", get(page).post(sign_up))
}

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUpPage {
    f: Frame,
    form: Form,
    open: bool,
    name: Field,
    login: Field,
    password: Field,
}

async fn page(anybody: Anybody) -> Result<Response, Failure> {
    show(&anybody, Form::default()).await
}

async fn show(anybody: &Anybody, form: Form) -> Result<Response, Failure> {
    let t = &anybody.t.sign_in;
    let page = SignUpPage {
        f: anybody.frame(),
        open: anybody.console.core().sign_up_open().await.map_err(Failure::store)?,
        name: form.show(Field::text("name", &t.name).hint(&t.name_hint).autocomplete("name")),
        login: form.show(
            Field::text("login", &t.phone).hint(&t.phone_hint).autocomplete("username").inputmode("tel"),
        ),
        password: form
            .show(Field::password("password", &t.new_password, "new-password").hint(&t.password_hint)),
        form,
    };
    html(&page)
}

async fn sign_up(anybody: Anybody, body: Bytes) -> Result<Response, Failure> {
    let fields = form::parse(&body);
    let value = |name: &str| form::value(&fields, name).to_owned();
    let wanted = SignUp { name: value("name"), login: value("login"), password: value("password") };
    match anybody.console.core().sign_up(wanted, anybody.from).await {
        Ok(new) => Ok(begin(&anybody.console, &new, "/")),
        Err(error) => refuse(&anybody, &fields, error).await,
    }
}

async fn refuse(anybody: &Anybody, fields: &Fields, error: SignUpError) -> Result<Response, Failure> {
    let t = &anybody.t;
    let mistake = |words: &str| vec![Mistake { field: None, words: words.to_owned() }];
    let (status, mistakes) = match error {
        SignUpError::Refused(problems) => {
            let mut status = StatusCode::UNPROCESSABLE_ENTITY;
            let mut mistakes = Vec::new();
            for problem in problems {
                if problem.status().is_server_error() {
                    return Err(problem.into());
                }
                status = problem.status();
                mistakes.push(problem::mistake(t, anybody.lang, &ProblemBody::from(problem)));
            }
            (status, mistakes)
        }
        SignUpError::SignIn(SignInError::TooMany { retry_after_s }) => {
            let words = fill(&t.sign_in.too_many, "minutes", retry_after_s.div_ceil(60));
            (StatusCode::TOO_MANY_REQUESTS, mistake(&words))
        }
        SignUpError::SignIn(SignInError::Busy) => (StatusCode::SERVICE_UNAVAILABLE, mistake(&t.sign_in.busy)),
        SignUpError::SignIn(error) => {
            tracing::error!(%error, "a sign-up failed");
            return Err(Failure::Broken);
        }
    };
    let mut response = show(anybody, Form::refused(fields, mistakes)).await?;
    *response.status_mut() = status;
    Ok(response)
}
