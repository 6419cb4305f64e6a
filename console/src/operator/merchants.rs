//! Merchants, the money that they paid in, and their off-site enrolments to be audited.

use crate::api::path;
use crate::failure::Failure;
use crate::form::{self, Field, Form, Mistake, Submitted};
use crate::list::{Page, everything, next_page, query_of};
use crate::merchant::balance_parts;
use crate::sheet::{Action, Cell, Filters, FormPart, Part, Sheet, Table};
use crate::show::{fen, moment};
use crate::state::Console;
use crate::who::Operator;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use http::Method;
use serde::Deserialize;
use serde_json::json;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/operator/merchants", get(list))
        .route("/operator/merchants/{id}", get(detail).post(top_up))
        .route("/operator/merchants/{id}/enrolments/{enrolment}", post(decide))
}

#[derive(Debug, Deserialize)]
struct Entry {
    id: String,
    name: String,
    platform: String,
}

#[derive(Debug, Deserialize)]
struct Enrolment {
    id: String,
    product: String,
    state: String,
    submitted_at: i64,
}

async fn list(operator: Operator) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().operator);
    let fields = query_of(who);
    let value = |name| form::value(&fields, name).trim();
    let query = [("q", value("q")), ("limit", "50"), ("cursor", value("cursor"))];
    let answer: Page<Entry> = who.ask("/v1/merchants", &query).await?;
    let next = next_page("/operator/merchants", &fields, answer.next_cursor);
    let columns = [&*texts.shop.name, &texts.shop.id, &t.platform];
    let mut table = Table::new("", &columns, &[], &t.no_merchants).next(next);
    for of in answer.items {
        table.row(vec![
            Cell::Link(format!("/operator/merchants/{}", of.id), of.name),
            Cell::Code(of.id),
            Cell::Text(of.platform),
        ]);
    }
    let mut sheet = Sheet::new(who, &t.merchants);
    let first = Form::filled(fields).show(Field::text("q", &texts.shop.name).optional());
    sheet.part(Part::Filters(Filters { to: "/operator/merchants".to_owned(), first, more: Vec::new() }));
    sheet.part(Part::Table(table));
    sheet.show(Form::default())
}

async fn detail(operator: Operator, Path(id): Path<String>) -> Result<Response, Failure> {
    show(&operator, &id, Form::default()).await
}

async fn show(operator: &Operator, id: &str, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().operator);
    let of: Entry = who.ask(&path(&["merchants", id]), &[]).await?;
    let here = format!("/operator/merchants/{id}");
    let mut sheet = Sheet::new(who, &of.name).back("/operator/merchants", &t.merchants);
    for part in balance_parts(who, id, &here).await? {
        sheet.part(part);
    }
    sheet.part(Part::Links(vec![(format!("{here}/disputes"), texts.dispute.title.clone())]));
    sheet.part(Part::Form(
        FormPart::new(&t.top_up, here.clone(), &t.book)
            .intro(&t.top_up_words)
            .field(form.show(Field::text("amount_fen", &texts.shop.amount).inputmode("decimal")))
            .field(form.show(Field::text("reference", &texts.shop.reference).hint(&t.reference_hint))),
    ));
    let enrolments: Vec<Enrolment> = everything(who, "/v1/enrolments", &[("merchant", id)]).await?;
    let columns = [&*texts.shop.enrolment, &texts.shop.product_id, &texts.shop.applied_at, ""];
    let mut table = Table::new(&t.to_audit, &columns, &[], &t.nothing_to_audit);
    for of in enrolments.into_iter().filter(|of| of.state == "auditing") {
        let action = |what: &str, words: &str| {
            Action::new(format!("{here}/enrolments/{}", of.id), words, &of.id).with("answer", what)
        };
        table.row(vec![
            Cell::Code(of.id.clone()),
            Cell::Text(of.product.clone()),
            Cell::Text(moment(of.submitted_at)),
            Cell::Actions(vec![
                action("approve", &texts.shop.approve),
                action("reject", &texts.shop.reject).danger(),
            ]),
        ]);
    }
    sheet.part(Part::Table(table));
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
    let here = format!("/operator/merchants/{id}");
    who.finish(&sent, booked, (&here, "topped_up"), |form| show(&operator, &id, form)).await
}

/// The audit's word on an enrolment.
async fn decide(
    operator: Operator,
    Path((id, enrolment)): Path<(String, String)>,
    sent: Submitted,
) -> Result<Response, Failure> {
    let who = &operator.who;
    let (answer, body, what) = match sent.value("answer") {
        "approve" => ("approve", json!({}), "enrolment_approved"),
        "reject" => ("reject", json!({ "reason": who.t().operator.rejected_by_audit }), "enrolment_rejected"),
        _ => return Err(Failure::BadForm),
    };
    let decided =
        who.change(Method::POST, &path(&["enrolments", &enrolment, answer]), sent.once(), &body).await;
    let here = format!("/operator/merchants/{id}");
    who.finish(&sent, decided, (&here, what), |form| show(&operator, &id, form)).await
}
