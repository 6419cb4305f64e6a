//! What the front takes, and that hyper reads it alike.

use super::*;
use crate::fuzzing;
use proptest::prelude::*;

fn is_taken(bytes: &[u8]) -> bool {
    let mut headers = [const { MaybeUninit::uninit() }; 64];
    matches!(read(bytes, &mut headers), Read::Plain(_))
}

#[test]
fn only_the_plainest_heads_are_taken() {
    let host = "Host: yk.example\r\n";
    let head = |target: &str, more: &str| format!("GET {target} HTTP/1.1\r\n{host}{more}\r\n");
    let rows = [
        (head("/abc", ""), true),
        (head("/abc?sub=1&x=%E5%95%86", "Connection: Keep-Alive\r\nCookie: a=b\r\n"), true),
        (head("/abc", "connection: close\r\n"), true),
        (head("/a\"b", ""), false),
        (head("/a|b", ""), false),
        (head("/a#b", ""), false),
        (head("*", ""), false),
        (head("http://yk.example/abc", ""), false),
        (head("/abc", "Connection: keep-alive, x\r\n"), false),
        (head("/abc", "Connection: keep-alive\r\nConnection: close\r\n"), false),
        (head("/abc", "Content-Length: 0\r\n"), false),
        (head("/abc", "CONTENT-LENGTH: 3\r\n"), false),
        (head("/abc", "Transfer-Encoding: chunked\r\n"), false),
        (head("/abc", "Upgrade: h2c\r\n"), false),
        (head("/abc", "Expect: 100-continue\r\n"), false),
        (head("/abc", "Bad Name: x\r\n"), false),
        (head("/abc", "Folded: a\r\n b\r\n"), false),
        (head("/abc", "") + "GET", false),
        (head("/abc", &"x: y\r\n".repeat(64)), false),
        (head("/abc", "").replace("1.1", "1.0"), false),
        (head("/abc", "").replace("GET", "HEAD"), false),
        (head("/abc", "").replace("GET", "get"), false),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), false),
    ];
    for (bytes, expected) in rows {
        assert_eq!(is_taken(bytes.as_bytes()), expected, "{bytes:?}");
    }
}

#[test]
fn the_beginning_of_a_plain_head_is_waited_for() {
    let whole = b"GET /abc HTTP/1.1\r\nHost: yk.example\r\nCookie: a=b\r\n\r\n";
    for len in 0..whole.len() {
        let mut headers = [const { MaybeUninit::uninit() }; 64];
        assert!(matches!(read(&whole[..len], &mut headers), Read::Partial), "{len}");
    }
}

/// Pieces that a head is put together from: mostly honest ones, so that many heads are taken.
fn head() -> impl Strategy<Value = Vec<u8>> {
    let honest = prop::sample::select(vec![
        "Host: yk.example\r\n",
        "host:yk.example\r\n",
        "Connection: keep-alive\r\n",
        "connection: CLOSE\r\n",
        "User-Agent:  Mozilla/5.0 \t\r\n",
        "Cookie: yk_v=v1.1.abc.def; a=\"b c\"\r\n",
        "Accept:\r\n",
        "X: \u{e4}\u{f6}\r\n",
    ]);
    let odd = prop::sample::select(vec![
        "Content-Length: 3\r\n",
        "Content-Length : 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "transfer-encoding:\tchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Connection: upgrade\r\n",
        "Upgrade: websocket\r\n",
        " folded\r\n",
        "X: a\rb\r\n",
        "X: a\n",
        "\n",
        "\r\n",
        "X\u{0}: a\r\n",
        "X: a\u{0}\r\n",
        "GET /other HTTP/1.1\r\n",
    ]);
    let line = prop_oneof![8 => honest, 1 => odd].prop_map(|line| line.as_bytes().to_vec());
    let target = prop_oneof![
        4 => "/[a-zA-Z0-9]{1,9}(\\?[a-z0-9=&%]{0,20})?",
        1 => "/[ -~]{0,12}",
        1 => "[ -~]{0,6}",
    ];
    let flip = prop::option::weighted(0.2, (any::<prop::sample::Index>(), any::<u8>()));
    (target, prop::collection::vec(line, 0..8), flip).prop_map(|(target, lines, flip)| {
        let mut bytes = format!("GET {target} HTTP/1.1\r\n").into_bytes();
        bytes.extend(lines.concat());
        bytes.extend(b"\r\n");
        if let Some((at, byte)) = flip {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Whatever the front takes is one request to hyper too, and the same one; and what it says is read safely.
    #[test]
    fn what_the_front_takes_hyper_reads_alike(bytes in head()) {
        fuzzing::request_head(&bytes);
        fuzzing::request(&bytes);
    }
}
