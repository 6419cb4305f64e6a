//! What a client may use up, and clients that leave or stand still.

use crate::http::{Client, request};
use crate::world::{World, eventually, link, path, programme};
use attribution_core::catalogue::{Change, Durability};
use std::io::Write as _;
use std::time::Duration;

#[test]
fn a_client_that_leaves_is_recorded() {
    let world = World::new([]);
    for _ in 0..50 {
        let mut client = world.client();
        client.send(request("GET", &path(1), &[]).as_bytes());
        drop(client);
    }
    eventually("all clicks are recorded", || world.edge.tally().recorded == 50);
    eventually("all clients are gone", || {
        world.edge.tally().answered + world.metric("yinke_edge_clients_left_total") == 50
    });
    assert_eq!(world.recorded(), ["attributed"; 50]);
}

#[test]
fn guessing_codes_is_slowed_down_and_real_links_still_work() {
    let world = World::with([], |config| {
        config.limits.misses_per_minute = 1;
        config.limits.miss_burst = 5;
    });
    for _ in 0..5 {
        assert_eq!(world.get("/nothing", &[]).status, 404);
    }
    let answer = world.get("/nothing", &[]);
    assert_eq!((answer.status, answer.outcome()), (429, Some("rate_limited")));
    assert!(answer.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().unwrap() > 30));
    assert_eq!(world.get(&path(1), &[]).status, 302);
    assert_eq!(world.edge.tally().counted, [0, 1, 5, 0]);
}

#[test]
fn a_proxys_word_counts_only_from_a_proxy() {
    let trusting = World::with([], |config| config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]);
    let forwarded = [("x-forwarded-for", "6.6.6.6, 198.51.100.7")];
    trusting.get(&path(1), &forwarded);
    trusting.with_records(|record| assert_eq!(record.address_prefix.0[..4], [4, 198, 51, 100]));
    let plain = World::new([]);
    plain.get(&path(1), &forwarded);
    plain.with_records(|record| assert_eq!(record.address_prefix.0[..4], [4, 127, 0, 0]));
}

#[test]
fn silent_connections_are_closed() {
    let world = World::with([], |config| config.limits.header_timeout = Duration::from_secs(1));
    let mut idle = world.client();
    assert_eq!(idle.request("GET", &path(1), &[]).status, 302);
    let mut slow = world.client();
    slow.send(b"GET / HT");
    assert!(idle.receive(false).is_none() && slow.receive(false).is_none(), "both are closed, unanswered");
    assert_eq!(world.metric("yinke_edge_connection_timeouts_total"), 2);
    eventually("they are gone", || world.metric("yinke_edge_connections_open") == 0);
}

#[test]
fn connections_beyond_the_cap_are_closed_at_once() {
    let world = World::with([], |config| config.limits.connections = 2);
    let mut first = world.client();
    assert_eq!(first.request("GET", &path(1), &[]).status, 302);
    let mut second = world.client();
    assert_eq!(second.request("GET", &path(1), &[]).status, 302);
    let mut third = Client::connect(world.edge.address());
    assert!(third.receive(false).is_none());
    assert_eq!(world.metric("yinke_edge_connections_rejected_total"), 1);
    drop(first);
    eventually("a place is free", || world.metric("yinke_edge_connections_open") == 1);
    assert_eq!(world.get(&path(1), &[]).status, 302);
}

#[test]
fn a_strict_programmes_answer_waits_for_the_disk() {
    let mut strict = programme(1);
    strict.durability = Durability::Strict;
    let world = World::new([Change::Programme(strict), Change::Link(link(2))]);
    let mut client = world.client();
    for sent in 1..=20 {
        assert_eq!(client.request("GET", &path(2), &[]).status, 302);
        assert!(world.edge.journal().durable(0) >= sent, "the answer came before the disk");
    }
    assert_eq!(world.edge.tally().answered, 20);
}

#[test]
fn a_full_strict_queue_is_overloaded_and_records_nothing() {
    let world = World::with([], |config| {
        config.durability = Durability::Strict;
        config.limits.strict_queue = 0;
    });
    let answer = world.get(&path(1), &[]);
    assert_eq!((answer.status, answer.outcome()), (503, Some("overloaded")));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(world.recorded().is_empty());
    assert_eq!(world.edge.tally().counted, [0, 0, 0, 1]);
}

#[test]
fn unfinished_heads_take_no_more_than_they_may() {
    let world = World::with([], |config| config.limits.unfinished_bytes = 4_096);
    let mut slow: Vec<_> = (0..8)
        .map(|_| {
            let mut client = world.client();
            client.send(format!("HEAD {} HTTP/1.1\r\nx: {}", path(1), "y".repeat(960)).as_bytes());
            client
        })
        .collect();
    let dropped = || world.metric("yinke_edge_unfinished_heads_dropped_total");
    eventually("those beyond the room are closed", || dropped() == 4);
    assert_eq!(world.get(&path(1), &[]).status, 302, "whole heads need no room");
    // Who was kept is served once it is whole; it gives its room back.
    let kept = slow.iter_mut().filter_map(|client| {
        client.0.write_all(b"\r\nhost: 127.0.0.1\r\n\r\n").ok()?;
        client.receive(true).map(|answer| answer.status)
    });
    assert_eq!(kept.collect::<Vec<_>>(), [302; 4]);
    let mut late = world.client();
    late.send(&[b"GET / HTTP/1.1\r\nx: ".as_slice(), &[b'y'; 3_000]].concat());
    late.send(b"\r\nhost: 127.0.0.1\r\n\r\n");
    assert_eq!((late.receive(false).unwrap().status, dropped()), (404, 4));
}
