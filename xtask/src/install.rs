//! Finds what a run needs, installs what is missing with Debian's apt, and says what it does.

use crate::suite::succeed;
use anyhow::{Context as _, Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// A program that a run needs, and the Debian package that brings it.
pub(crate) struct Need {
    /// The program's name on the PATH, or a path pattern's last part under `/usr/lib/postgresql/*/bin`.
    pub(crate) program: &'static str,
    /// The package.
    pub(crate) package: &'static str,
}

/// Redis, for the view of last clicks and bindings.
pub(crate) const REDIS: Need = Need { program: "redis-server", package: "redis-server" };
/// PostgreSQL, the core's store when scaled out.
pub(crate) const POSTGRES: Need = Need { program: "initdb", package: "postgresql" };
/// Makes certificates for it.
pub(crate) const OPENSSL: Need = Need { program: "openssl", package: "openssl" };
/// Prometheus' own checker of metrics and rules.
pub(crate) const PROMTOOL: Need = Need { program: "promtool", package: "prometheus" };
/// Reads QR codes again that we have made.
pub(crate) const ZBARIMG: Need = Need { program: "zbarimg", package: "zbar-tools" };
/// Draws SVGs for it.
pub(crate) const RSVG: Need = Need { program: "rsvg-convert", package: "librsvg2-bin" };
/// Makes the guest machine's disk.
pub(crate) const MKFS: Need = Need { program: "mkfs.ext4", package: "e2fsprogs" };
/// The machine whose power is cut.
pub(crate) const QEMU: Need = Need { program: "qemu-system-x86_64", package: "qemu-system-x86" };
/// A client that a person would use.
pub(crate) const CURL: Need = Need { program: "curl", package: "curl" };
/// A real browser.
pub(crate) const CHROMIUM: Need = Need { program: "chromium", package: "chromium" };
/// Tells a browser what to do.
pub(crate) const NODE: Need = Need { program: "node", package: "nodejs" };
/// Brings what the browser's stories are written with.
pub(crate) const NPM: Need = Need { program: "npm", package: "npm" };
/// A proxy that stands in front of edges.
pub(crate) const HAPROXY: Need = Need { program: "haproxy", package: "haproxy" };
/// Another one.
pub(crate) const NGINX: Need = Need { program: "nginx", package: "nginx" };

/// Builds the fuzzer's own runtime.
pub(crate) const CLANG: Need = Need { program: "clang++", package: "clang" };

/// Reads JSON in scripts.
pub(crate) const JQ: Need = Need { program: "jq", package: "jq" };
/// Runs the integrators' examples.
pub(crate) const PYTHON: Need = Need { program: "python3", package: "python3" };

/// Makes sure that all programs are there.
///
/// # Errors
/// If one is missing and cannot be installed: not Debian, not root, or apt fails.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|need| find(need.program).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    install(&packages)?;
    for need in missing {
        find(need.program).with_context(|| format!("{} is still missing after installing", need.program))?;
    }
    Ok(())
}

/// Installs packages that are missing.
///
/// # Errors
/// If that cannot be done: not Debian, not root, or apt fails.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    println!("missing: {}; installing with apt-get", packages.join(", "));
    if !rustix::process::geteuid().is_root() {
        bail!("not root: please run  sudo apt-get install -y {}", packages.join(" "));
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        // Debian starts a service when its package is installed; ours run on ports of their own.
        command.env("RUNLEVEL", "1");
        command
    };
    succeed(apt(&["update", "-q"])).context("apt-get update")?;
    let mut install = vec!["install", "-y", "-q", "--no-install-recommends"];
    install.extend(packages);
    succeed(apt(&install)).context("apt-get install")
}

/// Where a program is: on the PATH, in the places that are not on everybody's PATH, or in PostgreSQL's own folder.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    folders.into_iter().map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}
