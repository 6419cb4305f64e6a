//! Who comes back, and with which claim: our cookies of a request, verified.

use crate::cookies::Ours;
use crate::request::Asked;
use crate::shared::Shared;
use crate::table::Programme;
use attribution_core::time::Instant;
use attribution_core::token::{ClaimToken, TokenError, VisitorToken};

/// What a browser brought.
#[derive(Debug, Default)]
pub(crate) struct Visit {
    /// Its visitor token, if it verifies and lives.
    pub(crate) visitor: Option<VisitorToken>,
    /// Its claim for this programme, if it verifies and lives.
    pub(crate) prior: Option<ClaimToken>,
    /// The visitor token was signed with the key before the current one.
    pub(crate) visitor_outdated: bool,
    /// The claim was.
    pub(crate) prior_outdated: bool,
    /// Claims of all programmes that it carries, unverified.
    pub(crate) claims: usize,
    /// It has a claim cookie for this programme, good or bad.
    pub(crate) has_claim: bool,
    /// A cookie of ours did not verify. An expired one is no bad one.
    pub(crate) bad_cookie: bool,
}

impl Visit {
    /// Reads what may be known of whoever taps. Who asks not to be followed is not followed to what earns nothing, either.
    pub(crate) fn of(
        shared: &Shared,
        asked: &Asked<'_>,
        programme: &Programme,
        may_earn: bool,
        now: Instant,
    ) -> Self {
        match (may_earn, asked.facts.privacy_signal) {
            (true, _) => Self::with_claims(shared, asked, programme, now),
            (false, false) => Self::without_claims(shared, asked, programme, now),
            (false, true) => Self::default(),
        }
    }

    fn with_claims(shared: &Shared, asked: &Asked<'_>, programme: &Programme, now: Instant) -> Self {
        let ours = shared.jar.find(asked.cookies.get(), &programme.cookie_name);
        let keys = &shared.keys.browser;
        let visitor = Self::visitor(&ours, shared, asked, now);
        let mut bad_cookie = visitor.bad_cookie;
        let prior = ours.own_claims.get().iter().find_map(|text| {
            let bad = |error| bad_cookie |= is_bad(error);
            let token = ClaimToken::open(text, keys, asked.audience, now).map_err(bad).ok()?;
            Some((token, keys.is_outdated(text)))
        });
        let (prior, prior_outdated) = prior.map_or((None, false), |(token, old)| (Some(token), old));
        // A claim of another programme under this one's name is somebody's handiwork.
        let foreign = prior.is_some_and(|claim| claim.programme != programme.row.num);
        Self {
            prior: prior.filter(|_| !foreign),
            prior_outdated,
            claims: ours.claims,
            has_claim: !ours.own_claims.get().is_empty(),
            bad_cookie: bad_cookie || foreign,
            ..visitor
        }
    }

    /// Who comes back to what gives no claim: whoever asks why an order is nobody's is told of such a click, too.
    fn without_claims(shared: &Shared, asked: &Asked<'_>, programme: &Programme, now: Instant) -> Self {
        let ours = shared.jar.find(asked.cookies.get(), &programme.cookie_name);
        Self::visitor(&ours, shared, asked, now)
    }

    fn visitor(ours: &Ours<'_>, shared: &Shared, asked: &Asked<'_>, now: Instant) -> Self {
        let keys = &shared.keys.browser;
        let mut bad_cookie = false;
        let visitor = ours.visitors.get().iter().find_map(|text| {
            let bad = |error| bad_cookie |= is_bad(error);
            let token = VisitorToken::open(text, keys, asked.audience, now).map_err(bad).ok()?;
            Some((token, keys.is_outdated(text)))
        });
        let (visitor, visitor_outdated) = visitor.map_or((None, false), |(token, old)| (Some(token), old));
        Self { visitor, visitor_outdated, bad_cookie, ..Self::default() }
    }
}

/// A token that has only expired is no bad one.
fn is_bad(error: TokenError) -> bool {
    error != TokenError::Expired
}
