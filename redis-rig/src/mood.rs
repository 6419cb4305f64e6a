//! The ways in which a Redis fails its clients, brought about for real, and how each is repaired.

use crate::server::try_connect;
use crate::{Door, RedisServer};
use std::time::Duration;

/// A way in which Redis fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// The process is gone, and what it had in memory with it.
    Down,
    /// The process is stopped, its connections stay open.
    Hung,
    /// Each request takes a while, within the time that clients give it.
    Slow,
    /// It has become a replica: `READONLY`.
    ReadOnly,
    /// It reads its data set: `LOADING`.
    Loading,
    /// Its snapshots fail: `MISCONF`.
    Misconfigured,
    /// Its memory is used up: `OOM`.
    Full,
    /// A script runs without end: `BUSY`.
    Busy,
    /// It deletes records to make room, and says OK.
    Evicting,
}

/// Keys that are read one by one, so slowly that the loading ends only when it is told to hurry; about a hundred of them
/// pass between two requests.
const SLOW_KEYS: &str = "50000";
const SLOW_KEY_MICROSECONDS: &str = "2000";

impl Mood {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Down,
        Self::Hung,
        Self::Slow,
        Self::ReadOnly,
        Self::Loading,
        Self::Misconfigured,
        Self::Full,
        Self::Busy,
        Self::Evicting,
    ];

    /// The reason that metrics give while it lasts; `None` if it is only slow.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Down => Some("unreachable"),
            Self::Hung => Some("timed_out"),
            Self::Slow => None,
            Self::ReadOnly => Some("read_only"),
            Self::Loading => Some("loading"),
            Self::Misconfigured => Some("misconfigured"),
            Self::Full => Some("out_of_memory"),
            Self::Busy => Some("busy"),
            Self::Evicting => Some("evicts"),
        }
    }
}

impl RedisServer {
    /// Falls into a mood. `door` leads to it.
    pub async fn enter(&mut self, mood: Mood, door: &Door) {
        match mood {
            Mood::Down => self.kill(),
            Mood::Hung => self.hang(true),
            Mood::Slow => door.delay(Duration::from_millis(150)),
            Mood::ReadOnly => self.command(&["REPLICAOF", "127.0.0.1", "1"]).await,
            Mood::Loading => {
                let fill = "for i = 1, tonumber(ARGV[1]) do redis.call('SET', 'slow' .. i, i) end";
                self.command(&["EVAL", fill, "0", SLOW_KEYS]).await;
                self.command(&["SAVE"]).await;
                self.next_time(&["--key-load-delay", SLOW_KEY_MICROSECONDS]);
                self.next_time(&["--loading-process-events-interval-bytes", "1024"]);
                self.launch();
                self.until("\nloading:1").await;
            }
            Mood::Misconfigured => {
                // A snapshot cannot be renamed over a folder.
                let dump = self.folder().join("dump.rdb");
                let _ = std::fs::remove_file(&dump);
                std::fs::create_dir(&dump).unwrap();
                self.command(&["CONFIG", "SET", "save", "86400 1000000"]).await;
                // Either may fail at once, and from then on a PING is refused too.
                let _ = self.raw(&["SAVE"]).await;
                let _ = self.raw(&["BGSAVE"]).await;
                self.until("rdb_last_bgsave_status:err").await;
            }
            Mood::Full => self.command(&["CONFIG", "SET", "maxmemory", "1"]).await,
            Mood::Busy => {
                self.command(&["CONFIG", "SET", "busy-reply-threshold", "50"]).await;
                // Nobody waits for its answer: there is none.
                let url = self.url();
                tokio::spawn(async move {
                    let mut connection = crate::connect(&url).await;
                    let endless = redis::cmd("EVAL").arg("while true do end").arg(0).to_owned();
                    let _ = endless.query_async::<()>(&mut connection).await;
                });
                self.until_refused("BUSY").await;
            }
            Mood::Evicting => {
                self.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
                // It is noticed when a connection is made, or after a while.
                door.delay(Duration::ZERO);
            }
        }
    }

    /// Recovers.
    pub async fn leave(&mut self, mood: Mood, door: &Door) {
        match mood {
            Mood::Down => self.restart().await,
            Mood::Hung => self.hang(false),
            Mood::Slow => door.delay(Duration::ZERO),
            Mood::ReadOnly => self.command(&["REPLICAOF", "NO", "ONE"]).await,
            Mood::Loading => {
                self.raw(&["CONFIG", "SET", "key-load-delay", "0"]).await.unwrap();
                self.until("\nloading:0").await;
                let _ = std::fs::remove_file(self.folder().join("dump.rdb"));
                self.forget_arguments(4);
                let empty = "for i = 1, tonumber(ARGV[1]) do redis.call('DEL', 'slow' .. i) end";
                self.command(&["EVAL", empty, "0", SLOW_KEYS]).await;
            }
            Mood::Misconfigured => {
                std::fs::remove_dir(self.folder().join("dump.rdb")).unwrap();
                self.raw(&["BGSAVE"]).await.unwrap();
                self.until("rdb_last_bgsave_status:ok").await;
                self.command(&["CONFIG", "SET", "save", ""]).await;
            }
            Mood::Full => self.command(&["CONFIG", "SET", "maxmemory", "0"]).await,
            Mood::Busy => {
                self.raw(&["SCRIPT", "KILL"]).await.unwrap();
            }
            Mood::Evicting => self.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await,
        }
    }

    /// Waits until `INFO` says this.
    async fn until(&self, line: &str) {
        let waiting = async {
            loop {
                if let Ok(info) = self.raw(&["INFO"]).await
                    && redis::from_redis_value::<String>(info).is_ok_and(|info| info.contains(line))
                {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect(line);
    }

    /// Waits until a write is refused in this word.
    async fn until_refused(&self, word: &str) {
        let waiting = async {
            loop {
                if let Err(error) = self.raw(&["SET", "refused", "1"]).await
                    && error.to_string().contains(word)
                {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect(word);
    }

    /// Runs a command on a server that need not answer a PING.
    async fn raw(&self, arguments: &[&str]) -> redis::RedisResult<redis::Value> {
        let mut connection = try_connect(&self.url()).await?;
        redis::cmd(arguments[0]).arg(&arguments[1..]).query_async(&mut connection).await
    }
}
