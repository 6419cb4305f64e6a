//! The audit of off-site enrolments (站外分销报名): which wait, one's SKUs with their prices, and the answer.

use crate::api::path;
use crate::enrolment::Enrolled;
use crate::failure::Failure;
use crate::form::{Field, Form, Submitted};
use crate::list::everything;
use crate::order_pages::escaped;
use crate::sheet::{Cell, FormPart, Part, Sheet, Table};
use crate::show::{moment, yuan};
use crate::state::Console;
use crate::who::{Operator, SignedIn};
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use http::Method;
use serde::Deserialize;
use serde_json::json;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/operator/merchants/{id}/enrolments/{enrolment}", get(detail).post(decide))
}

#[derive(Debug, Deserialize)]
struct Enrolment {
    #[serde(flatten)]
    of: Enrolled,
    merchant: String,
    skus: Vec<Sku>,
}

#[derive(Debug, Deserialize)]
struct Sku {
    sku: String,
    channel_price_fen: i64,
    market_price_fen: i64,
    low30_fen: Option<i64>,
    channel_stock: Option<u32>,
    accepted: bool,
    needs_review: bool,
}

/// An enrolment that waits for its audit.
#[derive(Debug, Deserialize)]
struct Waiting {
    id: String,
    merchant: String,
    merchant_name: Option<String>,
    product: String,
    title: Option<String>,
    submitted_at: i64,
    audit: Option<Due>,
}

/// Until when it is to be decided, as far as the workdays are known.
#[derive(Debug, Deserialize)]
struct Due {
    usual_day: Option<String>,
    latest_day: Option<String>,
    overdue: bool,
}

/// The enrolments of a merchant, or of all if it is empty, that wait for their audit: those that came first stand first.
/// Nothing, if there are none of all merchants.
pub(super) async fn to_audit(who: &SignedIn, merchant: &str) -> Result<Option<Table>, Failure> {
    let (t, s) = (&who.t().operator, &who.t().shop);
    let query = [("merchant", merchant), ("state", "auditing")];
    let waiting: Vec<Waiting> = everything(who, "/v1/enrolments", &query).await?;
    if waiting.is_empty() && merchant.is_empty() {
        return Ok(None);
    }
    let columns = [&*s.enrolment, &s.merchant, &s.product, &s.applied_at, &t.usual_day, &t.latest_day];
    let mut table = Table::new(&t.to_audit, &columns, &[], &t.nothing_to_audit);
    let day = |known: Option<String>| known.unwrap_or_else(|| "—".to_owned());
    for of in waiting.into_iter().rev() {
        let (usual, latest, overdue) =
            of.audit.map_or((None, None, false), |due| (due.usual_day, due.latest_day, due.overdue));
        table.row(vec![
            Cell::Link(place(&of.merchant, &of.id), of.id),
            Cell::named(of.merchant_name, Some(of.merchant)),
            Cell::named(of.title, Some(of.product)),
            Cell::Text(moment(of.submitted_at)),
            Cell::Text(day(usual)),
            if overdue { Cell::Why("bad", t.overdue.clone(), day(latest)) } else { Cell::Text(day(latest)) },
        ]);
    }
    Ok(Some(table))
}

/// Where an enrolment is audited.
fn place(merchant: &str, enrolment: &str) -> String {
    format!("/operator/merchants/{}/enrolments/{}", escaped(merchant), escaped(enrolment))
}

async fn detail(
    operator: Operator,
    Path((merchant, enrolment)): Path<(String, String)>,
) -> Result<Response, Failure> {
    show(&operator, &merchant, &enrolment, Form::default()).await
}

async fn show(operator: &Operator, merchant: &str, enrolment: &str, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t, s) = (who.t(), &who.t().operator, &who.t().shop);
    let Enrolment { of, merchant: whose, skus } = who.ask(&path(&["enrolments", enrolment]), &[]).await?;
    if whose != merchant {
        return Err(Failure::NotFound);
    }
    let list = format!("/operator/merchants/{}", escaped(merchant));
    let mut sheet = Sheet::new(who, &t.audit_title).back(list, &t.to_audit);
    let mut facts = vec![
        (s.enrolment.clone(), Cell::Code(of.id.clone())),
        (s.product.clone(), Cell::named(of.title.clone(), Some(of.product.clone()))),
    ];
    facts.extend(of.facts(texts));
    sheet.part(Part::Facts(String::new(), facts));
    let columns = [&*s.sku, &s.private_price, &s.price, &s.low30_then, &s.stock, &s.state];
    let mut table = Table::new(&s.skus, &columns, &[1, 2, 3, 4], &s.no_skus);
    for sku in skus {
        let state = match (sku.accepted, sku.needs_review) {
            (false, _) => Cell::Tag("bad", s.left_out.clone()),
            (true, true) => Cell::Why("warn", s.accepted.clone(), s.needs_review.clone()),
            (true, false) => Cell::Tag("good", s.accepted.clone()),
        };
        table.row(vec![
            Cell::Code(sku.sku),
            Cell::Number(yuan(sku.channel_price_fen)),
            Cell::Number(yuan(sku.market_price_fen)),
            Cell::Number(sku.low30_fen.map_or_else(|| "—".to_owned(), yuan)),
            Cell::Number(sku.channel_stock.map_or_else(|| "—".to_owned(), |stock| stock.to_string())),
            state,
        ]);
    }
    sheet.part(Part::Table(table));
    if of.state != "auditing" {
        sheet.part(Part::Note("", texts.problem.get("not_auditing").cloned().unwrap_or_default()));
        return sheet.show(form);
    }
    let here = place(merchant, enrolment);
    let approve = FormPart::new(&s.approve, here.clone(), &s.approve).intro(&t.approve_words);
    sheet.part(Part::Form(approve.hidden("answer", "approve")));
    let reason = form.show(Field::text("reason", &t.audit_reason).hint(&t.audit_reason_hint));
    let reject = FormPart::new(&s.reject, here, &s.reject).intro(&t.reject_words).hidden("answer", "reject");
    sheet.part(Part::Form(reject.field(reason).danger()));
    sheet.show(form)
}

/// The audit's word.
async fn decide(
    operator: Operator,
    Path((merchant, enrolment)): Path<(String, String)>,
    sent: Submitted,
) -> Result<Response, Failure> {
    let who = &operator.who;
    let (answer, body, what) = match sent.value("answer") {
        "approve" => ("approve", json!({}), "enrolment_approved"),
        "reject" => ("reject", json!({ "reason": sent.value("reason") }), "enrolment_rejected"),
        _ => return Err(Failure::BadForm),
    };
    let decided =
        who.change(Method::POST, &path(&["enrolments", &enrolment, answer]), sent.once(), &body).await;
    let list = format!("/operator/merchants/{}", escaped(&merchant));
    who.finish(&sent, decided, (&list, what), |form| show(&operator, &merchant, &enrolment, form)).await
}
