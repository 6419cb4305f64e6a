//! Beside the clicks: where a link leads (`/{code}+`), the page on the way there (`/{code}~`) and its QR code
//! (`/q/{code}.svg|.png`). Nothing here is a click.

use crate::answer::{self, Answer};
use crate::onward;
use crate::pages::{self, Language};
use crate::pictures::TooMany;
use crate::reply::{own_url, short_url};
use crate::request::{Asked, Path};
use crate::worker::{State, Worker};
use attribution_core::catalogue::LinkRow;
use attribution_core::decide::standing;
use attribution_core::outcome::Outcome;
use attribution_core::record::AddressPrefix;
use attribution_core::time::Instant;
use bytes::Bytes;
use http::StatusCode;
use qr_code::{QrError, StyleError, Wish};

/// Answers for a link that is known; `prefix` is the client's. An error if the client has asked for too many pictures.
pub(crate) fn answer(
    worker: &Worker,
    state: &mut State,
    asked: &Asked<'_>,
    link: &LinkRow,
    prefix: AddressPrefix,
    now: Instant,
) -> Result<Answer, TooMany> {
    let form = match asked.path {
        Path::Qr(_, form) => form,
        path => return Ok(page(worker, state, asked, link, now, matches!(path, Path::Onward(_)))),
    };
    let wish = match wish(asked.query) {
        Ok(wish) => wish,
        Err(error) => return Ok(answer::bad_picture(&error)),
    };
    let url = own_url(&worker.shared, asked, link);
    let made = state.pictures.picture((asked.audience, link.code, form, wish), &url, prefix, now)?;
    Ok(match made {
        Ok(body) => answer::qr(form, body),
        Err(error @ (QrError::TooSmall { .. } | QrError::TooLong)) => answer::bad_picture(&error),
        Err(error) => {
            tracing::error!(%error, "no QR code");
            answer::page(StatusCode::INTERNAL_SERVER_ERROR, None, Language::English, Bytes::new())
        }
    })
}

/// How the picture is to look: `size`, `level`, `quiet`, `dark` and `light` of the query.
fn wish(query: &[u8]) -> Result<Wish, StyleError> {
    let query = std::str::from_utf8(query).unwrap_or_default();
    Wish::read(query.split('&').filter_map(|pair| pair.split_once('=')))
}

/// The page on the way to the destination (`onward`), or the one that only shows where the link leads.
fn page(
    worker: &Worker,
    state: &mut State,
    asked: &Asked<'_>,
    link: &LinkRow,
    now: Instant,
    onward: bool,
) -> Answer {
    let shared = &*worker.shared;
    let language = Language::preferred(asked.languages);
    let Some(found) = state.small.load().follow(link) else {
        let page = shared.pages.of(Outcome::NotFound, language);
        return answer::page(StatusCode::NOT_FOUND, None, language, page);
    };
    let dead = standing(&found.resolved(link), now);
    if onward && dead.is_none() {
        return onward::answer(asked, found.target, &short_url(shared, asked));
    }
    let destination = found.target.plain.to_str().unwrap_or_default();
    let title = &found.target.row.title;
    let body = match dead {
        Some(outcome) => pages::dead(outcome, title, link.starts.instant(), language),
        None => pages::preview(title, destination, &short_url(shared, asked), language),
    };
    answer::page(dead.map_or(StatusCode::OK, answer::status), None, language, body.into())
}
