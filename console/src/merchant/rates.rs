//! Rates (佣金比例) that a merchant sets for its shop and its products beside a programme's own.

use crate::api::path;
use crate::failure::Failure;
use crate::form::{Field, Form, Mistake, Submitted};
use crate::list::page_at;
use crate::plan_rates::{self, PlanRate};
use crate::sheet::{Cell, FormPart, Part, Sheet, Table};
use crate::show::basis_points;
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
struct Entry {
    plan: Option<String>,
    #[serde(flatten)]
    rate: PlanRate,
}

#[derive(Debug, Deserialize)]
pub(super) struct Programme {
    name: String,
    merchant: Option<String>,
    policy: Policy,
}

/// For what a rate can be set, beside the shop and its products.
#[derive(Clone, Copy)]
pub(super) struct Offered {
    /// In a platform's programme a category's rate would be for the goods of others too.
    pub(super) categories: bool,
    /// New customers or returning ones, where the rules tell them apart.
    pub(super) classes: bool,
}

impl Programme {
    pub(super) async fn find(merchant: &Merchant, id: &str) -> Result<Self, Failure> {
        Ok(merchant.who.ask(&path(&["programmes", id]), &[]).await?)
    }

    pub(super) const fn offered(&self) -> Offered {
        Offered { categories: self.merchant.is_some(), classes: self.policy.commission.classes.is_some() }
    }
}

/// Classes of customers that a rate can be for.
fn classes(t: &Texts) -> Vec<(String, String)> {
    vec![
        (String::new(), t.policy.class_any.clone()),
        ("new".to_owned(), t.policy.class_new.clone()),
        ("returning".to_owned(), t.policy.class_returning.clone()),
    ]
}

/// The fields of a rate.
pub(super) async fn with_fields(
    merchant: &Merchant,
    form: &Form,
    part: FormPart,
    offered: Offered,
) -> Result<FormPart, Failure> {
    let (texts, t) = (merchant.who.t(), &merchant.who.t().shop);
    let mut part = part
        .field(form.show(Field::text("rate", &t.rate_percent).hint(&t.rate_hint).inputmode("decimal")))
        .field(form.show(Field::text("product", &t.product_id).hint(&t.rate_product_hint).optional()));
    if offered.categories {
        let field = crate::categories::field(&merchant.who, &t.category, &t.any_category).await?;
        part = part.field(form.show(field.hint(&t.rate_category_hint)));
    }
    if offered.classes {
        part = part.field(form.show(Field::choice("class", &t.customers, classes(texts))));
    }
    Ok(part.field(form.show(Field::date("from", &t.from).hint(&t.rate_from_hint).optional())))
}

/// A rate from what was typed into [its fields](with_fields), or what is wrong with them.
pub(super) fn typed(merchant: &Merchant, sent: &Submitted) -> Result<Value, Form> {
    let t = merchant.who.t();
    let bad_rate = || Mistake { field: Some("rate".to_owned()), words: t.shop.bad_rate.clone() };
    let bp = match sent.value("rate") {
        "-" => Ok(None),
        text => basis_points(text).map(Some).ok_or_else(bad_rate),
    };
    let (bp, from) = match (bp, sent.midnight_if_given("from", t)) {
        (Ok(bp), Ok(from)) => (bp, from),
        (bp, from) => {
            let mistakes = bp.err().into_iter().chain(from.err()).collect();
            return Err(Form::refused(&sent.fields, mistakes));
        }
    };
    let (product, category) = (sent.given("product"), sent.given("category"));
    // The rate is for the whole shop, unless it says for what of it.
    let shop = (product.is_none() && category.is_none()).then_some(&merchant.id);
    Ok(json!({
        "bp": bp, "product": product, "category": category, "shop": shop, "class": sent.given("class"), "from": from,
    }))
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
    let programme = Programme::find(merchant, id).await?;
    let here = format!("/merchant/programmes/{id}");
    let answer = page_at::<Entry>(who, &format!("{here}/rates"), "/v1/rates", &[("programme", id)]).await?;
    let columns: Vec<&str> = plan_rates::columns(texts).into_iter().chain([&*t.plan]).collect();
    let mut table = Table::new("", &columns, &[1], &t.no_rates).next(answer.next);
    for of in answer.items {
        let mut cells = of.rate.cells(texts);
        cells.push(Cell::Text(of.plan.unwrap_or_else(|| t.general_plan.clone())));
        table.row(cells);
    }
    let mut sheet = Sheet::new(who, &t.rates).back(here.clone(), &programme.name).intro(&t.rates_intro);
    if programme.policy.commission.pays_promoters() {
        let part = FormPart::new(&t.set_rate, format!("{here}/rates"), &t.set);
        sheet.part(Part::Form(with_fields(merchant, &form, part, programme.offered()).await?));
    } else {
        sheet.part(Part::Note("", texts.policy.no_promoters.clone()));
    }
    sheet.part(Part::Table(table));
    sheet.show(form)
}

async fn set(merchant: Merchant, Path(id): Path<String>, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let rate = match typed(&merchant, &sent) {
        Ok(rate) => rate,
        Err(form) => return show(&merchant, &id, form).await,
    };
    let body = json!({ "programme": id, "rates": [rate] });
    let set = who.change(Method::POST, "/v1/rates", sent.once(), &body).await;
    let to = format!("/merchant/programmes/{id}/rates");
    who.finish(&sent, set, (&to, "rate"), |form| show(&merchant, &id, own_field(form))).await
}
