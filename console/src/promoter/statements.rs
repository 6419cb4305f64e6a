//! Statements (结算报表): what a month brought in each programme, movement by movement.

use crate::api::path;
use crate::failure::Failure;
use crate::form;
use crate::frame::{Frame, html};
use crate::list::query_of;
use crate::show::{moment, yuan};
use crate::state::Console;
use crate::statement::{Statement, Statements, csv_file, months, reason_words, sums};
use crate::texts::Texts;
use crate::who::Promoter;
use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/promoter/statements", get(page)).route("/promoter/statements.csv", get(csv))
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
    /// Why reports may show other amounts.
    differences: Vec<String>,
    statements: Vec<StatementRow>,
}

/// The month asked for, or this one.
fn asked(promoter: &Promoter) -> String {
    let month = form::value(&query_of(&promoter.who), "month").to_owned();
    if month.is_empty() { months(promoter.who.console().core().now()).swap_remove(0) } else { month }
}

async fn page(promoter: Promoter) -> Result<Response, Failure> {
    let who = &promoter.who;
    let month = asked(&promoter);
    let answer: Statements =
        who.ask(&path(&["promoters", &promoter.id, "statements"]), &[("month", &month)]).await?;
    let t = who.t();
    let page = StatementsPage {
        f: who.frame(),
        months: months(who.console().core().now()),
        differences: answer.differences(t),
        month: answer.month,
        closed: answer.closed,
        statements: answer.statements.into_iter().map(|statement| row(t, statement)).collect(),
    };
    html(&page)
}

fn row(t: &Texts, of: Statement) -> StatementRow {
    StatementRow {
        sums: sums(t, &of),
        programme: of.programme_name,
        movements: of
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
    let month = asked(&promoter);
    csv_file(&promoter.who, &path(&["promoters", &promoter.id, "statements"]), &month).await
}
