use super::*;
use crate::catalogue::{ClaimEnd, LinkSeconds};
use crate::click::ClickId;
use crate::code::Code;
use crate::ids::{CategoryNum, PlacementNum, ProgrammeId, ProgrammeNum, PromoterNum, TargetNum};

struct World {
    link: LinkRow,
    target: TargetRow,
    promoter: PromoterRow,
    programme: ProgrammeRow,
    bans: Vec<BanRow>,
}

const NOW: Instant = Instant(1_000_000_000);

impl World {
    fn new() -> Self {
        Self {
            link: LinkRow::endless(Code(1), PlacementNum(1), TargetNum(1)),
            target: TargetRow::product(TargetNum(1), "https://shop.example/1", "保温杯"),
            promoter: PromoterRow { num: PromoterNum(1), disabled_from: None },
            programme: ProgrammeRow::lax(ProgrammeNum(1), ProgrammeId::new("p").unwrap(), 15 * DAY_MS),
            bans: Vec::new(),
        }
    }

    fn decide(&self, request: RequestFacts, prior: Option<&ClaimToken>) -> Decision {
        let resolved = Resolved {
            link: &self.link,
            target: &self.target,
            promoter: &self.promoter,
            programme: &self.programme,
            bans: &self.bans,
        };
        decide(&resolved, &request, prior, false, NOW)
    }
}

#[test]
fn everything_at_once_gives_the_first_rule_that_matches() {
    // All reasons hold at the same time; they are taken away one by one, in the order of the outcomes' table.
    let mut world = World::new();
    world.target.cancelled_from = Some(NOW);
    world.target.delisted_from = Some(NOW);
    world.link.expires = LinkSeconds(1);
    world.link.starts = LinkSeconds(4_000_000_000);
    world.promoter.disabled_from = Some(NOW);
    world.bans = vec![BanRow {
        category: CategoryNum(1),
        programme: None,
        effective_from: NOW,
        effective_to: Some(NOW.plus(1)),
    }];
    let mut request = RequestFacts {
        head: true,
        prefetch: true,
        agent: AgentClass::PreviewCrawler,
        fetch: FetchMetadata::Subresource,
        privacy_signal: true,
    };
    let mut seen = Vec::new();
    let takes: [fn(&mut World, &mut RequestFacts); 11] = [
        |w, _| w.target.cancelled_from = None,
        |w, _| w.target.delisted_from = None,
        |w, _| w.link.expires = LinkSeconds::NONE,
        |w, _| w.link.starts = LinkSeconds::NONE,
        |_, r| r.head = false,
        |_, r| r.prefetch = false,
        |_, r| r.agent = AgentClass::Bot,
        |_, r| r.fetch = FetchMetadata::Absent,
        |_, r| r.agent = AgentClass::Person,
        |w, _| w.promoter.disabled_from = None,
        |w, _| w.bans[0].effective_to = Some(NOW),
    ];
    for take in takes {
        seen.push(world.decide(request, None).outcome);
        take(&mut world, &mut request);
    }
    seen.push(world.decide(request, None).outcome);
    assert_eq!(seen, Outcome::ALL[4..]);
}

#[test]
fn an_instant_that_is_reached_counts_and_the_millisecond_before_does_not() {
    let mut world = World::new();
    world.target.cancelled_from = Some(NOW.plus(1));
    assert_eq!(world.decide(RequestFacts::default(), None).outcome, Outcome::Attributed);
    world.target.cancelled_from = Some(NOW);
    assert_eq!(world.decide(RequestFacts::default(), None).outcome, Outcome::PromotionCancelled);
}

fn claim(promoter: u32, protected_until: Instant) -> ClaimToken {
    ClaimToken {
        programme: ProgrammeNum(1),
        promoter: PromoterNum(promoter),
        placement: PlacementNum(9),
        click: ClickId::default(),
        clicked: NOW.plus(-1_000),
        protected_until,
        expires: NOW.plus(DAY_MS),
        audience: 0,
    }
}

