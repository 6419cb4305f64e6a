//! The load that runs through all kills.

use super::world::World;
use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Every kind of request; unknown codes stay few, because a flood of misses is rate limited.
const MIX: &str = "head=2,prefetch=2,preview=2,embed=2,bot=5,unknown=1,withdrawn=3";

/// A running loader. Dropped, it is killed.
pub(crate) struct Loader {
    child: Option<Child>,
    target: PathBuf,
}

impl Drop for Loader {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself; then there is nothing left to kill.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The oracle's file.
pub(crate) fn oracle(folder: &Path) -> PathBuf {
    folder.join("oracle.tsv")
}

impl Loader {
    pub(crate) fn start(
        programs: &Path,
        folder: &Path,
        world: &World,
        rate: u32,
        edge: SocketAddr,
    ) -> Result<Self> {
        let (codes, withdrawn) = (folder.join("codes.txt"), folder.join("withdrawn.txt"));
        fs::write(&codes, world.codes.join("\n"))?;
        fs::write(&withdrawn, world.withdrawn.join("\n"))?;
        let mut loader = Self { child: None, target: folder.join("edge.address") };
        loader.goes_to(edge)?;
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(programs.join("loadtest"))
            .args(["run", "--json", "--duration", "20000", "--timeout", "3", "--connections", "32"])
            .args(["--rate", &rate.to_string(), "--alone", "20", "--mix", MIX])
            .arg("--target-file")
            .arg(&loader.target)
            .arg("--codes")
            .arg(&codes)
            .arg("--withdrawn")
            .arg(&withdrawn)
            .arg("--oracle")
            .arg(oracle(folder))
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the loader")?;
        loader.child = Some(child);
        Ok(loader)
    }

    /// The edge has another address now.
    pub(crate) fn goes_to(&self, edge: SocketAddr) -> Result<()> {
        let fresh = self.target.with_extension("new");
        fs::write(&fresh, edge.to_string())?;
        fs::rename(&fresh, &self.target)?;
        Ok(())
    }

    /// Ends the load; what it saw.
    pub(crate) fn stop(mut self) -> Result<Value> {
        let child = self.child.take().context("the loader does not run")?;
        let pid = Pid::from_raw(child.id().cast_signed()).context("no process")?;
        kill_process(pid, Signal::TERM)?;
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "the loader ended with {}", output.status);
        serde_json::from_slice(&output.stdout).context("the loader's figures")
    }
}
