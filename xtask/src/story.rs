//! The story that `yinke up --demo` prints, told by a shell as its reader would tell it: with curl, and with the
//! commands word for word. Afterwards Prometheus' own checker reads the metrics.

use crate::install::{self, CURL, PROMTOOL};
use crate::suite::yinke;
use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The demo is imported, tapped and ordered from within this time.
const UP_WITHIN: Duration = Duration::from_secs(180);
/// After a signal everything is on disk and the process has ended.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);
/// Stands before the story in what `up` prints.
const BEFORE_STORY: &str = "Try it, in another terminal:";
/// How the last line begins: the last of the accounts.
const LAST_LINE: &str = "#    operator";

/// Builds `yinke` with `profile`, starts the demo on free ports in an empty folder, and follows its story.
pub(crate) fn tell(profile: &str) -> Result<()> {
    install::ensure(&[CURL, PROMTOOL])?;
    let program = yinke(profile)?;
    let folder = tempfile::tempdir()?;
    let printed = folder.path().join("printed");
    let child = Command::new(&program)
        .args(["up", "--demo", "--edge", "127.0.0.1:0", "--core", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
        .arg("--data")
        .arg(folder.path().join("data"))
        .stdin(Stdio::null())
        .stdout(File::create(&printed)?)
        .stderr(File::create(folder.path().join("log"))?)
        .spawn()
        .context("cannot start yinke")?;
    let mut up = Up(child, program);
    let result = follow(&mut up, folder.path());
    if result.is_err() {
        println!("{}", fs::read_to_string(&printed)?);
        println!("{}", fs::read_to_string(folder.path().join("log"))?);
    }
    result
}

fn follow(up: &mut Up, folder: &Path) -> Result<()> {
    let printed = up.wait_for_story(&folder.join("printed"))?;
    let admin = address(&printed, "admin")?;
    let (_, story) = printed.split_once(BEFORE_STORY).context("no story")?;
    println!("{story}");
    // Exit codes count at every step, so that a story that stops being true fails here.
    let told = shell(&format!("set -euo pipefail\n{story}"))?;
    for expected in ["HTTP/1.1 302", "set-cookie: yk_v=", "yk_click=v1."] {
        ensure!(told.contains(expected), "the story does not show {expected:?}:\n{told}");
    }
    let ready = shell(&format!("curl -s -o /dev/null -w '%{{http_code}}' {admin}/readyz"))?;
    ensure!(ready == "200", "not ready: {ready}");
    shell(&format!("set -o pipefail; curl -sf {admin}/metrics | promtool check metrics >&2"))?;
    // Beside the running core: everything it decided comes out of the events again.
    let mut replay = Command::new(&up.1);
    replay.args(["replay", "--data"]).arg(folder.join("data"));
    let replayed = told_by(replay)?;
    ensure!(replayed.contains(" 0 differences") && !replayed.starts_with("0 lines"), "{replayed}");
    let took = up.drain()?;
    println!("drained in {} ms", took.as_millis());
    Ok(())
}

/// The address that stands behind `name` in the banner.
fn address<'a>(printed: &'a str, name: &str) -> Result<&'a str> {
    let line = printed.lines().map(str::trim).find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1)).with_context(|| format!("no address of {name}"))
}

/// Runs a script with bash; its output, which is also shown.
fn shell(script: &str) -> Result<String> {
    let mut bash = Command::new("bash");
    bash.args(["-c", script]);
    told_by(bash)
}

/// Runs a command; its output, which is also shown.
fn told_by(mut command: Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    println!("{text}{errors}");
    ensure!(output.status.success(), "{}: {errors}", output.status);
    Ok(text)
}

/// The demo's process, and its program; killed when dropped.
struct Up(Child, PathBuf);

impl Up {
    fn wait_for_story(&mut self, printed: &Path) -> Result<String> {
        let began = Instant::now();
        loop {
            let text = fs::read_to_string(printed)?;
            let last = text.trim_end().lines().last().unwrap_or_default();
            if text.contains(BEFORE_STORY) && last.starts_with(LAST_LINE) {
                return Ok(text);
            }
            ensure!(self.0.try_wait()?.is_none(), "yinke ended by itself");
            ensure!(began.elapsed() < UP_WITHIN, "the demo is not up after {UP_WITHIN:?}");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    fn drain(&mut self) -> Result<Duration> {
        let began = Instant::now();
        kill_process(Pid::from_raw(self.0.id().cast_signed()).context("no process")?, Signal::TERM)?;
        loop {
            if let Some(status) = self.0.try_wait()? {
                ensure!(status.success(), "the drain ended with {status}");
                return Ok(began.elapsed());
            }
            ensure!(began.elapsed() < DRAIN_WITHIN, "the drain takes longer than {DRAIN_WITHIN:?}");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
