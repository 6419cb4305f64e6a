//! The steps of a decision. Each either settles it or hands on to the next.

use super::{AppliedRule, Attribution, Award, Facts, Flag, NoCommission, OrderLine, Outcome, Via, final_at};
use crate::bans::covering;
use crate::commission::class::{History, classify};
use crate::commission::rate::{Goods, NoRate, Rates};
use crate::commission::{PartyTerms, Payee, Terms, commission};
use crate::fold::{Click, ClickTarget, Evidence, Folded, PriorOrder, Question, RelationEnd, Verdict, fold};
use crate::ids::{ChannelId, PromoterId};
use crate::money::{BasisPoints, Overflow};
use crate::policy::attribution::{CouponOverride, Model, OnPromoWithdrawn, OrderEvent, SelfPurchase};
use crate::policy::commission::{Class, CommissionPolicy, Party, PlanRef};
use crate::policy::{Policy, PolicyVersion};
use crate::time::Instant;

pub(super) fn decide(
    version: &PolicyVersion,
    line: &OrderLine,
    facts: &Facts<'_>,
) -> Result<Attribution, Overflow> {
    let policy = &version.policy;
    let order_at = match policy.attribution.order_event {
        OrderEvent::Created => line.created,
        OrderEvent::Paid => line.paid.unwrap_or(line.created),
    };
    let unpaid = policy.attribution.order_event == OrderEvent::Paid && line.paid.is_none();
    let final_at = final_at(&policy.attribution, order_at, facts.settled, facts.edges);
    let mut case = Case { policy, line, facts, order_at, final_at, unpaid, flags: Vec::new() };
    // The fold comes first in time, because every exit keeps the candidates; it decides only in its turn.
    let mut folded = case.fold(facts.clicks);
    let outcome = match case.outcome(&mut folded) {
        Ok(award) => Outcome::award(award?, policy)?,
        Err(none) => Outcome::NoCommission(none),
    };
    // However late the payment comes, it is the order's instant.
    let provisional = unpaid || facts.now < final_at;
    if unpaid {
        case.flags.push(Flag::AwaitingPayment);
    }
    let by_token_only = folded.owner.as_ref().is_some_and(|owner| owner.evidence == Evidence::TokenOnly);
    if by_token_only {
        case.flags.push(if provisional { Flag::AwaitingClick } else { Flag::Unjournaled });
    }
    if folded.owner.as_ref().is_some_and(|owner| facts.shared.contains(&owner.click)) {
        case.flags.push(Flag::SharedToken);
    }
    case.flags.sort_unstable();
    Ok(Attribution {
        programme: version.programme.clone(),
        policy_version: version.version,
        rule: AppliedRule {
            model: policy.attribution.model,
            scope: policy.attribution.scope,
            validity: policy.attribution.validity,
            content: policy.attribution.content,
            protection: policy.attribution.protection,
            rebind: policy.attribution.rebind,
        },
        platform: line.platform.clone(),
        order: line.order.clone(),
        line: line.line.clone(),
        order_at,
        decided_at: facts.now,
        final_at,
        provisional,
        outcome,
        relation: folded.owner,
        candidates: folded.candidates,
        flags: case.flags,
    })
}

impl Outcome {
    /// An award, unless it is below the minimum, at the highest tier too.
    fn award(award: Award, policy: &Policy) -> Result<Self, Overflow> {
        let (base, rate) = (award.amounts.base, award.terms.rate);
        let gross = commission(base, rate, policy.commission.rounding)?;
        let min = policy.commission.min_fen;
        if gross < min && award.terms.most(base)? < min {
            let (base, rate) = (Some(base), Some(rate));
            return Ok(Self::NoCommission(NoCommission::BelowMinimum { gross, min, base, rate }));
        }
        Ok(Self::Award(award))
    }
}

struct Case<'a> {
    policy: &'a Policy,
    line: &'a OrderLine,
    facts: &'a Facts<'a>,
    order_at: Instant,
    final_at: Instant,
    unpaid: bool,
    flags: Vec<Flag>,
}

/// Who won, before the rate is known.
struct Winner {
    promoter: PromoterId,
    via: Via,
}

impl<'a> Case<'a> {
    /// Whose order it is by these clicks.
    fn fold(&self, clicks: &[Click]) -> Folded {
        if self.policy.attribution.model == Model::Declared {
            return Folded { owner: None, earlier: Vec::new(), candidates: Vec::new() };
        }
        let target = ClickTarget {
            platform: self.line.platform.clone(),
            merchant: self.line.merchant.clone(),
            product: self.line.product.clone(),
        };
        let question = Question {
            at: self.order_at,
            order: Some(&self.line.order),
            target: &target,
            token: self.line.token,
            final_at: Some(self.final_at).filter(|_| !self.unpaid),
            own_promoters: self.facts.own_promoters,
        };
        let prior = PriorOrder::touching(self.facts.prior_orders, self.policy);
        fold(&self.policy.attribution, &question, clicks, &prior)
    }

