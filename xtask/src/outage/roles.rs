//! Edge and core as processes of their own, as they run scaled out: PostgreSQL and Redis behind the core, HTTP between
//! the two.

use crate::kill::api::{Api, exchange};
use crate::kill::process::ADMIN_TOKEN;
use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// The edge's number.
const EDGE: u16 = 17;
/// A start takes no longer.
const START_WITHIN: Duration = Duration::from_secs(120);
/// A drain takes no longer.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);
/// The pause between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// One running role. Dropped, it is killed.
pub(crate) struct Role {
    child: Child,
    note: PathBuf,
    log: PathBuf,
}

impl Drop for Role {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Role {
    fn start(programs: &Path, folder: &Path, name: &str) -> Result<Self> {
        let note = folder.join(name).join("running.json");
        let log = folder.join(format!("{name}.log"));
        let file = fs::OpenOptions::new().create(true).append(true).open(&log)?;
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(programs.join("yinke"))
            .args([name, "--config"])
            .arg(folder.join(format!("{name}.toml")))
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start yinke {name}"))?;
        let mut role = Self { child, note, log };
        let began = Instant::now();
        while role.noted().is_none() {
            role.lives()?;
            ensure!(began.elapsed() < START_WITHIN, "{name} does not start: {}", role.log_tail());
            std::thread::park_timeout(LOOK_EVERY);
        }
        Ok(role)
    }

    /// The note it writes once it serves; `None` before.
    fn noted(&self) -> Option<Value> {
        let note: Value = serde_json::from_slice(&fs::read(&self.note).ok()?).ok()?;
        (note["pid"] == self.child.id()).then_some(note)
    }

    /// Fails if it has ended by itself.
    pub(crate) fn lives(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("it ended by itself ({status}): {}", self.log_tail()),
        }
    }

    /// Where one of its listeners is: `edge`, `core` or `admin`.
    pub(crate) fn address(&self, part: &str) -> Result<SocketAddr> {
        let note = self.noted().context("it does not serve")?;
        let base = note[part].as_str().context("the note lacks an address")?;
        base.trim_start_matches("http://").trim_end_matches('/').parse().context("the note's address")
    }

    /// Resident memory in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib * 1024)
    }

    /// kill -9.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM; it must end in order.
    pub(crate) fn drain(mut self) -> Result<()> {
        let pid = Pid::from_raw(self.child.id().cast_signed()).context("no process")?;
        let began = Instant::now();
        kill_process(pid, Signal::TERM)?;
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the drain ended with {status}: {}", self.log_tail());
                return Ok(());
            }
            ensure!(began.elapsed() < DRAIN_WITHIN, "the drain takes longer than {DRAIN_WITHIN:?}");
            std::thread::park_timeout(LOOK_EVERY);
        }
    }

    /// The last lines it wrote.
    fn log_tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// Both roles' files in one folder, and what starts them.
pub(crate) struct Roles {
    programs: PathBuf,
    folder: PathBuf,
}

impl Roles {
    /// Writes the core's configuration, on this port, with these servers.
    pub(crate) fn new(
        programs: &Path,
        folder: &Path,
        port: u16,
        postgres: Option<&str>,
        redis: Option<&str>,
    ) -> Result<Self> {
        let roles = Self { programs: programs.to_owned(), folder: folder.to_owned() };
        roles.secret("admin.token", ADMIN_TOKEN)?;
        let mut config = format!(
            "data_dir = \"core\"\npublic_url = \"http://127.0.0.1/\"\n[listen]\napi = \"127.0.0.1:{port}\"\n\
             admin = \"127.0.0.1:0\"\n[auth]\nadmin_token_file = \"admin.token\"\n"
        );
        if let Some(url) = postgres {
            roles.secret("postgres.url", url)?;
            config.push_str("[store]\npostgres_file = \"postgres.url\"\n");
        }
        config.push_str(&roles.redis(redis)?);
        fs::write(folder.join("core.toml"), config)?;
        Ok(roles)
    }

    fn redis(&self, url: Option<&str>) -> Result<String> {
        let Some(url) = url else { return Ok(String::new()) };
        self.secret("redis.url", url)?;
        Ok("[redis]\nurl_file = \"redis.url\"\n".to_owned())
    }

    fn secret(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(())
    }

    /// Starts the core.
    pub(crate) fn core(&self) -> Result<Role> {
        Role::start(&self.programs, &self.folder, "core")
    }

    /// The core's API.
    pub(crate) fn api(core: &Role) -> Result<Api> {
        Ok(Api { address: core.address("core")?, token: ADMIN_TOKEN.to_owned() })
    }

    /// Gives the edge its keys and its token, and writes its configuration.
    pub(crate) fn admit_edge(&self, core: &Role, redis: Option<&str>) -> Result<()> {
        let output = Command::new(self.programs.join("yinke"))
            .args(["keys", "export", "--edge", &EDGE.to_string(), "--keys"])
            .arg(self.folder.join("core/keys"))
            .arg(self.folder.join("edge-keys"))
            .output()?;
        ensure!(output.status.success(), "keys export: {}", String::from_utf8_lossy(&output.stderr));
        let token = self.edge_token(core, EDGE)?;
        self.secret("core.token", &token)?;
        let config = format!(
            "edge = {EDGE}\ndata_dir = \"edge\"\nkeys_dir = \"edge-keys\"\npublic_url = \"http://127.0.0.1/\"\n\
             [listen]\npublic = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n\
             [table]\nsnapshot_every = \"1s\"\n[core]\nurl = \"http://{}\"\ntoken_file = \"core.token\"\n{}",
            core.address("core")?,
            self.redis(redis)?
        );
        fs::write(self.folder.join("edge.toml"), config)?;
        Ok(())
    }

    /// A token of the role edge.
    pub(crate) fn edge_token(&self, core: &Role, edge: u16) -> Result<String> {
        let wanted = json!({ "role": "edge", "subject": edge.to_string() });
        let issued = Self::api(core)?.send("POST", "/v1/tokens", &wanted)?;
        Ok(issued["token"].as_str().context("no token")?.to_owned())
    }

    /// Starts the edge and waits until it redirects `code`; how long that took.
    pub(crate) fn edge(&self, code: &str) -> Result<(Role, Duration)> {
        let began = Instant::now();
        let mut edge = Role::start(&self.programs, &self.folder, "edge")?;
        loop {
            // HEAD never counts, so that the look does not add clicks of its own.
            let answer = exchange(edge.address("edge")?, "HEAD", &format!("/{code}"), "", "");
            if answer.is_ok_and(|answer| answer.status == 302) {
                return Ok((edge, began.elapsed()));
            }
            edge.lives()?;
            ensure!(began.elapsed() < START_WITHIN, "the edge does not redirect");
            std::thread::park_timeout(LOOK_EVERY);
        }
    }

    /// Waits until Redis says what the core says of every buyer: a core that finds it emptied tells it everything.
    pub(crate) fn redis_converges(&self, within: Duration) -> Result<Duration> {
        let began = Instant::now();
        loop {
            let check = Command::new(self.programs.join("yinke"))
                .args(["redis", "check", "--config"])
                .arg(self.folder.join("core.toml"))
                .output()?;
            if check.status.success() {
                return Ok(began.elapsed());
            }
            ensure!(
                began.elapsed() < within,
                "after {within:?} Redis does not say what the core says: {}{}",
                String::from_utf8_lossy(&check.stdout),
                String::from_utf8_lossy(&check.stderr)
            );
            std::thread::park_timeout(LOOK_EVERY);
        }
    }
}
