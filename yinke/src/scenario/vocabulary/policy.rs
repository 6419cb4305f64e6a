//! The fields of a programme's rules, for the manual and the schema. A test compares them with the rules themselves.

use super::METHODS;

/// What may stand in a field of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scenario) enum Form {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A length of time.
    Length,
    /// A length of time, or `null` for none.
    MayLength,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Count,
    /// Fen, a whole number.
    Fen,
    /// A time, or `null` for none.
    MayTime,
    /// A list of these words.
    Words(&'static [&'static str]),
    /// As these examples show.
    As(&'static [&'static str]),
}

/// One field of the rules.
#[derive(Debug, Clone, Copy)]
pub(in crate::scenario) struct Rule {
    /// The part of the rules it belongs to; a part that has no fields is its own name.
    pub(in crate::scenario) section: &'static str,
    /// Its name.
    pub(in crate::scenario) name: &'static str,
    /// What may stand there.
    pub(in crate::scenario) form: Form,
    /// What it says.
    pub(in crate::scenario) about: &'static str,
}

const fn r(section: &'static str, name: &'static str, form: Form, about: &'static str) -> Rule {
    Rule { section, name, form, about }
}

const A: &str = "attribution";
const C: &str = "commission";
const S: &str = "settlement";
const E: &str = "eligibility";
const PARTIES: &[&str] = &["platform", "agency", "promoter"];

