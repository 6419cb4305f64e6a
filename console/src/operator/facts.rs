//! What the platform says of a merchant and of its products: the off-site enrolments are judged by it.

use crate::api::{ApiError, path};
use crate::failure::Failure;
use crate::form::{self, Field, Form, Mistake, Submitted};
use crate::list::{Page, found, next_page, query_of};
use crate::order_pages::escaped;
use crate::sheet::{Cell, Filters, FormPart, Part, Sheet, Table};
use crate::state::Console;
use crate::texts::Texts;
use crate::who::{Operator, SignedIn};
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/operator/merchants/{id}/facts", get(of_merchant).post(say_of_merchant))
        .route("/operator/merchants/{id}/facts/{product}", get(of_product).post(say_of_product))
}

/// Where they are said of a merchant.
pub(super) fn place(merchant: &str) -> String {
    format!("/operator/merchants/{}/facts", escaped(merchant))
}

#[derive(Debug, Deserialize)]
struct Merchant {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Product {
    id: String,
    title: String,
    merchant: String,
}

/// How a fact is typed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A whole number.
    Count,
    /// A number with one decimal, which the API has in tenths.
    Score,
    /// Ticked or not.
    Flag,
    /// Within how many hours it is shipped, or no such promise.
    Hours,
}

/// A fact: its name in the API, and how it is typed.
type Fact = (&'static str, Kind);

const OF_MERCHANT: [Fact; 7] = [
    ("level", Kind::Count),
    ("service_tenths", Kind::Score),
    ("logistics_tenths", Kind::Score),
    ("product_tenths", Kind::Score),
    ("dropship_products", Kind::Count),
    ("consumer_or_industrial", Kind::Flag),
    ("risk_ok", Kind::Flag),
];
const OF_PRODUCT: [Fact; 7] = [
    ("growth_score", Kind::Count),
    ("ships_within", Kind::Hours),
    ("consumer_or_industrial", Kind::Flag),
    ("dropship_free_shipping", Kind::Flag),
    ("seven_day_returns", Kind::Flag),
    ("risk_ok", Kind::Flag),
    ("group_purchase", Kind::Flag),
];

/// The field of what is ticked.
const TICKED: &str = "ticked";

fn words<'t>(t: &'t Texts, fact: &str) -> &'t str {
    let t = &t.facts;
    match fact {
        "level" => &t.level,
        "service_tenths" => &t.service,
        "logistics_tenths" => &t.logistics,
        "product_tenths" => &t.product_score,
        "dropship_products" => &t.dropship_products,
        "consumer_or_industrial" => &t.consumer_or_industrial,
        "risk_ok" => &t.risk_ok,
        "growth_score" => &t.growth_score,
        "ships_within" => &t.ships_within,
        "dropship_free_shipping" => &t.dropship_free_shipping,
        "seven_day_returns" => &t.seven_day_returns,
        _ => &t.group_purchase,
    }
}

/// `35` as it is typed: `3.5`.
fn score(tenths: u64) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// `3.5` or `3` in tenths, if it is such a number.
fn tenths(typed: &str) -> Option<u8> {
    let (whole, part) = typed.split_once('.').unwrap_or((typed, "0"));
    let part: u8 = part.parse().ok().filter(|_| part.len() == 1)?;
    whole.parse::<u8>().ok()?.checked_mul(10)?.checked_add(part)
}

/// The form, filled in with what was said last.
fn form_of(t: &Texts, facts: &[Fact], said: &Value, to: String, form: &Form) -> FormPart {
    let mut part = FormPart::new(&t.facts.title, to, &t.shop.save).intro(&t.facts.intro);
    for (name, kind) in facts.iter().copied().filter(|(_, kind)| *kind != Kind::Flag) {
        let (label, known) = (words(t, name), &said[name]);
        let field = match kind {
            Kind::Hours => {
                let promises =
                    [("", &t.facts.no_promise), ("hours24", &t.facts.hours24), ("hours48", &t.facts.hours48)];
                let choices = promises.map(|(value, words)| (value.to_owned(), words.clone()));
                Field::choice(name, label, choices.to_vec())
                    .optional()
                    .with(known.as_str().unwrap_or_default())
            }
            Kind::Score => Field::text(name, label)
                .inputmode("decimal")
                .with(known.as_u64().map(score).unwrap_or_default()),
            _ => Field::text(name, label)
                .inputmode("numeric")
                .with(known.as_u64().map(|count| count.to_string()).unwrap_or_default()),
        };
        part = part.field(form.show(field));
    }
    let flags = || facts.iter().filter(|(_, kind)| *kind == Kind::Flag).map(|(name, _)| *name);
    let choices = flags().map(|name| (name.to_owned(), words(t, name).to_owned())).collect();
    let ticked: Vec<_> = flags().filter(|name| said[*name] == true).collect();
    part.field(form.show(Field::checks(TICKED, &t.facts.ticked, choices).optional().with(ticked.join(" "))))
}

