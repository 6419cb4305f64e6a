//! Paging by cursor: an answer names the cursor of the next page, and the cursor says nothing to anyone but us.

use super::Problem;
use attribution_core::click::ClickId;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::{Deserialize, Serialize};

/// Entries of a page unless the request says otherwise.
const DEFAULT_LIMIT: u32 = 50;
/// Entries of a page at most.
const MAX_LIMIT: u32 = 500;

/// What a listing takes. One with parameters of its own has these two among them: a query is not nested.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// Entries wanted, 1 to 500.
    pub(crate) limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
}

/// One page of a listing.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Page<T> {
    /// The entries.
    pub(crate) items: Vec<T>,
    /// Cursor of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

/// Entries of a page at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageLength(u32);

/// Where a page begins: the sort key of the last entry before it; empty for the first page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor(pub(crate) String);

/// Between the parts of a sort key; no id and no name has it.
const BETWEEN: char = '\u{1f}';

impl PageParams {
    /// How long the page may be, and where it begins.
    ///
    /// # Errors
    /// If the limit is out of range or the cursor is not one of ours.
    pub(crate) fn begin(&self) -> Result<(PageLength, Cursor), Problem> {
        let length = match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=MAX_LIMIT => PageLength(limit),
            limit => {
                return Err(Problem::new(
                    StatusCode::BAD_REQUEST,
                    "invalid_query",
                    format!("limit must be 1 to {MAX_LIMIT}, not {limit}"),
                ));
            }
        };
        let Some(text) = &self.cursor else { return Ok((length, Cursor(String::new()))) };
        let key = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        Ok((length, Cursor(key.ok_or_else(Cursor::foreign)?)))
    }
}

impl PageLength {
    /// So many entries.
    pub(super) const fn new(entries: u32) -> Self {
        Self(entries)
    }

    /// Entries at most.
    pub(crate) const fn entries(self) -> usize {
        self.0 as usize
    }

    /// Rows to ask the store for: one more than the page has entries says whether there is another page.
    pub(crate) fn rows(self) -> i64 {
        i64::from(self.0) + 1
    }

    /// Makes the page out of up to [`rows`](Self::rows) entries; `key` names an entry's sort key.
    pub(crate) fn cut<T>(self, mut items: Vec<T>, key: impl Fn(&T) -> String) -> Page<T> {
        let more = items.len() > self.entries();
        items.truncate(self.entries());
        let last = items.last().filter(|_| more).map(key);
        Page::among(items, last)
    }
}

impl<T> Page<T> {
    /// A page of what was found among as many rows as one request may look at: `next` is the sort key of the last one
    /// looked at, if there may be more behind it. Such a page may hold fewer entries than were asked for.
    pub(crate) fn among(items: Vec<T>, next: Option<String>) -> Self {
        Self { items, next_cursor: next.map(|key| URL_SAFE_NO_PAD.encode(key)) }
    }
}

impl Cursor {
    /// The refusal of a cursor that this list has not given.
    pub(crate) fn foreign() -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "invalid_cursor", "this is no cursor of this list")
    }

    /// The numbers that the key is made of, or none for the first page.
    ///
    /// # Errors
    /// If there are not `N` of them.
    pub(crate) fn numbers<const N: usize>(&self) -> Result<Option<[i64; N]>, Problem> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let numbers: Result<Vec<i64>, _> = self.0.split('.').map(str::parse).collect();
        let numbers = numbers.ok().and_then(|numbers| <[i64; N]>::try_from(numbers).ok());
        numbers.map(Some).ok_or_else(Self::foreign)
    }

    /// The click behind which a list by clicks' ids goes on, as it is stored; empty for the first page.
    ///
    /// # Errors
    /// If it is no click's id.
    pub(crate) fn click(&self) -> Result<Vec<u8>, Problem> {
        if self.0.is_empty() {
            return Ok(Vec::new());
        }
        ClickId::from_hex(&self.0).map(|id| id.0.to_vec()).ok_or_else(Self::foreign)
    }

    /// A key made of numbers.
    pub(crate) fn of_numbers(numbers: &[i64]) -> String {
        numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(".")
    }

    /// The number and the texts that the key is made of, or none for the first page.
    ///
    /// # Errors
    /// If it is not made of these.
    pub(crate) fn number_and_texts<const N: usize>(&self) -> Result<Option<(i64, [String; N])>, Problem> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let read = || {
            let (number, texts) = self.0.split_once(BETWEEN)?;
            let texts: Vec<String> = texts.split(BETWEEN).map(str::to_owned).collect();
            Some((number.parse().ok()?, <[String; N]>::try_from(texts).ok()?))
        };
        read().map(Some).ok_or_else(Self::foreign)
    }

    /// A key made of a number and texts.
    pub(crate) fn of_number_and_texts<const N: usize>(number: i64, texts: [&str; N]) -> String {
        texts.iter().fold(number.to_string(), |key, text| format!("{key}{BETWEEN}{text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(cursor: &str) -> Result<Cursor, &'static str> {
        let params = PageParams { limit: None, cursor: Some(URL_SAFE_NO_PAD.encode(cursor)) };
        params.begin().map(|(_, after)| after).map_err(|problem| problem.code())
    }

    #[test]
    fn a_page_says_where_the_next_one_begins_if_there_is_one() {
        let (length, _) = PageParams { limit: Some(2), cursor: None }.begin().unwrap();
        let page = |items: &[i64]| length.cut(items.to_vec(), |item| Cursor::of_numbers(&[*item]));
        assert_eq!((length.entries(), length.rows()), (2, 3));
        assert_eq!(page(&[1, 2]).next_cursor, None);
        let first = page(&[1, 2, 3]);
        assert_eq!(first.items, [1, 2]);
        let params = PageParams { limit: Some(2), cursor: first.next_cursor };
        assert_eq!(params.begin().unwrap().1.numbers().unwrap(), Some([2]));
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let key = Cursor::of_number_and_texts(-5, ["a b", ""]);
        let cursor = begin(&key).unwrap();
        assert_eq!(cursor.number_and_texts().unwrap(), Some((-5, ["a b".to_owned(), String::new()])));
        let code = |result: Result<(), Problem>| result.unwrap_err().code();
        assert_eq!(code(cursor.number_and_texts::<1>().map(drop)), "invalid_cursor");
        assert_eq!(code(cursor.number_and_texts::<3>().map(drop)), "invalid_cursor");
        assert_eq!(code(cursor.numbers::<1>().map(drop)), "invalid_cursor");
        assert_eq!(code(begin("x").unwrap().number_and_texts::<1>().map(drop)), "invalid_cursor");
        for limit in [0, MAX_LIMIT + 1] {
            assert!(PageParams { limit: Some(limit), cursor: None }.begin().is_err());
        }
        assert!(PageParams { limit: None, cursor: Some("?".to_owned()) }.begin().is_err());
    }
}
