//! Products from a CSV file: read whole before the first one is saved, then saved line by line; every line that cannot be
//! read or is refused is named.

use crate::api::{ApiError, path};
use crate::failure::Failure;
use crate::form::{Field, Form, Mistake, Submitted};
use crate::problem;
use crate::sheet::{FormPart, Part, Sheet};
use crate::state::Console;
use crate::texts::{Texts, fill};
use crate::who::Merchant;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::Response;
use axum::routing::get;
use csv::StringRecord;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

/// Lines of one form at most: each is a transaction. More go in with the command line.
const LINES_MAX: usize = 2_000;
/// Bytes of one form, escaped.
const BODY_MAX: usize = 8 << 20;
/// Mistakes that are listed; whoever has more has one of them everywhere.
const MISTAKES_MAX: usize = 50;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/merchant/import", get(page).post(import)).layer(DefaultBodyLimit::max(BODY_MAX))
}

/// Columns that a file needs, and those that it may have.
const NEEDED: [&str; 3] = ["id", "title", "url"];
const MORE: [&str; 4] = ["price_fen", "category", "image_url", "pass_query"];

/// A line of the file.
#[derive(Debug, Deserialize)]
struct Line {
    id: String,
    title: String,
    url: String,
    #[serde(default)]
    price_fen: Option<i64>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    image_url: Option<String>,
    #[serde(default)]
    pass_query: Option<bool>,
}

/// All lines with their numbers in the file, or what is wrong with them.
fn read(t: &Texts, text: &str) -> Result<Vec<(u64, Line)>, Vec<String>> {
    // Browsers send forms with two characters at the end of a line, and the reader counts lines by one of them.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let (mut lines, mut wrong) = (Vec::new(), Vec::new());
    let head = reader.headers().cloned().map_err(|error| vec![error.to_string()])?;
    let unknown = head.iter().filter(|name| !NEEDED.contains(name) && !MORE.contains(name));
    wrong.extend(unknown.map(|name| fill(&t.shop.unknown_column, "name", name)));
    let missing = NEEDED.iter().filter(|name| !head.iter().any(|there| there == **name));
    wrong.extend(missing.map(|name| fill(&t.shop.missing_column, "name", name)));
    if !wrong.is_empty() {
        return Err(wrong);
    }
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let number = error.position().map_or(0, csv::Position::line);
                wrong.push(line_words(t, number, &t.shop.uneven_line));
                continue;
            }
        };
        let number = record.position().map_or(0, csv::Position::line);
        match record.deserialize::<Line>(Some(&head)) {
            Ok(line) => lines.push((number, line)),
            Err(error) => wrong.push(line_words(t, number, &unreadable(t, &head, &record, &error))),
        }
    }
    if lines.is_empty() && wrong.is_empty() {
        wrong.push(t.shop.no_lines.clone());
    }
    if lines.len() > LINES_MAX {
        wrong.push(fill(&t.shop.too_many_lines, "max", LINES_MAX));
    }
    if wrong.is_empty() { Ok(lines) } else { Err(wrong) }
}

/// Which cell of a line cannot be read.
fn unreadable(t: &Texts, head: &StringRecord, record: &StringRecord, error: &csv::Error) -> String {
    let csv::ErrorKind::Deserialize { err, .. } = error.kind() else { return error.to_string() };
    let at = err.field().and_then(|at| usize::try_from(at).ok());
    let cell = |cells: &StringRecord| at.and_then(|at| cells.get(at)).unwrap_or_default().to_owned();
    fill(&fill(&t.shop.bad_cell, "name", cell(head)), "value", cell(record))
}

fn line_words(t: &Texts, line: u64, why: &str) -> String {
    fill(&fill(&t.shop.wrong_line, "line", line), "why", why)
}

async fn page(merchant: Merchant) -> Result<Response, Failure> {
    show(&merchant, Form::default(), None)
}

fn show(merchant: &Merchant, form: Form, saved: Option<usize>) -> Result<Response, Failure> {
    let who = &merchant.who;
    let t = &who.t().shop;
    let mut sheet = Sheet::new(who, &t.import).back("/merchant/products", &t.products).intro(&t.import_intro);
    if let Some(saved) = saved {
        sheet.part(Part::Note(if saved > 0 { "good" } else { "warn" }, fill(&t.imported, "n", saved)));
    }
    sheet.part(Part::Form(
        FormPart::new("", "/merchant/import", &t.import)
            .field(form.show(Field::lines("csv", &t.csv).hint(&t.csv_hint).file("text/csv,.csv"))),
    ));
    sheet.show(form)
}

async fn import(merchant: Merchant, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let t = who.t();
    let refused = |wrong: Vec<String>| {
        let mistake = |words| Mistake { field: Some("csv".to_owned()), words };
        Form::refused(&sent.fields, wrong.into_iter().take(MISTAKES_MAX).map(mistake).collect())
    };
    let lines = match read(t, sent.value("csv")) {
        Ok(lines) => lines,
        Err(wrong) => return show(&merchant, refused(wrong), None),
    };
    let (mut saved, mut wrong) = (0, Vec::new());
    for (number, line) in lines {
        let body = json!({
            "merchant": merchant.id, "title": line.title, "url": line.url,
            "price_fen": line.price_fen, "category": line.category.filter(|category| !category.is_empty()),
            "image_url": line.image_url.filter(|url| !url.is_empty()),
            "pass_query": line.pass_query.unwrap_or_default(),
        });
        // Saving the same again changes nothing: the form may be sent twice.
        let to = path(&["products", &line.id]);
        let put: Result<Value, _> = who.change(Method::PUT, &to, "", &body).await;
        match put {
            Ok(_) => saved += 1,
            Err(ApiError::Refused(problem)) if problem.status < 500 => {
                let Mistake { field, words } = problem::mistake(t, who.anybody.lang, &problem);
                let words = field.map_or(words.clone(), |name| format!("{name}{}{words}", t.common.colon));
                wrong.push(line_words(t, number, &words));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let form = if wrong.is_empty() { Form::default() } else { refused(wrong) };
    show(&merchant, form, Some(saved))
}
