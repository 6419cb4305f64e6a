//! Monthly statements (结算报表), of a promoter or an agency: what a month brought in each programme.

use crate::failure::Failure;
use crate::file;
use crate::show::yuan;
use crate::texts::{Texts, fill};
use crate::who::SignedIn;
use attribution_core::time::Instant;
use axum::response::Response;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(crate) struct Statements {
    pub(crate) month: String,
    pub(crate) closed: bool,
    pub(crate) statements: Vec<Statement>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Statement {
    pub(crate) programme_name: String,
    opening_fen: i64,
    settled_fen: i64,
    taken_back_fen: i64,
    collected_fen: i64,
    paid_fen: i64,
    other_fen: i64,
    closing_fen: i64,
    pub(crate) movements: Vec<Movement>,
    reports_next_day: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Movement {
    pub(crate) reason: String,
    pub(crate) at: i64,
    pub(crate) amount_fen: i64,
    pub(crate) order: Option<String>,
}

impl Statements {
    /// Why reports may show other amounts, as sentences; nothing of a month that is over.
    pub(crate) fn differences(&self, t: &Texts) -> Vec<String> {
        let open = self.statements.iter().filter(|of| !self.closed && of.reports_next_day);
        open.map(|of| fill(&t.money.reports_next_day, "programme", &of.programme_name)).collect()
    }
}

/// Months that can be chosen.
const MONTHS: usize = 13;

pub(crate) fn reason_words<'t>(t: &'t Texts, reason: &'t str) -> &'t str {
    match reason {
        "settled" => &t.statements.settled,
        "clawback" => &t.statements.taken_back,
        "withdrawal_fee" => &t.statements.collected,
        "paid" => &t.statements.paid,
        other => other,
    }
}

/// The last months, this one first.
pub(crate) fn months(now: Instant) -> Vec<String> {
    let mut months = Vec::with_capacity(MONTHS);
    let mut at = now.shanghai_date().first_of_month();
    for _ in 0..MONTHS {
        months.push(format!("{:04}-{:02}", at.year(), at.month()));
        at = match at.yesterday() {
            Ok(day) => day.first_of_month(),
            Err(_) => break,
        };
    }
    months
}

/// The sums of a statement with their names.
pub(crate) fn sums(t: &Texts, of: &Statement) -> Vec<(String, String)> {
    let s = &t.statements;
    let sums = [
        (&s.opening, of.opening_fen),
        (&s.settled, of.settled_fen),
        (&s.taken_back, of.taken_back_fen),
        (&s.collected, of.collected_fen),
        (&s.paid, of.paid_fen),
        (&s.other, of.other_fen),
        (&s.closing, of.closing_fen),
    ];
    let ends = [&s.opening, &s.closing];
    // What did not happen is left out, except the two ends.
    sums.into_iter()
        .filter(|(label, fen)| *fen != 0 || ends.contains(label))
        .map(|(label, fen)| (label.clone(), yuan(fen)))
        .collect()
}

/// The month as a file of the API's.
pub(crate) async fn csv_file(who: &SignedIn, path: &str, month: &str) -> Result<Response, Failure> {
    // The API has read the month as one: it can stand in a file's name.
    Ok(file::of_list(who, path, &[("month", month)], &format!("statement-{month}.csv")).await?)
}
