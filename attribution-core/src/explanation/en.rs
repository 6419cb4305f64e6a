//! The decision in English.

use super::{Due, Explanation, Language, Names, code, due, part_of_promoter, short};
use crate::attribute::{AppliedRule, Attribution, Award, Flag, NoCommission, Outcome, Via};
use crate::commission::class::History;
use crate::commission::{Amounts, Terms, TierReached};
use crate::fold::{Candidate, Evidence, Ineligible, Relation, Verdict};
use crate::ledger::{Bill, Entry};
use crate::money::{BasisPoints, Fen};
use crate::policy::attribution::{Model, Rebind, Scope, Validity};
use crate::policy::commission::{Class, Party, PlanRef, Rounding};
use crate::policy::settlement::PayMethod;
use crate::time::Span;

const OURS: Language = Language::En;

pub(super) fn explain(a: &Attribution, bill: Option<&Bill>, names: &Names) -> Explanation {
    let line = format!("Order {} line {}", a.order, a.line);
    let sentence = match &a.outcome {
        Outcome::Award(award) => format!("{line}: {}.", won(award, bill, names)),
        Outcome::NoCommission(why) => {
            format!("{line} earns no commission: {} [{}].", reason(why, names), why.code())
        }
    };
    let mut steps = vec![format!(
        "Judged by programme {} version {} at the order's instant {} (all times are Beijing time).",
        names.programme(&a.programme, OURS),
        a.policy_version,
        a.order_at
    )];
    steps.push(rule(&a.rule));
    steps.extend(a.relation.as_ref().map(|of| relation(of, names)));
    if let Some(award) = a.award() {
        steps.extend(amounts(award, names));
    }
    steps.extend(a.flags.iter().map(|f| flag(*f).to_owned()));
    steps.push(if a.provisional && a.flags.contains(&Flag::AwaitingPayment) {
        "Provisional: the payment, and what arrives soon after it, can still change it.".to_owned()
    } else if a.provisional {
        format!("Provisional: what arrives before {} can still change it.", a.final_at)
    } else {
        format!("Final since {}.", a.final_at)
    });
    steps.extend(a.candidates.iter().map(|of| candidate(of, names)));
    Explanation { sentence, steps }
}

fn won(award: &Award, bill: Option<&Bill>, names: &Names) -> String {
    let due = match due(award, bill) {
        Due::Commission(terms, amounts) => {
            let part = part_of_promoter(amounts).map(|part| format!(", of which the promoter gets ¥{part}"));
            let part = part.unwrap_or_default();
            format!("¥{} ({} of ¥{}){part}", amounts.gross, terms.rate, amounts.base)
        }
        Due::ByHand => "settled between merchant and promoter by hand".to_owned(),
    };
    let owner = award.promoter.as_ref().map(|promoter| names.promoter(promoter, OURS));
    match (owner, &award.via) {
        (Some(promoter), Via::Click { click, .. }) => {
            format!("promoter {promoter} owns it through click {}; the commission is {due}", short(*click))
        }
        (Some(promoter), Via::Coupon { code }) => {
            format!(
                "promoter {promoter} owns it through the exclusive coupon {code}; the commission is {due}"
            )
        }
        (_, Via::Channel { channel }) => format!("channel {channel} was declared; the service fee is {due}"),
        (None, _) => format!("the commission is {due}"),
    }
}

fn reason(why: &NoCommission, names: &Names) -> String {
    let called = |promoter| names.promoter(promoter, OURS);
    let plan_called = |plan| names.plan(plan, OURS);
    match why {
        NoCommission::CategoryBanned { category, since } => {
            format!("category {category} must not be promoted since {since}")
        }
        NoCommission::PaymentExcluded { method } => {
            format!("orders paid by {} do not count", pay_method(*method))
        }
        NoCommission::NoChannel => {
            "the programme is for declared channels and the order names none".to_owned()
        }
        NoCommission::NoClick => "the buyer has no valid click on a link of this programme".to_owned(),
        NoCommission::NoEligibleClick => "none of the buyer's clicks counts for it".to_owned(),
        NoCommission::WindowOver { promoter, ended } => {
            format!("the relation with promoter {} had ended at {ended}", called(promoter))
        }
        NoCommission::ClosedByOrder { order } => format!("the earlier order {order} had used the click up"),
        NoCommission::SelfPurchase { promoter } => format!("the buyer is the promoter {}", called(promoter)),
        NoCommission::PromoterDisabled { promoter } => {
            format!(
                "promoter {}, who owned it, was disabled at that time, and nobody takes the order instead",
                called(promoter)
            )
        }
        NoCommission::PromotionWithdrawn { since } => format!("the promotion was withdrawn at {since}"),
        NoCommission::NoRate => {
            "no plan has a rate for these goods, or the rate says that they earn nothing".to_owned()
        }
        NoCommission::ClassNotCommissioned { class, history } => {
            format!("the rates pay nothing for {}", customer(*class, *history))
        }
        NoCommission::NotApproved { plan } => {
            format!("plan {} had not approved the promoter", plan_called(plan))
        }
        NoCommission::PlanNotEffective { plan, begins } => {
            format!("plan {} begins only at {begins}", plan_called(plan))
        }
        NoCommission::BelowMinimum { gross, min, base, rate } => {
            let of = base.zip(*rate).map(|(base, rate)| format!(" ({rate} of ¥{base})"));
            format!("¥{gross}{} is below the least amount of ¥{min}", of.unwrap_or_default())
        }
    }
}

