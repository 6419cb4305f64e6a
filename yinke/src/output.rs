//! Talking to a person: standard output for results, standard error for complaints, and tables.

use crate::cli::Format;
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};

/// Prints one line of result. A closed pipe (`| head`) is not an error.
pub(crate) fn say(line: impl fmt::Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Prints one line to standard error.
pub(crate) fn note(line: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints why the command failed.
pub(crate) fn complain(error: &impl fmt::Display) {
    note(format_args!("yinke: {error}"));
}

/// A bar on standard error, if that is a terminal.
pub(crate) fn progress_bar(items: usize, what: &'static str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(u64::try_from(items).ok(), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} {per_sec} {eta}") {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}

/// A count on standard error, if that is a terminal: of something whose end nobody knows.
pub(crate) fn progress_count(what: &'static str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {pos} {per_sec}") {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}

/// Rows under headings, printable in every format.
pub(crate) struct Listing {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Listing {
    /// An empty list.
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self { headings: headings.iter().map(|&heading| heading.to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row, one cell per heading.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.headings.len());
        self.rows.push(cells);
    }

    /// As a table for people, as wide as the terminal.
    pub(crate) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_BORDERS_ONLY).set_header(&self.headings);
        table.set_content_arrangement(if io::stdout().is_terminal() {
            ContentArrangement::Dynamic
        } else {
            ContentArrangement::Disabled
        });
        for row in &self.rows {
            table.add_row(row);
        }
        table.to_string()
    }

    /// As CSV; the byte order mark makes spreadsheets read it as UTF-8, and no cell is a formula to them.
    pub(crate) fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let written = writer.write_record(&self.headings).and_then(|()| {
            self.rows.iter().try_for_each(|row| writer.write_record(row.iter().map(|cell| inert(cell))))
        });
        debug_assert!(written.is_ok(), "writing to memory does not fail");
        let bytes = writer.into_inner().unwrap_or_default();
        format!("\u{feff}{}", String::from_utf8_lossy(&bytes).trim_end())
    }

    /// Prints it; `json` is what the API said.
    pub(crate) fn print(&self, format: Format, json: &serde_json::Value) {
        match format {
            Format::Table => say(self.table()),
            Format::Csv => say(self.csv()),
            Format::Json => say(pretty(json)),
        }
    }
}

/// A cell that a spreadsheet would compute, made text by a quote before it. Numbers stay numbers.
fn inert(cell: &str) -> String {
    let computed = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if computed && cell.parse::<i64>().is_err() { format!("'{cell}") } else { cell.to_owned() }
}

/// JSON for people.
pub(crate) fn pretty(json: &serde_json::Value) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default()
}

/// Fen as yuan: `-12.30`.
pub(crate) fn yuan(fen: i64) -> String {
    let (sign, fen) = (if fen < 0 { "-" } else { "" }, fen.unsigned_abs());
    format!("{sign}¥{}.{:02}", fen / 100, fen % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fen_read_as_yuan() {
        for (fen, text) in [(0, "¥0.00"), (5, "¥0.05"), (12_345, "¥123.45"), (-70, "-¥0.70")] {
            assert_eq!(yuan(fen), text);
        }
    }

    #[test]
    fn a_list_quotes_itself_for_spreadsheets() {
        let mut list = Listing::new(&["name", "note"]);
        list.row(vec!["保温杯".into(), "a, b".into()]);
        assert_eq!(list.csv(), "\u{feff}name,note\n保温杯,\"a, b\"");
    }

    #[test]
    fn no_cell_is_a_formula_to_a_spreadsheet() {
        for (cell, written) in [
            ("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"),
            ("+1+cmd", "'+1+cmd"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("＝1", "'＝1"),
            ("-950", "-950"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            let mut list = Listing::new(&["cell"]);
            list.row(vec![cell.to_owned()]);
            let text = list.csv();
            let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
            let read = reader.records().next().map(|record| record.unwrap()[0].to_owned());
            assert_eq!(read.unwrap_or_default(), written);
        }
    }
}
