//! The agency's statements (结算报表): what a month brought it in each programme.

use crate::api::path;
use crate::failure::Failure;
use crate::form::{self, Field, Form};
use crate::list::query_of;
use crate::sheet::{Cell, Filters, Part, Sheet, Table};
use crate::show::{moment, yuan};
use crate::state::Console;
use crate::statement::{Statements, csv_file, months, reason_words, sums};
use crate::who::Agency;
use axum::Router;
use axum::response::Response;
use axum::routing::get;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/agency/statements", get(page)).route("/agency/statements.csv", get(csv))
}

/// The month asked for, or this one.
fn asked(agency: &Agency) -> String {
    let month = form::value(&query_of(&agency.who), "month").to_owned();
    if month.is_empty() { months(agency.who.console().core().now()).swap_remove(0) } else { month }
}

async fn page(agency: Agency) -> Result<Response, Failure> {
    let who = &agency.who;
    let (texts, t) = (who.t(), &who.t().statements);
    let month = asked(&agency);
    let answer: Statements =
        who.ask(&path(&["agencies", &agency.id, "statements"]), &[("month", &month)]).await?;
    let mut sheet = Sheet::new(who, &t.title);
    let choice = months(who.console().core().now()).into_iter().map(|month| (month.clone(), month)).collect();
    let first = Field::choice("month", &t.month, choice).with(month.clone());
    sheet.part(Part::Filters(Filters {
        to: "/agency/statements".to_owned(),
        first,
        more: Vec::new(),
        file: None,
    }));
    if !answer.closed {
        sheet.part(Part::Note("", t.open_words.clone()));
    }
    for words in answer.differences(texts) {
        sheet.part(Part::Note("", words));
    }
    if answer.statements.is_empty() {
        sheet.part(Part::Note("", t.empty_title.clone()));
    }
    sheet.part(Part::Links(vec![(
        format!("/agency/statements.csv?month={month}"),
        texts.common.download_csv.clone(),
    )]));
    for of in answer.statements {
        let facts = sums(texts, &of).into_iter().map(|(name, amount)| (name, Cell::Number(amount)));
        sheet.part(Part::Facts(of.programme_name.clone(), facts.collect()));
        let columns = [&*texts.money.at, &texts.money.what, &t.order, &t.amount];
        let mut table = Table::new(&t.movements, &columns, &[3], &t.empty_title);
        for movement in of.movements {
            table.row(vec![
                Cell::Text(moment(movement.at)),
                Cell::Text(reason_words(texts, &movement.reason).to_owned()),
                Cell::Text(movement.order.unwrap_or_else(|| "—".to_owned())),
                Cell::Number(yuan(movement.amount_fen)),
            ]);
        }
        sheet.part(Part::Table(table));
    }
    sheet.show(Form::default())
}

async fn csv(agency: Agency) -> Result<Response, Failure> {
    let month = asked(&agency);
    csv_file(&agency.who, &path(&["agencies", &agency.id, "statements"]), &month).await
}
