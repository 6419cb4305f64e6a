//! What is read from a head, and what is refused.

use super::*;
use http::Request;

type Headers<'a> = &'a [(&'a str, &'a str)];

fn hosts() -> Hosts {
    Hosts::new(&Url::parse("https://yk.example/").unwrap(), &["b.example".to_owned()])
}

fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn refusal(method: &str, uri: &str, headers: &[(&str, &str)]) -> Option<Refusal> {
    read_parts(&parts(method, uri, headers), &hosts()).err()
}

#[test]
fn what_is_no_plain_question_is_refused() {
    let own = ("host", "yk.example");
    let rows: [(&str, &str, Headers<'_>, Option<Refusal>); 22] = [
        ("GET", "/a", &[own], None),
        ("GET", "/a", &[("host", "YK.example:443")], None),
        ("GET", "/a", &[("host", "yk.example.")], None),
        ("GET", "/a", &[own, ("content-length", "0")], None),
        ("GET", "http://b.example/a", &[own], None),
        ("POST", "/a", &[own], Some(Refusal::Method)),
        ("OPTIONS", "/a", &[own], Some(Refusal::Method)),
        ("GET", "/a", &[], Some(Refusal::NoHost)),
        ("GET", "/a", &[("host", "")], Some(Refusal::NoHost)),
        ("GET", "/a", &[own, own], Some(Refusal::NoHost)),
        ("GET", "/a", &[("host", "yk.example:x")], Some(Refusal::NoHost)),
        ("GET", "/a", &[("host", "yk.example:123456")], Some(Refusal::NoHost)),
        ("GET", "/a", &[("host", "evil.example")], Some(Refusal::ForeignHost)),
        ("GET", "/a", &[("host", "yk.example.evil.example")], Some(Refusal::ForeignHost)),
        ("GET", "/a", &[("host", "127.0.0.1")], Some(Refusal::ForeignHost)),
        ("GET", "http://evil.example/a", &[own], Some(Refusal::ForeignHost)),
        ("GET", "http://b.example/a", &[("host", "evil.example")], Some(Refusal::ForeignHost)),
        ("GET", "/a", &[own, ("content-length", "1")], Some(Refusal::Body)),
        ("GET", "/a", &[own, ("transfer-encoding", "chunked")], Some(Refusal::Body)),
        ("GET", "/a", &[own, ("expect", "100-continue")], Some(Refusal::Expectation)),
        ("GET", "/a", &[own, ("upgrade", "h2c")], Some(Refusal::Expectation)),
        ("GET", "http://user@yk.example/a", &[own], Some(Refusal::ForeignHost)),
    ];
    for (method, uri, headers, expected) in rows {
        assert_eq!(refusal(method, uri, headers), expected, "{method} {uri} {headers:?}");
    }
    let long = format!("/{}", "a".repeat(TARGET_MAX));
    assert_eq!(refusal("GET", &long, &[own]), Some(Refusal::TooLong));
}

#[test]
fn a_loopback_base_takes_every_loopback_form() {
    let dev = Hosts::new(&Url::parse("http://127.0.0.1:8080/").unwrap(), &[]);
    for host in ["127.0.0.1:8080", "localhost:8080", "localhost", "[::1]:8080", "127.0.0.2"] {
        assert!(dev.find(host.as_bytes()).is_some(), "{host}");
    }
    for host in ["10.0.0.1", "[::2]", "localhost.evil.example", "127.0.0.1.evil.example"] {
        assert!(dev.find(host.as_bytes()).is_none(), "{host}");
    }
}

#[test]
fn paths_are_told_apart() {
    let rows: [(&str, Path<'_>); 11] = [
        ("/abc", Path::Link(b"abc")),
        ("/abc+", Path::Preview(b"abc")),
        ("/q/abc.svg", Path::Qr(b"abc", QrForm::Svg)),
        ("/q/abc.png", Path::Qr(b"abc", QrForm::Png)),
        ("/q/abc", Path::Unknown),
        ("/robots.txt", Path::Robots),
        ("/", Path::Unknown),
        ("//abc", Path::Link(b"/abc")),
        ("/abc/", Path::Link(b"abc/")),
        ("/%61bc", Path::Link(b"%61bc")),
        ("/+", Path::Preview(b"")),
    ];
    for (path, expected) in rows {
        assert_eq!(Path::parse(path.as_bytes()), expected, "{path}");
    }
}

#[test]
fn the_browsers_own_signs_are_read() {
    let facts = |headers: &[(&str, &str)]| {
        let all: Vec<_> = [("host", "yk.example")].into_iter().chain(headers.iter().copied()).collect();
        read_parts(&parts("GET", "/a", &all), &hosts()).unwrap().facts
    };
    let navigation = |user_activated| FetchMetadata::Navigation { user_activated };
    assert_eq!(facts(&[]).fetch, FetchMetadata::Absent);
    let tap = [("sec-fetch-dest", "document"), ("sec-fetch-mode", "navigate"), ("sec-fetch-user", "?1")];
    assert_eq!(facts(&tap).fetch, navigation(true));
    assert_eq!(facts(&tap[..2]).fetch, navigation(true), "no browser is known to have told anything");
    for (dest, mode) in [
        ("image", "no-cors"),
        ("iframe", "navigate"),
        ("script", "no-cors"),
        ("empty", "cors"),
        ("style", "no-cors"),
    ] {
        let stuffing = [("sec-fetch-dest", dest), ("sec-fetch-mode", mode)];
        assert_eq!(facts(&stuffing).fetch, FetchMetadata::Subresource, "{dest}");
    }
    for header in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-moz", "prefetch"),
        ("x-purpose", "preview"),
    ] {
        assert!(facts(&[header]).prefetch, "{header:?}");
    }
    assert!(!facts(&[("purpose", "shopping")]).prefetch);
    assert!(facts(&[("sec-gpc", "1")]).privacy_signal && !facts(&[("sec-gpc", "0")]).privacy_signal);
}

#[test]
fn a_missing_gesture_counts_only_where_the_browser_would_have_told() {
    const CHROME: &str = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 \
                          Mobile Safari/537.36";
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0";
    const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
                          Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
    const CHROME_ON_IOS: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, \
                                 like Gecko) CriOS/130.0.0.0 Mobile/15E148 Safari/604.1";
    const WECHAT_ON_IOS: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, \
                                 like Gecko) Mobile/15E148 MicroMessenger/8.0.50";
    let activated = |agent, site: Option<&str>, user: Option<&str>| {
        let all = [
            Some(("host", "yk.example")),
            Some(("user-agent", agent)),
            Some(("sec-fetch-dest", "document")),
            Some(("sec-fetch-mode", "navigate")),
            site.map(|site| ("sec-fetch-site", site)),
            user.map(|user| ("sec-fetch-user", user)),
        ];
        let all: Vec<_> = all.into_iter().flatten().collect();
        read_parts(&parts("GET", "/a", &all), &hosts()).unwrap().facts.fetch
            == FetchMetadata::Navigation { user_activated: true }
    };
    for agent in [CHROME, FIREFOX] {
        assert!(activated(agent, Some("cross-site"), Some("?1")));
        assert!(!activated(agent, Some("cross-site"), None));
        assert!(!activated(agent, Some("same-site"), None));
        // An app or the address bar: there the header does not always come with a tap.
        assert!(activated(agent, Some("none"), None));
        assert!(activated(agent, None, None));
    }
    for agent in [SAFARI, CHROME_ON_IOS, WECHAT_ON_IOS] {
        assert!(activated(agent, Some("cross-site"), None), "{agent}");
    }
}

#[test]
fn many_lines_of_a_client_do_not_hide_the_proxys() {
    let lines: Vec<String> = (1..=9).map(|n| format!("192.0.2.{n}")).collect();
    let mut headers: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", line.as_str())).collect();
    headers.push(("host", "yk.example"));
    let parts = parts("GET", "/a", &headers);
    let asked = read_parts(&parts, &hosts()).unwrap();
    assert_eq!(asked.forwarded.get(), [&b"192.0.2.6"[..], b"192.0.2.7", b"192.0.2.8", b"192.0.2.9"]);
}
