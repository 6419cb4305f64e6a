#![expect(clippy::type_complexity, reason = "rows of a table read best as tuples")]

use super::*;
use crate::click::ClickId;
use crate::ids::{OrderId, PromoterId};
use crate::policy::attribution::{ContentWindow, Model, OrderEvent, Rebind, Validity};
use crate::policy::settlement::PayMethod;
use crate::policy::{LinkKind, Policy, Preset};
use crate::testing::{at, click, goods, promoter};
use crate::time::{HOUR_MS, Span};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn window(days: u32) -> AttributionPolicy {
    AttributionPolicy {
        scope: Scope::Product,
        validity: Validity::FromLastClick(Span::days(days)),
        ..AttributionPolicy::default()
    }
}

fn bound() -> AttributionPolicy {
    AttributionPolicy { model: Model::Binding, validity: Validity::Permanent, ..AttributionPolicy::default() }
}

struct Ask<'a> {
    clicks: Vec<Click>,
    orders: Vec<PriorOrder>,
    own: BTreeSet<PromoterId>,
    token: Option<ClickId>,
    final_at: Option<Instant>,
    bought: &'a str,
}

impl Ask<'_> {
    fn of(clicks: &[&str]) -> Self {
        Self {
            clicks: clicks.iter().map(|c| click(c)).collect(),
            orders: Vec::new(),
            own: BTreeSet::new(),
            token: None,
            final_at: None,
            bought: "甲",
        }
    }

    fn fold(&self, policy: &AttributionPolicy, order: &str) -> Folded {
        let id = OrderId::new("this").unwrap();
        let target = goods(self.bought);
        let question = Question {
            at: at(order),
            order: Some(&id),
            target: &target,
            token: self.token,
            final_at: self.final_at,
            own_promoters: &self.own,
        };
        fold(policy, &question, &self.clicks, &self.orders)
    }

    fn owner(&self, policy: &AttributionPolicy, order: &str) -> String {
        self.fold(policy, order).owner.map_or_else(|| "nobody".to_owned(), |owner| owner.promoter.to_string())
    }
}

fn order(id: &str, when: &str, what: &str) -> PriorOrder {
    PriorOrder {
        at: at(when),
        paid: None,
        order: OrderId::new(id).unwrap(),
        target: goods(what),
        method: None,
    }
}

