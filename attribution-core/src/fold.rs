//! The one fold: from a buyer's clicks to who owns an order, for last click and binding alike.
//!
//! Clicks are taken in the order of (effective time, click id), whatever the order in which they arrived and however
//! often; each gets a verdict. At most one relation stands at a time; a replaced one never revives, and a click that
//! a protection turned away is not remembered.

mod walk;

use crate::click::ClickId;
use crate::ids::{MerchantId, OrderId, PlacementId, PlatformId, ProductId, PromoterId};
use crate::outcome::{Outcome, Reason};
use crate::policy::attribution::{AttributionPolicy, Scope, SelfPurchase};
use crate::time::{Instant, SECOND_MS};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where a click led, as far as it matters for its scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClickTarget {
    /// The platform.
    pub platform: PlatformId,
    /// The shop.
    pub merchant: MerchantId,
    /// The product, if it led to one.
    pub product: Option<ProductId>,
}

/// How we know of a click.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// It came from an edge's journal.
    Journal,
    /// Only from the signed token on the order, so far.
    TokenOnly,
}

/// Why a click does not enter the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the outcomes and reasons")]
pub enum Ineligible {
    PromotionCancelled,
    ProductDelisted,
    LinkExpired,
    NotYetEffective,
    Head,
    Prefetch,
    Preview,
    NotNavigation,
    Bot,
    PromoterDisabled,
    CategoryBanned,
    PrivacySignal,
    NoBadge,
    NotConverted,
    EdgeStale,
    /// The buyer is the promoter, and the policy ignores such clicks.
    SelfPurchase,
    /// An answer that is no click at all.
    NoClick,
}

impl Ineligible {
    /// What a judged click means for the chain; `None` if it may enter.
    pub const fn of(outcome: Outcome, reason: Reason) -> Option<Self> {
        Some(match outcome {
            Outcome::Attributed => return None,
            Outcome::PromotionCancelled => Self::PromotionCancelled,
            Outcome::ProductDelisted => Self::ProductDelisted,
            Outcome::LinkExpired => Self::LinkExpired,
            Outcome::NotYetEffective => Self::NotYetEffective,
            Outcome::Head => Self::Head,
            Outcome::Prefetch => Self::Prefetch,
            Outcome::Preview => Self::Preview,
            Outcome::NotNavigation => Self::NotNavigation,
            Outcome::Bot => Self::Bot,
            Outcome::PromoterDisabled => Self::PromoterDisabled,
            Outcome::Untracked => match reason {
                Reason::CategoryBanned => Self::CategoryBanned,
                Reason::PrivacySignal => Self::PrivacySignal,
                Reason::NoBadge => Self::NoBadge,
                Reason::NotConverted => Self::NotConverted,
                Reason::EdgeStale => Self::EdgeStale,
                Reason::None | Reason::ClaimKept => Self::NoClick,
            },
            Outcome::Refused | Outcome::RateLimited | Outcome::NotFound | Outcome::Overloaded => {
                Self::NoClick
            }
        })
    }
}

/// One click of the buyer in the programme.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Click {
    /// Its id.
    pub id: ClickId,
    /// When the edge received the request.
    pub received: Instant,
    /// When the core first took it in; stamped once, part of the event.
    pub ingested: Instant,
    /// Whose link.
    pub promoter: PromoterId,
    /// Through which placement.
    pub placement: PlacementId,
    /// Where it led.
    pub target: ClickTarget,
    /// The link's own end, frozen at sharing.
    pub link_expires: Option<Instant>,
    /// A QR code's link: a relation it makes does not end with a link.
    pub qr: bool,
    /// Why it does not count, as judged against the dated state.
    pub ineligible: Option<Ineligible>,
    /// How we know of it.
    pub evidence: Evidence,
}

impl Click {
    /// The instant that counts: an edge whose clock runs ahead gains nothing by it.
    pub fn effective(&self) -> Instant {
        self.received.min(self.ingested)
    }
}

/// Another order line of the same buyer, for policies in which orders end or prolong a relation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PriorOrder {
    /// When it was made (by the policy's order event).
    pub at: Instant,
    /// Its id.
    pub order: OrderId,
    /// What was bought where.
    pub target: ClickTarget,
}

