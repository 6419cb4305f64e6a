//! What a click is answered with: a redirect with its cookies and token, or a page. Made before the gate, sent after.

use crate::answer::{self, Answer};
use crate::cookies::{CLAIMS_MAX, CookieJar};
use crate::onward;
use crate::pages::{self, Language};
use crate::query;
use crate::request::Asked;
use crate::shared::Shared;
use crate::table::{Found, Target};
use crate::visit::Visit;
use attribution_core::catalogue::LinkRow;
use attribution_core::click::ClickId;
use attribution_core::decide::{COOKIE_LIFE_MAX_MS, ClaimAction};
use attribution_core::ids::VisitorId;
use attribution_core::outcome::Outcome;
use attribution_core::record::ClickRecord;
use attribution_core::time::{DAY_MS, Instant, SECOND_MS};
use attribution_core::token::{BrowserKeys, ClaimToken, ClickToken, SigningKey, VisitorToken};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

/// A visitor cookie older than this is given anew, so that it lives as long as its visitor comes.
const VISITOR_RENEWED_AFTER_MS: i64 = 30 * DAY_MS;

/// What is known of a click once it is recorded.
pub(crate) struct Click<'a> {
    pub(crate) record: &'a ClickRecord<'a>,
    pub(crate) click: ClickId,
    pub(crate) claim: ClaimAction,
    pub(crate) unjournaled: bool,
    pub(crate) now: Instant,
}

/// Where a piece of text stands in the buffer that an answer's lines were written to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    start: usize,
    end: usize,
}

impl Span {
    pub(crate) fn of(self, lines: &[u8]) -> &[u8] {
        &lines[self.start..self.end]
    }
}

/// The token in a location, and where it begins in the buffer.
pub(crate) struct PlacedToken {
    token: ClickToken,
    at: usize,
}

/// A redirect whose header lines are written: `set-cookie` as needed, then `location`.
pub(crate) struct Redirect {
    pub(crate) location: Span,
    token: Option<PlacedToken>,
    /// Visitor, claim, and the oldest claim expired.
    pub(crate) cookies: [Option<Span>; 3],
}

/// An answer to a click.
pub(crate) enum Reply {
    /// On to the destination.
    Redirect(Redirect),
    /// Nothing, so that the real tap comes back.
    Prefetch,
    /// A page.
    Page { outcome: Outcome, language: Language, body: Bytes },
}

impl Reply {
    /// Makes the answer. A redirect's header lines go behind what `out` holds; every other answer leaves it alone.
    pub(crate) fn make(
        shared: &Shared,
        out: &mut Vec<u8>,
        asked: &Asked<'_>,
        found: &Found<'_>,
        link: &LinkRow,
        visit: &Visit,
        made: &Click<'_>,
    ) -> Self {
        let outcome = made.record.outcome;
        match outcome {
            Outcome::Attributed => Self::Redirect(attributed(shared, out, asked, found, visit, made)),
            Outcome::PromotionCancelled | Outcome::ProductDelisted | Outcome::LinkExpired => {
                match &found.programme.fallback {
                    Some(fallback) => Self::Redirect(Redirect::plain(fallback.as_bytes(), out)),
                    None => Self::dead(outcome, found, link, Language::preferred(asked.languages)),
                }
            }
            Outcome::NotYetEffective => {
                Self::dead(outcome, found, link, Language::preferred(asked.languages))
            }
            Outcome::Prefetch => Self::Prefetch,
            Outcome::Preview => {
                let card = pages::card(&found.target.row, &own_url(shared, asked, link));
                Self::Page { outcome, language: Language::Chinese, body: card.into() }
            }
            // A buyer whose tap earns nobody anything is to arrive all the same.
            Outcome::PromoterDisabled | Outcome::Untracked if onward::needed(found.target, asked) => {
                Self::Redirect(Redirect::onward(out, asked, found.target))
            }
            _ => Self::Redirect(without_token(out, asked, found.target)),
        }
    }

    /// The page of a link that leads nowhere now.
    fn dead(outcome: Outcome, found: &Found<'_>, link: &LinkRow, language: Language) -> Self {
        let body = pages::dead(outcome, &found.target.row.title, link.starts.instant(), language);
        Self::Page { outcome, language, body: body.into() }
    }

