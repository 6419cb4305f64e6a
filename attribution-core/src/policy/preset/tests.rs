//! Each preset against what its source documents say, field by field: a wrong constant here is a wrong payment.

use super::*;
use crate::testing::{at, policy_fields};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A field, its value, and the rule's own words.
type Row = (&'static str, Value, &'static str);

/// What holds where a programme's own document says nothing.
fn unless_said() -> Vec<Row> {
    vec![
        ("attribution.model", json!("last_click"), "the deal belongs to the last link's promoter only"),
        ("attribution.scope", json!("shop"), "a link counts for the product and all the shop's goods"),
        ("attribution.validity", json!({"from_last_click": "15d"}), "15 days from the click"),
        ("attribution.content", json!(null), "links of every kind last alike"),
        ("attribution.extend_on_order", json!(null), "an order prolongs nothing"),
        ("attribution.close_on_order", json!(false), "an order ends nothing"),
        ("attribution.protection", json!("0s"), "last click is a binding with protection 0"),
        ("attribution.rebind", json!("any_click"), "rebind on any eligible click"),
        ("attribution.link_ttl", json!(null), "a link has no end of its own"),
        ("attribution.require_converted_link", json!(false), "every link counts"),
        ("attribution.require_badge", json!(false), "however it was shared"),
        ("attribution.require_user_activation", json!(false), "whether tapped or forwarded by a page"),
        ("attribution.self_purchase", json!("allow"), "self-purchase is commissioned"),
        ("attribution.on_promo_withdrawn", json!("grandfather_click"), "the earlier click still pays"),
        ("attribution.on_promoter_disabled", json!("no_commission"), "never fall through"),
        ("attribution.order_event", json!("created"), "成交 is the order's creation"),
        (
            "attribution.identity",
            json!({"account": true, "device_ttl": "90d", "stop_at_account_switch": true, "probabilistic": false}),
            "the account on any device, and the device back to the previous account switch",
        ),
        ("attribution.coupon", json!("off"), "coupon override is an option"),
        ("attribution.view_through", json!(false), "view-through is off"),
        ("attribution.late_click_grace", json!("3d"), "provisional for a grace of 72 hours"),
        ("attribution.max_token_skew", json!("5s"), "a token on the order is tolerated up to 5 seconds"),
        ("attribution.edge_hold", json!("7d"), "edges are waited for up to 7 days"),
        ("commission.classes", json!(null), "one class of customers"),
        ("commission.rates", json!([]), "the merchant sets the rates"),
        ("commission.channel_fees", json!([]), "the operator sets the fees"),
        ("commission.rate_at", json!("order_created"), "the rate is frozen at the order's creation"),
        (
            "commission.plan_precedence",
            json!(["approved_targeted", "general"]),
            "an approved targeted plan, else the general one, else nothing",
        ),
        ("commission.targeted_effective", json!("immediate"), "a plan begins when it is made"),
        ("commission.tiers", json!([]), "one rate, however many orders"),
        ("commission.cashback", json!([]), "the merchant sets the tiers of 团购返现"),
        ("commission.rounding", json!("floor"), "commission is rounded down"),
        ("commission.min_fen", json!(1), "less than ¥0.01 is invalid"),
        ("commission.split", json!([{"party": "promoter", "weight": 1}]), "all of it is the promoter's"),
        ("commission.split_rounding", json!("cumulative_floor"), "cut at the floors of the running totals"),
        ("commission.agency_from", json!(null), "each agency's contract says from when it shares"),
        ("commission.collected_at_withdrawal", json!([]), "nothing is kept at withdrawals"),
        (
            "settlement.maturity",
            json!({"auto_after_ship": null, "runs_during_refunds": false}),
            "when the trade succeeds",
        ),
        ("settlement.mode", json!("auto"), "settled by itself"),
        (
            "settlement.funding",
            json!({"all_or_nothing": true, "retry_on_top_up": true, "retry_every": "1h"}),
            "no partial settlement; tried again on top-up and by schedule",
        ),
        ("settlement.payout", json!("immediate"), "from the balance, at once"),
        ("settlement.destination", json!("balance"), "into the promoter's balance"),
        ("settlement.refund_before", json!({"reduce_base": "all"}), "a refund reduces"),
        ("settlement.refund_after", json!("clawback"), "and goes back to the seller when it was settled"),
        ("settlement.refund_manual_methods", json!([]), "nothing is settled by hand"),
        ("settlement.excluded_methods", json!([]), "every way to pay is performance"),
        ("settlement.report_visible", json!("realtime"), "shown at once"),
        ("eligibility.verified_member", json!(false), "anyone may apply"),
        ("eligibility.verified_payout_account", json!(false), "anyone may apply"),
        ("eligibility.placement", json!(true), "the link carries its placement"),
        ("eligibility.sourcing", json!(null), "no gates for goods"),
        ("edge.durability", json!("fast"), "the operator decides"),
        ("edge.honour_privacy_signal", json!(false), "the operator decides"),
        ("edge.fallback_url", json!(null), "a dead link shows its page"),
        ("bans", json!([]), "no category is banned"),
        ("refund_batches", json!([]), "no refund lacks its record"),
        ("video_tasks", json!(null), "no video tasks"),
    ]
}

