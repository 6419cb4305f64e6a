//! The first page: clicks, orders and commission of today, 7 and 30 days.

use super::days::{Day, Report, Row, every_day};
use crate::api::path;
use crate::failure::Failure;
use crate::frame::{Frame, html};
use crate::show::yuan;
use crate::state::Console;
use crate::who::Promoter;
use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/promoter/overview", get(page))
}

/// What one programme holds for them.
#[derive(Debug, Deserialize)]
struct Purse {
    available_fen: i64,
}

/// A period's sums.
struct Sums {
    label: String,
    clicks: i64,
    orders: i64,
    expected: String,
    settled: String,
}

#[derive(Template)]
#[template(path = "promoter/overview.html")]
struct OverviewPage {
    f: Frame,
    sums: Vec<Sums>,
    rows: Vec<Row>,
    available: String,
    quiet: bool,
}

/// Days of the chart.
const DAYS: i64 = 30;

async fn page(promoter: Promoter) -> Result<Response, Failure> {
    let who = &promoter.who;
    let api = who.console().api();
    let report: Report = api.get(who.principal(), &path(&["promoters", &promoter.id, "report"]), &[]).await?;
    let purses: Vec<Purse> =
        api.get(who.principal(), &path(&["promoters", &promoter.id, "balance"]), &[]).await?;
    let today = who.console().core().now().shanghai_day();
    let days = every_day(&report.days, today - DAYS + 1, today);
    let t = &who.t().overview;
    let sums = [(&t.today, 1), (&t.week, 7), (&t.month, days.len())]
        .map(|(label, last)| sum(label, &days[days.len().saturating_sub(last)..]));
    let page = OverviewPage {
        f: who.frame(),
        quiet: days.iter().all(Day::is_quiet),
        sums: sums.into(),
        rows: days.into_iter().map(Row::from).collect(),
        available: yuan(purses.iter().map(|purse| purse.available_fen).sum()),
    };
    html(&page)
}

fn sum(label: &str, days: &[Day]) -> Sums {
    let of = |pick: fn(&Day) -> i64| days.iter().map(pick).sum::<i64>();
    Sums {
        label: label.to_owned(),
        clicks: of(|day| day.clicks),
        orders: of(|day| day.orders),
        expected: yuan(of(|day| day.expected_fen)),
        settled: yuan(of(|day| day.settled_fen)),
    }
}