    /// The same answer for a click whose frame could not be written: without cookies, and with a token that says so.
    pub(crate) fn unjournaled(self, key: &SigningKey, lines: Vec<u8>) -> (Self, Vec<u8>) {
        match self {
            Self::Redirect(redirect) => {
                let mut anew = Vec::new();
                let plain = Redirect::plain(&redirect.unjournaled(key, &lines), &mut anew);
                (Self::Redirect(plain), anew)
            }
            other => (other, lines),
        }
    }

    /// As an answer for hyper. `headers` is the request's own map, used again; `lines` is what `make` wrote to.
    pub(crate) fn into_answer(self, headers: HeaderMap, lines: Vec<u8>) -> Answer {
        match self {
            Self::Redirect(redirect) => {
                let lines = Bytes::from(lines);
                let value =
                    |span: Span| HeaderValue::from_maybe_shared(lines.slice(span.start..span.end)).ok();
                let cookies = redirect.cookies.into_iter().flatten().filter_map(value);
                // Every piece of a location was checked when the table took it in, or is escaped.
                let location = value(redirect.location).unwrap_or(HeaderValue::from_static("/"));
                answer::redirect(headers, location, cookies)
            }
            other => other.into_page(),
        }
    }

    /// An answer that is no redirect.
    pub(crate) fn into_page(self) -> Answer {
        match self {
            Self::Page { outcome, language, body } => {
                answer::page(answer::status(outcome), Some(outcome), language, body)
            }
            Self::Prefetch | Self::Redirect(_) => answer::prefetch(),
        }
    }
}

impl Redirect {
    /// To `location`, without cookies.
    fn plain(location: &[u8], out: &mut Vec<u8>) -> Self {
        let location = line(LOCATION, out, |out| out.extend_from_slice(location));
        Self { location, token: None, cookies: [None; 3] }
    }

    /// To the page on the way to the destination, without cookies.
    fn onward(out: &mut Vec<u8>, asked: &Asked<'_>, target: &Target) -> Self {
        let location = line(LOCATION, out, |out| {
            onward::push_path(asked, out);
            if target.row.pass_query {
                query::push_without(asked.query, target.row.click_param.as_bytes(), out);
            }
        });
        Self { location, token: None, cookies: [None; 3] }
    }

    /// The location for a click whose frame could not be written: with a token that says so. `lines` is what the redirect
    /// was written to. Cookies must not be sent then.
    pub(crate) fn unjournaled(&self, key: &SigningKey, lines: &[u8]) -> Vec<u8> {
        let location = self.location.of(lines);
        let Some(PlacedToken { token, at }) = &self.token else { return location.to_vec() };
        let (head, rest) = location.split_at(at - self.location.start);
        let fragment = rest.iter().position(|b| *b == b'#').map_or(&[][..], |hash| &rest[hash..]);
        let mut value = head.to_vec();
        ClickToken { unjournaled: true, ..*token }.sign(key, &mut value);
        value.extend_from_slice(fragment);
        value
    }
}

const LOCATION: &[u8] = b"location: ";
const SET_COOKIE: &[u8] = b"set-cookie: ";

