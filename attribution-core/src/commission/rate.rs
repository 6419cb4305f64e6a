//! Which plan and which rate an order line gets, at the order's instant.

use super::commission;
use crate::ids::{CategoryId, MerchantId, PlanId, ProductId, PromoterId};
use crate::money::{BasisPoints, Fen, Overflow};
use crate::policy::commission::{
    Class, CommissionPolicy, PlanRef, PlanStep, Rate, Subject, TargetedEffective,
};
use crate::time::{Instant, Period};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// A promoter's application to a targeted plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Who.
    pub promoter: PromoterId,
    /// When.
    pub applied: Instant,
    /// When it was approved by hand.
    #[serde(default)]
    pub approved: Option<Instant>,
    /// When it was rejected or the approval withdrawn.
    #[serde(default)]
    pub rejected: Option<Instant>,
}

/// A targeted plan (定向计划).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetedPlan {
    /// Its id.
    pub id: PlanId,
    /// When it was added.
    pub created: Instant,
    /// When it stops.
    #[serde(default)]
    pub closes: Option<Instant>,
    /// Applications are approved by themselves.
    pub auto_approve: bool,
    /// Who applied.
    pub applications: Vec<Application>,
}

impl TargetedEffective {
    /// From when on a plan that was added at `created` counts.
    pub const fn begin(self, created: Instant) -> Instant {
        match self {
            Self::NextMidnight => created.next_shanghai_midnight(),
            Self::Immediate => created.floor(),
        }
    }
}

impl TargetedPlan {
    fn period(&self, rule: TargetedEffective) -> Period {
        Period { from: rule.begin(self.created), to: self.closes }
    }

    /// Whether `promoter` is approved at `at`; the second of the approval counts.
    pub fn has_approved(&self, promoter: &PromoterId, at: Instant) -> bool {
        let reached = |when: Instant| when.floor_seconds() <= at.floor_seconds();
        self.applications.iter().filter(|a| a.promoter == *promoter).any(|a| {
            let approved = if self.auto_approve { Some(a.applied) } else { a.approved };
            approved.is_some_and(reached) && !a.rejected.is_some_and(reached)
        })
    }
}

/// What is bought, as far as rates care.
#[derive(Debug, Clone, Copy)]
pub struct Goods<'a> {
    /// The product.
    pub product: Option<&'a ProductId>,
    /// Its category and that one's ancestors, narrowest first.
    pub categories: &'a [CategoryId],
    /// The shop.
    pub merchant: &'a MerchantId,
}

/// The rate found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// Through which plan.
    pub plan: PlanRef,
    /// The rate.
    pub rate: BasisPoints,
}

/// Why there is no rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum NoRate {
    /// No plan pays for these goods: there is no rate, or it says that they earn nothing.
    NoRate,
    /// A customer of the other class would have earned something.
    OtherClass,
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
}

/// What a promoter who looks at goods in the library is told to expect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Plan and rate, that of a new customer.
    pub chosen: Chosen,
    /// The rate on the list price.
    pub amount: Fen,
}

/// All rates that may count, and the plans that some of them belong to.
#[derive(Debug, Clone, Copy)]
pub struct Rates<'a> {
    /// The rules, with rates of their own.
    pub policy: &'a CommissionPolicy,
    /// The merchant's, in the order in which they were said. They were said after the policy's own: a new version of the
    /// rules repeats those of the version before.
    pub merchant: &'a [Rate],
    /// The targeted plans.
    pub plans: &'a [TargetedPlan],
}

