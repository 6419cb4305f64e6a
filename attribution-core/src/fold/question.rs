//! What the fold is asked, and with what: clicks, other orders, the instant and the goods.

use crate::click::ClickId;
use crate::ids::{MerchantId, OrderId, PlacementId, PlatformId, ProductId, PromoterId};
use crate::outcome::{Outcome, Reason};
use crate::policy::Policy;
use crate::policy::attribution::OrderEvent;
use crate::policy::settlement::PayMethod;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;

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
    NoUserActivation,
    /// The buyer is the promoter, and the policy ignores such clicks.
    SelfPurchase,
    /// An answer that is no click at all.
    NoClick,
}

impl Ineligible {
    /// The code by which programs know the reason, as in the JSON.
    pub const fn code(self) -> &'static str {
        match self {
            Self::PromotionCancelled => "promotion_cancelled",
            Self::ProductDelisted => "product_delisted",
            Self::LinkExpired => "link_expired",
            Self::NotYetEffective => "not_yet_effective",
            Self::Head => "head",
            Self::Prefetch => "prefetch",
            Self::Preview => "preview",
            Self::NotNavigation => "not_navigation",
            Self::Bot => "bot",
            Self::PromoterDisabled => "promoter_disabled",
            Self::CategoryBanned => "category_banned",
            Self::PrivacySignal => "privacy_signal",
            Self::NoBadge => "no_badge",
            Self::NotConverted => "not_converted",
            Self::EdgeStale => "edge_stale",
            Self::NoUserActivation => "no_user_activation",
            Self::SelfPurchase => "self_purchase",
            Self::NoClick => "no_click",
        }
    }

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
                Reason::NoUserActivation => Self::NoUserActivation,
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
    /// When it was made; [`Self::touching`] puts the payment in its place where payments count.
    pub at: Instant,
    /// When it was paid, if it was.
    pub paid: Option<Instant>,
    /// Its id.
    pub order: OrderId,
    /// What was bought where.
    pub target: ClickTarget,
    /// How it was or will be paid, if known.
    pub method: Option<PayMethod>,
}

impl PriorOrder {
    /// Those that touch a relation, at the instant that counts for the policy: one that is paid in an excluded way (货到付款)
    /// is nobody's, and where payments count one that was not paid is no order yet. The relation goes on without them.
    pub fn touching<'a>(orders: &'a [Self], policy: &Policy) -> Cow<'a, [Self]> {
        let excluded = &policy.settlement.excluded_methods;
        let counts = |order: &Self| order.method.is_none_or(|method| !excluded.contains(&method));
        match policy.attribution.order_event {
            OrderEvent::Created if orders.iter().all(counts) => Cow::Borrowed(orders),
            OrderEvent::Created => orders.iter().filter(|order| counts(order)).cloned().collect(),
            OrderEvent::Paid => {
                let counting = orders.iter().filter(|order| counts(order));
                counting.filter_map(|order| Some(Self { at: order.paid?, ..order.clone() })).collect()
            }
        }
    }
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
