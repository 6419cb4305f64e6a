//! The records of the shopping credit's refunds, at their dates.

use super::*;
use crate::policy::Preset;
use crate::testing::at;

fn rules() -> Vec<BatchRule> {
    Preset::AllianceCreditBan.policy().refund_batches
}

fn credit() -> [CategoryId; 1] {
    [CategoryId::new("shopping-credit").unwrap()]
}

fn case<'a>(categories: &'a [CategoryId], settled: &str, initiated: &str) -> RefundCase<'a> {
    RefundCase {
        categories,
        part: CreditPart::Spent,
        settled: at(settled),
        initiated: at(initiated),
        succeeded: at(initiated),
        known: at(initiated),
        special: false,
    }
}

#[test]
fn a_refund_goes_the_way_its_dates_say() {
    let (rules, credit) = (rules(), credit());
    let batch = || Route::Batch { rule: "batch-1".to_owned(), created: at("2021-03-31 23:59:59") };
    let none = || Route::NoRecord { rule: "batch-2".to_owned() };
    // settled, refund initiated, the way; none here: at once
    let rows = [
        ("2020-12-01 00:00:00", "2021-03-31 23:59:59", Some(batch())),
        ("2021-03-31 23:59:59.999", "2021-03-31 23:59:59.999", Some(batch())),
        ("2021-01-10 00:00:00", "2020-12-01 00:00:00", Some(batch())),
        ("2020-11-30 23:59:59.999", "2021-03-31 23:59:59", Some(none())),
        ("2019-01-01 00:00:00", "2019-02-01 00:00:00", Some(none())),
        ("2021-03-31 23:59:59", "2021-04-01 00:00:00", None),
        ("2020-11-30 00:00:00", "2021-04-01 00:00:00", None),
        ("2021-04-01 00:00:00", "2021-04-01 00:00:00", None),
    ];
    for (settled, initiated, expected) in rows {
        let expected = expected.unwrap_or(Route::RealTime { created: at(initiated) });
        let got = route(&rules, &case(&credit, settled, initiated));
        assert_eq!(got.0, expected, "settled {settled}, refund {initiated}");
        assert_eq!(got.1.is_some(), !matches!(got.0, Route::RealTime { .. }));
    }
}

#[test]
fn only_credit_that_had_bought_goods_was_at_fault() {
    let (rules, credit) = (rules(), credit());
    let at_fault = case(&credit, "2021-01-01 00:00:00", "2021-02-01 00:00:00");
    let now = Route::RealTime { created: at("2021-02-01 00:00:00") };
    let unused = RefundCase { part: CreditPart::Unused, ..at_fault };
    assert_eq!(route(&rules, &unused), (now.clone(), None), "the 100 that was never used");
    let shoes = [CategoryId::new("shoes").unwrap()];
    assert_eq!(route(&rules, &RefundCase { categories: &shoes, ..at_fault }), (now.clone(), None));
    assert_eq!(route(&[], &at_fault), (now, None), "without the rule there is no fault");
    let none = Route::NoRecord { rule: "batch-1".to_owned() };
    assert_eq!(route(&rules, &RefundCase { special: true, ..at_fault }).0, none);
    let late = RefundCase { known: at("2021-04-01 00:00:00"), ..at_fault };
    assert_eq!(route(&rules, &late).0, none, "known after the batch was made");
}

#[test]
fn what_is_not_recovered_is_compensated_once() {
    let rules = rules();
    let july = at("2021-07-01 00:00:00");
    let just_before = [(at("2021-06-30 23:59:59"), Fen(900))];
    let part = [(at("2021-06-01 00:00:00"), Fen(300)), (july, Fen(600))];
    let claim =
        |recovered| Claim { due: Fen(900), recovered, compensated: None, merchant_broke_rules: false };
    for rule in &rules {
        let owed = |claim: Claim<'_>, now| rule.compensation(&claim, now).unwrap();
        assert_eq!(owed(claim(&[]), july.plus(-1)), Compensation::NotYet { at: july });
        assert_eq!(owed(claim(&[]), july), Compensation::Pays { amount: Fen(900) });
        assert_eq!(
            owed(claim(&part), july),
            Compensation::Pays { amount: Fen(600) },
            "too late by an instant"
        );
        assert_eq!(owed(claim(&just_before), july), Compensation::Recovered);
        let broke = Claim { merchant_broke_rules: true, ..claim(&[]) };
        assert_eq!(owed(broke, july), Compensation::RulesBroken);
        let paid = Claim { compensated: Some(Fen(900)), ..claim(&[]) };
        assert_eq!(owed(paid, july), Compensation::AlreadyPaid { amount: Fen(900) });
    }
    let silent = BatchRule { compensated_at: None, ..rules[0].clone() };
    assert_eq!(silent.compensation(&claim(&[]), july), Ok(Compensation::None));
    let too_much = [(at("2021-06-01 00:00:00"), Fen(i64::MAX)), (at("2021-06-01 00:00:00"), Fen(1))];
    assert_eq!(rules[0].compensation(&claim(&too_much), july), Err(Overflow));
}

#[test]
fn a_record_succeeds_when_all_came_back_from_the_promoter() {
    let some = [(at("2021-05-01 00:00:00"), Fen(899))];
    let all = [(at("2021-05-01 00:00:00"), Fen(899)), (at("2021-06-30 23:59:59"), Fen(1))];
    let claim =
        |recovered, compensated| Claim { due: Fen(900), recovered, compensated, merchant_broke_rules: false };
    // recovered, compensated, state, whom the next recovery belongs to
    let rows = [
        (&[][..], None, RecordState::Created, RecoveryGoesTo::Merchant),
        (&some, None, RecordState::Recovering, RecoveryGoesTo::Merchant),
        (&all, None, RecordState::Success, RecoveryGoesTo::Merchant),
        (&some, Some(Fen(1)), RecordState::Compensated, RecoveryGoesTo::Platform),
    ];
    for (recovered, compensated, state, to) in rows {
        let claim = claim(recovered, compensated);
        assert_eq!(claim.record_state(), Ok(state));
        assert_eq!(claim.recovery_goes_to(), to, "{state:?}");
    }
}
