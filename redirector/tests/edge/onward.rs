//! Destinations that some browsers cannot simply be sent to: the tap is a click like any other, and the page behind it
//! is none.

use crate::http::{Answer, BROWSER};
use crate::world::{World, alias, click_keys, code, link, path, placement, programme, promoter, target};
use attribution_core::app_page::{AppPage, InApp};
use attribution_core::catalogue::{Change, LinkRow, PromoterRow, TargetRow};
use attribution_core::ids::{PlacementNum, PromoterNum};
use attribution_core::time::Instant;

const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                      Version/17.4 Mobile/15E148 Safari/604.1";
const ANDROID: &str = "Mozilla/5.0 (Linux; Android 14; PJD110) AppleWebKit/537.36 (KHTML, like Gecko) \
                       Chrome/126.0.0.0 Mobile Safari/537.36";
const DESKTOP: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                       Chrome/126.0.0.0 Safari/537.36";
const ALIPAY: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                      Mobile/15E148 Nebula AliApp(AP/10.5.86.6000) AlipayClient/10.5.86.6000 Language/zh-Hans";
const TAOBAO: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                      Mobile/15E148 AliApp(TB/10.31.10) WindVane/8.7.2 UT4Aplus/0.0.6 1170x2532 WK";
const DOUYIN: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                      Mobile/15E148 aweme_29.3.0 JsSdk/2.0 NetType/WIFI Channel/App Store ByteLocale/zh Region/CN";

/// Target 1 as a page of Taobao: with an app, and not to be opened inside WeChat, Alipay and Douyin.
fn taobao() -> TargetRow {
    let app_page = AppPage {
        ios: Some("taobao://{address}".to_owned()),
        android: Some("tbopen://m.taobao.com/tbopen/index.html?h5Url={url}".to_owned()),
        not_in: vec![InApp::Wechat, InApp::Alipay, InApp::Douyin],
    };
    TargetRow {
        destination: "https://item.taobao.example/i?id=1#top".to_owned(),
        app_page: Some(Box::new(app_page)),
        ..target(1)
    }
}

fn world() -> World {
    World::new([Change::Target(taobao())])
}

fn ask(world: &World, target: &str, agent: &str) -> Answer {
    world.get(target, &[("user-agent", agent), ("accept-language", "zh-CN")])
}

/// The token in an address.
fn token(address: &str) -> &str {
    let (_, token) = address.split_once("yk_click=").expect("a token");
    token.split(['&', '#']).next().unwrap_or_default()
}

#[test]
fn inside_an_app_that_does_not_open_it_people_are_asked_for_their_browser() {
    let world = world();
    for (agent, name) in [(BROWSER, "微信"), (ALIPAY, "支付宝"), (DOUYIN, "抖音")] {
        let tap = ask(&world, &path(1), agent);
        assert_eq!(tap.status, 302);
        assert!(tap.location().starts_with(&format!("{}~?yk_click=v1.", path(1))), "{}", tap.location());
        assert!(tap.cookie("yk_v").is_some() && tap.cookie("yk_c_p1").is_some(), "the tap counts");
        let page = ask(&world, tap.location(), agent);
        assert_eq!((page.status, page.outcome()), (200, None));
        let text = page.text();
        assert!(text.contains("请在浏览器中打开") && text.contains(&format!("{name}里打不开")), "{text}");
        assert!(text.contains(&format!(">http://127.0.0.1:8080{}<", path(1))), "our address, to be copied");
        assert!(!text.contains("taobao://"), "no other app opens from here");
        assert!(!text.contains("<script"), "{text}");
        assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
        assert_eq!(page.header("cache-control"), Some("private, no-store"));
        // The same page in the browser that it was opened in is no tap, and leads to the shop with the tap's token.
        let onward = ask(&world, tap.location(), DESKTOP);
        let destination =
            format!("https://item.taobao.example/i?id=1&yk_click={}#top", token(tap.location()));
        assert_eq!((onward.status, onward.location()), (302, destination.as_str()));
        assert!(onward.all("set-cookie").is_empty());
    }
    assert_eq!(world.recorded(), ["attributed"; 3], "each tap once, and no page");
}

