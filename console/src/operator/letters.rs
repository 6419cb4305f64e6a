//! Dead letters: clicks that were set aside, why, and the button that puts them all back.
//!
//! The API takes some hundreds at a time, and a request some of those steps. The answer to one that has not come to the end
//! is a page with the sums so far, whose form goes on by itself where scripts run, and by its button elsewhere.

use crate::api::ApiError;
use crate::failure::Failure;
use crate::form::{self, Form, Submitted};
use crate::list::{Page, next_page, query_of};
use crate::problem;
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
/// Steps of one request: each is up to 500 letters, and a second of a busy store.
const STEPS: u32 = 4;

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

/// How far putting them all back has come.
struct Progress {
    taken: u64,
    kept: u64,
    /// The last one tried; empty before the first, and at the end.
    after: String,
}

impl Progress {
    /// Where a form goes on; from the first letter if it is the first of them.
    fn of(sent: &Submitted) -> Self {
        let count = |name| sent.value(name).parse().unwrap_or(0);
        Self { taken: count("taken"), kept: count("kept"), after: sent.value("after").to_owned() }
    }

    fn add(&mut self, done: PutBack) {
        self.taken += done.taken;
        self.kept += done.kept;
        self.after = done.next.unwrap_or_default();
    }
}

async fn page(operator: Operator) -> Result<Response, Failure> {
    show(&operator, None, Form::default()).await
}

async fn show(operator: &Operator, so_far: Option<&Progress>, form: Form) -> Result<Response, Failure> {
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
    match so_far {
        Some(so_far) => {
            let (taken, kept) = (so_far.taken.to_string(), so_far.kept.to_string());
            let sums = fill(&fill(&t.so_far, "taken", so_far.taken), "kept", so_far.kept);
            let part = FormPart::new("", LETTERS, &t.go_on).intro(&sums).goes_on();
            let part = part.hidden("after", &so_far.after).hidden("taken", &taken).hidden("kept", &kept);
            sheet.part(Part::Form(part));
        }
        None if !letters.items.is_empty() => {
            sheet.part(Part::Form(FormPart::new("", LETTERS, &t.put_back).intro(&t.put_back_words)));
        }
        None => {}
    }
    let kept = fields.iter().filter(|(name, _)| name == "cursor").cloned().collect();
    let next = next_page(LETTERS, &kept, letters.next_cursor);
    let columns = [&*t.click, &t.reason, &t.edge, &t.code, &t.recorded, &t.set_aside];
    let mut table = Table::new("", &columns, &[2], &t.none).next(next);
    for of in letters.items {
        table.row(vec![
            Cell::Code(of.click_id),
            Cell::Text(problem::sentence(who.t(), &of.reason)),
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
            Cell::Text(problem::sentence(who.t(), &of.reason)),
            Cell::Text(moment(of.back_at)),
            Cell::Text(of.back_by),
        ]);
    }
    sheet.part(Part::Table(table));
    sheet.show(form)
}

/// Tries the next letters, and says what came of them; goes on where the form before it stopped.
async fn put_back(operator: Operator, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let mut progress = Progress::of(&sent);
    for step in 0..STEPS {
        let after = Some(&progress.after).filter(|after| !after.is_empty());
        let body = json!({ "after": after });
        let once = sent.once_of(&format!("letters{step}"));
        let done: Result<PutBack, ApiError> = who
            .console()
            .api()
            .write(who.principal(), Method::POST, "/v1/dead-letters/put-back", &once, &body)
            .await;
        let done = match done {
            Ok(done) => done,
            Err(error) => return show(&operator, None, who.refused(&sent.fields, error)?).await,
        };
        progress.add(done);
        if progress.after.is_empty() {
            let (taken, kept) = (progress.taken, progress.kept);
            return Ok(Redirect::to(&format!("{LETTERS}?taken={taken}&kept={kept}")).into_response());
        }
    }
    show(&operator, Some(&progress), Form::default()).await
}
