//! What a programme's rules mean, in sentences: whose order it is, how much, when it is paid, who may take part.
//!
//! The rules are the API's; nothing is decided here.

use crate::show::{moment, rate, yuan};
use crate::texts::{PolicyTexts, Texts, fill};
use attribution_core::catalogue::{Durability, Rebind};
use attribution_core::policy::attribution::{CouponOverride, OnPromoWithdrawn, OrderEvent, SelfPurchase};
use attribution_core::policy::commission::{
    Class, DayCount, Party, PlanRef, Rate, Rounding, Subject, TargetedEffective,
};
use attribution_core::policy::settlement::{
    Destination, Methods, PayMethod, Payout, PayoutKey, RefundAfter, RefundBefore, ReportVisible, Roll,
    SettleMode,
};
use attribution_core::policy::video_task::FeeApplies;
use attribution_core::policy::{Model, Policy, Scope, Validity};
use attribution_core::time::Span;

/// A heading and the sentences under it.
pub(crate) type Chapter = (String, Vec<String>);

/// The rules in words.
pub(crate) fn chapters(texts: &Texts, policy: &Policy) -> Vec<Chapter> {
    let t = &texts.policy;
    vec![
        (t.whose.clone(), whose(t, policy)),
        (t.how_much.clone(), how_much(t, policy)),
        (t.when_paid.clone(), when_paid(t, policy)),
        (t.who_may.clone(), who_may(t, policy)),
    ]
}

fn span(t: &PolicyTexts, span: Span) -> String {
    const MINUTE: i64 = 60_000;
    let millis = span.millis();
    let (size, one, many) = if millis % (24 * 60 * MINUTE) == 0 {
        (24 * 60 * MINUTE, &t.one_day, &t.days)
    } else if millis % (60 * MINUTE) == 0 {
        (60 * MINUTE, &t.one_hour, &t.hours)
    } else if millis % MINUTE == 0 {
        (MINUTE, &t.one_minute, &t.minutes)
    } else {
        return fill(&t.seconds, "n", millis / 1_000);
    };
    if millis == size { one.clone() } else { fill(many, "n", millis / size) }
}

fn whose(t: &PolicyTexts, policy: &Policy) -> Vec<String> {
    let rules = &policy.attribution;
    let with = |text: &str, length: Span| fill(text, "span", span(t, length));
    let model = match rules.model {
        Model::LastClick => &t.last_click,
        Model::Binding => &t.binding,
        // Nothing of what follows is about clicks.
        Model::Declared => {
            let wins =
                rules.coupon == CouponOverride::ExclusiveCodeWins && policy.commission.pays_promoters();
            let codes = wins.then(|| t.coupon_wins.clone());
            return [t.declared.clone()].into_iter().chain(codes).collect();
        }
    };
    let scope = match rules.scope {
        Scope::Product => &t.scope_product,
        Scope::Shop => &t.scope_shop,
        Scope::Platform => &t.scope_platform,
        Scope::ProductThenShop => &t.scope_product_shop,
    };
    let validity = match rules.validity {
        Validity::Permanent => t.permanent.clone(),
        Validity::FromLastClick(window) => with(&t.from_last_click, window),
        Validity::FromBind(window) => with(&t.from_bind, window),
        Validity::UntilLinkExpiry => t.until_link_expiry.clone(),
    };
    let mut words = vec![model.clone(), scope.clone(), validity];
    if let Some(content) = rules.content {
        words.push(with(&t.content, content.validity));
        words.extend(content.extend_on_order.map(|longer| with(&t.content_extend, longer)));
    }
    if let Some(longer) = rules.extend_on_order {
        words.push(with(&t.extend_on_order, longer));
    }
    if rules.close_on_order {
        words.push(t.close_on_order.clone());
    }
    words.push(match rules.rebind {
        Rebind::Never => t.rebind_never.clone(),
        // A protection counts under both.
        Rebind::AnyClick | Rebind::AfterProtection if rules.protection > Span::ZERO => {
            with(&t.rebind_protected, rules.protection)
        }
        Rebind::AnyClick | Rebind::AfterProtection => t.rebind_any.clone(),
    });
    if rules.order_event == OrderEvent::Paid {
        words.push(t.at_payment.clone());
    }
    words.push(rules.link_ttl.map_or_else(|| t.link_forever.clone(), |life| with(&t.link_ttl, life)));
    for (needed, sentence) in [
        (rules.require_converted_link, &t.converted),
        (rules.require_badge, &t.badge),
        (rules.require_user_activation, &t.user_activation),
    ] {
        if needed {
            words.push(sentence.clone());
        }
    }
    words.push(match rules.self_purchase {
        SelfPurchase::Allow => t.self_allow.clone(),
        SelfPurchase::Ignore => t.self_ignore.clone(),
        SelfPurchase::Deny => t.self_deny.clone(),
    });
    words.push(match rules.on_promo_withdrawn {
        OnPromoWithdrawn::GrandfatherClick => t.withdrawn_pays.clone(),
        OnPromoWithdrawn::CheckAtOrder => t.withdrawn_not.clone(),
    });
    if rules.coupon == CouponOverride::ExclusiveCodeWins {
        words.push(t.coupon_wins.clone());
    }
    words.push(with(&t.device, rules.identity.device_ttl));
    words
}

