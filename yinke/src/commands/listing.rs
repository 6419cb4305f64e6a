//! What commands that list or show something share: addresses, pages, and rows of chosen fields.

use crate::api::{ApiError, CoreApi};
use crate::cli::{CoreArgs, Format, OutputArgs};
use crate::exit::Failure;
use crate::output::{Listing, note, pretty, say, yuan};
use attribution_core::time::Instant;
use clap::Args;
use http::Method;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Entries of one request at most.
const PAGE: usize = 500;

/// How much of a list.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct LimitArgs {
    /// Entries at most; 0 for all there are
    #[arg(long, env = "YINKE_LIMIT", value_name = "N", default_value_t = 50)]
    limit: usize,
}

impl LimitArgs {
    /// Entries that are wanted.
    pub(super) const fn wanted(self) -> usize {
        if self.limit == 0 { usize::MAX } else { self.limit }
    }
}

/// Whom to ask, and how to print the answer.
#[derive(Debug, Clone, Args)]
pub(super) struct Asking {
    #[command(flatten)]
    pub(super) core: CoreArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// A path of the API: segments are escaped, parameters without a value left out.
pub(super) fn address(segments: &[&str], pairs: &[(&str, Option<&str>)]) -> String {
    let mut url = url::Url::parse("http://core/v1").unwrap_or_else(|_| unreachable!("a literal"));
    if let Ok(mut path) = url.path_segments_mut() {
        path.extend(segments);
    }
    for (name, value) in pairs {
        if let Some(value) = value {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
    url.as_str().trim_start_matches("http://core").to_owned()
}

/// A field of an answer that holds text; empty if it has none.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

impl Asking {
    /// Asks for a list, as many pages as are wanted, and prints these fields of each entry.
    ///
    /// # Errors
    /// If the core cannot be reached or says no.
    pub(super) fn list(
        &self,
        limit: LimitArgs,
        path: &str,
        fields: &[&'static str],
    ) -> Result<ExitCode, Failure> {
        let api = CoreApi::from_args(&self.core)?;
        let (items, more) = super::runtime()?.block_on(pages(&api, path, limit.wanted()))?;
        self.print(&items, fields);
        if more {
            note(format_args!("there are more than these {}; --limit 0 lists all", items.len()));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Asks for one thing and prints it field by field.
    ///
    /// # Errors
    /// If the core cannot be reached or says no.
    pub(super) fn show(&self, path: &str) -> Result<ExitCode, Failure> {
        let api = CoreApi::from_args(&self.core)?;
        let answer = super::runtime()?.block_on(api.get(path))?;
        self.print_one(&answer);
        Ok(ExitCode::SUCCESS)
    }

    /// Changes something and prints the answer field by field.
    ///
    /// # Errors
    /// If the core cannot be reached or says no.
    pub(super) fn change(&self, method: Method, path: &str, body: &Value) -> Result<ExitCode, Failure> {
        self.change_once(method, path, body, None)
    }

    /// The same; with a key it never takes effect twice.
    ///
    /// # Errors
    /// If the core cannot be reached or says no.
    pub(super) fn change_once(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        key: Option<&str>,
    ) -> Result<ExitCode, Failure> {
        let api = CoreApi::from_args(&self.core)?;
        let answer = super::runtime()?.block_on(api.write(method, path, body, key))?;
        self.print_one(&answer);
        Ok(ExitCode::SUCCESS)
    }

    /// Prints these fields of each entry; to a person, that there is none.
    pub(super) fn print(&self, items: &[Value], fields: &[&str]) {
        let format = self.output.output;
        match format {
            Format::Json => return say(pretty(&json!(items))),
            Format::Table if items.is_empty() => return note("there are none"),
            Format::Table | Format::Csv => {}
        }
        let mut list = Listing::new(fields);
        for item in items {
            list.row(fields.iter().map(|field| cell(field, &item[*field], format)).collect());
        }
        list.print(format, &Value::Null);
    }

    /// Prints whatever the API said: a list with all that its entries have, or one thing field by field.
    pub(super) fn print_any(&self, answer: &Value) {
        let items = match answer {
            Value::Array(items) => items,
            // What took something away, and files.
            Value::Null => return,
            Value::String(text) => return say(text.trim_end()),
            answer => return self.print_one(answer),
        };
        let mut fields: Vec<&str> = Vec::new();
        for field in items.iter().filter_map(Value::as_object).flat_map(serde_json::Map::keys) {
            if !fields.contains(&field.as_str()) {
                fields.push(field);
            }
        }
        self.print(items, &fields);
    }

    fn print_one(&self, answer: &Value) {
        let format = self.output.output;
        if format == Format::Json {
            return say(pretty(answer));
        }
        let mut list = Listing::new(&["field", "value"]);
        for (field, value) in answer.as_object().into_iter().flatten() {
            list.row(vec![field.clone(), cell(field, value, format)]);
        }
        list.print(format, answer);
    }
}

/// The entries of a list, page after page, up to `wanted` of them; and whether there may be more.
async fn pages(api: &CoreApi, path: &str, wanted: usize) -> Result<(Vec<Value>, bool), ApiError> {
    let sign = if path.contains('?') { '&' } else { '?' };
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let limit = (wanted - items.len()).min(PAGE);
        let mut page = api.get(&format!("{path}{sign}limit={limit}{cursor}")).await?;
        if let Some(entries) = page["items"].as_array_mut() {
            items.append(entries);
        }
        // A page may be short, or even empty, while there are more.
        match page["next_cursor"].as_str() {
            Some(next) if items.len() < wanted => cursor = format!("&cursor={next}"),
            next => return Ok((items, next.is_some())),
        }
    }
}

/// A value as a person reads it; programs that read CSV get it as it is.
fn cell(field: &str, value: &Value, format: Format) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) if format == Format::Table => match number.as_i64() {
            Some(fen) if field.ends_with("_fen") => yuan(fen),
            Some(ms) if is_time(field) => Instant(ms).to_string(),
            Some(bp) if field == "bp" || field.ends_with("_bp") => format!("{}.{:02}%", bp / 100, bp % 100),
            _ => number.to_string(),
        },
        value => value.to_string(),
    }
}

/// Whether a number under this name is an instant.
fn is_time(field: &str) -> bool {
    ["at", "from", "to", "until"]
        .iter()
        .any(|name| field.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('_')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_escaped() {
        let path = address(&["products", "a/b?"], &[("q", Some("保温杯")), ("shop", None)]);
        assert_eq!(path, "/v1/products/a%2Fb%3F?q=%E4%BF%9D%E6%B8%A9%E6%9D%AF");
    }

    #[test]
    fn numbers_are_read_by_their_field() {
        let shown = |field: &str, value: Value| cell(field, &value, Format::Table);
        assert_eq!(shown("price_fen", json!(1_990)), "¥19.90");
        assert_eq!(shown("rate_bp", json!(1_205)), "12.05%");
        assert_eq!(shown("created_at", json!(1_794_398_400_000_i64)), "2026-11-11 20:00:00");
        assert_eq!(shown("to", json!(1_794_398_400_000_i64)), "2026-11-11 20:00:00");
        assert_eq!(shown("bp", json!(1_205)), "12.05%");
        assert_eq!((shown("num", json!(5)), shown("format", json!(5))), ("5".to_owned(), "5".to_owned()));
        assert_eq!(cell("price_fen", &json!(1_990), Format::Csv), "1990");
        assert_eq!(shown("alias", Value::Null), "");
    }
}
