//! One tap decided in memory: the hot path's own reading, resolving and deciding, without a server, a journal or a
//! clock. For stories told with their own times; nothing here answers a real request.

use crate::agents::{Agents, AgentsError};
use crate::answer;
use crate::pages::{Language, Pages};
use crate::request::{self, Hosts, Path};
use crate::table::Table;
use attribution_core::catalogue::{LinkFlags, LinkRow};
use attribution_core::click::ClickId;
use attribution_core::code::{CheckKey, Code};
use attribution_core::decide::{
    AgentClass, ClaimAction, Decision, FetchMetadata, RequestFacts, Resolved, decide, standing,
};
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
        let text = || std::str::from_utf8(name).ok();
        let code = Code::parse(name, self.check).or_else(|| table.alias(text()?));
        let Some(link) = code.and_then(|code| table.link(code)) else { return not_found() };
        let small = table.small().load();
        let Some(found) = small.follow(&link) else { return not_found() };
        let resolved = Resolved {
            link: &link,
            target: &found.target.row,
            promoter: found.promoter,
            programme: &found.programme.row,
            banned_from: found.banned_from,
        };
        let facts = RequestFacts { agent: self.agents.class(asked.agent), ..asked.facts };
        // Cookies are read only where a person could earn something by it.
        let person = facts.agent == AgentClass::Person && facts.fetch != FetchMetadata::Subresource;
        let earning = person && !facts.head && !facts.prefetch && standing(&resolved, now).is_none();
        let nobody = Browser { visitor: None, new_visitor: browser.new_visitor, claims: &[] };
        let browser = if earning { browser } else { &nobody };
        let prior = claim_of(browser.claims, found.placement.programme, now);
        let decision = decide(&resolved, &facts, prior, false, now);
        let record = record(&decision, &facts, &link, browser, prior);
        let record = ClickRecord {
            programme: found.placement.programme,
            promoter: found.placement.promoter,
            generation: table.generation(),
            ..record
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

fn record(
    decision: &Decision,
    facts: &RequestFacts,
    link: &LinkRow,
    browser: &Browser<'_>,
    prior: Option<&ClaimToken>,
) -> ClickRecord<'static> {
    let private = decision.reason == Reason::PrivacySignal;
    let visitor = match browser.visitor {
        _ if private => VisitorId::NONE,
        Some(visitor) => visitor,
        None if decision.outcome == Outcome::Attributed => browser.new_visitor,
        None => VisitorId::NONE,
    };
    let signs = [
        (facts.fetch == FetchMetadata::Absent, ClickFlags::NO_FETCH_METADATA),
        (facts.fetch == FetchMetadata::Navigation { user_activated: false }, ClickFlags::NO_USER_ACTIVATION),
        (facts.privacy_signal, ClickFlags::PRIVACY_SIGNAL),
        (link.flags.has(LinkFlags::QR), ClickFlags::QR),
        (browser.visitor.is_some() && !private, ClickFlags::RETURNING_VISITOR),
    ];
    ClickRecord {
        outcome: decision.outcome,
        reason: decision.reason,
        flags: signs.into_iter().filter(|(is, _)| *is).fold(ClickFlags::default(), |all, (_, f)| all.with(f)),
        code: link.code,
        visitor,
        placement: link.placement,
        target: link.target,
        programme: ProgrammeNum::default(),
        promoter: attribution_core::ids::PromoterNum::default(),
        address_prefix: AddressPrefix::default(),
        address_hash: 0,
        agent_hash: 0,
        generation: 0,
        prior_claim: prior.map_or(ClickId::default(), |claim| claim.click),
        sub_id: b"",
    }
}
