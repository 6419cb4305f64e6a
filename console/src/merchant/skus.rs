//! A product's SKUs: what each costs and how many there are. Off-site enrolments choose among them.

use crate::api::path;
use crate::failure::Failure;
use crate::form::{Field, Form, Mistake, Submitted};
use crate::sheet::{Action, Cell, FormPart, Part, Sheet, Table};
use crate::show::{fen, yuan};
use crate::state::Console;
use crate::who::Merchant;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use http::Method;
use serde::Deserialize;
use serde_json::json;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/merchant/skus/{product}", get(page).post(put))
        .route("/merchant/skus/{product}/delete", post(delete))
}

#[derive(Debug, Deserialize)]
struct Sku {
    sku: String,
    price_fen: i64,
    stock: u64,
    low30_fen: Option<i64>,
    enrolment: Option<String>,
}

async fn page(merchant: Merchant, Path(product): Path<String>) -> Result<Response, Failure> {
    show(&merchant, &product, Form::default()).await
}

async fn show(merchant: &Merchant, product: &str, form: Form) -> Result<Response, Failure> {
    let who = &merchant.who;
    let t = &who.t().shop;
    let skus: Vec<Sku> = who.ask(&path(&["products", product, "skus"]), &[]).await?;
    let columns = [&*t.sku, &t.price, &t.stock, &t.low30, &t.enrolment, ""];
    let mut table = Table::new("", &columns, &[1, 2, 3], &t.no_skus);
    for of in skus {
        let delete = Action::new(format!("/merchant/skus/{product}/delete"), &t.delete, &of.sku)
            .with("sku", of.sku.clone())
            .danger(&who.t().sure.delete_sku);
        let enrolled = of.enrolment.is_some();
        table.row(vec![
            Cell::Code(of.sku),
            Cell::Number(yuan(of.price_fen)),
            Cell::Number(of.stock.to_string()),
            Cell::Number(of.low30_fen.map_or_else(|| "—".to_owned(), yuan)),
            Cell::Text(of.enrolment.unwrap_or_else(|| "—".to_owned())),
            Cell::Actions(if enrolled { Vec::new() } else { vec![delete] }),
        ]);
    }
    let mut sheet = Sheet::new(who, &t.skus).back(format!("/merchant/products/{product}"), product);
    sheet.part(Part::Table(table));
    sheet.part(Part::Form(
        FormPart::new(&t.put_sku, format!("/merchant/skus/{product}"), &t.save)
            .field(form.show(Field::text("sku", &t.sku)))
            .field(form.show(Field::text("price_fen", &t.price).inputmode("decimal")))
            .field(form.show(Field::text("stock", &t.stock).inputmode("numeric"))),
    ));
    sheet.show(form)
}

async fn put(merchant: Merchant, Path(product): Path<String>, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let t = &who.t().shop;
    let mut mistakes = Vec::new();
    let price = fen(sent.value("price_fen"));
    if price.is_none() {
        mistakes.push(Mistake { field: Some("price_fen".to_owned()), words: t.bad_price.clone() });
    }
    let stock: Option<u32> = sent.value("stock").parse().ok();
    if stock.is_none() {
        mistakes.push(Mistake { field: Some("stock".to_owned()), words: t.bad_stock.clone() });
    }
    if !mistakes.is_empty() {
        return show(&merchant, &product, Form::refused(&sent.fields, mistakes)).await;
    }
    // The lowest price of 30 days is for the platform to report.
    let body = json!({ "sku": sent.value("sku"), "price_fen": price, "stock": stock });
    let put = who.change(Method::PUT, &path(&["products", &product, "skus"]), sent.once(), &body).await;
    let to = format!("/merchant/skus/{product}");
    who.finish(&sent, put, (&to, "saved"), |form| show(&merchant, &product, form)).await
}

async fn delete(
    merchant: Merchant,
    Path(product): Path<String>,
    sent: Submitted,
) -> Result<Response, Failure> {
    let who = &merchant.who;
    let to = path(&["products", &product, "skus", "delete"]);
    let once = sent.once_of(sent.value("sku"));
    let deleted = who.change(Method::POST, &to, &once, &json!({ "sku": sent.value("sku") })).await;
    let back = format!("/merchant/skus/{product}");
    who.finish(&sent, deleted, (&back, "deleted"), |form| show(&merchant, &product, form)).await
}
