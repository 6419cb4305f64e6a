//! The labelled corpus: every agent of the list, with everything a browser says beside its name. What no person asked for
//! is never payable, and no person is taken for a program.

use crate::world::{World, path};

/// What a person's browser says of a tap.
const TAPS: [&[(&str, &str)]; 5] = [
    &[],
    &[
        ("sec-fetch-dest", "document"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-user", "?1"),
        ("sec-fetch-site", "none"),
    ],
    &[
        ("sec-fetch-dest", "document"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-user", "?1"),
        ("sec-fetch-site", "cross-site"),
    ],
    // Safari never says that a person started it.
    &[("sec-fetch-dest", "document"), ("sec-fetch-mode", "navigate"), ("sec-fetch-site", "cross-site")],
    &[("x-requested-with", "com.tencent.mm"), ("accept", "text/html"), ("upgrade-insecure-requests", "1")],
];

/// What it says of everything else.
fn no_taps() -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
    let mut all: Vec<(&str, Vec<(&str, &str)>)> = Vec::new();
    for dest in [
        "audio",
        "embed",
        "empty",
        "fencedframe",
        "font",
        "frame",
        "iframe",
        "image",
        "json",
        "manifest",
        "object",
        "paintworklet",
        "report",
        "script",
        "serviceworker",
        "sharedworker",
        "style",
        "track",
        "video",
        "webidentity",
        "worker",
        "xslt",
    ] {
        for mode in ["no-cors", "cors", "navigate", "same-origin", "websocket"] {
            all.push(("GET", vec![("sec-fetch-dest", dest), ("sec-fetch-mode", mode)]));
        }
        all.push(("GET", vec![("sec-fetch-dest", dest)]));
    }
    all.push(("GET", vec![("sec-fetch-mode", "no-cors")]));
    for (name, value) in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("sec-purpose", "prefetch;anonymous-client-ip"),
        ("purpose", "prefetch"),
        ("purpose", "preview"),
        ("x-purpose", "preview"),
        ("x-moz", "prefetch"),
        ("x-moz", "Prefetch"),
    ] {
        let mut headers = TAPS[2].to_vec();
        headers.push((name, value));
        all.push(("GET", headers));
    }
    all.extend(TAPS.map(|headers| ("HEAD", headers.to_vec())));
    all
}

#[test]
fn nothing_but_a_persons_tap_is_payable() {
    let corpus = include_str!("../agents.tsv");
    let agents = corpus.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let agents: Vec<_> = agents.map(|line| line.split_once('\t').unwrap_or((line, ""))).collect();
    let (people, programs): (Vec<_>, Vec<_>) = agents.into_iter().partition(|(label, _)| *label == "person");
    let world = World::new([]);
    let mut client = world.client();
    let mut payable = |method: &str, agent: &str, headers: &[(&str, &str)]| {
        let headers: Vec<_> = headers.iter().copied().chain([("user-agent", agent)]).collect();
        let answer = client.request(method, &path(1), &headers);
        let claimed = answer.cookie("yk_c_p1").is_some();
        let has_token = answer.header("location").is_some_and(|location| location.contains("yk_click="));
        assert_eq!(claimed, has_token, "{headers:?}");
        claimed
    };
    let (mut taps, mut refused) = (0, Vec::new());
    for (_, agent) in &people {
        for headers in TAPS {
            taps += 1;
            if !payable("GET", agent, headers) {
                refused.push((*agent, headers));
            }
        }
    }
    let mut asked = 0;
    for (label, agent) in &programs {
        for headers in TAPS {
            asked += 1;
            assert!(!payable("GET", agent, headers), "{label} {agent} {headers:?}");
        }
    }
    for (method, headers) in no_taps() {
        for (_, agent) in &people {
            asked += 1;
            assert!(!payable(method, agent, &headers), "{method} {agent} {headers:?}");
        }
    }
    println!(
        "{asked} requests that no person made: 0 payable; {} of {taps} taps of people refused",
        refused.len()
    );
    assert_eq!(refused, [], "people taken for programs");
    assert!(asked > 10_000 && taps > 400, "{asked} {taps}");
}
