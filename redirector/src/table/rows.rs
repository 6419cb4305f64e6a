//! Rows as the hot path wants them: a target with its `Location` in pieces, a programme with its cookie in pieces.
//!
//! What cannot be answered safely (a destination that is no plain http(s) URL) never gets past here.

use attribution_core::app_page::{AppLinkError, AppWays};
use attribution_core::catalogue::{ProgrammeRow, TargetRow};
use attribution_core::web_address::{PARAMETER_NAME_MAX, WebAddressError, is_parameter_name, web_address};
use http::HeaderValue;
use url::Url;

/// Why a row cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// Where its clicks would lead.
    #[error("the destination {0}")]
    Destination(WebAddressError),
    /// Where its dead links would lead; the programme is used without.
    #[error("the fallback {0}; dead links get a page instead")]
    Fallback(WebAddressError),
    /// The app's address on the page in between; the target is used without.
    #[error("the address in an app {0}; every browser is sent straight on")]
    AppLink(AppLinkError),
    /// The name of the query parameter for the click token.
    #[error("the click parameter is not 1 to {PARAMETER_NAME_MAX} letters, digits, '_', '-' or '.'")]
    ClickParam,
    /// A row's number is beyond what a counter reaches.
    #[error("the number is out of range")]
    Number,
}

fn header_of(url: &Url) -> Result<HeaderValue, WebAddressError> {
    HeaderValue::from_str(url.as_str()).map_err(|_| WebAddressError::NotAUrl)
}

/// A target, ready to be answered with.
#[derive(Debug)]
pub(crate) struct Target {
    /// The row as it came.
    pub(crate) row: TargetRow,
    /// For destinations that some browsers cannot simply be sent to.
    pub(crate) ways: Option<Box<AppWays>>,
    /// The destination alone.
    pub(crate) plain: HeaderValue,
    /// Destination up to where a query parameter may follow, `yk_click=` (or as the merchant calls it), `#...`:
    /// together, so that an answer touches one piece of memory.
    pieces: Box<[u8]>,
    parameter_at: usize,
    fragment_at: usize,
}

impl Target {
    /// An address in an app that cannot be used is none, and said so: a target's links are worth more.
    pub(crate) fn prepare(row: TargetRow) -> Result<(Self, Option<RowError>), RowError> {
        if !is_parameter_name(&row.click_param) {
            return Err(RowError::ClickParam);
        }
        let mut url = web_address(&row.destination).map_err(RowError::Destination)?;
        drop_parameter(&mut url, &row.click_param);
        let plain = header_of(&url).map_err(RowError::Destination)?;
        let fragment = url.fragment().map_or_else(String::new, |f| format!("#{f}"));
        url.set_fragment(None);
        let mut head = url.as_str().to_owned();
        match url.query() {
            None => head.push('?'),
            Some("") => {}
            Some(_) => head.push('&'),
        }
        let parameter_at = head.len();
        let fragment_at = parameter_at + row.click_param.len() + 1;
        let pieces = format!("{head}{}={fragment}", row.click_param).into_bytes().into();
        let ways = row.app_page.as_deref().map(AppWays::of).transpose();
        let fault = ways.as_ref().err().copied().map(RowError::AppLink);
        let ways = ways.unwrap_or_default().map(Box::new);
        Ok((Self { ways, plain, pieces, parameter_at, fragment_at, row }, fault))
    }

    /// The destination up to where a query parameter may follow, ending in `?` or `&`.
    pub(crate) fn head(&self) -> &[u8] {
        &self.pieces[..self.parameter_at]
    }

    /// The click parameter's name and `=`.
    pub(crate) fn parameter(&self) -> &[u8] {
        &self.pieces[self.parameter_at..self.fragment_at]
    }

    /// [`head`](Self::head) and [`parameter`](Self::parameter) in one.
    pub(crate) fn head_with_parameter(&self) -> &[u8] {
        &self.pieces[..self.fragment_at]
    }

