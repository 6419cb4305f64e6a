//! Lists as CSV files: UTF-8 with a mark that spreadsheets know, and no cell that they would compute.

use super::page::{Cursor, Page, PageLength, PageParams};
use super::problem::Problem;
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};

/// Entries of a list that one file holds at most.
const ENTRIES_MAX: u32 = 50_000;

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Form {
    /// JSON.
    #[default]
    Json,
    /// A CSV file.
    Csv,
}

/// An entry of a list that can be had as a file.
pub(crate) trait CsvEntry {
    /// The file's name.
    const FILE: &'static str;
    /// What stands above the columns.
    const HEADINGS: &'static [&'static str];

    /// What stands in them.
    fn cells(&self) -> Vec<String>;
}

impl Form {
    /// How much of a list is looked at, and from where on: a page, or for a file all that there is.
    ///
    /// # Errors
    /// If the page cannot be read.
    pub(crate) fn begin(self, page: &PageParams) -> Result<(PageLength, Cursor), Problem> {
        match self {
            Self::Json => page.begin(),
            Self::Csv => Ok((PageLength::new(ENTRIES_MAX), Cursor(String::new()))),
        }
    }

    /// What was found, as it was asked for.
    ///
    /// # Errors
    /// If there is more than a file holds: half a list would be taken for the whole.
    pub(crate) fn answer<T: Serialize + CsvEntry>(self, page: Page<T>) -> Result<Response, Problem> {
        if self == Self::Json {
            return Ok(Json(page).into_response());
        }
        if page.next_cursor.is_some() {
            let detail = format!("a file has at most {ENTRIES_MAX} lines: ask for a part of the list");
            return Err(Problem::invalid("format", detail));
        }
        let mut file = CsvFile::new(T::HEADINGS);
        for entry in page.items {
            file.row(entry.cells().iter().map(String::as_str));
        }
        Ok(file.response(T::FILE))
    }
}

/// A file in the making.
pub(crate) struct CsvFile(csv::Writer<Vec<u8>>);

impl CsvFile {
    /// One with these headings.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let mut file = Self(csv::Writer::from_writer(Vec::new()));
        file.row(headings.iter().copied());
        file
    }

    /// Adds a row.
    pub(crate) fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        let written = self.0.write_record(cells.into_iter().map(inert));
        debug_assert!(written.is_ok(), "writing to memory does not fail");
    }

    /// The text.
    pub(crate) fn text(self) -> String {
        let bytes = self.0.into_inner().unwrap_or_default();
        format!("\u{feff}{}", String::from_utf8_lossy(&bytes))
    }

    /// The answer that carries it as a file of this name.
    pub(crate) fn response(self, name: &str) -> Response {
        let kind = HeaderValue::from_static("text/csv; charset=utf-8");
        let name = format!("attachment; filename=\"{name}\"");
        let name = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
        ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], self.text()).into_response()
    }
}

/// A cell that a spreadsheet would compute, made text by a quote before it. Numbers stay numbers.
fn inert(cell: &str) -> String {
    let computed = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if computed && !is_number(cell) { format!("'{cell}") } else { cell.to_owned() }
}

/// `-4` or `-4.00`: a spreadsheet reads it and computes nothing.
fn is_number(cell: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = cell.strip_prefix('-').unwrap_or(cell);
    match unsigned.split_once('.') {
        Some((whole, part)) => digits(whole) && digits(part),
        None => digits(unsigned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_computed() {
        let mut file = CsvFile::new(&["who", "fen"]);
        file.row(["a, b", "-5"]);
        file.row(["=1+1", "@x"]);
        file.row(["-1+1", "-4.00"]);
        assert_eq!(file.text(), "\u{feff}who,fen\n\"a, b\",-5\n'=1+1,'@x\n'-1+1,-4.00\n");
    }
}
