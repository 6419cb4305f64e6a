//! What a click is answered with: a redirect with its cookies and token, or a page. Made before the gate, sent after.

use crate::answer::{self, Answer};
use crate::cookies::{CLAIMS_MAX, CookieJar};
use crate::pages::{self, Language};
use crate::query;
use crate::request::Asked;
use crate::table::{Found, Target};
use crate::visit::Visit;
use crate::worker::Shared;
use attribution_core::catalogue::LinkRow;
use attribution_core::click::ClickId;
use attribution_core::decide::{COOKIE_LIFE_MAX_MS, ClaimAction};
use attribution_core::ids::VisitorId;
use attribution_core::outcome::Outcome;
use attribution_core::record::ClickRecord;
use attribution_core::time::{DAY_MS, Instant, SECOND_MS};
use attribution_core::token::{BrowserKeys, ClaimToken, ClickToken, VisitorToken};
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

/// An answer to a click.
pub(crate) enum Reply {
    /// Visitor, claim, and the oldest claim expired, as needed; `plain` is the same way without tokens.
    Redirect { location: HeaderValue, plain: HeaderValue, cookies: [Option<HeaderValue>; 3] },
    /// Nothing, so that the real tap comes back.
    Prefetch,
    /// A page.
    Page { outcome: Outcome, language: Language, body: Bytes },
}

impl Reply {
    /// Makes the answer. `scratch` is room to build header values in.
    pub(crate) fn make(
        shared: &Shared,
        scratch: &mut Vec<u8>,
        asked: &Asked<'_>,
        found: &Found<'_>,
        link: &LinkRow,
        visit: &Visit,
        made: &Click<'_>,
    ) -> Self {
        let outcome = made.record.outcome;
        let language = || Language::preferred(asked.languages);
        match outcome {
            Outcome::Attributed => attributed(shared, scratch, asked, found, visit, made),
            Outcome::PromotionCancelled | Outcome::ProductDelisted | Outcome::LinkExpired => {
                match &found.programme.fallback {
                    Some(fallback) => Self::plain(fallback.clone()),
                    None => {
                        let language = language();
                        Self::Page { outcome, language, body: shared.pages.of(outcome, language) }
                    }
                }
            }
            Outcome::NotYetEffective => {
                let language = language();
                let starts = link.starts.instant().unwrap_or(made.now);
                Self::Page { outcome, language, body: pages::not_yet(starts, language).into() }
            }
            Outcome::Prefetch => Self::Prefetch,
            Outcome::Preview => {
                let card = pages::card(&found.target.row.title, &short_url(shared, link));
                Self::Page { outcome, language: Language::Chinese, body: card.into() }
            }
            _ => Self::plain(without_token(scratch, asked, found.target)),
        }
    }

    fn plain(location: HeaderValue) -> Self {
        Self::Redirect { plain: location.clone(), location, cookies: [None, None, None] }
    }

    /// The same answer without claim, visitor and click token.
    pub(crate) fn without_tokens(self) -> Self {
        match self {
            Self::Redirect { plain, .. } => {
                Self::Redirect { location: plain.clone(), plain, cookies: [None, None, None] }
            }
            other => other,
        }
    }

    /// As HTTP. `headers` is the request's own map, used again.
    pub(crate) fn into_answer(self, headers: HeaderMap) -> Answer {
        match self {
            Self::Redirect { location, cookies, .. } => answer::redirect(headers, location, cookies),
            Self::Prefetch => answer::prefetch(),
            Self::Page { outcome, language, body } => {
                answer::page(answer::status(outcome), Some(outcome), language, body)
            }
        }
    }
}

/// Our address of a link.
pub(crate) fn short_url(shared: &Shared, link: &LinkRow) -> String {
    format!("{}{}", shared.public_base, link.code)
}

fn value_of(bytes: &[u8]) -> Option<HeaderValue> {
    HeaderValue::from_bytes(bytes).ok()
}

