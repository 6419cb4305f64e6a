//! Typed reading of a row's cells; a cell that does not fit becomes a fault, and reading goes on.

use super::fault::{Fault, clip};
use super::source::{Cell, Row};
use attribution_core::time::Instant;
use serde_json::Value;
use url::Url;

/// Reads one row. Every getter gives `None` where it noted a fault.
pub(super) struct Fields<'r> {
    row: &'r Row,
    faults: Vec<Fault>,
}

impl<'r> Fields<'r> {
    pub(super) const fn new(row: &'r Row) -> Self {
        Self { row, faults: Vec::new() }
    }

    /// What was wrong.
    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    /// Notes a fault of a named cell.
    pub(super) fn fault(&mut self, name: &str, why: impl Into<String>) {
        let cell = self.row.cells.get(name);
        self.faults.push(Fault {
            column: cell.and_then(|c| c.column),
            field: name.to_owned(),
            value: cell
                .map(|c| clip(c.value.as_str().map_or_else(|| c.value.to_string(), str::to_owned).as_str()))
                .unwrap_or_default(),
            ..Fault::row(self.row.line, why.into())
        });
    }

    /// A cell that must be there, read by `read`.
    fn required<T>(&mut self, name: &str, expected: &str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        match self.optional(name, expected, read)? {
            Some(value) => Some(value),
            None => {
                self.fault(name, format!("missing; expected {expected}"));
                None
            }
        }
    }

    /// A cell that may be empty.
    fn optional<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<Option<T>> {
        let Some(Cell { value, .. }) = self.row.cells.get(name) else { return Some(None) };
        match read(value) {
            Some(value) => Some(Some(value)),
            None => {
                self.fault(name, format!("expected {expected}"));
                None
            }
        }
    }

    /// A checked id or other parsed text.
    pub(super) fn parsed<T>(&mut self, name: &str) -> Option<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let text = self.required(name, "a text", text)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(name, error.to_string());
                None
            }
        }
    }

    /// A checked id or other parsed text that may be empty.
    pub(super) fn parsed_or_none<T>(&mut self, name: &str) -> Option<Option<T>>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        if self.row.cells.contains_key(name) { self.parsed(name).map(Some) } else { Some(None) }
    }

    /// A text that must be there.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.required(name, "a text", text)
    }

    /// A text that may be empty.
    pub(super) fn text_or_none(&mut self, name: &str) -> Option<Option<String>> {
        self.optional(name, "a text", text)
    }

    /// One of a few words.
    pub(super) fn word(&mut self, name: &str, words: &[&'static str]) -> Option<&'static str> {
        let expected = format!("one of {}", words.join(", "));
        self.required(name, &expected, |v| words.iter().copied().find(|w| v.as_str() == Some(*w)))
    }

    /// One of a few words, or empty.
    pub(super) fn word_or_none(
        &mut self,
        name: &str,
        words: &[&'static str],
    ) -> Option<Option<&'static str>> {
        if self.row.cells.contains_key(name) { self.word(name, words).map(Some) } else { Some(None) }
    }

    /// A whole number, zero or more.
    pub(super) fn count(&mut self, name: &str) -> Option<i64> {
        self.required(name, COUNT, count)
    }

    /// A whole number, zero or more, or empty.
    pub(super) fn count_or_none(&mut self, name: &str) -> Option<Option<i64>> {
        self.optional(name, COUNT, count)
    }

    /// Yes or no, or empty.
    pub(super) fn flag_or_none(&mut self, name: &str) -> Option<Option<bool>> {
        self.optional(name, "true or false (yes, no, 是, 否, 1, 0)", flag)
    }

    /// An instant in UTC milliseconds.
    pub(super) fn time(&mut self, name: &str) -> Option<i64> {
        self.required(name, TIME, time)
    }

    /// An instant, or empty.
    pub(super) fn time_or_none(&mut self, name: &str) -> Option<Option<i64>> {
        self.optional(name, TIME, time)
    }

    /// An absolute http(s) URL.
    pub(super) fn url(&mut self, name: &str) -> Option<String> {
        self.required(name, URL, url)
    }

    /// An absolute http(s) URL, or empty.
    pub(super) fn url_or_none(&mut self, name: &str) -> Option<Option<String>> {
        self.optional(name, URL, url)
    }

    /// Several texts, maybe none.
    pub(super) fn list(&mut self, name: &str) -> Option<Vec<String>> {
        self.list_or_none(name).map(Option::unwrap_or_default)
    }

    /// Several texts, separated by blanks or `|` in CSV; none if nothing is said of them.
    pub(super) fn list_or_none(&mut self, name: &str) -> Option<Option<Vec<String>>> {
        self.optional(name, "texts separated by blanks", list)
    }

    /// A JSON object, as an object or as text; empty is an empty object.
    pub(super) fn object(&mut self, name: &str) -> Option<Value> {
        let read = |value: &Value| match value {
            Value::Object(_) => Some(value.clone()),
            Value::String(text) => serde_json::from_str(text).ok().filter(Value::is_object),
            _ => None,
        };
        self.optional(name, "a JSON object", read)
            .map(|v| v.unwrap_or_else(|| Value::Object(Default::default())))
    }
}

const COUNT: &str = "a whole number, zero or more";
const TIME: &str = "a time such as 2026-11-11 20:00:00 (Asia/Shanghai) or 2026-11-11T12:00:00Z";
const URL: &str = "an http(s) URL";

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn count(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten(),
        _ => None,
    }
    .filter(|n| *n >= 0)
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" | "是" => Some(true),
            "false" | "no" | "0" | "否" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Civil times without an offset are Asia/Shanghai, as in every Chinese platform's exports.
fn time(value: &Value) -> Option<i64> {
    if let Some(millis) = value.as_i64() {
        return Some(millis);
    }
    Instant::read(value.as_str()?).map(Instant::millis)
}

fn url(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then(|| text.to_owned())
}

fn list(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => {
            Some(text.split([' ', '|']).filter(|t| !t.is_empty()).map(str::to_owned).collect())
        }
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_without_an_offset_are_shanghai() {
        let evening = Some(1_794_398_400_000);
        let rows = [
            ("2026-11-11 20:00:00", evening),
            ("2026-11-11T20:00:00", evening),
            ("2026-11-11", Some(1_794_326_400_000)),
            ("2026-11-11T12:00:00Z", evening),
            ("2026-11-11T20:00:00.5+08:00", Some(1_794_398_400_500)),
            ("11/11/2026", None),
            ("yesterday", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(time(&Value::from(text)), expected, "{text}");
        }
        assert_eq!(time(&Value::from(5)), Some(5));
    }

    #[test]
    fn counts_are_whole_and_not_negative() {
        for (text, expected) in
            [("0", Some(0)), ("12", Some(12)), ("-1", None), ("1.5", None), ("+1", None), ("", None)]
        {
            assert_eq!(count(&Value::from(text)), expected, "{text}");
        }
    }
}