#[test]
fn pages_name_the_host_that_was_asked() {
    let world = World::with([Change::Target(taobao())], |config| {
        config.public_base = "http://one.example:8080/".parse().unwrap();
        config.hosts = vec!["two.example".to_owned()];
    });
    for host in ["one.example", "two.example"] {
        let get =
            |to: &str| world.get(to, &[("host", host), ("user-agent", ALIPAY), ("accept-language", "zh-CN")]);
        let address = format!("http://{host}:8080{}", path(1));
        let tap = get(&path(1));
        assert!(get(tap.location()).text().contains(&format!(">{address}<")), "{host}: to be copied");
        let preview = get(&format!("{}+", path(1))).text();
        assert!(preview.contains(&format!("\"{address}\"")), "{host}: {preview}");
        let code = get(&format!("/q{}.svg", path(1)));
        let other = world.get(&format!("/q{}.svg", path(1)), &[("host", "one.example")]);
        assert_eq!(code.text() == other.text(), host == "one.example", "{host} stands in the QR code");
    }
}

#[test]
fn an_alias_leads_on_under_its_own_name() {
    let world = World::new([Change::Target(taobao()), alias("spring-cup", 1)]);
    let tap = ask(&world, "/spring-cup", BROWSER);
    assert!(tap.location().starts_with("/spring-cup~?yk_click=v1."), "{}", tap.location());
    let page = ask(&world, tap.location(), BROWSER).text();
    assert!(page.contains(">http://127.0.0.1:8080/spring-cup<"), "what was shared, to be copied: {page}");
    assert!(!page.contains(&path(1)), "{page}");
    let preview = ask(&world, "/spring-cup+", DESKTOP).text();
    assert!(preview.contains("\"http://127.0.0.1:8080/spring-cup\""), "{preview}");
    // The code in its picture is the link's.
    assert_eq!(
        ask(&world, "/q/spring-cup.svg", DESKTOP).text(),
        ask(&world, &format!("/q{}.svg", path(1)), DESKTOP).text()
    );
    assert_eq!(world.recorded(), ["attributed"]);
}

#[test]
fn a_phone_is_offered_the_app_and_the_web() {
    let world = world();
    for (agent, app) in [
        (IPHONE, "taobao://item.taobao.example/i?id=1&amp;yk_click="),
        (
            ANDROID,
            "tbopen://m.taobao.com/tbopen/index.html?h5Url=https%3A%2F%2Fitem.taobao.example%2Fi%3Fid%3D1%26yk_click%3D",
        ),
    ] {
        let tap = ask(&world, &path(1), agent);
        let page = ask(&world, tap.location(), agent).text();
        assert!(page.contains(&format!("href=\"{app}{}", token(tap.location()))), "{page}");
        let web =
            format!("href=\"https://item.taobao.example/i?id=1&amp;yk_click={}#top\"", token(tap.location()));
        assert!(page.contains(&web) && page.contains("在 App 中打开"), "{page}");
        let english = world.get(tap.location(), &[("user-agent", agent), ("accept-language", "en")]).text();
        assert!(english.contains("Open in the app") && english.contains("Continue in the browser"));
    }
    let mut tokens = 0;
    world.with_records(|_| tokens += 1);
    assert_eq!(tokens, 2);
}

#[test]
fn whoever_needs_no_page_gets_none() {
    let world = world();
    for agent in [DESKTOP, TAOBAO] {
        let location = ask(&world, &path(1), agent).location().to_owned();
        assert!(location.starts_with("https://item.taobao.example/i?id=1&yk_click=v1."), "{location}");
    }
    // Nor does anyone at a target without such a page.
    let plain = World::new([]);
    for agent in [BROWSER, IPHONE, ANDROID] {
        assert!(ask(&plain, &path(1), agent).location().starts_with("https://shop.example/p/1?yk_click=v1."));
        assert_eq!(ask(&plain, &format!("{}~", path(1)), agent).location(), "https://shop.example/p/1");
    }
    // Bots and crawlers get what they always get.
    assert_eq!(ask(&world, &path(1), "curl/8").location(), "https://item.taobao.example/i?id=1#top");
    assert_eq!(ask(&world, &path(1), "facebookexternalhit/1.1").status, 200);
}

