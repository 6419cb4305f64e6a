use super::*;
use crate::attribute::tests::World;
use crate::attribute::{NoCommission, Outcome};
use crate::click::ClickId;
use crate::fold::{Ineligible, Verdict};
use crate::ids::{CategoryId, OrderId, PlanId};
use crate::money::Fen;
use crate::outcome::Reason;
use crate::policy::Preset;
use crate::policy::settlement::PayMethod;
use crate::testing::{at, promoter};
use std::collections::BTreeSet;

fn told(preset: Preset, clicks: &[&str], order: &str, language: Language) -> String {
    let Explanation { sentence, steps } = explain(&World::new(preset, clicks, order).decide(), language);
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
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/explanations.txt");
    let expected = std::fs::read_to_string(golden).unwrap_or_default();
    assert!(text == expected, "{golden} differs; told now:\n{text}");
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
        NoCommission::ClassNotCommissioned,
        NoCommission::NotApproved { plan: plan() },
        NoCommission::PlanNotEffective { plan: plan(), begins: when },
        NoCommission::BelowMinimum { gross: Fen(0), min: Fen(1) },
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
            told.insert(explain(&other, language).sentence);
            let json = serde_json::to_string(&other).unwrap();
            assert_eq!(serde_json::from_str::<Attribution>(&json).unwrap(), other, "{json}");
        }
        assert_eq!(told.len(), reasons.len());
        let mut told = BTreeSet::new();
        for verdict in &verdicts {
            let mut other = decided.clone();
            other.candidates[0].verdict = verdict.clone();
            told.insert(explain(&other, language).steps.pop().unwrap());
            let json = serde_json::to_string(&other).unwrap();
            assert_eq!(serde_json::from_str::<Attribution>(&json).unwrap(), other, "{json}");
        }
        assert_eq!(told.len(), verdicts.len());
    }
}
