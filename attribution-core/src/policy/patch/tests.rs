//! A patch changes what it names and nothing else, and every mistake in it is told with its place.

use super::*;
use crate::policy::attribution::{Rebind, Validity};
use crate::policy::commission::DayCount;
use crate::policy::{Preset, Scope};
use crate::testing::policy_fields;
use crate::time::Span;
use serde_json::json;

#[test]
fn one_field_changes_and_all_others_stay() {
    let base = Preset::Distributor1688.policy();
    let patched = base.patched(&json!({"attribution": {"scope": "shop"}})).unwrap();
    let mut expected = base.clone();
    expected.attribution.scope = Scope::Shop;
    assert_eq!(patched, expected);
    assert_eq!(base.patched(&json!({})), Ok(base));
}

#[test]
fn a_choice_is_replaced_whole_and_a_group_field_by_field() {
    let patched = Preset::Distributor1688
        .policy()
        .patched(&json!({
            "attribution": {"validity": {"from_bind": "30d"}, "identity": {"device_ttl": "30d"}, "rebind": "never"},
            "commission": {"classes": {"count": "whole_days"}},
        }))
        .unwrap();
    assert_eq!(patched.attribution.validity, Validity::FromBind(Span::days(30)));
    assert_eq!(patched.attribution.rebind, Rebind::Never);
    assert_eq!(patched.attribution.identity.device_ttl, Span::days(30));
    assert!(patched.attribution.identity.stop_at_account_switch);
    let classes = patched.commission.classes.unwrap();
    assert_eq!((classes.days, classes.count), (60, DayCount::WholeDays));
    let short = Preset::YouzanPermanent.policy();
    let runs_on = json!({"settlement": {"maturity": {"runs_during_refunds": true}}});
    let maturity = short.patched(&runs_on).unwrap().settlement.maturity;
    assert_eq!(maturity.auto_after_ship, Some(Span::days(7)));
    assert!(maturity.runs_during_refunds);
    let none = patched.patched(&json!({"commission": {"classes": null}})).unwrap();
    assert_eq!(none.commission.classes, None);
    let anew = none.patched(&json!({"commission": {"classes": {"days": 30}}})).unwrap().commission.classes;
    assert_eq!(anew.map(|classes| (classes.days, classes.count)), Some((30, DayCount::Elapsed)));
}

#[test]
fn every_mistake_is_named() {
    let errors = Preset::TaobaoLive
        .policy()
        .patched(&json!({
            "attribution": {"validty": "permanent", "scope": "galaxy", "protection": "a while"},
            "commission": {
                "rounding": "up",
                "split": [{"party": "promoter", "weight": -1}],
                "rates": [{"bp": 10_001, "effective": {"from": 0}}, {"bp": 5, "effective": {"from": 0}}, {"bp": 5}],
            },
            "bans": [{"category": "cups"}],
            "payments": {},
            "settlement": 5,
        }))
        .unwrap_err();
    let mut fields: Vec<&str> = errors.iter().map(|e| e.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "attribution.protection",
            "attribution.scope",
            "attribution.validty",
            "bans[0]",
            "commission.rates[0]",
            "commission.rates[2]",
            "commission.rounding",
            "commission.split[0]",
            "payments",
            "settlement"
        ]
    );
}

#[test]
fn contradictions_are_named_beside_fields_that_do_not_fit() {
    let patch = json!({
        "attribution": {"validity": {"from_last_click": "0s"}, "scope": "galaxy"},
        "commission": {
            "rates": [{"bp": 10_001, "effective": {"from": 0}}],
            "split": [{"party": "platform", "weight": 1}, {"party": "platform", "weight": 2}, {"party": "promoter", "weight": 7}],
        },
    });
    let mistakes = Preset::TaobaoLive.policy().checked(&patch).unwrap_err();
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    let parts = [
        "attribution.scope: unknown variant",
        "commission.rates[0]: 10001 basis points",
        "attribution.validity: must be longer",
        "commission.split: Platform occurs twice",
    ];
    assert_eq!(told.len(), parts.len(), "{told:?}");
    for (told, part) in told.iter().zip(parts) {
        assert!(told.contains(part), "{told}");
    }
    assert!(Preset::TaobaoLive.policy().checked(&json!({})).is_ok());
}

/// Every field that there is, with a value that is not the one it has unless said; three fields can have no other.
const ONE_VALUE_ALONE: [&str; 3] =
    ["attribution.on_promoter_disabled", "commission.rate_at", "commission.split_rounding"];

