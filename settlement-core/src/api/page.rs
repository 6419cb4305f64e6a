//! Paging by cursor: an answer names the cursor of the next page, and the cursor says nothing to anyone but us.

use super::Problem;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::{Deserialize, Serialize};

/// Entries of a page unless the request says otherwise.
const DEFAULT_LIMIT: u32 = 50;
/// Entries of a page at most.
const MAX_LIMIT: u32 = 500;

/// What a listing takes: flatten it into the listing's own parameters.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Entries wanted, 1 to 500.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// One page of a listing.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Cursor of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Where a page begins: the sort key of the last entry before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

impl PageParams {
    /// Entries wanted.
    ///
    /// # Errors
    /// If the limit is out of range.
    pub fn limit(&self) -> Result<u32, Problem> {
        match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=MAX_LIMIT => Ok(limit),
            limit => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid_query",
                format!("limit must be 1 to {MAX_LIMIT}, not {limit}"),
            )),
        }
    }

    /// The key to begin after; empty for the first page.
    ///
    /// # Errors
    /// If the cursor is not one of ours.
    pub fn after(&self) -> Result<Cursor, Problem> {
        let Some(text) = &self.cursor else { return Ok(Cursor(String::new())) };
        URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .map(Cursor)
            .ok_or_else(|| {
                Problem::new(StatusCode::BAD_REQUEST, "invalid_cursor", "this is no cursor of ours")
            })
    }
}

impl<T> Page<T> {
    /// Makes a page of `limit` entries out of up to one more than that; `key` names an entry's sort key.
    pub fn cut(mut items: Vec<T>, limit: u32, key: impl Fn(&T) -> String) -> Self {
        let limit = limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor =
            if more { items.last().map(|item| URL_SAFE_NO_PAD.encode(key(item))) } else { None };
        Self { items, next_cursor }
    }

    /// A page of what was found among as many rows as one request may look at: `next` is the sort key of the last one
    /// looked at, if there may be more behind it. Such a page may hold fewer entries than were asked for.
    pub fn among(items: Vec<T>, next: Option<String>) -> Self {
        Self { items, next_cursor: next.map(|key| URL_SAFE_NO_PAD.encode(key)) }
    }
}

impl Cursor {
    /// The numbers that the key is made of, or none for the first page.
    ///
    /// # Errors
    /// If there are not `N` of them.
    pub fn numbers<const N: usize>(&self) -> Result<Option<[i64; N]>, Problem> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let numbers: Result<Vec<i64>, _> = self.0.split('.').map(str::parse).collect();
        let numbers = numbers.ok().and_then(|numbers| <[i64; N]>::try_from(numbers).ok());
        numbers.map(Some).ok_or_else(|| {
            Problem::new(StatusCode::BAD_REQUEST, "invalid_cursor", "this is no cursor of this list")
        })
    }

    /// The number and the name that the key is made of, or none for the first page.
    ///
    /// # Errors
    /// If it is not made of these.
    pub fn number_and_name(&self) -> Result<Option<(i64, String)>, Problem> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let parts = self.0.split_once('\u{1f}');
        let key = parts.and_then(|(number, name)| Some((number.parse().ok()?, name.to_owned())));
        key.map(Some).ok_or_else(|| {
            Problem::new(StatusCode::BAD_REQUEST, "invalid_cursor", "this is no cursor of this list")
        })
    }

    /// A key made of a number and a name.
    pub fn of_number_and_name(number: i64, name: &str) -> String {
        format!("{number}\u{1f}{name}")
    }

    /// A key made of numbers.
    pub fn of_numbers(numbers: &[i64]) -> String {
        numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(".")
    }
}
