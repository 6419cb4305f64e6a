//! The balance that commissions are settled with, and the top-ups that made it.

use super::overview::Balance;
use crate::api::path;
use crate::failure::Failure;
use crate::form::Form;
use crate::list::page_at;
use crate::sheet::{Cell, Part, Sheet, Table};
use crate::show::{moment, yuan};
use crate::state::Console;
use crate::who::{Merchant, SignedIn};
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/merchant/balance", get(page))
}

#[derive(Debug, Deserialize)]
struct TopUp {
    reference: String,
    amount_fen: i64,
    at: i64,
}

/// A merchant's balance and top-ups, for the page at `here`.
pub(crate) async fn parts(who: &SignedIn, merchant: &str, here: &str) -> Result<Vec<Part>, Failure> {
    let t = &who.t().shop;
    let balance: Balance = who.ask(&path(&["merchants", merchant, "balance"]), &[]).await?;
    let paid = page_at::<TopUp>(who, here, &path(&["merchants", merchant, "top-ups"]), &[]).await?;
    let columns = [&*t.reference, &t.booked_at, &t.amount];
    let mut table = Table::new(&t.top_ups, &columns, &[2], &t.no_top_ups).next(paid.next);
    for of in paid.items {
        table.row(vec![
            Cell::Text(of.reference),
            Cell::Text(moment(of.at)),
            Cell::Number(yuan(of.amount_fen)),
        ]);
    }
    let figures = vec![
        (t.balance.clone(), yuan(balance.balance_fen), None),
        (t.expected_to_pay.clone(), yuan(balance.expected_fen), None),
    ];
    let mut parts = vec![Part::Figures(figures)];
    if balance.balance_fen < balance.expected_fen {
        parts.push(Part::Note("warn", t.low_balance.clone()));
    }
    parts.push(Part::Table(table));
    Ok(parts)
}

async fn page(merchant: Merchant) -> Result<Response, Failure> {
    let who = &merchant.who;
    let t = &who.t().shop;
    let mut sheet = Sheet::new(who, &t.balance).intro(&t.balance_intro);
    for part in parts(who, &merchant.id, "/merchant/balance").await? {
        sheet.part(part);
    }
    sheet.show(Form::default())
}
