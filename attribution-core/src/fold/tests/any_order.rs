//! Neither the order in which clicks arrive nor their repetition changes an answer.

use super::*;
use crate::policy::attribution::Rebind;
use crate::testing::promoter;
use crate::time::HOUR_MS;
use proptest::prelude::*;

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
