//! Starting the program, waiting for what it says, and a plain HTTP client.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The program, with a clean environment: no YINKE_ variable of the machine may change a test.
pub(crate) fn yinke() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yinke"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("YINKE_") {
            command.env_remove(name);
        }
    }
    command.env_remove("RUST_LOG").env("NO_COLOR", "1");
    command
}

/// Runs to the end.
pub(crate) fn run(args: &[&str]) -> Output {
    yinke().args(args).output().unwrap()
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Waits until `check` gives something.
pub(crate) fn wait_for<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited too long: {what}");
        // A pause between two looks at a condition, not a wait for time to pass.
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// A running server of ours. Killed when dropped. Addresses it does not have are empty.
pub(crate) struct Up {
    child: Child,
    pub(crate) edge: String,
    pub(crate) core: String,
    pub(crate) admin: String,
}

pub(crate) const TOKEN: &str = "test-admin-token";

/// Starts `yinke up` on free ports and waits until it says where it is.
pub(crate) fn up(data: &Path, more: &[&str]) -> Up {
    start(up_command(data, more), data)
}

/// `yinke up` on free ports.
pub(crate) fn up_command(data: &Path, more: &[&str]) -> Command {
    let mut command = yinke();
    command
        .args(["up", "--edge", "127.0.0.1:0", "--core", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data"])
        .arg(data)
        .args(more)
        .env("YINKE_ADMIN_TOKEN", TOKEN);
    command
}

/// Starts a server with its data in `data` and waits until it says where it is.
pub(crate) fn start(command: Command, data: &Path) -> Up {
    let log = std::fs::File::create(data.with_extension("log")).unwrap();
    start_saying(command, data, log.try_clone().unwrap().into(), log.into())
}

/// As [`start`], with what it says going elsewhere.
pub(crate) fn start_saying(mut command: Command, data: &Path, stdout: Stdio, stderr: Stdio) -> Up {
    let log_path = data.with_extension("log");
    let mut child = command.stdout(stdout).stderr(stderr).stdin(Stdio::null()).spawn().unwrap();
    let note = wait_for("running.json", || {
        if let Some(status) = child.try_wait().unwrap() {
            panic!("it ended with {status}: {}", std::fs::read_to_string(&log_path).unwrap_or_default());
        }
        let bytes = std::fs::read(data.join("running.json")).ok()?;
        serde_json::from_slice::<serde_json::Value>(&bytes).ok()
    });
    let text = |name: &str| note[name].as_str().unwrap_or_default().to_owned();
    Up { child, edge: text("edge"), core: text("core"), admin: text("admin") }
}

impl Up {
    pub(crate) fn signal(&self) {
        self.send(rustix::process::Signal::TERM);
    }

    /// Asks it to start anew without giving up its sockets.
    pub(crate) fn restart(&self) {
        self.send(rustix::process::Signal::USR2);
    }

    fn send(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Asks it to end; gives the exit code and how long it took.
    pub(crate) fn stop(mut self) -> (i32, Duration) {
        let began = Instant::now();
        self.signal();
        let status = self.child.wait().unwrap();
        (status.code().unwrap_or(-1), began.elapsed())
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or_default()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }
}

/// One request on a connection of its own.
pub(crate) fn http(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if headers.iter().all(|(name, _)| *name != "Host") {
        request.push_str(&format!("Host: {host}\r\n"));
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        request.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    request.push_str(body);
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(n, v)| (n.to_ascii_lowercase(), v.trim().to_owned()))
        .collect();
    let chunked = headers.iter().any(|(n, v)| n == "transfer-encoding" && v == "chunked");
    let body = if chunked { unchunk(body) } else { body.to_owned() };
    Answer { status, headers, body }
}

fn unchunk(mut body: &str) -> String {
    let mut out = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        out.push_str(&rest[..size]);
        body = &rest[(size + 2).min(rest.len())..];
    }
    out
}

/// A call of the API as administrator.
pub(crate) fn api(up: &Up, method: &str, path: &str, body: &serde_json::Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    http(method, &format!("{}{path}", up.core), &[("Authorization", &format!("Bearer {TOKEN}"))], &body)
}

/// Writes a file and gives its path.
pub(crate) fn file(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}
