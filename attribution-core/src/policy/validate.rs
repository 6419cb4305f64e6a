//! What a policy must be beside well-formed. All mistakes are reported at once.

use super::attribution::{Model, Rebind, Validity};
use super::commission::{Party, Rate};
use super::settlement::Payout;
use super::{BanRule, Policy};
use crate::commission::split::first_non_monotone;
use crate::time::{Period, Span};
use crate::web_address::{WebAddressError, web_address};

/// One mistake in a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A length of time that must be positive is zero.
    #[error("{field}: must be longer than zero")]
    ZeroSpan {
        /// The field.
        field: &'static str,
    },
    /// A period that ends before it begins.
    #[error("{field}[{index}]: ends before it begins")]
    EmptyPeriod {
        /// The list.
        field: &'static str,
        /// Which entry.
        index: usize,
    },
    /// `rebind` waits for a protection that is not set.
    #[error("attribution.rebind: after_protection needs attribution.protection")]
    ProtectionMissing,
    /// A relation that ends with its link, and links that never end.
    #[error("attribution.validity: until_link_expiry needs attribution.link_ttl")]
    LinkTtlMissing,
    /// Something this software never does.
    #[error("{field}: not supported, it must stay off")]
    NotSupported {
        /// The field.
        field: &'static str,
    },
    /// Nobody gets anything.
    #[error("commission.split: the weights must not add up to zero")]
    NoWeight,
    /// A party twice.
    #[error("commission.split: {0:?} occurs twice")]
    PartyTwice(Party),
    /// Clicks lead to promoters, but the split has none.
    #[error("commission.split: without a promoter only a declared model makes sense")]
    NoPromoter,
    /// The promoter's own share, or a party outside the split, cannot be collected at the withdrawal.
    #[error("commission.collected_at_withdrawal: {0:?} has no share that could be collected")]
    NotCollectable(Party),
    /// Weights finer than a basis point.
    #[error("commission.split: the weights add up to more than {WEIGHTS_MAX}")]
    WeightsTooLarge,
    /// Tiers that do not rise.
    #[error("{field}: from_orders must rise from tier to tier")]
    TiersNotRising {
        /// The list.
        field: &'static str,
    },
    /// A negative amount.
    #[error("{field}: must not be negative")]
    Negative {
        /// The field.
        field: &'static str,
    },
    /// A payout day that some month does not have.
    #[error("settlement.payout.day: must be 1 to 28")]
    PayoutDay,
    /// Two rates for the same plan, class and subject overlap in time.
    #[error("commission.rates[{second}]: overlaps commission.rates[{first}]")]
    RatesOverlap {
        /// The earlier entry.
        first: usize,
        /// The later entry.
        second: usize,
    },
    /// An address that the edge would not send a browser to.
    #[error("edge.fallback_url: {0}")]
    FallbackUrl(WebAddressError),
    /// Something else than printing ASCII.
    #[error("edge.fallback_url: must be in ASCII without spaces")]
    FallbackNotAscii,
}

/// The weights of a split add up to at most this.
pub const WEIGHTS_MAX: u64 = 10_000;

/// Allowed, but worth a second look.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyWarning {
    /// With these weights somebody's share can shrink by a fen when the gross grows by one; a refund can then give
    /// a party a fen, which the ledger carries.
    #[error("commission.split: not monotone, a share shrinks when the gross grows to {at_gross} fen")]
    NotMonotone {
        /// The first gross amount at which it happens.
        at_gross: i64,
    },
}

impl Policy {
    /// What is allowed but worth a second look.
    pub fn warnings(&self) -> Vec<PolicyWarning> {
        let weights: Vec<u32> = self.commission.split.iter().map(|w| w.weight).collect();
        first_non_monotone(&weights)
            .map(|at_gross| PolicyWarning::NotMonotone { at_gross })
            .into_iter()
            .collect()
    }

