//! A restart with SIGUSR2, seen by clients that connect all the time.

use crate::roles;
use crate::support::{Answer, TOKEN, Up, code, http, run, stderr, up, wait_for};
use crate::up::{audit, small_world, tap};
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
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

/// A browser that taps a link all the time and keeps its cookies.
struct Browser {
    jar: BTreeMap<String, String>,
    visitor: Option<String>,
    /// The tokens of its clicks.
    clicks: Vec<String>,
    /// Cookies that were signed anew.
    renewed: usize,
}

impl Browser {
    fn tap(&mut self, edge: &str, path: &str) {
        let cookies: Vec<_> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let headers = [("User-Agent", "Mozilla/5.0 (iPhone)"), ("Cookie", &*cookies.join("; "))];
        let answer: Answer =
            http("GET", &format!("{edge}/{path}"), &headers[..1 + usize::from(!cookies.is_empty())], "");
        assert_eq!(answer.status, 302, "{}", answer.body);
        for cookie in answer.all("set-cookie") {
            let (name, value) = cookie.split_once(';').unwrap().0.split_once('=').unwrap();
            let had = self.jar.insert(name.to_owned(), value.to_owned());
            self.renewed += usize::from(name == "yk_v" && had.is_some());
        }
        let token = answer.header("location").split_once("yk_click=").unwrap().1.to_owned();
        let visitor = visitor_of(&token);
        assert_eq!(
            self.visitor.get_or_insert_with(|| visitor.clone()),
            &visitor,
            "the same person as before"
        );
        self.clicks.push(token);
    }
}

/// The visitor in a click token: its bytes 18 to 33, behind the purpose, the layout and the click. These 20 letters are
/// 15 of them.
fn visitor_of(token: &str) -> String {
    token.split('.').nth(2).unwrap()[24..44].to_owned()
}

fn rotate_keys(data: &std::path::Path) {
    let rotated = run(&["keys", "rotate", "--keys", data.join("keys").to_str().unwrap()]);
    assert_eq!(code(&rotated), 0, "{}", stderr(&rotated));
}

fn restart_and_wait(server: &Up, restart: u64) {
    server.restart();
    wait_for("the next process", || {
        let admin = server.admin.strip_prefix("http://").unwrap();
        ask(admin, "/version").unwrap_or_default().contains(&format!("\"restarts\":{restart},")).then_some(())
    });
}

#[test]
fn every_click_counts_once_while_it_restarts_and_its_keys_rotate() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = up(&data, &["--workers", "2"]);
    let link = small_world(&server, dir.path());
    tap(&server, &link);
    let first = audit(&server)["clicks"]["recorded"].as_u64().unwrap();
    let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    let restarts = 2 * times();
    let browsers: Vec<Browser> = std::thread::scope(|scope| {
        let browsers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let (jar, visitor, clicks) = (BTreeMap::new(), None, Vec::new());
                    let mut browser = Browser { jar, visitor, clicks, renewed: 0 };
                    while !stop.load(Ordering::Relaxed) {
                        browser.tap(&server.edge, &link);
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    browser
                })
            })
            .collect();
        let stopping = Stop(&stop);
        for restart in 1..=restarts {
            // Each second one puts a new generation to use.
            rotate_keys(&data);
            restart_and_wait(&server, restart);
            let before = answered.load(Ordering::Relaxed);
            wait_for("everybody's next taps", || {
                (answered.load(Ordering::Relaxed) >= before + 40).then_some(())
            });
        }
        drop(stopping);
        browsers.into_iter().map(|browser| browser.join().unwrap()).collect()
    });
    let clicks: u64 = browsers.iter().map(|browser| browser.clicks.len() as u64).sum();
    let different: HashSet<&String> = browsers.iter().flat_map(|browser| &browser.clicks).collect();
    assert_eq!(different.len() as u64, clicks, "no two clicks have one name");
    for browser in &browsers {
        assert!(browser.renewed >= 1, "a cookie of an old key is signed anew");
    }
    let balance = wait_for("every click is in the core", || {
        let clicks = audit(&server)["clicks"].clone();
        (clicks["pending"] == 0 && clicks["ingested"] == clicks["recorded"]).then_some(clicks)
    });
    assert_eq!(balance["answered"], first + clicks, "{balance}");
    assert_eq!(balance["recorded"], first + clicks, "{balance}");
    for nothing in ["in_doubt", "gaps", "quarantined", "lost"] {
        assert_eq!(balance[nothing], 0, "{balance}");
    }
    println!(
        "{restarts} restarts, {} rotations, {clicks} clicks: all counted once, nobody became another",
        restarts / 2
    );
    assert_eq!(server.stop().0, 0);
}

#[test]
fn a_restart_that_would_fail_is_not_begun() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let core = roles::core(dir, "127.0.0.1:0");
    roles::keys_for(dir, &core);
    let edge = roles::edge_with(dir, &core.core, "", "info");
    let (config, key) = (dir.join("edge.toml"), dir.join("edge-keys/check.key"));
    let refused = |server: &Up, name: &str, times: usize, why: &str| {
        server.restart();
        let log = wait_for("it says that it goes on", || {
            let log = std::fs::read_to_string(dir.join(name)).unwrap();
            (log.matches("not restarted").count() == times).then_some(log)
        });
        assert!(log.lines().last().unwrap().contains(why), "{log}");
    };
    let good = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{good}no_such_key = 1\n")).unwrap();
    refused(&edge, "edge.log", 1, "no_such_key");
    std::fs::write(&config, &good).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    refused(&edge, "edge.log", 2, "check.key has mode 0644");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    restart_and_wait(&edge, 1);

    let key = dir.join("core/keys/master.g1.key");
    std::fs::rename(&key, key.with_extension("away")).unwrap();
    refused(&core, "core.log", 1, "master.g1.key is missing");
    std::fs::rename(key.with_extension("away"), &key).unwrap();
    restart_and_wait(&core, 1);
}
