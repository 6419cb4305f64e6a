//! Keys change while browsers carry what was signed with the old ones.

use crate::http::{Answer, Client};
use crate::world::{
    EDGE, World, click_keys, config, keys, link, master, path, placement, programme, promoter,
};
use attribution_core::catalogue::{Change, LinkRow, Rebind};
use attribution_core::ids::PlacementNum;
use attribution_core::record::{ClickFlags, ClickRecord};
use attribution_core::time::DAY_MS;
use attribution_core::token::{BrowserKeys, ClickKeys, ClickToken, MasterKey};
use redirector::{Edge, EdgeKeys};
use std::sync::Arc;

const BROWSERS: usize = 200;
const AT_ONCE: usize = 4;

fn generation(number: u16) -> MasterKey {
    if number == 1 { master() } else { MasterKey::new(number, [u8::try_from(number).unwrap(); 32]) }
}

fn rotated(current: u16) -> EdgeKeys {
    EdgeKeys {
        browser: BrowserKeys::derive(&generation(current), Some(&generation(current - 1))),
        click: ClickKeys::edge_key(&generation(current), EDGE),
        ..keys()
    }
}

fn carried(answer: &Answer) -> String {
    let pairs: Vec<_> = answer.cookies().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("; ")
}

fn token(answer: &Answer, keys: &ClickKeys) -> ClickToken {
    let text = answer.location().split_once("yk_click=").unwrap().1;
    ClickToken::open(text.as_bytes(), keys).unwrap()
}

/// How many clicks of this start found a cookie that did not verify.
fn bad_cookies(world: &World) -> usize {
    let mut bad = 0;
    world.with_records(|record: &ClickRecord<'_>| {
        bad += usize::from(record.flags.has(ClickFlags::BAD_COOKIE));
    });
    bad
}

/// The same edge again, with other keys.
fn again(world: World, keys: EdgeKeys) -> World {
    let (report, core, dir) = world.shutdown();
    assert!(report.drained, "{report:?}");
    let link: Arc<dyn redirector::core_link::CoreLink> = Arc::<crate::world::Core>::clone(&core);
    World { edge: Edge::start(config(&dir), keys, link).unwrap(), core, dir }
}

#[test]
fn a_rotation_under_load_rejects_no_good_cookie() {
    let world = World::new([]);
    let first: Vec<_> = (0..BROWSERS)
        .map(|_| {
            let answer = world.get(&path(1), &[]);
            (carried(&answer), token(&answer, &click_keys()))
        })
        .collect();

    let world = again(world, rotated(2));
    let address = world.edge.address();
    let both = ClickKeys::new(vec![generation(1), generation(2)]);
    std::thread::scope(|scope| {
        for part in first.chunks(BROWSERS / AT_ONCE) {
            let both = &both;
            scope.spawn(move || {
                let mut client = Client::connect(address);
                for (cookies, before) in part {
                    let answer = client.request("GET", &path(1), &[("cookie", cookies)]);
                    assert_eq!(token(&answer, both).visitor, before.visitor, "the same visitor as before");
                    for name in ["yk_v", "yk_c_p1"] {
                        let cookie = answer.cookie(name).unwrap();
                        assert!(cookie.starts_with("v1.g2."), "signed anew: {cookie}");
                    }
                }
            });
        }
    });
    assert_eq!(bad_cookies(&world), 0);
    let renewed = carried(&world.get(&path(1), &[("cookie", &first[1].0)]));

    // Two rotations later the old key has been taken back: what it signed counts as none. Who came in between stays known.
    let world = again(world, rotated(3));
    let third = ClickKeys::new(vec![generation(3)]);
    let answer = world.get(&path(1), &[("cookie", &first[0].0)]);
    assert_ne!(token(&answer, &third).visitor, first[0].1.visitor);
    assert_eq!(bad_cookies(&world), 1);
    let answer = world.get(&path(1), &[("cookie", &renewed)]);
    assert_eq!(token(&answer, &third).visitor, first[1].1.visitor);
    assert_eq!(bad_cookies(&world), 1);
}

#[test]
fn a_protected_claim_outlives_two_rotations() {
    let mut protects = programme(1);
    (protects.rebind, protects.protection_ms) = (Rebind::AfterProtection, 7 * DAY_MS);
    let rival = Change::Link(LinkRow { placement: PlacementNum(2), ..link(2) });
    let world = World::new([Change::Programme(protects), promoter(2), placement(2, 2, 1), rival]);
    let bound = world.get(&path(1), &[]);
    let world = again(world, rotated(2));
    let kept = world.get(&path(2), &[("cookie", &carried(&bound))]);
    let life = |answer: &Answer| -> i64 {
        let line = answer.all("set-cookie").into_iter().find(|line| line.starts_with("yk_c_p1=")).unwrap();
        line.split_once("Max-Age=").unwrap().1.split(';').next().unwrap().parse().unwrap()
    };
    assert!((0..=10).contains(&(life(&bound) - life(&kept))), "the same claim, not a longer one");
    let world = again(world, rotated(3));
    world.get(&path(2), &[("cookie", &carried(&kept))]);
    let prior = {
        let mut prior = Vec::new();
        world.with_records(|record| prior.push(record.prior_claim));
        prior[0]
    };
    assert_eq!(prior, token(&bound, &click_keys()).click, "still the first promoter's");
}
