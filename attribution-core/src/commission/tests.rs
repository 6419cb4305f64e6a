#![expect(clippy::type_complexity, reason = "rows of a table read best as tuples")]

use super::class::{History, classify};
use super::rate::{Application, Chosen, Estimate, Goods, NoRate, Rates, TargetedPlan};
use super::*;
use crate::ids::{CategoryId, MerchantId, PlanId, ProductId, PromoterId};
use crate::policy::Preset;
use crate::policy::commission::{Class, CommissionPolicy, DayCount, NewReturning, PlanRef, Rate, Subject};
use crate::split::{cumulative_floor, first_non_monotone, withdrawal_fee};
use crate::testing::{at, promoter};
use crate::time::{Instant, Period};
use proptest::prelude::*;

fn points(bp: u32) -> BasisPoints {
    BasisPoints::new(bp).unwrap()
}

#[test]
fn new_and_returning_customers_at_the_sixty_day_boundary() {
    use Class::{New, Returning};
    let first = at("2020-03-05 16:55:35");
    // order, by elapsed seconds, by whole days, by civil days from 0, by civil days from 1
    let rows = [
        ("2020-03-05 16:55:35", [New, New, New, New]),
        ("2020-05-01 15:56:33", [New, New, New, New]),
        ("2020-05-03 23:59:59", [New, New, New, New]),
        ("2020-05-04 00:00:00", [New, New, New, Returning]),
        ("2020-05-04 16:55:35", [New, New, New, Returning]),
        ("2020-05-04 16:55:35.999", [New, New, New, Returning]),
        ("2020-05-04 16:55:36", [Returning, New, New, Returning]),
        ("2020-05-04 23:59:59", [Returning, New, New, Returning]),
        ("2020-05-05 00:00:00", [Returning, New, Returning, Returning]),
        ("2020-05-05 16:55:34", [Returning, New, Returning, Returning]),
        ("2020-05-05 16:55:35", [Returning, Returning, Returning, Returning]),
    ];
    let counts = [DayCount::Elapsed, DayCount::WholeDays, DayCount::CalendarDay0, DayCount::CalendarDay1];
    for (order, expected) in rows {
        let got = counts
            .map(|count| classify(NewReturning { days: 60, count }, History::FirstSuccess(first), at(order)));
        assert_eq!(got, expected, "order {order}");
    }
    let rule = NewReturning::default();
    assert_eq!(classify(rule, History::None, at("2020-05-05 16:55:35")), New, "no success at this shop");
    assert_eq!(classify(rule, History::Unknown, at("2020-05-05 16:55:35")), New, "no feed");
    assert_eq!(
        classify(rule, History::FirstSuccess(first), at("2020-03-05 16:55:34")),
        New,
        "not yet a success"
    );
    let utc = History::FirstSuccess(Instant(1_583_398_535_000)); // 2020-03-05T08:55:35Z
    assert_eq!(classify(rule, utc, Instant(1_588_582_535_000)), New, "the same instants in UTC");
    assert_eq!(classify(rule, utc, Instant(1_588_582_536_000)), Returning);
}

#[test]
fn a_success_after_the_order_is_no_history_however_the_days_are_counted() {
    let first = at("2020-03-05 16:55:35");
    for (order, expected) in [("2020-03-05 16:55:34", Class::New), ("2020-03-05 16:55:35", Class::Returning)]
    {
        let rule = NewReturning { days: 0, count: DayCount::CalendarDay1 };
        assert_eq!(classify(rule, History::FirstSuccess(first), at(order)), expected, "order {order}");
    }
}

#[test]
fn a_commission_is_rounded_as_its_policy_says() {
    // base in fen, rate in basis points, floor, half up
    let rows = [
        (19, 500, 0, 1),
        (20, 500, 1, 1),
        (10_000, 500, 500, 500),
        (29, 500, 1, 1),
        (30, 500, 1, 2),
        (9, 500, 0, 0),
        (i64::MAX, 10_000, i64::MAX, i64::MAX),
    ];
    for (base, bp, floor, half_up) in rows {
        assert_eq!(commission(Fen(base), points(bp), Rounding::Floor), Ok(Fen(floor)), "{base} at {bp}");
        assert_eq!(commission(Fen(base), points(bp), Rounding::HalfUp), Ok(Fen(half_up)), "{base} at {bp}");
    }
}

