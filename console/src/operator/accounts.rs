//! Accounts: who signs in with what, made and found by the operators, and whether promoters may sign up by themselves.

use crate::failure::Failure;
use crate::form::{self, Field, Form, Submitted};
use crate::list::{Page, next_page, query_of};
use crate::order_pages::escaped;
use crate::sheet::{Action, Cell, Filters, FormPart, Part, Sheet, Table};
use crate::show::moment;
use crate::state::Console;
use crate::texts::Texts;
use crate::who::Operator;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use http::Method;
use serde::Deserialize;
use serde_json::json;
use settlement_core::api::Role;

pub(super) const ACCOUNTS: &str = "/operator/accounts";
const SIGN_UP: &str = "/operator/sign-up";

pub(super) fn routes() -> Router<Console> {
    Router::new().route(ACCOUNTS, get(page).post(make)).route(SIGN_UP, post(open_or_close))
}

/// An account, as the API has it.
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    pub(super) login: String,
    pub(super) role: Role,
    pub(super) subject: Option<String>,
    pub(super) created_at: i64,
    pub(super) password_at: i64,
    pub(super) disabled_at: Option<i64>,
}

impl Account {
    /// Whether the one who is signed in may change it: only an admin touches admins and operators.
    pub(super) fn may_change(&self, operator: &Operator) -> bool {
        operator.who.principal().role == Role::Admin || !matches!(self.role, Role::Admin | Role::Operator)
    }

    pub(super) fn state(&self, t: &Texts) -> Cell {
        match self.disabled_at {
            Some(at) => Cell::Why("bad", t.shop.disabled.clone(), moment(at)),
            None => Cell::Tag("good", t.shop.works.clone()),
        }
    }
}

/// A role in words.
pub(super) fn role_words(t: &Texts, role: Role) -> &str {
    let t = &t.account;
    match role {
        Role::Promoter => &t.role_promoter,
        Role::Merchant => &t.role_merchant,
        Role::Agency => &t.role_agency,
        Role::Operator => &t.role_operator,
        Role::Admin => &t.role_admin,
        Role::Edge => &t.role_edge,
    }
}

#[derive(Debug, Deserialize)]
struct SignUp {
    open: bool,
}

async fn page(operator: Operator) -> Result<Response, Failure> {
    show(&operator, Form::default()).await
}

async fn show(operator: &Operator, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().accounts);
    let fields = query_of(who);
    let value = |name| form::value(&fields, name).trim();
    let query = [("q", value("q")), ("limit", "50"), ("cursor", value("cursor"))];
    let answer: Page<Account> = who.ask("/v1/accounts", &query).await?;
    let next = next_page(ACCOUNTS, &fields, answer.next_cursor);
    let columns = [&*t.login, &texts.shop.role, &t.subject, &texts.shop.state, &texts.shop.made_at];
    let mut table = Table::new("", &columns, &[], &t.none).next(next);
    for of in answer.items {
        let state = of.state(texts);
        table.row(vec![
            Cell::Link(format!("{ACCOUNTS}/{}", escaped(&of.login)), of.login),
            Cell::Text(role_words(texts, of.role).to_owned()),
            Cell::Text(of.subject.unwrap_or_else(|| "—".to_owned())),
            state,
            Cell::Text(moment(of.created_at)),
        ]);
    }
    let mut sheet = Sheet::new(who, &t.title);
    let first = Form::filled(fields).show(Field::text("q", &t.find).optional());
    sheet.part(Part::Filters(Filters { to: ACCOUNTS.to_owned(), first, more: Vec::new(), file: None }));
    sheet.part(Part::Table(table));
    sheet.part(Part::Form(new_account(operator, &form)));
    let sign_up: SignUp = who.ask("/v1/settings/sign-up", &[]).await?;
    let (words, press, wanted) =
        if sign_up.open { (&t.is_open, &t.close, "no") } else { (&t.is_closed, &t.open, "yes") };
    let action = Action::new(SIGN_UP, press, &t.sign_up).with("open", wanted);
    sheet.part(Part::Facts(
        t.sign_up.clone(),
        vec![
            (texts.shop.state.clone(), Cell::Text(words.clone())),
            (texts.shop.do_now.clone(), Cell::Actions(vec![action])),
        ],
    ));
    sheet.show(form)
}

fn new_account(operator: &Operator, form: &Form) -> FormPart {
    let texts = operator.who.t();
    let t = &texts.accounts;
    let mut roles = vec![Role::Promoter, Role::Merchant, Role::Agency];
    if operator.who.principal().role == Role::Admin {
        roles.extend([Role::Operator, Role::Admin]);
    }
    let roles = roles.into_iter().map(|role| (role.name().to_owned(), role_words(texts, role).to_owned()));
    FormPart::new(&t.new_account, ACCOUNTS, &texts.shop.make)
        .field(form.show(Field::text("login", &t.login).hint(&t.login_hint)))
        .field(form.show(
            Field::password("password", &t.password, "new-password").hint(&texts.sign_in.password_hint),
        ))
        .field(form.show(Field::choice("role", &texts.shop.role, roles.collect())))
        .field(form.show(Field::text("subject", &t.subject).hint(&t.subject_hint).optional()))
}

async fn make(operator: Operator, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let body = json!({
        "login": sent.value("login"),
        "password": sent.exact("password"),
        "role": sent.value("role"),
        "subject": sent.given("subject"),
    });
    let made = who.change(Method::POST, "/v1/accounts", "", &body).await;
    let page = format!("{ACCOUNTS}/{}", escaped(&sent.value("login").to_lowercase()));
    who.finish(&sent, made, (&page, "account"), |form| show(&operator, form)).await
}

async fn open_or_close(operator: Operator, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let open = sent.value("open") == "yes";
    let set = who.change(Method::PUT, "/v1/settings/sign-up", sent.once(), &json!({ "open": open })).await;
    who.finish(&sent, set, (ACCOUNTS, "saved"), |form| show(&operator, form)).await
}
