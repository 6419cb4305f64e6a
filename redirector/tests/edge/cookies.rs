//! Round trips of the cookies: what a browser carries away, brings back, and what becomes of it.

use crate::http::Answer;
use crate::world::{World, click_keys, keys, link, path, placement, programme, promoter};
use attribution_core::catalogue::{Change, LinkRow, Rebind};
use attribution_core::click::ClickId;
use attribution_core::code::Code;
use attribution_core::ids::{PlacementNum, ProgrammeNum, PromoterNum};
use attribution_core::record::ClickFlags;
use attribution_core::time::DAY_MS;
use attribution_core::token::{ClaimToken, ClickToken, VisitorToken};
use redirector::clock;

/// The cookie header of a browser that took all cookies of an answer.
fn carried(answer: &Answer) -> String {
    let pairs: Vec<_> = answer.cookies().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("; ")
}

fn claim(answer: &Answer, name: &str) -> ClaimToken {
    // The audience is a hash of the host; `open` is asked with each token's own by the core, with ours here.
    let text = answer.cookie(name).expect("a claim");
    let audience = xxhash_rust::xxh3::xxh3_64(b"127.0.0.1") & 0xffff_ffff;
    let audience = u32::try_from(audience).unwrap();
    ClaimToken::open(text.as_bytes(), &keys().browser, audience, clock::now()).unwrap()
}

fn click_token(answer: &Answer) -> ClickToken {
    let text = answer.location().split("yk_click=").nth(1).unwrap();
    ClickToken::open(text.as_bytes(), &click_keys()).unwrap()
}

