//! The program under test: started like anybody would, found by the note it writes, killed or drained.

use super::api::{self, Api};
use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs::{self, OpenOptions};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// The administrator's token of the core under test.
pub(crate) const ADMIN_TOKEN: &str = "kill-proof-admin";
/// How often is looked whether it serves.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// A start takes no longer.
const START_WITHIN: Duration = Duration::from_secs(120);

/// A running `yinke up`. Dropped, it is killed.
pub(crate) struct Yinke {
    child: Child,
    born: Instant,
    data: PathBuf,
}

impl Drop for Yinke {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Yinke {
    /// Starts it on free ports with its data in `folder`.
    pub(crate) fn start(programs: &Path, folder: &Path) -> Result<Self> {
        Self::start_armed(programs, folder, "")
    }

    /// Starts it so that it kills itself at a named instant.
    pub(crate) fn start_armed(programs: &Path, folder: &Path, instant: &str) -> Result<Self> {
        let data = folder.join("data");
        let log = OpenOptions::new().create(true).append(true).open(log_path(folder))?;
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(programs.join("yinke"))
            .args(["up", "--edge", "127.0.0.1:0", "--core", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .arg("--data")
            .arg(&data)
            .env("YINKE_ADMIN_TOKEN", ADMIN_TOKEN)
            .env("YINKE_FAILPOINT", instant)
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start yinke")?;
        Ok(Self { child, born: Instant::now(), data })
    }

    /// The note it writes once it serves; `None` before.
    fn note(&self) -> Option<Value> {
        let text = fs::read(self.data.join("running.json")).ok()?;
        let note: Value = serde_json::from_slice(&text).ok()?;
        (note["pid"] == self.child.id()).then_some(note)
    }

    fn base(&self, part: &str) -> Result<SocketAddr> {
        let note = self.note().context("it does not serve")?;
        let base = note[part].as_str().context("the note lacks an address")?;
        base.trim_start_matches("http://").trim_end_matches('/').parse().context("the note's address")
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its core's API.
    pub(crate) fn core(&self) -> Result<Api> {
        Ok(Api { address: self.base("core")?, token: ADMIN_TOKEN.to_owned() })
    }

    /// Where its edge listens.
    pub(crate) fn edge(&self) -> Result<SocketAddr> {
        self.base("edge")
    }

    /// Where operators look.
    pub(crate) fn admin(&self) -> Result<SocketAddr> {
        self.base("admin")
    }

    /// Waits for its note.
    pub(crate) fn wait_until_listening(&mut self) -> Result<()> {
        while self.note().is_none() {
            self.live_for(LOOK_EVERY)?;
            ensure!(self.born.elapsed() < START_WITHIN, "it does not start");
        }
        Ok(())
    }

    /// Waits for the first redirect of `code`; how long it took since it was started.
    pub(crate) fn wait_until_redirecting(&mut self, code: &str) -> Result<Duration> {
        self.wait_until_listening()?;
        let path = format!("/{code}");
        loop {
            // HEAD never counts, so that the look does not add clicks of its own.
            if let Ok(answer) = api::exchange(self.edge()?, "HEAD", &path, "", "")
                && answer.status == 302
            {
                return Ok(self.born.elapsed());
            }
            self.live_for(LOOK_EVERY)?;
            ensure!(self.born.elapsed() < START_WITHIN, "it does not redirect");
        }
    }

    /// Lets time pass; fails if it ends by itself meanwhile.
    pub(crate) fn live_for(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("yinke ended by itself: {status}");
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::park_timeout(left.min(Duration::from_millis(20)));
        }
    }

    /// Waits until it has killed itself; `serves` hears once where it redirects, if it comes to that.
    pub(crate) fn dies_within(
        &mut self,
        limit: Duration,
        mut serves: impl FnMut(SocketAddr) -> Result<()>,
    ) -> Result<()> {
        let mut told = false;
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.signal() == Some(Signal::KILL.as_raw()), "it ended by itself: {status}");
                return Ok(());
            }
            ensure!(self.born.elapsed() < limit, "it does not get there");
            if !told && let Ok(edge) = self.edge() {
                serves(edge)?;
                told = true;
            }
            std::thread::park_timeout(LOOK_EVERY);
        }
    }

    /// kill -9.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM; it must end in order within `limit`.
    pub(crate) fn drain(mut self, limit: Duration) -> Result<Duration> {
        let pid = Pid::from_raw(self.child.id().cast_signed()).context("no process")?;
        let began = Instant::now();
        kill_process(pid, Signal::TERM)?;
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the drain ended with {status}");
                return Ok(began.elapsed());
            }
            ensure!(began.elapsed() < limit, "the drain takes longer than {limit:?}");
            std::thread::park_timeout(LOOK_EVERY);
        }
    }
}

fn log_path(folder: &Path) -> PathBuf {
    folder.join("yinke.log")
}

/// The last lines it wrote.
pub(crate) fn log_tail(folder: &Path) -> String {
    let text = fs::read_to_string(log_path(folder)).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