/// What a programme's own document says.
fn said(preset: Preset) -> Vec<Row> {
    match preset {
        Preset::Distributor1688 => distributor(),
        Preset::YouzanPermanent => salesperson(vec![(
            "attribution.validity",
            json!("permanent"),
            "the first click binds the customer; every later order counts",
        )]),
        Preset::YouzanShort => salesperson(vec![
            ("attribution.validity", json!("until_link_expiry"), "the relation ends with the link"),
            ("attribution.link_ttl", json!("15d"), "推广分享出去的链接15天后就会失效"),
        ]),
        Preset::YouzanLock => salesperson(vec![
            ("attribution.validity", json!("permanent"), "长期绑定"),
            ("attribution.rebind", json!("never"), "长期绑定"),
        ]),
        Preset::Offsite1688 => offsite(),
        Preset::AllianceCreditBan => credit_ban(),
        Preset::TaobaoLive => live(),
    }
}

fn distributor() -> Vec<Row> {
    vec![
        ("attribution.scope", json!("product"), "专属链接购买: the same product"),
        (
            "attribution.require_converted_link",
            json!(true),
            "commission is for the exclusive link (专属链接)",
        ),
        ("commission.classes", json!({"days": 60, "count": "elapsed"}), "≤ 60 days (含60天) is new"),
        ("commission.plan_precedence", json!(["general"]), "one plan"),
        (
            "settlement.payout",
            json!({"monthly": {"day": 15, "lag_months": 2, "roll": "next_workday", "key": "success_month"}}),
            "on the 15th trades that succeeded in the month before last; not a workday, the next one",
        ),
        ("settlement.destination", json!("bound_at_payout"), "to the Alipay bound on the payout date"),
        ("settlement.report_visible", json!("next_day"), "shown from the day after trade success"),
        ("eligibility.verified_member", json!(true), "a registered, real-name-verified member"),
        ("eligibility.verified_payout_account", json!(true), "a bound, real-name-verified Alipay"),
    ]
}

/// 有赞销售员, with what the chosen validity adds.
fn salesperson(validity: Vec<Row>) -> Vec<Row> {
    let mut rows = vec![
        ("attribution.model", json!("binding"), "a click binds the customer to the salesperson"),
        ("attribution.require_badge", json!(true), "only while the badge (小黄人) is shown"),
        ("commission.plan_precedence", json!(["general"]), "one plan"),
        (
            "settlement.maturity",
            json!({"auto_after_ship": "7d", "runs_during_refunds": false}),
            "一般是商家发货7天后; a pending refund stops the timer",
        ),
        (
            "settlement.refund_before",
            json!({"reduce_base": {"only": ["wechat_consignment", "bank_card"]}}),
            "paid by 微信支付-代销 or bank card: performance is reduced by the refunded amount",
        ),
        ("settlement.refund_after", json!("none"), "no automatic deduction; logged for manual handling"),
        (
            "settlement.refund_manual_methods",
            json!(["wechat_own"]),
            "微信支付-自有 with a refund: merchant and salesperson settle by hand",
        ),
        ("settlement.excluded_methods", json!(["cash_on_delivery"]), "货到付款 is not performance"),
    ];
    rows.extend(validity);
    rows
}

fn offsite() -> Vec<Row> {
    vec![
        ("attribution.model", json!("declared"), "the order names its channel"),
        ("commission.plan_precedence", json!([]), "a table of fees by channel, no plans"),
        (
            "commission.split",
            json!([{"party": "platform", "weight": 1}]),
            "merchant to platform, no promoter",
        ),
        ("eligibility.placement", json!(false), "nobody promotes"),
        (
            "eligibility.sourcing",
            json!({
                "min_merchant_level": 2,       // level ≥ L2
                "min_dropship_products": 1,    // one-piece-dropship-free-shipping products ≥ 1
                "min_service_tenths": 35,      // 服务星级 ≥ 3.5
                "min_logistics_tenths": 30,    // 物流体验分 ≥ 3
                "min_product_tenths": 20,      // 商品体验分 ≥ 2
                "min_growth_score": 60,        // 商品成长分 ≥ 60
                "min_stock": 200,              // each enrolled SKU's stock ≥ 200
                "below_market_percent": 90,    // < 90 % of the market list price
                "strict_low30": false,         // ≤ the lowest deal price of 30 days
                "audit_workdays": 3,           // normally 3 workdays
                "audit_workdays_max": 7,       // at most 7 workdays
            }),
            "the gates of merchant, product and price, and the audit",
        ),
    ]
}

