//! A Redis Cluster of three primaries, and a slot that can be moved between them step by step.

use crate::{RedisServer, connect};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use std::time::Duration;

/// A cluster of three primaries that share all slots.
pub struct Cluster {
    /// The nodes.
    pub nodes: Vec<RedisServer>,
}

/// The first slot of each node, and the first slot that none has.
const BOUNDS: [u16; 4] = [0, 5_461, 10_923, 16_384];

impl Cluster {
    /// Starts three nodes and waits until they serve together.
    pub async fn start() -> Self {
        let mut nodes = Vec::new();
        for _ in 0..3 {
            nodes.push(
                RedisServer::start(&["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]).await,
            );
        }
        let cluster = Self { nodes };
        for (node, bounds) in cluster.nodes.iter().zip(BOUNDS.windows(2)) {
            let (from, to) = (bounds[0].to_string(), (bounds[1] - 1).to_string());
            node.command(&["CLUSTER", "ADDSLOTSRANGE", &from, &to]).await;
            node.command(&["CLUSTER", "MEET", "127.0.0.1", &cluster.nodes[0].port.to_string()]).await;
        }
        let together = async {
            for node in &cluster.nodes {
                loop {
                    let info: String = node.ask(&["CLUSTER", "INFO"]).await.unwrap();
                    if info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3") {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), together).await.expect("the cluster comes together");
        cluster
    }

    /// The addresses of its nodes, as a configuration names them.
    pub fn urls(&self) -> String {
        self.nodes.iter().map(RedisServer::url).collect::<Vec<_>>().join(",")
    }

    /// A connection that follows redirections.
    pub async fn connect(&self) -> ClusterConnection {
        let client = ClusterClient::new(self.nodes.iter().map(RedisServer::url)).unwrap();
        client.get_async_connection().await.unwrap()
    }

    /// Which node has this slot, by its position.
    pub fn owner(slot: u16) -> usize {
        BOUNDS.windows(2).position(|bounds| (bounds[0]..bounds[1]).contains(&slot)).unwrap()
    }

    /// The slot of a key.
    pub async fn slot(&self, key: &str) -> u16 {
        self.nodes[0].ask(&["CLUSTER", "KEYSLOT", key]).await.unwrap()
    }

    /// Begins to move a slot: from here on keys that are not at the source are asked for (`ASK`) at the destination.
    pub async fn begin_move(&self, slot: u16, from: usize, to: usize) {
        let slot = slot.to_string();
        let (source, destination) = (self.id(from).await, self.id(to).await);
        self.nodes[to].command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source]).await;
        self.nodes[from].command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &destination]).await;
    }

    /// Moves at most so many of the slot's keys; says how many it moved.
    pub async fn move_keys(&self, slot: u16, from: usize, to: usize, most: usize) -> usize {
        let keys: Vec<String> = self.nodes[from]
            .ask(&["CLUSTER", "GETKEYSINSLOT", &slot.to_string(), &most.to_string()])
            .await
            .unwrap();
        let port = self.nodes[to].port.to_string();
        for key in &keys {
            self.nodes[from].command(&["MIGRATE", "127.0.0.1", &port, key, "0", "5000"]).await;
        }
        keys.len()
    }

    /// Ends the move: from here on the old owner answers `MOVED`.
    pub async fn end_move(&self, slot: u16, to: usize) {
        let (slot, owner) = (slot.to_string(), self.id(to).await);
        // The new owner first, so that the slot never belongs to nobody.
        self.nodes[to].command(&["CLUSTER", "SETSLOT", &slot, "NODE", &owner]).await;
        for (position, node) in self.nodes.iter().enumerate() {
            if position != to {
                node.command(&["CLUSTER", "SETSLOT", &slot, "NODE", &owner]).await;
            }
        }
    }

    async fn id(&self, node: usize) -> String {
        let mut connection = connect(&self.nodes[node].url()).await;
        redis::cmd("CLUSTER").arg("MYID").query_async(&mut connection).await.unwrap()
    }
}
