//! One tap decided in memory: the hot path's own reading, resolving and deciding, without a server, a journal or a
//! clock. For stories told with their own times; nothing here answers a real request.

use crate::agents::{Agents, AgentsError};
use crate::answer;
use crate::click::{may_earn, signs};
use crate::pages::{Language, Pages};
use crate::request::{self, Hosts, Path};
use crate::table::Table;
use attribution_core::click::ClickId;
use attribution_core::code::CheckKey;
use attribution_core::decide::{ClaimAction, RequestFacts, decide};
use attribution_core::ids::{ProgrammeNum, VisitorId};
use attribution_core::outcome::{Outcome, Reason};
use attribution_core::record::{AddressPrefix, ClickFlags, ClickRecord};
use attribution_core::time::Instant;
use attribution_core::token::ClaimToken;
use http::request::Parts;
use url::Url;

/// What decides taps: patterns of agents, own hosts, the key of codes, and pages.
pub struct Taps {
    agents: Agents,
    hosts: Hosts,
    check: CheckKey,
    pages: Pages,
}

impl std::fmt::Debug for Taps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Taps").finish_non_exhaustive()
    }
}

/// The browser behind a tap.
#[derive(Debug, Clone, Copy)]
pub struct Browser<'a> {
    /// Its visitor id, if it has one already.
    pub visitor: Option<VisitorId>,
    /// The id it gets if it has none and the tap earns one.
    pub new_visitor: VisitorId,
    /// Its claims; those that have ended do not count.
    pub claims: &'a [ClaimToken],
}

/// What a tap came to.
#[derive(Debug, Clone)]
pub struct Tapped {
    /// The outcome.
    pub outcome: Outcome,
    /// Status of the answer.
    pub status: u16,
    /// The title of the page the buyer saw, in Chinese; none for a redirect.
    pub page: Option<String>,
    /// The record, for taps that have one.
    pub recorded: Option<Recorded>,
}

/// What becomes of the claim, and what is recorded.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The click's record.
    pub record: ClickRecord<'static>,
    /// What becomes of the claim.
    pub claim: ClaimAction,
}

impl Taps {
    /// With the built-in patterns of agents.
    ///
    /// # Errors
    /// If they cannot be searched.
    pub fn new(public_base: &Url, check: CheckKey) -> Result<Self, AgentsError> {
        let hosts = Hosts::new(public_base, &[]);
        Ok(Self { agents: Agents::load(None)?, hosts, check, pages: Pages::new() })
    }

    /// Decides one tap.
    pub fn tap(&self, table: &Table, head: &Parts, browser: &Browser<'_>, now: Instant) -> Tapped {
        let asked = match request::read_parts(head, &self.hosts) {
            Ok(asked) => asked,
            Err(refusal) => return self.counted(Outcome::Refused, refusal.status().as_u16()),
        };
        let not_found = || self.counted(Outcome::NotFound, answer::status(Outcome::NotFound).as_u16());
        let Path::Link(name) = asked.path else { return not_found() };
        let small = table.small().load();
        let Some(link) = small.find(name, self.check) else { return not_found() };
        let Some(found) = small.follow(&link) else { return not_found() };
        let resolved = found.resolved(&link);
        let facts = RequestFacts { agent: self.agents.class(asked.agent), ..asked.facts };
        let nobody = Browser { visitor: None, new_visitor: browser.new_visitor, claims: &[] };
        // Nobody is followed to what earns nothing who asks not to be.
        let without_claims = Browser { visitor: browser.visitor.filter(|_| !facts.privacy_signal), ..nobody };
        let mut browser = if may_earn(&facts, &resolved, now) { browser } else { &without_claims };
        let mut prior = claim_of(browser.claims, found.placement.programme, now);
        let decision = decide(&resolved, &facts, prior, false, now);
        if decision.reason == Reason::PrivacySignal {
            (browser, prior) = (&nobody, None);
        }
        let record = ClickRecord {
            outcome: decision.outcome,
            reason: decision.reason,
            flags: signs(&facts, &link, [(browser.visitor.is_some(), ClickFlags::RETURNING_VISITOR)]),
            code: link.code,
            visitor: match browser.visitor {
                Some(visitor) => visitor,
                None if decision.outcome == Outcome::Attributed => browser.new_visitor,
                None => VisitorId::NONE,
            },
            placement: link.placement,
            target: link.target,
            programme: found.placement.programme,
            promoter: found.placement.promoter,
            address_prefix: AddressPrefix::default(),
            address_hash: 0,
            agent_hash: 0,
            generation: table.generation(),
            prior_claim: prior.map_or(ClickId::default(), |claim| claim.click),
            sub_id: b"",
        };
        let (status, page) = self.shown(decision.outcome, found.programme.fallback.is_some());
        let recorded = Recorded { record, claim: decision.claim };
        Tapped { outcome: decision.outcome, status, page, recorded: Some(recorded) }
    }

