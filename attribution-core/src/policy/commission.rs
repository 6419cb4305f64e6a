//! How much: classes of customers, rates, plans, rounding and the split.

use crate::ids::{CategoryId, ChannelId, MerchantId, PlanId, ProductId};
use crate::money::{BasisPoints, Fen};
use crate::split::first_non_monotone;
use crate::time::Period;
use serde::{Deserialize, Serialize};

/// A customer of a shop at the moment of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// 新客: no successful order at the shop, or the first one at most the policy's days ago.
    New,
    /// 老客: the first successful order is longer ago.
    Returning,
}

impl Class {
    /// The name by which programs know it, as in the JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Returning => "returning",
        }
    }

    /// The class of all other customers.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::New => Self::Returning,
            Self::Returning => Self::New,
        }
    }
}

/// How days since the first success are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayCount {
    /// Elapsed seconds: new up to and including days x 24 hours.
    #[default]
    Elapsed,
    /// Whole elapsed days, the rest cut off.
    WholeDays,
    /// Civil days, the first success's day being day 0.
    CalendarDay0,
    /// Civil days, the first success's day being day 1.
    CalendarDay1,
}

/// Two classes of customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewReturning {
    /// New up to and including so many days after the first success.
    pub days: u32,
    /// How they are counted.
    pub count: DayCount,
}

impl Default for NewReturning {
    fn default() -> Self {
        Self { days: 60, count: DayCount::default() }
    }
}

/// Which plan a rate belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanRef {
    /// 通用计划: open to all; also the only plan of a programme that has one.
    #[default]
    General,
    /// 定向计划: for promoters who applied and were approved.
    Targeted(PlanId),
}

/// What a rate is for; the narrowest that fits an order line counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// One product.
    Product(ProductId),
    /// A category.
    Category(CategoryId),
    /// A whole shop.
    Shop(MerchantId),
    /// Everything in the programme.
    #[default]
    Any,
}

/// One rate, dated. Of two that fit equally narrowly, the one that began later counts, and of two that began together the
/// one said last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Its plan.
    #[serde(default)]
    pub plan: PlanRef,
    /// Only this class; `None` fits both. A class that no narrow rate names falls through to a wider one: to pay
    /// nothing for it, give it a rate without `bp`.
    #[serde(default)]
    pub class: Option<Class>,
    /// What it is for.
    #[serde(default)]
    pub subject: Subject,
    /// The rate; `None` says that this class or subject earns nothing.
    pub bp: Option<BasisPoints>,
    /// In force within.
    pub effective: Period,
}

/// A channel's technical service fee (技术服务费): merchant to platform, no promoter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelFee {
    /// The channel.
    pub channel: ChannelId,
    /// The fee.
    pub bp: BasisPoints,
    /// In force within.
    pub effective: Period,
}

/// Which instant picks the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateAt {
    /// The order's creation.
    #[default]
    OrderCreated,
}

/// A step of the search for a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanStep {
    /// A targeted plan that is effective and has approved the promoter.
    ApprovedTargeted,
    /// The general plan.
    General,
}

/// When a new targeted plan begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetedEffective {
    /// At the next midnight in Asia/Shanghai ("当天晚上12点后").
    NextMidnight,
    /// At once.
    #[default]
    Immediate,
}

/// From so many settled orders of the promoter in the period on, this rate instead; looked at when settling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Orders reached.
    pub from_orders: u32,
    /// The rate from there on.
    pub bp: BasisPoints,
}

/// 团购返现: once so many have bought, each buyer gets this much back. Tiers do not add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CashbackTier {
    /// Orders reached.
    pub from_orders: u32,
    /// Cashback per order.
    pub amount: Fen,
}

/// What becomes of a fraction of a fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// It is dropped.
    #[default]
    Floor,
    /// From half a fen on it becomes one.
    HalfUp,
}

/// Who shares in a commission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The platform.
    Platform,
    /// The promoter's agency (机构).
    Agency,
    /// The promoter (分销客, 销售员, 达人).
    Promoter,
}

/// One party's weight in the split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// Who.
    pub party: Party,
    /// How much, relative to the others.
    pub weight: u32,
}

/// How a gross commission is cut into whole fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitRounding {
    /// Cut at the floors of the running totals: the shares always add up.
    #[default]
    CumulativeFloor,
}

/// How much?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CommissionPolicy {
    /// Two classes of customers, or none.
    pub classes: Option<NewReturning>,
    /// The programme's own rates; merchants' rates per product come beside them.
    pub rates: Vec<Rate>,
    /// Fees of declared channels.
    pub channel_fees: Vec<ChannelFee>,
    /// Which instant picks the rate.
    pub rate_at: RateAt,
    /// In which order plans are tried.
    pub plan_precedence: Vec<PlanStep>,
    /// When a new targeted plan begins.
    pub targeted_effective: TargetedEffective,
    /// Rates by orders reached; they raise a rate and lower none.
    pub tiers: Vec<Tier>,
    /// Cashback by orders reached; comes off the base when settling.
    pub cashback: Vec<CashbackTier>,
    /// What becomes of a fraction of a fen.
    pub rounding: Rounding,
    /// A commission below this is invalid.
    pub min_fen: Fen,
    /// Who shares, in the order the cut is made.
    pub split: Vec<Weight>,
    /// How it is cut.
    pub split_rounding: SplitRounding,
    /// Before this instant the agency's share is the promoter's.
    pub agency_from: Option<crate::time::Instant>,
    /// Whose share stays with the promoter until they withdraw.
    pub collected_at_withdrawal: Vec<Party>,
}

impl CommissionPolicy {
    /// Whether targeted plans count at all.
    pub fn has_targeted_plans(&self) -> bool {
        self.plan_precedence.contains(&PlanStep::ApprovedTargeted)
    }

    /// Whether a promoter shares in a commission.
    pub fn pays_promoters(&self) -> bool {
        self.split.iter().any(|share| share.party == Party::Promoter)
    }

    /// The smallest commission of which some party gets less than of one fen less, if there is any. The ledger carries that
    /// fen when a refund comes to it. Where the agency's share is the promoter's, two parties are left, and of two no share
    /// ever shrinks.
    pub fn share_shrinks_at(&self) -> Option<i64> {
        first_non_monotone(&self.split.iter().map(|share| share.weight).collect::<Vec<_>>())
    }
}

impl Default for CommissionPolicy {
    fn default() -> Self {
        Self {
            classes: None,
            rates: Vec::new(),
            channel_fees: Vec::new(),
            rate_at: RateAt::default(),
            plan_precedence: vec![PlanStep::ApprovedTargeted, PlanStep::General],
            targeted_effective: TargetedEffective::default(),
            tiers: Vec::new(),
            cashback: Vec::new(),
            rounding: Rounding::default(),
            min_fen: Fen(1),
            split: vec![Weight { party: Party::Promoter, weight: 1 }],
            split_rounding: SplitRounding::default(),
            agency_from: None,
            collected_at_withdrawal: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_has_one_name() {
        for (class, name) in [(Class::New, "new"), (Class::Returning, "returning")] {
            assert_eq!((class.name(), serde_json::to_value(class).unwrap()), (name, name.into()));
            assert_ne!(class.other(), class);
        }
    }

    #[test]
    fn of_two_parties_no_share_shrinks() {
        for (own, other) in (0..40).flat_map(|own| (1..40).map(move |other| (own, other))) {
            assert_eq!(first_non_monotone(&[own, other]), None, "{own}:{other}");
        }
        assert_eq!(first_non_monotone(&[5, 1, 4]), Some(6));
    }
}
