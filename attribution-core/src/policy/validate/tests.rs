//! Every mistake is found, named and reported with all the others.

use super::*;
use crate::policy::Preset;
use crate::policy::settlement::PayMethod;
use crate::web_address::{WEB_ADDRESS_MAX, WebAddressError};
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
fn weights_whose_shares_shrink_as_the_whole_grows_are_allowed_and_told() {
    let split = |weights: [u32; 3]| {
        let [a, b, c] = weights;
        let patch = json!({"commission": {"split": [
            {"party": "platform", "weight": a}, {"party": "agency", "weight": b}, {"party": "promoter", "weight": c},
        ]}});
        let policy = Preset::TaobaoLive.policy().patched(&patch).unwrap();
        policy.validate().map(|()| policy.commission.share_shrinks_at())
    };
    assert_eq!(split([1, 2, 7]), Ok(None));
    assert_eq!(split([5, 1, 4]), Ok(Some(6)), "the agency has 1 fen of 5 and none of 6");
    assert_eq!(split([5000, 5000, 1]), Err(vec![PolicyError::WeightsTooLarge]));
}

#[test]
fn amounts_may_be_nothing_and_tiers_must_rise() {
    let tier = |from_orders: u32, amount: i64| json!({"from_orders": from_orders, "amount": amount});
    let cashback = |tiers: [serde_json::Value; 2]| json!({"cashback": tiers});
    let falls = PolicyError::TiersNotRising { field: "commission.cashback" };
    let rows = [
        (json!({"min_fen": 0}), None),
        (cashback([tier(3, 0), tier(5, 800)]), None),
        (cashback([tier(3, -1), tier(5, 800)]), Some(PolicyError::Negative { field: "commission.cashback" })),
        (cashback([tier(5, 300), tier(5, 800)]), Some(falls.clone())),
        (cashback([tier(5, 300), tier(3, 800)]), Some(falls)),
        (json!({"tiers": [{"from_orders": 2, "bp": 1}, {"from_orders": 5, "bp": 2}]}), None),
        (
            json!({"split": [{"party": "platform", "weight": 1}, {"party": "promoter", "weight": 9_999}]}),
            None,
        ),
    ];
    for (patch, mistake) in rows {
        let policy = Preset::TaobaoLive.policy().patched(&json!({"commission": patch})).unwrap();
        let expected = mistake.map_or(Ok(()), |mistake| Err(vec![mistake]));
        assert_eq!(policy.validate(), expected, "{patch}");
    }
}

/// One patch, one mistake.
#[test]
fn each_contradiction_is_named() {
    use PolicyError as E;
    let week = Span::days(7);
    let day15 = json!({"day": 15, "lag_months": 0, "roll": "none", "key": "settled_month"});
    let out = |field, expected| E::OutOfRange { field, expected };
    let rows = [
        (
            json!({"attribution": {"validity": {"from_bind": "7d"}, "protection": "8d"}}),
            E::ProtectionTooLong { protection: Span::days(8), lasts: week },
        ),
        (
            json!({"attribution": {"validity": {"from_last_click": "30d"}, "protection": "8d",
                "content": {"validity": "7d"}}}),
            E::ProtectionTooLong { protection: Span::days(8), lasts: week },
        ),
        (
            json!({"attribution": {"validity": "until_link_expiry", "link_ttl": "7d", "protection": "8d"}}),
            E::ProtectionTooLong { protection: Span::days(8), lasts: week },
        ),
        (json!({"attribution": {"extend_on_order": "7d", "close_on_order": true}}), E::ExtendedAndClosed),
        (
            json!({"attribution": {"validity": "permanent", "extend_on_order": "7d"}}),
            E::NothingToExtend { field: "attribution.extend_on_order" },
        ),
        (
            json!({"attribution": {"validity": "permanent", "content": {"validity": "3d"}}}),
            E::NothingToExtend { field: "attribution.content" },
        ),
        (
            json!({"attribution": {"content": {"validity": "0s"}}}),
            E::ZeroSpan { field: "attribution.content.validity" },
        ),
        (json!({"attribution": {"validity": "until_link_expiry"}}), E::LinkTtlMissing),
        (
            json!({"commission": {"plan_precedence": ["general", "general"]}}),
            E::Twice { field: "commission.plan_precedence", index: 1 },
        ),
        (
            json!({"commission": {"tiers": [{"from_orders": 5, "bp": 1}, {"from_orders": 5, "bp": 2}]}}),
            E::TiersNotRising { field: "commission.tiers" },
        ),
        (json!({"commission": {"min_fen": -1}}), E::Negative { field: "commission.min_fen" }),
        (json!({"commission": {"split": [{"party": "platform", "weight": 1}]}}), E::NoPromoter),
        (
            json!({"commission": {"collected_at_withdrawal": ["promoter"]}}),
            E::NotCollectable(Party::Promoter),
        ),
        (json!({"eligibility": {"placement": false}}), E::AlwaysOn { field: "eligibility.placement" }),
        (json!({"settlement": {"payout": {"monthly": day15}}}), E::PayoutLag),
        (
            json!({"settlement": {"excluded_methods": ["alipay"], "refund_manual_methods": ["alipay", "other"]}}),
            E::ExcludedAndManual(PayMethod::Alipay),
        ),
        (
            json!({"settlement": {"funding": {"retry_every": "0s"}}}),
            E::ZeroSpan { field: "settlement.funding.retry_every" },
        ),
        (
            json!({"eligibility": {"sourcing": {"audit_workdays": 8}}}),
            out("eligibility.sourcing.audit_workdays_max", "at least audit_workdays"),
        ),
        (
            json!({"eligibility": {"sourcing": {"audit_workdays": 0}}}),
            out("eligibility.sourcing.audit_workdays", "at least 1"),
        ),
        (
            json!({"eligibility": {"sourcing": {"below_market_percent": 101}}}),
            out("eligibility.sourcing.below_market_percent", "1 to 100"),
        ),
        (
            json!({"eligibility": {"sourcing": {"min_service_tenths": 51}}}),
            out("eligibility.sourcing", "scores of at most 50 tenths"),
        ),
        (
            json!({"bans": [{"category": "c", "effective_from": 5, "effective_to": 5}]}),
            E::EmptyPeriod { field: "bans", index: 0 },
        ),
    ];
    for (patch, expected) in rows {
        let policy = Policy::default().patched(&patch).unwrap();
        assert_eq!(policy.validate(), Err(vec![expected]), "{patch}");
    }
}