#[test]
fn the_tokens_of_an_answer_name_its_record() {
    let world = World::new([]);
    let answer = world.get(&path(1), &[]);
    let (claim, click) = (claim(&answer, "yk_c_p1"), click_token(&answer));
    assert_eq!(claim.click, click.click);
    assert_eq!((claim.promoter, claim.programme), (PromoterNum(1), ProgrammeNum(1)));
    assert_eq!((click.click.sequence(), click.unjournaled), (0, false));
    let visitor = answer.cookie("yk_v").unwrap();
    let visitor = VisitorToken::open_any_domain(visitor.as_bytes(), &keys().browser, clock::now()).unwrap();
    assert_eq!(visitor.visitor, click.visitor);
    world.with_records(|record| assert_eq!(record.visitor, click.visitor));
    for line in answer.all("set-cookie") {
        assert!(line.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{line}");
    }
    assert!(answer.all("set-cookie")[1].contains("Max-Age=12959"), "15 days: {answer:?}");
}

#[test]
fn a_planted_cookie_does_not_hide_the_good_one() {
    let world = World::new([]);
    let first = world.get(&path(1), &[]);
    let cookies = format!("yk_v=junk; yk_c_p1=v1.1.a.b; {}", carried(&first));
    let second = world.get(&path(1), &[("cookie", &cookies)]);
    assert_eq!(click_token(&second).visitor, click_token(&first).visitor);
    let mut seen = Vec::new();
    world.with_records(|record| seen.push((record.flags.has(ClickFlags::BAD_COOKIE), record.prior_claim)));
    assert_eq!(seen[1], (true, click_token(&first).click), "the bad one is noted, the good one counts");
}

#[test]
fn a_returning_visitor_keeps_its_name() {
    let world = World::new([]);
    let first = world.get(&path(1), &[]);
    let second = world.get(&path(1), &[("cookie", &carried(&first))]);
    assert_eq!(second.cookie("yk_v"), None, "still fresh");
    assert_eq!(click_token(&second).visitor, click_token(&first).visitor);
    let third = world.get(&path(1), &[("cookie", &carried(&first))]);
    assert_eq!(third.status, 302);
    let mut flags = Vec::new();
    world.with_records(|record| flags.push((record.flags, record.prior_claim)));
    assert!(!flags[0].0.has(ClickFlags::RETURNING_VISITOR));
    assert!(flags[1].0.has(ClickFlags::RETURNING_VISITOR) && !flags[1].0.has(ClickFlags::MAYBE_REPEAT));
    assert!(flags[2].0.has(ClickFlags::MAYBE_REPEAT));
    assert_eq!(flags[1].1, click_token(&first).click);
}

#[test]
fn a_protected_claim_is_kept_and_a_free_one_replaced() {
    let mut protects = programme(1);
    protects.rebind = Rebind::AfterProtection;
    protects.protection_ms = 7 * DAY_MS;
    let rival = LinkRow { placement: PlacementNum(2), ..link(2) };
    let world =
        World::new([Change::Programme(protects), promoter(2), placement(2, 2, 1), Change::Link(rival)]);
    let first = world.get(&path(1), &[]);
    let cookie = carried(&first);
    let kept = world.get(&path(2), &[("cookie", &cookie)]);
    assert_eq!(kept.cookie("yk_c_p1"), None);
    assert_eq!(click_token(&kept).promoter, PromoterNum(2), "the click itself is the rival's");
    world.tell([Change::Programme(programme(1))]);
    let replaced = world.get(&path(2), &[("cookie", &cookie)]);
    assert_eq!(claim(&replaced, "yk_c_p1").promoter, PromoterNum(2));
}

#[test]
fn forged_and_foreign_tokens_count_as_none() {
    let world = World::new([]);
    let first = world.get(&path(1), &[]);
    let (visitor, claim) = (first.cookie("yk_v").unwrap(), first.cookie("yk_c_p1").unwrap());
    let mut flipped = visitor.clone().into_bytes();
    *flipped.last_mut().unwrap() ^= 1;
    let flipped = String::from_utf8(flipped).unwrap();
    let hostile = [
        format!("yk_v={flipped}"),
        format!("yk_v={}", &visitor[..visitor.len() - 2]),
        format!("yk_v={claim}"),
        format!("yk_c_p1={visitor}"),
        "yk_v=".to_owned(),
        format!("yk_v=v1.{}", "A".repeat(5_000)),
    ];
    for cookie in &hostile {
        let answer = world.get(&path(1), &[("cookie", cookie)]);
        assert!(answer.cookie("yk_v").is_some() && answer.cookie("yk_c_p1").is_some(), "{cookie}");
        assert_ne!(click_token(&answer).visitor, click_token(&first).visitor);
    }
    let mut bad = 0;
    world.with_records(|record| bad += usize::from(record.flags.has(ClickFlags::BAD_COOKIE)));
    assert_eq!(bad, hostile.len());
}

#[test]
fn a_cookie_that_was_transplanted_or_kept_too_long_counts_as_none() {
    let two = [
        Change::Programme(programme(2)),
        placement(2, 1, 2),
        Change::Link(LinkRow { placement: PlacementNum(2), ..link(2) }),
    ];
    let world = World::with(two, |config| {
        config.public_base = "https://one.example/".parse().unwrap();
        config.hosts = vec!["two.example".to_owned()];
    });
    let tap = |host: &str, body: u64, cookies: &str| {
        let answer = world.get(&path(body), &[("host", host), ("cookie", cookies)]);
        assert_eq!(answer.status, 302, "{cookies}");
        let mut seen = Vec::new();
        world
            .with_records(|record| seen.push((record.prior_claim, record.flags.has(ClickFlags::BAD_COOKIE))));
        (click_token(&answer).visitor, *seen.last().unwrap())
    };
    let first = world.get(&path(1), &[("host", "one.example")]);
    let (visitor, claimed) = (click_token(&first).visitor, click_token(&first).click);
    let jar = carried(&first);
    assert_eq!(tap("one.example", 1, &jar), (visitor, (claimed, false)), "its own, in its own place");

    let (stranger, seen) = tap("two.example", 1, &jar);
    assert_ne!(stranger, visitor, "a visitor of one domain is nobody on another");
    assert_eq!(seen, (ClickId::default(), true), "and its claim none");
    let moved = jar.replace("yk_c_p1=", "yk_c_p2=");
    assert_eq!(
        tap("one.example", 2, &moved),
        (visitor, (ClickId::default(), true)),
        "another programme's claim"
    );

    // Signed by us, and over since a moment ago, whatever the browser was told to forget.
    let (visit, claim) = (first.cookie("__Host-yk_v").unwrap(), first.cookie("__Host-yk_c_p1").unwrap());
    let audience = u32::try_from(xxhash_rust::xxh3::xxh3_64(b"one.example") & 0xffff_ffff).unwrap();
    let open = keys().browser;
    let visit = VisitorToken::open(visit.as_bytes(), &open, audience, clock::now()).unwrap();
    let claim = ClaimToken::open(claim.as_bytes(), &open, audience, clock::now()).unwrap();
    let over = clock::now().plus(-1);
    let (mut old_visit, mut old_claim) = (Vec::new(), Vec::new());
    VisitorToken { expires: over, ..visit }.sign(&open, &mut old_visit);
    ClaimToken { expires: over, ..claim }.sign(&open, &mut old_claim);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let kept = format!("__Host-yk_v={}; __Host-yk_c_p1={}", text(old_visit), text(old_claim));
    let (stranger, seen) = tap("one.example", 1, &kept);
    assert_ne!(stranger, visitor);
    assert_eq!(seen, (ClickId::default(), false), "over, and nobody's handiwork");
}

#[test]
fn the_oldest_of_too_many_claims_is_expired() {
    let programmes = 2..=22;
    let mut changes = Vec::new();
    for n in programmes.clone() {
        changes.push(Change::Programme(programme(n)));
        changes.push(placement(n, 1, n));
        changes.push(Change::Link(LinkRow { placement: PlacementNum(n), ..link(u64::from(n)) }));
    }
    let world = World::new(changes);
    let mut jar: Vec<(String, String)> = Vec::new();
    for n in programmes {
        let cookie: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = world.get(&path(u64::from(n)), &[("cookie", &cookie.join("; "))]);
        for (name, value) in answer.cookies() {
            jar.retain(|(known, _)| *known != name);
            if !value.is_empty() {
                jar.push((name, value));
            }
        }
    }
    let claims: Vec<_> = jar.iter().filter(|(name, _)| name.starts_with("yk_c_")).collect();
    assert_eq!(claims.len(), 20);
    // Which of several claims of one millisecond goes is open; the newest stays.
    assert!(claims.iter().any(|(name, _)| name == "yk_c_p22"));
}

#[test]
fn over_https_cookies_are_bound_to_the_host() {
    let world = World::with([], |config| {
        config.public_base = "https://yk.example/".parse().unwrap();
    });
    let answer = world.get(&path(1), &[("host", "yk.example")]);
    for (name, _) in answer.cookies() {
        assert!(name.starts_with("__Host-yk_"), "{name}");
    }
    assert!(answer.all("set-cookie").iter().all(|line| line.ends_with("; Secure")), "{answer:?}");
    assert_eq!(world.get(&path(1), &[]).status, 421, "the loopback name is not ours then");
    let again = world.get(&path(1), &[("host", "yk.example"), ("cookie", &carried(&answer))]);
    assert_eq!(again.cookie("__Host-yk_v"), None);
    assert_eq!(
        Code::parse(&click_token(&again).code.text(), crate::world::CHECK),
        Some(crate::world::code(1))
    );
}
