//! The claim in a browser and the core's fold tell the same story: after any clicks of one browser, delivered in
//! time and all eligible, the cookie's holder is the fold's owner. Where they differ, the core is right, but buyers
//! and promoters would see two answers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use attribution_core::catalogue::{LinkFlags, LinkRow, LinkSeconds, PromoterRow, TargetKind, TargetRow};
use attribution_core::click::ClickId;
use attribution_core::code::Code;
use attribution_core::decide::{ClaimAction, RequestFacts, Resolved, decide};
use attribution_core::fold::{Click, ClickTarget, Evidence, Question, fold};
use attribution_core::ids::{
    MerchantId, PlacementId, PlacementNum, PlatformId, ProgrammeId, ProgrammeNum, PromoterId, PromoterNum,
    TargetNum,
};
use attribution_core::outcome::Outcome;
use attribution_core::policy::attribution::{Rebind, Scope, Validity};
use attribution_core::policy::{AttributionPolicy, Policy};
use attribution_core::time::{HOUR_MS, Instant, Span};
use attribution_core::token::ClaimToken;
use proptest::prelude::*;
use std::collections::BTreeSet;

const START: i64 = 1_600_000_000_000;

#[derive(Debug, Clone)]
struct Tap {
    after_ms: i64,
    promoter: u32,
    link_life_hours: Option<u32>,
    qr: bool,
}

fn tap() -> impl Strategy<Value = Tap> {
    // Some taps follow within the same second, some after days; links often die between two taps.
    let gap = prop_oneof![1i64..2_000, (1i64..60).prop_map(|h| h * HOUR_MS)];
    (gap, 1u32..4, proptest::option::of(1u32..200), any::<bool>())
        .prop_map(|(after_ms, promoter, link_life_hours, qr)| Tap { after_ms, promoter, link_life_hours, qr })
}

fn policy() -> impl Strategy<Value = Policy> {
    let validity = prop_oneof![
        Just(Validity::Permanent),
        (1u32..100).prop_map(|h| Validity::FromLastClick(Span::hours(h))),
        (1u32..100).prop_map(|h| Validity::FromBind(Span::hours(h))),
        Just(Validity::UntilLinkExpiry),
    ];
    let rebind = prop_oneof![Just(Rebind::AnyClick), Just(Rebind::AfterProtection), Just(Rebind::Never)];
    (validity, rebind, 0u32..100).prop_map(|(validity, rebind, protection)| Policy {
        attribution: AttributionPolicy {
            scope: Scope::Shop,
            validity,
            rebind,
            protection: Span::hours(protection),
            ..AttributionPolicy::default()
        },
        ..Policy::default()
    })
}

/// The browser: each tap is decided by an edge that sees the claim made before.
fn browser(policy: &Policy, taps: &[(Instant, ClickId, &Tap)], at: Instant) -> Option<u32> {
    let programme = policy.programme_row(ProgrammeNum(1), ProgrammeId::new("prog").unwrap());
    let target =
        TargetRow { kind: TargetKind::Shop, ..TargetRow::product(TargetNum(1), "https://shop.example/", "") };
    let mut claim: Option<ClaimToken> = None;
    for (now, id, tap) in taps {
        claim = claim.filter(|claim| *now < claim.expires);
        let link = link(*now, tap);
        let promoter = PromoterRow { num: PromoterNum(tap.promoter), disabled_from: None };
        let resolved =
            Resolved { link: &link, target: &target, promoter: &promoter, programme: &programme, bans: &[] };
        let decision = decide(&resolved, &RequestFacts::default(), claim.as_ref(), false, *now);
        assert_eq!(decision.outcome, Outcome::Attributed);
        if let ClaimAction::Write { protected_until, expires } = decision.claim {
            claim = Some(ClaimToken {
                programme: ProgrammeNum(1),
                promoter: promoter.num,
                placement: PlacementNum(1),
                click: *id,
                clicked: *now,
                protected_until,
                expires,
                audience: 0,
            });
        }
    }
    claim.filter(|claim| at < claim.expires).map(|claim| claim.promoter.0)
}

fn link(now: Instant, tap: &Tap) -> LinkRow {
    let expires = tap.link_life_hours.filter(|_| !tap.qr);
    LinkRow {
        code: Code(1),
        placement: PlacementNum(1),
        target: TargetNum(1),
        starts: LinkSeconds::NONE,
        expires: expires
            .map_or(LinkSeconds::NONE, |h| LinkSeconds::from_instant(now.plus(i64::from(h) * HOUR_MS))),
        flags: if tap.qr { LinkFlags::QR } else { LinkFlags::default() },
    }
}

fn core(policy: &Policy, taps: &[(Instant, ClickId, &Tap)], at: Instant) -> Option<u32> {
    let shop = ClickTarget {
        platform: PlatformId::new("P").unwrap(),
        merchant: MerchantId::new("S").unwrap(),
        product: None,
    };
    let clicks: Vec<Click> = taps
        .iter()
        .map(|(now, id, tap)| Click {
            id: *id,
            received: *now,
            ingested: now.plus(5_000),
            promoter: PromoterId::new(tap.promoter.to_string()).unwrap(),
            placement: PlacementId::new("p").unwrap(),
            target: shop.clone(),
            link_expires: link(*now, tap).expires.instant(),
            qr: tap.qr,
            ineligible: None,
            evidence: Evidence::Journal,
        })
        .collect();
    let nobody = BTreeSet::new();
    let question =
        Question { at, order: None, target: &shop, token: None, final_at: None, own_promoters: &nobody };
    let owner = fold(&policy.attribution, &question, &clicks, &[]).owner;
    owner.map(|owner| owner.promoter.as_str().parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn the_cookies_holder_is_the_folds_owner(
        policy in policy(),
        taps in proptest::collection::vec(tap(), 1..8),
        later in prop_oneof![0i64..2_000, (0i64..100).prop_map(|h| h * HOUR_MS)],
    ) {
        let mut now = START;
        let dated: Vec<(Instant, ClickId, &Tap)> = taps
            .iter()
            .enumerate()
            .map(|(n, tap)| {
                now += tap.after_ms;
                (Instant(now), ClickId([u8::try_from(n).unwrap(); 16]), tap)
            })
            .collect();
        // Orders carry whole seconds.
        let order = Instant(now + later).floor().plus(1_000);
        prop_assert_eq!(browser(&policy, &dated, order), core(&policy, &dated, order));
    }
}