#[test]
fn cashback_is_that_of_the_highest_tier_reached() {
    let tier = |from_orders, amount| CashbackTier { from_orders, amount: Fen(amount) };
    let tiers = [tier(3, 300), tier(5, 800), tier(10, 1_000)];
    for (orders, expected) in
        [(0, 0), (2, 0), (3, 300), (4, 300), (5, 800), (9, 800), (10, 1_000), (99, 1_000)]
    {
        assert_eq!(cashback(&tiers, orders), Fen(expected), "{orders} orders");
    }
}

#[test]
fn the_lines_of_one_product_share_their_orders_cashback() {
    let parts = |cashback: i64, left: &[i64]| {
        let left: Vec<Fen> = left.iter().map(|fen| Fen(*fen)).collect();
        let part = |line| cashback_of_line(Fen(cashback), &left, line).unwrap().0;
        (0..left.len()).map(part).collect::<Vec<i64>>()
    };
    assert_eq!(parts(800, &[8_800]), [800]);
    assert_eq!(parts(801, &[8_800, 8_800]), [400, 401]);
    // What came back wholly has no part in it.
    assert_eq!(parts(800, &[0, 8_800, 0]), [0, 800, 0]);
    assert_eq!(parts(800, &[1, 1, 1]), [266, 267, 267]);
    assert_eq!(parts(800, &[0, 0]), [0, 0]);
    assert_eq!(parts(800, &[i64::MAX, i64::MAX]), [400, 400]);
}

#[test]
fn terms_take_the_rate_of_the_highest_tier_reached() {
    let tier = |from_orders, bp| Tier { from_orders, bp: points(bp) };
    let tiers = [tier(100, 2_500), tier(10, 2_000)];
    let terms = Terms {
        rate: points(1_000),
        rounding: Rounding::Floor,
        min_fen: Fen::ZERO,
        parties: Vec::new(),
        rises_to: Some(points(2_500)),
        tier: None,
    };
    for (orders, bp) in [(0, 1_000), (9, 1_000), (10, 2_000), (99, 2_000), (100, 2_500), (101, 2_500)] {
        let then = terms.at_tier(&tiers, orders);
        assert_eq!(then.rate, points(bp), "{orders} orders");
        let reached = then.tier.map(|tier| (tier.from_orders, tier.instead_of));
        let expected = (bp != 1_000).then(|| (if bp == 2_000 { 10 } else { 100 }, points(1_000)));
        assert_eq!(reached, expected, "{orders} orders");
        let most = if bp == 2_000 { 2 } else { 3 };
        assert_eq!(then.most(Fen(12)), Ok(Fen(most)), "{orders} orders");
    }
    // Too little at every tier is nothing, and so is a base below zero.
    let dear = Terms { min_fen: Fen(4), ..terms.clone() };
    for (base, most) in [(15, 0), (16, 4), (-16, 0)] {
        assert_eq!(dear.most(Fen(base)), Ok(Fen(most)), "{base}");
    }
    // What a targeted plan promised is more than the first tier.
    let more = Terms { rate: points(2_200), ..terms };
    for (orders, bp) in [(10, 2_200), (100, 2_500)] {
        let then = more.at_tier(&tiers, orders);
        assert_eq!((then.rate, then.tier.is_some()), (points(bp), bp == 2_500), "{orders} orders");
    }
    let same = Terms { rate: points(2_000), ..more };
    assert_eq!(same.at_tier(&tiers, 10), same, "a tier that pays the same is not what the rate is due to");
}

