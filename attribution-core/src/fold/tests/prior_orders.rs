//! What the buyer's other orders do to a relation.

#![expect(clippy::type_complexity, reason = "rows of a table read best as tuples")]

use super::*;
use crate::policy::Policy;
use crate::policy::attribution::OrderEvent;
use crate::policy::settlement::PayMethod;
use crate::testing::promoter;

#[test]
fn orders_close_or_prolong_a_relation() {
    let closes = AttributionPolicy { scope: Scope::Platform, close_on_order: true, ..window(1) };
    let prolongs = AttributionPolicy { extend_on_order: Some(Span::days(30)), ..window(3) };
    let rows: [(&str, &AttributionPolicy, &[&str], Vec<PriorOrder>, &str, &str); 9] = [
        (
            "the first order",
            &closes,
            &["a 06-01 10:00:00"],
            vec![order("this", "06-01 11:00:00", "甲")],
            "06-01 11:00:00",
            "a",
        ),
        (
            "a second order an hour later",
            &closes,
            &["a 06-01 10:00:00"],
            vec![order("one", "06-01 11:00:00", "丙")],
            "06-01 12:00:00",
            "nobody",
        ),
        (
            "a new click opens it again",
            &closes,
            &["a 06-01 10:00:00", "a 06-01 11:30:00"],
            vec![order("one", "06-01 11:00:00", "甲")],
            "06-01 12:00:00",
            "a",
        ),
        (
            "a click in the second of the first order was used by it",
            &closes,
            &["a 06-01 11:00:00.500"],
            vec![order("one", "06-01 11:00:00", "甲")],
            "06-01 12:00:00",
            "nobody",
        ),
        (
            "other lines of the same order close nothing",
            &closes,
            &["a 06-01 10:00:00"],
            vec![order("this", "06-01 10:59:59", "乙")],
            "06-01 11:00:00",
            "a",
        ),
        (
            "a later order closes nothing",
            &closes,
            &["a 06-01 10:00:00"],
            vec![order("one", "06-01 13:00:00", "甲")],
            "06-01 12:00:00",
            "a",
        ),
        (
            "an order prolongs the window",
            &prolongs,
            &["a 06-01 10:00:00"],
            vec![order("one", "06-02 10:00:00", "甲")],
            "07-02 09:59:59",
            "a",
        ),
        (
            "to 30 days after it, half-open",
            &prolongs,
            &["a 06-01 10:00:00"],
            vec![order("one", "06-02 10:00:00", "甲")],
            "07-02 10:00:00",
            "nobody",
        ),
        (
            "an order after the end prolongs nothing",
            &prolongs,
            &["a 06-01 10:00:00"],
            vec![order("one", "06-04 10:00:00", "甲")],
            "06-05 10:00:00",
            "nobody",
        ),
    ];
    for (what, policy, clicks, orders, when, expected) in rows {
        let ask = Ask { orders, ..Ask::of(clicks) };
        assert_eq!(ask.owner(policy, when), expected, "{what}");
    }
}

#[test]
fn an_order_that_brings_no_later_end_prolongs_nothing() {
    let policy = AttributionPolicy { extend_on_order: Some(Span::days(3)), ..window(3) };
    // The order in the click's second, and one a second later.
    for (when, expected) in [("06-01 10:00:00", None), ("06-01 10:00:01", Some(OrderId::new("one").unwrap()))]
    {
        let ask = Ask { orders: vec![order("one", when, "甲")], ..Ask::of(&["a 06-01 10:00:00"]) };
        let owner = ask.fold(&policy, "06-02 10:00:00").owner.unwrap();
        assert_eq!(owner.prolonged_by, expected, "an order at {when}");
    }
}

#[test]
fn whose_a_buyer_is_takes_every_order_up_to_then_into_account() {
    let policy = AttributionPolicy { scope: Scope::Platform, close_on_order: true, ..window(1) };
    let (target, own) = (goods("甲"), BTreeSet::new());
    let holder = |when: &str| {
        let question = Question {
            at: at(when),
            order: None,
            target: &target,
            token: None,
            final_at: None,
            own_promoters: &own,
        };
        let orders = [order("one", "06-01 11:00:00", "甲")];
        fold(&policy, &question, &[click("a 06-01 10:00:00")], &orders).owner.map(|owner| owner.promoter)
    };
    assert_eq!(holder("06-01 10:59:59"), Some(promoter("a")), "before the order");
    assert_eq!(holder("06-01 11:00:00"), None, "in its second");
    assert_eq!(holder("06-01 12:00:00"), None, "after it");
}

#[test]
fn orders_paid_in_a_way_that_does_not_count_touch_no_relation() {
    let mut policy = Policy::default();
    policy.settlement.excluded_methods = BTreeSet::from([PayMethod::CashOnDelivery]);
    let by = |id: &str, method| PriorOrder { method, ..order(id, "06-01 11:00:00", "甲") };
    let cash = by("cash", Some(PayMethod::CashOnDelivery));
    let others = [by("card", Some(PayMethod::BankCard)), by("not paid yet", None)];
    let all = [others[0].clone(), cash.clone(), others[1].clone()];
    assert_eq!(*PriorOrder::touching(&all, &policy), others);
    assert_eq!(*PriorOrder::touching(&others, &policy), others);
    assert_eq!(*PriorOrder::touching(&[cash], &policy), []);

    policy.attribution.order_event = OrderEvent::Paid;
    let paid = Some(at("06-01 12:00:00"));
    let orders = [PriorOrder { paid, ..others[0].clone() }, others[1].clone()];
    let counted = PriorOrder { at: at("06-01 12:00:00"), paid, ..others[0].clone() };
    assert_eq!(*PriorOrder::touching(&orders, &policy), [counted], "at its payment, and only with one");
}

#[test]
fn a_relation_names_the_order_without_which_it_would_end_sooner() {
    let policy = AttributionPolicy { extend_on_order: Some(Span::days(10)), ..window(15) };
    // clicks, the order that prolongs it
    let rows: [(&[&str], Option<&str>); 3] = [
        (&["a 06-01 10:00:00"], Some("late")),
        (&["a 06-01 10:00:00", "a 06-11 10:00:00"], None),
        (&["a 06-01 10:00:00", "a 06-02 10:00:00"], Some("late")),
    ];
    for (clicks, prolongs) in rows {
        let mut ask = Ask::of(clicks);
        ask.orders = vec![order("early", "06-03 10:00:00", "甲"), order("late", "06-10 10:00:00", "甲")];
        let owner = ask.fold(&policy, "06-12 10:00:00").owner.unwrap();
        assert_eq!(owner.prolonged_by.as_ref().map(OrderId::as_str), prolongs, "{clicks:?}");
    }
}