    /// `#...`, or nothing.
    pub(crate) fn fragment(&self) -> &[u8] {
        &self.pieces[self.fragment_at..]
    }
}

/// Takes the click parameter out of a destination that was saved with one: ours must be the only one.
fn drop_parameter(url: &mut Url, name: &str) {
    let Some(query) = url.query() else { return };
    let mut kept = Vec::new();
    crate::query::push_without(query.as_bytes(), name.as_bytes(), &mut kept);
    if kept.len() != query.len() {
        let kept = String::from_utf8_lossy(&kept).into_owned();
        url.set_query(Some(kept.as_str()).filter(|q| !q.is_empty()));
    }
}

/// A programme, ready to be answered with.
#[derive(Debug)]
pub(crate) struct Programme {
    /// The row as it came.
    pub(crate) row: ProgrammeRow,
    /// `yk_c_<programme>`, with its prefix.
    pub(crate) cookie_name: Box<[u8]>,
    /// Where dead links lead.
    pub(crate) fallback: Option<HeaderValue>,
}

impl Programme {
    /// A fallback that cannot be used is none, and said so: a programme's links are worth more than its fallback.
    pub(crate) fn prepare(row: ProgrammeRow, cookie_prefix: &str) -> (Self, Option<RowError>) {
        let fallback =
            row.fallback_url.as_ref().map(|text| web_address(text).and_then(|url| header_of(&url)));
        let (fallback, fault) = match fallback.transpose() {
            Ok(fallback) => (fallback, None),
            Err(error) => (None, Some(RowError::Fallback(error))),
        };
        // The core lets no other ids in; the name stands in an answer's head as it is.
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        let id = if row.id.as_str().bytes().all(fits) { row.id.to_string() } else { row.num.0.to_string() };
        let cookie_name = format!("{cookie_prefix}yk_c_{id}").into_bytes().into();
        (Self { row, cookie_name, fallback }, fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attribution_core::ids::TargetNum;

    fn target(destination: &str) -> Result<Target, RowError> {
        let prepared = Target::prepare(TargetRow {
            pass_query: true,
            ..TargetRow::product(TargetNum(1), destination, "")
        });
        prepared.map(|(target, _)| target)
    }

    #[test]
    fn a_location_comes_in_pieces() {
        let rows = [
            ("https://shop.cn", "https://shop.cn/?", ""),
            ("https://shop.cn/p/1?a=b", "https://shop.cn/p/1?a=b&", ""),
            ("https://shop.cn/p/1?", "https://shop.cn/p/1?", ""),
            (
                "https://shop.cn/商品?a=b#评价",
                "https://shop.cn/%E5%95%86%E5%93%81?a=b&",
                "#%E8%AF%84%E4%BB%B7",
            ),
            ("https://shop.cn/p?yk_click=forged&a=b", "https://shop.cn/p?a=b&", ""),
            ("https://shop.cn/p?yk_click=forged", "https://shop.cn/p?", ""),
        ];
        for (destination, head, fragment) in rows {
            let target = target(destination).unwrap();
            assert_eq!(String::from_utf8_lossy(target.head()), head);
            assert_eq!(String::from_utf8_lossy(target.fragment()), fragment);
        }
    }

    #[test]
    fn a_destination_that_is_no_plain_web_address_is_refused() {
        let rows = [
            ("/relative", WebAddressError::NotAUrl),
            ("javascript:alert(1)", WebAddressError::Scheme),
            ("https://user:pass@shop.cn/", WebAddressError::UserInfo),
        ];
        for (destination, expected) in rows {
            assert_eq!(target(destination).err(), Some(RowError::Destination(expected)), "{destination}");
        }
        // What a URL parser repairs is repaired before it becomes a header.
        let repaired = target("https://shop.cn/a\r\nSet-Cookie: x").unwrap();
        assert_eq!(repaired.plain, "https://shop.cn/aSet-Cookie:%20x");
    }
}
