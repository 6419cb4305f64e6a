//! No raw address stays anywhere: the bytes of everything that edge and core have written are searched for it.

use crate::roles::{core, edge_with, keys_for};
use crate::support::{api, wait_for};
use crate::up::{audit, small_world, tap};
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

/// Addresses that nothing else on this machine has.
const DIRECT: Ipv4Addr = Ipv4Addr::new(127, 213, 90, 47);
const PROXY: Ipv4Addr = Ipv4Addr::new(127, 213, 91, 53);
const BEHIND: [&str; 2] = ["203.0.113.217", "2001:db8:a1b2:c3d4:e5f6:1728:394a:5b6c"];

/// Sends `text` from an address of this machine and reads what comes back.
fn exchange(from: Ipv4Addr, to: SocketAddr, text: &str) -> String {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn request(path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Mozilla/5.0 (iPhone)\r\nConnection: close\r\n{more}\r\n"
    )
}

/// Every form in which an address could have been written down.
fn forms(address: IpAddr) -> Vec<Vec<u8>> {
    let (bytes, mut texts) = match address {
        IpAddr::V4(v4) => (v4.octets().to_vec(), vec![v4.to_string(), v4.to_ipv6_mapped().to_string()]),
        IpAddr::V6(v6) => {
            let full: Vec<String> = v6.segments().iter().map(|segment| format!("{segment:04x}")).collect();
            // The first 48 bits may be kept; what tells people apart is the rest.
            (v6.octets()[6..].to_vec(), vec![v6.to_string(), full.join(":"), full[3..].join("")])
        }
    };
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    texts.push(hex);
    let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
    let mut forms = vec![bytes, reversed];
    forms.extend(
        texts.iter().flat_map(|text| [text.to_lowercase().into_bytes(), text.to_uppercase().into_bytes()]),
    );
    forms
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn holds(bytes: &[u8], form: &[u8]) -> bool {
    let (first, rest) = form.split_first().unwrap();
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| byte == first) {
        from += at + 1;
        if bytes[from..].starts_with(rest) {
            return true;
        }
    }
    false
}

#[test]
fn no_file_holds_a_raw_address() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let core = core(dir, "127.0.0.1:0");
    keys_for(dir, &core);
    // Everything is logged, so that the logs are worth searching.
    let edge = edge_with(dir, &core.core, &format!("[server]\ntrusted_proxies = [\"{PROXY}\"]\n"), "trace");
    let code = small_world(&core, dir);
    tap(&edge, &code);
    let public: SocketAddr = edge.edge.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    let tapped = exchange(DIRECT, public, &request(&format!("/{code}"), ""));
    assert!(tapped.starts_with("HTTP/1.1 302"), "{tapped}");
    for behind in BEHIND {
        let forwarded = format!("X-Forwarded-For: {behind}\r\n");
        for path in [&*format!("/{code}"), "/nothing", "/robots.txt"] {
            exchange(PROXY, public, &request(path, &forwarded));
        }
    }
    for hostile in [
        "nonsense\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: evil\r\n\r\n",
    ] {
        exchange(DIRECT, public, hostile);
    }
    for _ in 0..200 {
        exchange(DIRECT, public, &request("/misses-beyond-the-limit", ""));
    }
    let click = tapped.split_once("yk_click=").unwrap().1.split_once("\r\n").unwrap().0.to_owned();
    let joined = serde_json::json!({"platform": "1688", "buyer": "u-1", "click_token": click});
    assert_eq!(api(&core, "POST", "/v1/identities", &joined).status, 200);
    wait_for("everything is in the core", || {
        let balance: Value = audit(&core);
        (balance["clicks"]["pending"] == 0 && balance["clicks"]["ingested"].as_u64() >= Some(4)).then_some(())
    });
    assert_eq!((edge.stop().0, core.stop().0), (0, 0));

    let mut all = Vec::new();
    files(dir, &mut all);
    let contents: Vec<(PathBuf, Vec<u8>)> =
        all.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    let searched: Vec<String> = contents.iter().map(|(path, _)| path.display().to_string()).collect();
    for kind in ["journal", "table.snapshot", ".sqlite", ".log"] {
        assert!(searched.iter().any(|path| path.contains(kind)), "no {kind} among {searched:?}");
    }
    // The search finds what may be kept: the truncated prefix.
    let prefix = [4, 127, 213, 90, 0, 0, 0, 0];
    assert!(contents.iter().any(|(_, bytes)| holds(bytes, &prefix)), "not even the prefix is found");
    let addresses =
        BEHIND.iter().map(|text| text.parse().unwrap()).chain([IpAddr::V4(DIRECT), IpAddr::V4(PROXY)]);
    for address in addresses {
        // The proxy's own address stands in the edge's configuration, and may.
        let exempt =
            |path: &Path| address == IpAddr::V4(PROXY) && path.extension().is_some_and(|kind| kind == "toml");
        for form in forms(address) {
            for (path, bytes) in contents.iter().filter(|(path, _)| !exempt(path)) {
                assert!(!holds(bytes, &form), "{address} stands in {} as {form:?}", path.display());
            }
        }
    }
}
