//! The last click within window and scope owns the order.

use super::*;
use crate::policy::attribution::ContentWindow;
use crate::testing::promoter;

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