/// The destination with the visitor's own query, if the target passes it on.
fn without_token(scratch: &mut Vec<u8>, asked: &Asked<'_>, target: &Target) -> HeaderValue {
    if !target.row.pass_query || asked.query.is_empty() {
        return target.plain.clone();
    }
    scratch.clear();
    scratch.extend_from_slice(&target.head);
    let head = scratch.len();
    query::push_without(asked.query, target.row.click_param.as_bytes(), scratch);
    if scratch.len() == head {
        return target.plain.clone();
    }
    scratch.extend_from_slice(&target.fragment);
    value_of(scratch).unwrap_or_else(|| target.plain.clone())
}

fn attributed(
    shared: &Shared,
    scratch: &mut Vec<u8>,
    asked: &Asked<'_>,
    found: &Found<'_>,
    visit: &Visit,
    made: &Click<'_>,
) -> Reply {
    let (target, record) = (&**found.target, made.record);
    let visitor = visitor_cookie(shared, scratch, asked, visit, made);
    let claim = claim_cookie(shared, scratch, asked, found, made);
    let oldest = if claim.is_some() && !visit.has_claim && visit.claims >= CLAIMS_MAX {
        oldest_expired(shared, scratch, asked)
    } else {
        None
    };
    scratch.clear();
    scratch.extend_from_slice(&target.head);
    if target.row.pass_query && !asked.query.is_empty() {
        let head = scratch.len();
        query::push_without(asked.query, target.row.click_param.as_bytes(), scratch);
        if scratch.len() > head {
            scratch.push(b'&');
        }
    }
    scratch.extend_from_slice(&target.parameter);
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
    token.sign(&shared.keys.click, scratch);
    scratch.extend_from_slice(&target.fragment);
    let plain = target.plain.clone();
    let location = value_of(scratch).unwrap_or_else(|| plain.clone());
    Reply::Redirect { location, plain, cookies: [visitor, claim, oldest] }
}

fn visitor_cookie(
    shared: &Shared,
    scratch: &mut Vec<u8>,
    asked: &Asked<'_>,
    visit: &Visit,
    made: &Click<'_>,
) -> Option<HeaderValue> {
    let now = made.now;
    let fresh =
        visit.visitor.is_some_and(|token| now.millis() - token.issued.millis() < VISITOR_RENEWED_AFTER_MS);
    if fresh || made.record.visitor == VisitorId::NONE {
        return None;
    }
    let expires = now.plus(COOKIE_LIFE_MAX_MS);
    let token = VisitorToken { visitor: made.record.visitor, issued: now, expires, audience: asked.audience };
    scratch.clear();
    CookieJar::open(shared.jar.visitor_name(), scratch);
    token.sign(&shared.keys.browser, scratch);
    shared.jar.close(COOKIE_LIFE_MAX_MS / SECOND_MS, scratch);
    value_of(scratch)
}

fn claim_cookie(
    shared: &Shared,
    scratch: &mut Vec<u8>,
    asked: &Asked<'_>,
    found: &Found<'_>,
    made: &Click<'_>,
) -> Option<HeaderValue> {
    let ClaimAction::Write { protected_until, expires } = made.claim else { return None };
    let record = made.record;
    let token = ClaimToken {
        programme: record.programme,
        promoter: record.promoter,
        placement: record.placement,
        click: made.click,
        clicked: made.now,
        protected_until,
        expires,
        audience: asked.audience,
    };
    scratch.clear();
    CookieJar::open(&found.programme.cookie_name, scratch);
    token.sign(&shared.keys.browser, scratch);
    shared.jar.close((expires.millis() - made.now.millis()).div_euclid(SECOND_MS), scratch);
    value_of(scratch)
}

/// Expires the claim that was made first; one that does not verify is older than any.
fn oldest_expired(shared: &Shared, scratch: &mut Vec<u8>, asked: &Asked<'_>) -> Option<HeaderValue> {
    let age = |keys: &BrowserKeys, text: &[u8]| {
        // Whether it has expired does not matter here: then it is old.
        ClaimToken::open(text, keys, asked.audience, Instant(0))
            .map_or(i64::MIN, |claim| claim.clicked.millis())
    };
    let claims = shared.jar.claims(asked.cookies.get());
    let (name, _) = claims.min_by_key(|(_, token)| age(&shared.keys.browser, token))?;
    scratch.clear();
    CookieJar::open(name, scratch);
    shared.jar.close(0, scratch);
    value_of(scratch)
}
