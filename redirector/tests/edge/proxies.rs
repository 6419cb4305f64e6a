//! Real proxies in front of the edge: HAProxy and nginx, each with one connection to the edge that all its clients
//! share, so that bytes left over from one client's request would become the beginning of another's.

use crate::http::{Client, request};
use crate::world::{World, eventually, link, path, target};
use attribution_core::catalogue::{Change, LinkRow};
use attribution_core::ids::TargetNum;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The link that no honest client asks for.
const SMUGGLED: u64 = 99;
/// Links of the honest clients, one after the other.
const HONEST: u64 = 8;

/// A proxy is started on so many ports before it counts as broken.
const STARTS: usize = 5;

/// A proxy in front of an edge. Ended when dropped.
struct Proxy {
    name: &'static str,
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

/// A port that was free a moment ago: neither proxy can choose one itself.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Proxy {
    fn haproxy(edge: SocketAddr) -> Self {
        let config = format!(
            "global\n  nbthread 1\n  maxconn 256\n\
             defaults\n  mode http\n  timeout client 500ms\n  timeout connect 20s\n  timeout server 20s\n\
             frontend people\n  bind 127.0.0.1:PORT\n  default_backend edge\n\
             backend edge\n  option forwardfor\n  http-reuse always\n  server edge {edge}\n"
        );
        Self::start("haproxy", &config, &["-db", "-q", "-f", "FOLDER/config"])
    }

