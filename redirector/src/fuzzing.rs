//! What must hold whatever bytes arrive from outside: one function for each thing read here, which panics if it does
//! not hold. The property tests give them random bytes, the targets in `fuzz/` bytes that a fuzzer has bred.

use crate::agents::Agents;
use crate::cookies::CookieJar;
use crate::front::{HEADERS_MAX, head};
use crate::query;
use crate::request::{self, Hosts};
use crate::table::snapshot;
use attribution_core::record::SUB_ID_MAX;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::cell::RefCell;
use std::convert::Infallible;
use std::mem::MaybeUninit;
use std::rc::Rc;
use std::sync::OnceLock;
use tokio::io::AsyncWriteExt as _;
use url::Url;

/// A head as somebody read it: path, query, headers with names in lower case.
type Seen = (String, String, Vec<(String, Vec<u8>)>);

/// Whatever the front takes is one request to hyper too, and the same one: nobody can make the two disagree about where a
/// request ends or what it says.
pub fn request_head(bytes: &[u8]) {
    let Some(seen) = front_reads(bytes) else { return };
    let (first, requests) = hyper_reads(bytes);
    assert_eq!(first.map(sorted), Some(sorted(seen)));
    assert_eq!(requests, 1);
}

/// What a head says is read without a panic, and what of it gets into an answer cannot end a header or a URL there.
pub fn request(bytes: &[u8]) {
    static HOSTS: OnceLock<Hosts> = OnceLock::new();
    static AGENTS: OnceLock<Option<Agents>> = OnceLock::new();
    let hosts = HOSTS.get_or_init(|| {
        let base = Url::parse("https://yk.example/").unwrap_or_else(|_| unreachable!("it is one"));
        Hosts::new(&base, &[])
    });
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let head::Read::Plain(plain) = head::read(bytes, &mut headers) else { return };
    let Ok(asked) = request::read(&plain.line, plain.headers(), hosts) else { return };
    if let Some(agents) = AGENTS.get_or_init(|| Agents::load(None).ok()) {
        agents.class(asked.agent);
    }
    let lines = asked.cookies.get();
    for jar in [CookieJar::new(false), CookieJar::new(true)] {
        let ours = jar.find(lines, b"__Host-yk_c_p");
        assert!(ours.own_claims.get().len() <= ours.claims);
        assert_eq!(jar.claims(lines).count(), ours.claims);
        let values = ours.visitors.get().iter().chain(ours.own_claims.get());
        for value in values {
            assert!(!value.contains(&b';'));
            attribution_core::fuzzing::token(value);
        }
    }
    let mut passed_on = Vec::new();
    query::push_without(asked.query, b"yk_click", &mut passed_on);
    assert!(passed_on.iter().all(u8::is_ascii_graphic), "{passed_on:?}");
    let mut sub = [0; SUB_ID_MAX];
    if let Some(len) = query::sub_id(asked.query, &mut sub) {
        assert!(std::str::from_utf8(&sub[..len]).is_ok());
    }
}

/// A snapshot is loaded or refused. The bytes are also tried with lengths and checksums put right around them: else none
/// would get beyond those.
pub fn snapshot(bytes: &[u8]) {
    let _ = snapshot::read_from(bytes, true);
    let (small, links) = bytes.split_at(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
    if let Ok((table, _)) = snapshot::read_from(&*snapshot::sealed(small, links), true) {
        let mut again = Vec::new();
        assert!(
            snapshot::write(&mut again, &table, table.position(), 7).is_ok(),
            "what was loaded cannot be saved"
        );
        assert!(snapshot::read_from(&*again, true).is_ok(), "what was saved cannot be loaded");
    }
}

fn front_reads(bytes: &[u8]) -> Option<Seen> {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let head::Read::Plain(plain) = head::read(bytes, &mut headers) else { return None };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = plain.headers().map(|(name, value)| (name.to_ascii_lowercase(), value.to_vec()));
    Some((text(plain.line.path), text(plain.line.query), headers.collect()))
}

/// The first request that hyper reads, and how many there were.
fn hyper_reads(bytes: &[u8]) -> (Option<Seen>, usize) {
    let seen: Rc<RefCell<Vec<Seen>>> = Rc::default();
    let noted = Rc::clone(&seen);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return (None, 0) };
    runtime.block_on(async move {
        let (mut client, server) = tokio::io::duplex(bytes.len() + 1);
        // The pipe takes it all: nothing to fail.
        let _ = client.write_all(bytes).await;
        let _ = client.shutdown().await;
        let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
            let (parts, _) = request.into_parts();
            let headers = parts.headers.iter();
            let headers = headers.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
            let query = parts.uri.query().unwrap_or_default().to_owned();
            noted.borrow_mut().push((parts.uri.path().to_owned(), query, headers.collect()));
            async { Ok::<_, Infallible>(http::Response::new(Empty::<Bytes>::new())) }
        });
        let serving =
            http1::Builder::new().max_headers(HEADERS_MAX).serve_connection(TokioIo::new(server), service);
        let _ = serving.await;
    });
    let seen = seen.take();
    (seen.first().cloned(), seen.len())
}

/// hyper keeps headers of one name together; the order within a name is what counts.
fn sorted((path, query, mut headers): Seen) -> Seen {
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    (path, query, headers)
}
