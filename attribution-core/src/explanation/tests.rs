use super::*;
use crate::attribute::tests::World;
use crate::attribute::{NoCommission, Outcome};
use crate::click::ClickId;
use crate::commission::Terms;
use crate::commission::class::History;
use crate::fold::{Ineligible, Verdict};
use crate::ids::{CategoryId, OrderId, PlanId, PromoterId};
use crate::ids::{MerchantId, ProgrammeId};
use crate::ledger::{Entry, LineEvent, LineState, RefundEvent, apply};
use crate::money::{BasisPoints, Fen, Overflow};
use crate::outcome::Reason;
use crate::policy::Preset;
use crate::policy::attribution::ContentWindow;
use crate::policy::commission::{Class, Tier};
use crate::policy::settlement::PayMethod;
use crate::testing::{at, promoter};
use crate::time::Span;
use std::collections::BTreeSet;

fn told(preset: Preset, clicks: &[&str], order: &str, language: Language) -> String {
    let Explanation { sentence, steps } =
        explain(&World::new(preset, clicks, order).decide(), None, &Names::default(), language);
    format!("{sentence}\n{}\n", steps.join("\n"))
}

#[test]
fn decisions_are_told_in_both_languages() {
    let clicks = ["a 06-01 10:00:00", "b 06-02 09:30:00", "c 06-03 10:00:05"];
    let mut text = String::new();
    for (title, preset, order) in [
        ("Won: last click, split in two", Preset::TaobaoLive, "06-03 10:00:00"),
        ("Won: locked to the first promoter", Preset::YouzanLock, "2021-06-03 10:00:00"),
        ("Lost: the window was over", Preset::Distributor1688, "07-03 10:00:00"),
    ] {
        for language in [Language::Zh, Language::En] {
            text += &format!("# {title}\n{}\n", told(preset, &clicks, order, language));
        }
    }
    for (title, preset, events) in bills() {
        let line = line(preset, &events);
        for language in [Language::Zh, Language::En] {
            text += &format!("# {title}\n{}\n\n", explain_bill(&line.bill().unwrap(), language).join("\n"));
        }
    }
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/explanations.txt");
    let expected = std::fs::read_to_string(golden).unwrap_or_default();
    assert!(text == expected, "{golden} differs; told now:\n{text}");
}

/// Lives of a line of ¥88.00 at 10 %, shared 1:9.
fn bills() -> Vec<(&'static str, Preset, Vec<LineEvent>)> {
    let decided = || World::new(Preset::TaobaoLive, &["a 06-01 10:00:00"], "06-03 10:00:00").decide();
    let terms = || {
        Some(Terms { rate: BasisPoints::const_new::<1_000>(), ..decided().award().unwrap().terms.clone() })
    };
    let first = || LineEvent::Decided { terms: terms(), hold_for_review: false };
    let paid = || LineEvent::Paid { amount: Fen(8_800), method: PayMethod::WechatConsignment };
    let settled = || LineEvent::Settled { cashback: Fen(800), terms: None };
    let tier = Tier { from_orders: 3, bp: BasisPoints::const_new::<2_000>() };
    let at_tier =
        || LineEvent::Settled { cashback: Fen::ZERO, terms: terms().map(|of| of.at_tier(&[tier], 3)) };
    let refund = |fen| LineEvent::Refunded(RefundEvent { amount: Fen(fen), in_time: Fen::ZERO });
    vec![
        (
            "Settled with cashback, refunded by hand afterwards",
            Preset::YouzanPermanent,
            vec![first(), paid(), LineEvent::Completed, settled(), refund(1_000)],
        ),
        (
            "Settled with cashback, a refund taken back",
            Preset::TaobaoLive,
            vec![first(), paid(), LineEvent::Completed, settled(), refund(1_000)],
        ),
        (
            "Settled at the rate of a tier",
            Preset::TaobaoLive,
            vec![first(), paid(), LineEvent::Completed, at_tier()],
        ),
        ("Refunded in full before the settlement", Preset::TaobaoLive, vec![first(), paid(), refund(8_800)]),
    ]
}

fn line(preset: Preset, events: &[LineEvent]) -> LineState {
    let policy = preset.policy().settlement;
    let new = LineState::new(ProgrammeId::new("prog").unwrap(), MerchantId::new("S").unwrap());
    events.iter().fold(new, |line, event| apply(&policy, &line, event).unwrap().state)
}

