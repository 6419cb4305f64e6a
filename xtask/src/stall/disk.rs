//! A disk that can be told to stand still: an image with ext4 on a loop device, and the kernel's throttle on that device,
//! set to one byte a second. The machine's other disks go on.

use crate::suite::succeed;
use anyhow::{Context as _, Result, ensure};
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Of the `blkio` controller of control groups, version 1, for all processes.
const THROTTLE: &str = "/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device";
const BYTES: u64 = 1 << 30;

/// A mounted disk. Dropped, it goes on, is unmounted and its device is given back.
pub(super) struct Disk {
    device: String,
    /// Major and minor number, as the throttle wants them.
    number: String,
    folder: PathBuf,
}

impl Disk {
    /// Makes and mounts it below `folder`.
    pub(super) fn mount(folder: &Path) -> Result<Self> {
        ensure!(
            rustix::process::geteuid().is_root(),
            "only root can mount a disk of its own: run this as root"
        );
        ensure!(
            Path::new(THROTTLE).exists(),
            "{THROTTLE} is not there: this needs a kernel with the blkio controller of cgroup version 1 mounted"
        );
        let (image, mounted) = (folder.join("disk.img"), folder.join("disk"));
        File::create(&image)?.set_len(BYTES)?;
        std::fs::create_dir(&mounted)?;
        succeed(command("mkfs.ext4", &["-q", "-F"], &image))?;
        let output = command("losetup", &["--direct-io=on", "--show", "-f"], &image).output()?;
        ensure!(output.status.success(), "losetup: {}", String::from_utf8_lossy(&output.stderr));
        let device = String::from_utf8(output.stdout)?.trim().to_owned();
        let numbers = std::fs::metadata(&device)?.rdev();
        let number = format!("{}:{}", rustix::fs::major(numbers), rustix::fs::minor(numbers));
        let disk = Self { device, number, folder: mounted };
        succeed(command("mount", &[&disk.device], &disk.folder))?;
        Ok(disk)
    }

    /// Where it is mounted.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Lets it stand still, or go on.
    pub(super) fn stall(&self, still: bool) -> Result<()> {
        let rule = format!("{} {}\n", self.number, u8::from(still));
        std::fs::write(THROTTLE, rule).with_context(|| format!("cannot write {THROTTLE}"))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Each step as far as it goes: the next run makes a disk of its own.
        let _ = self.stall(false);
        let _ = Command::new("umount").arg(&self.folder).status();
        let _ = Command::new("losetup").args(["-d", &self.device]).status();
    }
}

fn command(program: &str, arguments: &[&str], path: &Path) -> Command {
    let program = crate::install::find(program).unwrap_or_else(|| program.into());
    let mut command = Command::new(program);
    command.args(arguments).arg(path);
    command
}