fn credit_ban() -> Vec<Row> {
    let midnight = |day: &str| at(&format!("{day} 00:00:00")).millis();
    let (december, april) = (midnight("2020-12-01"), midnight("2021-04-01"));
    let compensated = midnight("2021-07-01");
    vec![
        ("attribution.require_converted_link", json!(true), "as its alliance"),
        (
            "bans",
            json!([{
                "category": "shopping-credit",
                "effective_from": midnight("2021-03-24"),
                "effective_to": null,
                "announced_at": midnight("2021-04-08"),
            }]),
            "购物金 cannot be promoted from 2021-03-24; posted 04-08",
        ),
        (
            "refund_batches",
            json!([
                {
                    "name": "batch-1",
                    "category": "shopping-credit",
                    "settled": {"from": december, "to": april},
                    "refund_initiated": {"from": december, "to": april},
                    "record_on": "2021-03-31",
                    "compensated_at": compensated,
                },
                {
                    "name": "batch-2",
                    "category": "shopping-credit",
                    "settled": {"from": 0, "to": december},
                    "refund_initiated": {"from": 0, "to": april},
                    "record_on": null,
                    "compensated_at": compensated,
                },
            ]),
            "①: settled and refunded 2020-12-01 to 2021-03-31, recorded on 03-31; ②: settled by 2020-11-30, no record; \
             what is not recovered by 2021-07-01 the platform pays",
        ),
    ]
}

fn live() -> Vec<Row> {
    vec![
        ("attribution.require_converted_link", json!(true), "converted in the alliance (联盟转换链接)"),
        ("commission.targeted_effective", json!("next_midnight"), "当天晚上12点后"),
        (
            "commission.split",
            json!([
                {"party": "platform", "weight": 1},
                {"party": "agency", "weight": 2},
                {"party": "promoter", "weight": 7},
            ]),
            "淘宝:机构:达人 = 1:2:7",
        ),
        ("commission.collected_at_withdrawal", json!(["platform"]), "the 10 % is deducted at withdrawal"),
        (
            "settlement.payout",
            json!({"monthly": {"day": 20, "lag_months": 1, "roll": "none", "key": "settled_month"}}),
            "on the 20th the previous month; no workday rule is stated",
        ),
        ("settlement.destination", json!("bound_at_withdrawal"), "withdrawal needs a bound Alipay"),
        ("eligibility.verified_payout_account", json!(true), "withdrawal needs a bound Alipay, verified"),
        (
            "video_tasks",
            json!({"fee": 2_000, "applies": "in_events", "events": []}),
            "20 % technical fee, only in events such as 双11",
        ),
    ]
}

#[test]
fn each_preset_says_what_its_documents_say() {
    for preset in Preset::ALL {
        let mut told: BTreeMap<&str, (Value, &str)> = BTreeMap::new();
        for (field, value, words) in unless_said().into_iter().chain(said(preset)) {
            told.insert(field, (value, words));
        }
        let fields = policy_fields(&serde_json::to_value(preset.policy()).unwrap());
        assert!(told.keys().eq(fields.keys()), "a field of the policy that no row speaks of: {fields:#?}");
        for (field, value) in fields {
            let (expected, words) = &told[field.as_str()];
            assert_eq!(value, *expected, "{preset:?} {field}: {words}");
        }
    }
}

#[test]
fn every_preset_is_valid_and_reads_back_from_json_and_by_its_name() {
    let names = [
        "distributor1688",
        "youzan_permanent",
        "youzan_short",
        "youzan_lock",
        "offsite1688",
        "alliance_credit_ban",
        "taobao_live",
    ];
    for (preset, name) in Preset::ALL.into_iter().zip(names) {
        let policy = preset.policy();
        assert_eq!(policy.validate(), Ok(()), "{preset:?}");
        let json = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy, "{preset:?}");
        assert_eq!(preset.name(), name);
        assert_eq!(Preset::from_name(name), Some(preset));
        assert_eq!(serde_json::to_string(&preset).unwrap(), format!("\"{name}\""));
    }
    assert_eq!(Preset::from_name("taobao"), None);
}

#[test]
fn who_may_earn_by_which_plans_follows_from_the_rules() {
    // preset, whether targeted plans count, whether promoters share
    let rows = [
        (Preset::Distributor1688, false, true),
        (Preset::YouzanPermanent, false, true),
        (Preset::YouzanShort, false, true),
        (Preset::YouzanLock, false, true),
        (Preset::Offsite1688, false, false),
        (Preset::AllianceCreditBan, true, true),
        (Preset::TaobaoLive, true, true),
    ];
    for (preset, targeted, promoters) in rows {
        let rules = preset.policy().commission;
        assert_eq!((rules.has_targeted_plans(), rules.pays_promoters()), (targeted, promoters), "{preset:?}");
        assert_eq!(rules.share_shrinks_at(), None, "{preset:?}");
    }
}
