//! `cargo xtask powercut`: cuts the power of a whole machine while the journal writes in it, and proves after the next
//! boot what each mode promises.
//!
//! The machine is a guest of QEMU with Debian's kernel and an ext4 disk that the host does not cache. Its writer first
//! reads what its last life left, as a restarted edge does, then writes on and says on the console what it promises.
//! `strict`: nothing promised may be lost. `fast`: nothing older than the window that was published with the promise.

mod cpio;
mod guest;
mod oracle;
mod rig;

use crate::install;
use anyhow::{Context as _, Result, ensure};
use clap::Args;
use oracle::{Life, Verdict};
use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::time::Duration;

/// How many power cuts.
#[derive(Args)]
pub(crate) struct PowercutArguments {
    /// Power cuts, half of them in each mode.
    #[arg(long, default_value_t = 200)]
    cuts: u32,
    /// Milliseconds that the writer works before a cut, at most.
    #[arg(long, default_value_t = 3_000)]
    most_ms: u64,
}

/// What the disk of the guest holds at most.
const DISK_MIB: u64 = 256;

/// Runs the command.
pub(crate) fn run(arguments: &PowercutArguments) -> Result<()> {
    prove(arguments.cuts, Duration::from_millis(arguments.most_ms))
}

/// Cuts the power `cuts` times and fails if a promise was broken.
pub(crate) fn prove(cuts: u32, most: Duration) -> Result<()> {
    install::ensure(&[install::MKFS, install::QEMU])?;
    let rig = rig::Rig::ready()?;
    let disk = tempfile::Builder::new().prefix("disk-").tempdir_in(rig.folder())?;
    let image = disk.path().join("disk.img");
    rig.make_disk(&image, DISK_MIB)?;
    let mut totals = [("strict", Totals::default()), ("fast", Totals::default())];
    let mut before: Option<(usize, Life)> = None;
    for cut in 0..=cuts {
        let mode = usize::try_from(cut % 2)?;
        let mut guest = rig.boot(&image, ["synced", "fast"][mode])?;
        let found = guest.until_started().with_context(|| format!("boot {cut}"))?;
        if let Some((mode, life)) = before.take() {
            let verdict = life.judge(&found, mode == 0).with_context(|| format!("after cut {cut}"))?;
            totals[mode].1.add(&verdict);
            println!("cut {cut} {}: {verdict}", totals[mode].0);
        }
        if cut == cuts {
            break; // the last boot only looks
        }
        let life = guest.live_for(random_up_to(most))?;
        before = Some((mode, life));
    }
    for (mode, totals) in &totals {
        println!("{mode}: {totals}");
    }
    let idle = totals.iter().any(|(_, totals)| totals.cuts > 0 && totals.promised == 0);
    ensure!(!idle, "a mode promised nothing");
    Ok(())
}

/// What all cuts of one mode came to.
#[derive(Default)]
struct Totals {
    cuts: u32,
    promised: u64,
    lost: u64,
    worst_lost: u64,
    oldest_lost_ms: i64,
    widest_window_ms: i64,
}

impl Totals {
    fn add(&mut self, verdict: &Verdict) {
        self.cuts += 1;
        self.promised += verdict.promised;
        self.lost += verdict.lost;
        self.worst_lost = self.worst_lost.max(verdict.lost);
        self.oldest_lost_ms = self.oldest_lost_ms.max(verdict.oldest_lost_ms);
        self.widest_window_ms = self.widest_window_ms.max(verdict.widest_window_ms);
    }
}

impl std::fmt::Display for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} cuts, {} promised, {} of them lost (at most {} in a cut, the oldest {} ms old); widest published window {} ms",
            self.cuts, self.promised, self.lost, self.worst_lost, self.oldest_lost_ms, self.widest_window_ms
        )
    }
}

/// Some time up to `most`, enough for a first promise. Not repeatable: what a cut hits depends on the machine as much as on the number.
fn random_up_to(most: Duration) -> Duration {
    let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX).max(1);
    Duration::from_millis(100) + Duration::from_micros(RandomState::new().hash_one(0) % most)
}

/// Makes sure that a folder is there.
fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}