fn class_words(t: &PolicyTexts, class: Option<Class>) -> &str {
    match class {
        None => &t.class_any,
        Some(Class::New) => &t.class_new,
        Some(Class::Returning) => &t.class_returning,
    }
}

fn rate_words(t: &PolicyTexts, of: &Rate) -> String {
    let what = match &of.subject {
        Subject::Any => t.of_all.clone(),
        Subject::Product(id) => fill(&t.of_product, "id", id),
        Subject::Category(id) => fill(&t.of_category, "id", id),
        Subject::Shop(id) => fill(&t.of_shop, "id", id),
    };
    let much = of.bp.map_or_else(|| t.nothing.clone(), |bp| rate(bp.into()));
    let words = fill(&fill(&t.rate, "what", what), "class", class_words(t, of.class));
    let words = fill(&words, "rate", much);
    match &of.plan {
        PlanRef::General => words,
        PlanRef::Targeted(plan) => format!("{words} {}", fill(&t.in_plan, "id", plan)),
    }
}

fn how_much(t: &PolicyTexts, policy: &Policy) -> Vec<String> {
    let rules = &policy.commission;
    let mut words = Vec::new();
    if let Some(classes) = rules.classes {
        words.push(fill(&t.classes, "n", classes.days));
        words.extend(match classes.count {
            DayCount::Elapsed => None,
            DayCount::WholeDays => Some(t.whole_days.clone()),
            DayCount::CalendarDay0 => Some(t.calendar_day0.clone()),
            DayCount::CalendarDay1 => Some(t.calendar_day1.clone()),
        });
    }
    words.extend(rules.rates.iter().map(|of| rate_words(t, of)));
    words.push(t.own_rates.clone());
    if !rules.pays_promoters() {
        words.push(t.no_promoters.clone());
    }
    if !rules.has_targeted_plans() {
        words.push(t.no_targeted_plans.clone());
    } else if rules.targeted_effective == TargetedEffective::NextMidnight {
        words.push(t.targeted_from_midnight.clone());
    }
    for fee in &rules.channel_fees {
        words.push(fill(&fill(&t.channel_fee, "id", &fee.channel), "rate", rate(fee.bp.into())));
    }
    for tier in &rules.tiers {
        words.push(fill(&fill(&t.tier, "n", tier.from_orders), "rate", rate(tier.bp.into())));
    }
    for tier in &rules.cashback {
        words.push(fill(&fill(&t.cashback, "n", tier.from_orders), "amount", yuan(tier.amount.0)));
    }
    if rules.split.len() > 1 {
        let shares = shares(t, rules.split.iter().map(|share| (share.party, share.weight)));
        words.push(fill(&t.split, "shares", shares));
    }
    if let Some(from) = rules.agency_from {
        words.push(fill(&t.agency_from, "day", moment(from.millis())));
    }
    for collected in &rules.collected_at_withdrawal {
        words.push(fill(&t.collected, "party", party(t, *collected)));
    }
    words.push(match rules.rounding {
        Rounding::Floor => t.floor.clone(),
        Rounding::HalfUp => t.half_up.clone(),
    });
    words.push(fill(&t.min, "amount", yuan(rules.min_fen.0)));
    if let Some(tasks) = &policy.video_tasks {
        let text = match tasks.applies {
            FeeApplies::InEvents => &t.video_tasks_in_events,
            FeeApplies::Always => &t.video_tasks,
        };
        words.push(fill(text, "rate", rate(tasks.fee.into())));
    }
    words
}

fn party(t: &PolicyTexts, party: Party) -> &str {
    match party {
        Party::Platform => &t.platform,
        Party::Agency => &t.agency,
        Party::Promoter => &t.promoter,
    }
}

/// Who shares a commission, with weights.
pub(crate) fn shares(t: &PolicyTexts, split: impl Iterator<Item = (Party, u32)>) -> String {
    let named = split.map(|(of, weight)| format!("{} {weight}", party(t, of)));
    named.collect::<Vec<_>>().join(&t.comma)
}