/// All of them.
pub(in crate::scenario) const RULES: &[Rule] = &[
    r(
        A,
        "model",
        Form::Choice(&["last_click", "binding", "declared"]),
        "the last click before the order, a lasting relation, or the channel that the order names",
    ),
    r(
        A,
        "scope",
        Form::Choice(&["product", "shop", "platform", "product_then_shop"]),
        "within what a click counts; `product_then_shop`: the product's own clicks first, then those of its shop",
    ),
    r(
        A,
        "validity",
        Form::As(&["permanent", "until_link_expiry", "{from_last_click: 15d}", "{from_bind: 30d}"]),
        "how long a relation lasts; one made by a QR code does not end with a link",
    ),
    r(
        A,
        "content",
        Form::As(&["{validity: 3d, extend_on_order: 30d}", "null"]),
        "other lengths for links that lead to no product (a shop, a live room)",
    ),
    r(
        A,
        "extend_on_order",
        Form::MayLength,
        "an order of the buyer prolongs the relation to at least so long after it",
    ),
    r(A, "close_on_order", Form::Flag, "an order of the buyer ends the relation for later orders"),
    r(
        A,
        "protection",
        Form::Length,
        "for so long after the (re)binding another promoter's click changes nothing; the owner's own clicks do not renew it",
    ),
    r(
        A,
        "rebind",
        Form::Choice(&["any_click", "after_protection", "never"]),
        "whether another promoter's click takes over; `any_click` and `after_protection` both heed a protection",
    ),
    r(A, "link_ttl", Form::MayLength, "a link lives so long after it was shared; QR codes do not age"),
    r(
        A,
        "require_converted_link",
        Form::Flag,
        "only links converted through the alliance (联盟转换链接) count",
    ),
    r(A, "require_badge", Form::Flag, "only links shared under the salesperson's badge (小黄人) count"),
    r(A, "require_user_activation", Form::Flag, "only clicks that a person's gesture may have made count"),
    r(
        A,
        "self_purchase",
        Form::Choice(&["allow", "ignore", "deny"]),
        "a promoter buys through their own link: it counts, it does not enter the chain, or it owns the order and earns nothing",
    ),
    r(
        A,
        "on_promo_withdrawn",
        Form::Choice(&["grandfather_click", "check_at_order"]),
        "the promotion was cancelled between click and order: paid at the last rate before that, or not",
    ),
    r(
        A,
        "on_promoter_disabled",
        Form::Choice(&["no_commission"]),
        "the owner was disabled between click and order",
    ),
    r(
        A,
        "order_event",
        Form::Choice(&["created", "paid"]),
        "which instant counts as the order's, for windows and for the owner's state",
    ),
    r(
        A,
        "identity",
        Form::As(&["{account: true, device_ttl: 90d, stop_at_account_switch: true, probabilistic: false}"]),
        "which clicks are a buyer's; its fields may be given one by one",
    ),
    r(
        A,
        "coupon",
        Form::Choice(&["off", "exclusive_code_wins"]),
        "what a code that belongs to one promoter does",
    ),
    r(A, "view_through", Form::Flag, "always false: banners that were only seen do not count"),
    r(
        A,
        "late_click_grace",
        Form::Length,
        "for so long after the order what arrives late still re-decides it",
    ),
    r(
        A,
        "max_token_skew",
        Form::Length,
        "a click whose token is on the order may be later than the order by so much",
    ),
    r(A, "edge_hold", Form::Length, "so long an order waits at most for edges that have not delivered"),
    r(
        C,
        "classes",
        Form::As(&[
            "{days: 60, count: elapsed}",
            "{count: whole_days}",
            "{count: calendar_day0}",
            "{count: calendar_day1}",
            "null",
        ]),
        "new and returning customers: new up to and including so many days after the first success, counted by elapsed \
         seconds, by whole elapsed days, or by civil days of which the first is day 0 or day 1",
    ),
    r(
        C,
        "rates",
        Form::As(&["[{bp: 500, class: new, effective: {from: 2020-06-01}}]", "[]"]),
        "as the API has them; a story rather says `rate` or `rates` beside `preset`",
    ),
    r(
        C,
        "channel_fees",
        Form::As(&["[{channel: taote, bp: 350, effective: {from: 2022-07-01, to: 2023-01-01}}]", "[]"]),
        "the technical service fee of each channel that orders name",
    ),
    r(C, "rate_at", Form::Choice(&["order_created"]), "which instant picks the rate"),
    r(C, "plan_precedence", Form::Words(&["approved_targeted", "general"]), "in which order plans are tried"),
    r(
        C,
        "targeted_effective",
        Form::Choice(&["next_midnight", "immediate"]),
        "when a new targeted plan begins",
    ),
    r(
        C,
        "tiers",
        Form::As(&["[{from_orders: 2, bp: 800}, {from_orders: 4, bp: 1000}]", "[]"]),
        "a higher rate from so many settled orders of the promoter on; looked at when settling, and never lowers a rate",
    ),
    r(
        C,
        "cashback",
        Form::As(&["[{from_orders: 3, amount: 300}, {from_orders: 5, amount: 800}]", "[]"]),
        "团购返现: what each order gets back once so many orders are paid; comes off the base when settling, shared by the lines of one product",
    ),
    r(C, "rounding", Form::Choice(&["floor", "half_up"]), "what becomes of a fraction of a fen"),
    r(C, "min_fen", Form::Fen, "a commission below this is invalid"),
    r(
        C,
        "split",
        Form::As(&[
            "[{party: platform, weight: 1}, {party: agency, weight: 2}, {party: promoter, weight: 7}]",
            "[{party: promoter, weight: 1}]",
        ]),
        "who shares, in the order in which the whole is cut",
    ),
    r(C, "split_rounding", Form::Choice(&["cumulative_floor"]), "how it is cut"),
    r(C, "agency_from", Form::MayTime, "before this the agency's share is the promoter's"),
    r(
        C,
        "collected_at_withdrawal",
        Form::Words(PARTIES),
        "whose share stays with the promoter until they withdraw",
    ),
    r(
        S,
        "maturity",
        Form::As(&["{auto_after_ship: 7d, runs_during_refunds: false}", "{auto_after_ship: null}"]),
        "when the trade is complete without a confirmation; its fields may be given one by one",
    ),
    r(S, "mode", Form::Choice(&["auto", "manual"]), "who starts a settlement"),
    r(
        S,
        "funding",
        Form::As(&["{all_or_nothing: true, retry_on_top_up: true, retry_every: 1h}", "{retry_every: null}"]),
        "the merchant's balance pays, and what waits for it is tried again; the first two are always true; its fields may be \
         given one by one",
    ),
    r(
        S,
        "payout",
        Form::As(&[
            "immediate",
            "{monthly: {day: 15, lag_months: 2, roll: next_workday, key: success_month}}",
            "{monthly: {day: 20, lag_months: 1, roll: none, key: settled_month}}",
        ]),
        "when settled money becomes available; `key` says which month is an entry's own",
    ),
    r(
        S,
        "destination",
        Form::Choice(&["bound_at_payout", "bound_at_withdrawal", "balance"]),
        "which account receives the money",
    ),
    r(
        S,
        "refund_before",
        Form::As(&["{reduce_base: all}", "{reduce_base: {only: [wechat_consignment, bank_card]}}"]),
        "for which ways to pay a refund before the completion comes off the base",
    ),
    r(
        S,
        "refund_after",
        Form::Choice(&["clawback", "none"]),
        "a refund after it: the commission on it goes back, or it is only noted",
    ),
    r(
        S,
        "refund_manual_methods",
        Form::Words(METHODS),
        "with a refund these are settled between merchant and promoter by hand",
    ),
    r(S, "excluded_methods", Form::Words(METHODS), "orders paid this way are no performance"),
    r(
        S,
        "report_visible",
        Form::Choice(&["next_day", "realtime"]),
        "from when on promoters see a success in their report",
    ),
    r(E, "verified_member", Form::Flag, "a link takes a verified member (实名认证)"),
    r(E, "verified_payout_account", Form::Flag, "a link takes a bound, verified payout account"),
    r(E, "placement", Form::Flag, "a link takes a media placement (推广位); always true where clicks decide"),
    r(
        E,
        "sourcing",
        Form::As(&[
            "{min_merchant_level: 2, min_dropship_products: 1, min_service_tenths: 35, min_logistics_tenths: 30, \
             min_product_tenths: 20, min_growth_score: 60, min_stock: 200, below_market_percent: 90, strict_low30: false, \
             audit_workdays: 3, audit_workdays_max: 7}",
            "{strict_low30: true}",
            "null",
        ]),
        "the gates of off-site sales; its fields may be given one by one",
    ),
    r("edge", "durability", Form::Choice(&["fast", "strict"]), "when the redirect may leave"),
    r("edge", "honour_privacy_signal", Form::Flag, "no tokens for browsers that send Sec-GPC"),
    r(
        "edge",
        "fallback_url",
        Form::As(&["https://shop.example/", "null"]),
        "where a dead link leads instead of its page",
    ),
    r(
        "bans",
        "bans",
        Form::As(&[
            "[{category: cups, effective_from: 2021-03-24, announced_at: 2021-04-08, effective_to: null}]",
            "[]",
        ]),
        "categories that may not be promoted",
    ),
    r(
        "refund_batches",
        "refund_batches",
        Form::As(&[
            "[{name: b1, category: cups, settled: {from: 2020-12-01, to: 2021-04-01}, refund_initiated: {from: 2020-12-01, \
             to: 2021-04-01}, record_on: 2021-03-31, compensated_at: 2021-07-01}]",
            "[]",
        ]),
        "repairs of refunds that got no record when they were made",
    ),
    r("video_tasks", "fee", Form::Count, "the platform's part of a video task's price, in basis points"),
    r("video_tasks", "applies", Form::Choice(&["in_events", "always"]), "to which tasks the fee applies"),
    r(
        "video_tasks",
        "events",
        Form::As(&["[{from: 2017-11-11, to: 2017-11-12}]", "[]"]),
        "the events (双11 and the like)",
    ),
];

