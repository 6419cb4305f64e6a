//! Statements (结算报表): what a month brought in each programme, movement by movement.

use crate::api::path;
use crate::failure::Failure;
use crate::form;
use crate::frame::{Frame, html};
use crate::show::{moment, yuan};
use crate::state::Console;
use crate::texts::Texts;
use crate::who::Promoter;
use askama::Template;
use attribution_core::time::Instant;
use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/promoter/statements", get(page)).route("/promoter/statements.csv", get(csv))
}

#[derive(Debug, Deserialize)]
struct Statements {
    month: String,
    closed: bool,
    statements: Vec<Statement>,
}

#[derive(Debug, Deserialize)]
struct Statement {
    programme: String,
    opening_fen: i64,
    settled_fen: i64,
    taken_back_fen: i64,
    collected_fen: i64,
    paid_fen: i64,
    other_fen: i64,
    closing_fen: i64,
    movements: Vec<Movement>,
}

#[derive(Debug, Deserialize)]
struct Movement {
    reason: String,
    at: i64,
    amount_fen: i64,
    order: Option<String>,
}

struct StatementRow {
    programme: String,
    sums: Vec<(String, String)>,
    movements: Vec<MovementRow>,
}

struct MovementRow {
    at: String,
    what: String,
    order: Option<String>,
    amount: String,
}

#[derive(Template)]
#[template(path = "promoter/statements.html")]
struct StatementsPage {
    f: Frame,
    month: String,
    months: Vec<String>,
    closed: bool,
    statements: Vec<StatementRow>,
}

/// Months that can be chosen.
const MONTHS: usize = 13;

fn reason_words<'t>(t: &'t Texts, reason: &'t str) -> &'t str {
    match reason {
        "settled" => &t.statements.settled,
        "clawback" => &t.statements.taken_back,
        "withdrawal_fee" => &t.statements.collected,
        "paid" => &t.statements.paid,
        other => other,
    }
}

/// The month asked for, or this one.
fn asked(promoter: &Promoter) -> String {
    let query = promoter.who.anybody.path.split_once('?').map_or("", |(_, query)| query);
    let month = form::value(&form::parse(query.as_bytes()), "month").to_owned();
    if month.is_empty() { months(promoter.who.console().core().now()).swap_remove(0) } else { month }
}

/// The last months, this one first.
fn months(now: Instant) -> Vec<String> {
    let first = now.shanghai_date().first_of_month();
    let mut months = Vec::with_capacity(MONTHS);
    let mut at = first;
    for _ in 0..MONTHS {
        months.push(format!("{:04}-{:02}", at.year(), at.month()));
        at = match at.yesterday() {
            Ok(day) => day.first_of_month(),
            Err(_) => break,
        };
    }
    months
}

async fn page(promoter: Promoter) -> Result<Response, Failure> {
    let who = &promoter.who;
    let month = asked(&promoter);
    let to = path(&["promoters", &promoter.id, "statements"]);
    let answer: Statements = who.console().api().get(who.principal(), &to, &[("month", &month)]).await?;
    let t = who.t();
    let page = StatementsPage {
        f: who.frame(),
        months: months(who.console().core().now()),
        month: answer.month,
        closed: answer.closed,
        statements: answer.statements.into_iter().map(|statement| row(t, statement)).collect(),
    };
    html(&page)
}

fn row(t: &Texts, statement: Statement) -> StatementRow {
    let s = &t.statements;
    let sums = [
        (&s.opening, statement.opening_fen),
        (&s.settled, statement.settled_fen),
        (&s.taken_back, statement.taken_back_fen),
        (&s.collected, statement.collected_fen),
        (&s.paid, statement.paid_fen),
        (&s.other, statement.other_fen),
        (&s.closing, statement.closing_fen),
    ];
    let ends = [&s.opening, &s.closing];
    StatementRow {
        programme: statement.programme,
        // What did not happen is left out, except the two ends.
        sums: sums
            .into_iter()
            .filter(|(label, fen)| *fen != 0 || ends.contains(label))
            .map(|(label, fen)| (label.clone(), yuan(fen)))
            .collect(),
        movements: statement
            .movements
            .into_iter()
            .map(|movement| MovementRow {
                at: moment(movement.at),
                what: reason_words(t, &movement.reason).to_owned(),
                order: movement.order,
                amount: yuan(movement.amount_fen),
            })
            .collect(),
    }
}

async fn csv(promoter: Promoter) -> Result<Response, Failure> {
    let who = &promoter.who;
    let month = asked(&promoter);
    let to = path(&["promoters", &promoter.id, "statements"]);
    let query = [("month", month.as_str()), ("format", "csv")];
    let file = who.console().api().get_bytes(who.principal(), &to, &query).await?;
    // The API has read the month as one: it can stand in a file's name.
    let name = format!("attachment; filename=\"statement-{month}.csv\"");
    Ok((
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)],
        file,
    )
        .into_response())
}
