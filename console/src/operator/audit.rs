//! The audit: whether every click is accounted for, and whether the books are.

use crate::failure::Failure;
use crate::form::Form;
use crate::sheet::{Cell, Part, Sheet};
use crate::show::yuan;
use crate::state::Console;
use crate::texts::Texts;
use crate::who::Operator;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/operator/audit", get(page))
}

#[derive(Debug, Deserialize)]
struct Clicks {
    answered: u64,
    recorded: u64,
    in_doubt: u64,
    ingested: u64,
    pending: u64,
    duplicates: u64,
    quarantined: u64,
    conflicts: u64,
    lost: u64,
    gaps: u64,
    unjournaled: u64,
    balanced: bool,
}

#[derive(Debug, Deserialize)]
struct Books {
    balanced: bool,
    imbalance_fen: i64,
    expected_fen: i64,
    settled_fen: i64,
    transfers: u64,
    unbalanced_transfers: u64,
    wrong_balances: u64,
}

fn verdict(t: &Texts, balanced: bool) -> Cell {
    if balanced {
        Cell::Tag("good", t.operator.balanced.clone())
    } else {
        Cell::Tag("bad", t.operator.not_balanced.clone())
    }
}

async fn page(operator: Operator) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().operator);
    let clicks: Clicks = who.ask("/v1/audit/clicks", &[]).await?;
    let books: Books = who.ask("/v1/audit/ledger", &[]).await?;
    let number = |name: &String, n: u64| (name.clone(), Cell::Number(n.to_string()));
    let mut sheet = Sheet::new(who, &t.audit).intro(&t.audit_intro);
    sheet.part(Part::Facts(
        t.clicks.clone(),
        vec![
            (t.verdict.clone(), verdict(texts, clicks.balanced)),
            number(&t.answered, clicks.answered),
            number(&t.recorded, clicks.recorded),
            number(&t.ingested, clicks.ingested),
            number(&t.pending, clicks.pending),
            number(&t.quarantined, clicks.quarantined),
            number(&t.lost, clicks.lost),
            number(&t.gaps, clicks.gaps),
            number(&t.in_doubt, clicks.in_doubt),
            number(&t.duplicates, clicks.duplicates),
            number(&t.conflicts, clicks.conflicts),
            number(&t.unjournaled, clicks.unjournaled),
        ],
    ));
    sheet.part(Part::Facts(
        t.books.clone(),
        vec![
            (t.verdict.clone(), verdict(texts, books.balanced)),
            (t.imbalance.clone(), Cell::Number(yuan(books.imbalance_fen))),
            (texts.shop.expected.clone(), Cell::Number(yuan(books.expected_fen))),
            (texts.shop.settled.clone(), Cell::Number(yuan(books.settled_fen))),
            number(&t.transfers, books.transfers),
            number(&t.unbalanced, books.unbalanced_transfers),
            number(&t.wrong_balances, books.wrong_balances),
        ],
    ));
    sheet.show(Form::default())
}
