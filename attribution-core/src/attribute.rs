//! The decision on an order line, in its fixed order. Each exit has a reason, and what it returns is its explanation.
//!
//! 1. a banned category, 2. an excluded way to pay, 3. an exclusive coupon, 4. a declared channel, 5. the fold of the
//!    clicks, 6. the owner's own state, 7. the promotion's state, 8. class, plan, rate and minimum.
//!
//! A decision holds until it is final: clicks, logins and history that arrive before then re-decide it by their own
//! times.

mod finality;
mod steps;

pub use finality::{EdgesCaughtUp, final_at};

use crate::click::ClickId;
use crate::commission::class::History;
use crate::commission::rate::{NoRate, TargetedPlan};
use crate::commission::{Amounts, Terms};
use crate::fold::{Candidate, Click, PriorOrder, Relation};
use crate::ids::{
    AgencyId, CategoryId, ChannelId, LineId, MerchantId, OrderId, PlacementId, PlanId, PlatformId, ProductId,
    ProgrammeId, PromoterId,
};
use crate::money::{Fen, Overflow};
use crate::policy::attribution::{Model, Rebind, Scope, Validity};
use crate::policy::commission::{Class, PlanRef, Rate};
use crate::policy::settlement::PayMethod;
use crate::policy::{BanRule, PolicyVersion};
use crate::time::{Instant, Period, Span};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A coupon on the order that belongs to one promoter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExclusiveCoupon {
    /// Its code.
    pub code: String,
    /// Whose it is.
    pub promoter: PromoterId,
}

/// One order line (子订单) as the order feed tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The platform.
    pub platform: PlatformId,
    /// The order.
    pub order: OrderId,
    /// The line.
    pub line: LineId,
    /// The shop.
    pub merchant: MerchantId,
    /// The product.
    pub product: Option<ProductId>,
    /// Its category and that one's ancestors, narrowest first.
    pub categories: Vec<CategoryId>,
    /// When it was created.
    pub created: Instant,
    /// When it was paid.
    pub paid: Option<Instant>,
    /// How it was or will be paid, if known.
    pub method: Option<PayMethod>,
    /// The goods' amount without freight, as paid or to be paid, refunds already taken off.
    pub base: Fen,
    /// An exclusive coupon on it.
    pub coupon: Option<ExclusiveCoupon>,
    /// The channel it names.
    pub channel: Option<ChannelId>,
    /// The click whose token is on it.
    pub token: Option<ClickId>,
}

/// A promoter, as far as orders care.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PromoterState {
    /// When the promoter was disabled.
    pub disabled: Vec<Period>,
    /// The agency, from when on its contract counts.
    pub agency: Option<(AgencyId, Instant)>,
}

/// What the decision looks at beside the order line. Everything is data; whoever asks looks it up.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The buyer's clicks in the programme, judged, in any order.
    pub clicks: &'a [Click],
    /// The buyer's other order lines; needed only where orders close or prolong a relation.
    pub prior_orders: &'a [PriorOrder],
    /// Promoters that are the buyer in person.
    pub own_promoters: &'a BTreeSet<PromoterId>,
    /// The buyer's history at the shop.
    pub history: History,
    /// Merchants' rates beside the policy's own.
    pub rates: &'a [Rate],
    /// Targeted plans that concern the goods.
    pub plans: &'a [TargetedPlan],
    /// Bans beside the policy's own.
    pub bans: &'a [BanRule],
    /// The promoters of the clicks (and of the coupon); one that is missing is in good standing.
    pub promoters: &'a BTreeMap<PromoterId, PromoterState>,
    /// When the promotion of these goods was cancelled.
    pub withdrawn: &'a [Period],
    /// When the line settled.
    pub settled: Option<Instant>,
    /// Whether all edges have delivered what they recorded before the order.
    pub edges: EdgesCaughtUp,
    /// Now.
    pub now: Instant,
}

