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
use attribution_core::token::{BrowserKeys, ClaimToken, ClickToken, SigningKey, VisitorToken};
use bytes::{Bytes, BytesMut};
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

/// The token in a location, and where it begins there.
pub(crate) struct PlacedToken {
    token: ClickToken,
    at: usize,
}

/// An answer to a click.
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is the common one: a box would cost each click an allocation"
)]
pub(crate) enum Reply {
    /// With visitor, claim, and the oldest claim expired, as needed, and the token in the location.
    Redirect { location: HeaderValue, token: Option<PlacedToken>, cookies: [Option<HeaderValue>; 3] },
    /// Nothing, so that the real tap comes back.
    Prefetch,
    /// A page.
    Page { outcome: Outcome, language: Language, body: Bytes },
}

impl Reply {
    /// Makes the answer.
    pub(crate) fn make(
        shared: &Shared,
        bench: &mut Workbench,
        asked: &Asked<'_>,
        found: &Found<'_>,
        link: &LinkRow,
        visit: &Visit,
        made: &Click<'_>,
    ) -> Self {
        let outcome = made.record.outcome;
        let language = || Language::preferred(asked.languages);
        match outcome {
            Outcome::Attributed => attributed(shared, bench, asked, found, visit, made),
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
            _ => Self::plain(without_token(bench, asked, found.target)),
        }
    }

    fn plain(location: HeaderValue) -> Self {
        Self::Redirect { location, token: None, cookies: [None, None, None] }
    }

    /// The same answer for a click whose frame could not be written: without cookies, and with a token that says so.
    pub(crate) fn unjournaled(self, key: &SigningKey) -> Self {
        match self {
            Self::Redirect { location, token: Some(PlacedToken { token, at }), .. } => {
                let (head, rest) = location.as_bytes().split_at(at);
                let fragment = rest.iter().position(|b| *b == b'#').map_or(&[][..], |hash| &rest[hash..]);
                let mut value = head.to_vec();
                ClickToken { unjournaled: true, ..token }.sign(key, &mut value);
                value.extend_from_slice(fragment);
                Self::plain(HeaderValue::from_bytes(&value).unwrap_or(location))
            }
            Self::Redirect { location, .. } => Self::plain(location),
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

/// Bytes of one block of header values.
const BLOCK: usize = 32 << 10;

/// Where answers are built: one header value at a time, in blocks that many answers share, because one allocation per
/// value is a good part of what an answer costs. A value lives only until hyper has copied it, so no block lingers.
#[derive(Default)]
pub(crate) struct Workbench {
    value: Vec<u8>,
    block: BytesMut,
}

impl Workbench {
    /// Starts a value.
    fn start(&mut self) -> &mut Vec<u8> {
        self.value.clear();
        &mut self.value
    }

    /// What was written since the start, as a header value.
    fn finish(&mut self) -> Option<HeaderValue> {
        if self.block.capacity() < self.value.len() {
            self.block.reserve(BLOCK.max(self.value.len()));
        }
        self.block.extend_from_slice(&self.value);
        HeaderValue::from_maybe_shared(self.block.split().freeze()).ok()
    }
}

/// The destination with the visitor's own query, if the target passes it on.
fn without_token(bench: &mut Workbench, asked: &Asked<'_>, target: &Target) -> HeaderValue {
    if !target.row.pass_query || asked.query.is_empty() {
        return target.plain.clone();
    }
    let value = bench.start();
    value.extend_from_slice(target.head());
    let head = value.len();
    query::push_without(asked.query, target.row.click_param.as_bytes(), value);
    if value.len() == head {
        return target.plain.clone();
    }
    value.extend_from_slice(target.fragment());
    bench.finish().unwrap_or_else(|| target.plain.clone())
}

fn attributed(
    shared: &Shared,
    bench: &mut Workbench,
    asked: &Asked<'_>,
    found: &Found<'_>,
    visit: &Visit,
    made: &Click<'_>,
) -> Reply {
    let (target, record) = (&**found.target, made.record);
    let visitor = visitor_cookie(shared, bench, asked, visit, made);
    let claim = claim_cookie(shared, bench, asked, found, made);
    let oldest = if claim.is_some() && !visit.has_claim && visit.claims >= CLAIMS_MAX {
        oldest_expired(shared, bench, asked)
    } else {
        None
    };
    let value = bench.start();
    if target.row.pass_query && !asked.query.is_empty() {
        value.extend_from_slice(target.head());
        let head = value.len();
        query::push_without(asked.query, target.row.click_param.as_bytes(), value);
        if value.len() > head {
            value.push(b'&');
        }
        value.extend_from_slice(target.parameter());
    } else {
        value.extend_from_slice(target.head_with_parameter());
    }
    let at = value.len();
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
    token.sign(&shared.keys.click, value);
    value.extend_from_slice(target.fragment());
    match bench.finish() {
        Some(location) => Reply::Redirect {
            location,
            token: Some(PlacedToken { token, at }),
            cookies: [visitor, claim, oldest],
        },
        None => Reply::plain(target.plain.clone()),
    }
}

fn visitor_cookie(
    shared: &Shared,
    bench: &mut Workbench,
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
    let value = bench.start();
    CookieJar::open(shared.jar.visitor_name(), value);
    token.sign(&shared.keys.browser, value);
    shared.jar.close(COOKIE_LIFE_MAX_MS / SECOND_MS, value);
    bench.finish()
}

fn claim_cookie(
    shared: &Shared,
    bench: &mut Workbench,
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
    let value = bench.start();
    CookieJar::open(&found.programme.cookie_name, value);
    token.sign(&shared.keys.browser, value);
    shared.jar.close((expires.millis() - made.now.millis()).div_euclid(SECOND_MS), value);
    bench.finish()
}

/// Expires the claim that was made first; one that does not verify is older than any.
fn oldest_expired(shared: &Shared, bench: &mut Workbench, asked: &Asked<'_>) -> Option<HeaderValue> {
    let age = |keys: &BrowserKeys, text: &[u8]| {
        // Whether it has expired does not matter here: then it is old.
        ClaimToken::open(text, keys, asked.audience, Instant(0))
            .map_or(i64::MIN, |claim| claim.clicked.millis())
    };
    let claims = shared.jar.claims(asked.cookies.get());
    let (name, _) = claims.min_by_key(|(_, token)| age(&shared.keys.browser, token))?;
    let value = bench.start();
    CookieJar::open(name, value);
    shared.jar.close(0, value);
    bench.finish()
}