#[cfg(test)]
impl Rule {
    /// What may stand there, as the manual shows it.
    pub(in crate::scenario) fn shown(&self) -> Vec<String> {
        let code = |word: &&str| format!("`{word}`");
        match self.form {
            Form::Choice(words) => words.iter().map(code).collect(),
            Form::As(examples) => examples.iter().map(code).collect(),
            Form::Words(words) => vec![format!("`[{}]` or some of them", words.join(", "))],
            Form::Length => vec!["`72h`".to_owned()],
            Form::MayLength => vec!["`30d`".to_owned(), "`null`".to_owned()],
            Form::Flag => vec!["`true`".to_owned(), "`false`".to_owned()],
            Form::Count | Form::Fen => vec!["a whole number".to_owned()],
            Form::MayTime => vec!["`2017-03-16 00:00:00`".to_owned(), "`null`".to_owned()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read;
    use attribution_core::policy::Policy;
    use attribution_core::policy::VideoTaskPolicy;
    use attribution_core::policy::eligibility::SourcingRules;
    use std::collections::BTreeSet;

    #[test]
    fn every_field_of_the_rules_is_told_and_no_other() {
        let mut policy = Policy { video_tasks: Some(VideoTaskPolicy::default()), ..Policy::default() };
        policy.eligibility.sourcing = Some(SourcingRules::default());
        let policy = serde_json::to_value(policy).unwrap();
        let mut there = BTreeSet::new();
        for (section, fields) in policy.as_object().unwrap() {
            match fields.as_object() {
                Some(fields) => there.extend(fields.keys().map(|name| format!("{section}.{name}"))),
                None => _ = there.insert(format!("{section}.{section}")),
            }
        }
        let told: Vec<String> = RULES.iter().map(|rule| format!("{}.{}", rule.section, rule.name)).collect();
        assert_eq!(told.len(), there.len());
        assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), there);
    }

    /// A story whose programme has this value in this field; what is wrong with it.
    fn faults(rule: &Rule, value: &str) -> Vec<String> {
        let (section, name) = (rule.section, rule.name);
        let field = if section == name { value.to_owned() } else { format!("{{{name}: {value}}}") };
        // Some fields make sense only beside others.
        let preset = if section == "video_tasks" { "taobao_live" } else { "offsite1688" };
        let text = format!(
            "id: X\ntitle: x\nsource: x\nprogramme:\n  preset: {preset}\n  {section}: {field}\n\
             events: [{{2022-01-01 10:00:00: {{wait: x}}}}]\nexpect: {{imbalance: 0}}\n"
        );
        read::stories(&text).err().unwrap_or_default().iter().map(|fault| fault.message.clone()).collect()
    }

    #[test]
    fn everything_that_the_manual_shows_can_be_said() {
        for rule in RULES {
            let values: Vec<String> = match rule.form {
                Form::Choice(words) | Form::As(words) => {
                    words.iter().map(|word| (*word).to_owned()).collect()
                }
                Form::Words(words) => words.iter().map(|word| format!("[{word}]")).collect(),
                Form::Length => vec!["72h".into()],
                Form::MayLength => vec!["30d".into(), "null".into()],
                Form::Flag => vec!["true".into(), "false".into()],
                Form::Count | Form::Fen => vec!["1".into()],
                Form::MayTime => vec!["2017-03-16 00:00:00".into(), "null".into()],
            };
            for value in values {
                let wrong = faults(rule, &value);
                let unread = wrong.iter().find(|fault| {
                    ["no such", "unknown", "invalid", "expected", "missing"]
                        .iter()
                        .any(|word| fault.contains(word))
                });
                assert_eq!(unread, None, "{}.{}: {value}", rule.section, rule.name);
            }
        }
    }

    #[test]
    fn another_word_is_refused() {
        for rule in RULES.iter().filter(|rule| matches!(rule.form, Form::Choice(_) | Form::Words(_))) {
            assert_ne!(faults(rule, "nonsense"), Vec::<String>::new(), "{}.{}", rule.section, rule.name);
        }
    }
}