/// Appends a header line whose value `write` appends; gives where the value stands.
fn line(name: &[u8], out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> Span {
    out.extend_from_slice(name);
    let start = out.len();
    write(out);
    let end = out.len();
    out.extend_from_slice(b"\r\n");
    Span { start, end }
}

/// Our address of a link by its own code, at the host that was asked: one and the same whatever it was called.
pub(crate) fn own_url(shared: &Shared, asked: &Asked<'_>, link: &LinkRow) -> String {
    format!("{}{}", shared.hosts.base(asked.audience), link.code)
}

/// Our address of a link that is known, at the host and under the name that were asked.
pub(crate) fn short_url(shared: &Shared, asked: &Asked<'_>) -> String {
    format!("{}{}", shared.hosts.base(asked.audience), String::from_utf8_lossy(asked.path.name()))
}

/// To the destination with the visitor's own query, if the target passes it on.
fn without_token(out: &mut Vec<u8>, asked: &Asked<'_>, target: &Target) -> Redirect {
    if !target.row.pass_query || asked.query.is_empty() {
        return Redirect::plain(target.plain.as_bytes(), out);
    }
    let location = line(LOCATION, out, |out| {
        out.extend_from_slice(target.head());
        let head = out.len();
        query::push_without(asked.query, target.row.click_param.as_bytes(), out);
        if out.len() == head {
            out.truncate(head - target.head().len());
            out.extend_from_slice(target.plain.as_bytes());
        } else {
            out.extend_from_slice(target.fragment());
        }
    });
    Redirect { location, token: None, cookies: [None; 3] }
}

fn attributed(
    shared: &Shared,
    out: &mut Vec<u8>,
    asked: &Asked<'_>,
    found: &Found<'_>,
    visit: &Visit,
    made: &Click<'_>,
) -> Redirect {
    let (target, record) = (&**found.target, made.record);
    let visitor = visitor_cookie(shared, out, asked, visit, made);
    let claim = claim_cookie(shared, out, asked, found, visit, made);
    let oldest = if claim.is_some() && !visit.has_claim && visit.claims >= CLAIMS_MAX {
        oldest_expired(shared, out, asked)
    } else {
        None
    };
    let token = ClickToken {
        click: made.click,
        visitor: record.visitor,
        programme: record.programme,
        promoter: record.promoter,
        placement: record.placement,
        target: record.target,
        code: record.code,
        clicked: made.now,
        unjournaled: made.unjournaled,
    };
    let mut at = 0;
    let onward = onward::needed(target, asked);
    let location = line(LOCATION, out, |out| {
        if onward || target.row.pass_query && !asked.query.is_empty() {
            if onward {
                onward::push_path(asked, out);
            } else {
                out.extend_from_slice(target.head());
            }
            let head = out.len();
            if target.row.pass_query {
                query::push_without(asked.query, target.row.click_param.as_bytes(), out);
            }
            if out.len() > head {
                out.push(b'&');
            }
            out.extend_from_slice(target.parameter());
        } else {
            out.extend_from_slice(target.head_with_parameter());
        }
        at = out.len();
        token.sign(&shared.keys.click, out);
        if !onward {
            out.extend_from_slice(target.fragment());
        }
    });
    Redirect { location, token: Some(PlacedToken { token, at }), cookies: [visitor, claim, oldest] }
}

fn visitor_cookie(
    shared: &Shared,
    out: &mut Vec<u8>,
    asked: &Asked<'_>,
    visit: &Visit,
    made: &Click<'_>,
) -> Option<Span> {
    let now = made.now;
    let fresh =
        visit.visitor.is_some_and(|token| now.millis() - token.issued.millis() < VISITOR_RENEWED_AFTER_MS);
    // One that the next rotation would make worthless is renewed while it is good.
    if (fresh && !visit.visitor_outdated) || made.record.visitor == VisitorId::NONE {
        return None;
    }
    let expires = now.plus(COOKIE_LIFE_MAX_MS);
    let token = VisitorToken { visitor: made.record.visitor, issued: now, expires, audience: asked.audience };
    Some(line(SET_COOKIE, out, |out| {
        CookieJar::open(shared.jar.visitor_name(), out);
        token.sign(&shared.keys.browser, out);
        shared.jar.close(COOKIE_LIFE_MAX_MS / SECOND_MS, out);
    }))
}

fn claim_cookie(
    shared: &Shared,
    out: &mut Vec<u8>,
    asked: &Asked<'_>,
    found: &Found<'_>,
    visit: &Visit,
    made: &Click<'_>,
) -> Option<Span> {
    let record = made.record;
    let token = match made.claim {
        ClaimAction::None => return None,
        // The same claim, under a key that outlives the next rotation.
        ClaimAction::Keep => visit.prior.filter(|_| visit.prior_outdated)?,
        ClaimAction::Write { protected_until, expires } => ClaimToken {
            programme: record.programme,
            promoter: record.promoter,
            placement: record.placement,
            click: made.click,
            clicked: made.now,
            protected_until,
            expires,
            audience: asked.audience,
        },
    };
    Some(line(SET_COOKIE, out, |out| {
        CookieJar::open(&found.programme.cookie_name, out);
        token.sign(&shared.keys.browser, out);
        shared.jar.close((token.expires.millis() - made.now.millis()).div_euclid(SECOND_MS), out);
    }))
}

/// Expires the claim that was made first; one that does not verify is older than any.
fn oldest_expired(shared: &Shared, out: &mut Vec<u8>, asked: &Asked<'_>) -> Option<Span> {
    let age = |keys: &BrowserKeys, text: &[u8]| {
        // Whether it has expired does not matter here: then it is old.
        ClaimToken::open(text, keys, asked.audience, Instant(0))
            .map_or(i64::MIN, |claim| claim.clicked.millis())
    };
    let claims = shared.jar.claims(asked.cookies.get());
    let (name, _) = claims.min_by_key(|(_, token)| age(&shared.keys.browser, token))?;
    Some(line(SET_COOKIE, out, |out| {
        CookieJar::open(name, out);
        shared.jar.close(0, out);
    }))
}