#[test]
fn a_repair_of_refunds_must_follow_its_own_dates() {
    let mut policy = Preset::AllianceCreditBan.policy();
    assert_eq!(policy.validate(), Ok(()));
    policy.refund_batches[1].name = policy.refund_batches[0].name.clone();
    policy.refund_batches[0].compensated_at = Some(Instant(1_617_206_399_999)); // within the batch's day
    policy.refund_batches[1].settled.to = Some(Instant(0));
    assert_eq!(
        policy.validate(),
        Err(vec![
            PolicyError::EmptyPeriod { field: "refund_batches.settled", index: 1 },
            PolicyError::CompensatedTooSoon { index: 0 },
            PolicyError::Twice { field: "refund_batches.name", index: 1 },
        ])
    );
    policy.refund_batches[0].compensated_at = Some(Instant(1_617_206_400_000)); // the midnight after it
    assert!(!policy.validate().unwrap_err().contains(&PolicyError::CompensatedTooSoon { index: 0 }));
}

#[test]
fn a_rate_for_a_class_needs_classes() {
    let patch = json!({"commission": {"rates": [
        {"bp": 500, "effective": {"from": 0}},
        {"bp": 300, "class": "returning", "effective": {"from": 0}},
    ]}});
    let policy = Preset::YouzanPermanent.policy().patched(&patch).unwrap();
    assert_eq!(policy.validate(), Err(vec![PolicyError::NoClasses { index: 1 }]));
    assert_eq!(Preset::Distributor1688.policy().patched(&patch).unwrap().validate(), Ok(()));
}

#[test]
fn fees_of_one_channel_follow_each_other() {
    let fee = |channel: &str, from: i64, to: Option<i64>| json!({"channel": channel, "bp": 300, "effective": {"from": from, "to": to}});
    let validate = |fees: [serde_json::Value; 2]| {
        let patch = json!({"commission": {"channel_fees": fees}});
        Preset::Offsite1688.policy().patched(&patch).unwrap().validate()
    };
    assert_eq!(validate([fee("taote", 0, Some(10)), fee("taote", 10, None)]), Ok(()));
    assert_eq!(validate([fee("taote", 0, None), fee("alipay", 0, None)]), Ok(()));
    let overlap = Err(vec![PolicyError::FeesOverlap { first: 0, second: 1 }]);
    assert_eq!(validate([fee("taote", 0, Some(11)), fee("taote", 10, None)]), overlap);
}

#[test]
fn some_plan_is_looked_at() {
    let patch = json!({"commission": {"plan_precedence": []}});
    assert_eq!(
        Preset::TaobaoLive.policy().patched(&patch).unwrap().validate(),
        Err(vec![PolicyError::NoPlans])
    );
}
