//! Dead letters: clicks that were set aside, why, and the button that puts them back.

use crate::api::ApiError;
use crate::failure::Failure;
use crate::form::{self, Form, Submitted};
use crate::list::{Page, next_page, query_of};
use crate::sheet::{Cell, FormPart, Part, Sheet, Table};
use crate::show::moment;
use crate::state::Console;
use crate::texts::fill;
use crate::who::Operator;
use axum::Router;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use http::Method;
use serde::Deserialize;
use serde_json::json;

const LETTERS: &str = "/operator/dead-letters";
/// Those put back lately that are shown.
const BACK_SHOWN: &str = "20";

pub(super) fn routes() -> Router<Console> {
    Router::new().route(LETTERS, get(page).post(put_back))
}

#[derive(Debug, Deserialize)]
struct Letter {
    click_id: String,
    edge: u16,
    edge_at: i64,
    set_aside_at: i64,
    reason: String,
    code: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Back {
    click_id: String,
    reason: String,
    back_at: i64,
    back_by: String,
}

#[derive(Debug, Deserialize)]
struct PutBack {
    taken: u64,
    kept: u64,
    next: Option<String>,
}

async fn page(operator: Operator) -> Result<Response, Failure> {
    show(&operator, Form::default()).await
}

async fn show(operator: &Operator, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let t = &who.t().letters;
    let fields = query_of(who);
    let value = |name| form::value(&fields, name);
    let query = [("limit", "50"), ("cursor", value("cursor"))];
    let letters: Page<Letter> = who.ask("/v1/dead-letters", &query).await?;
    let back: Page<Back> = who.ask("/v1/dead-letters/back", &[("limit", BACK_SHOWN)]).await?;
    let mut sheet = Sheet::new(who, &t.title).intro(&t.intro);
    // What the address says was done is a number of each kind, or nothing.
    if let (Ok(taken), Ok(kept)) = (value("taken").parse::<u64>(), value("kept").parse::<u64>()) {
        let tone = if kept == 0 { "good" } else { "warn" };
        sheet.part(Part::Note(tone, fill(&fill(&t.came, "taken", taken), "kept", kept)));
    }
    if !letters.items.is_empty() {
        let (after, words) = match value("after") {
            "" => ("", &t.put_back),
            after => (after, &t.go_on),
        };
        let part = FormPart::new("", LETTERS, words).intro(&t.put_back_words);
        sheet.part(Part::Form(part.hidden("after", after)));
    }
    let kept = fields.iter().filter(|(name, _)| name == "cursor").cloned().collect();
    let next = next_page(LETTERS, &kept, letters.next_cursor);
    let columns = [&*t.click, &t.reason, &t.edge, &t.code, &t.recorded, &t.set_aside];
    let mut table = Table::new("", &columns, &[2], &t.none).next(next);
    for of in letters.items {
        table.row(vec![
            Cell::Code(of.click_id),
            Cell::Text(of.reason),
            Cell::Number(of.edge.to_string()),
            of.code.map_or_else(|| Cell::Tag("warn", t.unreadable.clone()), Cell::Code),
            Cell::Text(moment(of.edge_at)),
            Cell::Text(moment(of.set_aside_at)),
        ]);
    }
    sheet.part(Part::Table(table));
    let columns = [&*t.click, &t.reason, &t.back_at, &t.back_by];
    let mut table = Table::new(&t.back, &columns, &[], &t.no_back);
    for of in back.items {
        table.row(vec![
            Cell::Code(of.click_id),
            Cell::Text(of.reason),
            Cell::Text(moment(of.back_at)),
            Cell::Text(of.back_by),
        ]);
    }
    sheet.part(Part::Table(table));
    sheet.show(form)
}

/// Tries the next letters, and says what came of them.
async fn put_back(operator: Operator, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let body = json!({ "after": sent.given("after") });
    let once = sent.once_of("letters");
    let done: Result<PutBack, ApiError> = who
        .console()
        .api()
        .write(who.principal(), Method::POST, "/v1/dead-letters/put-back", &once, &body)
        .await;
    match done {
        Ok(done) => {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("taken", &done.taken.to_string())
                .append_pair("kept", &done.kept.to_string())
                .extend_pairs(done.next.map(|next| ("after", next)))
                .finish();
            Ok(Redirect::to(&format!("{LETTERS}?{query}")).into_response())
        }
        Err(error) => show(&operator, who.refused(&sent, error)?).await,
    }
}
