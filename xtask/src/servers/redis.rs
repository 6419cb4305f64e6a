//! A private redis-server.

use super::{Guard, on_free_port, wait_for_port};
use crate::install::find;
use anyhow::{Context as _, Result};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A running redis-server with an empty data set; it ends when dropped.
pub(crate) struct Redis {
    port: u16,
    guard: Option<Guard>,
    folder: TempDir,
}

impl Redis {
    /// Starts one on a free port of loopback, in memory only, refusing to evict.
    pub(crate) fn start() -> Result<Self> {
        on_free_port(|port| {
            let folder = tempfile::tempdir()?;
            let guard = serve(folder.path(), port)?;
            Ok(Self { port, guard: Some(guard), folder })
        })
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// kill -9; what it knew is gone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        if let Some(mut guard) = self.guard.take() {
            guard.kill()?;
        }
        Ok(())
    }

    /// Starts it again, empty, on the same port.
    pub(crate) fn revive(&mut self) -> Result<()> {
        self.guard = Some(serve(self.folder.path(), self.port)?);
        Ok(())
    }
}

fn serve(folder: &Path, port: u16) -> Result<Guard> {
    let program = find("redis-server").context("redis-server is not installed")?;
    let child = Command::new(&program)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .args(["--maxmemory-policy", "noeviction", "--dir"])
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start redis-server")?;
    let mut guard = Guard::new(child);
    wait_for_port(&mut guard, port, "redis-server")?;
    Ok(guard)
}
