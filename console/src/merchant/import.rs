//! Products from a CSV file: all of them are saved, or none, and every line that cannot be read or is refused is named.

use crate::api::ApiError;
use crate::failure::Failure;
use crate::form::{self, Field, Form, Mistake, Submitted};
use crate::list::query_of;
use crate::problem;
use crate::sheet::{FormPart, Part, Sheet};
use crate::state::Console;
use crate::texts::{Texts, fill};
use crate::who::Merchant;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use csv::StringRecord;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

const IMPORT: &str = "/merchant/import";
/// Lines of one form at most. More go in with the command line.
const LINES_MAX: usize = 2_000;
/// Bytes of one form, escaped: as JSON with the names of its fields it is no more than a request may have.
const BODY_MAX: usize = 7 << 20;
/// Lines that are named; whoever has more has one mistake everywhere.
const MISTAKES_MAX: usize = 50;

pub(super) fn routes() -> Router<Console> {
    Router::new().route(IMPORT, get(page).post(import)).layer(DefaultBodyLimit::max(BODY_MAX))
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

impl Line {
    /// As the API takes it.
    fn product(self, merchant: &str) -> Value {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        json!({
            "id": self.id, "merchant": merchant, "title": self.title, "url": self.url, "price_fen": self.price_fen,
            "category": given(self.category), "image_url": given(self.image_url),
            "pass_query": self.pass_query.unwrap_or_default(),
        })
    }
}

/// A line's number in the file, and what it says or what is wrong with it.
type Numbered<T> = (u64, T);

/// The lines that can be read, and what is wrong with the others.
type Read = (Vec<Numbered<Line>>, Vec<Numbered<String>>);

/// The lines of a file, or what is wrong with the whole of it.
fn read(t: &Texts, text: &str) -> Result<Read, Vec<String>> {
    // Browsers send forms with two characters at the end of a line, and the reader counts lines by one of them.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let head = reader.headers().cloned().map_err(|error| vec![error.to_string()])?;
    let unknown = head.iter().filter(|name| !NEEDED.contains(name) && !MORE.contains(name));
    let unknown = unknown.map(|name| fill(&t.shop.unknown_column, "name", name));
    let missing = NEEDED.iter().filter(|name| !head.iter().any(|there| there == **name));
    let missing = missing.map(|name| fill(&t.shop.missing_column, "name", name));
    let columns: Vec<String> = unknown.chain(missing).collect();
    if !columns.is_empty() {
        return Err(columns);
    }
    let (mut lines, mut wrong) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let number = error.position().map_or(0, csv::Position::line);
                wrong.push((number, t.shop.uneven_line.clone()));
                continue;
            }
        };
        let number = record.position().map_or(0, csv::Position::line);
        match record.deserialize::<Line>(Some(&head)) {
            Ok(line) => lines.push((number, line)),
            Err(error) => wrong.push((number, unreadable(t, &head, &record, &error))),
        }
    }
    match lines.len() + wrong.len() {
        0 => Err(vec![t.shop.no_lines.clone()]),
        1..=LINES_MAX => Ok((lines, wrong)),
        _ => Err(vec![fill(&t.shop.too_many_lines, "max", LINES_MAX)]),
    }
}

/// Which cell of a line cannot be read.
fn unreadable(t: &Texts, head: &StringRecord, record: &StringRecord, error: &csv::Error) -> String {
    let csv::ErrorKind::Deserialize { err, .. } = error.kind() else { return error.to_string() };
    let at = err.field().and_then(|at| usize::try_from(at).ok());
    let cell = |cells: &StringRecord| at.and_then(|at| cells.get(at)).unwrap_or_default().to_owned();
    fill(&fill(&t.shop.bad_cell, "name", cell(head)), "value", cell(record))
}

async fn page(merchant: Merchant) -> Result<Response, Failure> {
    show(&merchant, Form::default())
}

fn show(merchant: &Merchant, form: Form) -> Result<Response, Failure> {
    let who = &merchant.who;
    let t = &who.t().shop;
    let mut sheet = Sheet::new(who, &t.import).back("/merchant/products", &t.products).intro(&t.import_intro);
    // What the address says was saved is a number, or nothing.
    if let Ok(saved) = form::value(&query_of(who), "saved").parse::<usize>() {
        sheet.part(Part::Note("good", fill(&t.imported, "n", saved)));
    }
    sheet.part(Part::Form(
        FormPart::new("", IMPORT, &t.import)
            .field(form.show(Field::lines("csv", &t.csv).hint(&t.csv_hint).file("text/csv,.csv"))),
    ));
    sheet.show(form)
}

/// The file as it was sent, and what is wrong with it: as many of the lines as a page has room for.
fn refused(t: &Texts, sent: &Submitted, mut wrong: Vec<String>) -> Form {
    let more = wrong.len().saturating_sub(MISTAKES_MAX);
    if more > 0 {
        wrong.truncate(MISTAKES_MAX);
        wrong.push(fill(&t.shop.more_wrong_lines, "n", more));
    }
    let mistake = |words| Mistake { field: Some("csv".to_owned()), words };
    Form::refused(&sent.fields, wrong.into_iter().map(mistake).collect())
}

async fn import(merchant: Merchant, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let t = who.t();
    let (lines, mut wrong) = match read(t, sent.value("csv")) {
        Ok(read) => read,
        Err(wrong) => return show(&merchant, refused(t, &sent, wrong)),
    };
    let (numbers, products): (Vec<u64>, Vec<Value>) =
        lines.into_iter().map(|(number, line)| (number, line.product(&merchant.id))).unzip();
    let count = products.len();
    // Of a file that cannot be read whole, the rest is checked. Saving the same again changes nothing: the form may be sent
    // twice.
    let to = if wrong.is_empty() { "/v1/products" } else { "/v1/products?check=true" };
    let saved = match count {
        0 => Ok(Value::Null),
        _ => who.change(Method::PUT, to, "", &json!({ "products": products })).await,
    };
    match saved {
        Ok(_) => {}
        Err(ApiError::Refused(problem)) if problem.code == "invalid_products" => {
            for (at, Mistake { field, words }) in problem::of_entries(t, who.anybody.lang, &problem) {
                let words = field.map_or(words.clone(), |name| format!("{name}{}{words}", t.common.colon));
                wrong.extend(numbers.get(at).map(|number| (*number, words)));
            }
        }
        Err(error) => return show(&merchant, who.refused(&sent.fields, error)?),
    }
    if wrong.is_empty() {
        return Ok(Redirect::to(&format!("{IMPORT}?saved={count}")).into_response());
    }
    wrong.sort_by_key(|(number, _)| *number);
    let words = |(line, why)| fill(&fill(&t.shop.wrong_line, "line", line), "why", why);
    show(&merchant, refused(t, &sent, wrong.into_iter().map(words).collect()))
}