fn methods<'m>(t: &PolicyTexts, methods: impl IntoIterator<Item = &'m PayMethod>) -> String {
    let words = methods.into_iter().map(|method| match method {
        PayMethod::WechatOwn => t.wechat_own.as_str(),
        PayMethod::WechatConsignment => &t.wechat_consignment,
        PayMethod::BankCard => &t.bank_card,
        PayMethod::Alipay => &t.alipay,
        PayMethod::CashOnDelivery => &t.cash_on_delivery,
        PayMethod::Other => &t.other_method,
    });
    words.collect::<Vec<_>>().join(&t.comma)
}

fn when_paid(t: &PolicyTexts, policy: &Policy) -> Vec<String> {
    let rules = &policy.settlement;
    let mut words = match rules.maturity.auto_after_ship {
        None => vec![t.matures.clone()],
        Some(after) => vec![fill(&t.matures_after, "span", span(t, after))],
    };
    if rules.maturity.auto_after_ship.is_some() && !rules.maturity.runs_during_refunds {
        words.push(t.timer_stops.clone());
    }
    words.push(match rules.mode {
        SettleMode::Auto => t.auto.clone(),
        SettleMode::Manual => t.manual.clone(),
    });
    words.push(t.funding.clone());
    words.push(match rules.payout {
        Payout::Immediate => t.immediate.clone(),
        Payout::Monthly { day, lag_months, roll, key } => {
            let text = match key {
                PayoutKey::SuccessMonth => &t.monthly_success,
                PayoutKey::SettledMonth => &t.monthly_settled,
            };
            let months = if lag_months == 1 { t.one_month.clone() } else { fill(&t.months, "n", lag_months) };
            let text = fill(&fill(text, "n", day), "months", months);
            if roll == Roll::NextWorkday { format!("{text} {}", t.roll) } else { text }
        }
    });
    words.push(match rules.destination {
        Destination::BoundAtPayout => t.bound_at_payout.clone(),
        Destination::BoundAtWithdrawal => t.bound_at_withdrawal.clone(),
        Destination::Balance => t.to_balance.clone(),
    });
    words.push(match &rules.refund_before {
        RefundBefore::ReduceBase(Methods::All) => t.refund_before.clone(),
        RefundBefore::ReduceBase(Methods::Only(some)) => {
            fill(&t.refund_before_some, "methods", methods(t, some))
        }
    });
    words.push(match rules.refund_after {
        RefundAfter::Clawback => t.clawback.clone(),
        RefundAfter::None => t.no_clawback.clone(),
    });
    for (some, text) in
        [(&rules.refund_manual_methods, &t.refund_manual), (&rules.excluded_methods, &t.excluded)]
    {
        if !some.is_empty() {
            words.push(fill(text, "methods", methods(t, some)));
        }
    }
    words.push(match rules.report_visible {
        ReportVisible::NextDay => t.next_day.clone(),
        ReportVisible::Realtime => t.realtime.clone(),
    });
    words
}

