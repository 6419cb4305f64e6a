//! What was decided, with everything that led to it: this is the explanation, for programs as JSON.

use crate::click::ClickId;
use crate::commission::class::History;
use crate::commission::{Amounts, Terms};
use crate::fold::{Candidate, Relation};
use crate::ids::{
    CategoryId, ChannelId, LineId, OrderId, PlacementId, PlanId, PlatformId, ProgrammeId, PromoterId,
};
use crate::money::{BasisPoints, Fen};
use crate::policy::attribution::{ContentWindow, Model, Rebind, Scope, Validity};
use crate::policy::commission::{Class, PlanRef};
use crate::policy::settlement::PayMethod;
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};

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
    /// The buyer has no valid click in this programme: none at all, or only such as an edge refused.
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
    /// No plan pays for these goods.
    NoRate,
    /// The rates pay for the other class of customers alone. What an earlier version decided does not tell which.
    ClassNotCommissioned {
        /// This customer's class.
        #[serde(default)]
        class: Option<Class>,
        /// The history that made it.
        #[serde(default)]
        history: Option<History>,
    },
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
        /// Of what; what an earlier version decided does not tell.
        #[serde(default)]
        base: Option<Fen>,
        /// At which rate.
        #[serde(default)]
        rate: Option<BasisPoints>,
    },
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
    /// The history that made the class, where the programme has classes.
    #[serde(default)]
    pub history: Option<History>,
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
    /// The click that won came with orders of many other buyers before: nothing is posted before a review.
    SharedToken,
    /// The promoter's agency has a share and cannot be named, as what is stored of it is no id: the share is shown with
    /// the promoter's, and nothing is posted before a review.
    UnnamedAgency,
    /// The payment counts as the order's instant, and has not come: until then the decision can change.
    AwaitingPayment,
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
    /// Links that lead to no product, where they last differently.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentWindow>,
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

impl NoCommission {
    /// The code by which programs know the reason, as in the JSON.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::CategoryBanned { .. } => "category_banned",
            Self::PaymentExcluded { .. } => "payment_excluded",
            Self::NoChannel => "no_channel",
            Self::NoClick => "no_click",
            Self::NoEligibleClick => "no_eligible_click",
            Self::WindowOver { .. } => "window_over",
            Self::ClosedByOrder { .. } => "closed_by_order",
            Self::SelfPurchase { .. } => "self_purchase",
            Self::PromoterDisabled { .. } => "promoter_disabled",
            Self::PromotionWithdrawn { .. } => "promotion_withdrawn",
            Self::NoRate => "no_rate",
            Self::ClassNotCommissioned { .. } => "class_not_commissioned",
            Self::NotApproved { .. } => "not_approved",
            Self::PlanNotEffective { .. } => "plan_not_effective",
            Self::BelowMinimum { .. } => "below_minimum",
        }
    }
}

impl Attribution {
    /// The commission, if there is one.
    pub const fn award(&self) -> Option<&Award> {
        match &self.outcome {
            Outcome::Award(award) => Some(award),
            Outcome::NoCommission(_) => None,
        }
    }

    /// Why nothing may be posted on this decision before a person has looked at it.
    pub fn held_by(&self) -> impl Iterator<Item = Flag> + '_ {
        let holding =
            |flag: &Flag| matches!(flag, Flag::Unjournaled | Flag::SharedToken | Flag::UnnamedAgency);
        self.flags.iter().copied().filter(move |flag| self.award().is_some() && holding(flag))
    }
}
