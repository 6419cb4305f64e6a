//! Lists of the API, page by page, and the address of the next page of the same question.

use crate::form::{self, Fields};
use crate::who::SignedIn;
use serde::Deserialize;

/// A page of the API's.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_cursor: Option<String>,
}

/// The address of the next page of the same question.
pub(crate) fn next_page(page: &str, fields: &Fields, cursor: Option<String>) -> Option<String> {
    let cursor = cursor?;
    let kept = fields.iter().filter(|(name, value)| name != "cursor" && name != "done" && !value.is_empty());
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .append_pair("cursor", &cursor)
        .finish();
    Some(format!("{page}?{query}"))
}

/// What stands behind the `?`.
pub(crate) fn query_of(who: &SignedIn) -> Fields {
    let query = who.anybody.path.split_once('?').map_or("", |(_, query)| query);
    form::parse(query.as_bytes())
}