#[test]
fn platform_agency_and_talent_share_one_to_two_to_seven() {
    let rows = [
        (0, [0, 0, 0]),
        (1, [0, 0, 1]),
        (2, [0, 0, 2]),
        (3, [0, 0, 3]),
        (4, [0, 1, 3]),
        (5, [0, 1, 4]),
        (6, [0, 1, 5]),
        (7, [0, 2, 5]),
        (8, [0, 2, 6]),
        (9, [0, 2, 7]),
        (10, [1, 2, 7]),
        (11, [1, 2, 8]),
        (12, [1, 2, 9]),
        (10_000, [1_000, 2_000, 7_000]),
    ];
    for (gross, expected) in rows {
        assert_eq!(cumulative_floor(&[1, 2, 7], Fen(gross)), Ok(expected.map(Fen).to_vec()), "gross {gross}");
    }
    assert_eq!(first_non_monotone(&[1, 2, 7]), None);
    assert_eq!(first_non_monotone(&[5, 1, 4]), Some(6), "the middle one has 1 fen of 5 and none of 6");
}

#[test]
fn what_withdrawals_keep_back_is_exact_for_the_whole() {
    // Of 8,000 on the dashboard 1,000 are the platform's: withdrawn so far, kept so far.
    for (withdrawn, kept) in [(0, 0), (7, 0), (8, 1), (4_000, 500), (7_999, 999), (8_000, 1_000)] {
        assert_eq!(withdrawal_fee(Fen(withdrawn), Fen(1_000), Fen(8_000)), Ok(Fen(kept)), "{withdrawn}");
    }
    assert_eq!(withdrawal_fee(Fen(5), Fen(0), Fen(0)), Ok(Fen(0)));
}

struct Shop {
    merchant: MerchantId,
    product: ProductId,
    categories: [CategoryId; 2],
}

impl Shop {
    fn new() -> Self {
        let category = |c: &str| CategoryId::new(c).unwrap();
        Self {
            merchant: MerchantId::new("S").unwrap(),
            product: ProductId::new("jia").unwrap(),
            categories: [category("cups"), category("home")],
        }
    }

    fn choose(
        &self,
        rates: &[Rate],
        plans: &[TargetedPlan],
        class: Option<Class>,
        when: &str,
    ) -> Result<Chosen, NoRate> {
        let goods =
            Goods { product: Some(&self.product), categories: &self.categories, merchant: &self.merchant };
        let policy: CommissionPolicy = Preset::TaobaoLive.policy().commission;
        let rates = Rates { policy: &policy, merchant: rates, plans };
        rates.choose(Some(&promoter("a")), class, goods, at(when))
    }
}

fn rate(subject: Subject, bp: Option<u32>, from: &str, to: Option<&str>) -> Rate {
    Rate {
        plan: PlanRef::General,
        class: None,
        subject,
        bp: bp.map(points),
        effective: Period { from: at(from), to: to.map(at) },
    }
}

#[test]
fn the_rate_is_the_one_in_force_when_the_order_is_created() {
    let shop = Shop::new();
    let rates = [
        rate(Subject::Any, Some(500), "2020-01-01 00:00:00", Some("06-02 00:00:00")),
        rate(Subject::Any, Some(300), "06-02 00:00:00", None),
    ];
    for (when, expected) in [("06-01 23:59:59", 500), ("06-02 00:00:00", 300)] {
        assert_eq!(shop.choose(&rates, &[], None, when).unwrap().rate, points(expected), "{when}");
    }
    assert_eq!(shop.choose(&rates, &[], None, "2019-12-31 23:59:59"), Err(NoRate::NoRate));
}

#[test]
fn the_narrowest_rate_counts() {
    let shop = Shop::new();
    let category = |i: usize| Subject::Category(shop.categories[i].clone());
    let from = "2020-01-01 00:00:00";
    let mut rates = Vec::new();
    let wider = [
        (Subject::Any, 100),
        (Subject::Shop(shop.merchant.clone()), 200),
        (category(1), 300),
        (category(0), 400),
        (Subject::Product(shop.product.clone()), 500),
    ];
    for (subject, bp) in wider {
        rates.insert(0, rate(subject, Some(bp), from, None));
        assert_eq!(shop.choose(&rates, &[], None, "06-01 10:00:00").unwrap().rate, points(bp));
    }
    rates.push(rate(Subject::Product(ProductId::new("yi").unwrap()), Some(900), from, None));
    rates.push(rate(Subject::Shop(MerchantId::new("T").unwrap()), Some(900), from, None));
    assert_eq!(shop.choose(&rates, &[], None, "06-01 10:00:00").unwrap().rate, points(500), "other goods");
}

