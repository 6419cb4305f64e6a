//! What a client may use up, and clients that leave or stand still.

use crate::http::{Client, request};
use crate::world::{World, eventually, link, path, programme};
use attribution_core::catalogue::{Change, Durability};
use std::io::Write as _;
use std::net::Ipv4Addr;
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
fn a_strict_answer_does_not_wait_for_the_end_of_the_syncs_rest() {
    let world = World::with([], |config| {
        config.durability = Durability::Strict;
        config.journal.sync_interval = Duration::from_hours(1);
    });
    let mut client = world.client();
    for _ in 0..3 {
        assert_eq!(client.request("GET", &path(1), &[]).status, 302);
    }
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

#[test]
fn unfinished_heads_in_hypers_hands_take_no_more_either() {
    let world = World::with([], |config| config.limits.unfinished_bytes = 4_096);
    let begun = format!("HEAD {} HTTP/1.1\r\nx: {}", path(1), "y".repeat(960));
    // A HEAD is hyper's, and its connection stays there. Half of them send the next one's beginning along with it.
    let slow: Vec<_> = (0..8)
        .map(|number| {
            let mut client = world.client();
            let whole = request("HEAD", &path(1), &[]);
            let (first, then) = if number % 2 == 0 { (whole + &begun, "") } else { (whole, &*begun) };
            client.send(first.as_bytes());
            // Who finds no room for the first is gone without an answer.
            if let Some(answer) = client.receive(true) {
                assert_eq!(answer.status, 302);
                client.send(then.as_bytes());
            }
            client
        })
        .collect();
    let dropped = || world.metric("yinke_edge_unfinished_heads_dropped_total");
    eventually("those beyond the room are closed", || dropped() == 4);
    assert_eq!(world.get(&path(1), &[]).status, 302);
    drop(slow);
    eventually("they are gone", || world.metric("yinke_edge_connections_open") == 0);
    let mut late = world.client();
    assert_eq!(late.request("HEAD", &path(1), &[]).status, 302);
    late.send(format!("HEAD {} HTTP/1.1\r\nx: {}", path(1), "y".repeat(3_500)).as_bytes());
    late.send(b"\r\nhost: 127.0.0.1\r\n\r\n");
    assert_eq!((late.receive(true).unwrap().status, dropped()), (302, 4), "their room was given back");
}

#[test]
fn blanks_in_heads_do_not_add_up() {
    let world = World::with([], |config| config.limits.unfinished_bytes = 64 << 10);
    let padded = format!("HEAD {} HTTP/1.1\r\nhost:{}127.0.0.1\r\n\r\n", path(1), " ".repeat(3_000));
    let mut client = world.client();
    for number in 0..100 {
        client.send(padded.as_bytes());
        let answer = client.receive(true).unwrap_or_else(|| panic!("head {number} has its answer"));
        assert_eq!(answer.status, 302, "head {number}");
    }
    assert_eq!(world.metric("yinke_edge_unfinished_heads_dropped_total"), 0);
}

#[test]
fn a_hoard_keeps_nobody_out_but_its_own_network() {
    let world = World::with([], |config| config.limits.connections = 40);
    let hoarder = Ipv4Addr::new(127, 66, 0, 1);
    let mut hoard: Vec<_> = (0..40).map(|_| Client::connect_from(hoarder, world.edge.address())).collect();
    let open = || world.metric("yinke_edge_connections_open");
    eventually("all are in", || open() == 40);
    // One of them has had an answer and waits again; the others have never sent anything.
    assert_eq!(hoard[0].request("GET", &path(1), &[]).status, 302);
    let mut honest: Vec<_> = (0..10).map(|_| world.client()).collect();
    for client in &mut honest {
        assert_eq!(client.request("GET", &path(1), &[]).status, 302);
    }
    let displaced = || world.metric("yinke_edge_connections_displaced_total");
    assert_eq!(displaced(), 10);
    eventually("those displaced are gone", || open() == 40);
    let rejected = || world.metric("yinke_edge_connections_rejected_total");
    assert!(Client::connect_from(hoarder, world.edge.address()).receive(false).is_none());
    assert_eq!((rejected(), displaced()), (1, 10), "the hoarder itself displaces nobody");
    for client in &mut honest {
        assert_eq!(client.request("GET", &path(1), &[]).status, 302, "and nobody honest was displaced");
    }
}