#[test]
fn a_bill_is_told_for_every_entry() {
    let new = LineState::new(ProgrammeId::new("prog").unwrap(), MerchantId::new("S").unwrap());
    let entries = [
        Entry::Tracked,
        Entry::Expected,
        Entry::Matured,
        Entry::Settled,
        Entry::Invalid,
        Entry::ManualRequired,
    ];
    for language in [Language::Zh, Language::En] {
        let told: BTreeSet<Vec<String>> = entries
            .into_iter()
            .map(|entry| explain_bill(&LineState { entry, ..new.clone() }.bill().unwrap(), language))
            .collect();
        assert_eq!(told.len(), entries.len());
    }
    let broken = LineState { paid: Fen(i64::MIN), refunded: Fen(1), ..new };
    assert_eq!(broken.bill(), Err(Overflow));
}

#[test]
fn the_sentence_says_what_is_due_now() {
    let world = World::new(Preset::TaobaoLive, &["a 06-01 10:00:00"], "06-03 10:00:00");
    let decided = world.decide();
    let terms = decided.award().unwrap().terms.clone();
    let first = LineEvent::Decided { terms: Some(terms), hold_for_review: false };
    let paid = |method| LineEvent::Paid { amount: Fen(10_000), method };
    let refund = |fen| LineEvent::Refunded(RefundEvent { amount: Fen(fen), in_time: Fen(fen) });
    let own = paid(PayMethod::WechatOwn);
    let paid = paid(PayMethod::BankCard);
    let settled = LineEvent::Settled { cashback: Fen(800), terms: None };
    // Until it is paid, what the decision promises.
    let rows = [
        (vec![], "¥5.00 (5% of ¥100.00)", "5.00 元（100.00 元 × 5%）"),
        (vec![paid.clone()], "¥5.00 (5% of ¥100.00)", "5.00 元（100.00 元 × 5%）"),
        (vec![paid.clone(), refund(4_000)], "¥3.00 (5% of ¥60.00)", "3.00 元（60.00 元 × 5%）"),
        (
            vec![paid.clone(), LineEvent::Completed, settled],
            "¥4.60 (5% of ¥92.00)",
            "4.60 元（92.00 元 × 5%）",
        ),
        (vec![paid.clone(), refund(10_000)], "¥0.00 (5% of ¥0.00)", "0.00 元（0.00 元 × 5%）"),
        (vec![paid, LineEvent::Closed], "¥0.00 (5% of ¥0.00)", "0.00 元（0.00 元 × 5%）"),
        (vec![own, refund(1)], "settled between merchant and promoter by hand", "由商家与推广者线下结算"),
    ];
    for (events, en, zh) in rows {
        let line = line(Preset::YouzanPermanent, &[vec![first.clone()], events].concat());
        let bill = line.bill().unwrap();
        let told = |language| explain(&decided, Some(&bill), &Names::default(), language).sentence;
        let (said_en, said_zh) = (told(Language::En), told(Language::Zh));
        assert!(said_en.contains(&format!("the commission is {en}")), "{en}: {said_en}");
        assert!(said_zh.contains(&format!("佣金 {zh}")), "{zh}: {said_zh}");
    }
}

/// A decision of ¥100.00 shared 1:9, and its line once so much is paid.
fn shared(paid: i64) -> (Attribution, Bill) {
    let decided = World::new(Preset::TaobaoLive, &["a 06-01 10:00:00"], "06-03 10:00:00").decide();
    let terms = Some(decided.award().unwrap().terms.clone());
    let events = [
        LineEvent::Decided { terms, hold_for_review: false },
        LineEvent::Paid { amount: Fen(paid), method: PayMethod::BankCard },
    ];
    let bill = line(Preset::TaobaoLive, &events).bill().unwrap();
    (decided, bill)
}

#[test]
fn what_the_bill_says_is_not_told_twice() {
    for (paid, commissions) in [(10_000, 1), (9_000, 2)] {
        let (decided, bill) = shared(paid);
        for (language, begins) in [(Language::Zh, "佣金："), (Language::En, "Commission:")] {
            let steps = explain(&decided, Some(&bill), &Names::default(), language).steps;
            let all = [steps, explain_bill(&bill, language)].concat();
            assert_eq!(all.iter().filter(|step| step.starts_with(begins)).count(), commissions, "{all:?}");
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
        }
    }
}

#[test]
fn the_sentence_says_who_gets_how_much_of_it() {
    let (decided, bill) = shared(9_000);
    for (bill, zh, en) in [
        (None, "其中推广者得 4.50 元。", ", of which the promoter gets ¥4.50."),
        (Some(&bill), "其中推广者得 4.05 元。", ", of which the promoter gets ¥4.05."),
    ] {
        let told = |language| explain(&decided, bill, &Names::default(), language).sentence;
        assert!(
            told(Language::Zh).ends_with(zh) && told(Language::En).ends_with(en),
            "{}",
            told(Language::En)
        );
    }
}