    /// Checks the whole policy.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn validate(&self) -> Result<(), Vec<PolicyError>> {
        let mut errors = Vec::new();
        self.check_attribution(&mut errors);
        self.check_commission(&mut errors);
        if let Payout::Monthly { day, .. } = self.settlement.payout
            && !(1..=28).contains(&day)
        {
            errors.push(PolicyError::PayoutDay);
        }
        if self.settlement.maturity.auto_after_ship == Some(Span::ZERO) {
            errors.push(PolicyError::ZeroSpan { field: "settlement.maturity.auto_after_ship" });
        }
        let ban_period = |b: &BanRule| Period { from: b.effective_from, to: b.effective_to };
        check_periods("bans", self.bans.iter().map(ban_period), &mut errors);
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
        ];
        for (field, span) in spans {
            if span == Some(Span::ZERO) {
                errors.push(PolicyError::ZeroSpan { field });
            }
        }
        if a.rebind == Rebind::AfterProtection && a.protection == Span::ZERO {
            errors.push(PolicyError::ProtectionMissing);
        }
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

    fn check_commission(&self, errors: &mut Vec<PolicyError>) {
        let c = &self.commission;
        check_periods("commission.rates", c.rates.iter().map(|r| r.effective), errors);
        check_periods("commission.channel_fees", c.channel_fees.iter().map(|f| f.effective), errors);
        for (second, rate) in c.rates.iter().enumerate() {
            if let Some(first) = c.rates[..second].iter().position(|other| overlaps(other, rate)) {
                errors.push(PolicyError::RatesOverlap { first, second });
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
        let weights: Vec<u32> = c.split.iter().map(|w| w.weight).collect();
        if weights.iter().all(|w| *w == 0) {
            errors.push(PolicyError::NoWeight);
        }
        if weights.iter().map(|w| u64::from(*w)).sum::<u64>() > WEIGHTS_MAX {
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
    let begins_before_end = |from: Period, to: Period| to.to.is_none_or(|end| from.from < end);
    a.plan == b.plan
        && a.class == b.class
        && a.subject == b.subject
        && begins_before_end(a.effective, b.effective)
        && begins_before_end(b.effective, a.effective)
}

fn check_periods(field: &'static str, periods: impl Iterator<Item = Period>, errors: &mut Vec<PolicyError>) {
    for (index, period) in periods.enumerate() {
        if period.to.is_some_and(|to| to <= period.from) {
            errors.push(PolicyError::EmptyPeriod { field, index });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Preset;
    use super::*;
    use crate::web_address::WEB_ADDRESS_MAX;
    use serde_json::json;

    #[test]
    fn every_mistake_is_reported_at_once() {
        let policy = Preset::YouzanPermanent
            .policy()
            .patched(&json!({
                "attribution": {"validity": {"from_bind": "0s"}, "rebind": "after_protection", "view_through": true},
                "commission": {
                    "split": [{"party": "promoter", "weight": 0}, {"party": "promoter", "weight": 0}],
                    "collected_at_withdrawal": ["platform"],
                    "cashback": [{"from_orders": 5, "amount": 800}, {"from_orders": 3, "amount": -300}],
                    "rates": [
                        {"bp": 500, "effective": {"from": 10, "to": 5}},
                        {"bp": 500, "effective": {"from": 10}},
                        {"bp": 300, "effective": {"from": 20}},
                    ],
                },
                "settlement": {"payout": {"monthly": {"day": 31, "lag_months": 1, "roll": "none", "key": "settled_month"}}},
                "edge": {"fallback_url": "javascript:alert(1)"},
            }))
            .unwrap();
        let errors = policy.validate().unwrap_err();
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(errors.len(), 12, "{texts:#?}");
        assert!(errors.contains(&PolicyError::RatesOverlap { first: 1, second: 2 }), "{texts:#?}");
    }

    #[test]
    fn a_fallback_is_an_address_that_the_edge_can_use() {
        let validate = |url: &str| {
            Preset::TaobaoLive.policy().patched(&json!({"edge": {"fallback_url": url}})).unwrap().validate()
        };
        let refused = |why| Err(vec![PolicyError::FallbackUrl(why)]);
        let long = format!("https://shop.cn/{}", "a".repeat(WEB_ADDRESS_MAX));
        assert_eq!(validate("https://shop.cn/home?from=expired"), Ok(()));
        assert_eq!(validate("https://user:pass@shop.cn/"), refused(WebAddressError::UserInfo));
        assert_eq!(validate("https://:443/home"), refused(WebAddressError::NotAUrl));
        assert_eq!(validate("https://shop.cn:port/"), refused(WebAddressError::NotAUrl));
        assert_eq!(validate(&long), refused(WebAddressError::TooLong));
        assert_eq!(validate("https://shop.cn/a b"), Err(vec![PolicyError::FallbackNotAscii]));
    }

    #[test]
    fn weights_whose_shares_shrink_when_the_gross_grows_are_named() {
        let split = |weights: [u32; 3]| {
            let [a, b, c] = weights;
            let patch = json!({"commission": {"split": [
                {"party": "platform", "weight": a}, {"party": "agency", "weight": b}, {"party": "promoter", "weight": c},
            ]}});
            let policy = Preset::TaobaoLive.policy().patched(&patch).unwrap();
            (policy.validate(), policy.warnings())
        };
        assert_eq!(split([1, 2, 7]), (Ok(()), vec![]));
        assert_eq!(split([5, 1, 4]), (Ok(()), vec![PolicyWarning::NotMonotone { at_gross: 6 }]));
        assert_eq!(split([5000, 5000, 1]).0, Err(vec![PolicyError::WeightsTooLarge]));
    }
}
