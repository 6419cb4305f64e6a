//! What one click is: a pure function of the link and its surroundings, the request, and now.
//!
//! The first rule that matches wins, in the order of the outcomes' table. The core judges the same way again,
//! against the dated state at the click's effective time, and may only downgrade.

use crate::catalogue::{BanRow, ClaimEnd, LinkFlags, LinkRow, ProgrammeRow, PromoterRow, Rebind, TargetRow};
use crate::outcome::{Outcome, Reason};
use crate::time::{DAY_MS, Instant};
use crate::token::ClaimToken;

/// Browsers cap a cookie's life at 400 days; a claim in a cookie lives no longer.
pub const COOKIE_LIFE_MAX_MS: i64 = 400 * DAY_MS;

/// A link with everything it points at.
#[derive(Debug, Clone, Copy)]
pub struct Resolved<'a> {
    /// The link.
    pub link: &'a LinkRow,
    /// Where it leads.
    pub target: &'a TargetRow,
    /// Whose link it is.
    pub promoter: &'a PromoterRow,
    /// Under which programme.
    pub programme: &'a ProgrammeRow,
    /// The bans of the target's category, in whatever programme.
    pub bans: &'a [BanRow],
}

/// Who is asking, by the User-Agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AgentClass {
    /// A person's browser, in-app browsers included.
    #[default]
    Person,
    /// A crawler that makes link previews.
    PreviewCrawler,
    /// Any other bot.
    Bot,
}

/// What the Sec-Fetch headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FetchMetadata {
    /// None sent: plain http, an older or an in-app browser. Counts as a person.
    #[default]
    Absent,
    /// A top-level navigation.
    Navigation {
        /// Whether a person's gesture may have started it: `false` only where a browser that tells gestures told none.
        user_activated: bool,
    },
    /// An image, a frame, a script, a style, a fetch.
    Subresource,
}

/// The facts of a request that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestFacts {
    /// A HEAD request.
    pub head: bool,
    /// The browser says that it prefetches or prerenders.
    pub prefetch: bool,
    /// Who is asking.
    pub agent: AgentClass,
    /// What the Sec-Fetch headers say.
    pub fetch: FetchMetadata,
    /// Sec-GPC: 1.
    pub privacy_signal: bool,
}

/// What becomes of the browser's claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimAction {
    /// No claim is given.
    None,
    /// The claim it has stays as it is.
    Keep,
    /// A new claim for this click's promoter.
    Write {
        /// Protected against other promoters until then.
        protected_until: Instant,
        /// It ends then.
        expires: Instant,
    },
}

/// What one click is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The outcome.
    pub outcome: Outcome,
    /// Why, beyond the outcome.
    pub reason: Reason,
    /// What becomes of the claim.
    pub claim: ClaimAction,
}

/// Whether the link itself is dead or not yet alive at `at`, whoever asks.
pub fn standing(resolved: &Resolved<'_>, at: Instant) -> Option<Outcome> {
    let reached = |from: Option<Instant>| from.is_some_and(|from| at >= from);
    let link = resolved.link;
    dead(
        reached(resolved.target.cancelled_from),
        reached(resolved.target.delisted_from),
        link.flags.has(LinkFlags::CLOSED) || reached(link.expires.instant()),
        link.starts.instant().is_some_and(|starts| at < starts),
    )
}

/// The order in which a dead link's reasons are named.
pub(crate) const fn dead(cancelled: bool, delisted: bool, over: bool, early: bool) -> Option<Outcome> {
    if cancelled {
        Some(Outcome::PromotionCancelled)
    } else if delisted {
        Some(Outcome::ProductDelisted)
    } else if over {
        Some(Outcome::LinkExpired)
    } else if early {
        Some(Outcome::NotYetEffective)
    } else {
        None
    }
}