fn who_may(t: &PolicyTexts, policy: &Policy) -> Vec<String> {
    let rules = &policy.eligibility;
    let edge = &policy.edge;
    let mut words = Vec::new();
    for (said, sentence) in [
        (rules.verified_member, &t.member),
        (rules.verified_payout_account, &t.verified_account),
        (rules.placement, &t.placement),
        (!rules.verified_member && !rules.verified_payout_account, &t.anybody),
        (edge.durability == Durability::Strict, &t.strict),
        (edge.honour_privacy_signal, &t.privacy),
    ] {
        if said {
            words.push(sentence.clone());
        }
    }
    if let Some(sourcing) = rules.sourcing {
        let low = if sourcing.strict_low30 { &t.low30_below } else { &t.low30_at_most };
        let text = fill(&fill(&t.sourcing, "low", low), "level", sourcing.min_merchant_level);
        let text = fill(&text, "stock", sourcing.min_stock);
        words.push(fill(&text, "percent", sourcing.below_market_percent));
    }
    for ban in &policy.bans {
        let text = match ban.effective_to {
            None => t.ban.clone(),
            Some(to) => fill(&t.ban_until, "end", moment(to.millis())),
        };
        let text = fill(&text, "id", &ban.category);
        words.push(fill(&text, "day", moment(ban.effective_from.millis())));
    }
    if let Some(url) = &edge.fallback_url {
        words.push(fill(&t.fallback, "url", url));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Lang;
    use attribution_core::policy::Preset;
    use serde_json::json;

    fn said(lang: Lang, policy: &Policy) -> String {
        let texts = Texts::load(lang).unwrap();
        let chapters = chapters(&texts, policy);
        chapters
            .into_iter()
            .flat_map(|(head, words)| std::iter::once(head).chain(words))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// No hole stays open, and two presets never read the same.
    #[test]
    fn every_preset_has_words_of_its_own() {
        for lang in [Lang::Zh, Lang::En] {
            let all: Vec<String> = Preset::ALL.iter().map(|preset| said(lang, &preset.policy())).collect();
            for (at, words) in all.iter().enumerate() {
                assert!(!words.contains(['{', '}']), "{words}");
                assert!(!all[..at].contains(words), "{words}");
            }
        }
    }

    #[test]
    fn what_is_changed_is_said() {
        let base = Preset::Distributor1688.policy();
        let rows = [
            (json!({"attribution": {"validity": {"from_last_click": "7d"}}}), "7 天", "7 days"),
            (json!({"attribution": {"self_purchase": "deny"}}), "自购", "own link"),
            (json!({"attribution": {"link_ttl": "1d"}}), "分享后 1 天", "one day after"),
            (
                json!({"attribution": {"protection": "36h", "rebind": "after_protection"}}),
                "36 小时",
                "36 hours",
            ),
            // A protection counts whatever `rebind` says.
            (json!({"attribution": {"protection": "36h"}}), "36 小时 内受保护", "For 36 hours"),
            (json!({"attribution": {"order_event": "paid"}}), "按付款时间", "time of its payment"),
            (
                json!({"attribution": {"content": {"validity": "3d", "extend_on_order": "30d"}}}),
                "至少再延长 30 天",
                "at least 30 days after it",
            ),
            (
                json!({"attribution": {"model": "declared", "coupon": "exclusive_code_wins"}}),
                "优先于点击和渠道",
                "before any click and any channel",
            ),
            (json!({"commission": {"classes": {"count": "calendar_day1"}}}), "当天是第 1 天", "is day 1"),
            (json!({"commission": {"agency_from": 0}}), "机构自 1970", "The agency shares from 1970"),
            (
                json!({"settlement": {"payout": {"monthly": {"day": 20, "lag_months": 1, "roll": "none", "key": "settled_month"}}}}),
                "每月 20 日发放上个月（整月）结算的佣金",
                "Day 20 of each month pays what settled one month before",
            ),
            (
                json!({"eligibility": {"sourcing": {"strict_low30": true}}}),
                "私密价低于近 30 天",
                "a price below the lowest",
            ),
            (json!({"commission": {"rates": [{"bp": 1250, "effective": {"from": 0}}]}}), "12.5%", "12.5%"),
            (
                json!({"commission": {"rates": [{"bp": null, "class": "returning", "effective": {"from": 0}}]}}),
                "不计佣",
                "nothing",
            ),
            (json!({"settlement": {"mode": "manual"}}), "手动结算", "by hand"),
            (
                json!({"settlement": {"excluded_methods": ["cash_on_delivery"]}}),
                "货到付款",
                "cash on delivery",
            ),
            (json!({"edge": {"durability": "strict"}}), "断电", "power cut"),
            (json!({"bans": [{"category": "cards", "effective_from": 0}]}), "cards 自", "cards may not"),
            (
                json!({"bans": [{"category": "cards", "effective_from": 0, "effective_to": 86_400_000}]}),
                "1970-01-02 08:00 解除",
                "until 1970-01-02 08:00",
            ),
        ];
        for (patch, zh, en) in rows {
            let policy = base.patched(&patch).unwrap();
            for (lang, part) in [(Lang::Zh, zh), (Lang::En, en)] {
                let (before, after) = (said(lang, &base), said(lang, &policy));
                assert!(after.contains(part) && before != after, "{patch}: {after}");
            }
        }
    }

    #[test]
    fn who_is_a_new_customer_and_when_a_video_costs_a_fee_is_told_as_the_rules_have_it() {
        let rows = [
            (Preset::Distributor1688, "首次交易成功后 60 天内（含最后一天）", "up to and including 60 days"),
            (
                Preset::Distributor1688,
                "每月 15 日发放 2 个月前（整月）交易成功的佣金",
                "Day 15 of each month pays what succeeded 2 months before",
            ),
            (Preset::TaobaoLive, "20%，只在平台大促", "20%, in events such as Double 11 only"),
            (
                Preset::Offsite1688,
                "不高于近 30 天最低成交价，且低于市场价的 90%",
                "at most the lowest of 30 days and below 90%",
            ),
        ];
        for (preset, zh, en) in rows {
            for (lang, part) in [(Lang::Zh, zh), (Lang::En, en)] {
                let words = said(lang, &preset.policy());
                assert!(words.contains(part), "{preset:?}: {words}");
            }
        }
    }
}