    fn nginx(edge: SocketAddr) -> Self {
        let config = format!(
            "daemon off; master_process off; pid FOLDER/pid; error_log FOLDER/error;\n\
             events {{ worker_connections 256; }}\n\
             http {{ access_log off; client_body_temp_path FOLDER/1; proxy_temp_path FOLDER/2;\n\
               fastcgi_temp_path FOLDER/3; uwsgi_temp_path FOLDER/4; scgi_temp_path FOLDER/5;\n\
               client_header_timeout 500ms; client_body_timeout 500ms; keepalive_timeout 500ms; underscores_in_headers on; ignore_invalid_headers off;\n\
               upstream edge {{ server {edge}; keepalive 1; }}\n\
               server {{ listen 127.0.0.1:PORT;\n\
                 location / {{ proxy_pass http://edge; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
                   proxy_set_header Host $http_host; proxy_request_buffering off; proxy_read_timeout 20s;\n\
                   proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }} }}\n"
        );
        Self::start("nginx", &config, &["-e", "FOLDER/error", "-c", "FOLDER/config"])
    }

    /// Starts it on a port that was free. Somebody may have taken that meanwhile; then on another.
    fn start(name: &'static str, config: &str, arguments: &[&str]) -> Self {
        let started = (0..STARTS).find_map(|_| Self::start_on(free_port(), name, config, arguments));
        started.unwrap_or_else(|| panic!("{name} ended {STARTS} times"))
    }

    /// `None` if it ended.
    fn start_on(port: u16, name: &'static str, config: &str, arguments: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port_text = port.to_string();
        let placed =
            |text: &str| text.replace("FOLDER", folder.path().to_str().unwrap()).replace("PORT", &port_text);
        std::fs::write(folder.path().join("config"), placed(config)).unwrap();
        // Both live where not everybody's PATH leads.
        let search = format!("{}:/usr/sbin", std::env::var("PATH").unwrap());
        let mut command = Command::new(name);
        command.args(arguments.iter().copied().map(placed)).env("PATH", search).stdin(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut proxy = Self { name, child, address, _folder: folder };
        let mut ended = false;
        // Who listens there could be another program: only one that still runs counts.
        eventually("the proxy listens", || {
            let listens = TcpStream::connect(address).is_ok();
            ended = proxy.child.try_wait().unwrap().is_some();
            listens || ended
        });
        (!ended).then_some(proxy)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An edge that trusts one address only, the proxies', with links of which each leads to a target of its own.
fn world() -> World {
    let links = (2..=HONEST).chain([SMUGGLED]).flat_map(|body| {
        let num = u32::try_from(body).unwrap();
        [Change::Target(target(num)), Change::Link(LinkRow { target: TargetNum(num), ..link(body) })]
    });
    World::with(links, |config| config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()])
}

/// Sends bytes and reads until the proxy has had enough of waiting for more. (Who says that no more come is gone, to a
/// proxy, and gets nothing.)
fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // Who has been refused in the middle may be gone already.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Requests that two readers could take apart differently, each with another one hidden in it.
fn ambiguous() -> Vec<String> {
    let hidden = request("GET", &path(SMUGGLED), &[]);
    let chunked = format!("0\r\n\r\n{hidden}");
    let in_chunk = format!("{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len());
    let all = chunked.len();
    let hidden_len = hidden.len();
    let head =
        |line: &str, more: &str| format!("{line}\r\nhost: 127.0.0.1\r\nuser-agent: x\r\n{more}\r\n\r\n");
    let get = |more: &str| head(&format!("GET {} HTTP/1.1", path(1)), more);
    let post = |more: &str| head(&format!("POST {} HTTP/1.1", path(1)), more);
    let te = |line: &str| {
        [get(&format!("content-length: {all}\r\n{line}")), post(&format!("content-length: {all}\r\n{line}"))]
    };
    let mut all_of_them: Vec<String> = Vec::new();
    for line in [
        "transfer-encoding: chunked",
        "Transfer-Encoding : chunked",
        "transfer-encoding:\tchunked",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
        "transfer-encoding: identity, chunked",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: \u{b}chunked",
        "transfer-encoding:\r\n chunked",
        "x: y\r\n transfer-encoding: chunked",
        "x: y\ntransfer-encoding: chunked",
        "x: y\rtransfer-encoding: chunked",
        "transfer_encoding: chunked",
        "transfer-encoding: \"chunked\"",
        "transfer-encoding: CHUNKED",
        "connection: transfer-encoding\r\ntransfer-encoding: chunked",
        "connection: content-length",
    ] {
        all_of_them.extend(te(line).map(|head| head + &chunked));
    }
    for lengths in [
        format!("content-length: 0\r\ncontent-length: {hidden_len}"),
        format!("content-length: {hidden_len}\r\ncontent-length: 0"),
        format!("content-length: {hidden_len}, {hidden_len}"),
        format!("content-length: +{hidden_len}"),
        format!("content-length: 0x{hidden_len:x}"),
        format!("content-length: {hidden_len}\u{b}"),
        format!("content-length: {}", (1_u128 << 64) + hidden_len as u128),
        format!("content-length: -{hidden_len}"),
        format!("content-length : {hidden_len}"),
        format!("content-length:\r\n {hidden_len}"),
        format!("content-length: {hidden_len}"),
        format!("expect: 100-continue\r\ncontent-length: {hidden_len}"),
        format!("connection: upgrade, http2-settings\r\nupgrade: h2c\r\ncontent-length: {hidden_len}"),
    ] {
        all_of_them.extend([get(&lengths), post(&lengths)].map(|head| head + &hidden));
    }
    all_of_them.extend(
        [get("transfer-encoding: chunked"), post("transfer-encoding: chunked")].map(|head| head + &in_chunk),
    );
    all_of_them
        .push(post("transfer-encoding: chunked") + &format!("0\r\ncontent-length: {hidden_len}\r\n\r\n"));
    all_of_them.push(post("transfer-encoding: chunked") + "5;x=\n\r\nhello\r\n0\r\n\r\n");
    all_of_them.push(post("transfer-encoding: chunked") + "fffffffffffffffff\r\nhello\r\n0\r\n\r\n");
    all_of_them.push(
        head(&format!("HEAD {} HTTP/1.1", path(1)), &format!("content-length: {hidden_len}")) + &hidden,
    );
    all_of_them.push(get("x: a\r\n folded\r\n\tand more"));
    all_of_them.push(get("host: 127.0.0.1"));
    all_of_them.push(get("host: evil.example"));
    all_of_them.push(get("").replace("\r\n", "\n"));
    all_of_them.push(head(&format!("GET http://evil.example{} HTTP/1.1", path(1)), ""));
    all_of_them.push(head(&format!("GET http://127.0.0.1{} HTTP/1.1", path(1)), ""));
    all_of_them.push(head(&format!("GET {0} HTTP/1.1\r\nx: y\r\n\r\nGET {0}", path(SMUGGLED)), "").replacen(
        "\r\n\r\n",
        "\r\n \r\n",
        1,
    ));
    all_of_them.push(head(&format!("get {} HTTP/1.1", path(1)), ""));
    all_of_them.push(head(&format!("GET {} HTTP/1.2", path(1)), ""));
    all_of_them.push(head(&format!("GET {}  HTTP/1.1", path(1)), ""));
    all_of_them.push(format!("GET {}\r\n", path(1)));
    all_of_them.push(get("x\0: y"));
    all_of_them.push(get("x: y\0z"));
    all_of_them.push(get(": y"));
    all_of_them
}

fn no_desync(proxy: &Proxy, world: &World) {
    let asked = || {
        let metrics = world.metrics();
        let lines = metrics.lines().filter(|line| line.starts_with("yinke_edge_requests_total{"));
        lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum::<u64>()
    };
    let mut through = 0;
    for (number, bytes) in ambiguous().iter().enumerate() {
        let name = proxy.name;
        let before = asked();
        let answers = exchange(proxy.address, bytes.as_bytes());
        // "Go on" is no answer, and "you took too long" is about a request that never came.
        let statuses = answers.lines().filter(|line| line.starts_with("HTTP/1."));
        let count = statuses.filter(|line| !line.contains(" 100 ") && !line.contains(" 408 ")).count();
        assert!(count <= 1, "{name} passed on {count} answers to one request:\n{bytes}\n=>\n{answers}");
        assert!(
            !answers.contains("/p/99"),
            "{name}: the hidden request was answered:\n{bytes}\n=>\n{answers}"
        );
        // The next clients of the same proxy get their own answers.
        for step in 0..3 {
            let honest = 2 + (number as u64 * 3 + step) % (HONEST - 1);
            let answer =
                exchange(proxy.address, request("GET", &path(honest), &[("connection", "close")]).as_bytes());
            let leads_to = format!("location: https://shop.example/p/{honest}?yk_click=v1.");
            assert!(answer.contains(&leads_to), "{name} after\n{bytes}\n=>\n{answer}");
        }
        let reached = asked() - before - 3;
        assert!(reached <= 1, "{name}: one request became {reached} for the edge:\n{bytes}");
        through += reached;
    }
    assert!(through > 5, "{} lets nothing through: these requests prove nothing", proxy.name);
    let hidden = crate::world::code(SMUGGLED);
    world.with_records(|record| {
        assert_ne!(record.code, hidden, "{}: the hidden request was a click", proxy.name);
    });
}

fn nobody_chooses_an_address(proxy: &Proxy, world: &World) {
    let lines = |count: usize| -> Vec<(&str, &str)> { vec![("x-forwarded-for", "6.6.6.6"); count] };
    let mut rows: Vec<Vec<(&str, &str)>> = (0..12).map(lines).collect();
    rows.push(vec![("x-forwarded-for", "6.6.6.6, 127.0.0.1"), ("connection", "x-forwarded-for")]);
    rows.push(vec![
        ("X-Forwarded-For", "127.0.0.1"),
        ("x_forwarded_for", "6.6.6.6"),
        ("forwarded", "for=6.6.6.6"),
    ]);
    rows.push(vec![("x-forwarded-for", ",,, ,6.6.6.6,"), ("x-real-ip", "6.6.6.6")]);
    let before = world.recorded().len();
    for headers in &rows {
        let answer = Client::connect_from(Ipv4Addr::new(127, 9, 8, 7), proxy.address).request(
            "GET",
            &path(1),
            headers,
        );
        assert_eq!(answer.status, 302, "{headers:?}");
    }
    let mut seen = Vec::new();
    world.with_records(|record| seen.push(record.address_prefix.0));
    assert_eq!(seen[before..], vec![[4, 127, 9, 8, 0, 0, 0, 0]; rows.len()], "{}", proxy.name);
}

#[test]
#[ignore = "needs a program: cargo xtask test installs it"]
fn behind_haproxy_every_request_gets_its_own_answer_and_address() {
    let world = world();
    let proxy = Proxy::haproxy(world.edge.address());
    nobody_chooses_an_address(&proxy, &world);
    no_desync(&proxy, &world);
}

#[test]
#[ignore = "needs a program: cargo xtask test installs it"]
fn behind_nginx_every_request_gets_its_own_answer_and_address() {
    let world = world();
    let proxy = Proxy::nginx(world.edge.address());
    nobody_chooses_an_address(&proxy, &world);
    no_desync(&proxy, &world);
}