#[test]
fn the_token_on_the_way_is_the_click_that_was_recorded() {
    let world = world();
    let tap = ask(&world, &path(1), IPHONE);
    let opened = attribution_core::token::ClickToken::open(token(tap.location()).as_bytes(), &click_keys());
    let opened = opened.expect("a token of ours");
    assert_eq!((opened.code, opened.unjournaled), (code(1), false));
    let mut visitors = Vec::new();
    world.with_records(|record| visitors.push(record.visitor));
    assert_eq!(visitors, [opened.visitor]);
}

#[test]
fn nothing_hostile_stands_on_the_page_or_behind_it() {
    let world = world();
    let page = |query: &str| ask(&world, &format!("{}~?{query}", path(1)), IPHONE).text();
    for query in [
        "yk_click=v1.a%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "yk_click=v1.a'onclick='",
        "yk_click=%22onclick=",
        "yk_click=javascript:alert(1)",
        "yk_click=",
        &format!("yk_click={}", "a".repeat(300)),
    ] {
        let text = page(query);
        assert!(text.contains("href=\"https://item.taobao.example/i?id=1#top\""), "{query}: {text}");
        assert!(!text.contains("<script") && !text.contains("onclick"), "{query}: {text}");
    }
    assert!(page("x=1&yk_click=v1.a.b.c&y=2").contains("i?id=1&amp;yk_click=v1.a.b.c#top"));
    assert!(!page("x=1").contains("x=1"), "a target passes the visitor's query on only if it says so");
    world.tell([Change::Target(TargetRow { pass_query: true, ..taobao() })]);
    let tap = ask(&world, &format!("{}?x=1&yk_click=forged", path(1)), IPHONE);
    assert!(tap.location().starts_with(&format!("{}~?x=1&yk_click=v1.", path(1))), "{}", tap.location());
    let text = ask(&world, tap.location(), IPHONE).text();
    assert!(text.contains("i?id=1&amp;x=1&amp;yk_click=v1.") && !text.contains("forged"), "{text}");
}

#[test]
fn a_dead_link_says_so_on_the_way_too() {
    let world = world();
    let tap = ask(&world, &path(1), IPHONE);
    world.tell([Change::Target(TargetRow { cancelled_from: Some(Instant(1)), ..taobao() })]);
    let page = ask(&world, tap.location(), IPHONE);
    assert_eq!(page.status, 410);
    assert!(page.text().contains("当前页面已过期") && !page.text().contains("taobao"));
    assert_eq!(ask(&world, "/nothing~", IPHONE).status, 404);
}

#[test]
fn a_buyer_whose_tap_earns_nobody_anything_arrives_all_the_same() {
    let disabled = PromoterRow { num: PromoterNum(2), disabled_from: Some(Instant(1)) };
    let world = World::new([
        Change::Target(taobao()),
        Change::Programme(programme(1)),
        promoter(2),
        Change::Promoter(disabled),
        placement(2, 2, 1),
        Change::Link(LinkRow { placement: PlacementNum(2), ..link(2) }),
    ]);
    let tap = ask(&world, &path(2), IPHONE);
    assert_eq!(tap.location(), format!("{}~?", path(2)));
    assert!(tap.all("set-cookie").is_empty());
    assert!(
        ask(&world, tap.location(), IPHONE).text().contains("href=\"taobao://item.taobao.example/i?id=1#top")
    );
    assert_eq!(world.recorded(), ["promoter_disabled"]);
}

#[test]
fn a_template_that_is_none_is_left_out_and_said_so() {
    let broken = AppPage { ios: Some("javascript:alert(1)".to_owned()), ..AppPage::default() };
    let world = World::new([Change::Target(TargetRow { app_page: Some(Box::new(broken)), ..taobao() })]);
    assert!(ask(&world, &path(1), IPHONE).location().starts_with("https://item.taobao.example/"));
}
