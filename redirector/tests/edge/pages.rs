//! What stands beside the clicks: preview pages, QR codes, robots.txt; and the pattern file.

use crate::world::{World, code, link, path, target};
use attribution_core::catalogue::{Change, TargetRow};
use attribution_core::time::Instant;

#[test]
fn a_preview_page_shows_where_a_link_leads_and_is_no_click() {
    let world = World::new([]);
    let answer = world.get(&format!("{}+", path(1)), &[]);
    assert_eq!((answer.status, answer.outcome()), (200, None));
    let text = answer.text();
    assert!(
        text.contains("https://shop.example/p/1")
            && text.contains("手工陶瓷杯 1")
            && text.contains("继续访问")
    );
    assert!(answer.header("content-security-policy").unwrap().contains("default-src 'none'"));
    world.tell([Change::Target(TargetRow { cancelled_from: Some(Instant(1)), ..target(1) })]);
    let dead = world.get(&format!("{}+", path(1)), &[("accept-language", "en")]);
    assert_eq!(dead.status, 410);
    assert!(dead.text().contains("This page has expired") && !dead.text().contains("shop.example"));
    assert!(world.recorded().is_empty());
    assert_eq!(world.metric("yinke_edge_pages_total"), 2);
}

#[test]
fn qr_codes_come_as_svg_and_png() {
    let world = World::new([]);
    let svg = world.get(&format!("/q/{}.svg", code(1)), &[]);
    assert_eq!((svg.status, svg.header("content-type")), (200, Some("image/svg+xml")));
    assert!(svg.text().starts_with("<svg "));
    let png = world.get(&format!("/q/{}.png", code(1)), &[]);
    assert_eq!((png.status, png.header("content-type")), (200, Some("image/png")));
    assert!(png.body.starts_with(b"\x89PNG"));
    assert_eq!(world.get(&format!("/q/{}.svg", code(2)), &[]).status, 404);
    assert_eq!(world.get(&format!("/q/{}.gif", code(1)), &[]).status, 404);
}

#[test]
fn qr_codes_come_as_they_are_wished_for_or_say_why_not() {
    let world = World::new([]);
    let ask = |query: &str| world.get(&format!("/q/{}.png?{query}", code(1)), &[]);
    let width = |answer: &crate::http::Answer| u32::from_be_bytes(answer.body[16..20].try_into().unwrap());
    assert_eq!(width(&ask("size=300&level=m&quiet=2&dark=0a3d62&light=ffffff&from=timeline")), 300);
    assert_ne!(ask("size=300").body, ask("size=300&level=l").body);
    for (query, why) in [
        ("size=5000", "size:"),
        ("level=z", "level:"),
        ("quiet=0", "quiet:"),
        ("dark=red", "dark:"),
        ("light=red", "light:"),
        ("dark=ffffff&light=000000", "darker"),
        ("dark=aaaaaa", "contrast"),
        ("size=200&size=300", "once"),
    ] {
        let answer = ask(query);
        assert_eq!((answer.status, answer.outcome()), (400, None), "{query}");
        assert!(answer.text().contains(why), "{query}: {}", answer.text());
    }
    assert!(world.recorded().is_empty());
}

#[test]
fn pictures_are_no_way_to_keep_a_worker_busy() {
    let world = World::new((2..400).map(|body| Change::Link(link(body))));
    let mut client = world.client();
    let mut statuses =
        (1..400).map(|body| client.request("GET", &format!("/q/{}.svg", code(body)), &[]).status);
    assert_eq!(statuses.next(), Some(200));
    assert!(statuses.any(|status| status == 429));
    assert_eq!(world.get(&path(1), &[]).status, 302, "clicks go on");
    assert!(world.edge.tally().counted[1] >= 1);
}

#[test]
fn crawlers_are_told_what_they_may() {
    let answer = World::new([]).get("/robots.txt", &[]);
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("User-agent: *\nDisallow: /"));
}

#[test]
fn a_changed_pattern_file_counts_after_a_reload() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("agents.toml");
    std::fs::write(&file, "person = []\npreview = []\nbot = [\"curl/\"]").unwrap();
    let world = World::with([], |config| config.agent_patterns = Some(file.clone()));
    let cookies = || world.get(&path(1), &[("user-agent", "NewCrawl/1.0")]).all("set-cookie").len();
    assert_eq!(cookies(), 2);
    std::fs::write(&file, "person = []\npreview = []\nbot = [\"newcrawl\"]").unwrap();
    world.edge.reload().unwrap();
    assert_eq!(cookies(), 0);
    std::fs::write(&file, "nonsense").unwrap();
    assert!(world.edge.reload().is_err());
    assert_eq!(cookies(), 0, "the old patterns stay");
}
