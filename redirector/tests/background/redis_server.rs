//! Redis for tests: the shared server of the test command, and private ones that a test may kill, stop or misconfigure.

use redis::aio::MultiplexedConnection;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A server that the test command started, shared by all tests: use keys of your own.
pub(crate) fn shared_url() -> String {
    std::env::var("YINKE_TEST_REDIS_URL").expect("YINKE_TEST_REDIS_URL names a redis-server")
}

/// A private redis-server; it ends with the test.
pub(crate) struct RedisServer {
    pub(crate) port: u16,
    arguments: Vec<String>,
    dir: TempDir,
    process: Option<Child>,
}

impl RedisServer {
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let dir = tempfile::tempdir().unwrap();
        let mut server = Self { port, arguments, dir, process: None };
        server.restart().await;
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Ends it with SIGKILL and forgets everything it knew.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub(crate) async fn restart(&mut self) {
        self.kill();
        let process = Command::new("redis-server")
            .args([
                "--port",
                &self.port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .args(["--dir", self.dir.path().to_str().unwrap()])
            .args(&self.arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        self.process = Some(process);
        connect(&self.url()).await;
    }

    /// Stops (SIGSTOP) or continues the process: it hangs, with its connections open.
    pub(crate) fn hang(&self, hang: bool) {
        let id = self.process.as_ref().unwrap().id();
        let pid = rustix::process::Pid::from_raw(id.cast_signed()).unwrap();
        let signal = if hang { rustix::process::Signal::STOP } else { rustix::process::Signal::CONT };
        rustix::process::kill_process(pid, signal).unwrap();
    }

    pub(crate) async fn command(&self, arguments: &[&str]) {
        let mut connection = connect(&self.url()).await;
        let mut command = redis::cmd(arguments[0]);
        command.arg(&arguments[1..]).exec_async(&mut connection).await.unwrap();
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Connects once the server answers.
pub(crate) async fn connect(url: &str) -> MultiplexedConnection {
    let client = redis::Client::open(url).unwrap();
    let answering = async {
        loop {
            if let Ok(mut connection) = client.get_multiplexed_async_connection().await
                && redis::cmd("PING").query_async::<String>(&mut connection).await.is_ok()
            {
                return connection;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), answering).await.expect("redis-server answers")
}
