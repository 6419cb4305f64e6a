//! One account: another password, and whether it signs anybody in.

use super::accounts::{ACCOUNTS, Account, role_words};
use crate::api::path;
use crate::failure::Failure;
use crate::form::{Field, Form, Submitted};
use crate::order_pages::escaped;
use crate::sheet::{Action, Cell, FormPart, Part, Sheet};
use crate::show::moment;
use crate::state::Console;
use crate::who::Operator;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use http::Method;
use serde_json::json;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/operator/accounts/{login}", get(page))
        .route("/operator/accounts/{login}/password", post(reset))
        .route("/operator/accounts/{login}/{step}", post(switch))
}

fn here(login: &str) -> String {
    format!("{ACCOUNTS}/{}", escaped(login))
}

async fn page(operator: Operator, Path(login): Path<String>) -> Result<Response, Failure> {
    show(&operator, &login, Form::default()).await
}

async fn show(operator: &Operator, login: &str, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().accounts);
    let of: Account = who.ask(&path(&["accounts", login]), &[]).await?;
    let here = here(&of.login);
    let mut facts = vec![
        (texts.shop.role.clone(), Cell::Text(role_words(texts, of.role).to_owned())),
        (t.subject.clone(), Cell::Text(of.subject.clone().unwrap_or_else(|| "—".to_owned()))),
        (texts.shop.state.clone(), of.state(texts)),
        (texts.shop.made_at.clone(), Cell::Text(moment(of.created_at))),
        (t.password_at.clone(), Cell::Text(moment(of.password_at))),
    ];
    let may = of.may_change(operator);
    if may {
        let action = if of.disabled_at.is_some() {
            Action::new(format!("{here}/enable"), &texts.shop.enable, &of.login)
        } else {
            Action::new(format!("{here}/disable"), &t.disable, &of.login).danger(&texts.sure.disable_account)
        };
        facts.push((texts.shop.do_now.clone(), Cell::Actions(vec![action])));
    }
    let mut sheet = Sheet::new(who, &of.login).back(ACCOUNTS, &t.title);
    sheet.part(Part::Facts(String::new(), facts));
    if may {
        sheet.part(Part::Form(
            FormPart::new(&t.reset, format!("{here}/password"), &t.reset).intro(&t.reset_words).field(
                form.show(
                    Field::password("password", &texts.account.new_password, "new-password")
                        .hint(&texts.sign_in.password_hint),
                ),
            ),
        ));
    } else {
        sheet.part(Part::Note("", t.admins_alone.clone()));
    }
    sheet.show(form)
}

async fn reset(operator: Operator, Path(login): Path<String>, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let body = json!({ "password": sent.exact("password") });
    let set = who.change(Method::PUT, &path(&["accounts", &login, "password"]), "", &body).await;
    who.finish(&sent, set, (&here(&login), "reset"), |form| show(&operator, &login, form)).await
}

async fn switch(
    operator: Operator,
    Path((login, step)): Path<(String, String)>,
    sent: Submitted,
) -> Result<Response, Failure> {
    let who = &operator.who;
    let what = match step.as_str() {
        "disable" => "account_disabled",
        "enable" => "enabled",
        _ => return Err(Failure::NotFound),
    };
    let switched =
        who.change(Method::POST, &path(&["accounts", &login, &step]), sent.once(), &json!({})).await;
    who.finish(&sent, switched, (&here(&login), what), |form| show(&operator, &login, form)).await
}