/// Why a person's click on a living link does not count, if so.
pub fn exclusion(resolved: &Resolved<'_>, privacy_signal: bool, at: Instant) -> Option<(Outcome, Reason)> {
    let programme = resolved.programme;
    let flags = resolved.link.flags;
    if resolved.promoter.disabled_from.is_some_and(|from| at >= from) {
        Some((Outcome::PromoterDisabled, Reason::None))
    } else if resolved.bans.iter().any(|ban| ban.forbids(programme.num, at)) {
        Some((Outcome::Untracked, Reason::CategoryBanned))
    } else if privacy_signal && programme.honour_privacy_signal {
        Some((Outcome::Untracked, Reason::PrivacySignal))
    } else if programme.require_badge && !flags.has(LinkFlags::BADGE) {
        Some((Outcome::Untracked, Reason::NoBadge))
    } else if programme.require_converted && !flags.has(LinkFlags::CONVERTED) {
        Some((Outcome::Untracked, Reason::NotConverted))
    } else {
        None
    }
}

/// Decides. `prior` is the browser's verified claim for this programme, unexpired; `stale` says that this edge has
/// been cut off for longer than it may give claims.
pub fn decide(
    resolved: &Resolved<'_>,
    request: &RequestFacts,
    prior: Option<&ClaimToken>,
    stale: bool,
    now: Instant,
) -> Decision {
    let plain = |outcome| Decision { outcome, reason: Reason::None, claim: ClaimAction::None };
    if let Some(outcome) = standing(resolved, now) {
        return plain(outcome);
    }
    if request.head {
        return plain(Outcome::Head);
    }
    if request.prefetch {
        return plain(Outcome::Prefetch);
    }
    if request.agent == AgentClass::PreviewCrawler {
        return plain(Outcome::Preview);
    }
    if request.fetch == FetchMetadata::Subresource {
        return plain(Outcome::NotNavigation);
    }
    if request.agent == AgentClass::Bot {
        return plain(Outcome::Bot);
    }
    if let Some((outcome, reason)) = exclusion(resolved, request.privacy_signal, now) {
        return Decision { outcome, reason, claim: ClaimAction::None };
    }
    if stale {
        return Decision { outcome: Outcome::Untracked, reason: Reason::EdgeStale, claim: ClaimAction::None };
    }
    if prior.is_some_and(|claim| keeps(claim, resolved, now)) {
        return Decision {
            outcome: Outcome::Attributed,
            reason: Reason::ClaimKept,
            claim: ClaimAction::Keep,
        };
    }
    Decision { outcome: Outcome::Attributed, reason: Reason::None, claim: write_claim(prior, resolved, now) }
}

/// The claim this click earns. Business time counts in whole seconds, so both ends are measured from the second.
fn write_claim(prior: Option<&ClaimToken>, resolved: &Resolved<'_>, now: Instant) -> ClaimAction {
    let programme = resolved.programme;
    let second = now.floor();
    let own = prior
        .filter(|claim| claim.programme == resolved.programme.num && claim.promoter == resolved.promoter.num);
    let life = second.plus(programme.claim_life_ms);
    let link_end = resolved.link.expires.instant().filter(|_| !resolved.link.flags.has(LinkFlags::QR));
    let expires = match (programme.claim_end, own) {
        (ClaimEnd::FromBind, Some(claim)) => claim.expires,
        (ClaimEnd::FromClick | ClaimEnd::FromBind, _) => life,
        // The longer-lived of the holder's links counts; without an end of its own the policy's life does.
        (ClaimEnd::WithLink, own) => {
            let end = link_end.map_or(life, |end| end.min(life));
            own.map_or(end, |claim| end.max(claim.expires))
        }
    };
    // Protection runs from the (re)binding: the owner's own further clicks do not refresh it.
    let protected_until = own.map_or_else(|| second.plus(programme.protection_ms), |c| c.protected_until);
    ClaimAction::Write { protected_until, expires: expires.min(second.plus(COOKIE_LIFE_MAX_MS)) }
}

/// Whether the browser's claim stands against this click.
fn keeps(claim: &ClaimToken, resolved: &Resolved<'_>, now: Instant) -> bool {
    if claim.promoter == resolved.promoter.num || claim.programme != resolved.programme.num {
        return false;
    }
    match resolved.programme.rebind {
        Rebind::Never => true,
        // A claim made before the policy dropped its protection is no longer protected.
        Rebind::AfterProtection | Rebind::AnyClick => {
            now < claim.protected_until && resolved.programme.protection_ms > 0
        }
    }
}

#[cfg(test)]
mod tests;