/// What was typed, as the API takes it.
fn read(t: &Texts, facts: &[Fact], sent: &Submitted) -> Result<Value, Vec<Mistake>> {
    let mut body = Map::new();
    let mut mistakes = Vec::new();
    for (name, kind) in facts.iter().copied() {
        let typed = sent.value(name);
        let (value, wrong) = match kind {
            Kind::Flag => (Some(sent.all(TICKED).any(|ticked| ticked == name).into()), ""),
            Kind::Hours => (Some(sent.given(name).into()), ""),
            Kind::Count => (typed.parse::<u32>().ok().map(Value::from), t.facts.bad_count.as_str()),
            Kind::Score => (tenths(typed).map(Value::from), t.facts.bad_score.as_str()),
        };
        match value {
            Some(value) => {
                body.insert(name.to_owned(), value);
            }
            None => mistakes.push(Mistake { field: Some(name.to_owned()), words: wrong.to_owned() }),
        }
    }
    if mistakes.is_empty() { Ok(Value::Object(body)) } else { Err(mistakes) }
}

/// What was said last; nothing, if nothing was.
async fn said(who: &SignedIn, of: &str, id: &str) -> Result<Value, ApiError> {
    match who.ask(&path(&[of, id, "sourcing-facts"]), &[]).await {
        Err(error) if error.code() == Some("not_found") => Ok(Value::Null),
        answer => answer,
    }
}

async fn of_merchant(operator: Operator, Path(id): Path<String>) -> Result<Response, Failure> {
    show_merchant(&operator, &id, Form::default()).await
}

/// The merchant's own, and its products with theirs.
async fn show_merchant(operator: &Operator, id: &str, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, here) = (who.t(), place(id));
    let fields = query_of(who);
    let value = |name| form::value(&fields, name).trim();
    let query = [("merchant", id), ("q", value("q")), ("limit", "50"), ("cursor", value("cursor"))];
    let products: Page<Product> = found(who.ask("/v1/products", &query).await)?;
    let columns = [&*texts.shop.product, &texts.shop.product_id];
    let next = next_page(&here, &fields, products.next_cursor);
    let mut table = Table::new(&texts.facts.of_products, &columns, &[], &texts.facts.no_products).next(next);
    for of in products.items {
        table.row(vec![Cell::Link(format!("{here}/{}", escaped(&of.id)), of.title), Cell::Code(of.id)]);
    }
    let known = said(who, "merchants", id).await?;
    let to = format!("/operator/merchants/{}", escaped(id));
    let merchant: Merchant = who.ask(&path(&["merchants", id]), &[]).await?;
    let mut sheet = Sheet::new(who, &texts.facts.title).back(to, &merchant.name);
    sheet.part(Part::Form(form_of(texts, &OF_MERCHANT, &known, here.clone(), &form)));
    let first = Form::filled(fields).show(Field::text("q", &texts.shop.product).optional());
    sheet.part(Part::Filters(Filters { to: here, first, more: Vec::new(), file: None }));
    sheet.part(Part::Table(table));
    sheet.show(form)
}

async fn say_of_merchant(
    operator: Operator,
    Path(id): Path<String>,
    sent: Submitted,
) -> Result<Response, Failure> {
    let who = &operator.who;
    let body = match read(who.t(), &OF_MERCHANT, &sent) {
        Ok(body) => body,
        Err(mistakes) => {
            return show_merchant(&operator, &id, Form::refused(&sent.fields, mistakes)).await;
        }
    };
    let put = who.change(Method::PUT, &path(&["merchants", &id, "sourcing-facts"]), sent.once(), &body).await;
    who.finish(&sent, put, (&place(&id), "saved"), |form| show_merchant(&operator, &id, form)).await
}

async fn of_product(
    operator: Operator,
    Path((merchant, product)): Path<(String, String)>,
) -> Result<Response, Failure> {
    show_product(&operator, &merchant, &product, Form::default()).await
}

async fn show_product(
    operator: &Operator,
    merchant: &str,
    product: &str,
    form: Form,
) -> Result<Response, Failure> {
    let who = &operator.who;
    let of: Product = who.ask(&path(&["products", product]), &[]).await?;
    if of.merchant != merchant {
        return Err(Failure::NotFound);
    }
    let known = said(who, "products", product).await?;
    let list = place(merchant);
    let here = format!("{list}/{}", escaped(product));
    let mut sheet = Sheet::new(who, &of.title).back(list, &who.t().facts.title);
    sheet.part(Part::Form(form_of(who.t(), &OF_PRODUCT, &known, here, &form)));
    sheet.show(form)
}

async fn say_of_product(
    operator: Operator,
    Path((merchant, product)): Path<(String, String)>,
    sent: Submitted,
) -> Result<Response, Failure> {
    let who = &operator.who;
    let body = match read(who.t(), &OF_PRODUCT, &sent) {
        Ok(body) => body,
        Err(mistakes) => {
            let form = Form::refused(&sent.fields, mistakes);
            return show_product(&operator, &merchant, &product, form).await;
        }
    };
    let put =
        who.change(Method::PUT, &path(&["products", &product, "sourcing-facts"]), sent.once(), &body).await;
    who.finish(&sent, put, (&place(&merchant), "saved"), |form| {
        show_product(&operator, &merchant, &product, form)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_typed_with_one_decimal() {
        for (typed, expected) in
            [("3.5", Some(35)), ("4", Some(40)), ("0.0", Some(0)), ("25.5", Some(255)), ("25.6", None)]
        {
            assert_eq!(tenths(typed), expected, "{typed}");
        }
        for typed in ["", "3.55", "3.", ".5", "-1", "3,5", "x"] {
            assert_eq!(tenths(typed), None, "{typed}");
        }
        assert_eq!((score(35), score(40)), ("3.5".to_owned(), "4.0".to_owned()));
    }
}
