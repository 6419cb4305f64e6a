//! What an operator chooses for an edge, as parsed types, and the keys it needs. Nothing here reads files.

use attribution_core::catalogue::Durability;
use attribution_core::click::EdgeId;
use attribution_core::code::CheckKey;
use attribution_core::token::{BrowserKeys, SigningKey};
use redis_view::RedisOptions;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// Where the edge listens.
#[derive(Debug)]
pub enum Listen {
    /// Binds this address once per worker with `SO_REUSEPORT`; port 0 picks a free one.
    Bind(SocketAddr),
    /// Takes listeners that are already bound, to one address: from the process before this one, from socket activation.
    /// None of them is left unserved, whatever their number, for connections may wait in each.
    Given(Vec<TcpListener>),
}

/// What a client may use up.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections in total. Capped further by the limit of open files, less a reserve.
    pub connections: usize,
    /// A connection is closed when no whole request head has arrived for so long, idle time included.
    pub header_timeout: Duration,
    /// A connection is closed when an answer could not be written for so long.
    pub write_timeout: Duration,
    /// Bytes of a request head at most; at least 8,192.
    pub head_bytes: usize,
    /// Bytes that unfinished request heads of all connections may take together; a connection that needs more is closed.
    pub unfinished_bytes: usize,
    /// Headers of a request at most.
    pub headers: usize,
    /// Misses (unknown codes) per address prefix and minute; zero switches the limit off.
    pub misses_per_minute: u32,
    /// Misses that one address prefix may have at once before the rate counts.
    pub miss_burst: u32,
    /// Clicks per worker that may wait for the disk in strict mode before new ones are answered `overloaded`.
    pub strict_queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            header_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            head_bytes: 16 << 10,
            unfinished_bytes: 32 << 20,
            headers: 64,
            misses_per_minute: 60,
            miss_burst: 120, // a whole office or a mobile carrier's gateway shares one prefix
            strict_queue: 4_096,
        }
    }
}

/// Sizes of the journal on disk, and how often it is synced.
#[derive(Debug, Clone)]
pub struct JournalSizes {
    /// Bytes of one segment.
    pub segment_bytes: u64,
    /// Segments prepared ahead per worker.
    pub spare_segments: usize,
    /// Time from one sync to the next while no strict programme's click waits for the disk.
    pub sync_interval: Duration,
}

impl Default for JournalSizes {
    fn default() -> Self {
        let (segment_bytes, sync_interval) = (journal::SEGMENT_BYTES, journal::SYNC_INTERVAL);
        Self { segment_bytes, spare_segments: 2, sync_interval }
    }
}

/// A range of addresses: `10.0.0.0/8`, `2001:db8::/32` or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    base: u128,
    bits: u8,
}

/// Why a text is not an address range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address range such as 10.0.0.0/8")]
pub struct AddressRangeError(String);

impl AddressRange {
    /// Whether `address` lies in it. IPv4 and its IPv6-mapped form are the same address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let distance = widened(address) ^ self.base;
        self.bits == 0 || distance >> (128 - u32::from(self.bits)) == 0
    }
}

impl std::str::FromStr for AddressRange {
    type Err = AddressRangeError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || AddressRangeError(text.to_owned());
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let width: u8 = if address.is_ipv4() { 32 } else { 128 };
        let bits: u8 = bits.map_or(Ok(width), str::parse).map_err(|_| bad())?;
        if bits > width {
            return Err(bad());
        }
        Ok(Self { base: widened(address), bits: bits + (128 - width) })
    }
}

fn widened(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// How often a changed table is saved, unless an operator chooses otherwise.
pub const SNAPSHOT_EVERY: Duration = Duration::from_secs(30);

/// What an operator chooses for one edge.
#[derive(Debug)]
pub struct EdgeConfig {
    /// This edge's number; unique in the fleet.
    pub edge: EdgeId,
    /// Where it listens.
    pub listen: Listen,
    /// Worker threads, each with its own event loop and journal stream; 1 to 128.
    pub workers: u8,
    /// The address that stands in links and QR codes, such as `https://yk.example/`. `https` makes cookies `Secure`.
    pub public_base: Url,
    /// Further own hosts, without ports. If the public host is a loopback address, every loopback form is one.
    pub hosts: Vec<String>,
    /// Holds the journal (`journal/`) and the table's snapshot (`table/`).
    pub data_dir: PathBuf,
    /// What a client may use up.
    pub limits: Limits,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<AddressRange>,
    /// A pattern file for agents instead of the built-in one; read again by `Edge::reload`.
    pub agent_patterns: Option<PathBuf>,
    /// Cut off from the core for longer than this, the edge gives no claims; `None` is unlimited.
    pub max_stale: Option<Duration>,
    /// `Strict` makes every programme strict.
    pub durability: Durability,
    /// Sizes of the journal.
    pub journal: JournalSizes,
    /// How often a changed table is saved.
    pub snapshot_every: Duration,
    /// Where last-click and binding records go; `None` switches the recorder off.
    pub redis: Option<RedisOptions>,
}

impl EdgeConfig {
    /// A configuration with every optional choice at its default.
    pub fn new(edge: EdgeId, listen: Listen, public_base: Url, data_dir: PathBuf) -> Self {
        Self {
            edge,
            listen,
            workers: 1,
            public_base,
            hosts: Vec::new(),
            data_dir,
            limits: Limits::default(),
            trusted_proxies: Vec::new(),
            agent_patterns: None,
            max_stale: None,
            durability: Durability::Fast,
            journal: JournalSizes::default(),
            snapshot_every: SNAPSHOT_EVERY,
            redis: None,
        }
    }
}

/// The keys an edge needs. Their secrets never show in `Debug`.
#[derive(Clone)]
pub struct EdgeKeys {
    /// Visitor and claim tokens, shared by the fleet.
    pub browser: BrowserKeys,
    /// This edge's own key for click tokens.
    pub click: SigningKey,
    /// The check character of codes.
    pub check: CheckKey,
    /// Keys the daily hash of addresses.
    pub address_secret: [u8; 32],
}

impl std::fmt::Debug for EdgeKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EdgeKeys")
            .field("browser", &self.browser)
            .field("click", &self.click)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_they_say() {
        let rows = [
            ("10.0.0.0/8", "10.255.1.2", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("::/0", "8.8.8.8", true),
        ];
        for (range, address, expected) in rows {
            let range: AddressRange = range.parse().unwrap();
            assert_eq!(range.contains(address.parse().unwrap()), expected, "{range:?} {address}");
        }
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "a/8", "10.0.0.0/"] {
            assert!(text.parse::<AddressRange>().is_err(), "{text}");
        }
    }
}
