//! What can be wrong with a policy: one variant per mistake, each naming its field.

use super::WEIGHTS_MAX;
use crate::policy::commission::Party;
use crate::policy::settlement::PayMethod;
use crate::time::Span;
use crate::web_address::WebAddressError;

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
    /// A protection that outlives the relation it protects.
    #[error("attribution.protection: {protection} is longer than the relation itself lasts ({lasts})")]
    ProtectionTooLong {
        /// The protection.
        protection: Span,
        /// How long a relation lasts.
        lasts: Span,
    },
    /// An order cannot both end a relation and prolong it.
    #[error(
        "attribution.extend_on_order: an order that closes a relation (close_on_order) cannot prolong it"
    )]
    ExtendedAndClosed,
    /// There is nothing to prolong.
    #[error("{field}: the relation has no end of its own that it could change")]
    NothingToExtend {
        /// The field.
        field: &'static str,
    },
    /// The same thing twice.
    #[error("{field}[{index}]: occurs twice")]
    Twice {
        /// The list.
        field: &'static str,
        /// The later entry.
        index: usize,
    },
    /// A relation that ends with its link, and links that never end.
    #[error("attribution.validity: until_link_expiry needs attribution.link_ttl")]
    LinkTtlMissing,
    /// Something this software never does.
    #[error("{field}: not supported, it must stay off")]
    NotSupported {
        /// The field.
        field: &'static str,
    },
    /// Something this software always does.
    #[error("{field}: must stay on, there is no other way here")]
    AlwaysOn {
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
    /// A month that would be paid before it is over.
    #[error("settlement.payout.lag_months: must be at least 1, a month cannot be paid before it is over")]
    PayoutLag,
    /// A way to pay that earns nothing, and yet is settled by hand after a refund.
    #[error("settlement.excluded_methods: {0:?} is also in settlement.refund_manual_methods")]
    ExcludedAndManual(PayMethod),
    /// A number that makes no sense where it stands.
    #[error("{field}: must be {expected}")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A compensation before the records are made.
    #[error("refund_batches[{index}]: compensates before its records are made")]
    CompensatedTooSoon {
        /// Which entry.
        index: usize,
    },
    /// Two rates for the same plan, class and subject overlap in time.
    #[error("commission.rates[{second}]: overlaps commission.rates[{first}]")]
    RatesOverlap {
        /// The earlier entry.
        first: usize,
        /// The later entry.
        second: usize,
    },
    /// Two fees of one channel overlap in time.
    #[error("commission.channel_fees[{second}]: overlaps commission.channel_fees[{first}]")]
    FeesOverlap {
        /// The earlier entry.
        first: usize,
        /// The later entry.
        second: usize,
    },
    /// No plan is ever looked at.
    #[error("commission.plan_precedence: without any plan nothing earns a commission")]
    NoPlans,
    /// A rate for new or returning customers, in a programme that does not tell them apart: it would never count.
    #[error("commission.rates[{index}]: is for a class of customers, which needs commission.classes")]
    NoClasses {
        /// Which entry.
        index: usize,
    },
    /// An address that the edge would not send a browser to.
    #[error("edge.fallback_url: {0}")]
    FallbackUrl(WebAddressError),
    /// Something else than printing ASCII.
    #[error("edge.fallback_url: must be in ASCII without spaces")]
    FallbackNotAscii,
}
