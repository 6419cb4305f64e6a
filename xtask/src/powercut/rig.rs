//! The guest machine's parts: a kernel and a shell from Debian's packages, which are unpacked and not installed, a
//! first file system with the writer, and a disk.

use super::cpio::{Archive, FOLDER, PROGRAM};
use super::guest::Guest;
use super::make_folder;
use crate::install::{self, QEMU};
use crate::suite::{cargo, root, succeed};
use anyhow::{Context as _, Result, bail, ensure};
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What goes into the guest.
const PACKAGES: [&str; 2] = ["linux-image-cloud-amd64", "busybox-static"];
/// What the kernel needs to see the disk, in the order of loading. What is built in has no file.
const MODULES: [&str; 6] =
    ["virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk"];
const TARGET: &str = "x86_64-unknown-linux-gnu";
const PROFILE: &str = "release";
/// Small segments, so that a short life fills many.
const SEGMENT_KIB: u32 = 512;
const MEMORY_MIB: u32 = 384;

/// Everything that a boot needs.
pub(super) struct Rig {
    folder: PathBuf,
    kernel: PathBuf,
}

impl Rig {
    /// Fetches, builds and packs what is missing.
    pub(super) fn ready() -> Result<Self> {
        ensure!(
            cfg!(target_arch = "x86_64"),
            "the guest machine is an x86_64: this host cannot build its writer"
        );
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
        let folder = target.join("powercut");
        make_folder(&folder)?;
        let unpacked = folder.join("packages");
        if kernel_in(&unpacked).is_err() {
            fetch(&folder, &unpacked)?;
        }
        let rig = Self { kernel: kernel_in(&unpacked)?, folder };
        rig.pack(&build_writer(&target)?)?;
        Ok(rig)
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn unpacked(&self, part: &str) -> PathBuf {
        self.folder.join("packages").join(part)
    }

    /// Makes an empty disk.
    pub(super) fn make_disk(&self, image: &Path, mib: u64) -> Result<()> {
        File::create(image)?.set_len(mib << 20)?;
        let mkfs = install::find("mkfs.ext4").context("no mkfs.ext4")?;
        let mut command = Command::new(mkfs);
        command.args(["-q", "-F"]).arg(image);
        succeed(command)
    }

    /// Powers a machine on with this disk.
    pub(super) fn boot(&self, disk: &Path, mode: &str) -> Result<Guest> {
        let mut qemu = Command::new(install::find(QEMU.program).context("no QEMU")?);
        let writer = format!("--lives,--data,/disk/journal,--mode,{mode},--segment-kib,{SEGMENT_KIB}");
        // Emulation, not the host's virtualization: it works in every container, and one way is enough to keep working.
        qemu.args(["-accel", "tcg", "-m", &MEMORY_MIB.to_string(), "-smp", "1"])
            .args(["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"])
            .arg("-kernel")
            .arg(&self.kernel)
            .arg("-initrd")
            .arg(self.folder.join("initrd"))
            .arg("-append")
            .arg(format!("console=ttyS0 quiet panic=-1 no_timer_check writer={writer}"))
            .arg("-drive")
            .arg(format!("file={},format=raw,if=virtio,cache=none", disk.display()));
        Guest::start(qemu)
    }

    /// Packs the guest's first file system.
    fn pack(&self, writer: &Path) -> Result<()> {
        let mut archive = Archive::new(BufWriter::new(File::create(self.folder.join("initrd"))?));
        for folder in ["bin", "lib"] {
            archive.add(folder, FOLDER, &[])?;
        }
        archive.add("init", PROGRAM, include_bytes!("init.sh"))?;
        archive.add("bin/busybox", PROGRAM, &fs::read(self.unpacked("bin/busybox"))?)?;
        archive.add("bin/writer", PROGRAM, &fs::read(writer)?)?;
        for module in MODULES {
            if let Some(file) = find_file(&self.unpacked("lib/modules"), &format!("{module}.ko"))? {
                archive.add(&format!("lib/{module}.ko"), PROGRAM, &fs::read(file)?)?;
            }
        }
        Ok(archive.finish()?)
    }
}

/// Loads the packages, whether or not this system has them installed, and unpacks them.
fn fetch(folder: &Path, unpacked: &Path) -> Result<()> {
    let cache = folder.join("cache");
    make_folder(&cache.join("archives/partial"))?;
    ensure!(rustix::process::geteuid().is_root(), "not root: apt-get gives packages to root only");
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.arg("-q").args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    succeed(apt(&["update"])).context("apt-get update")?;
    let mut download = apt(&["install", "-y", "--no-install-recommends", "--download-only"]);
    // Of a package that is installed, apt brings nothing unless it is to install it again.
    download.arg("--reinstall").arg("-o").arg(format!("Dir::Cache={}", cache.display())).args(PACKAGES);
    succeed(download).context("apt-get install --download-only")?;
    make_folder(unpacked)?;
    for entry in fs::read_dir(cache.join("archives"))? {
        let package = entry?.path();
        if package.extension().is_some_and(|extension| extension == "deb") {
            let status = Command::new("dpkg").arg("-x").args([&package, &unpacked.to_owned()]).status()?;
            ensure!(status.success(), "{} cannot be unpacked", package.display());
        }
    }
    Ok(fs::remove_dir_all(cache)?)
}

fn kernel_in(unpacked: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(unpacked.join("boot"))? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-")) {
            return Ok(path);
        }
    }
    bail!("no kernel in {}", unpacked.display())
}

/// Builds the writer so that it needs nothing of the guest.
fn build_writer(target: &Path) -> Result<PathBuf> {
    let mut build = cargo(&["build", "--locked", "--profile", PROFILE, "--target", TARGET]);
    build.args(["-p", "journal", "--example", "journal_writer"]);
    build.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", "-C target-feature=+crt-static");
    succeed(build)?;
    Ok(target.join(TARGET).join(PROFILE).join("examples/journal_writer"))
}

fn find_file(folder: &Path, name: &str) -> Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if let Some(found) = find_file(&path, name)? {
                return Ok(Some(found));
            }
        } else if path.file_name().is_some_and(|file| file == name) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
