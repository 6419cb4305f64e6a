//! One test per outcome: what the client sees, and what is recorded or counted.

use crate::http::{Answer, BROWSER};
use crate::world::{World, alias, ban, link, path, programme, seconds_from_now, target};
use attribution_core::catalogue::{Change, LinkFlags, LinkRow, PromoterRow, TargetRow};
use attribution_core::click::ClickId;
use attribution_core::ids::{CategoryNum, PromoterNum, VisitorId};
use attribution_core::outcome::Reason;
use attribution_core::record::ClickFlags;
use attribution_core::time::{HOUR_MS, Instant};
use redirector::clock;

const LONG_AGO: Option<Instant> = Some(Instant(1));
const ENGLISH: (&str, &str) = ("accept-language", "en");

fn assert_plain_redirect(answer: &Answer) {
    assert_eq!((answer.status, answer.location()), (302, "https://shop.example/p/1"));
    assert!(answer.all("set-cookie").is_empty(), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
}

#[test]
fn a_person_is_attributed() {
    let world = World::new([]);
    let answer = world.get(&path(1), &[]);
    assert_eq!(answer.status, 302);
    assert!(answer.location().starts_with("https://shop.example/p/1?yk_click=v1."), "{}", answer.location());
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    assert_eq!(answer.all("set-cookie").len(), 2);
    assert_eq!((answer.body.len(), answer.outcome()), (0, None));
    assert_eq!(world.recorded(), ["attributed"]);
    assert_eq!(world.edge.tally().answered, 1);
    assert_eq!(world.metric("yinke_edge_requests_total{outcome=\"attributed\"}"), 1);
    assert_eq!(world.metric("yinke_edge_http_responses_total{code=\"302\"}"), 1);
    assert_eq!(world.metric("yinke_edge_request_duration_seconds_count"), 1);
}

#[test]
fn the_metrics_tell_how_the_journal_stands() {
    let world = World::new([]);
    assert_eq!(world.get(&path(1), &[]).status, 302);
    assert_eq!(world.recorded(), ["attributed"]);
    let at_least_one = ["frames_total", "bytes_total", "syncs_total", "space_left_bytes", "threads_alive"];
    for name in at_least_one {
        assert!(world.metric(&format!("yinke_journal_{name}")) >= 1, "{name}");
    }
    assert_eq!(world.metric("yinke_journal_segments{state=\"live\"}"), 1);
    assert_eq!(world.metric("yinke_journal_sync_errors_total"), 0);
    let text = world.metrics();
    for name in ["sync_seconds_total", "slowest_sync_seconds", "space_left_seconds"] {
        assert!(text.contains(&format!("\nyinke_journal_{name} ")), "{name} in\n{text}");
    }
    crate::world::eventually("all is on disk", || {
        world.edge.readiness().unsynced_ms == 0 && world.metric("yinke_journal_unsynced_age_seconds") == 0
    });
}

#[test]
fn an_alias_leads_to_its_link() {
    let world = World::new([alias("double11", 1)]);
    assert_eq!(world.get("/double11", &[]).status, 302);
    assert_eq!(world.get("/Double11", &[]).status, 404);
}

#[test]
fn unknown_codes_are_counted_and_not_recorded() {
    let world = World::new([]);
    for target in ["/", "/nothing", &path(2), "/favicon.ico", "/%61", "//", "/a/b", "/+", "/q/x.svg"] {
        let answer = world.get(target, &[]);
        assert_eq!((answer.status, answer.outcome()), (404, Some("not_found")), "{target}");
        assert!(answer.text().contains("页面不存在"));
        assert_eq!(answer.header("x-robots-tag"), Some("noindex"));
    }
    assert!(world.recorded().is_empty());
    assert_eq!(world.edge.tally().counted, [0, 0, 9, 0]);
}

#[test]
fn dead_links_have_their_own_pages() {
    let world = World::new([
        Change::Target(TargetRow { cancelled_from: LONG_AGO, delisted_from: LONG_AGO, ..target(2) }),
        Change::Target(TargetRow { delisted_from: LONG_AGO, ..target(3) }),
        Change::Link(LinkRow { target: target(2).num, ..link(2) }),
        Change::Link(LinkRow { target: target(3).num, ..link(3) }),
        Change::Link(LinkRow { expires: seconds_from_now(-5), ..link(4) }),
        Change::Link(LinkRow { flags: LinkFlags::CLOSED, ..link(5) }),
    ]);
    let rows = [
        (2, "promotion_cancelled", "当前页面已过期", "This page has expired"),
        (3, "product_delisted", "商品已下架", "no longer sold"),
        (4, "link_expired", "链接已失效", "expired"),
        (5, "link_expired", "链接已失效", "expired"),
    ];
    for (body, outcome, chinese, english) in rows {
        let answer = world.get(&path(body), &[]);
        assert_eq!((answer.status, answer.outcome()), (410, Some(outcome)));
        assert!(answer.text().contains(chinese));
        assert_eq!(answer.header("content-language"), Some("zh-CN"));
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        assert!(world.get(&path(body), &[ENGLISH]).text().contains(english));
    }
    let recorded: Vec<_> = rows.iter().flat_map(|row| [row.1, row.1]).collect();
    assert_eq!(world.recorded(), recorded);
}

#[test]
fn a_withdrawal_reaches_all_links_of_a_product_at_once() {
    let world = World::new((2..50).map(|body| Change::Link(link(body))));
    assert_eq!(world.get(&path(49), &[]).status, 302);
    world.tell([Change::Target(TargetRow { cancelled_from: LONG_AGO, ..target(1) })]);
    assert!((1..50).all(|body| world.get(&path(body), &[]).status == 410));
}

#[test]
fn a_dead_link_follows_its_programmes_fallback() {
    let mut with_fallback = programme(1);
    with_fallback.fallback_url = Some("https://shop.example/home".to_owned());
    let world = World::new([
        Change::Programme(with_fallback),
        Change::Link(LinkRow { expires: seconds_from_now(-5), ..link(4) }),
    ]);
    let answer = world.get(&path(4), &[]);
    assert_eq!((answer.status, answer.location()), (302, "https://shop.example/home"));
    assert!(answer.all("set-cookie").is_empty());
    assert_eq!(world.recorded(), ["link_expired"]);
}

#[test]
fn a_link_that_starts_later_says_when() {
    let world = World::new([Change::Link(LinkRow { starts: seconds_from_now(3_600), ..link(2) })]);
    let answer = world.get(&path(2), &[]);
    assert_eq!((answer.status, answer.outcome()), (404, Some("not_yet_effective")));
    assert!(answer.text().contains("北京时间"));
    assert!(world.get(&path(2), &[ENGLISH]).text().contains("China time"));
}

#[test]
fn a_head_request_never_counts() {
    let world = World::new([]);
    assert_plain_redirect(&world.client().request("HEAD", &path(1), &[]));
    assert_eq!(world.recorded(), ["head"]);
}

#[test]
fn a_prefetch_is_sent_away_so_that_the_tap_comes_back() {
    let world = World::new([]);
    for header in [("sec-purpose", "prefetch;prerender"), ("purpose", "prefetch"), ("x-moz", "prefetch")] {
        let answer = world.get(&path(1), &[header]);
        assert_eq!((answer.status, answer.outcome()), (503, Some("prefetch")));
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        assert!(answer.all("set-cookie").is_empty());
    }
    assert_eq!(world.recorded(), ["prefetch"; 3]);
}

#[test]
fn a_preview_crawler_gets_a_card() {
    let world = World::new([]);
    let answer = world.get(&path(1), &[("user-agent", "facebookexternalhit/1.1")]);
    assert_eq!((answer.status, answer.outcome()), (200, Some("preview")));
    assert!(answer.text().contains("og:title\" content=\"手工陶瓷杯 1\""));
    assert!(answer.all("set-cookie").is_empty());
    assert_eq!(world.recorded(), ["preview"]);
}

#[test]
fn a_card_has_the_picture_and_the_price_where_there_are_any() {
    let shown = TargetRow {
        price_fen: Some(9_900),
        picture: Some("https://img.shop.example/1.jpg?w=600&h=600".to_owned()),
        ..target(1)
    };
    let world = World::new([]);
    let card = || world.get(&path(1), &[("user-agent", "Twitterbot/1.0")]).text();
    let bare = card();
    assert!(
        bare.contains("content=\"summary\"") && !bare.contains("og:image") && !bare.contains("price"),
        "{bare}"
    );
    world.tell([Change::Target(shown)]);
    let whole = card();
    for expected in [
        "\"og:type\" content=\"product\"",
        "\"og:image\" content=\"https://img.shop.example/1.jpg?w=600&amp;h=600\"",
        "\"og:description\" content=\"¥99.00\"",
        "\"product:price:amount\" content=\"99.00\"",
        "\"product:price:currency\" content=\"CNY\"",
        "\"twitter:card\" content=\"summary_large_image\"",
    ] {
        assert!(whole.contains(expected), "{expected}: {whole}");
    }
}

#[test]
fn every_living_link_has_a_card_whoever_may_earn_by_it() {
    let disabled = PromoterRow { num: PromoterNum(1), disabled_from: Some(Instant(1)) };
    let world = World::new([Change::Promoter(disabled), alias("double11", 1)]);
    for name in [path(1), "/double11".to_owned()] {
        let answer = world.get(&name, &[("user-agent", "TelegramBot (like TwitterBot)")]);
        assert_eq!((answer.status, answer.outcome()), (200, Some("preview")), "{name}");
        assert!(answer.text().contains(&format!("\"og:url\" content=\"http://127.0.0.1:8080{}\"", path(1))));
    }
}

#[test]
fn an_embedded_link_earns_nothing() {
    let world = World::new([]);
    for (dest, mode) in
        [("image", "no-cors"), ("iframe", "navigate"), ("script", "no-cors"), ("empty", "cors")]
    {
        assert_plain_redirect(&world.get(&path(1), &[("sec-fetch-dest", dest), ("sec-fetch-mode", mode)]));
    }
    assert_eq!(world.recorded(), ["not_navigation"; 4]);
}

#[test]
fn bots_are_redirected_and_earn_nothing() {
    let world = World::new([]);
    for agent in ["curl/8.5.0", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"] {
        assert_plain_redirect(&world.get(&path(1), &[("user-agent", agent)]));
    }
    assert_plain_redirect(&world.get(&path(1), &[("user-agent", "")]));
    assert_eq!(world.recorded(), ["bot"; 3]);
}

#[test]
fn a_disabled_promoter_and_a_banned_category_earn_nothing() {
    let world = World::new([]);
    let disabled = PromoterRow { num: PromoterNum(1), disabled_from: LONG_AGO };
    world.tell([Change::Promoter(disabled)]);
    assert_plain_redirect(&world.get(&path(1), &[]));
    world.tell([crate::world::promoter(1), ban(7, None)]);
    world.tell([Change::Target(TargetRow { category: Some(CategoryNum(7)), ..target(1) })]);
    assert_plain_redirect(&world.get(&path(1), &[]));
    let mut reasons = Vec::new();
    world.with_records(|record| reasons.push((record.outcome.name(), record.reason)));
    assert_eq!(reasons, [("promoter_disabled", Reason::None), ("untracked", Reason::CategoryBanned)]);
}

#[test]
fn a_ban_counts_up_to_its_end() {
    let world = World::new([]);
    world.tell([Change::Target(TargetRow { category: Some(CategoryNum(7)), ..target(1) })]);
    world.tell([ban(7, Some(clock::now().plus(HOUR_MS)))]);
    assert_plain_redirect(&world.get(&path(1), &[]));
    world.tell([ban(7, Some(clock::now()))]);
    assert_eq!(world.get(&path(1), &[]).all("set-cookie").len(), 2);
}

#[test]
fn the_privacy_signal_counts_where_the_programme_honours_it() {
    let world = World::new([]);
    let signal = [("sec-gpc", "1")];
    let first = world.get(&path(1), &signal);
    assert_eq!(first.all("set-cookie").len(), 2);
    let cookies: Vec<_> =
        first.cookies().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut honours = programme(1);
    honours.honour_privacy_signal = true;
    world.tell([Change::Programme(honours)]);
    assert_plain_redirect(&world.get(&path(1), &[signal[0], ("cookie", &cookies.join("; "))]));
    let mut seen = Vec::new();
    world.with_records(|record| {
        let names_somebody =
            record.visitor.is_some() || record.prior_claim != ClickId::default() || record.address_hash != 0;
        let signalled = record.flags.has(ClickFlags::PRIVACY_SIGNAL);
        seen.push((record.outcome.name(), signalled, names_somebody));
    });
    assert_eq!(seen, [("attributed", true, true), ("untracked", true, false)]);
}

/// Whoever asks why an order is nobody's is told of the taps that were refused, too.
#[test]
fn a_refused_tap_notes_who_came_back_and_gives_them_nothing() {
    let world = World::new([]);
    let first = world.get(&path(1), &[]);
    let cookies: Vec<_> =
        first.cookies().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let cookies = cookies.join("; ");
    let headers = [("cookie", cookies.as_str()), ("sec-gpc", "1")];
    world.tell([Change::Target(TargetRow { cancelled_from: LONG_AGO, ..target(1) })]);
    for headers in [&headers[..1], &headers[..], &[]] {
        assert!(world.get(&path(1), headers).all("set-cookie").is_empty());
    }
    let mut seen = Vec::new();
    world.with_records(|record| seen.push((record.outcome.name(), record.visitor, record.prior_claim)));
    let (visitor, nobody, no_claim) = (seen[0].1, VisitorId::NONE, ClickId::default());
    assert!(visitor.is_some());
    let refused = |visitor| ("promotion_cancelled", visitor, no_claim);
    assert_eq!(seen[1..], [refused(visitor), refused(nobody), refused(nobody)]);
}

#[test]
fn what_a_page_opened_by_itself_is_marked_and_answered_as_ever() {
    let world = World::new([Change::Link(link(2))]);
    let page = [
        ("sec-fetch-dest", "document"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-site", "cross-site"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36"),
    ];
    world.get(&path(2), &page);
    world.get(&path(2), &[&page[..], &[("sec-fetch-user", "?1")]].concat());
    let mut seen = Vec::new();
    world.with_records(|record| {
        seen.push((record.outcome.name(), record.flags.has(ClickFlags::NO_USER_ACTIVATION)));
    });
    assert_eq!(seen, [("attributed", true), ("attributed", false)]);
}

#[test]
fn a_record_holds_the_click_and_no_address() {
    let world = World::new([Change::Link(LinkRow { flags: LinkFlags::QR, ..link(2) })]);
    let tap = [("sec-fetch-dest", "document"), ("sec-fetch-mode", "navigate"), ("sec-fetch-user", "?1")];
    world.get(&format!("{}?sub=room-12", path(2)), &tap);
    let mut count = 0;
    world.with_records(|record| {
        count += 1;
        assert_eq!((record.code, record.sub_id), (crate::world::code(2), &b"room-12"[..]));
        assert_eq!(record.flags, ClickFlags::QR);
        assert!(record.visitor.is_some());
        assert_eq!(record.address_prefix.0, [4, 127, 0, 0, 0, 0, 0, 0]);
        assert_ne!(record.address_hash, 0);
        assert_eq!(record.agent_hash, xxhash_rust::xxh3::xxh3_64(BROWSER.as_bytes()));
        assert_eq!(record.generation, 6);
    });
    assert_eq!(count, 1);
}

#[test]
fn the_query_is_passed_on_only_where_the_target_says_so() {
    let passing =
        TargetRow { pass_query: true, destination: "https://shop.example/p?a=b#top".to_owned(), ..target(2) };
    let world =
        World::new([Change::Target(passing), Change::Link(LinkRow { target: target(2).num, ..link(2) })]);
    let query = "?x=1&yk_click=forged&YK%5Fclick=f";
    let location = world.get(&format!("{}{query}", path(2)), &[]).location().to_owned();
    assert!(location.starts_with("https://shop.example/p?a=b&x=1&yk_click=v1."), "{location}");
    assert!(location.ends_with("#top") && !location.contains("forged"), "{location}");
    let bot = world.get(&format!("{}{query}", path(2)), &[("user-agent", "curl/8")]);
    assert_eq!(bot.location(), "https://shop.example/p?a=b&x=1#top");
    assert!(!world.get(&format!("{}{query}", path(1)), &[]).location().contains("x=1"));
}