    fn counted(&self, outcome: Outcome, status: u16) -> Tapped {
        Tapped { outcome, status, page: Some(self.title(outcome)), recorded: None }
    }

    /// Status and page of a recorded tap's answer.
    fn shown(&self, outcome: Outcome, has_fallback: bool) -> (u16, Option<String>) {
        const FOUND: u16 = 302;
        let page = || (answer::status(outcome).as_u16(), Some(self.title(outcome)));
        match outcome {
            Outcome::PromotionCancelled | Outcome::ProductDelisted | Outcome::LinkExpired if has_fallback => {
                (FOUND, None)
            }
            Outcome::PromotionCancelled
            | Outcome::ProductDelisted
            | Outcome::LinkExpired
            | Outcome::NotYetEffective => page(),
            Outcome::Prefetch | Outcome::Preview => (answer::status(outcome).as_u16(), None),
            _ => (FOUND, None),
        }
    }

    /// The title of an outcome's page, as it stands in the page itself.
    fn title(&self, outcome: Outcome) -> String {
        let page = self.pages.of(outcome, Language::Chinese);
        let page = String::from_utf8_lossy(&page);
        let title = page.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
        title.map(|(title, _)| title.to_owned()).unwrap_or_default()
    }
}

fn claim_of(claims: &[ClaimToken], programme: ProgrammeNum, now: Instant) -> Option<&ClaimToken> {
    claims.iter().find(|claim| claim.programme == programme && now < claim.expires)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::{CHECK, HISTORY, code, link, numbered, programme, surroundings};
    use attribution_core::catalogue::{Change, ProgrammeRow};
    use attribution_core::ids::{PlacementNum, PromoterNum};

    #[test]
    fn who_asks_not_to_be_followed_is_not_followed_in_a_story_either() {
        const NOW: Instant = Instant(1_700_000_000_000);
        let table = Table::new(true);
        let honouring = ProgrammeRow { honour_privacy_signal: true, ..programme(1) };
        let rows = [Change::Programme(honouring), Change::Link(link(5))];
        table.apply(HISTORY, &numbered(1, [surroundings(), rows.into()].concat()));
        let taps = Taps::new(&Url::parse("https://yk.example/").unwrap(), CHECK).unwrap();
        let claim = ClaimToken {
            programme: ProgrammeNum(1),
            promoter: PromoterNum(1),
            placement: PlacementNum(1),
            click: ClickId([7; 16]),
            clicked: NOW,
            protected_until: NOW,
            expires: NOW.plus(1_000),
            audience: 0,
        };
        let visitor = VisitorId([3; 16]);
        let browser = Browser { visitor: Some(visitor), new_visitor: VisitorId([4; 16]), claims: &[claim] };
        for (signal, expected) in
            [("0", (visitor, claim.click)), ("1", (VisitorId::NONE, ClickId::default()))]
        {
            let request = http::Request::get(format!("/{}", code(5)))
                .header("host", "yk.example")
                .header("user-agent", "Mozilla/5.0 (iPhone)")
                .header("sec-gpc", signal);
            let (head, ()) = request.body(()).unwrap().into_parts();
            let record = taps.tap(&table, &head, &browser, NOW).recorded.unwrap().record;
            assert_eq!((record.visitor, record.prior_claim), expected, "Sec-GPC: {signal}");
        }
    }
}