fn rule(rule: &AppliedRule) -> String {
    let scope = match rule.scope {
        Scope::Product => "for the product clicked",
        Scope::Shop => "for the whole shop",
        Scope::Platform => "for the whole platform",
        Scope::ProductThenShop => "first for the product clicked, then for its shop",
    };
    let mut text = match rule.model {
        Model::LastClick => format!("Rule: the last click that counts owns the order, {scope}"),
        Model::Binding => format!("Rule: a click binds the buyer to its promoter, {scope}"),
        Model::Declared => return "Rule: the order names its channel.".to_owned(),
    };
    let content = rule.content.map(|of| format!(" ({} where the link leads to no product)", of.validity));
    let content = content.unwrap_or_default();
    text += &match rule.validity {
        Validity::Permanent => "; it lasts for good".to_owned(),
        Validity::FromLastClick(span) => format!("; it lasts {span}{content} from the last click"),
        Validity::FromBind(span) => format!("; it lasts {span}{content} from the binding"),
        Validity::UntilLinkExpiry => "; it lasts as long as the link".to_owned(),
    };
    if rule.rebind == Rebind::Never {
        text += "; no other promoter takes over meanwhile";
    } else if rule.protection > Span::ZERO {
        text += &format!("; for {} no other promoter takes over", rule.protection);
    }
    text + ". Of two clicks at the same time the one with the larger id counts as later."
}

fn relation(relation: &Relation, names: &Names) -> String {
    let mut text = format!(
        "Promoter {} holds the buyer since {}",
        names.promoter(&relation.promoter, OURS),
        relation.bound_at
    );
    match relation.ends {
        Some(ends) => text += &format!(", until {ends}"),
        None => text += ", without an end",
    }
    if let Some(order) = &relation.prolonged_by {
        text += &format!(", prolonged by order {order}");
    }
    if let Some(until) = relation.protected_until {
        text += &format!(", protected until {until}");
    }
    text + "."
}

fn amounts(award: &Award, names: &Names) -> Vec<String> {
    let plan = match &award.plan {
        PlanRef::General => "the general plan".to_owned(),
        PlanRef::Targeted(id) => format!("the targeted plan {}", names.plan(id, OURS)),
    };
    let of = award.class.map(|class| format!(" for {}", customer(Some(class), award.history)));
    let of = of.unwrap_or_default();
    let mut steps = vec![format!("Rate {} by {plan}{of}, as of {}.", award.terms.rate, award.rate_at)];
    steps.push(product(&award.terms, &award.amounts));
    steps.extend(split(&award.amounts));
    steps
}

/// A customer's class with the history that made it.
fn customer(class: Option<Class>, history: Option<History>) -> String {
    let class = match class {
        Some(Class::New) => "a new customer",
        Some(Class::Returning) => "a returning customer",
        None => "this class of customers",
    };
    match history {
        Some(History::FirstSuccess(first)) => format!("{class} (the first order succeeded at {first})"),
        Some(History::None) => format!("{class} (no order at the shop succeeded before)"),
        Some(History::Unknown) | None => class.to_owned(),
    }
}

fn product(terms: &Terms, amounts: &Amounts) -> String {
    let rounding = match terms.rounding {
        Rounding::Floor => "fractions of a fen dropped",
        Rounding::HalfUp => "rounded to the fen",
    };
    let min = terms.min_fen;
    format!(
        "Commission: base ¥{} × {} = ¥{} ({rounding}, nothing below ¥{min}).",
        amounts.base, terms.rate, amounts.gross
    )
}

fn tier(tier: TierReached, rate: BasisPoints) -> String {
    let TierReached { from_orders, instead_of } = tier;
    format!(
        "The promoter had reached the tier from settled order {from_orders} on: {rate} instead of {instead_of}."
    )
}

fn split(amounts: &Amounts) -> Option<String> {
    let shares = amounts.shares.iter().map(|share| {
        let party = match share.party {
            Party::Platform => "platform",
            Party::Agency => "agency",
            Party::Promoter => "promoter",
        };
        let later = if share.collected_at_withdrawal { " (collected at withdrawals)" } else { "" };
        format!("{party} ¥{}{later}", share.amount)
    });
    let shares: Vec<String> = shares.collect();
    (shares.len() > 1).then(|| format!("Split: {}.", shares.join(", ")))
}