/// Why an order line earns nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum NoCommission {
    /// Its category must not be promoted.
    CategoryBanned {
        /// Which.
        category: CategoryId,
        /// Since when.
        since: Instant,
    },
    /// Orders paid this way do not count.
    PaymentExcluded {
        /// How.
        method: PayMethod,
    },
    /// The programme is for declared channels, and the order names none.
    NoChannel,
    /// The buyer clicked no link of this programme.
    NoClick,
    /// There are clicks, but none may count.
    NoEligibleClick,
    /// The last relation had ended.
    WindowOver {
        /// Whose it was.
        promoter: PromoterId,
        /// When it ended.
        ended: Instant,
    },
    /// An earlier order had ended the last relation.
    ClosedByOrder {
        /// That order.
        order: OrderId,
    },
    /// The buyer is the promoter.
    SelfPurchase {
        /// Who.
        promoter: PromoterId,
    },
    /// The owner was disabled when the order was made; no earlier promoter takes it instead.
    PromoterDisabled {
        /// Who.
        promoter: PromoterId,
    },
    /// The promotion had been withdrawn when the order was made.
    PromotionWithdrawn {
        /// Since when.
        since: Instant,
    },
    /// No plan has a rate for these goods.
    NoRate,
    /// There is a rate, and it says that this class of customers earns nothing.
    ClassNotCommissioned,
    /// Only a targeted plan has a rate, and it has not approved the promoter.
    NotApproved {
        /// That plan.
        plan: PlanId,
    },
    /// Only a targeted plan has a rate, and it begins later.
    PlanNotEffective {
        /// That plan.
        plan: PlanId,
        /// When it begins.
        begins: Instant,
    },
    /// The commission is below the least amount.
    BelowMinimum {
        /// What it would be.
        gross: Fen,
        /// The least amount.
        min: Fen,
    },
}

impl From<NoRate> for NoCommission {
    fn from(why: NoRate) -> Self {
        match why {
            NoRate::NoRate => Self::NoRate,
            NoRate::ClassNotCommissioned => Self::ClassNotCommissioned,
            NoRate::NotApproved { plan } => Self::NotApproved { plan },
            NoRate::PlanNotEffective { plan, begins } => Self::PlanNotEffective { plan, begins },
        }
    }
}

/// Through what the order was won.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Via {
    /// A click.
    Click {
        /// Which.
        click: ClickId,
        /// Through which placement.
        placement: PlacementId,
    },
    /// An exclusive coupon.
    Coupon {
        /// Its code.
        code: String,
    },
    /// A declared channel; there is no promoter.
    Channel {
        /// Which.
        channel: ChannelId,
    },
}

/// A commission that is due if the trade succeeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Award {
    /// The promoter; none for a declared channel.
    pub promoter: Option<PromoterId>,
    /// Through what.
    pub via: Via,
    /// The customer's class, where the programme has classes.
    pub class: Option<Class>,
    /// The plan.
    pub plan: PlanRef,
    /// At which instant the rate was looked up.
    pub rate_at: Instant,
    /// Rate, rounding and split, frozen.
    pub terms: Terms,
    /// What that makes on the base known now.
    pub amounts: Amounts,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A commission.
    Award(Award),
    /// None.
    NoCommission(NoCommission),
}

/// Something a person should know of, whatever was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// The buyer's history is unknown; counted as new.
    HistoryUnknown,
    /// The click that won is known only from the token on the order; its edge has yet to deliver it.
    AwaitingClick,
    /// It never came: nothing is posted before a review.
    Unjournaled,
    /// The promotion was withdrawn after the click; the rate is the last one before that.
    Grandfathered,
}

/// The part of the rules that picked the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedRule {
    /// Last click, binding, or declared by the order.
    pub model: Model,
    /// Within what a click counts.
    pub scope: Scope,
    /// How long a relation lasts.
    pub validity: Validity,
    /// How long a new relation is protected.
    pub protection: Span,
    /// May another promoter's click take over?
    pub rebind: Rebind,
}

/// A decision with everything that led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribution {
    /// The programme.
    pub programme: ProgrammeId,
    /// The version of its rules.
    pub policy_version: u32,
    /// The part of the rules that picked the owner.
    pub rule: AppliedRule,
    /// The platform.
    pub platform: PlatformId,
    /// The order.
    pub order: OrderId,
    /// The line.
    pub line: LineId,
    /// The instant that counted as the order's.
    pub order_at: Instant,
    /// When this was decided.
    pub decided_at: Instant,
    /// From when on it stands.
    pub final_at: Instant,
    /// It can still change.
    pub provisional: bool,
    /// What was decided.
    pub outcome: Outcome,
    /// The relation that owned the order, also where nothing is due for it.
    pub relation: Option<Relation>,
    /// Every click of the buyer with what became of it, oldest first.
    pub candidates: Vec<Candidate>,
    /// What a person should know of.
    pub flags: Vec<Flag>,
}

impl Attribution {
    /// The commission, if there is one.
    pub const fn award(&self) -> Option<&Award> {
        match &self.outcome {
            Outcome::Award(award) => Some(award),
            Outcome::NoCommission(_) => None,
        }
    }
}

/// Decides on one order line by one version of the rules.
///
/// # Errors
/// If an amount does not fit 64 bits.
pub fn attribute(
    version: &PolicyVersion,
    line: &OrderLine,
    facts: &Facts<'_>,
) -> Result<Attribution, Overflow> {
    steps::decide(version, line, facts)
}

#[cfg(test)]
pub(crate) mod tests;