/// The instant and the place whose owner is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// When: the order's instant, or the instant of a relation query.
    pub at: Instant,
    /// The order, if there is one: its own lines neither close nor prolong its relation.
    pub order: Option<&'a OrderId>,
    /// Where: what is bought.
    pub target: &'a ClickTarget,
    /// The click whose token is on the order.
    pub token: Option<ClickId>,
    /// Clicks ingested from then on come too late; `None` asks without such a limit.
    pub final_at: Option<Instant>,
    /// The promoters that are the buyer in person.
    pub own_promoters: &'a BTreeSet<PromoterId>,
}

/// What became of one click.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Verdict {
    /// The order is owned through it.
    Won,
    /// Its promoter's relation is shown by another click.
    RepeatOfOwner {
        /// That click.
        shown: ClickId,
    },
    /// Another promoter's later click took over.
    Replaced {
        /// That click.
        by: ClickId,
    },
    /// Its relation had ended before the order.
    WindowOver {
        /// When it ended.
        ended: Instant,
    },
    /// An earlier order ended its relation.
    ClosedByOrder {
        /// That order.
        order: OrderId,
    },
    /// Another promoter's relation was protected.
    Protected {
        /// The click that made it.
        by: ClickId,
        /// Until when.
        until: Instant,
    },
    /// Another promoter's relation is never replaced.
    Locked {
        /// The click that made it.
        by: ClickId,
    },
    /// A click on the product itself comes before clicks on its shop.
    ProductFirst,
    /// An exclusive coupon decided.
    CouponFirst,
    /// Later than the order.
    AfterOrder,
    /// It arrived when the decision was final.
    LateAfterFinal {
        /// Since when it was.
        final_at: Instant,
    },
    /// It counts for other goods than these.
    OutOfScope,
    /// It never entered the chain.
    Ineligible {
        /// Why.
        reason: Ineligible,
    },
}

/// A click with its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The click.
    pub click: ClickId,
    /// Whose link.
    pub promoter: PromoterId,
    /// Through which placement.
    pub placement: PlacementId,
    /// Its effective time.
    pub at: Instant,
    /// When the core took it in.
    pub ingested: Instant,
    /// How we know of it.
    pub evidence: Evidence,
    /// What became of it.
    pub verdict: Verdict,
}

/// How a relation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum RelationEnd {
    /// Another promoter's click took over ("跑路").
    Replaced {
        /// That click.
        by: ClickId,
    },
    /// Its time was over.
    WindowOver,
    /// An order closed it.
    ClosedByOrder {
        /// That order.
        order: OrderId,
    },
}

/// A promoter's hold on the buyer, within the scope asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// Who.
    pub promoter: PromoterId,
    /// The click that shows it: the last one for last click, the first one for a binding.
    pub click: ClickId,
    /// That click's placement.
    pub placement: PlacementId,
    /// How we know of that click.
    pub evidence: Evidence,
    /// From when on it counts.
    pub bound_at: Instant,
    /// The promoter's last click within it.
    pub last_click_at: Instant,
    /// Until when other promoters' clicks change nothing, if the policy protects.
    pub protected_until: Option<Instant>,
    /// When it ends by itself (half-open); `None` for never.
    pub ends: Option<Instant>,
    /// How and when it ended, if it has.
    pub ended: Option<(Instant, RelationEnd)>,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folded {
    /// Who owns it, if anybody does.
    pub owner: Option<Relation>,
    /// Earlier relations, oldest first.
    pub earlier: Vec<Relation>,
    /// Every click with its verdict, in the order of the fold.
    pub candidates: Vec<Candidate>,
}

