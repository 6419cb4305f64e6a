//! The codes that answers give and checks compare with. Tests ask the rules themselves for them.

/// Why an order line earns nothing, or `none`.
pub(super) const NO_COMMISSION: &[&str] = &[
    "none",
    "category_banned",
    "payment_excluded",
    "no_channel",
    "no_click",
    "no_eligible_click",
    "window_over",
    "closed_by_order",
    "self_purchase",
    "promoter_disabled",
    "promotion_withdrawn",
    "no_rate",
    "class_not_commissioned",
    "not_approved",
    "plan_not_effective",
    "below_minimum",
];

/// What became of a click in a decision: its verdict, or why it never entered the chain.
pub(super) const VERDICTS: &[&str] = &[
    "won",
    "repeat_of_owner",
    "replaced",
    "window_over",
    "closed_by_order",
    "protected",
    "locked",
    "product_first",
    "coupon_first",
    "after_order",
    "late_after_final",
    "out_of_scope",
    "promotion_cancelled",
    "product_delisted",
    "link_expired",
    "not_yet_effective",
    "head",
    "prefetch",
    "preview",
    "not_navigation",
    "bot",
    "promoter_disabled",
    "category_banned",
    "privacy_signal",
    "no_badge",
    "not_converted",
    "edge_stale",
    "no_user_activation",
    "self_purchase",
    "no_click",
];

/// What a person should know of a decision.
pub(super) const FLAGS: &[&str] = &[
    "history_unknown",
    "awaiting_click",
    "unjournaled",
    "grandfathered",
    "shared_token",
    "unnamed_agency",
    "awaiting_payment",
];

/// What a person must look at.
pub(super) const REVIEWS: &[&str] = &[
    "event_changed",
    "unknown_product",
    "unknown_merchant",
    "other_merchant",
    "other_sender",
    "before_created",
    "unknown_line",
    "refund_exceeds_payment",
    "unjournaled",
    "shared_token",
    "unnamed_agency",
    "manual_refund",
    "refund_after_settlement",
    "paid_after_settlement",
    "banned_after_settlement",
    "disabled_after_settlement",
    "completed_before_paid",
    "currency_not_cny",
    "time_implausible",
];

/// What an edge answers.
pub(super) const OUTCOMES: &[&str] = &[
    "refused",
    "rate_limited",
    "not_found",
    "overloaded",
    "promotion_cancelled",
    "product_delisted",
    "link_expired",
    "not_yet_effective",
    "head",
    "prefetch",
    "preview",
    "not_navigation",
    "bot",
    "promoter_disabled",
    "untracked",
    "attributed",
];

/// Why it answers so.
pub(super) const CLICK_REASONS: &[&str] = &[
    "none",
    "category_banned",
    "privacy_signal",
    "no_badge",
    "not_converted",
    "claim_kept",
    "edge_stale",
    "no_user_activation",
];

/// Why a merchant or a product may not be sold off-site.
pub(super) const GATES: &[&str] = &[
    "merchant_business",
    "merchant_level",
    "dropship_products",
    "service_score",
    "logistics_score",
    "product_score",
    "merchant_risk",
    "product_kind",
    "no_dropship",
    "no_seven_day_returns",
    "no_ship_promise",
    "growth_score",
    "product_risk",
    "group_purchase",
];

/// What is said of a SKU.
pub(super) const SKU_VERDICTS: &[&str] =
    &["accepted", "review", "no_price", "above_low", "above_market", "stock"];

#[cfg(test)]
mod tests {
    use super::*;
    use attribution_core::attribute::{Flag, NoCommission};
    use attribution_core::fold::{Ineligible, Verdict};
    use attribution_core::outcome::{Outcome, Reason};
    use attribution_core::sourcing::{Refusal, SkuRefusal};
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};
    use settlement_core::orders::review;
    use std::collections::BTreeSet;

    /// All names that a type of the rules knows: its complaint about another one lists them.
    fn known<T: DeserializeOwned + std::fmt::Debug>(nonsense: Value) -> BTreeSet<String> {
        let complaint = serde_json::from_value::<T>(nonsense).unwrap_err().to_string();
        let (_, list) = complaint.split_once("expected one of ").unwrap();
        list.split(", ").map(|name| name.trim_matches('`').to_owned()).collect()
    }

    fn tagged() -> Value {
        json!({"code": "nonsense"})
    }

    fn plain() -> Value {
        json!("nonsense")
    }

    fn listed(words: &[&str], but: &[&str]) -> BTreeSet<String> {
        words.iter().filter(|word| !but.contains(word)).map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn every_code_of_the_rules_is_listed_and_no_other() {
        assert_eq!(listed(NO_COMMISSION, &["none"]), known::<NoCommission>(tagged()));
        assert_eq!(listed(FLAGS, &[]), known::<Flag>(plain()));
        assert_eq!(listed(OUTCOMES, &[]), known::<Outcome>(plain()));
        assert_eq!(listed(CLICK_REASONS, &[]), known::<Reason>(plain()));
        assert_eq!(listed(GATES, &[]), known::<Refusal>(tagged()));
        assert_eq!(listed(SKU_VERDICTS, &["accepted", "review"]), known::<SkuRefusal>(tagged()));
        // A click that never entered the chain is shown with why.
        let mut verdicts = known::<Verdict>(tagged());
        verdicts.remove("ineligible");
        verdicts.extend(known::<Ineligible>(plain()));
        assert_eq!(listed(VERDICTS, &[]), verdicts);
        assert_eq!(REVIEWS, review::Reason::ALL.map(review::Reason::code));
    }
}
