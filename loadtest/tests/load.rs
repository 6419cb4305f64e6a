//! The loader against a real server: what it reports when the server stalls, and when it breaks off.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use loadtest::mix::Mix;
use loadtest::oracle::{self, Oracle};
use loadtest::report::Figures;
use loadtest::run::{Pace, Plan, run};
use loadtest::target::Target;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// Serves one connection after the other; `answer` says what to send for request number n, or `None` to break off.
fn server(answer: impl Fn(usize) -> Option<String> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut requests = 0;
        'connections: for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut head, mut byte) = (Vec::new(), [0]);
            while stream.read(&mut byte).unwrap_or(0) > 0 {
                head.push(byte[0]);
                if head.ends_with(b"\r\n\r\n") {
                    head.clear();
                    requests += 1;
                    let Some(answer) = answer(requests - 1) else { continue 'connections };
                    stream.write_all(answer.as_bytes()).unwrap();
                }
            }
        }
    });
    address
}

fn redirect() -> String {
    "HTTP/1.1 302 Found\r\nlocation: https://shop.example/\r\nset-cookie: a=1\r\ncontent-length: 0\r\n\r\n"
        .to_owned()
}

fn load(target: SocketAddr, pace: Pace, millis: u64, oracle: Option<&Path>) -> Figures {
    let plan = Plan {
        target: Target::Fixed(target),
        host: None,
        pace,
        duration: Duration::from_millis(millis),
        connections: 1,
        alone: 0.0,
        mix: Mix::taps(),
        codes: vec!["abcdefghi".to_owned()],
        withdrawn: Vec::new(),
        exponent: 1.0,
        returning: 0.5,
        people: 10,
        timeout: Duration::from_secs(5),
        seed: 1,
        name: "run".to_owned(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let oracle = oracle.map(|path| Oracle::append(path).unwrap());
    let (figures, oracle) = run(plan, oracle, std::future::pending(), &runtime).unwrap();
    if let Some(oracle) = oracle {
        oracle.finish().unwrap();
    }
    figures
}

#[test]
fn a_stall_counts_for_everybody_who_came_meanwhile() {
    let (_never, stall) = mpsc::channel::<()>();
    let target = server(move |request| {
        if request == 0 {
            let _ = stall.recv_timeout(Duration::from_millis(400));
        }
        Some(redirect())
    });
    let figures = load(target, Pace::Open { rate: 500.0, precise: false }, 500, None);
    assert_eq!(figures.answered, figures.due, "{figures}");
    // Most of half a second's people came during the stall and waited, though only one request was slow to serve.
    assert!(figures.latency.quantile(0.5) > 50_000, "{figures}");
    assert!(figures.service.quantile(0.5) < 50_000, "{figures}");
}

#[test]
fn a_request_without_an_answer_is_written_down_as_such() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("oracle.tsv");
    let target = server(|request| (request % 3 != 2).then(redirect));
    let figures = load(target, Pace::Closed, 200, Some(&path));
    let entries = oracle::read(&path).unwrap();
    let unanswered = entries.iter().filter(|entry| entry.status.is_none()).count();
    assert!(figures.answered > 2 && figures.unanswered > 0, "{figures}");
    assert_eq!(unanswered as u64, figures.unanswered);
    assert_eq!(entries.len() as u64, figures.answered + figures.unanswered);
    let labels: std::collections::HashSet<_> = entries.iter().map(|entry| &entry.label).collect();
    assert_eq!(labels.len(), entries.len(), "every request has a label of its own");
}

#[test]
fn nobody_listening_means_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap();
    drop(listener);
    let figures = load(target, Pace::Open { rate: 200.0, precise: false }, 100, None);
    assert!(figures.due > 0, "{figures}");
    assert_eq!((figures.answered, figures.unanswered, figures.not_sent), (0, 0, figures.due));
}
