//! Rates (佣金比例) that a merchant sets for its shop and its products beside a programme's own.

use crate::api::path;
use crate::failure::Failure;
use crate::form::{self, Field, Form, Mistake, Submitted};
use crate::list::{Page, next_page, query_of};
use crate::sheet::{Cell, FormPart, Part, Sheet, Table};
use crate::show::{basis_points, moment, rate};
use crate::state::Console;
use crate::texts::Texts;
use crate::who::Merchant;
use attribution_core::policy::Policy;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/merchant/programmes/{id}/rates", get(page).post(set))
}

#[derive(Debug, Deserialize)]
struct Rate {
    plan: Option<String>,
    subject_kind: String,
    subject: String,
    class: Option<String>,
    bp: Option<u32>,
    from: i64,
    to: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Programme {
    name: String,
    policy: Policy,
}

/// Classes of customers that a rate can be for.
pub(super) fn classes(t: &Texts) -> Vec<(String, String)> {
    vec![
        (String::new(), t.policy.class_any.clone()),
        ("new".to_owned(), t.policy.class_new.clone()),
        ("returning".to_owned(), t.policy.class_returning.clone()),
    ]
}

/// A rate from what was typed; `None` for what is no rate.
pub(super) fn typed(merchant: &str, sent: &Submitted) -> Option<Value> {
    let bp = match sent.value("rate") {
        "-" => None,
        text => Some(basis_points(text)?),
    };
    let mut rate = json!({ "bp": bp });
    if let Some(fields) = rate.as_object_mut() {
        match sent.given("product") {
            Some(product) => fields.insert("product".to_owned(), json!(product)),
            None => fields.insert("shop".to_owned(), json!(merchant)),
        };
        if let Some(class) = sent.given("class") {
            fields.insert("class".to_owned(), json!(class));
        }
    }
    Some(rate)
}

/// The API names a rate's field by its place in the list; the form has one rate only.
pub(super) fn own_field(form: Form) -> Form {
    form.renamed(|field| match field.strip_prefix("rates[0].") {
        Some("bp") | None if field.starts_with("rates") => "rate".to_owned(),
        Some(name) => name.to_owned(),
        None => field.to_owned(),
    })
}

async fn page(merchant: Merchant, Path(id): Path<String>) -> Result<Response, Failure> {
    show(&merchant, &id, Form::default()).await
}

async fn show(merchant: &Merchant, id: &str, form: Form) -> Result<Response, Failure> {
    let who = &merchant.who;
    let (texts, t) = (who.t(), &who.t().shop);
    let programme: Programme = who.ask(&path(&["programmes", id]), &[]).await?;
    let fields = query_of(who);
    let query = [("programme", id), ("limit", "50"), ("cursor", form::value(&fields, "cursor"))];
    let answer: Page<Rate> = who.ask("/v1/rates", &query).await?;
    let here = format!("/merchant/programmes/{id}");
    let next = next_page(&format!("{here}/rates"), &fields, answer.next_cursor);
    let columns = [&*t.for_what, &t.rate, &t.customers, &t.plan, &t.from, &t.to];
    let mut table = Table::new("", &columns, &[1], &t.no_rates).next(next);
    for of in answer.items {
        let kind = match of.subject_kind.as_str() {
            "product" => &t.product,
            "category" => &t.category,
            "shop" => &t.whole_shop,
            _ => &t.everything,
        };
        let what = if of.subject_kind == "product" || of.subject_kind == "category" {
            format!("{kind} {}", of.subject)
        } else {
            kind.clone()
        };
        let class = classes(texts).into_iter().find(|(name, _)| Some(name) == of.class.as_ref());
        table.row(vec![
            Cell::Text(what),
            Cell::Number(of.bp.map_or_else(|| texts.policy.nothing.clone(), rate)),
            Cell::Text(class.map_or_else(|| texts.policy.class_any.clone(), |(_, words)| words)),
            Cell::Text(of.plan.unwrap_or_else(|| t.general_plan.clone())),
            Cell::Text(moment(of.from)),
            Cell::Text(of.to.map_or_else(|| "—".to_owned(), moment)),
        ]);
    }
    let mut sheet = Sheet::new(who, &t.rates).back(here.clone(), &programme.name).intro(&t.rates_intro);
    let rules = &programme.policy.commission;
    if rules.pays_promoters() {
        let mut part = FormPart::new(&t.set_rate, format!("{here}/rates"), &t.set)
            .field(form.show(Field::text("product", &t.product_id).hint(&t.rate_product_hint).optional()))
            .field(form.show(Field::text("rate", &t.rate_percent).hint(&t.rate_hint).inputmode("decimal")));
        if rules.classes.is_some() {
            part = part.field(form.show(Field::choice("class", &t.customers, classes(texts))));
        }
        sheet.part(Part::Form(part));
    } else {
        sheet.part(Part::Note("", texts.policy.no_promoters.clone()));
    }
    sheet.part(Part::Table(table));
    sheet.show(form)
}

async fn set(merchant: Merchant, Path(id): Path<String>, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let Some(rate) = typed(&merchant.id, &sent) else {
        let mistake = Mistake { field: Some("rate".to_owned()), words: who.t().shop.bad_rate.clone() };
        return show(&merchant, &id, Form::refused(&sent.fields, vec![mistake])).await;
    };
    let body = json!({ "programme": id, "rates": [rate] });
    let set = who.change(Method::POST, "/v1/rates", sent.once(), &body).await;
    let to = format!("/merchant/programmes/{id}/rates");
    who.finish(&sent, set, (&to, "rate"), |form| show(&merchant, &id, own_field(form))).await
}
