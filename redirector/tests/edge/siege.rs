//! Many hostile clients at once, from networks of their own, and honest ones among them. The same with more of them and with
//! figures: `cargo xtask siege`.

use crate::http::{Client, request};
use crate::world::{World, eventually, path};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Slow sockets, if so many files may be open: both their ends are files of this process.
const SLOW: usize = 2_000;
/// Fewer are no siege.
const SLOW_LEAST: usize = 500;
/// Files besides those of slow sockets.
const FILES: usize = 1_000;
const HONEST: usize = 1_000;
const GUESSES: usize = 20_000;
/// Requests that a flood sends in one go.
const PIPELINE: usize = 500;

/// Lets this process open as many files as it may; how many slow sockets that suffices for.
fn slow_sockets() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("the soft limit may be as high as the hard one");
    let files = limit.maximum.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    let slow = (files.saturating_sub(FILES) / 2).min(SLOW);
    assert!(slow >= SLOW_LEAST, "{files} open files allow {slow} slow sockets: raise the hard limit");
    slow
}

/// Codes that nobody made, different ones each time.
fn guess(number: usize) -> String {
    let body = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    request("GET", &format!("/{:09x}", body >> 28), &[])
}

#[test]
fn honest_clients_are_served_while_others_lay_siege() {
    let sockets = slow_sockets();
    let world = World::with([], |config| config.limits.connections = sockets);
    let address = world.edge.address();
    let of = |network: u8, host: usize| Ipv4Addr::new(127, network, 0, u8::try_from(host % 200 + 1).unwrap());
    // Slow senders of heads, a third of them in hyper's hands; they fill every place.
    let mut slow: Vec<Client> = (0..sockets)
        .map(|number| {
            let mut client = Client::connect_from(of(66, number), address);
            let begin = if number % 3 == 0 {
                format!("{}HEAD /", request("HEAD", &path(1), &[]))
            } else {
                "GET /".to_owned()
            };
            client.send(begin.as_bytes());
            client
        })
        .collect();
    eventually("all are in", || world.metric("yinke_edge_connections_open") == sockets as u64);
    let (over, guessed) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        // Guesses at codes, pipelined, answers taken: 404 and, beyond what one network may guess, 429.
        let guesser = scope.spawn(|| {
            let mut client = Client::connect_from(of(67, 1), address);
            for first in (0..GUESSES).step_by(PIPELINE) {
                let flood: String = (first..first + PIPELINE).map(guess).collect();
                client.send(flood.as_bytes());
                for _ in 0..PIPELINE {
                    let status = client.receive(false).expect("each guess has its answer").status;
                    assert!(matches!(status, 404 | 429), "{status}");
                }
                guessed.fetch_add(PIPELINE, Ordering::Relaxed);
            }
        });
        // A flood of whole requests that takes no answers.
        scope.spawn(|| {
            let flood = request("GET", &path(1), &[("connection", "keep-alive")]).repeat(PIPELINE);
            while !over.load(Ordering::Relaxed) {
                let client = Client::connect_from(of(68, 1), address);
                client.0.set_write_timeout(Some(std::time::Duration::from_millis(50))).unwrap();
                let mut stream = &client.0;
                while stream.write(flood.as_bytes()).is_ok_and(|len| len > 0) {}
            }
        });
        // The slow ones send a little more.
        scope.spawn(|| {
            for client in &mut slow {
                // Some have been closed meanwhile; that is what they are for.
                let _ = client.0.write(b"a");
            }
        });
        let honest = scope.spawn(|| {
            let mut client = world.client();
            for number in 0..HONEST {
                if number % 10 == 0 {
                    client = world.client();
                }
                let answer = client.request("GET", &path(1), &[]);
                assert_eq!(answer.status, 302, "click {number}");
                assert!(answer.cookie("yk_v").is_some());
            }
        });
        let (served, guessing) = (honest.join(), guesser.join());
        over.store(true, Ordering::Relaxed);
        served.expect("every honest click is served");
        guessing.expect("the guesser was answered");
    });
    assert_eq!(guessed.load(Ordering::Relaxed), GUESSES);
    assert_eq!(world.metric("yinke_edge_handler_panics_total"), 0);
    assert!(world.metric("yinke_edge_requests_total{outcome=\"rate_limited\"}") > 0);
    assert!(world.edge.tally().answered >= HONEST as u64);
}
