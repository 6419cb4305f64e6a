//! Reads a TOML document key by key and goes on after a mistake, so that all of them are reported together.

use super::effective::{Effective, Shown};
use super::{Mistake, Mistakes};
use crate::keys;
use crate::spelling::did_you_mean;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What a value must be, in words, and how it is read from TOML.
pub(super) type Parse<T> = fn(&DeValue<'_>) -> Option<T>;

/// Reads one document.
pub(crate) struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    root: DeTable<'a>,
    seen: BTreeSet<String>,
    mistakes: Vec<Mistake>,
    effective: Effective,
}

impl<'a> Reader<'a> {
    /// Parses the text as TOML.
    ///
    /// # Errors
    /// All syntax errors.
    pub(super) fn new(path: &'a Path, text: &'a str) -> Result<Self, Mistakes> {
        let (root, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            let mistakes = errors.into_iter().map(|error| Mistake {
                file: path.to_owned(),
                place: error.span().map(|span| place(text, &span)),
                key: String::new(),
                problem: error.message().to_owned(),
            });
            return Err(Mistakes(mistakes.collect()));
        }
        Ok(Self {
            path,
            text,
            root: root.into_inner(),
            seen: BTreeSet::new(),
            mistakes: Vec::new(),
            effective: Effective::default(),
        })
    }

    /// A value that must be there.
    pub(super) fn required<T: Shown>(&mut self, key: &str, expected: &str, parse: Parse<T>) -> Option<T> {
        match self.optional(key, expected, parse) {
            Some(Some(value)) => Some(value),
            Some(None) => {
                self.mistake(None, key, format!("missing; expected {expected}"));
                None
            }
            None => None,
        }
    }

    /// A value that has a default.
    pub(super) fn defaulted<T: Shown>(
        &mut self,
        key: &str,
        expected: &str,
        parse: Parse<T>,
        default: T,
    ) -> Option<T> {
        match self.optional(key, expected, parse)? {
            Some(value) => Some(value),
            None => {
                self.effective.set(key, &default, true);
                Some(default)
            }
        }
    }

    /// A value that may be absent: `None` is a mistake (noted), `Some(None)` is absent.
    pub(super) fn optional<T: Shown>(
        &mut self,
        key: &str,
        expected: &str,
        parse: Parse<T>,
    ) -> Option<Option<T>> {
        self.seen.insert(key.to_owned());
        let Some(found) = self.find(key) else { return Some(None) };
        let span = found.span();
        match parse(found.get_ref()) {
            Some(value) => {
                self.effective.set(key, &value, false);
                Some(Some(value))
            }
            None => {
                let got = self.text.get(span.clone()).unwrap_or_default().lines().next().unwrap_or_default();
                let problem = format!("expected {expected}, found {got}");
                self.mistake(Some(span), key, problem);
                None
            }
        }
    }

    /// A secret: `KEY` itself or, better, `KEY_file`, a path to a file that only we can read.
    pub(super) fn secret(&mut self, key: &str) -> Option<Option<String>> {
        let file_key = format!("{key}_file");
        self.seen.insert(key.to_owned());
        let inline = match self.find(key) {
            None => None,
            Some(value) => match value.get_ref().as_str() {
                Some(text) if !text.is_empty() => Some(text.to_owned()),
                _ => {
                    let span = value.span();
                    self.mistake(Some(span), key, "expected a text that is not empty".to_owned());
                    return None;
                }
            },
        };
        let file = self.optional(&file_key, "a path", super::parse::path)?;
        match (inline, file) {
            (Some(_), Some(_)) => {
                self.mistake(None, key, format!("expected only one of {key} and {file_key}"));
                None
            }
            (Some(secret), None) => {
                self.effective.redacted(key);
                Some(Some(secret))
            }
            (None, Some(path)) => match keys::secret_text(&self.resolve(&path)) {
                Ok(secret) => Some(Some(secret)),
                Err(error) => {
                    let problem = format!("expected a readable file: {:#}", anyhow::Error::new(error));
                    self.conflict(&file_key, &problem);
                    None
                }
            },
            (None, None) => Some(None),
        }
    }

    /// A path as written, seen from the file's own folder.
    pub(super) fn resolve(&self, path: &Path) -> PathBuf {
        self.path.parent().map_or_else(|| path.to_owned(), |parent| parent.join(path))
    }

    /// Notes a mistake that only shows when values are compared.
    pub(super) fn conflict(&mut self, key: &str, problem: &str) {
        let span = self.find(key).map(Spanned::span);
        self.mistake(span, key, problem.to_owned());
    }

    /// Notes that two listeners have one address, if so. Port 0 is another one each time.
    pub(super) fn refuse_one_address(
        &mut self,
        (key, address): (&str, Option<SocketAddr>),
        (other_key, other): (&str, Option<SocketAddr>),
    ) {
        if address.is_some_and(|address| address.port() != 0 && other == Some(address)) {
            self.conflict(key, &format!("expected another address than {other_key}"));
        }
    }

    /// Looks for keys that nobody asked for, and hands over what was found. Mistakes stand in the file's order.
    pub(super) fn finish(mut self) -> (Effective, Vec<Mistake>) {
        let mut unknown = Vec::new();
        collect_unknown(&self.root, "", &self.seen, &mut unknown);
        for (key, span) in unknown {
            let problem = match did_you_mean(&key, self.seen.iter().map(String::as_str)) {
                Some(known) => format!("unknown key; did you mean {known}?"),
                None => "unknown key".to_owned(),
            };
            self.mistake(Some(span), &key, problem);
        }
        self.mistakes.sort_by_key(|mistake| mistake.place.unwrap_or((usize::MAX, 0)));
        (self.effective, self.mistakes)
    }

    fn mistake(&mut self, span: Option<Range<usize>>, key: &str, problem: String) {
        let place = span.map(|span| place(self.text, &span));
        self.mistakes.push(Mistake { file: self.path.to_owned(), place, key: key.to_owned(), problem });
    }

    fn find(&self, key: &str) -> Option<&Spanned<DeValue<'a>>> {
        let mut table = &self.root;
        let mut parts = key.split('.').peekable();
        while let Some(part) = parts.next() {
            let value = table.iter().find(|(name, _)| name.get_ref() == part).map(|(_, value)| value)?;
            match (parts.peek(), value.get_ref()) {
                (None, _) => return Some(value),
                (Some(_), DeValue::Table(inner)) => table = inner,
                (Some(_), _) => return None, // a value where a table should be: reported as an unknown key
            }
        }
        None
    }
}

fn collect_unknown(
    table: &DeTable<'_>,
    prefix: &str,
    seen: &BTreeSet<String>,
    out: &mut Vec<(String, Range<usize>)>,
) {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.get_ref().to_string()
        } else {
            format!("{prefix}.{}", name.get_ref())
        };
        if seen.contains(&key) {
            continue;
        }
        let is_section = seen.iter().any(|k| k.strip_prefix(&key).is_some_and(|rest| rest.starts_with('.')));
        match value.get_ref() {
            DeValue::Table(inner) if is_section => collect_unknown(inner, &key, seen, out),
            _ => out.push((key, name.span())),
        }
    }
}

/// Line and column, both from one.
fn place(text: &str, span: &Range<usize>) -> (usize, usize) {
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}
