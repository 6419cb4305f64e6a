//! Input that no honest browser sends.

use crate::http::{BROWSER, request};
use crate::world::{World, eventually, path};

/// Sends raw bytes and gives the status line's code; `None` if the edge only closed.
fn status(world: &World, bytes: &[u8]) -> Option<u16> {
    let mut client = world.client();
    client.send(bytes);
    client.receive(false).map(|answer| answer.status)
}

#[test]
fn what_is_no_plain_question_is_refused_and_counted() {
    let world = World::new([]);
    let link = path(1);
    let get = |more: &str| format!("GET {link} HTTP/1.1\r\nhost: 127.0.0.1\r\n{more}\r\n");
    let rows: Vec<(String, u16)> = vec![
        (request("POST", &link, &[]), 405),
        (request("DELETE", &link, &[]), 405),
        (request("OPTIONS", "*", &[]), 405),
        (request("POST", &link, &[("content-length", "3")]) + "abc", 405),
        (request("GET", &link, &[("host", "evil.example")]), 421),
        (request("GET", &link, &[("host", "127.0.0.1.evil.example")]), 421),
        (format!("GET http://evil.example{link} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"), 421),
        (format!("GET {link} HTTP/1.1\r\n\r\n"), 400),
        (get("content-length: 3\r\ntransfer-encoding: chunked\r\n"), 400),
        (get("transfer-encoding: chunked\r\ncontent-length: 3\r\n"), 400),
        (get("transfer-encoding: chunked\r\n"), 400),
        (get("content-length: 5\r\n") + "hello", 400),
        (get("content-length: 1\r\ncontent-length: 2\r\n"), 400),
        (get("expect: 100-continue\r\n"), 400),
        (get("connection: upgrade\r\nupgrade: websocket\r\n"), 400),
        (format!("GET /{} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n", "a".repeat(3_000)), 414),
        (get(&format!("x: {}\r\n", "a".repeat(40_000))), 431),
        (get(&"x: y\r\n".repeat(70)), 431),
        ("nonsense\r\n\r\n".to_owned(), 400),
        (get("bad header\r\n"), 400),
        (format!("GET {link}\0 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"), 400),
    ];
    for (bytes, expected) in &rows {
        let short: String = bytes.chars().take(90).collect();
        assert_eq!(status(&world, bytes.as_bytes()), Some(*expected), "{short:?}");
    }
    let refused = || world.metric("yinke_edge_requests_total{outcome=\"refused\"}");
    eventually("all refusals are counted", || refused() == rows.len() as u64);
    assert!(world.recorded().is_empty());
}

#[test]
fn a_refused_method_names_the_allowed_ones_and_ends_the_connection() {
    let world = World::new([]);
    let mut client = world.client();
    let answer = client.request("PUT", &path(1), &[]);
    assert_eq!((answer.header("allow"), answer.outcome()), (Some("GET, HEAD"), Some("refused")));
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(client.receive(false).is_none());
}

#[test]
fn a_smuggled_request_is_never_answered() {
    let world = World::new([]);
    let inner = request("GET", &path(1), &[]);
    let mut client = world.client();
    let outer = format!(
        "GET {} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
        path(1),
        inner.len() + 5,
    );
    client.send(outer.as_bytes());
    assert_eq!(client.receive(false).unwrap().status, 400);
    assert!(client.receive(false).is_none(), "one answer, then the end");
    assert!(world.recorded().is_empty());
}

#[test]
fn nothing_of_a_request_gets_into_a_header_unescaped() {
    let world = World::new([]);
    for target in
        ["/%0d%0aset-cookie:x=1", "/a?x=%0d%0ay", "/%00", "/..%2f..%2fetc%2fpasswd", "/\\evil.example"]
    {
        let answer = world.get(target, &[]);
        assert_eq!(answer.status, 404, "{target}");
        assert!(answer.all("set-cookie").is_empty());
    }
    for raw in ["/商品".as_bytes(), b"/\xff\xfe"] {
        let bytes = [b"GET ", raw, b" HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"].concat();
        assert!(matches!(status(&world, &bytes), Some(400 | 404)), "{raw:?}");
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let world = World::new([]);
    let mut client = world.client();
    let targets = [path(1), "/nothing".to_owned(), path(1), "/robots.txt".to_owned(), path(1)];
    client.send(targets.iter().map(|target| request("GET", target, &[])).collect::<String>().as_bytes());
    let statuses: Vec<u16> = targets.iter().map(|_| client.receive(false).unwrap().status).collect();
    assert_eq!(statuses, [302, 404, 302, 200, 302]);
    assert_eq!(world.recorded().len(), 3);
}

/// An agent that a crawler's name stands in, and that the plain hash, whose arithmetic is public, takes for [`BROWSER`]:
/// five tries of a few lines of arithmetic.
const CRAWLER: &[u8] =
    b"Googlebot/2.1 (as many bytes as the arithmetic needs; what stands here says how often it was tried: \
    4)..........................9#\xa4K\xbe|!\x81\xf6\x9a\xb4\xad?\xa0.\x9c (bytes chosen).";

#[test]
fn nobody_makes_an_agent_that_a_browser_is_taken_for() {
    let hash = xxhash_rust::xxh3::xxh3_64;
    assert_eq!(hash(CRAWLER), hash(BROWSER.as_bytes()), "no longer what this test needs");
    let world = World::new([]);
    // On one connection, so that one worker sees both.
    let mut client = world.client();
    let mut ask = |agent: &[u8]| {
        let head = format!("GET {} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: ", path(1));
        client.send(&[head.as_bytes(), agent, b"\r\n\r\n"].concat());
        assert!(client.receive(false).is_some());
    };
    ask(CRAWLER);
    ask(BROWSER.as_bytes());
    ask(CRAWLER);
    assert_eq!(world.recorded(), ["bot", "attributed", "bot"]);
}
