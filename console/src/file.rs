//! Lists as files to download.

use crate::api::ApiError;
use crate::form::Fields;
use crate::list::question;
use crate::who::SignedIn;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header;

/// A CSV file of this name.
pub(crate) fn csv(name: &str, content: impl Into<Body>) -> Response {
    let named = format!("attachment; filename=\"{name}\"");
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, named)];
    (headers, content.into()).into_response()
}

/// The whole of the API's list `from` as a file of this name.
pub(crate) async fn of_list(
    who: &SignedIn,
    from: &str,
    query: &[(&str, &str)],
    name: &str,
) -> Result<Response, ApiError> {
    let query: Vec<_> = query.iter().copied().chain([("format", "csv")]).collect();
    let content = who.console().api().get_bytes(who.principal(), from, &query).await?;
    Ok(csv(name, content))
}

/// Where the file is that holds the whole of the list at `here`, as its address searches it.
pub(crate) fn address(here: &str, fields: &Fields) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(question(fields)).finish();
    if query.is_empty() { format!("{here}.csv") } else { format!("{here}.csv?{query}") }
}