fn codes(folded: &Folded) -> Vec<String> {
    folded
        .candidates
        .iter()
        .map(|c| {
            let json = serde_json::to_value(&c.verdict).unwrap();
            format!("{} {}", c.promoter, json["code"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn the_last_click_within_the_window_owns_the_order() {
    // what it shows, window in days, clicks, order, owner
    let rows: [(&str, u32, &[&str], &str, &str); 12] = [
        (
            "b came after a, three days before the order",
            15,
            &["a 06-01 10:00:00", "b 06-11 10:00:00"],
            "06-14 10:00:00",
            "b",
        ),
        ("nobody came after a", 15, &["a 06-01 10:00:00"], "06-14 10:00:00", "a"),
        ("the last second of the window", 15, &["a 06-01 10:00:00"], "06-16 09:59:59", "a"),
        ("the window is half-open", 15, &["a 06-01 10:00:00"], "06-16 10:00:00", "nobody"),
        (
            "windows run from whole second to whole second",
            15,
            &["a 06-01 10:00:00.999"],
            "06-16 10:00:00",
            "nobody",
        ),
        (
            "a returned after b",
            15,
            &["a 06-01 10:00:00", "b 06-02 10:00:00", "a 06-03 10:00:00"],
            "06-04 10:00:00",
            "a",
        ),
        (
            "a click after the order does not count",
            15,
            &["a 06-01 09:00:00", "b 06-01 10:00:01.000"],
            "06-01 10:00:00",
            "a",
        ),
        (
            "a click in the second of the order counts",
            15,
            &["a 06-01 09:00:00", "b 06-01 10:00:00.999"],
            "06-01 10:00:00",
            "b",
        ),
        (
            "a's own second click refreshes the window",
            15,
            &["a 06-01 10:00:00", "a 06-10 10:00:00"],
            "06-20 10:00:00",
            "a",
        ),
        (
            "an outlived click does not come back when a later one has outlived too",
            3,
            &["a 06-01 10:00:00", "b 06-02 10:00:00"],
            "06-05 10:00:00",
            "nobody",
        ),
        (
            "a replaced relation does not revive within its own window",
            15,
            &["a 06-01 10:00:00", "b 06-02 10:00:00"],
            "06-17 10:00:00",
            "nobody",
        ),
        ("no click at all: a banner that was only seen does not count", 15, &[], "06-01 10:00:00", "nobody"),
    ];
    for (what, days, clicks, order, expected) in rows {
        assert_eq!(Ask::of(clicks).owner(&window(days), order), expected, "{what}");
    }
}

#[test]
fn a_click_counts_within_its_scope() {
    let first = ["a 06-01 10:00:00 甲", "b 06-02 10:00:00 乙"];
    let rows: [(&str, Scope, &[&str], &str, &str); 10] = [
        ("甲 was clicked through a only", Scope::Product, &first, "甲", "a"),
        ("in the same shop b was later", Scope::Shop, &first, "甲", "b"),
        ("a shop's own link is not one product's", Scope::Product, &["a 06-01 10:00:00 S"], "甲", "nobody"),
        ("a shop's own link counts for the shop", Scope::Shop, &["a 06-01 10:00:00 S"], "甲", "a"),
        ("another shop's click does not count", Scope::Shop, &["a 06-01 10:00:00 丙"], "甲", "nobody"),
        ("on the platform it does", Scope::Platform, &["a 06-01 10:00:00 丙"], "甲", "a"),
        (
            "the product's own click comes first, though b was later",
            Scope::ProductThenShop,
            &first,
            "甲",
            "a",
        ),
        ("b's own product", Scope::ProductThenShop, &first, "乙", "b"),
        (
            "a third product of the shop goes to the last click on the shop",
            Scope::ProductThenShop,
            &first,
            "S",
            "b",
        ),
        (
            "an outlived click on the product leaves the shop's",
            Scope::ProductThenShop,
            &["a 05-01 10:00:00 甲", "b 06-01 10:00:00 乙"],
            "甲",
            "b",
        ),
    ];
    for (what, scope, clicks, bought, expected) in rows {
        let policy = AttributionPolicy { scope, ..window(15) };
        let ask = Ask { bought, ..Ask::of(clicks) };
        assert_eq!(ask.owner(&policy, "06-03 10:00:00"), expected, "{what}");
    }
    let policy = AttributionPolicy { scope: Scope::ProductThenShop, ..window(15) };
    assert_eq!(codes(&Ask::of(&first).fold(&policy, "06-03 10:00:00")), ["a won", "b product_first"]);
}

#[test]
fn a_product_is_one_shops() {
    let mut ask = Ask::of(&["a 06-01 10:00:00 丙"]);
    ask.clicks[0].target.product = goods("甲").product;
    assert_eq!(ask.owner(&window(15), "06-03 10:00:00"), "nobody", "another shop's product of the same id");
}

#[test]
fn a_binding_holds_as_its_policy_says() {
    let never = AttributionPolicy { rebind: Rebind::Never, ..bound() };
    let protected =
        AttributionPolicy { protection: Span::days(7), rebind: Rebind::AfterProtection, ..bound() };
    let from_bind = AttributionPolicy { validity: Validity::FromBind(Span::days(30)), ..bound() };
    let locked_month = AttributionPolicy { rebind: Rebind::Never, ..from_bind.clone() };
    let rows: [(&str, &AttributionPolicy, &[&str], &str, &str); 13] = [
        (
            "permanent: 400 days later, straight into the shop",
            &bound(),
            &["a 06-01 10:00:00"],
            "2021-07-06 10:00:00",
            "a",
        ),
        (
            "b's click takes a's customer over",
            &bound(),
            &["a 06-01 10:00:00", "b 06-02 10:00:00"],
            "07-01 10:00:00",
            "b",
        ),
        (
            "clicking a again brings the customer back",
            &bound(),
            &["a 06-01 10:00:00", "b 06-02 10:00:00", "a 06-03 10:00:00"],
            "07-01 10:00:00",
            "a",
        ),
        (
            "under protection b's click changes nothing",
            &protected,
            &["a 06-01 10:00:00", "b 06-08 09:59:59.999"],
            "07-01 10:00:00",
            "a",
        ),
        (
            "protection is half-open",
            &protected,
            &["a 06-01 10:00:00", "b 06-08 10:00:00"],
            "07-01 10:00:00",
            "b",
        ),
        (
            "a's own click does not refresh the protection",
            &protected,
            &["a 06-01 10:00:00", "a 06-05 10:00:00", "b 06-08 10:00:00"],
            "07-01 10:00:00",
            "b",
        ),
        (
            "a click turned away is not remembered",
            &protected,
            &["a 06-01 10:00:00", "b 06-02 10:00:00"],
            "07-01 10:00:00",
            "a",
        ),
        (
            "the new relation is protected in its turn",
            &protected,
            &["a 06-01 10:00:00", "b 06-09 10:00:00", "a 06-10 10:00:00"],
            "07-01 10:00:00",
            "b",
        ),
        (
            "locked: the first binding stays",
            &never,
            &["a 06-01 10:00:00", "b 06-02 10:00:00", "b 06-03 10:00:00"],
            "07-01 10:00:00",
            "a",
        ),
        (
            "30 days from the binding, not from the last click",
            &from_bind,
            &["a 06-01 10:00:00", "a 06-20 10:00:00"],
            "07-01 10:00:00",
            "nobody",
        ),
        ("the second before", &from_bind, &["a 06-01 10:00:00", "a 06-20 10:00:00"], "07-01 09:59:59", "a"),
        (
            "a click after the end binds anew",
            &from_bind,
            &["a 06-01 10:00:00", "a 07-01 10:00:00"],
            "07-02 10:00:00",
            "a",
        ),
        (
            "a lock ends with its relation",
            &locked_month,
            &["a 06-01 10:00:00", "b 07-01 10:00:00"],
            "07-02 10:00:00",
            "b",
        ),
    ];
    for (what, policy, clicks, order, expected) in rows {
        assert_eq!(Ask::of(clicks).owner(policy, order), expected, "{what}");
    }
}

#[test]
fn a_short_relation_ends_with_its_link() {
    let policy: Policy = Preset::YouzanShort.policy();
    let shared = at("06-01 10:00:00");
    let expires = policy.expires_at(shared, LinkKind::Link);
    assert_eq!(expires, Some(at("06-16 10:00:00")));
    assert_eq!(policy.expires_at(shared, LinkKind::Qr), None);
    let link = |text: &str, link_expires| Click { link_expires, ..click(text) };
    let later = Some(at("06-20 10:00:00"));
    let rows = [
        (
            "clicked and ordered while the link lived",
            vec![link("a 06-02 10:00:00", expires)],
            "06-16 09:59:59",
            "a",
        ),
        (
            "ordered when the link had ended",
            vec![link("a 06-02 10:00:00", expires)],
            "06-16 10:00:00",
            "nobody",
        ),
        (
            "a second link of the same promoter lives longer",
            vec![link("a 06-02 10:00:00", expires), link("a 06-05 10:00:00", later)],
            "06-18 10:00:00",
            "a",
        ),
        (
            "the shorter-lived link clicked last takes nothing away",
            vec![link("a 06-05 10:00:00", later), link("a 06-06 10:00:00", expires)],
            "06-18 10:00:00",
            "a",
        ),
        (
            "a QR code's relation ends with no link",
            vec![Click { qr: true, ..link("a 06-02 10:00:00", expires) }],
            "2022-06-02 10:00:00",
            "a",
        ),
    ];
    for (what, clicks, order, expected) in rows {
        let ask = Ask { clicks, ..Ask::of(&[]) };
        assert_eq!(ask.owner(&policy.attribution, order), expected, "{what}");
    }
}

#[test]
fn an_ineligible_click_never_enters_the_chain() {
    for reason in [
        Ineligible::PromotionCancelled,
        Ineligible::ProductDelisted,
        Ineligible::PromoterDisabled,
        Ineligible::CategoryBanned,
        Ineligible::NoBadge,
        Ineligible::NotConverted,
        Ineligible::Bot,
    ] {
        let mut ask = Ask::of(&["a 06-01 10:00:00", "b 06-02 10:00:00"]);
        ask.clicks[1].ineligible = Some(reason);
        assert_eq!(codes(&ask.fold(&window(15), "06-03 10:00:00")), ["a won", "b ineligible"], "{reason:?}");
    }
}

#[test]
fn a_promoter_who_buys_through_their_own_link() {
    let rows = [
        ("counts like any other", SelfPurchase::Allow, "a"),
        ("is ignored: the earlier promoter stays last", SelfPurchase::Ignore, "c"),
        ("owns the order, which then earns nothing", SelfPurchase::Deny, "a"),
    ];
    for (what, self_purchase, expected) in rows {
        let policy = AttributionPolicy { self_purchase, ..window(15) };
        let ask = Ask {
            own: BTreeSet::from([promoter("a")]),
            ..Ask::of(&["c 06-01 10:00:00", "a 06-02 10:00:00"])
        };
        assert_eq!(ask.owner(&policy, "06-03 10:00:00"), expected, "{what}");
    }
    let protected = AttributionPolicy { protection: Span::days(7), ..bound() };
    let became = |clicks: &[&str]| Ask { own: BTreeSet::from([promoter("c")]), ..Ask::of(clicks) };
    let during = became(&["a 06-01 10:00:00", "c 06-04 10:00:00"]);
    assert_eq!(
        during.owner(&protected, "06-04 11:00:00"),
        "a",
        "a customer who becomes a salesperson is protected"
    );
    let after = became(&["a 06-01 10:00:00", "c 06-08 10:00:00"]);
    assert_eq!(after.owner(&protected, "06-08 11:00:00"), "c", "after the protection the same act counts");
}

#[test]
fn a_token_on_the_order_forgives_a_slow_clock() {
    let ask = |token: bool, clicked: &str| {
        let mut ask = Ask::of(&["a 06-01 09:00:00", &format!("b 06-01 {clicked}")]);
        ask.token = token.then(|| ask.clicks[1].id);
        ask.owner(&window(15), "06-01 10:00:00")
    };
    let rows = [
        ("five seconds, with the token", true, "10:00:05.999", "b"),
        ("six seconds, with the token", true, "10:00:06", "a"),
        ("one second, without the token", false, "10:00:01", "a"),
    ];
    for (what, token, clicked, expected) in rows {
        assert_eq!(ask(token, clicked), expected, "{what}");
    }
    // A token has no precedence: a later click without one still owns the order.
    let mut ask = Ask::of(&["a 06-01 09:00:00", "b 06-01 09:30:00"]);
    ask.token = Some(ask.clicks[0].id);
    assert_eq!(ask.owner(&window(15), "06-01 10:00:00"), "b");
}

#[test]
fn a_late_click_counts_until_the_decision_is_final() {
    let order = "06-03 10:00:00";
    let rows = [
        ("ingested five hours after the order", "06-03 15:00:00", "b", "won"),
        ("ingested in the last second of the grace", "06-06 09:59:59", "b", "won"),
        ("ingested 72 hours and a second after the order", "06-06 10:00:01", "a", "late_after_final"),
    ];
    for (what, ingested, expected, code) in rows {
        let mut ask = Ask::of(&["a 06-01 10:00:00", "b 06-02 10:00:00"]);
        ask.clicks[1].ingested = at(ingested);
        ask.final_at = Some(at(order).plus(72 * HOUR_MS));
        assert_eq!(ask.owner(&window(15), order), expected, "{what}");
        assert_eq!(codes(&ask.fold(&window(15), order))[1], format!("b {code}"), "{what}");
    }
}

#[test]
fn an_edge_whose_clock_runs_ahead_gains_nothing() {
    let mut ask = Ask::of(&["a 06-01 10:00:00", "b 06-01 09:00:00"]);
    ask.clicks[1].received = at("06-01 10:30:00");
    assert_eq!(ask.owner(&window(15), "06-01 11:00:00"), "a");
}

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

#[test]
fn links_to_content_last_as_long_as_their_own_rule_says() {
    // Product links last 30 days. Those that lead to a shop or a live room last 3, and 30 from an order on.
    let policy = AttributionPolicy {
        scope: Scope::Shop,
        content: Some(ContentWindow { validity: Span::days(3), extend_on_order: Some(Span::days(30)) }),
        ..window(30)
    };
    // clicks, earlier order, the order's instant, its owner
    let rows = [
        (&["a 06-01 10:00:00 甲"][..], None, "07-01 09:59:59", "a"),
        (&["a 06-01 10:00:00 S"], None, "06-04 09:59:59", "a"),
        (&["a 06-01 10:00:00 S"], None, "06-04 10:00:00", "nobody"),
        (&["a 06-01 10:00:00 S"], Some("06-02 10:00:00"), "07-02 09:59:59", "a"),
        (&["a 06-01 10:00:00 S"], Some("06-02 10:00:00"), "07-02 10:00:00", "nobody"),
        (&["a 06-01 10:00:00 甲"], Some("06-20 10:00:00"), "07-01 10:00:00", "nobody"),
        (&["a 06-01 10:00:00 甲", "a 06-02 10:00:00 S"], None, "06-20 10:00:00", "a"),
    ];
    for (clicks, earlier, when, owner) in rows {
        let mut ask = Ask::of(clicks);
        ask.orders.extend(earlier.map(|at| order("earlier", at, "甲")));
        assert_eq!(ask.owner(&policy, when), owner, "{clicks:?}, {earlier:?}, {when}");
    }
}

#[test]
fn every_click_has_its_verdict_and_every_relation_its_end() {
    let ask = Ask::of(&["a 06-01 10:00:00", "a 06-02 10:00:00", "b 06-03 10:00:00", "c 06-30 10:00:00"]);
    let folded = ask.fold(&window(15), "06-10 10:00:00");
    assert_eq!(codes(&folded), ["a repeat_of_owner", "a replaced", "b won", "c after_order"]);
    assert_eq!(folded.earlier.len(), 1);
    let lost = &folded.earlier[0];
    assert_eq!(lost.promoter, promoter("a"));
    assert_eq!(lost.ended.as_ref().unwrap().0, at("06-03 10:00:00"));
    let owner = folded.owner.unwrap();
    assert_eq!((owner.bound_at, owner.ends), (at("06-03 10:00:00"), Some(at("06-18 10:00:00"))));
    let first = Ask::of(&["a 06-01 10:00:00", "a 06-02 10:00:00"]).fold(&bound(), "06-10 10:00:00");
    assert_eq!(codes(&first), ["a won", "a repeat_of_owner"], "a binding is shown by the click that made it");
}

fn any_policy() -> impl Strategy<Value = AttributionPolicy> {
    let validity = prop_oneof![
        Just(Validity::Permanent),
        (1u32..9).prop_map(|d| Validity::FromLastClick(Span::days(d))),
        (1u32..9).prop_map(|d| Validity::FromBind(Span::days(d))),
        Just(Validity::UntilLinkExpiry),
    ];
    let scope = prop_oneof![
        Just(Scope::Product),
        Just(Scope::Shop),
        Just(Scope::Platform),
        Just(Scope::ProductThenShop)
    ];
    let rebind = prop_oneof![Just(Rebind::AnyClick), Just(Rebind::AfterProtection), Just(Rebind::Never)];
    let model = prop_oneof![Just(Model::LastClick), Just(Model::Binding)];
    let own = prop_oneof![Just(SelfPurchase::Allow), Just(SelfPurchase::Ignore), Just(SelfPurchase::Deny)];
    (validity, scope, rebind, model, own, 0u32..4, any::<bool>(), proptest::option::of(1u32..9)).prop_map(
        |(validity, scope, rebind, model, self_purchase, days, close_on_order, extend)| AttributionPolicy {
            validity,
            scope,
            rebind,
            model,
            self_purchase,
            protection: Span::days(days),
            close_on_order,
            extend_on_order: extend.map(Span::days),
            ..AttributionPolicy::default()
        },
    )
}

fn any_click() -> impl Strategy<Value = Click> {
    // Few promoters and few instants, so that ties in time and repeated ids are common.
    ("[abc]", 1u32..20, 0u32..3, "[甲乙丙S]", any::<bool>(), 0u32..6, 0u8..3).prop_map(
        |(who, day, second, target, qr, lag, tie)| {
            let mut click = click(&format!("{who} 06-{day:02} 10:00:0{second} {target}"));
            click.id.0[14] = tie;
            click.ingested = click.ingested.plus(i64::from(lag) * 12 * HOUR_MS);
            click.qr = qr;
            click.link_expires = Some(click.received.plus(4 * 24 * HOUR_MS));
            click.evidence = if lag == 4 { Evidence::TokenOnly } else { Evidence::Journal };
            click.ineligible = (lag == 5).then_some(Ineligible::Bot);
            click
        },
    )
}

proptest! {
    #[test]
    fn neither_the_order_of_arrival_nor_repetition_changes_anything(
        policy in any_policy(),
        clicks in proptest::collection::vec(any_click(), 0..14),
        shuffled in any::<proptest::sample::Index>(),
        repeated in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
    ) {
        let orders = vec![order("one", "06-05 10:00:01", "甲"), order("two", "06-12 10:00:00", "乙")];
        let own = BTreeSet::from([promoter("b")]);
        let ask = Ask { clicks: clicks.clone(), orders, own, final_at: Some(at("06-18 10:00:00")), ..Ask::of(&[]) };
        let expected = ask.fold(&policy, "06-16 10:00:00");
        let mut other = clicks.clone();
        if !clicks.is_empty() {
            other.extend(repeated.iter().map(|i| i.get(&clicks).clone()));
            let len = other.len();
            other.rotate_left(shuffled.index(len));
            other.reverse();
        }
        let mut orders = ask.orders.clone();
        orders.reverse();
        orders.extend(ask.orders.clone());
        let again = Ask { clicks: other, orders, ..ask };
        prop_assert_eq!(&again.fold(&policy, "06-16 10:00:00"), &expected);
        // Exactly one click shows the owner, and it is the owner's.
        let winners: Vec<_> = expected.candidates.iter().filter(|c| c.verdict == Verdict::Won).collect();
        prop_assert_eq!(winners.len(), usize::from(expected.owner.is_some()));
        if let Some(owner) = &expected.owner {
            prop_assert_eq!(&winners[0].promoter, &owner.promoter);
            prop_assert_eq!(winners[0].click, owner.click);
        }
    }
}
