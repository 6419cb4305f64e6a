//! The first page: what waits for the merchant, its money, and the last 30 days.

use crate::api::path;
use crate::failure::Failure;
use crate::form::Form;
use crate::list::Page;
use crate::sheet::{Cell, Part, Sheet, Table};
use crate::show::yuan;
use crate::state::Console;
use crate::who::Merchant;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::Value;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/merchant/overview", get(page))
}

#[derive(Debug, Deserialize)]
struct Report {
    rows: Vec<Row>,
    total: Figures,
}

#[derive(Debug, Deserialize)]
struct Row {
    key: String,
    name: Option<String>,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Debug, Deserialize)]
struct Figures {
    clicks: i64,
    orders: i64,
    expected_fen: i64,
    settled_fen: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Balance {
    pub(super) balance_fen: i64,
    pub(super) expected_fen: i64,
}

/// More than fits on a page is said as `100+`.
const COUNTED: usize = 100;

fn count(page: &Page<Value>) -> String {
    if page.next_cursor.is_some() { format!("{COUNTED}+") } else { page.items.len().to_string() }
}

async fn page(merchant: Merchant) -> Result<Response, Failure> {
    let who = &merchant.who;
    let t = &who.t().shop;
    let own = |what| path(&["merchants", &merchant.id, what]);
    let balance: Balance = who.ask(&own("balance"), &[]).await?;
    let report: Report = who.ask(&own("report"), &[("by", "promoter")]).await?;
    let settlements: Page<Value> = who.ask(&own("settlements"), &[("limit", "100")]).await?;
    let reviews: Page<Value> = who.ask("/v1/reviews", &[("limit", "100")]).await?;
    let waiting = [("state", "pending"), ("limit", "100")];
    let applicants: Page<Value> = who.ask(&own("applications"), &waiting).await?;
    let mut sheet = Sheet::new(who, &t.overview);
    if balance.balance_fen < balance.expected_fen {
        sheet.part(Part::Note("warn", t.low_balance.clone()));
    }
    // Whoever has just opened a shop is told where to begin.
    let one = [("merchant", merchant.id.as_str()), ("limit", "1")];
    let products: Page<Value> = who.ask("/v1/products", &one).await?;
    if products.items.is_empty() {
        sheet.part(Part::Note("", t.first_steps.clone()));
        sheet.part(Part::Links(vec![
            ("/merchant/products/new".to_owned(), t.new_product.clone()),
            ("/merchant/import".to_owned(), t.import.clone()),
            ("/merchant/programmes".to_owned(), t.programmes.clone()),
        ]));
    }
    sheet.part(Part::Figures(vec![
        (t.balance.clone(), yuan(balance.balance_fen), Some("/merchant/balance")),
        (t.to_settle.clone(), count(&settlements), Some("/merchant/settlements")),
        (t.applicants.clone(), count(&applicants), Some("/merchant/plans")),
        (t.open_reviews.clone(), count(&reviews), Some("/merchant/reviews")),
    ]));
    let total = report.total;
    sheet.part(Part::Figures(vec![
        (t.clicks.clone(), total.clicks.to_string(), None),
        (t.orders.clone(), total.orders.to_string(), Some("/merchant/orders")),
        (t.expected.clone(), yuan(total.expected_fen), None),
        (t.settled.clone(), yuan(total.settled_fen), None),
    ]));
    let columns = [&*t.promoter, &t.clicks, &t.orders, &t.expected, &t.settled];
    let mut table = Table::new(&t.by_promoter, &columns, &[1, 2, 3, 4], &t.no_clicks);
    for Row { key, name, figures } in report.rows {
        table.row(vec![
            Cell::named(name, Some(key).filter(|key| !key.is_empty())),
            Cell::Number(figures.clicks.to_string()),
            Cell::Number(figures.orders.to_string()),
            Cell::Number(yuan(figures.expected_fen)),
            Cell::Number(yuan(figures.settled_fen)),
        ]);
    }
    sheet.part(Part::Table(table));
    sheet.show(Form::default())
}
