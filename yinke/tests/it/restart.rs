//! A restart with SIGUSR2, seen by clients that connect all the time.

use crate::support::{TOKEN, http, up, wait_for};
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Restarts in the test command; `cargo xtask restarts` asks for more.
fn times() -> u64 {
    let given = std::env::var("YINKE_TEST_RESTARTS").ok();
    given.map_or(5, |text| text.parse().unwrap())
}

/// One request on a new connection, read to the end of the connection.
fn ask(address: &str, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Lets the clients end, also when an assertion fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn nobody_is_refused_or_cut_off_while_it_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let server = up(&dir.path().join("data"), &["--workers", "2"]);
    let edge = server.edge.strip_prefix("http://").unwrap().to_owned();
    let admin = server.admin.strip_prefix("http://").unwrap().to_owned();
    let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut faults = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        match ask(&edge, "/robots.txt") {
                            Ok(answer) if answer.starts_with("HTTP/1.1 200 OK\r\n") => {
                                answered.fetch_add(1, Ordering::Relaxed);
                            }
                            other => faults.push(format!("{other:?}")),
                        }
                    }
                    faults
                })
            })
            .collect();
        let stopping = Stop(&stop);
        for restart in 1..=times() {
            let before = answered.load(Ordering::Relaxed);
            server.restart();
            wait_for("the next process", || {
                // The admin listener is the operators': a look at the very moment of a restart may end in nothing.
                let version = ask(&admin, "/version").unwrap_or_default();
                version.contains(&format!("\"restarts\":{restart},")).then_some(())
            });
            wait_for("an answer", || (answered.load(Ordering::Relaxed) > before).then_some(()));
        }
        drop(stopping);
        for client in clients {
            assert_eq!(client.join().unwrap(), Vec::<String>::new());
        }
    });
    println!("{} restarts, {} answers, 0 refused, 0 cut off", times(), answered.load(Ordering::Relaxed));
    let authorization = [("Authorization", &*format!("Bearer {TOKEN}"))];
    let audit = http("GET", &format!("{}/v1/audit/clicks", server.core), &authorization, "");
    assert_eq!(audit.status, 200, "the core went along: {}", audit.body);
    wait_for("readiness", || {
        (http("GET", &format!("{}/readyz", server.admin), &[], "").status == 200).then_some(())
    });
    assert_eq!(server.stop().0, 0);
    let log = std::fs::read_to_string(dir.path().join("data.log")).unwrap();
    let complaints: Vec<_> =
        log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).collect();
    assert_eq!(complaints, Vec::<&str>::new(), "a restart is nothing to complain about");
}
