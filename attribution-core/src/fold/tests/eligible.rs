//! Clicks that do not count, and promoters who buy themselves.

use super::*;
use crate::testing::promoter;

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
