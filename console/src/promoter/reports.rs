//! Reports (效果报表): clicks, orders and commission by day, as chart, table and file; and by product, placement and label.

use super::days::{Day, Keyed, Report, Row, date, every_day, number};
use crate::api::path;
use crate::failure::Failure;
use crate::file;
use crate::form::{self, Field, Form, Mistake};
use crate::frame::{Frame, refusing};
use crate::show::yuan;
use crate::state::Console;
use crate::who::Promoter;
use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use std::fmt::Write as _;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/promoter/reports", get(page)).route("/promoter/reports.csv", get(csv))
}

/// Days shown at first.
const DAYS: i64 = 30;
/// Days the API gives at most.
const DAYS_MAX: i64 = 400;

#[derive(Template)]
#[template(path = "promoter/reports.html")]
struct ReportPage {
    f: Frame,
    form: Form,
    from: Field,
    to: Field,
    first: String,
    last: String,
    rows: Vec<Row>,
    /// There is nothing to draw.
    quiet: bool,
    /// The same figures otherwise than by day.
    cuts: Vec<Cut>,
    clicks: i64,
    orders: i64,
    expected: String,
    settled: String,
}

/// The figures by product, by placement or by label.
struct Cut {
    title: String,
    hint: Option<String>,
    head: String,
    rows: Vec<(String, Keyed)>,
}

/// Rows of a cut that are shown.
const ROWS: usize = 50;

impl Cut {
    /// What brought most comes first; what has no key is called `none`.
    fn of((title, head, none): (&str, &str, &str), mut rows: Vec<Keyed>) -> Self {
        rows.sort_by_key(|row| std::cmp::Reverse((row.orders, row.clicks)));
        rows.truncate(ROWS);
        let rows = rows.into_iter().map(|row| (row.words(none), row)).collect();
        Self { title: title.to_owned(), hint: None, head: head.to_owned(), rows }
    }
}

/// The days asked for, by number.
struct Asked {
    form: Form,
    first: i64,
    last: i64,
}

fn asked(promoter: &Promoter) -> Asked {
    let who = &promoter.who;
    let today = who.console().core().now().shanghai_day();
    let query = who.anybody.path.split_once('?').map_or("", |(_, query)| query);
    let fields = form::parse(query.as_bytes());
    let mut mistakes = Vec::new();
    let mut read = |name: &str, otherwise: i64| match form::value(&fields, name) {
        "" => otherwise,
        typed => number(typed).unwrap_or_else(|| {
            mistakes.push(Mistake { field: Some(name.to_owned()), words: who.t().reports.bad_day.clone() });
            otherwise
        }),
    };
    let last = read("to", today);
    let mut first = read("from", last - DAYS + 1);
    if first > last || last - first >= DAYS_MAX {
        mistakes.push(Mistake { field: Some("from".to_owned()), words: who.t().reports.bad_range.clone() });
        first = last - DAYS + 1;
    }
    let form = if mistakes.is_empty() { Form::filled(fields) } else { Form::refused(&fields, mistakes) };
    Asked { form, first, last }
}

async fn report(promoter: &Promoter, asked: &Asked, by: &str) -> Result<Report, Failure> {
    let who = &promoter.who;
    let noon = |day: i64| format!("{}T12:00:00+08:00", date(day));
    let (from, to) = (noon(asked.first), noon(asked.last));
    let at = path(&["promoters", &promoter.id, "report"]);
    Ok(who.console().api().get(who.principal(), &at, &[("from", &from), ("to", &to), ("by", by)]).await?)
}

async fn page(promoter: Promoter) -> Result<Response, Failure> {
    let asked = asked(&promoter);
    show(&promoter, asked).await
}

/// The page; of days that make no sense it says so, and shows others.
async fn show(promoter: &Promoter, asked: Asked) -> Result<Response, Failure> {
    let by_product = report(promoter, &asked, "product").await?.rows;
    let by_placement = report(promoter, &asked, "placement").await?.rows;
    let mut by_label = report(promoter, &asked, "sub").await?.rows;
    if by_label.iter().all(|row| row.key.is_empty()) {
        by_label.clear();
    }
    let report = report(promoter, &asked, "day").await?;
    let who = &promoter.who;
    let texts = who.t();
    let t = &texts.reports;
    let cuts = vec![
        Cut::of((&t.products, &texts.orders.product, ""), by_product),
        Cut::of((&t.placements, &texts.links.placement, &t.no_placement), by_placement),
        Cut { hint: Some(t.labels_hint.clone()), ..Cut::of((&t.labels, &t.label, &t.no_label), by_label) },
    ];
    let (first, last) = (date(asked.first), date(asked.last));
    let rows = every_day(&report.days, asked.first, asked.last);
    let page = ReportPage {
        quiet: rows.iter().all(Day::is_quiet),
        f: who.frame(),
        from: asked.form.show(Field::date("from", &t.from).with(first.clone())),
        to: asked.form.show(Field::date("to", &t.to).with(last.clone())),
        form: asked.form,
        first,
        last,
        rows: rows.into_iter().map(Row::from).collect(),
        cuts,
        clicks: report.total.clicks,
        orders: report.total.orders,
        expected: yuan(report.total.expected_fen),
        settled: yuan(report.total.settled_fen),
    };
    refusing(&page, &page.form)
}

/// The same as a file. Dates and numbers alone: nothing in it can be a formula. A file of other days than those asked for
/// is none.
async fn csv(promoter: Promoter) -> Result<Response, Failure> {
    let asked = asked(&promoter);
    if asked.form.is_refused() {
        return show(&promoter, asked).await;
    }
    let report = report(&promoter, &asked, "day").await?;
    let t = promoter.who.t();
    let mut text = format!(
        "\u{feff}{},{},{},{},{}\r\n",
        t.common.day, t.overview.clicks, t.overview.orders, t.overview.expected, t.overview.settled
    );
    let plain = |fen: i64| yuan(fen).replace(['¥', ','], "");
    for day in every_day(&report.days, asked.first, asked.last) {
        let (expected, settled) = (plain(day.expected_fen), plain(day.settled_fen));
        // Writing into a String cannot fail.
        let _ = write!(text, "{},{},{},{expected},{settled}\r\n", day.date, day.clicks, day.orders);
    }
    Ok(file::csv(&format!("report-{}-{}.csv", date(asked.first), date(asked.last)), text))
}