impl Rates<'_> {
    /// Chooses plan and rate at `at`. Of several targeted plans that fit, the highest rate counts, then the smaller plan
    /// id.
    ///
    /// # Errors
    /// Why there is none.
    pub fn choose(
        &self,
        promoter: Option<&PromoterId>,
        class: Option<Class>,
        goods: Goods<'_>,
        at: Instant,
    ) -> Result<Chosen, NoRate> {
        let chosen = self.of_class(promoter, class, goods, at);
        let of_other = |class: Class| self.of_class(promoter, Some(class.other()), goods, at);
        if chosen.is_err() && class.is_some_and(|class| of_other(class).is_ok()) {
            return Err(NoRate::OtherClass);
        }
        chosen
    }

    fn of_class(
        &self,
        promoter: Option<&PromoterId>,
        class: Option<Class>,
        goods: Goods<'_>,
        at: Instant,
    ) -> Result<Chosen, NoRate> {
        let mut why = NoRate::NoRate;
        for step in &self.policy.plan_precedence {
            let found = match step {
                PlanStep::ApprovedTargeted => self.targeted(promoter, class, goods, at),
                PlanStep::General => {
                    let rate = self.find(&PlanRef::General, class, goods, at);
                    rate.map(|rate| Chosen { plan: PlanRef::General, rate }).ok_or(NoRate::NoRate)
                }
            };
            match found {
                Ok(chosen) => return Ok(chosen),
                Err(NoRate::NoRate) => {}
                Err(reason) => why = reason,
            }
        }
        Err(why)
    }

    /// The best rate of the targeted plans that have approved the promoter.
    fn targeted(
        &self,
        promoter: Option<&PromoterId>,
        class: Option<Class>,
        goods: Goods<'_>,
        at: Instant,
    ) -> Result<Chosen, NoRate> {
        let mut why = NoRate::NoRate;
        let mut best: Option<(BasisPoints, &PlanId)> = None;
        for plan in self.plans {
            let Some(bp) = self.find(&PlanRef::Targeted(plan.id.clone()), class, goods, at) else { continue };
            let period = plan.period(self.policy.targeted_effective);
            if at.floor() < period.from.floor() {
                why = NoRate::PlanNotEffective { plan: plan.id.clone(), begins: period.from };
            } else if period.to.is_some_and(|closes| at >= closes) {
                // A closed plan is no reason of its own.
            } else if !promoter.is_some_and(|promoter| plan.has_approved(promoter, at)) {
                why = NoRate::NotApproved { plan: plan.id.clone() };
            } else if best.is_none_or(|(rate, id)| (bp, Reverse(&plan.id)) > (rate, Reverse(id))) {
                best = Some((bp, &plan.id));
            }
        }
        let (rate, plan) = best.ok_or(why)?;
        Ok(Chosen { plan: PlanRef::Targeted(plan.clone()), rate })
    }

    /// What a plan pays for the goods. A rate that pays nothing is as good as none.
    fn find(
        &self,
        plan: &PlanRef,
        class: Option<Class>,
        goods: Goods<'_>,
        at: Instant,
    ) -> Option<BasisPoints> {
        let all = self.policy.rates.iter().chain(self.merchant);
        narrowest(all.filter(|rate| rate.plan == *plan), class, goods, at)?.bp
    }

    /// The estimate by which the library is sorted: the list price at the rate that this promoter would get now for a
    /// new customer; nothing if there is none. A promoter who is not known yet sees the general plan.
    ///
    /// # Errors
    /// If the amount does not fit.
    pub fn estimate(
        &self,
        promoter: Option<&PromoterId>,
        goods: Goods<'_>,
        list_price: Fen,
        now: Instant,
    ) -> Result<Option<Estimate>, Overflow> {
        let class = self.policy.classes.map(|_| Class::New);
        let Ok(chosen) = self.choose(promoter, class, goods, now) else { return Ok(None) };
        let full = commission(list_price.max(Fen::ZERO), chosen.rate, self.policy.rounding)?;
        let amount = if full < self.policy.min_fen { Fen::ZERO } else { full };
        Ok(Some(Estimate { chosen, amount }))
    }
}

/// The narrowest rate that fits: product before category before shop before all; a class's own before one for both;
/// the one that began later; of two that began together the one said last, however high they are.
fn narrowest<'r>(
    rates: impl Iterator<Item = &'r Rate>,
    class: Option<Class>,
    goods: Goods<'_>,
    at: Instant,
) -> Option<&'r Rate> {
    rates
        .filter(|rate| rate.effective.contains(at))
        .filter(|rate| rate.class.is_none() || rate.class == class)
        .filter_map(|rate| Some((narrowness(&rate.subject, goods)?, rate)))
        // Of equals this is the last.
        .max_by_key(|(narrow, rate)| (*narrow, rate.class.is_some(), rate.effective.from))
        .map(|(_, rate)| rate)
}

/// Larger is narrower; `None` if the rate is for other goods.
fn narrowness(subject: &Subject, goods: Goods<'_>) -> Option<(u8, Reverse<usize>)> {
    let rank = |fits: bool, rank: u8| fits.then_some((rank, Reverse(0)));
    match subject {
        Subject::Product(product) => rank(goods.product == Some(product), 3),
        Subject::Category(category) => {
            let depth = goods.categories.iter().position(|c| c == category)?;
            Some((2, Reverse(depth)))
        }
        Subject::Shop(merchant) => rank(goods.merchant == merchant, 1),
        Subject::Any => rank(true, 0),
    }
}
