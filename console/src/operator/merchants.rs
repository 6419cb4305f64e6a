//! Merchants, the money that they paid in, and their off-site enrolments to be audited.

use super::{facts, sourcing};
use crate::api::path;
use crate::failure::Failure;
use crate::form::{Field, Form, Mistake, Submitted};
use crate::list::{Listed, listed};
use crate::merchant::balance_parts;
use crate::order_pages::escaped;
use crate::sheet::{Cell, Filters, FormPart, Part, Sheet, Table};
use crate::show::fen;
use crate::state::Console;
use crate::who::Operator;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use http::Method;
use serde::Deserialize;
use serde_json::json;

const MERCHANTS: &str = "/operator/merchants";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(MERCHANTS, get(list).post(make))
        .route("/operator/merchants/{id}", get(detail).post(top_up))
}

#[derive(Debug, Deserialize)]
struct Entry {
    id: String,
    name: String,
    platform: String,
}

async fn list(operator: Operator) -> Result<Response, Failure> {
    show_list(&operator, Form::default()).await
}

async fn show_list(operator: &Operator, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().operator);
    let Listed::<Entry> { fields, items, next } = listed(who, MERCHANTS, "/v1/merchants", &["q"]).await?;
    let columns = [&*texts.shop.name, &texts.shop.id, &t.platform];
    let mut table = Table::new("", &columns, &[], &t.no_merchants).next(next);
    for of in items {
        table.row(vec![
            Cell::Link(format!("{MERCHANTS}/{}", of.id), of.name),
            Cell::Code(of.id),
            Cell::Text(of.platform),
        ]);
    }
    let mut sheet = Sheet::new(who, &t.merchants);
    if let Some(table) = sourcing::to_audit(who, "").await? {
        sheet.part(Part::Table(table));
    }
    let first = Form::filled(fields).show(Field::text("q", &texts.shop.name).optional());
    sheet.part(Part::Filters(Filters { to: MERCHANTS.to_owned(), first, more: Vec::new(), file: None }));
    sheet.part(Part::Table(table));
    sheet.part(Part::Form(
        FormPart::new(&t.new_merchant, MERCHANTS, &texts.shop.make)
            .field(form.show(Field::text("id", &texts.shop.id).hint(&texts.shop.id_hint)))
            .field(form.show(Field::text("name", &texts.shop.name)))
            .field(form.show(Field::text("platform", &t.platform).hint(&t.platform_hint)))
            .fold(form.is_refused()),
    ));
    sheet.show(form)
}

/// Makes a merchant. The rest of it is for the shop to say.
async fn make(operator: Operator, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let id = sent.value("id");
    let to = path(&["merchants", id]);
    if let Some(mistake) = who.wrong_new_id(&to, id).await {
        return show_list(&operator, Form::refused(&sent.fields, vec![mistake])).await;
    }
    let body = json!({ "name": sent.value("name"), "platform": sent.value("platform") });
    let made = who.change(Method::PUT, &to, sent.once(), &body).await;
    let page = format!("{MERCHANTS}/{}", escaped(id));
    who.finish(&sent, made, (&page, "merchant"), |form| show_list(&operator, form)).await
}

async fn detail(operator: Operator, Path(id): Path<String>) -> Result<Response, Failure> {
    show(&operator, &id, Form::default()).await
}

async fn show(operator: &Operator, id: &str, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().operator);
    let of: Entry = who.ask(&path(&["merchants", id]), &[]).await?;
    let here = format!("{MERCHANTS}/{id}");
    let mut sheet = Sheet::new(who, &of.name).back(MERCHANTS, &t.merchants);
    for part in balance_parts(who, id, &here).await? {
        sheet.part(part);
    }
    sheet.part(Part::Links(vec![
        (format!("{here}/disputes"), texts.dispute.title.clone()),
        (facts::place(id), texts.facts.title.clone()),
        (format!("{here}/sources"), texts.sources.title.clone()),
        (format!("{here}/video-tasks"), texts.video.title.clone()),
    ]));
    sheet.part(Part::Form(
        FormPart::new(&t.top_up, here.clone(), &t.book)
            .intro(&t.top_up_words)
            .field(form.show(Field::text("amount_fen", &texts.shop.amount).inputmode("decimal")))
            .field(form.show(Field::text("reference", &texts.shop.reference).hint(&t.reference_hint))),
    ));
    if let Some(table) = sourcing::to_audit(who, id).await? {
        sheet.part(Part::Table(table));
    }
    sheet.show(form)
}

async fn top_up(operator: Operator, Path(id): Path<String>, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let Some(amount) = fen(sent.value("amount_fen")).filter(|amount| *amount > 0) else {
        let words = who.t().money.bad_amount.clone();
        let mistake = Mistake { field: Some("amount_fen".to_owned()), words };
        return show(&operator, &id, Form::refused(&sent.fields, vec![mistake])).await;
    };
    let body = json!({ "amount_fen": amount, "reference": sent.value("reference") });
    let booked = who.change(Method::POST, &path(&["merchants", &id, "top-ups"]), sent.once(), &body).await;
    let here = format!("{MERCHANTS}/{id}");
    who.finish(&sent, booked, (&here, "topped_up"), |form| show(&operator, &id, form)).await
}
