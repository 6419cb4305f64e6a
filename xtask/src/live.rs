//! A `yinke up` for suites that talk to a whole product: on free ports, in an empty folder, gone at the end.

use crate::suite::yinke;
use anyhow::{Context as _, Result, ensure};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// An empty product serves within this time.
const UP_WITHIN: Duration = Duration::from_secs(60);

/// A running product; killed when dropped.
pub(crate) struct Live {
    child: Child,
    folder: TempDir,
    /// The API's address.
    /// The program that runs.
    pub(crate) program: PathBuf,
    pub(crate) core: String,
    /// The edge's address.
    pub(crate) edge: String,
    /// The administrator's token.
    pub(crate) token: String,
}

impl Live {
    /// Builds `yinke` with `profile` and starts it on a store of its own, SQLite or the PostgreSQL of this URL.
    ///
    /// # Errors
    /// If it cannot be built, or does not serve in time.
    pub(crate) fn start(profile: &str, postgres: Option<&str>) -> Result<Self> {
        let program = yinke(profile)?;
        let folder = tempfile::tempdir()?;
        let token = "live-suite-token".to_owned();
        let mut yinke = Command::new(&program);
        yinke.args(["up", "--edge", "127.0.0.1:0", "--core", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        if let Some(url) = postgres {
            yinke.args(["--postgres", url]);
        }
        let child = yinke
            // Webhooks of a suite go to receivers on this machine.
            .args(["--allow-private-destinations", "--data"])
            .arg(folder.path().join("data"))
            .env("YINKE_ADMIN_TOKEN", &token)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log"))?)
            .spawn()
            .context("cannot start yinke")?;
        let mut live = Self { child, folder, program, core: String::new(), edge: String::new(), token };
        let began = Instant::now();
        while !live.serves()? {
            ensure!(live.child.try_wait()?.is_none(), "yinke ended by itself:\n{}", live.log());
            ensure!(began.elapsed() < UP_WITHIN, "yinke does not serve:\n{}", live.log());
            std::thread::park_timeout(Duration::from_millis(50));
        }
        Ok(live)
    }

    /// Reads where it listens, and whether all of it is ready.
    fn serves(&mut self) -> Result<bool> {
        let Ok(text) = fs::read(self.folder.path().join("data/running.json")) else { return Ok(false) };
        let running: serde_json::Value = serde_json::from_slice(&text)?;
        let text = |name: &str| running[name].as_str().unwrap_or_default().to_owned();
        (self.core, self.edge) = (text("core"), text("edge"));
        let ready =
            Command::new("curl").args(["-sf", "-o", "/dev/null"]).arg(text("admin") + "/readyz").status()?;
        Ok(ready.success())
    }

    /// A folder for the suite's own files.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Asks its API as the administrator; the answer's JSON.
    ///
    /// # Errors
    /// If it refuses.
    pub(crate) fn call(&self, method: &str, path: &str, body: &str) -> Result<serde_json::Value> {
        let output = Command::new("curl")
            .args([
                "-sS",
                "--fail-with-body",
                "-X",
                method,
                "-H",
                "Content-Type: application/json",
                "-d",
                body,
            ])
            .args(["-H", &format!("Authorization: Bearer {}", self.token)])
            .arg(format!("{}{path}", self.core))
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{method} {path}: {text}");
        Ok(serde_json::from_str(&text)?)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