#[test]
fn a_seller_may_pay_for_new_customers_only() {
    let shop = Shop::new();
    let class =
        |class, bp| Rate { class: Some(class), ..rate(Subject::Any, bp, "2020-01-01 00:00:00", None) };
    let new_only = [class(Class::New, Some(500)), class(Class::Returning, None)];
    let two = [class(Class::New, Some(500)), class(Class::Returning, Some(100))];
    let rows: [(&str, &[Rate], Class, Result<u32, NoRate>); 6] = [
        ("new", &new_only, Class::New, Ok(500)),
        ("returning, switched off", &new_only, Class::Returning, Err(NoRate::OtherClass)),
        ("returning, never mentioned", &new_only[..1], Class::Returning, Err(NoRate::OtherClass)),
        ("neither", &new_only[1..], Class::Returning, Err(NoRate::NoRate)),
        ("new, of two rates", &two, Class::New, Ok(500)),
        ("returning, of two rates", &two, Class::Returning, Ok(100)),
    ];
    for (what, rates, class, expected) in rows {
        let got = shop.choose(rates, &[], Some(class), "06-01 10:00:00").map(|chosen| chosen.rate);
        assert_eq!(got, expected.map(points), "{what}");
    }
}

#[test]
fn the_library_shows_what_a_new_customer_would_bring() {
    let shop = Shop::new();
    let goods =
        Goods { product: Some(&shop.product), categories: &shop.categories, merchant: &shop.merchant };
    let of = |class, bp| Rate { class: Some(class), ..rate(Subject::Any, bp, "2020-01-01 00:00:00", None) };
    let rates = [of(Class::New, Some(2_000)), of(Class::Returning, Some(500))];
    let plan = TargetedPlan {
        id: PlanId::new("vip").unwrap(),
        created: at("2020-01-01 00:00:00"),
        closes: None,
        auto_approve: true,
        applications: vec![Application {
            promoter: promoter("a"),
            applied: at("2020-01-01 00:00:00"),
            approved: None,
            rejected: None,
        }],
    };
    let vip = Rate { plan: PlanRef::Targeted(plan.id.clone()), ..of(Class::New, Some(3_000)) };
    let with_plan = [rates[0].clone(), rates[1].clone(), vip];
    let policy =
        CommissionPolicy { classes: Some(NewReturning::default()), ..Preset::TaobaoLive.policy().commission };
    let ask = |rates: &[Rate], promoter: Option<&PromoterId>, price| {
        let rates = Rates { policy: &policy, merchant: rates, plans: std::slice::from_ref(&plan) };
        rates.estimate(promoter, goods, Fen(price), at("2020-06-01 00:00:00")).unwrap()
    };
    let amount = |found: Option<Estimate>| found.map(|found| found.amount.0);
    assert_eq!(amount(ask(&rates, None, 2_000)), Some(400));
    assert_eq!(amount(ask(&with_plan, None, 2_000)), Some(400), "somebody unknown sees the general plan");
    assert_eq!(amount(ask(&with_plan, Some(&promoter("a")), 2_000)), Some(600));
    assert_eq!(amount(ask(&with_plan, Some(&promoter("b")), 2_000)), Some(400), "not approved");
    assert_eq!(amount(ask(&rates, None, 4)), Some(0), "below a fen");
    assert_eq!(amount(ask(&rates[1..], None, 2_000)), None, "new customers earn nothing here");

    let policy = CommissionPolicy { min_fen: Fen(100), ..policy };
    let rates = Rates { policy: &policy, merchant: &rates, plans: &[] };
    for (price, expected) in [(495, 0), (500, 100), (505, 101)] {
        let found = rates.estimate(None, goods, Fen(price), at("2020-06-01 00:00:00"));
        assert_eq!(amount(found.unwrap()), Some(expected), "a price of {price}, at least 100");
    }
}

