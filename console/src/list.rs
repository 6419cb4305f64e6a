//! Lists of the API, page by page, and the address of the next page of the same question.

use crate::api::ApiError;
use crate::failure::Failure;
use crate::form::{self, Fields};
use crate::who::SignedIn;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A page of the API's.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_cursor: Option<String>,
}

/// What a search found: nothing, if it asks for what is not there, is not theirs, or what nothing can be called. That is an
/// answer, and no reason to say that there is no such page.
pub(crate) fn found<T>(answer: Result<Page<T>, ApiError>) -> Result<Page<T>, ApiError> {
    match answer {
        Err(ApiError::Refused(problem)) if matches!(problem.status, 400 | 403 | 404 | 422) => {
            Ok(Page { items: Vec::new(), next_cursor: None })
        }
        answer => answer,
    }
}

/// A list of the API's, as the address of our own page asks for it.
pub(crate) struct Listed<T> {
    /// What stands in the address.
    pub(crate) fields: Fields,
    pub(crate) items: Vec<T>,
    /// The address of the next page.
    pub(crate) next: Option<String>,
}

/// Entries of a page that a person looks at.
const SHOWN: &str = "50";

impl<T> Listed<T> {
    fn on(here: &str, fields: Fields, page: Page<T>) -> Self {
        Self { next: next_page(here, &fields, page.next_cursor), items: page.items, fields }
    }
}

/// The page of the list `from` that the address of our page `here` has come to; `query` is asked besides.
pub(crate) async fn page_at<T: DeserializeOwned>(
    who: &SignedIn,
    here: &str,
    from: &str,
    query: &[(&str, &str)],
) -> Result<Listed<T>, Failure> {
    let fields = query_of(who);
    let page = ask_on(who, from, &fields, query).await?;
    Ok(Listed::on(here, fields, page))
}

/// What the address of our page `here` searches the list `from` for, by what it says under these names.
pub(crate) async fn listed<T: DeserializeOwned>(
    who: &SignedIn,
    here: &str,
    from: &str,
    names: &[&str],
) -> Result<Listed<T>, Failure> {
    let fields = query_of(who);
    let query: Vec<_> = names.iter().map(|name| (*name, form::value(&fields, name).trim())).collect();
    let page = found(ask_on(who, from, &fields, &query).await)?;
    Ok(Listed::on(here, fields, page))
}

/// Asks for the list `from` where the address has come to in it.
async fn ask_on<T: DeserializeOwned>(
    who: &SignedIn,
    from: &str,
    fields: &Fields,
    query: &[(&str, &str)],
) -> Result<Page<T>, ApiError> {
    let place = [("limit", SHOWN), ("cursor", form::value(fields, "cursor").trim())];
    let asked: Vec<_> = query.iter().copied().chain(place).collect();
    who.ask(from, &asked).await
}

/// All that a question has, page after page: for what a person has few of.
pub(crate) async fn everything<T: DeserializeOwned>(
    who: &SignedIn,
    to: &str,
    query: &[(&str, &str)],
) -> Result<Vec<T>, Failure> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let asked: Vec<_> = query.iter().copied().chain([("limit", "500"), ("cursor", &*cursor)]).collect();
        let page: Page<T> = who.ask(to, &asked).await?;
        all.extend(page.items);
        match page.next_cursor {
            Some(next) => cursor = next,
            None => return Ok(all),
        }
    }
}

/// What an address asks for, without the place in the list and what was said to be done.
pub(crate) fn question(fields: &Fields) -> impl Iterator<Item = &(String, String)> {
    fields.iter().filter(|(name, value)| name != "cursor" && name != "done" && !value.is_empty())
}

/// The address of the next page of the same question.
pub(crate) fn next_page(page: &str, fields: &Fields, cursor: Option<String>) -> Option<String> {
    let cursor = cursor?;
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(question(fields))
        .append_pair("cursor", &cursor)
        .finish();
    Some(format!("{page}?{query}"))
}

/// What stands behind the `?`.
pub(crate) fn query_of(who: &SignedIn) -> Fields {
    let query = who.anybody.path.split_once('?').map_or("", |(_, query)| query);
    form::parse(query.as_bytes())
}