#[test]
fn what_is_read_names_the_same_codes_as_the_json() {
    let code = |json: serde_json::Value| json["code"].as_str().unwrap().to_owned();
    for reason in every_reason() {
        assert_eq!(reason.code(), code(serde_json::to_value(&reason).unwrap()));
    }
    for verdict in every_verdict() {
        assert_eq!(verdict.code(), code(serde_json::to_value(&verdict).unwrap()));
        if let Verdict::Ineligible { reason } = verdict {
            assert_eq!(reason.code(), serde_json::to_value(reason).unwrap());
        }
    }
}

#[test]
fn the_class_is_told_with_the_history_that_made_it() {
    let mut world = World::new(Preset::Distributor1688, &["a 06-01 10:00:00"], "06-03 10:00:00");
    let mut told = |history| {
        world.history = history;
        let decided = world.decide();
        assert_eq!(decided.award().unwrap().history, Some(history));
        explain(&decided, None, &Names::default(), Language::En).steps.join("\n")
    };
    let first = History::FirstSuccess(at("06-02 10:00:00"));
    assert!(told(first).contains("for a new customer (the first order succeeded at 2020-06-02 10:00:00)"));
    assert!(told(History::None).contains("for a new customer (no order at the shop succeeded before)"));
    assert!(told(History::Unknown).contains("for a new customer, as of"));
}

#[test]
fn how_long_a_relation_lasts_is_told_with_what_makes_it_so() {
    let mut world = World::new(Preset::TaobaoLive, &["a 06-01 10:00:00"], "06-03 10:00:00");
    world.policy.attribution.content = Some(ContentWindow { validity: Span::days(3), extend_on_order: None });
    let mut decided = world.decide();
    decided.relation.as_mut().unwrap().prolonged_by = Some(OrderId::new("7").unwrap());
    let told = |language| explain(&decided, None, &Names::default(), language).steps.join("\n");
    for (language, parts) in [
        (Language::Zh, ["15 天内有效（链接不指向商品时为 3 天）", "止（因订单 7 延长）"]),
        (
            Language::En,
            [
                "it lasts 15d (3d where the link leads to no product) from the last click",
                ", prolonged by order 7.",
            ],
        ),
    ] {
        let told = told(language);
        assert!(parts.iter().all(|part| told.contains(part)), "{told}");
    }
}