#[test]
fn of_several_targeted_plans_the_highest_rate_counts_then_the_smaller_id() {
    let shop = Shop::new();
    let plan = |id: &str| TargetedPlan {
        id: PlanId::new(id).unwrap(),
        created: at("2020-01-01 00:00:00"),
        closes: None,
        auto_approve: true,
        applications: vec![Application {
            promoter: promoter("a"),
            applied: at("2020-01-01 00:00:00"),
            approved: None,
            rejected: None,
        }],
    };
    let of = |id: &str, bp| Rate {
        plan: PlanRef::Targeted(PlanId::new(id).unwrap()),
        ..rate(Subject::Any, Some(bp), "2020-01-01 00:00:00", None)
    };
    let rates = [of("low", 1_000), of("high-b", 2_000), of("high-a", 2_000)];
    for order in [["low", "high-b", "high-a"], ["high-a", "high-b", "low"], ["high-b", "low", "high-a"]] {
        let chosen = shop.choose(&rates, &order.map(plan), None, "06-01 10:00:00").unwrap();
        let expected = PlanRef::Targeted(PlanId::new("high-a").unwrap());
        assert_eq!((chosen.plan, chosen.rate), (expected, points(2_000)), "listed as {order:?}");
    }
}

#[test]
fn targeted_plans_begin_at_midnight_and_ask_for_approval() {
    let shop = Shop::new();
    let id = PlanId::new("vip").unwrap();
    let general = rate(Subject::Any, Some(300), "2017-01-01 00:00:00", None);
    let special = Rate { plan: PlanRef::Targeted(id.clone()), bp: Some(points(2_000)), ..general.clone() };
    let both = [general.clone(), special.clone()];
    let only = [special];
    let application = |applied: &str, approved: Option<&str>, rejected: Option<&str>| Application {
        promoter: promoter("a"),
        applied: at(applied),
        approved: approved.map(at),
        rejected: rejected.map(at),
    };
    let plan = |auto_approve: bool, applications: Vec<Application>| TargetedPlan {
        id: id.clone(),
        created: at("2017-03-09 13:55:12"),
        closes: Some(at("2017-06-01 00:00:00")),
        auto_approve,
        applications,
    };
    let early = || application("2017-03-09 14:00:00", Some("2017-03-09 15:00:00"), None);
    let not_approved = || Err(NoRate::NotApproved { plan: id.clone() });
    let begins = at("2017-03-10 00:00:00");
    let rows: [(&str, TargetedPlan, &[Rate], &str, Result<u32, NoRate>); 11] = [
        (
            "on its first evening the general plan still counts",
            plan(false, vec![early()]),
            &both,
            "2017-03-09 23:59:59",
            Ok(300),
        ),
        (
            "from midnight the targeted plan does",
            plan(false, vec![early()]),
            &both,
            "2017-03-10 00:00:00",
            Ok(2_000),
        ),
        (
            "before midnight and without a general plan",
            plan(false, vec![early()]),
            &only,
            "2017-03-09 23:59:59",
            Err(NoRate::PlanNotEffective { plan: id.clone(), begins }),
        ),
        (
            "approval pending",
            plan(false, vec![application("2017-03-10 10:00:00", None, None)]),
            &both,
            "2017-03-11 10:00:00",
            Ok(300),
        ),
        (
            "approval pending and no general plan",
            plan(false, vec![application("2017-03-10 10:00:00", None, None)]),
            &only,
            "2017-03-11 10:00:00",
            not_approved(),
        ),
        (
            "never applied and no general plan",
            plan(false, vec![]),
            &only,
            "2017-03-11 10:00:00",
            not_approved(),
        ),
        (
            "approved by itself in the second of the order",
            plan(true, vec![application("2017-03-11 10:00:00", None, None)]),
            &both,
            "2017-03-11 10:00:00",
            Ok(2_000),
        ),
        (
            "applied a second after the order",
            plan(true, vec![application("2017-03-11 10:00:01", None, None)]),
            &both,
            "2017-03-11 10:00:00",
            Ok(300),
        ),
        (
            "rejected later: still approved then",
            plan(
                false,
                vec![application(
                    "2017-03-10 10:00:00",
                    Some("2017-03-10 11:00:00"),
                    Some("2017-03-12 10:00:00"),
                )],
            ),
            &both,
            "2017-03-11 10:00:00",
            Ok(2_000),
        ),
        (
            "rejected before the order",
            plan(
                false,
                vec![application(
                    "2017-03-10 10:00:00",
                    Some("2017-03-10 11:00:00"),
                    Some("2017-03-11 10:00:00"),
                )],
            ),
            &both,
            "2017-03-11 10:00:00",
            Ok(300),
        ),
        ("the plan has closed", plan(false, vec![early()]), &both, "2017-06-01 00:00:00", Ok(300)),
    ];
    for (what, plan, rates, when, expected) in rows {
        let got = shop.choose(rates, &[plan], None, when).map(|chosen| chosen.rate);
        assert_eq!(got, expected.map(points), "{what}");
    }
}

