//! An import that breaks off goes on where it stopped.

use crate::support::{code, file, run, stderr};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A core that says yes to `answers` writes and then is gone.
struct MortalCore {
    url: String,
    seen: Arc<AtomicUsize>,
}

impl MortalCore {
    fn start(address: &str, answers: usize) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&seen);
        let own = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if counted.load(Ordering::SeqCst) >= answers {
                    return;
                }
                let (stream, counted) = (stream.unwrap(), Arc::clone(&counted));
                std::thread::spawn(move || {
                    serve(stream, &counted, answers);
                    if counted.load(Ordering::SeqCst) >= answers {
                        // Wakes the listener, so that it sees that its time is over.
                        let _ = TcpStream::connect(own);
                    }
                });
            }
        });
        Self { url, seen }
    }
}

fn serve(stream: TcpStream, seen: &AtomicUsize, answers: usize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while seen.load(Ordering::SeqCst) < answers {
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or_default() == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        // Several connections may wait with a request each: only so many are answered.
        if seen.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| (n < answers).then_some(n + 1)).is_err()
        {
            return;
        }
        writer
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
            .unwrap();
    }
}

fn promoters(dir: &Path, count: usize) -> std::path::PathBuf {
    let rows: String = (0..count).map(|n| format!("p-{n},推广者{n}\n")).collect();
    file(dir, "promoters.csv", &format!("id,name\n{rows}"))
}

#[test]
fn an_import_goes_on_where_its_core_went_away() {
    let dir = tempfile::tempdir().unwrap();
    let path = promoters(dir.path(), 100);
    let core = MortalCore::start("127.0.0.1:0", 70);
    let args = ["import", "promoters", path.to_str().unwrap(), "--core", &core.url, "--token", "t"];
    let output = run(&args);
    assert_eq!(code(&output), 69, "{}", stderr(&output));
    assert!(stderr(&output).contains("stopped after 70 of 100"), "{}", stderr(&output));
    let note = dir.path().join("promoters.csv.yinke-import");
    assert!(note.exists());

    let again = MortalCore::start(core.url.trim_start_matches("http://"), usize::MAX);
    let output = run(&args);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stderr(&output).contains("30 imported, 70 were in already"), "{}", stderr(&output));
    assert_eq!(again.seen.load(Ordering::SeqCst), 30);
    assert!(!note.exists());
}

#[test]
fn products_are_checked_before_the_first_is_saved_and_go_on_after_a_break() {
    let dir = tempfile::tempdir().unwrap();
    let rows: String = (0..5_000).map(|n| format!("p-{n},m,茶,https://m.shop.example/{n}\n")).collect();
    let path = file(dir.path(), "products.csv", &format!("id,merchant,title,url\n{rows}"));
    // Three calls ask whether they would be taken, and the first of three saves its part.
    let core = MortalCore::start("127.0.0.1:0", 4);
    let args = ["import", "products", path.to_str().unwrap(), "--core", &core.url, "--token", "t"];
    let output = run(&args);
    assert_eq!(code(&output), 69, "{}", stderr(&output));
    assert!(stderr(&output).contains("stopped after 2000 of 5000"), "{}", stderr(&output));

    let again = MortalCore::start(core.url.trim_start_matches("http://"), usize::MAX);
    let output = run(&args);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stderr(&output).contains("3000 imported, 2000 were in already"), "{}", stderr(&output));
    assert_eq!(again.seen.load(Ordering::SeqCst), 4);
}

#[test]
fn a_changed_file_starts_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = promoters(dir.path(), 5);
    let core = MortalCore::start("127.0.0.1:0", 3);
    let args = ["import", "promoters", path.to_str().unwrap(), "--core", &core.url, "--token", "t"];
    assert_eq!(code(&run(&args)), 69);
    promoters(dir.path(), 6);
    let again = MortalCore::start(core.url.trim_start_matches("http://"), usize::MAX);
    let output = run(&args);
    assert!(stderr(&output).contains("promoters: 6 imported\n"), "{}", stderr(&output));
    assert_eq!(again.seen.load(Ordering::SeqCst), 6);
}
