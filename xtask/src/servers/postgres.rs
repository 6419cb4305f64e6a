//! A private PostgreSQL cluster. PostgreSQL refuses to run as root, so a root user starts it as `postgres`.

use super::{Guard, on_free_port, wait_for_port};
use crate::install::find;
use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::Pid;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The line of `postmaster.pid` that says what it is doing.
const STATUS_LINE: usize = 7;
/// Recovery after an immediate stop takes no longer.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// The pause between two looks at it.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A running PostgreSQL with one empty database; it ends when dropped.
pub(crate) struct Postgres {
    port: u16,
    guard: Option<Guard>,
    folder: TempDir,
    settings: &'static [&'static str],
}

impl Postgres {
    /// Creates a cluster in a temporary folder and starts it on a free port of loopback.
    pub(crate) fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    /// As [`start`](Self::start), but it does not wait for its disk: for what asks whether something is right, not how fast
    /// it is, and never takes the machine's power. A process that ends takes nothing along that the kernel has.
    pub(crate) fn start_unsynced() -> Result<Self> {
        Self::start_with(&["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"])
    }

    fn start_with(settings: &'static [&'static str]) -> Result<Self> {
        let user = user()?;
        let folder = tempfile::Builder::new().prefix("yinke-postgres-").tempdir()?;
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid))?;
        }
        let data = folder.path().join("data");
        let init = as_user(user, folder.path(), "initdb")?
            .args([
                "--auth=trust",
                "--username=yinke",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                "-D",
            ])
            .arg(&data)
            .output()
            .context("cannot start initdb")?;
        if !init.status.success() {
            bail!("initdb: {}", String::from_utf8_lossy(&init.stderr));
        }
        let (port, guard) = on_free_port(|port| {
            start(as_user(user, folder.path(), "postgres")?, &data, folder.path(), port, settings)
        })?;
        Ok(Self { port, guard: Some(guard), folder, settings })
    }

    /// Ends it at once, as a power cut of its machine would: its own recovery has to put the rest right.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let pid = Self::postmaster(&self.data())?;
        // SIGQUIT is PostgreSQL's immediate stop: kill -9 would leave its children behind.
        rustix::process::kill_process(pid, rustix::process::Signal::QUIT)?;
        if let Some(guard) = &mut self.guard {
            guard.wait()?;
        }
        self.guard = None;
        Ok(())
    }

    /// Starts it again with the same data on the same port.
    pub(crate) fn revive(&mut self) -> Result<()> {
        let (_, guard) = start(
            as_user(user()?, self.folder.path(), "postgres")?,
            &self.data(),
            self.folder.path(),
            self.port,
            self.settings,
        )?;
        self.guard = Some(guard);
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn postmaster(data: &Path) -> Result<Pid> {
        let text = std::fs::read_to_string(data.join("postmaster.pid"))?;
        let pid = text.lines().next().and_then(|line| line.trim().parse().ok()).and_then(Pid::from_raw);
        pid.context("no process id in postmaster.pid")
    }

    /// The address of its database, for a superuser.
    pub(crate) fn url(&self) -> String {
        format!("postgres://yinke@127.0.0.1:{}/postgres", self.port)
    }
}

fn user() -> Result<Option<(u32, u32)>> {
    if rustix::process::geteuid().is_root() { postgres_user().map(Some) } else { Ok(None) }
}

fn as_user(user: Option<(u32, u32)>, folder: &Path, program: &str) -> Result<Command> {
    let mut command = Command::new(find(program).with_context(|| format!("{program} is not installed"))?);
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command.current_dir(folder).stdin(Stdio::null());
    Ok(command)
}

fn start(
    mut command: Command,
    data: &Path,
    folder: &Path,
    port: u16,
    settings: &[&str],
) -> Result<(u16, Guard)> {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log"))?;
    let child = command
        .arg("-D")
        .arg(data)
        .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
        .args(["-c", "max_connections=200", "-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB"])
        .args(settings)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .context("cannot start postgres")?;
    let mut guard = Guard::new(child);
    wait_for_port(&mut guard, port, "postgres")?;
    wait_until_ready(data)?;
    Ok((port, guard))
}

/// Waits for the end of recovery: until then the port is open and refuses everybody.
fn wait_until_ready(data: &Path) -> Result<()> {
    let began = Instant::now();
    while std::fs::read_to_string(data.join("postmaster.pid"))?.lines().nth(STATUS_LINE).map(str::trim)
        != Some("ready")
    {
        ensure!(began.elapsed() < READY_WITHIN, "PostgreSQL is not ready after {READY_WITHIN:?}");
        std::thread::park_timeout(LOOK_EVERY);
    }
    Ok(())
}

/// User and group id of Debian's `postgres` user.
fn postgres_user() -> Result<(u32, u32)> {
    let passwd = std::fs::read_to_string("/etc/passwd")?;
    let line =
        passwd.lines().find(|line| line.starts_with("postgres:")).context("there is no user `postgres`")?;
    let mut fields = line.split(':').skip(2);
    let mut number = || -> Result<u32> { Ok(fields.next().context("a short line in /etc/passwd")?.parse()?) };
    Ok((number()?, number()?))
}
