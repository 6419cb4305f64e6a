//! Back to a page of ours, which says what was done: `done=NAME` in its address.

use axum::response::{IntoResponse, Redirect, Response};
use url::form_urlencoded;

/// Back to a page, which says what was done.
pub(crate) fn done(to: &str, what: &str) -> Response {
    let join = if to.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{to}{join}done={what}")).into_response()
}

/// A path of ours, or the first page: what stands in an address must not lead to another host.
pub(crate) fn local_path(path: &str) -> String {
    let ours = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    if ours && !path.chars().any(char::is_control) { path.to_owned() } else { "/".to_owned() }
}

/// A page of ours that a form leads back to, without what was said to be done there before; or another one.
pub(crate) fn page_to(back: &str, otherwise: &str) -> String {
    let back = local_path(back);
    let (page, query) = back.split_once('?').unwrap_or((&back, ""));
    if page == "/" {
        return otherwise.to_owned();
    }
    let kept = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "done");
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
    if query.is_empty() { page.to_owned() } else { format!("{page}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_ours_are_gone_back_to() {
        let rows = [
            ("/promoter/links?x=1", "/promoter/links?x=1"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("", "/"),
            ("/a\r\nb", "/"),
        ];
        for (path, expected) in rows {
            assert_eq!(local_path(path), expected, "{path}");
        }
    }
}
