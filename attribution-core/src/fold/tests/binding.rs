//! A relation that holds: protection, locks, and how long.

use super::*;
use crate::policy::attribution::Rebind;
use crate::policy::{LinkKind, Policy, Preset};

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