pub(super) fn bill(bill: &Bill) -> Vec<String> {
    let mut steps = vec![
        match bill.entry {
            Entry::Tracked => "Ordered, not paid.",
            Entry::Expected => "Paid, to be settled (expected).",
            Entry::Matured => "The trade is complete, to be settled.",
            Entry::Settled => "Settled.",
            Entry::Invalid => "Invalid: no commission.",
            Entry::ManualRequired => "Settled between merchant and promoter by hand.",
        }
        .to_owned(),
    ];
    steps.push(format!(
        "Base: paid ¥{} − refunded ¥{} − cashback ¥{} = ¥{}.",
        bill.paid, bill.refunded, bill.cashback, bill.base
    ));
    if bill.amounts.gross > Fen::ZERO {
        if let Some(terms) = &bill.terms {
            steps.extend(terms.tier.map(|tier| self::tier(tier, terms.rate)));
            steps.push(product(terms, &bill.amounts));
        }
        steps.extend(split(&bill.amounts));
    }
    if bill.refunded_by_hand > Fen::ZERO {
        steps.push(format!(
            "Refunded ¥{} after the settlement: nothing is taken back by itself, a person handles it.",
            bill.refunded_by_hand
        ));
    }
    steps
}

const fn flag(flag: Flag) -> &'static str {
    match flag {
        Flag::HistoryUnknown => {
            "Whether the buyer had ordered at the shop before is unknown: its order history is not complete here for that \
             time. Counts as new."
        }
        Flag::AwaitingClick => {
            "The click is known only from the token on the order; its edge has yet to deliver it."
        }
        Flag::Unjournaled => "The click is in no edge's journal: nothing is posted before a review.",
        Flag::Grandfathered => {
            "The promotion was withdrawn after the click; the click still counts, at the last rate before that."
        }
        Flag::SharedToken => {
            "The token of this click came with orders of several other buyers before: nothing is posted before a review."
        }
        Flag::AwaitingPayment => {
            "The payment counts as the order's instant, and has not come yet: until then the order's creation stands in for it."
        }
        Flag::UnnamedAgency => {
            "What is stored as the promoter's agency is no id, so its share is shown with the promoter's: nothing is posted \
             before a review."
        }
    }
}

fn candidate(c: &Candidate, names: &Names) -> String {
    let unseen = match c.evidence {
        Evidence::Journal => "",
        Evidence::TokenOnly => " (known from the token only)",
    };
    let who = names.promoter(&c.promoter, OURS);
    format!("{} promoter {who}, click {}{unseen}: {}.", c.at, short(c.click), told(&c.verdict))
}

/// The verdict with its code.
fn told(of: &Verdict) -> String {
    format!("{} [{}]", verdict(of), code(of))
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Won => "owns the order".to_owned(),
        Verdict::RepeatOfOwner { shown } => {
            format!("the same promoter's click {} stands for it", short(*shown))
        }
        Verdict::Replaced { by } => format!("replaced by the later click {}", short(*by)),
        Verdict::WindowOver { ended } => format!("its time was over at {ended}"),
        Verdict::ClosedByOrder { order } => format!("used up by order {order}"),
        Verdict::Protected { by, until } => {
            format!("ignored, the relation of click {} was protected until {until}", short(*by))
        }
        Verdict::Locked { by } => format!("ignored, the relation of click {} is never replaced", short(*by)),
        Verdict::ProductFirst => "a click on the product itself comes first".to_owned(),
        Verdict::CouponFirst => "an exclusive coupon decided".to_owned(),
        Verdict::AfterOrder => "later than the order".to_owned(),
        Verdict::LateAfterFinal { final_at } => {
            format!("arrived too late, the decision was final at {final_at}")
        }
        Verdict::OutOfScope => "for other goods".to_owned(),
        Verdict::Ineligible { reason } => format!("does not count: {}", ineligible(*reason)),
    }
}

const fn ineligible(reason: Ineligible) -> &'static str {
    match reason {
        Ineligible::PromotionCancelled => "the promotion was cancelled",
        Ineligible::ProductDelisted => "the product was delisted",
        Ineligible::LinkExpired => "the link had expired",
        Ineligible::NotYetEffective => "the link had not started",
        Ineligible::Head => "a HEAD request",
        Ineligible::Prefetch => "a browser's prefetch",
        Ineligible::Preview => "a link preview",
        Ineligible::NotNavigation => "not a navigation",
        Ineligible::Bot => "a bot",
        Ineligible::PromoterDisabled => "the promoter was disabled",
        Ineligible::CategoryBanned => "the category must not be promoted",
        Ineligible::PrivacySignal => "the browser asked not to be tracked",
        Ineligible::NoBadge => "shared without the salesperson's badge",
        Ineligible::NotConverted => "the link was not converted through the alliance",
        Ineligible::EdgeStale => "the edge had been cut off for too long",
        Ineligible::NoUserActivation => "a page opened the link by itself; nobody tapped",
        Ineligible::SelfPurchase => "the buyer is the promoter",
        Ineligible::NoClick => "not a click",
    }
}

const fn pay_method(method: PayMethod) -> &'static str {
    match method {
        PayMethod::WechatOwn => "WeChat Pay (the merchant's own)",
        PayMethod::WechatConsignment => "WeChat Pay (collected by the platform)",
        PayMethod::BankCard => "bank card",
        PayMethod::Alipay => "Alipay",
        PayMethod::CashOnDelivery => "cash on delivery",
        PayMethod::Other => "other means",
    }
}