    /// The outer error is a reason without commission; the inner one a broken amount.
    fn outcome(&mut self, folded: &mut Folded) -> Result<Result<Award, Overflow>, NoCommission> {
        self.check_bans()?;
        self.check_method()?;
        if let Some(winner) = self.coupon(folded) {
            return self.award(winner);
        }
        if self.policy.attribution.model == Model::Declared {
            return self.declared();
        }
        let winner = self.owner(folded)?;
        self.award(winner)
    }

    fn check_bans(&self) -> Result<(), NoCommission> {
        // By creation, not by payment: what was ordered before a ban keeps settling.
        let at = self.line.created;
        let rules = self.policy.bans.iter().chain(self.facts.bans);
        match covering(&rules, &self.line.categories, at) {
            Some((category, since)) => {
                Err(NoCommission::CategoryBanned { category: category.clone(), since })
            }
            None => Ok(()),
        }
    }

    fn check_method(&self) -> Result<(), NoCommission> {
        match self.line.method {
            Some(method) if self.policy.settlement.excluded_methods.contains(&method) => {
                Err(NoCommission::PaymentExcluded { method })
            }
            _ => Ok(()),
        }
    }

    fn coupon(&self, folded: &mut Folded) -> Option<Winner> {
        // Where no promoter has a share no code can be anybody's: it must not take the channel's fee away.
        let counts = self.policy.commission.pays_promoters();
        if self.policy.attribution.coupon != CouponOverride::ExclusiveCodeWins || !counts {
            return None;
        }
        let coupon = self.line.coupon.as_ref()?;
        let own = self.facts.own_promoters.contains(&coupon.promoter);
        // Where a promoter's own clicks are ignored, so is their own code: it would pay them for buying themselves.
        if own && self.policy.attribution.self_purchase == SelfPurchase::Ignore {
            return None;
        }
        folded.owner = None;
        for candidate in folded.candidates.iter_mut().filter(|c| c.verdict == Verdict::Won) {
            candidate.verdict = Verdict::CouponFirst;
        }
        Some(Winner { promoter: coupon.promoter.clone(), via: Via::Coupon { code: coupon.code.clone() } })
    }

    fn declared(&self) -> Result<Result<Award, Overflow>, NoCommission> {
        let channel = self.line.channel.as_ref().ok_or(NoCommission::NoChannel)?;
        let at = self.line.created;
        let rate = self
            .policy
            .commission
            .channel_fees
            .iter()
            .filter(|fee| fee.channel == *channel && fee.effective.contains(at))
            .max_by_key(|fee| fee.effective.from)
            .map(|fee| fee.bp)
            .ok_or(NoCommission::NoRate)?;
        Ok(self.fee(channel, rate))
    }

    fn fee(&self, channel: &ChannelId, rate: BasisPoints) -> Result<Award, Overflow> {
        let terms = self.terms(rate, None);
        let amounts = terms.amounts(self.line.base)?;
        Ok(Award {
            promoter: None,
            via: Via::Channel { channel: channel.clone() },
            class: None,
            history: None,
            plan: PlanRef::General,
            rate_at: self.line.created,
            terms,
            amounts,
        })
    }

    fn owner(&self, folded: &Folded) -> Result<Winner, NoCommission> {
        if let Some(owner) = &folded.owner {
            return Ok(Winner {
                promoter: owner.promoter.clone(),
                via: Via::Click { click: owner.click, placement: owner.placement.clone() },
            });
        }
        let last = folded.earlier.last();
        Err(match last.map(|relation| (relation, &relation.ended)) {
            Some((relation, Some((ended, RelationEnd::WindowOver)))) => {
                NoCommission::WindowOver { promoter: relation.promoter.clone(), ended: *ended }
            }
            Some((_, Some((_, RelationEnd::ClosedByOrder { order })))) => {
                NoCommission::ClosedByOrder { order: order.clone() }
            }
            _ if folded.candidates.is_empty() => NoCommission::NoClick,
            _ => NoCommission::NoEligibleClick,
        })
    }

    /// The owner's state, the promotion's state, then class, plan and rate.
    fn award(&mut self, winner: Winner) -> Result<Result<Award, Overflow>, NoCommission> {
        let Winner { promoter, via } = winner;
        let own = self.facts.own_promoters.contains(&promoter);
        if own && self.policy.attribution.self_purchase == SelfPurchase::Deny {
            return Err(NoCommission::SelfPurchase { promoter });
        }
        let state = self.facts.promoters.get(&promoter);
        if state.is_some_and(|s| s.disabled.iter().any(|period| period.contains(self.order_at))) {
            return Err(NoCommission::PromoterDisabled { promoter });
        }
        let (rules, rate_at) = self.rate_by(&promoter)?;
        let class = rules.classes.map(|rule| {
            if self.facts.history == History::Unknown {
                self.flags.push(Flag::HistoryUnknown);
            }
            classify(rule, self.facts.history, self.line.created)
        });
        let goods = Goods {
            product: self.line.product.as_ref(),
            categories: &self.line.categories,
            merchant: &self.line.merchant,
        };
        let rates = Rates { policy: rules, merchant: self.facts.rates, plans: self.facts.plans };
        let chosen =
            rates.choose(Some(&promoter), class, goods, rate_at).map_err(|why| self.no_rate(why, class))?;
        if self.agency_unnamed(&promoter) {
            self.flags.push(Flag::UnnamedAgency);
        }
        let terms = self.terms(chosen.rate, Some(&promoter));
        let amounts = match terms.amounts(self.line.base) {
            Ok(amounts) => amounts,
            Err(overflow) => return Ok(Err(overflow)),
        };
        let history = class.map(|_| self.facts.history);
        let promoter = Some(promoter);
        Ok(Ok(Award { promoter, via, class, history, plan: chosen.plan, rate_at, terms, amounts }))
    }

