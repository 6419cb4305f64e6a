//! Who comes first where everybody shares one machine.
//!
//! Attackers stand for machines of their own: they may take the edge's attention, not its processors. So the edge and
//! the honest clients run in real time. Attackers of a low priority (nice, SCHED_IDLE) would not do: whoever is woken
//! beside threads of little weight may have to wait for them for some milliseconds, because Linux's fair scheduler
//! scales the lag with which it was put to sleep by the weight of those that it finds running.

use anyhow::{Context as _, Result, ensure};
use rustix::thread::gettid;
use std::process::Command;

/// The program under test, with all its threads.
const PROGRAM: u8 = 5;
/// Honest clients, before the program: each has a machine of its own, too.
const CLIENTS: u8 = 10;

/// Has a process and all that it starts come before attackers.
///
/// # Errors
///
/// It is not allowed here: it takes root.
pub(super) fn program(pid: u32) -> Result<()> {
    real_time(PROGRAM, &["--all-tasks", "--pid"], &pid.to_string())
}

/// Has this thread and all that it starts come before everybody else, if that is allowed.
pub(super) fn clients() -> Result<()> {
    real_time(CLIENTS, &["--pid"], &gettid().as_raw_nonzero().to_string())
}

fn real_time(priority: u8, whom: &[&str], id: &str) -> Result<()> {
    let mut command = Command::new("chrt");
    command.arg("--fifo").args(whom).args([&priority.to_string(), id]);
    let output = command.output().context("chrt (util-linux) is missing")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