#[test]
fn a_protected_claim_of_another_promoter_stays() {
    let mut world = World::new();
    world.programme.rebind = Rebind::AfterProtection;
    world.programme.protection_ms = 7 * DAY_MS;
    let others = claim(2, NOW.plus(1));
    assert_eq!(world.decide(RequestFacts::default(), Some(&others)).claim, ClaimAction::Keep);
    let over = claim(2, NOW);
    assert!(matches!(world.decide(RequestFacts::default(), Some(&over)).claim, ClaimAction::Write { .. }));
}

#[test]
fn the_owners_own_click_does_not_refresh_the_protection() {
    let mut world = World::new();
    world.programme.rebind = Rebind::AfterProtection;
    world.programme.protection_ms = 7 * DAY_MS;
    let own = claim(1, NOW.plus(5));
    let ClaimAction::Write { protected_until, expires } =
        world.decide(RequestFacts::default(), Some(&own)).claim
    else {
        panic!("own claim is renewed")
    };
    assert_eq!((protected_until, expires), (NOW.plus(5), NOW.plus(15 * DAY_MS)));
}

#[test]
fn a_permanent_claim_is_capped_at_what_browsers_keep() {
    let mut world = World::new();
    world.programme.claim_life_ms = i64::MAX;
    let ClaimAction::Write { expires, .. } = world.decide(RequestFacts::default(), None).claim else {
        panic!("a claim is written")
    };
    assert_eq!(expires, NOW.plus(COOKIE_LIFE_MAX_MS));
}

fn written_end(world: &World, prior: Option<&ClaimToken>) -> Instant {
    match world.decide(RequestFacts::default(), prior).claim {
        ClaimAction::Write { expires, .. } => expires,
        other => panic!("a claim is written, not {other:?}"),
    }
}

#[test]
fn a_claim_ends_as_its_policy_says() {
    let link_end = LinkSeconds(u32::try_from(NOW.floor_seconds()).unwrap() + 60);
    let own = claim(1, NOW);
    let longer = ClaimToken { expires: NOW.plus(2 * DAY_MS), ..own };
    let rows = [
        // when it ends, the link ends in a minute, QR, the browser's own claim, the end written
        (ClaimEnd::FromClick, false, false, Some(&own), NOW.plus(15 * DAY_MS)),
        (ClaimEnd::FromBind, false, false, None, NOW.plus(15 * DAY_MS)),
        (ClaimEnd::FromBind, false, false, Some(&own), own.expires),
        (ClaimEnd::WithLink, true, false, None, NOW.plus(60_000)),
        (ClaimEnd::WithLink, true, false, Some(&longer), longer.expires),
        (ClaimEnd::WithLink, true, true, None, NOW.plus(15 * DAY_MS)),
        (ClaimEnd::WithLink, false, false, None, NOW.plus(15 * DAY_MS)),
    ];
    for (end, dying, qr, prior, expected) in rows {
        let mut world = World::new();
        world.programme.claim_end = end;
        world.link.expires = if dying { link_end } else { LinkSeconds::NONE };
        world.link.flags = if qr { LinkFlags::QR } else { LinkFlags::default() };
        assert_eq!(written_end(&world, prior), expected, "{end:?} dying {dying} qr {qr}");
    }
}

#[test]
fn a_claim_of_another_programme_neither_keeps_nor_is_renewed() {
    let mut world = World::new();
    world.programme.protection_ms = 7 * DAY_MS;
    let other = ClaimToken { programme: ProgrammeNum(2), ..claim(2, NOW.plus(DAY_MS)) };
    assert!(matches!(world.decide(RequestFacts::default(), Some(&other)).claim, ClaimAction::Write { .. }));
    let own_promoter = ClaimToken { promoter: PromoterNum(1), ..other };
    let ClaimAction::Write { protected_until, .. } =
        world.decide(RequestFacts::default(), Some(&own_promoter)).claim
    else {
        panic!("written")
    };
    assert_eq!(protected_until, NOW.plus(7 * DAY_MS));
}
