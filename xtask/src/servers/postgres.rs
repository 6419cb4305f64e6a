//! A private PostgreSQL cluster. PostgreSQL refuses to run as root, so a root user starts it as `postgres`.

use super::{Guard, on_free_port, wait_for_port};
use crate::install::find;
use anyhow::{Context as _, Result, bail};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A running PostgreSQL with one empty database; it ends when dropped.
pub(crate) struct Postgres {
    port: u16,
    _guard: Guard,
    _folder: TempDir,
}

impl Postgres {
    /// Creates a cluster in a temporary folder and starts it on a free port of loopback.
    pub(crate) fn start() -> Result<Self> {
        let user = if rustix::process::geteuid().is_root() { Some(postgres_user()?) } else { None };
        let folder = tempfile::Builder::new().prefix("yinke-postgres-").tempdir()?;
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid))?;
        }
        let data = folder.path().join("data");
        let as_user = |program: &str| -> Result<Command> {
            let mut command =
                Command::new(find(program).with_context(|| format!("{program} is not installed"))?);
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command.current_dir(folder.path()).stdin(Stdio::null());
            Ok(command)
        };
        let init = as_user("initdb")?
            .args([
                "--auth=trust",
                "--username=yinke",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                "-D",
            ])
            .arg(&data)
            .output()
            .context("cannot start initdb")?;
        if !init.status.success() {
            bail!("initdb: {}", String::from_utf8_lossy(&init.stderr));
        }
        let (port, guard) = on_free_port(|port| start(as_user("postgres")?, &data, folder.path(), port))?;
        Ok(Self { port, _guard: guard, _folder: folder })
    }

    /// The address of its database, for a superuser.
    pub(crate) fn url(&self) -> String {
        format!("postgres://yinke@127.0.0.1:{}/postgres", self.port)
    }
}

fn start(mut command: Command, data: &Path, folder: &Path, port: u16) -> Result<(u16, Guard)> {
    let log = std::fs::File::create(folder.join("log"))?;
    let child = command
        .arg("-D")
        .arg(data)
        .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
        .args(["-c", "max_connections=200", "-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB"])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .context("cannot start postgres")?;
    let mut guard = Guard::new(child);
    wait_for_port(&mut guard, port, "postgres")?;
    Ok((port, guard))
}

/// User and group id of Debian's `postgres` user.
fn postgres_user() -> Result<(u32, u32)> {
    let passwd = std::fs::read_to_string("/etc/passwd")?;
    let line =
        passwd.lines().find(|line| line.starts_with("postgres:")).context("there is no user `postgres`")?;
    let mut fields = line.split(':').skip(2);
    let mut number = || -> Result<u32> { Ok(fields.next().context("a short line in /etc/passwd")?.parse()?) };
    Ok((number()?, number()?))
}
