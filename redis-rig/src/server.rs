//! One redis-server of a test's own, or the one that the test command shares among all.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, RedisResult};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A server that the test command started, shared by all tests: use keys of your own.
///
/// # Panics
/// If there is none.
pub fn shared_url() -> String {
    std::env::var("YINKE_TEST_REDIS_URL").expect("YINKE_TEST_REDIS_URL names a redis-server")
}

/// A private redis-server; it ends with the test.
pub struct RedisServer {
    /// Where it listens.
    pub port: u16,
    arguments: Vec<String>,
    dir: TempDir,
    process: Option<Child>,
}

impl RedisServer {
    /// Starts one in memory only, with further arguments (`--maxmemory-policy allkeys-lru`), and waits until it answers.
    pub async fn start(arguments: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let mut server = Self { port, arguments, dir: tempfile::tempdir().unwrap(), process: None };
        server.restart().await;
        server
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Ends it with SIGKILL; what it had in memory is gone.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Starts it anew on its port and waits until it answers.
    pub async fn restart(&mut self) {
        self.launch();
        connect(&self.url()).await;
    }

    /// Starts it anew on its port and waits for nothing: it may be loading for a while.
    pub fn launch(&mut self) {
        self.kill();
        let port = self.port.to_string();
        let process = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--dir", self.dir.path().to_str().unwrap()])
            .args(&self.arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        self.process = Some(process);
    }

    /// Adds an argument for the next start.
    pub fn next_time(&mut self, arguments: &[&str]) {
        self.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
    }

    /// Takes the last of the added arguments away.
    pub(crate) fn forget_arguments(&mut self, count: usize) {
        self.arguments.truncate(self.arguments.len() - count);
    }

    /// Stops (SIGSTOP) or continues the process: it hangs, with its connections open.
    pub fn hang(&self, hang: bool) {
        let id = self.process.as_ref().unwrap().id();
        let pid = rustix::process::Pid::from_raw(id.cast_signed()).unwrap();
        let signal = if hang { rustix::process::Signal::STOP } else { rustix::process::Signal::CONT };
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Runs a command that must succeed.
    pub async fn command(&self, arguments: &[&str]) {
        let () = self.ask(arguments).await.unwrap();
    }

    /// Runs a command on a connection of its own.
    ///
    /// # Errors
    /// What the server says.
    pub async fn ask<T: FromRedisValue>(&self, arguments: &[&str]) -> RedisResult<T> {
        let mut connection = connect(&self.url()).await;
        redis::cmd(arguments[0]).arg(&arguments[1..]).query_async(&mut connection).await
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Connects once the server answers.
pub async fn connect(url: &str) -> MultiplexedConnection {
    let answering = async {
        loop {
            if let Ok(mut connection) = try_connect(url).await
                && redis::cmd("PING").query_async::<String>(&mut connection).await.is_ok()
            {
                return connection;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), answering).await.expect("redis-server answers")
}

/// Connects to a server that need not serve. A busy machine or a loading server may take longer than clients usually wait.
pub(crate) async fn try_connect(url: &str) -> RedisResult<MultiplexedConnection> {
    let patience = Some(Duration::from_secs(10));
    let config = AsyncConnectionConfig::new().set_connection_timeout(patience).set_response_timeout(patience);
    Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await
}