/// Folds the clicks. `orders` are the buyer's other orders; both may come in any order and with repetitions.
pub fn fold(
    policy: &AttributionPolicy,
    question: &Question<'_>,
    clicks: &[Click],
    orders: &[PriorOrder],
) -> Folded {
    let clicks = in_order(clicks);
    let mut verdicts: Vec<Option<Verdict>> =
        clicks.iter().map(|click| screen(policy, question, click)).collect();
    let levels: &[Scope] = match policy.scope {
        Scope::Product => &[Scope::Product],
        Scope::Shop => &[Scope::Shop],
        Scope::Platform => &[Scope::Platform],
        Scope::ProductThenShop => &[Scope::Product, Scope::Shop],
    };
    let widest = levels[levels.len() - 1];
    for (click, verdict) in clicks.iter().zip(&mut verdicts) {
        if verdict.is_none() && !covers(widest, &click.target, question.target) {
            *verdict = Some(Verdict::OutOfScope);
        }
    }
    let mut owner = None;
    let mut earlier = Vec::new();
    for level in levels {
        let chain: Vec<usize> = (0..clicks.len())
            .filter(|i| !screened_out(verdicts[*i].as_ref()))
            .filter(|i| covers(*level, &clicks[*i].target, question.target))
            .collect();
        let walked = walk::walk(policy, question, *level, &clicks, &chain, orders);
        for (index, verdict) in walked.verdicts {
            verdicts[index] = Some(verdict);
        }
        earlier = walked.ended;
        if walked.owner.is_some() {
            owner = walked.owner;
            break;
        }
    }
    let candidates = clicks
        .iter()
        .zip(verdicts)
        .map(|(click, verdict)| Candidate {
            click: click.id,
            promoter: click.promoter.clone(),
            placement: click.placement.clone(),
            at: click.effective(),
            ingested: click.ingested,
            evidence: click.evidence,
            // What no level looked at lost to a click on the product itself.
            verdict: verdict.unwrap_or(Verdict::ProductFirst),
        })
        .collect();
    Folded { owner, earlier, candidates }
}

/// Whether a verdict was given before the walk; those a walk gave are looked at again on the next level.
const fn screened_out(verdict: Option<&Verdict>) -> bool {
    matches!(
        verdict,
        Some(
            Verdict::Ineligible { .. }
                | Verdict::AfterOrder
                | Verdict::LateAfterFinal { .. }
                | Verdict::OutOfScope,
        )
    )
}

/// Total order, each click once. Of two deliveries of one click the smaller counts, whichever came first; a journal
/// confirms what a token said, and the click was known since the earlier of both.
fn in_order(clicks: &[Click]) -> Vec<Click> {
    let mut once: BTreeMap<ClickId, (&Click, Instant)> = BTreeMap::new();
    for click in clicks {
        let (kept, known_since) = once.entry(click.id).or_insert((click, click.ingested));
        if (click.evidence, click) < (kept.evidence, *kept) {
            *kept = click;
        }
        *known_since = click.ingested.min(*known_since);
    }
    let mut ordered: Vec<Click> = once
        .into_values()
        .map(|(click, known_since)| Click { ingested: known_since, ..click.clone() })
        .collect();
    ordered.sort_by_key(|click| (click.effective(), click.id));
    ordered
}

/// What can be said of a click without looking at the others.
fn screen(policy: &AttributionPolicy, question: &Question<'_>, click: &Click) -> Option<Verdict> {
    if let Some(reason) = click.ineligible {
        return Some(Verdict::Ineligible { reason });
    }
    if policy.self_purchase == SelfPurchase::Ignore && question.own_promoters.contains(&click.promoter) {
        return Some(Verdict::Ineligible { reason: Ineligible::SelfPurchase });
    }
    let after_seconds = click.effective().floor_seconds() - question.at.floor_seconds();
    // The merchant's clock may be a little behind: the click whose token is on the order came before it.
    let tolerated =
        if question.token == Some(click.id) { policy.max_token_skew.millis() / SECOND_MS } else { 0 };
    if after_seconds > tolerated {
        return Some(Verdict::AfterOrder);
    }
    match question.final_at {
        Some(final_at) if click.ingested.floor_seconds() >= final_at.floor_seconds() => {
            Some(Verdict::LateAfterFinal { final_at })
        }
        _ => None,
    }
}

/// Whether a click on `clicked` counts for `bought`.
fn covers(level: Scope, clicked: &ClickTarget, bought: &ClickTarget) -> bool {
    let platform = clicked.platform == bought.platform;
    let shop = platform && clicked.merchant == bought.merchant;
    match level {
        Scope::Platform => platform,
        Scope::Shop | Scope::ProductThenShop => shop,
        Scope::Product => shop && clicked.product.is_some() && clicked.product == bought.product,
    }
}

#[cfg(test)]
mod tests;
