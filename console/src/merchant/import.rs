//! Products from a CSV file: read whole before the first one is saved, and every line that is wrong is named.

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

/// A line of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    title: String,
    url: String,
    #[serde(default)]
    price_fen: Option<i64>,
    #[serde(default)]
    category: Option<String>,
}

/// All lines with their numbers in the file, or what is wrong with them.
fn read(t: &Texts, text: &str) -> Result<Vec<(u64, Line)>, Vec<String>> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let (mut lines, mut wrong) = (Vec::new(), Vec::new());
    let head = reader.headers().cloned().map_err(|error| vec![error.to_string()])?;
    for record in reader.records() {
        let record = record.map_err(|error| vec![error.to_string()])?;
        let number = record.position().map_or(0, csv::Position::line);
        match record.deserialize::<Line>(Some(&head)) {
            Ok(line) => lines.push((number, line)),
            Err(error) => wrong.push(line_words(t, number, &error.to_string())),
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
        });
        // Saving the same again changes nothing: the form may be sent twice.
        let to = path(&["products", &line.id]);
        let put: Result<Value, _> = who.change(Method::PUT, &to, "", &body).await;
        match put {
            Ok(_) => saved += 1,
            Err(ApiError::Refused(problem)) if problem.status < 500 => {
                let words = problem::mistake(t, who.anybody.lang, &problem).words;
                wrong.push(line_words(t, number, &words));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let form = if wrong.is_empty() { Form::default() } else { refused(wrong) };
    show(&merchant, form, Some(saved))
}
