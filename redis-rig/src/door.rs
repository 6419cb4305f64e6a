//! An address that leads to a server the test chooses, as slowly as it chooses: a name that a failover points elsewhere,
//! or a bad network.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

#[derive(Clone, Copy)]
struct Way {
    port: u16,
    delay: Duration,
    generation: u64,
}

/// A forwarder on a free port of loopback. It ends when dropped.
pub struct Door {
    address: SocketAddr,
    way: Arc<Mutex<Way>>,
    changed: tokio::sync::watch::Sender<u64>,
    task: tokio::task::JoinHandle<()>,
}

impl Door {
    /// Leads to this port.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let way = Arc::new(Mutex::new(Way { port, delay: Duration::ZERO, generation: 0 }));
        let changed = tokio::sync::watch::Sender::new(0);
        let (ways, changes) = (Arc::clone(&way), changed.clone());
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let now = *ways.lock().unwrap();
                let mut changes = changes.subscribe();
                connections.spawn(async move {
                    let Ok(server) = TcpStream::connect(("127.0.0.1", now.port)).await else { return };
                    let (client_in, client_out) = client.into_split();
                    let (server_in, server_out) = server.into_split();
                    tokio::select! {
                        () = forward(client_in, server_out, now.delay) => {}
                        () = forward(server_in, client_out, Duration::ZERO) => {}
                        _ = changes.wait_for(|generation| *generation > now.generation) => {}
                    }
                });
            }
        });
        Self { address, way, changed, task }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://{}/", self.address)
    }

    /// Cuts all connections; new ones lead to this port.
    pub fn lead_to(&self, port: u16) {
        self.change(|way| way.port = port);
    }

    /// Cuts all connections; on new ones each request waits so long.
    pub fn delay(&self, delay: Duration) {
        self.change(|way| way.delay = delay);
    }

    fn change(&self, change: impl FnOnce(&mut Way)) {
        let mut way = self.way.lock().unwrap();
        change(&mut way);
        way.generation += 1;
        self.changed.send_replace(way.generation);
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    delay: Duration,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
}
