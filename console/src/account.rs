//! One's own account: who one is, the password, the way out everywhere.

use crate::back::done;
use crate::failure::Failure;
use crate::form::{Field, Form, Mistake, Submitted};
use crate::frame::{Frame, refusing};
use crate::problem;
use crate::state::Console;
use crate::texts::{Texts, fill};
use crate::who::SignedIn;
use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use settlement_core::accounts::{PasswordChangeError, SignInError};
use settlement_core::api::{ProblemBody, Role};

pub(crate) fn routes() -> Router<Console> {
    Router::new().route("/account", get(page)).route("/account/password", post(change_password))
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    f: Frame,
    form: Form,
    role: String,
    subject: Option<String>,
    /// With a password; a session of an API token has none.
    has_password: bool,
    /// The role has pages of its own here.
    has_pages: bool,
    current: Field,
    password: Field,
}

fn role_words(t: &Texts, role: Role) -> &str {
    let t = &t.account;
    match role {
        Role::Admin => &t.role_admin,
        Role::Operator => &t.role_operator,
        Role::Merchant => &t.role_merchant,
        Role::Promoter => &t.role_promoter,
        Role::Agency => &t.role_agency,
        Role::Edge => &t.role_edge,
    }
}

async fn page(who: SignedIn) -> Result<Response, Failure> {
    show(&who, Form::default())
}

fn show(who: &SignedIn, form: Form) -> Result<Response, Failure> {
    let t = &who.t().account;
    let f = who.frame();
    let page = AccountPage {
        has_pages: !f.nav.is_empty(),
        f,
        role: role_words(who.t(), who.principal().role).to_owned(),
        subject: who.principal().subject.clone(),
        has_password: who.session.login.is_some(),
        current: form.show(Field::password("current", &t.current_password, "current-password")),
        password: form
            .show(Field::password("password", &t.new_password, "new-password").hint(&t.password_hint)),
        form,
    };
    refusing(&page, &page.form)
}

async fn change_password(who: SignedIn, form: Submitted) -> Result<Response, Failure> {
    let changed = who
        .console()
        .core()
        .change_password(&who.secret, form.exact("current"), form.exact("password"))
        .await;
    let t = who.t();
    let mistake = match changed {
        Ok(()) => return Ok(done("/account", "password")),
        Err(PasswordChangeError::Refused(problem)) if problem.status().is_server_error() => {
            return Err(problem.into());
        }
        Err(PasswordChangeError::Refused(problem)) => {
            problem::mistake(t, who.anybody.lang, &ProblemBody::from(problem))
        }
        Err(PasswordChangeError::SignIn(SignInError::Wrong)) => {
            Mistake { field: Some("current".to_owned()), words: t.account.wrong_password.clone() }
        }
        Err(PasswordChangeError::SignIn(SignInError::TooMany { retry_after_s })) => Mistake {
            field: Some("current".to_owned()),
            words: fill(&t.sign_in.too_many, "minutes", retry_after_s.div_ceil(60)),
        },
        Err(PasswordChangeError::SignIn(SignInError::Busy)) => return Err(Failure::Busy),
        Err(PasswordChangeError::SignIn(error)) => {
            tracing::error!(%error, "a password could not be changed");
            return Err(Failure::Broken);
        }
    };
    show(&who, Form::refused(&form.fields, vec![mistake]))
}
