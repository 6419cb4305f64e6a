//! A private redis-server.

use super::{Guard, on_free_port, wait_for_port};
use crate::install::find;
use anyhow::{Context as _, Result};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A running redis-server with an empty data set; it ends when dropped.
pub(crate) struct Redis {
    port: u16,
    _guard: Guard,
    _folder: TempDir,
}

impl Redis {
    /// Starts one on a free port of loopback, in memory only, refusing to evict.
    pub(crate) fn start() -> Result<Self> {
        let program = find("redis-server").context("redis-server is not installed")?;
        on_free_port(|port| {
            let folder = tempfile::tempdir()?;
            let child = Command::new(&program)
                .args([
                    "--port",
                    &port.to_string(),
                    "--bind",
                    "127.0.0.1",
                    "--save",
                    "",
                    "--appendonly",
                    "no",
                ])
                .args(["--maxmemory-policy", "noeviction", "--dir"])
                .arg(folder.path())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .context("cannot start redis-server")?;
            let mut guard = Guard::new(child);
            wait_for_port(&mut guard, port, "redis-server")?;
            Ok(Self { port, _guard: guard, _folder: folder })
        })
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }
}