    /// By which rules and when class, plan and rate are looked up: by the order's own at its creation, or by those in force
    /// just before the promotion was withdrawn, at that time.
    fn rate_by(&mut self, winner: &PromoterId) -> Result<(&'a CommissionPolicy, Instant), NoCommission> {
        let own = &self.policy.commission;
        let withdrawn = self.facts.withdrawn.iter().find(|period| period.contains(self.order_at));
        let Some(period) = withdrawn else { return Ok((own, self.line.created)) };
        match self.policy.attribution.on_promo_withdrawn {
            OnPromoWithdrawn::GrandfatherClick if self.owned_before(period.from, winner) => {
                self.flags.push(Flag::Grandfathered);
                let last = self.line.created.min(period.from.plus(-1));
                let then = PolicyVersion::in_force(self.facts.versions.iter().copied(), last);
                Ok((then.map_or(own, |version| &version.policy.commission), last))
            }
            OnPromoWithdrawn::GrandfatherClick | OnPromoWithdrawn::CheckAtOrder => {
                Err(NoCommission::PromotionWithdrawn { since: period.from })
            }
        }
    }

    fn no_rate(&self, why: NoRate, class: Option<Class>) -> NoCommission {
        match why {
            NoRate::NoRate => NoCommission::NoRate,
            NoRate::OtherClass => {
                NoCommission::ClassNotCommissioned { class, history: Some(self.facts.history) }
            }
            NoRate::NotApproved { plan } => NoCommission::NotApproved { plan },
            NoRate::PlanNotEffective { plan, begins } => NoCommission::PlanNotEffective { plan, begins },
        }
    }

    /// Whether the order would be the winner's by the clicks before `withdrawn` alone. A later click on the shop, on
    /// another product or none at all (a code) must not sell what its merchant promotes no more.
    fn owned_before(&self, withdrawn: Instant, winner: &PromoterId) -> bool {
        let earlier = |click: &&Click| click.effective() < withdrawn;
        let clicks: Vec<Click> = self.facts.clicks.iter().filter(earlier).cloned().collect();
        self.fold(&clicks).owner.is_some_and(|owner| owner.promoter == *winner)
    }

    /// Whether an agency that has a share of this line cannot be named.
    fn agency_unnamed(&self, promoter: &PromoterId) -> bool {
        let shares = self.policy.commission.split.iter().any(|w| w.party == Party::Agency && w.weight > 0);
        let unnamed = self.facts.promoters.get(promoter).and_then(|state| state.unnamed_agency);
        shares && unnamed.is_some_and(|from| self.contract_counts(from))
    }

    /// Whether an agency's contract that counts from `from` on gives it a share of this line.
    fn contract_counts(&self, from: Instant) -> bool {
        let at = self.line.created;
        at >= from && self.policy.commission.agency_from.is_none_or(|from| at >= from)
    }

    fn terms(&self, rate: BasisPoints, promoter: Option<&PromoterId>) -> Terms {
        let policy = &self.policy.commission;
        let contract = promoter
            .and_then(|p| self.facts.promoters.get(p))
            .and_then(|state| state.agency.as_ref())
            .filter(|(_, from)| self.contract_counts(*from));
        let mut parties: Vec<PartyTerms> = Vec::with_capacity(policy.split.len());
        let mut left_over = 0;
        for weight in &policy.split {
            let payee = match (weight.party, promoter, contract) {
                (Party::Platform, _, _) => Payee::Platform(self.line.platform.clone()),
                (Party::Promoter, Some(promoter), _) => Payee::Promoter(promoter.clone()),
                (Party::Agency, _, Some((agency, _))) => Payee::Agency(agency.clone()),
                // Without a contract in force the agency's share is the promoter's.
                (Party::Agency, _, None) => {
                    left_over += weight.weight;
                    continue;
                }
                (Party::Promoter, None, _) => continue,
            };
            parties.push(PartyTerms {
                party: weight.party,
                payee,
                weight: weight.weight,
                collected_at_withdrawal: policy.collected_at_withdrawal.contains(&weight.party),
            });
        }
        if let Some(own) = parties.iter_mut().find(|p| p.party == Party::Promoter) {
            own.weight += left_over;
        }
        // Tiers are a promoter's: a channel's fee knows none.
        let highest = policy.tiers.iter().map(|tier| tier.bp).max().filter(|_| promoter.is_some());
        Terms {
            rate,
            rounding: policy.rounding,
            min_fen: policy.min_fen,
            parties,
            rises_to: highest.filter(|bp| *bp > rate),
            tier: None,
        }
    }
}
