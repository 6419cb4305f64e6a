//! The talents (达人) of an agency, what each brought in the last 30 days, and how a programme's commission is shared.

use crate::api::path;
use crate::failure::Failure;
use crate::form::{self, Form};
use crate::list::{Page, everything, next_page, query_of};
use crate::policy_words::shares;
use crate::sheet::{Cell, Part, Sheet, Table};
use crate::show::yuan;
use crate::state::Console;
use crate::who::Agency;
use attribution_core::policy::commission::Party;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/agency/talents", get(page))
}

#[derive(Debug, Deserialize)]
struct Talent {
    id: String,
    name: String,
    disabled: bool,
}

#[derive(Debug, Deserialize)]
struct Report {
    rows: Vec<Row>,
    total: Figures,
}

#[derive(Debug, Deserialize)]
struct Row {
    key: String,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Debug, Default, Clone, Deserialize)]
struct Figures {
    clicks: i64,
    orders: i64,
    #[serde(rename = "agency_expected_fen")]
    expected_fen: i64,
    #[serde(rename = "agency_settled_fen")]
    settled_fen: i64,
}

/// A programme in which the agency has money, or will have.
#[derive(Debug, Deserialize)]
struct Purse {
    programme: String,
}

#[derive(Debug, Deserialize)]
struct Programme {
    id: String,
    name: String,
    split: Vec<PartysWeight>,
}

#[derive(Debug, Deserialize)]
struct PartysWeight {
    party: Party,
    weight: u32,
}

/// How the commissions of its programmes are shared.
async fn splits(agency: &Agency) -> Result<Option<Part>, Failure> {
    let who = &agency.who;
    let t = who.t();
    let purses: Vec<Purse> = who.ask(&path(&["agencies", &agency.id, "balance"]), &[]).await?;
    if purses.is_empty() {
        return Ok(None);
    }
    let programmes: Vec<Programme> = everything(who, "/v1/programmes", &[]).await?;
    let own = programmes.into_iter().filter(|of| purses.iter().any(|purse| purse.programme == of.id));
    let rows = own.map(|of| {
        let split = of.split.iter().map(|share| (share.party, share.weight));
        (of.name, Cell::Text(shares(&t.policy, split)))
    });
    Ok(Some(Part::Facts(t.agency.shares.clone(), rows.collect())))
}

async fn page(agency: Agency) -> Result<Response, Failure> {
    let who = &agency.who;
    let (texts, t) = (who.t(), &who.t().agency);
    let fields = query_of(who);
    let query = [("limit", "100"), ("cursor", form::value(&fields, "cursor"))];
    let talents: Page<Talent> = who.ask("/v1/promoters", &query).await?;
    let to = path(&["agencies", &agency.id, "report"]);
    let report: Report = who.ask(&to, &[("by", "promoter")]).await?;
    let s = &texts.shop;
    let mut sheet = Sheet::new(who, &t.talents).intro(&t.talents_intro);
    sheet.part(Part::Figures(vec![
        (s.clicks.clone(), report.total.clicks.to_string(), None),
        (s.orders.clone(), report.total.orders.to_string(), Some("/agency/orders")),
        (t.our_expected.clone(), yuan(report.total.expected_fen), None),
        (t.our_settled.clone(), yuan(report.total.settled_fen), Some("/agency/statements")),
    ]));
    let columns = [&*s.name, &s.id, &s.clicks, &s.orders, &t.our_expected, &t.our_settled, &s.state];
    let next = next_page("/agency/talents", &fields, talents.next_cursor);
    let mut table = Table::new(&t.last_days, &columns, &[2, 3, 4, 5], &t.no_talents).next(next);
    for of in talents.items {
        let brought = report.rows.iter().find(|row| row.key == of.id);
        let figures = brought.map(|row| row.figures.clone()).unwrap_or_default();
        let state = if of.disabled {
            Cell::Tag("bad", texts.products.dead_disabled.clone())
        } else {
            Cell::Tag("good", s.works.clone())
        };
        table.row(vec![
            Cell::Text(of.name),
            Cell::Code(of.id),
            Cell::Number(figures.clicks.to_string()),
            Cell::Number(figures.orders.to_string()),
            Cell::Number(yuan(figures.expected_fen)),
            Cell::Number(yuan(figures.settled_fen)),
            state,
        ]);
    }
    sheet.part(Part::Table(table));
    if let Some(splits) = splits(&agency).await? {
        sheet.part(splits);
    }
    sheet.show(Form::default())
}
