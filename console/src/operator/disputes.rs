//! A merchant's refund records, and what an operator books on one: what came back, or that the merchant broke the rules.

use crate::api::path;
use crate::disputes::{one, parts};
use crate::failure::Failure;
use crate::form::{Field, Form, Mistake, Submitted};
use crate::order_pages::escaped;
use crate::sheet::{FormPart, Part, Sheet};
use crate::show::{fen, plain_yuan};
use crate::state::Console;
use crate::who::Operator;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use http::Method;
use serde::Deserialize;
use serde_json::json;

/// The address of one record.
const ONE: &str = "/operator/merchants/{id}/disputes/{platform}/{order}/{line}/{refund}";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/operator/merchants/{id}/disputes", get(list))
        .route(ONE, get(page).post(recover))
        .route(&format!("{ONE}/broken-rules"), post(broken_rules))
}

#[derive(Debug, Deserialize)]
struct Shop {
    name: String,
}

/// Which record, as its address names it.
#[derive(Debug, Deserialize)]
struct Place {
    id: String,
    platform: String,
    order: String,
    line: String,
    refund: String,
}

impl Place {
    fn list(&self) -> String {
        format!("/operator/merchants/{}/disputes", escaped(&self.id))
    }

    fn page(&self) -> String {
        let parts = [&self.platform, &self.order, &self.line, &self.refund].map(|part| escaped(part));
        format!("{}/{}", self.list(), parts.join("/"))
    }
}

async fn list(operator: Operator, Path(id): Path<String>) -> Result<Response, Failure> {
    let who = &operator.who;
    let t = &who.t().dispute;
    let shop: Shop = who.ask(&path(&["merchants", &id]), &[]).await?;
    let merchant = format!("/operator/merchants/{}", escaped(&id));
    let mut sheet = Sheet::new(who, &t.title).back(merchant.clone(), &shop.name).intro(&t.intro);
    for part in parts(who, &id, &format!("{merchant}/disputes"), true).await? {
        sheet.part(part);
    }
    sheet.show(Form::default())
}

async fn page(operator: Operator, Path(place): Path<Place>) -> Result<Response, Failure> {
    show(&operator, &place, Form::default()).await
}

async fn show(operator: &Operator, place: &Place, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().dispute);
    let key = [&*place.platform, &place.order, &place.line, &place.refund];
    let of = one(who, &place.id, key).await?;
    let back = format!("{} · {}", t.title, of.merchant_name);
    let mut sheet = Sheet::new(who, &format!("{} {}", t.refund, of.refund)).back(place.list(), &back);
    sheet.part(Part::Facts(String::new(), of.facts(texts)));
    let missing = of.due_fen.saturating_sub(of.recovered_fen);
    // What is made up for may still come back: then it is the platform's.
    if missing > 0 && of.state != "rules_broken" {
        let ways = vec![(String::new(), t.from_available.clone()), ("yes".to_owned(), t.paid_in.clone())];
        sheet.part(Part::Form(
            FormPart::new(&t.recover, place.page(), &t.book)
                .intro(&t.recover_words)
                .field(form.show(
                    Field::text("amount_fen", &t.amount).with(plain_yuan(missing)).inputmode("decimal"),
                ))
                .field(form.show(Field::text("reference", &texts.shop.reference).hint(&t.reference_hint)))
                .field(form.show(Field::choice("paid_in", &t.how, ways))),
        ));
    }
    if matches!(of.state.as_str(), "waiting" | "no_record" | "created" | "recovering") {
        sheet.part(Part::Form(
            FormPart::new(&t.break_title, format!("{}/broken-rules", place.page()), &t.break_rules)
                .intro(&t.break_words)
                .danger()
                .fold(false),
        ));
    }
    sheet.show(form)
}

async fn recover(operator: Operator, Path(place): Path<Place>, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let Some(amount) = fen(sent.value("amount_fen")).filter(|amount| *amount > 0) else {
        let words = who.t().money.bad_amount.clone();
        let mistake = Mistake { field: Some("amount_fen".to_owned()), words };
        return show(&operator, &place, Form::refused(&sent.fields, vec![mistake])).await;
    };
    let body = json!({
        "platform": place.platform,
        "order": place.order,
        "line": place.line,
        "refund": place.refund,
        "reference": sent.value("reference"),
        "amount_fen": amount,
        "paid_in": sent.value("paid_in") == "yes",
    });
    let booked = who.change(Method::POST, "/v1/disputes/recoveries", sent.once(), &body).await;
    who.finish(&sent, booked, (&place.page(), "recovered"), |form| show(&operator, &place, form)).await
}

async fn broken_rules(
    operator: Operator,
    Path(place): Path<Place>,
    sent: Submitted,
) -> Result<Response, Failure> {
    let who = &operator.who;
    let body = json!({ "platform": place.platform, "order": place.order });
    let marked = who.change(Method::POST, "/v1/disputes/broken-rules", sent.once(), &body).await;
    who.finish(&sent, marked, (&place.page(), "rules_broken"), |form| show(&operator, &place, form)).await
}