proptest! {
    /// However high each is, and whatever is said meanwhile of other goods, classes or plans, or for an earlier time.
    #[test]
    fn of_rates_for_one_instant_the_last_said_counts(
        said in proptest::collection::vec(proptest::option::of(0u32..=10_000), 1..6),
        others in proptest::collection::vec((0u8..5, 0usize..6), 0..8),
    ) {
        let shop = Shop::new();
        let own = |bp, from| rate(Subject::Product(shop.product.clone()), bp, from, None);
        let mut rates: Vec<Rate> = said.iter().map(|bp| own(*bp, "06-01 00:00:00")).collect();
        for (what, place) in others {
            let high = Some(10_000);
            let other = match what {
                0 => rate(Subject::Product(ProductId::new("yi").unwrap()), high, "06-01 00:00:00", None),
                1 => rate(Subject::Shop(shop.merchant.clone()), high, "06-01 00:00:00", None),
                2 => Rate { class: Some(Class::New), ..own(high, "06-01 00:00:00") },
                3 => Rate { plan: PlanRef::Targeted(PlanId::new("vip").unwrap()), ..own(high, "06-01 00:00:00") },
                _ => own(high, "05-31 23:59:59"),
            };
            rates.insert(place.min(rates.len()), other);
        }
        let got = shop.choose(&rates, &[], None, "06-02 00:00:00").map(|chosen| chosen.rate);
        let last = said.last().copied().flatten();
        prop_assert_eq!(got, last.map(points).ok_or(NoRate::NoRate));
    }

    #[test]
    fn shares_always_add_up_and_lie_within_a_fen(weights in proptest::collection::vec(0u32..5_000, 1..6), gross in 0i64..1_000_000_000) {
        let shares = cumulative_floor(&weights, Fen(gross)).unwrap();
        let total: i64 = weights.iter().map(|w| i64::from(*w)).sum();
        if total > 0 {
            prop_assert_eq!(shares.iter().map(|s| s.0).sum::<i64>(), gross);
            for (share, weight) in shares.iter().zip(&weights) {
                let exact_times_total = i128::from(gross) * i128::from(*weight);
                prop_assert!((i128::from(share.0) * i128::from(total) - exact_times_total).abs() < i128::from(total));
            }
        }
    }

    #[test]
    fn no_share_grows_when_the_gross_shrinks(gross in 1i64..1_000_000, weights in proptest::collection::vec(0u32..40, 1..5)) {
        prop_assume!(weights.iter().any(|w| *w > 0) && first_non_monotone(&weights).is_none());
        let more = cumulative_floor(&weights, Fen(gross)).unwrap();
        let less = cumulative_floor(&weights, Fen(gross - 1)).unwrap();
        prop_assert!(more.iter().zip(&less).all(|(more, less)| more >= less));
    }

    #[test]
    fn commission_never_exceeds_its_base(base in 0i64..i64::MAX, bp in 0u32..=10_000) {
        for rounding in [Rounding::Floor, Rounding::HalfUp] {
            let amount = commission(Fen(base), points(bp), rounding).unwrap();
            prop_assert!(amount >= Fen(0) && amount <= Fen(base));
        }
    }
}