fn another_value_of_each_field() -> Value {
    let instant = 1_600_000_000_000i64;
    json!({
        "attribution": {
            "model": "declared",
            "scope": "product_then_shop",
            "validity": {"from_bind": "30d"},
            "content": {"validity": "3d", "extend_on_order": "30d"},
            "extend_on_order": "20d",
            "close_on_order": true,
            "protection": "1d",
            "rebind": "after_protection",
            "link_ttl": "60d",
            "require_converted_link": true,
            "require_badge": true,
            "require_user_activation": true,
            "self_purchase": "deny",
            "on_promo_withdrawn": "check_at_order",
            "on_promoter_disabled": "no_commission",
            "order_event": "paid",
            "identity": {"account": false, "device_ttl": "30d", "stop_at_account_switch": false, "probabilistic": true},
            "coupon": "exclusive_code_wins",
            "view_through": true,
            "late_click_grace": "1d",
            "max_token_skew": "1s",
            "edge_hold": "1d",
        },
        "commission": {
            "classes": {"days": 30, "count": "calendar_day1"},
            "rates": [{"plan": "general", "class": null, "subject": "any", "bp": 500, "effective": {"from": instant, "to": null}}],
            "channel_fees": [{"channel": "taote", "bp": 350, "effective": {"from": instant, "to": null}}],
            "rate_at": "order_created",
            "plan_precedence": ["general", "approved_targeted"],
            "targeted_effective": "next_midnight",
            "tiers": [{"from_orders": 10, "bp": 800}],
            "cashback": [{"from_orders": 3, "amount": 300}],
            "rounding": "half_up",
            "min_fen": 100,
            "split": [{"party": "promoter", "weight": 9}, {"party": "platform", "weight": 1}],
            "split_rounding": "cumulative_floor",
            "agency_from": instant,
            "collected_at_withdrawal": ["agency"],
        },
        "settlement": {
            "maturity": {"auto_after_ship": "10d", "runs_during_refunds": true},
            "mode": "manual",
            "funding": {"all_or_nothing": false, "retry_on_top_up": false, "retry_every": null},
            "payout": {"monthly": {"day": 1, "lag_months": 3, "roll": "none", "key": "success_month"}},
            "destination": "bound_at_payout",
            "refund_before": {"reduce_base": {"only": ["alipay"]}},
            "refund_after": "none",
            "refund_manual_methods": ["other"],
            "excluded_methods": ["other"],
            "report_visible": "next_day",
        },
        "eligibility": {
            "verified_member": true,
            "verified_payout_account": true,
            "placement": false,
            "sourcing": {
                "min_merchant_level": 3, "min_dropship_products": 2, "min_service_tenths": 40, "min_logistics_tenths": 40,
                "min_product_tenths": 40, "min_growth_score": 70, "min_stock": 100, "below_market_percent": 80,
                "strict_low30": true, "audit_workdays": 2, "audit_workdays_max": 5
            },
        },
        "edge": {
            "durability": "strict",
            "honour_privacy_signal": true,
            "fallback_url": "https://shop.example/",
        },
        "bans": [{"category": "cups", "effective_from": instant, "effective_to": null, "announced_at": null}],
        "refund_batches": [{
            "name": "late", "category": "cups", "settled": {"from": instant, "to": null},
            "refund_initiated": {"from": instant, "to": null}, "record_on": "2021-03-31", "compensated_at": instant,
        }],
        "video_tasks": {"fee": 1_000, "applies": "always", "events": [{"from": instant, "to": null}]},
    })
}

/// What sets one field, by its path.
fn setting(path: &str, value: &Value) -> Value {
    path.rsplit('.').fold(value.clone(), |value, name| json!({name: value}))
}

#[test]
fn each_field_can_be_changed_and_nothing_else_changes_with_it() {
    let base = Policy::default();
    let other = policy_fields(&another_value_of_each_field());
    let before = policy_fields(&serde_json::to_value(&base).unwrap());
    assert!(other.keys().eq(before.keys()), "a field without another value: {before:#?}");
    for (path, value) in &other {
        let patched = base.patched(&setting(path, value)).unwrap();
        let mut expected = before.clone();
        let had = expected.insert(path.clone(), value.clone());
        assert_eq!(had.as_ref() == Some(value), ONE_VALUE_ALONE.contains(&path.as_str()), "{path}");
        assert_eq!(policy_fields(&serde_json::to_value(&patched).unwrap()), expected, "{path}");
    }
}

#[test]
fn what_is_read_can_be_laid_over_any_policy_and_makes_it_the_same() {
    let other: Policy = serde_json::from_value(another_value_of_each_field()).unwrap();
    let policies: Vec<Policy> = Preset::ALL.map(Preset::policy).into_iter().chain([other]).collect();
    for base in &policies {
        for wanted in &policies {
            assert_eq!(base.patched(&serde_json::to_value(wanted).unwrap()).as_ref(), Ok(wanted));
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_with_its_place() {
    let all: Policy = serde_json::from_value(another_value_of_each_field()).unwrap();
    let refused = |base: &Policy, patch: &Value| -> Vec<PatchError> { base.patched(patch).unwrap_err() };
    // No field is an object with this field, a group's own fields aside.
    for path in policy_fields(&another_value_of_each_field()).keys() {
        let errors = refused(&Policy::default(), &setting(path, &json!({"no_such": 0})));
        assert!(errors.len() == 1 && errors[0].field.starts_with(path), "{path}: {errors:?}");
    }
    let rows = [
        (
            json!({"no_such": 1}),
            "no_such",
            "no such section; there are attribution, bans, commission, edge, ",
        ),
        (json!({"attribution.scope": "shop"}), "attribution.scope", "no such section"),
        (
            json!({"edge": {"no_such": 1}}),
            "edge.no_such",
            "no such field; there are durability, fallback_url, ",
        ),
        (json!({"video_tasks": {"price": 1}}), "video_tasks.price", "no such field; there are applies, "),
        (
            json!({"commission": {"classes": {"day": 1}}}),
            "commission.classes.day",
            "no such field; there are count, days",
        ),
        (
            json!({"commission": {"classes": {"days": "60d"}}}),
            "commission.classes.days",
            "invalid type: string",
        ),
        (json!({"commission": {"classes": [60]}}), "commission.classes", "is an object with fields"),
        (json!({"commission": null}), "commission", "invalid type: null"),
        (json!({"attribution": {"identity": null}}), "attribution.identity", "invalid type: null"),
        (json!({"settlement": 5}), "settlement", "is an object with fields"),
        (json!([]), "policy", "a patch is a JSON object"),
    ];
    for (patch, field, problem) in rows {
        let errors = refused(&all, &patch);
        assert!(errors.len() == 1 && errors[0].field == field, "{patch}: {errors:?}");
        assert!(errors[0].problem.starts_with(problem), "{patch}: {errors:?}");
    }
}
