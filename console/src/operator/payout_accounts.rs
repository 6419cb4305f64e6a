//! Payout accounts that wait for a check: whether each is in the name of whom it should be.

use crate::failure::Failure;
use crate::form::{self, Field, Form, Submitted};
use crate::list::{Page, page_at, query_of};
use crate::money::kind_words;
use crate::sheet::{Cell, FormPart, Part, Sheet, Table};
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

const LIST: &str = "/operator/payout-accounts";
const CHECK: &str = "/operator/payout-accounts/check";
const VERIFY: &str = "/operator/payout-accounts/verify";
const REFUSE: &str = "/operator/payout-accounts/refuse";
pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(LIST, get(list))
        .route(CHECK, get(check))
        .route(VERIFY, post(verify))
        .route(REFUSE, post(refuse))
}

#[derive(Debug, Deserialize)]
struct ToCheck {
    payee: String,
    payee_name: Option<String>,
    kind: String,
    account: String,
    holder: String,
    from: i64,
}

async fn list(operator: Operator) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().check);
    let answer = page_at::<ToCheck>(who, LIST, "/v1/payout-accounts", &[]).await?;
    let columns = [&*texts.money.holder, &t.payee, &texts.money.kind, &texts.money.number, &t.bound_at, ""];
    let mut table = Table::new("", &columns, &[], &t.none).next(answer.next);
    for of in answer.items {
        let key =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("payee", &of.payee).finish();
        table.row(vec![
            Cell::Text(of.holder),
            payee(texts, &of.payee, of.payee_name),
            Cell::Text(kind_words(texts, &of.kind).to_owned()),
            Cell::Code(of.account),
            Cell::Text(moment(of.from)),
            Cell::Link(format!("{CHECK}?{key}"), t.check.clone()),
        ]);
    }
    let mut sheet = Sheet::new(who, &t.title).intro(&t.intro);
    sheet.part(Part::Table(table));
    sheet.show(Form::default())
}

/// Who is paid, as people say it.
pub(super) fn payee(t: &Texts, payee: &str, name: Option<String>) -> Cell {
    let (role, id) = match payee.split_once('/') {
        Some(("promoter", id)) => (&t.account.role_promoter, id),
        Some(("agency", id)) => (&t.account.role_agency, id),
        _ => return Cell::Text(payee.to_owned()),
    };
    match name {
        Some(name) => Cell::Named(format!("{role} {name}"), id.to_owned()),
        None => Cell::Text(format!("{role} {id}")),
    }
}

async fn check(operator: Operator) -> Result<Response, Failure> {
    let fields = query_of(&operator.who);
    show(&operator, form::value(&fields, "payee"), Form::default()).await
}

/// What is bound now: if that has changed since somebody looked, there is another one to look at.
async fn show(operator: &Operator, whose: &str, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().check);
    let answer: Page<ToCheck> = who.ask("/v1/payout-accounts", &[("payee", whose), ("limit", "1")]).await?;
    let mut sheet = Sheet::new(who, &t.check_title).back(LIST, &t.title).intro(&t.check_words);
    let Some(of) = answer.items.into_iter().find(|of| of.payee == whose) else {
        sheet.part(Part::Note("", t.nothing.clone()));
        return sheet.show(form);
    };
    let from = of.from.to_string();
    sheet.part(Part::Facts(
        String::new(),
        vec![
            (t.payee.clone(), payee(texts, whose, of.payee_name)),
            (texts.money.holder.clone(), Cell::Text(of.holder)),
            (texts.money.kind.clone(), Cell::Text(kind_words(texts, &of.kind).to_owned())),
            (texts.money.number.clone(), Cell::Code(of.account)),
            (t.bound_at.clone(), Cell::Text(moment(of.from))),
        ],
    ));
    let known = |part: FormPart| part.hidden("payee", whose).hidden("from", &from);
    sheet.part(Part::Form(known(FormPart::new(&t.verify_title, VERIFY, &t.verify).intro(&t.verify_words))));
    let reason = form.show(Field::text("reason", &t.reason).hint(&t.reason_hint));
    let part = FormPart::new(&t.refuse_title, REFUSE, &t.refuse).intro(&t.refuse_words);
    sheet.part(Part::Form(known(part.field(reason).danger())));
    sheet.show(form)
}

async fn verify(operator: Operator, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let body = json!({ "payee": sent.value("payee"), "from": from(&sent)? });
    let verified = who.change(Method::POST, "/v1/payout-accounts/verify", sent.once(), &body).await;
    let again = |form| show(&operator, sent.value("payee"), own_field(form));
    who.finish(&sent, verified, (LIST, "account_verified"), again).await
}

async fn refuse(operator: Operator, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let body = json!({ "payee": sent.value("payee"), "from": from(&sent)?, "reason": sent.value("reason") });
    let refused = who.change(Method::POST, "/v1/payout-accounts/refuse", sent.once(), &body).await;
    let again = |form| show(&operator, sent.value("payee"), own_field(form));
    who.finish(&sent, refused, (LIST, "account_refused"), again).await
}

/// Since when what was looked at is bound.
fn from(sent: &Submitted) -> Result<i64, Failure> {
    sent.value("from").parse().map_err(|_| Failure::BadForm)
}

/// The payee is no field of these forms.
fn own_field(form: Form) -> Form {
    form.each(|mistake| mistake.field = mistake.field.take().filter(|field| field != "payee"))
}
