//! What a policy must be beside well-formed. All mistakes are reported at once.

mod mistake;

pub use mistake::PolicyError;

use super::attribution::{Model, Rebind, Validity};
use super::commission::{ChannelFee, Party, Rate};
use super::settlement::Payout;
use super::{BanRule, Policy};
use crate::time::{Instant, Period, Span};
use crate::web_address::web_address;

/// The weights of a split add up to at most this.
pub const WEIGHTS_MAX: u64 = 10_000;

impl Policy {
    /// Checks the whole policy.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn validate(&self) -> Result<(), Vec<PolicyError>> {
        let mut errors = Vec::new();
        self.check_attribution(&mut errors);
        self.check_commission(&mut errors);
        self.check_settlement(&mut errors);
        self.check_eligibility(&mut errors);
        self.check_refund_batches(&mut errors);
        let events = self.video_tasks.iter().flat_map(|v| v.events.iter().copied());
        check_periods("video_tasks.events", events, &mut errors);
        check_periods("bans", self.bans.iter().map(BanRule::period), &mut errors);
        if let Some(url) = &self.edge.fallback_url {
            if let Err(why) = web_address(url) {
                errors.push(PolicyError::FallbackUrl(why));
            } else if !url.bytes().all(|b| b.is_ascii_graphic()) {
                errors.push(PolicyError::FallbackNotAscii);
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn check_attribution(&self, errors: &mut Vec<PolicyError>) {
        let a = &self.attribution;
        let spans = [
            (
                "attribution.validity",
                match a.validity {
                    Validity::FromLastClick(d) | Validity::FromBind(d) => Some(d),
                    Validity::Permanent | Validity::UntilLinkExpiry => None,
                },
            ),
            ("attribution.extend_on_order", a.extend_on_order),
            ("attribution.link_ttl", a.link_ttl),
            ("attribution.content.validity", a.content.map(|c| c.validity)),
            ("attribution.content.extend_on_order", a.content.and_then(|c| c.extend_on_order)),
        ];
        for (field, span) in spans {
            if span == Some(Span::ZERO) {
                errors.push(PolicyError::ZeroSpan { field });
            }
        }
        if a.rebind == Rebind::AfterProtection && a.protection == Span::ZERO {
            errors.push(PolicyError::ProtectionMissing);
        }
        self.check_relation(errors);
        if a.validity == Validity::UntilLinkExpiry && a.link_ttl.is_none() {
            errors.push(PolicyError::LinkTtlMissing);
        }
        if a.view_through {
            errors.push(PolicyError::NotSupported { field: "attribution.view_through" });
        }
        if a.identity.probabilistic {
            errors.push(PolicyError::NotSupported { field: "attribution.identity.probabilistic" });
        }
    }

    /// Protection, prolonging and closing must fit how long a relation lasts.
    fn check_relation(&self, errors: &mut Vec<PolicyError>) {
        let a = &self.attribution;
        let windowed = |d: Span| Some(a.content.map_or(d, |c| c.validity.min(d)));
        let lasts = match a.validity {
            Validity::FromLastClick(d) | Validity::FromBind(d) => windowed(d),
            Validity::UntilLinkExpiry => a.link_ttl,
            Validity::Permanent => None,
        };
        if let Some(lasts) = lasts.filter(|lasts| a.protection > *lasts) {
            errors.push(PolicyError::ProtectionTooLong { protection: a.protection, lasts });
        }
        let extends = a.extend_on_order.is_some() || a.content.is_some_and(|c| c.extend_on_order.is_some());
        if extends && a.close_on_order {
            errors.push(PolicyError::ExtendedAndClosed);
        }
        if a.extend_on_order.is_some() && a.validity == Validity::Permanent {
            errors.push(PolicyError::NothingToExtend { field: "attribution.extend_on_order" });
        }
        if a.content.is_some() && !matches!(a.validity, Validity::FromLastClick(_) | Validity::FromBind(_)) {
            errors.push(PolicyError::NothingToExtend { field: "attribution.content" });
        }
    }

    fn check_settlement(&self, errors: &mut Vec<PolicyError>) {
        let s = &self.settlement;
        if let Payout::Monthly { day, lag_months, .. } = s.payout {
            if !(1..=28).contains(&day) {
                errors.push(PolicyError::PayoutDay);
            }
            if lag_months == 0 {
                errors.push(PolicyError::PayoutLag);
            }
        }
        for (field, span) in [
            ("settlement.maturity.auto_after_ship", s.maturity.auto_after_ship),
            ("settlement.funding.retry_every", s.funding.retry_every),
        ] {
            if span == Some(Span::ZERO) {
                errors.push(PolicyError::ZeroSpan { field });
            }
        }
        for (field, on) in [
            ("settlement.funding.all_or_nothing", s.funding.all_or_nothing),
            ("settlement.funding.retry_on_top_up", s.funding.retry_on_top_up),
        ] {
            if !on {
                errors.push(PolicyError::AlwaysOn { field });
            }
        }
        let both = s.excluded_methods.intersection(&s.refund_manual_methods);
        errors.extend(both.map(|method| PolicyError::ExcludedAndManual(*method)));
    }

    fn check_eligibility(&self, errors: &mut Vec<PolicyError>) {
        if self.attribution.model != Model::Declared && !self.eligibility.placement {
            errors.push(PolicyError::AlwaysOn { field: "eligibility.placement" });
        }
        let Some(rules) = &self.eligibility.sourcing else { return };
        let mut need = |ok: bool, field, expected| {
            if !ok {
                errors.push(PolicyError::OutOfRange { field, expected });
            }
        };
        let scores = [rules.min_service_tenths, rules.min_logistics_tenths, rules.min_product_tenths];
        need(scores.iter().all(|s| *s <= 50), "eligibility.sourcing", "scores of at most 50 tenths");
        let percent = rules.below_market_percent;
        need((1..=100).contains(&percent), "eligibility.sourcing.below_market_percent", "1 to 100");
        let days = rules.audit_workdays;
        need(days > 0, "eligibility.sourcing.audit_workdays", "at least 1");
        let most = rules.audit_workdays_max;
        need(most >= days, "eligibility.sourcing.audit_workdays_max", "at least audit_workdays");
    }

    fn check_refund_batches(&self, errors: &mut Vec<PolicyError>) {
        let batches = &self.refund_batches;
        check_periods("refund_batches.settled", batches.iter().map(|b| b.settled), errors);
        check_periods("refund_batches.refund_initiated", batches.iter().map(|b| b.refund_initiated), errors);
        for (index, batch) in batches.iter().enumerate() {
            if batches[..index].iter().any(|other| other.name == batch.name) {
                errors.push(PolicyError::Twice { field: "refund_batches.name", index });
            }
            let made = batch.record_on.map(Instant::of_shanghai_date);
            if let (Some(made), Some(paid)) = (made, batch.compensated_at)
                && paid < made.next_shanghai_midnight()
            {
                errors.push(PolicyError::CompensatedTooSoon { index });
            }
        }
    }

    fn check_commission(&self, errors: &mut Vec<PolicyError>) {
        let c = &self.commission;
        check_periods("commission.rates", c.rates.iter().map(|r| r.effective), errors);
        check_periods("commission.channel_fees", c.channel_fees.iter().map(|f| f.effective), errors);
        for (second, rate) in c.rates.iter().enumerate() {
            if let Some(first) = c.rates[..second].iter().position(|other| overlaps(other, rate)) {
                errors.push(PolicyError::RatesOverlap { first, second });
            }
            if rate.class.is_some() && c.classes.is_none() {
                errors.push(PolicyError::NoClasses { index: second });
            }
        }
        for (second, fee) in c.channel_fees.iter().enumerate() {
            let same =
                |other: &ChannelFee| other.channel == fee.channel && at_once(other.effective, fee.effective);
            if let Some(first) = c.channel_fees[..second].iter().position(same) {
                errors.push(PolicyError::FeesOverlap { first, second });
            }
        }
        if c.plan_precedence.is_empty() && self.attribution.model != Model::Declared {
            errors.push(PolicyError::NoPlans);
        }
        for (index, step) in c.plan_precedence.iter().enumerate() {
            if c.plan_precedence[..index].contains(step) {
                errors.push(PolicyError::Twice { field: "commission.plan_precedence", index });
            }
        }
        if c.min_fen.0 < 0 {
            errors.push(PolicyError::Negative { field: "commission.min_fen" });
        }
        if c.cashback.iter().any(|t| t.amount.0 < 0) {
            errors.push(PolicyError::Negative { field: "commission.cashback" });
        }
        if !c.cashback.is_sorted_by(|a, b| a.from_orders < b.from_orders) {
            errors.push(PolicyError::TiersNotRising { field: "commission.cashback" });
        }
        if !c.tiers.is_sorted_by(|a, b| a.from_orders < b.from_orders) {
            errors.push(PolicyError::TiersNotRising { field: "commission.tiers" });
        }
        self.check_split(errors);
    }

    fn check_split(&self, errors: &mut Vec<PolicyError>) {
        let c = &self.commission;
        for (i, weight) in c.split.iter().enumerate() {
            if c.split[..i].iter().any(|w| w.party == weight.party) {
                errors.push(PolicyError::PartyTwice(weight.party));
            }
        }
        if c.split.iter().all(|w| w.weight == 0) {
            errors.push(PolicyError::NoWeight);
        }
        if c.split.iter().map(|w| u64::from(w.weight)).sum::<u64>() > WEIGHTS_MAX {
            errors.push(PolicyError::WeightsTooLarge);
        }
        let has = |party| c.split.iter().any(|w| w.party == party);
        if self.attribution.model != Model::Declared && !has(Party::Promoter) {
            errors.push(PolicyError::NoPromoter);
        }
        for party in &c.collected_at_withdrawal {
            if *party == Party::Promoter || !has(*party) || !has(Party::Promoter) {
                errors.push(PolicyError::NotCollectable(*party));
            }
        }
    }
}

fn overlaps(a: &Rate, b: &Rate) -> bool {
    a.plan == b.plan && a.class == b.class && a.subject == b.subject && at_once(a.effective, b.effective)
}

/// Whether there is an instant in both.
fn at_once(a: Period, b: Period) -> bool {
    let begins_before_end = |from: Period, to: Period| to.to.is_none_or(|end| from.from < end);
    begins_before_end(a, b) && begins_before_end(b, a)
}

fn check_periods(field: &'static str, periods: impl Iterator<Item = Period>, errors: &mut Vec<PolicyError>) {
    for (index, period) in periods.enumerate() {
        if period.is_empty() {
            errors.push(PolicyError::EmptyPeriod { field, index });
        }
    }
}

#[cfg(test)]
mod tests;
