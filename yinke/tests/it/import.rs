//! An import that breaks off goes on where it stopped.

use crate::support::{code, file, run, stderr};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

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
        let keys = Arc::new(Mutex::new(HashSet::new()));
        let own = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if counted.load(Ordering::SeqCst) >= answers {
                    return;
                }
                let (stream, counted, keys) = (stream.unwrap(), Arc::clone(&counted), Arc::clone(&keys));
                std::thread::spawn(move || {
                    serve(stream, &counted, &keys, answers);
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

/// A key that comes again gets its answer again.
fn serve(stream: TcpStream, seen: &AtomicUsize, keys: &Mutex<HashSet<String>>, answers: usize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while seen.load(Ordering::SeqCst) < answers {
        let (mut length, mut again) = (0, "");
        let mut line = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or_default() == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            let line = line.to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            } else if let Some(key) = line.strip_prefix("idempotency-key:")
                && !keys.lock().unwrap().insert(key.to_owned())
            {
                again = "Idempotent-Replayed: true\r\n";
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        // Several connections may wait with a request each: only so many are answered.
        if seen.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| (n < answers).then_some(n + 1)).is_err()
        {
            return;
        }
        let answer = answer(&body);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
        write!(writer, "{head}{again}Content-Length: {}\r\n\r\n{answer}", answer.len()).unwrap();
    }
}

/// Of links their codes, here named after their products; else nothing that anybody reads.
fn answer(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap();
    let Some(links) = body["links"].as_array() else { return "{}".to_owned() };
    let links: Vec<Value> = links.iter().map(|link| json!({"code": link["product"]})).collect();
    json!({ "links": links }).to_string()
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

fn links(dir: &Path, count: usize) -> std::path::PathBuf {
    let rows: String = (0..count).map(|n| format!("a-p,c-{n}\n")).collect();
    file(dir, "links.csv", &format!("placement,product\n{rows}"))
}

/// The file of codes after an import of so many links: each line once, in order.
fn codes(count: usize) -> String {
    let rows: String = (0..count).map(|n| format!("{},c-{n},,,\n", n + 2)).collect();
    format!("line,code,short_url,qr_svg_url,qr_png_url\n{rows}")
}

#[test]
fn codes_of_links_are_written_as_they_are_made_and_the_next_run_adds_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let path = links(dir.path(), 5_000);
    let core = MortalCore::start("127.0.0.1:0", 1);
    let args = ["import", "links", path.to_str().unwrap(), "--core", &core.url, "--token", "t"];
    let output = run(&args);
    assert_eq!(code(&output), 69, "{}", stderr(&output));
    let results = dir.path().join("links.csv.links.csv");
    assert_eq!(std::fs::read_to_string(&results).unwrap(), codes(2_000));

    // Killed between the codes of a step and the note of it: they are answered once more.
    std::fs::write(&results, codes(4_000)).unwrap();
    let again = MortalCore::start(core.url.trim_start_matches("http://"), usize::MAX);
    let output = run(&args);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(again.seen.load(Ordering::SeqCst), 2);
    assert_eq!(std::fs::read_to_string(&results).unwrap(), codes(5_000));

    // Once more: what this core made is not made again, and the command says so.
    let output = run(&args);
    assert!(stderr(&output).contains("2000 imported, 3000 were in already"), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(&results).unwrap(), codes(5_000));
}

#[test]
fn links_of_a_changed_file_are_not_made_a_second_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = links(dir.path(), 5_000);
    let core = MortalCore::start("127.0.0.1:0", 1);
    let args = ["import", "links", path.to_str().unwrap(), "--core", &core.url, "--token", "t"];
    assert_eq!(code(&run(&args)), 69);
    links(dir.path(), 4_999);
    let again = MortalCore::start(core.url.trim_start_matches("http://"), usize::MAX);
    let output = run(&args);
    assert_eq!(code(&output), 65, "{}", stderr(&output));
    assert!(stderr(&output).contains("links.csv.yinke-import"), "{}", stderr(&output));
    assert_eq!(again.seen.load(Ordering::SeqCst), 0);
    let kept = std::fs::read_to_string(dir.path().join("links.csv.links.csv")).unwrap();
    assert_eq!(kept, codes(2_000));
}
