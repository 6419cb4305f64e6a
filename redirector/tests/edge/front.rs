//! The front and hyper: one request, two readers, one answer.

use crate::http::{Answer, Client, request};
use crate::world::{World, eventually, link, path, programme, seconds_from_now, target};
use attribution_core::catalogue::{Change, Durability, LinkRow};
use attribution_core::ids::TargetNum;

/// What can be compared: tokens and dates differ from answer to answer, their form does not.
fn form(answer: &Answer) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let mask = |name: &str, value: &str| match name {
        "date" => "now".to_owned(),
        "location" | "set-cookie" => {
            value.split('.').map(|piece| if piece.len() > 20 { "secret" } else { piece }).collect()
        }
        _ => value.to_owned(),
    };
    let mut headers: Vec<_> =
        answer.headers.iter().map(|(name, value)| (name.clone(), mask(name, value))).collect();
    headers.sort();
    (answer.status, headers, answer.body.clone())
}

/// The answer of hyper: a request with another one behind it is nothing for the front.
fn by_hyper(world: &World, text: &str) -> Answer {
    let mut client = world.client();
    client.send((text.to_owned() + &request("GET", "/robots.txt", &[])).as_bytes());
    client.receive(false).unwrap()
}

#[test]
fn both_answer_every_plain_question_alike() {
    let gone = target(2);
    let world = World::new([
        Change::Target(attribution_core::catalogue::TargetRow {
            cancelled_from: Some(attribution_core::time::Instant(1)),
            ..gone
        }),
        Change::Link(LinkRow { target: TargetNum(2), ..link(2) }),
        Change::Link(LinkRow { starts: seconds_from_now(9_000), ..link(3) }),
    ]);
    let person = world.get(&path(1), &[]);
    let cookies: Vec<String> =
        person.cookies().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let cookies = cookies.join("; ");
    let (live, dead, early) = (path(1), path(2), path(3));
    type Row<'a> = (&'a str, &'a [(&'a str, &'a str)]);
    let rows: &[Row<'_>] = &[
        (&live, &[]),
        (&live, &[("cookie", &cookies)]),
        (&live, &[("Cookie", "yk_v=v1.1.forged.forged")]),
        (&live, &[("User-Agent", "curl/8.5.0")]),
        (&live, &[("user-agent", "Googlebot/2.1")]),
        (&live, &[("sec-fetch-dest", "image"), ("SEC-FETCH-MODE", "no-cors")]),
        (&live, &[("Sec-Purpose", "prefetch;prerender")]),
        (&live, &[("sec-gpc", "1")]),
        (&dead, &[("Accept-Language", "en")]),
        (&dead, &[]),
        (&early, &[]),
        ("/unknown", &[]),
        ("/", &[]),
        ("/robots.txt", &[]),
        (&live, &[("host", "evil.example")]),
        (&live, &[("host", "127.0.0.1"), ("Host", "127.0.0.1")]),
    ];
    for (target, headers) in rows {
        let text = request("GET", target, headers);
        let mut client = world.client();
        client.send(text.as_bytes());
        let front = client.receive(false).unwrap();
        assert_eq!(form(&front), form(&by_hyper(&world, &text)), "{text}");
    }
    let preview = format!("{live}+");
    let text = request("GET", &preview, &[("accept-language", "en")]);
    assert_eq!(form(&world.get(&preview, &[("accept-language", "en")])), form(&by_hyper(&world, &text)));
}

#[test]
fn a_head_in_pieces_is_one_click() {
    let world = World::new([]);
    let text = request("GET", &path(1), &[("cookie", "a=b")]);
    let mut client = world.client();
    client.0.set_nodelay(true).unwrap();
    for byte in text.as_bytes().chunks(7) {
        client.send(byte);
    }
    assert_eq!(client.receive(false).unwrap().status, 302);
    // The same connection goes on, by either reader.
    assert_eq!(client.request("GET", &path(1), &[]).status, 302);
    assert_eq!(client.request("HEAD", &path(1), &[]).status, 302);
    assert_eq!(client.request("GET", &path(1), &[]).status, 302);
    assert_eq!(world.recorded(), ["attributed", "attributed", "head", "attributed"]);
}

#[test]
fn a_client_that_closes_gets_one_answer_and_the_end() {
    let world = World::new([]);
    let mut client = world.client();
    let answer = client.request("GET", &path(1), &[("Connection", "close")]);
    assert_eq!((answer.status, answer.header("connection")), (302, Some("close")));
    assert!(client.receive(false).is_none());
    let closed = || world.metric("yinke_edge_connections_closed_total");
    eventually("the connection is over", || closed() == 1);
}

#[test]
fn a_strict_click_is_answered_once_the_disk_has_it() {
    let strict = attribution_core::catalogue::ProgrammeRow { durability: Durability::Strict, ..programme(1) };
    let world = World::new([Change::Programme(strict)]);
    let mut client: Client = world.client();
    for _ in 0..3 {
        assert_eq!(client.request("GET", &path(1), &[]).status, 302);
    }
    assert_eq!(world.recorded(), ["attributed"; 3]);
}
