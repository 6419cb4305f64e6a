//! PostgreSQL over TLS, as the URL asks for it: against a server of the test's own, whose certificates are made here.

use attribution_core::time::Instant;
use settlement_core::store::{OpenStoreError, Store, StoreConfig, StoreError};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const NOW: Instant = Instant(1_790_001_000_000);
const PASSWORD: &str = "a test's own";

/// A PostgreSQL that lets nobody in without TLS, with the certificate `server.pem` for `localhost` from `ca.pem`.
struct Server {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
    owner: Option<u32>,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("yinke-tls-").tempdir().unwrap();
        let data = folder.path().join("data");
        authority(folder.path(), "ca");
        authority(folder.path(), "other");
        certificate(folder.path());
        std::fs::write(folder.path().join("password"), PASSWORD).unwrap();
        let owner = owner(folder.path());
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        for path in std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
            chown(path, owner, owner).unwrap();
        }
        chown(folder.path(), owner, owner).unwrap();
        let program = |name| program(name, folder.path(), owner);
        run(program("initdb")
            .args(["--auth=scram-sha-256", "--username=yinke", "--pwfile=password", "--no-sync"])
            .args(["--encoding=UTF8", "--locale=C.UTF-8"]));
        let only_tls = "hostssl all all 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(data.join("pg_hba.conf"), only_tls).unwrap();
        // Another program may take the port in between.
        for _ in 0..3 {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            let log = std::fs::File::create(folder.path().join("log")).unwrap();
            let mut child = program("postgres")
                .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "ssl=on"])
                .args(["-c", "unix_socket_directories=", "-c", "ssl_cert_file=../server.pem"])
                .args(["-c", "ssl_key_file=../server.key"])
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .unwrap();
            if serves(&mut child, &data) {
                return Self { child, port, folder, owner };
            }
        }
        panic!("{}", std::fs::read_to_string(folder.path().join("log")).unwrap_or_default());
    }

    /// Opens a store on it.
    fn open(&self, host: &str, query: &str) -> Result<Store, OpenStoreError> {
        let folder = self.folder.path().display().to_string();
        let password = PASSWORD.replace(' ', "%20");
        let query = query.replace("DIR", &folder);
        open(format!("postgres://yinke:{password}@{host}:{}/postgres?{query}", self.port))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its own way to stop also gives back its shared memory.
        let _ = program("pg_ctl", self.folder.path(), self.owner)
            .args(["stop", "-s", "-m", "immediate"])
            .status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn open(url: String) -> Result<Store, OpenStoreError> {
    Store::open(&StoreConfig::Postgres { url, schema: None, connections: 1 }, NOW)
}

/// One of PostgreSQL's programs for the data in this folder.
fn program(name: &str, folder: &Path, owner: Option<u32>) -> Command {
    let mut command = Command::new(programs().join(name));
    if let Some(owner) = owner {
        command.uid(owner).gid(owner);
    }
    command.current_dir(folder).stdin(Stdio::null()).arg("-D").arg(folder.join("data"));
    command
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn openssl(folder: &Path, words: &str) {
    run(Command::new("openssl").current_dir(folder).args(words.split(' ')));
}

fn authority(folder: &Path, name: &str) {
    openssl(
        folder,
        &format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name} \
             -keyout {name}.key -out {name}.pem"
        ),
    );
}

fn certificate(folder: &Path) {
    openssl(
        folder,
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost \
         -addext subjectAltName=DNS:localhost -keyout server.key -out server.csr",
    );
    openssl(
        folder,
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy \
         -out server.pem",
    );
}

/// PostgreSQL refuses to run as root: then it runs as `postgres`.
fn owner(folder: &Path) -> Option<u32> {
    if std::fs::metadata(folder).unwrap().uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:")).expect("a user `postgres`");
    Some(line.split(':').nth(2).unwrap().parse().unwrap())
}

/// Where PostgreSQL's server programs are: Debian keeps them off the path.
fn programs() -> PathBuf {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = debian.map(|version| version.unwrap().path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(debian)
        .find(|folder| folder.join("initdb").exists())
        .expect("PostgreSQL's programs are installed")
}

/// Waits until it takes connections; `false` if it ended instead.
fn serves(child: &mut Child, data: &Path) -> bool {
    loop {
        let state = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        if state.lines().nth(7).map(str::trim) == Some("ready") {
            return true;
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// Everything an error says, down to its cause.
fn chain(error: &dyn std::error::Error) -> String {
    let below = error.source().map(|cause| format!(": {}", chain(cause)));
    format!("{error}{}", below.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a program: cargo xtask test installs it"]
async fn the_url_says_whom_to_trust() {
    let server = Server::start();
    for (host, query) in [
        ("localhost", "sslmode=verify-full&sslrootcert=DIR/ca.pem"),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert=DIR/ca.pem"),
        ("127.0.0.1", "sslmode=require&sslrootcert=DIR/ca.pem"),
        ("localhost", "sslmode=require"),
        ("localhost", "sslmode=prefer"),
        ("localhost", ""),
    ] {
        let store = server.open(host, query).unwrap_or_else(|error| panic!("{query}: {}", chain(&error)));
        let encrypted = store
            .read(|tx| {
                let mine = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
                tx.query_one(mine, &[])?.flag(0)
            })
            .await;
        assert!(encrypted.unwrap(), "{query}");
        store.close();
    }
    for (host, query, why) in [
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=DIR/ca.pem", "not valid for name"),
        ("localhost", "sslmode=verify-full&sslrootcert=DIR/other.pem", "UnknownIssuer"),
        ("localhost", "sslmode=verify-ca&sslrootcert=DIR/other.pem", "UnknownIssuer"),
        ("localhost", "sslmode=require&sslrootcert=DIR/other.pem", "UnknownIssuer"),
        // No public authority has signed it.
        ("localhost", "sslmode=verify-full", "UnknownIssuer"),
        ("localhost", "sslmode=disable", "no encryption"),
        ("localhost", "sslmode=verify-full&sslrootcert=DIR/nowhere.pem", "nowhere.pem) cannot be read"),
        ("localhost", "sslmode=verify-full&sslrootcert=DIR/server.key", "no certificate in sslrootcert"),
    ] {
        let error = server.open(host, query).map(|_| ()).unwrap_err();
        assert!(chain(&error).contains(why), "{query}: {}", chain(&error));
        assert!(!chain(&error).contains(PASSWORD), "{query}: {}", chain(&error));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn a_server_without_tls_is_not_spoken_to_where_tls_is_required() {
    let url =
        std::env::var("YINKE_TEST_POSTGRES_URL").expect("YINKE_TEST_POSTGRES_URL names the test server");
    let refused = open(format!("{url}?sslmode=require")).map(|_| ()).unwrap_err();
    assert!(matches!(refused, OpenStoreError::Connect(StoreError::Unreachable(_))), "{refused:?}");
    assert!(chain(&refused).contains("server does not support TLS"), "{}", chain(&refused));
}
