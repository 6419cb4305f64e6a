//! Signing in and out: by name and password, or with an API token.

use crate::back::local_path;
use crate::cookies::Cookie;
use crate::failure::Failure;
use crate::form::{self, Field, Fields, Form, Mistake, Submitted};
use crate::frame::{Frame, html};
use crate::navigation::home_of;
use crate::state::Console;
use crate::texts::fill;
use crate::who::{Anybody, SignedIn};
use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::{HeaderValue, StatusCode, header};
use settlement_core::accounts::{NewSession, SignInError};
use settlement_core::api::TokenText;

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/sign-in", get(page).post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/sign-out-everywhere", post(sign_out_everywhere))
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    f: Frame,
    form: Form,
    back: String,
    /// A form was sent after the session had ended.
    lost: bool,
    login: Field,
    password: Field,
    token: Field,
    sign_up: bool,
    /// The part for API tokens is open.
    with_token: bool,
}

async fn page(anybody: Anybody) -> Result<Response, Failure> {
    // Whoever is signed in already has nothing to do here.
    if let Some(who) = SignedIn::find(&anybody).await? {
        return Ok(Redirect::to(home_of(who.principal().role)).into_response());
    }
    let query = anybody.path.split_once('?').map_or("", |(_, query)| query);
    let fields = form::parse(query.as_bytes());
    let back = local_path(form::value(&fields, "back"));
    let lost = !form::value(&fields, "lost").is_empty();
    show(&anybody, Form::default(), &back, lost).await
}

async fn show(anybody: &Anybody, form: Form, back: &str, lost: bool) -> Result<Response, Failure> {
    let t = &anybody.t.sign_in;
    let sign_up = anybody.console.core().sign_up_open().await.map_err(Failure::store)?;
    let token = form.show(Field::password("token", &t.token, "off").hint(&t.token_hint));
    let page = SignInPage {
        f: anybody.frame(),
        back: back.to_owned(),
        lost,
        login: form.show(Field::text("login", &t.login).hint(&t.login_hint).autocomplete("username")),
        password: form.show(Field::password("password", &t.password, "current-password")),
        with_token: form.mistakes().iter().any(|mistake| mistake.field.as_deref() == Some("token")),
        token,
        sign_up,
        form,
    };
    html(&page)
}

async fn sign_in(anybody: Anybody, body: Bytes) -> Result<Response, Failure> {
    let fields = form::parse(&body);
    let value = |name: &str| form::value(&fields, name);
    let back = local_path(value("back"));
    let core = anybody.console.core();
    let token = value("token").trim();
    let result = if token.is_empty() {
        core.sign_in(value("login"), value("password"), anybody.from).await
    } else {
        core.sign_in_with_token(&TokenText::given(token), anybody.from).await
    };
    match result {
        Ok(new) => Ok(begin(&anybody.console, &new, &back)),
        Err(error) => {
            let field = if token.is_empty() { "login" } else { "token" };
            refuse(&anybody, &fields, field, &error, &back).await
        }
    }
}

/// Sends whoever just signed in on, with the cookie of their session.
pub(crate) fn begin(console: &Console, new: &NewSession, back: &str) -> Response {
    let to = if back == "/" { home_of(new.session.principal.role) } else { back };
    let mut response = Redirect::to(to).into_response();
    if let Some(cookie) = Cookie::Session.set(console, new.secret.reveal()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

async fn refuse(
    anybody: &Anybody,
    fields: &Fields,
    field: &str,
    error: &SignInError,
    back: &str,
) -> Result<Response, Failure> {
    let t = &anybody.t.sign_in;
    let (status, words) = match error {
        SignInError::Wrong => (StatusCode::UNPROCESSABLE_ENTITY, t.wrong.clone()),
        SignInError::TooMany { retry_after_s } => {
            (StatusCode::TOO_MANY_REQUESTS, fill(&t.too_many, "minutes", retry_after_s.div_ceil(60)))
        }
        SignInError::Busy => (StatusCode::SERVICE_UNAVAILABLE, t.busy.clone()),
        SignInError::Internal | SignInError::Store(_) => {
            tracing::error!(%error, "a sign-in failed");
            (StatusCode::INTERNAL_SERVER_ERROR, t.internal.clone())
        }
    };
    let mistakes = vec![Mistake { field: Some(field.to_owned()), words }];
    let mut response = show(anybody, Form::refused(fields, mistakes), back, false).await?;
    *response.status_mut() = status;
    if let SignInError::TooMany { retry_after_s } = error {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_s));
    }
    Ok(response)
}

async fn sign_out(who: SignedIn, _form: Submitted) -> Result<Response, Failure> {
    who.console().core().sign_out(&who.secret).await.map_err(Failure::store)?;
    Ok(gone(who.console()))
}

async fn sign_out_everywhere(who: SignedIn, _form: Submitted) -> Result<Response, Failure> {
    who.console().core().sign_out_everywhere(&who.secret).await.map_err(Failure::store)?;
    Ok(gone(who.console()))
}

fn gone(console: &Console) -> Response {
    let mut response = Redirect::to("/sign-in").into_response();
    if let Some(cookie) = Cookie::Session.clear(console) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
