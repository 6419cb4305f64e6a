//! The workday calendar: how far it reaches, what operators laid over the official days, and what they had laid before.

use crate::failure::Failure;
use crate::form::{Field, Form, Mistake, Submitted};
use crate::list::{Page, next_page, query_of};
use crate::sheet::{Action, Cell, FormPart, Part, Sheet, Table};
use crate::show::moment;
use crate::state::Console;
use crate::texts::{Texts, fill};
use crate::who::Operator;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::Method;
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

const CALENDAR: &str = "/operator/calendar";
/// Months ahead within which payout days must be known: what is earned now is paid by then.
const AHEAD_MONTHS: i32 = 3;

pub(super) fn routes() -> Router<Console> {
    Router::new().route(CALENDAR, get(page).post(lay_over))
}

#[derive(Debug, Deserialize)]
struct Calendar {
    version: String,
    first_day: Date,
    last_day: Date,
    #[serde(rename = "override")]
    by: Override,
}

#[derive(Debug, Deserialize)]
struct Override {
    days: BTreeMap<Date, bool>,
    complete_through: Option<i16>,
}

#[derive(Debug, Deserialize)]
struct Version {
    number: i64,
    version: Option<String>,
    #[serde(rename = "override")]
    by: Override,
    recorded_at: i64,
}

/// A day as it is typed: `2027-01-01 off`.
fn line((day, workday): (&Date, &bool)) -> String {
    format!("{day} {}", if *workday { "work" } else { "off" })
}

/// The days that were typed, or the first line that is none.
fn days(t: &Texts, typed: &str) -> Result<BTreeMap<Date, bool>, Mistake> {
    let mut days = BTreeMap::new();
    for (number, line) in (1..).zip(typed.lines()) {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let mut words = line.split_whitespace();
        let day = words.next().and_then(|word| word.parse::<Date>().ok());
        let workday = match (words.next(), words.next()) {
            (Some("work" | "班"), None) => Some(true),
            (Some("off" | "休"), None) => Some(false),
            _ => None,
        };
        let (Some(day), Some(workday)) = (day, workday) else {
            let words = fill(&fill(&t.calendar.bad_line, "n", number), "line", line);
            return Err(Mistake { field: Some("days".to_owned()), words });
        };
        days.insert(day, workday);
    }
    Ok(days)
}

async fn page(operator: Operator) -> Result<Response, Failure> {
    show(&operator, Form::default()).await
}

async fn show(operator: &Operator, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().calendar);
    let of: Calendar = who.ask("/v1/calendar", &[]).await?;
    let fields = query_of(who);
    let cursor = crate::form::value(&fields, "cursor");
    let before: Page<Version> =
        who.ask("/v1/calendar/versions", &[("limit", "20"), ("cursor", cursor)]).await?;
    let mut sheet = Sheet::new(who, &t.title).intro(&t.intro);
    let soon = who.console().core().now().shanghai_date().checked_add(AHEAD_MONTHS.months());
    if soon.is_ok_and(|soon| of.last_day < soon) {
        sheet.part(Part::Note("warn", fill(&t.ends_soon, "last", of.last_day)));
    }
    let covers = fill(&fill(&t.covers_words, "first", of.first_day), "last", of.last_day);
    sheet.part(Part::Facts(
        t.in_force.clone(),
        vec![(t.version.clone(), Cell::Code(of.version)), (t.covers.clone(), Cell::Text(covers))],
    ));
    let mut table = Table::new(&t.days, &[&*t.day, &t.what], &[], &t.no_days);
    for (day, workday) in &of.by.days {
        let words = if *workday { &t.workday } else { &t.day_off };
        table.row(vec![Cell::Text(day.to_string()), Cell::Text(words.clone())]);
    }
    sheet.part(Part::Table(table));
    if !of.by.days.is_empty() {
        let clear =
            Action::new(CALENDAR, &t.clear, &t.days).with("clear", "yes").danger(&texts.sure.calendar);
        sheet.part(Part::Facts(String::new(), vec![(texts.shop.do_now.clone(), Cell::Actions(vec![clear]))]));
    }
    let lines: Vec<String> = of.by.days.iter().map(line).collect();
    let through = of.by.complete_through.map_or_else(String::new, |year| year.to_string());
    sheet.part(Part::Form(
        FormPart::new(&t.change, CALENDAR, &t.save)
            .intro(&t.change_words)
            .field(form.show(Field::lines("days", &t.lines).hint(&t.lines_hint).with(lines.join("\n"))))
            .field(
                form.show(
                    Field::text("complete_through", &t.through)
                        .hint(&t.through_hint)
                        .inputmode("numeric")
                        .optional()
                        .with(through),
                ),
            )
            .fold(form.is_refused()),
    ));
    let next = next_page(CALENDAR, &fields, before.next_cursor);
    let columns = [&*texts.reconcile.number, &t.at, &t.version, &t.count, &t.through];
    let mut table = Table::new(&t.history, &columns, &[3], &t.no_history).next(next);
    for of in before.items {
        table.row(vec![
            Cell::Text(of.number.to_string()),
            Cell::Text(moment(of.recorded_at)),
            of.version.map_or_else(|| Cell::Tag("bad", t.contradicts.clone()), Cell::Code),
            Cell::Number(of.by.days.len().to_string()),
            Cell::Text(of.by.complete_through.map_or_else(|| "—".to_owned(), |year| year.to_string())),
        ]);
    }
    sheet.part(Part::Table(table));
    sheet.show(form)
}

async fn lay_over(operator: Operator, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let t = who.t();
    let mut wrong = Vec::new();
    let days = days(t, sent.exact("days")).map_err(|mistake| wrong.push(mistake)).unwrap_or_default();
    let through = sent.given("complete_through").map(str::parse::<i16>).transpose();
    if through.is_err() {
        let words = t.calendar.bad_year.clone();
        wrong.push(Mistake { field: Some("complete_through".to_owned()), words });
    }
    // An empty form would take back every day that was laid over: that has a button of its own, which asks once more.
    if wrong.is_empty() && days.is_empty() && sent.value("clear").is_empty() {
        wrong.push(Mistake { field: Some("days".to_owned()), words: t.calendar.empty.clone() });
    }
    if !wrong.is_empty() {
        return show(&operator, Form::refused(&sent.fields, wrong)).await;
    }
    let body = json!({ "days": days, "complete_through": through.ok().flatten() });
    let laid = who.change(Method::PUT, "/v1/calendar", sent.once(), &body).await;
    // The rules' own refusals are about the year alone.
    let again = |form: Form| show(&operator, form.renamed(|_| "complete_through".to_owned()));
    who.finish(&sent, laid, (CALENDAR, "calendar"), again).await
}
