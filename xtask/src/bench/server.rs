//! A server under test: started on core 0, told apart by its port, killed on every way out.

use anyhow::{Context as _, Result, bail};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The core that servers run on; the loader has the other one.
const SERVER_CORE: &str = "0";

/// A running server.
pub(super) struct Server {
    child: Child,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory in bytes.
    pub(super) fn resident(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib << 10)
    }

    /// Asks it to end and waits: it writes down what it still holds.
    pub(super) fn stop(mut self) -> Result<()> {
        let pid = rustix::process::Pid::from_raw(self.child.id().cast_signed()).context("no process")?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let status = self.child.wait()?;
        anyhow::ensure!(status.success(), "a server ended with {status}");
        Ok(())
    }

    /// One of our own programs: it prints `port N` once it serves.
    pub(super) fn own(program: &Path, arguments: &[&str], priority: Priority) -> Result<Self> {
        let mut child = pinned(program.as_os_str(), SERVER_CORE, priority)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut server = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let Some(port) = line.trim().strip_prefix("port ").and_then(|port| port.parse().ok()) else {
            bail!("{} did not say its port but {line:?}", program.display());
        };
        server.address.set_port(port);
        Ok(server)
    }

    /// nginx with `return 302`, the same headers, and a buffered access log.
    pub(super) fn nginx(directory: &Path, answer: &FixedAnswer, priority: Priority) -> Result<Self> {
        let port = free_port()?;
        let dir = directory.display();
        let FixedAnswer { location, cookies: [visitor, claim] } = answer;
        let config = format!(
            "daemon off; master_process off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/nginx.error;\n\
             events {{ worker_connections 4096; }}\n\
             http {{\n\
               access_log {dir}/nginx.access combined buffer=64k flush=1s;\n\
               keepalive_requests 1000000000; server_tokens off;\n\
               client_body_temp_path {dir}/n1; proxy_temp_path {dir}/n2; fastcgi_temp_path {dir}/n3;\n\
               uwsgi_temp_path {dir}/n4; scgi_temp_path {dir}/n5;\n\
               server {{ listen 127.0.0.1:{port} backlog=4096;\n\
                 location / {{ add_header Cache-Control \"private, no-store\"; add_header Set-Cookie \"{visitor}\";\n\
                   add_header Set-Cookie \"{claim}\"; return 302 \"{location}\"; }} }}\n\
             }}\n"
        );
        let path = directory.join("nginx.conf");
        fs::write(&path, config)?;
        let mut nginx = pinned("nginx".as_ref(), SERVER_CORE, priority);
        nginx.arg("-c").arg(&path).arg("-e").arg(directory.join("nginx.error"));
        Self::foreign(nginx, port)
    }

    /// HAProxy's redirect with the same headers.
    pub(super) fn haproxy(directory: &Path, answer: &FixedAnswer, priority: Priority) -> Result<Self> {
        let port = free_port()?;
        let FixedAnswer { location, cookies } = answer;
        let cookies: String = cookies
            .iter()
            .map(|cookie| {
                format!("  http-after-response add-header Set-Cookie \"{}\"\n", cookie.replace(' ', "\\ "))
            })
            .collect();
        let config = format!(
            "global\n  nbthread 1\n  maxconn 4096\n\
             defaults\n  mode http\n  timeout client 60s\n  timeout connect 5s\n  timeout server 60s\n\
             frontend links\n  bind 127.0.0.1:{port} backlog 4096\n{cookies}  \
             http-after-response set-header Cache-Control \"private, no-store\"\n  \
             http-request redirect location {location} code 302\n"
        );
        let path = directory.join("haproxy.cfg");
        fs::write(&path, config)?;
        let mut haproxy = pinned("haproxy".as_ref(), SERVER_CORE, priority);
        haproxy.arg("-db").arg("-q").arg("-f").arg(&path);
        Self::foreign(haproxy, port)
    }

    fn foreign(mut command: Command, port: u16) -> Result<Self> {
        let child = command.stdout(Stdio::null()).spawn().context("cannot start a server")?;
        let mut server = Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)) };
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect_timeout(&server.address, Duration::from_millis(50)).is_err() {
            if let Some(status) = server.child.try_wait()? {
                bail!("{command:?} ended with {status}");
            }
            anyhow::ensure!(Instant::now() < deadline, "{command:?} does not listen");
            std::thread::yield_now();
        }
        Ok(server)
    }
}

/// The answer that the fixed servers give, as our own programs print it.
#[derive(serde::Deserialize)]
pub(super) struct FixedAnswer {
    location: String,
    cookies: [String; 2],
}

/// How servers and loader are scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    /// Like anybody: for a machine that does nothing else.
    Normal,
    /// Before anybody (round robin real time): for a machine that also does other work.
    Realtime,
}

/// A command on one core that ends with us, however we end.
pub(super) fn pinned(program: &std::ffi::OsStr, core: &str, priority: Priority) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if priority == Priority::Realtime {
        command.args(["chrt", "-r", "5"]);
    }
    command.args(["taskset", "-c", core]).arg(program);
    command
}

/// A port that was free a moment ago, for servers that cannot choose one themselves.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