/// What an earlier version of the program decided says less, and is told all the same.
#[test]
fn older_decisions_are_read_and_told() {
    let read = |json| serde_json::from_str::<NoCommission>(json).unwrap();
    let mut decided = World::new(Preset::TaobaoLive, &["a 06-01 10:00:00"], "06-03 10:00:00").decide();
    for (json, told) in [
        (r#"{"code":"class_not_commissioned"}"#, "the rates pay nothing for this class of customers ["),
        (r#"{"code":"below_minimum","gross":0,"min":1}"#, "¥0.00 is below the least amount of ¥0.01 ["),
    ] {
        decided.outcome = Outcome::NoCommission(read(json));
        let sentence = explain(&decided, None, &Names::default(), Language::En).sentence;
        assert!(sentence.contains(told), "{sentence}");
    }
}

fn every_reason() -> Vec<NoCommission> {
    let when = at("06-01 10:00:00");
    let plan = || PlanId::new("vip").unwrap();
    vec![
        NoCommission::CategoryBanned { category: CategoryId::new("cups").unwrap(), since: when },
        NoCommission::PaymentExcluded { method: PayMethod::CashOnDelivery },
        NoCommission::NoChannel,
        NoCommission::NoClick,
        NoCommission::NoEligibleClick,
        NoCommission::WindowOver { promoter: promoter("a"), ended: when },
        NoCommission::ClosedByOrder { order: OrderId::new("7").unwrap() },
        NoCommission::SelfPurchase { promoter: promoter("a") },
        NoCommission::PromoterDisabled { promoter: promoter("a") },
        NoCommission::PromotionWithdrawn { since: when },
        NoCommission::NoRate,
        NoCommission::ClassNotCommissioned {
            class: Some(Class::Returning),
            history: Some(History::FirstSuccess(when)),
        },
        NoCommission::NotApproved { plan: plan() },
        NoCommission::PlanNotEffective { plan: plan(), begins: when },
        NoCommission::BelowMinimum {
            gross: Fen(0),
            min: Fen(1),
            base: Some(Fen(9)),
            rate: Some(BasisPoints::const_new::<1_000>()),
        },
    ]
}

fn every_verdict() -> Vec<Verdict> {
    let (when, by) = (at("06-01 10:00:00"), ClickId([7; 16]));
    let mut verdicts = vec![
        Verdict::Won,
        Verdict::RepeatOfOwner { shown: by },
        Verdict::Replaced { by },
        Verdict::WindowOver { ended: when },
        Verdict::ClosedByOrder { order: OrderId::new("7").unwrap() },
        Verdict::Protected { by, until: when },
        Verdict::Locked { by },
        Verdict::ProductFirst,
        Verdict::CouponFirst,
        Verdict::AfterOrder,
        Verdict::LateAfterFinal { final_at: when },
        Verdict::OutOfScope,
    ];
    let judged = crate::outcome::Outcome::ALL.into_iter().flat_map(|o| Reason::ALL.map(|r| (o, r)));
    let mut reasons: BTreeSet<Ineligible> = judged.filter_map(|(o, r)| Ineligible::of(o, r)).collect();
    reasons.insert(Ineligible::SelfPurchase);
    verdicts.extend(reasons.into_iter().map(|reason| Verdict::Ineligible { reason }));
    verdicts
}

#[test]
fn every_reason_and_verdict_has_words_of_its_own_and_reads_back_from_json() {
    let decided = World::new(Preset::YouzanLock, &["a 06-01 10:00:00"], "06-03 10:00:00").decide();
    let (reasons, verdicts) = (every_reason(), every_verdict());
    for language in [Language::Zh, Language::En] {
        let mut told = BTreeSet::new();
        for reason in &reasons {
            let mut other = decided.clone();
            other.outcome = Outcome::NoCommission(reason.clone());
            told.insert(explain(&other, None, &Names::default(), language).sentence);
            let json = serde_json::to_string(&other).unwrap();
            assert_eq!(serde_json::from_str::<Attribution>(&json).unwrap(), other, "{json}");
        }
        assert_eq!(told.len(), reasons.len());
        let mut told = BTreeSet::new();
        for verdict in &verdicts {
            let mut other = decided.clone();
            other.candidates[0].verdict = verdict.clone();
            told.insert(explain(&other, None, &Names::default(), language).steps.pop().unwrap());
            let json = serde_json::to_string(&other).unwrap();
            assert_eq!(serde_json::from_str::<Attribution>(&json).unwrap(), other, "{json}");
        }
        assert_eq!(told.len(), verdicts.len());
    }
}

/// Every id that a decision names is told with its name, in both languages; the id stays, for a name may be two people's.
#[test]
fn whoever_has_a_name_is_told_by_it() {
    let clicks = ["a 06-01 10:00:00", "b 06-02 09:30:00"];
    let decided = World::new(Preset::TaobaoLive, &clicks, "06-03 10:00:00").decide();
    let plan = PlanId::new("vip").unwrap();
    let names = Names {
        promoters: [("a", "安娜"), ("b", "鲍勃"), ("d", "")]
            .map(|(id, name)| (promoter(id), name.to_owned()))
            .into(),
        programmes: [(decided.programme.clone(), "直播".to_owned())].into(),
        plans: [(plan.clone(), "贵宾".to_owned())].into(),
    };
    let told = |of: &Attribution, language| {
        let Explanation { sentence, steps } = explain(of, None, &names, language);
        format!("{sentence}\n{}", steps.join("\n"))
    };
    assert_eq!(decided.promoters(), [&promoter("a"), &promoter("b")].into());
    for (language, expected) in [
        (
            Language::Zh,
            ["归推广者 鲍勃（b）", "按计划 直播（prog）", "起归推广者 鲍勃（b）", "推广者 安娜（a），点击"],
        ),
        (
            Language::En,
            [
                "promoter 鲍勃 (b) owns",
                "programme 直播 (prog)",
                "Promoter 鲍勃 (b) holds",
                "promoter 安娜 (a), click",
            ],
        ),
    ] {
        let told = told(&decided, language);
        for words in expected {
            assert!(told.contains(words), "{words} is not in {told}");
        }
    }
    for reason in every_reason() {
        let mut other = decided.clone();
        other.outcome = Outcome::NoCommission(reason);
        let json = serde_json::to_value(&other.outcome).unwrap();
        let sentence = explain(&other, None, &names, Language::Zh).sentence;
        assert_eq!(sentence.contains("安娜（a）"), !json["no_commission"]["promoter"].is_null(), "{json}");
        assert_eq!(sentence.contains("贵宾（vip）"), !json["no_commission"]["plan"].is_null(), "{json}");
        assert_eq!(other.targeted_plan().is_some(), !json["no_commission"]["plan"].is_null(), "{json}");
        other.relation = None;
        other.candidates.clear();
        let named: Vec<&str> = other.promoters().into_iter().map(PromoterId::as_str).collect();
        assert_eq!(named, json["no_commission"]["promoter"].as_str().into_iter().collect::<Vec<_>>());
    }
    // A name that says nothing leaves the id alone.
    let mut other = decided;
    other.outcome = Outcome::NoCommission(NoCommission::SelfPurchase { promoter: promoter("d") });
    assert!(explain(&other, None, &names, Language::En).sentence.contains("the promoter d ["));
}
