//! All orders, their explanations, and the findings that a person answers.

use crate::failure::Failure;
use crate::form::{self, Field, Form, Submitted};
use crate::list::query_of;
use crate::order_pages;
use crate::problem;
use crate::sheet::{Cell, FormPart, Part, Sheet};
use crate::state::Console;
use crate::states;
use crate::who::Operator;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use http::Method;
use serde_json::json;

const ORDERS: &str = "/operator/orders";
const REVIEWS: &str = "/operator/reviews";
const ANSWER: &str = "/operator/reviews/answer";
/// What names a finding.
const KEY: [&str; 5] = ["platform", "order", "reason", "line", "found"];
/// What the list told of it beside: shown again, for whoever answers.
const TOLD: [&str; 2] = ["since", "detail"];

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(ORDERS, get(list))
        .route("/operator/orders.csv", get(csv))
        .route("/operator/orders/{platform}/{order}", get(one))
        .route(REVIEWS, get(reviews))
        .route(ANSWER, get(finding).post(answer))
}

async fn csv(operator: Operator) -> Result<Response, Failure> {
    order_pages::csv(&operator.who, ORDERS, true).await
}

async fn list(operator: Operator) -> Result<Response, Failure> {
    order_pages::list(&operator.who, ORDERS, true).await?.show(Form::default())
}

async fn one(
    operator: Operator,
    Path((platform, order)): Path<(String, String)>,
) -> Result<Response, Failure> {
    order_pages::one(&operator.who, ORDERS, &platform, &order).await?.show(Form::default())
}

async fn reviews(operator: Operator) -> Result<Response, Failure> {
    let who = &operator.who;
    let sheet = order_pages::reviews(who, REVIEWS, ORDERS, Some(ANSWER)).await?;
    sheet.intro(&who.t().review.intro).show(Form::default())
}

async fn finding(operator: Operator) -> Result<Response, Failure> {
    let fields = query_of(&operator.who);
    show(&operator, &fields, Form::default()).await
}

async fn show(operator: &Operator, key: &form::Fields, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().review);
    let value = |name| form::value(key, name);
    if value("order").is_empty() {
        return Err(Failure::NotFound);
    }
    let mut sheet =
        Sheet::new(who, states::review(texts, value("reason"))).back(REVIEWS, &texts.shop.reviews);
    let order = order_pages::place(who, ORDERS, value("platform"), value("order")).await;
    let mut facts = vec![
        (texts.orders.order.clone(), order),
        (texts.orders.line.clone(), order_pages::of_line(value("line").to_owned())),
    ];
    if !value("detail").is_empty() {
        facts.push((texts.shop.since.clone(), Cell::Text(value("since").to_owned())));
        facts.push((texts.shop.detail.clone(), Cell::Text(problem::sentence(texts, value("detail")))));
    }
    sheet.part(Part::Facts(String::new(), facts));
    let part = FormPart::new(&t.answer, ANSWER, &t.close)
        .field(form.show(Field::lines("resolution", &t.resolution).hint(&t.resolution_hint)));
    let mut part = KEY.iter().chain(&TOLD).fold(part, |part, name| part.hidden(name, value(name)));
    // Only these lines wait for a word before money moves.
    if matches!(value("reason"), "unjournaled" | "shared_token" | "unnamed_agency") {
        let choice = vec![("".to_owned(), t.keep.clone()), ("yes".to_owned(), t.release.clone())];
        part = part.field(form.show(Field::choice("release", &t.money, choice)));
    }
    sheet.part(Part::Form(part));
    sheet.show(form)
}

async fn answer(operator: Operator, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let mut body =
        json!({ "resolution": sent.value("resolution"), "release": sent.value("release") == "yes" });
    if let Some(fields) = body.as_object_mut() {
        for name in KEY {
            fields.insert(name.to_owned(), json!(sent.exact(name)));
        }
    }
    let answered = who.change(Method::POST, "/v1/reviews/resolve", sent.once(), &body).await;
    who.finish(&sent, answered, (REVIEWS, "resolved"), |form| show(&operator, &sent.fields, form)).await
}
