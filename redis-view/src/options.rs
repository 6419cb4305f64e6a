//! Where Redis is, and how long it may take.

use redis::IntoConnectionInfo as _;
use std::time::Duration;

/// Where the records are: one server, or a Redis Cluster.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisOptions {
    /// `redis://[user:password@]host:port/[db]`; a cluster is given by several of its nodes.
    pub nodes: Vec<String>,
    /// The nodes are a Redis Cluster.
    pub cluster: bool,
    /// For a connection to stand.
    pub connect_timeout: Duration,
    /// For the answer to one pipeline.
    pub response_timeout: Duration,
}

/// Why a text is not the address of a Redis. The text itself is not repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No address at all.
    #[error("no address; expected redis://[user:password@]host:port/")]
    Empty,
    /// Not an address that this program can connect to.
    #[error("address {position} is not of the form redis://[user:password@]host:port/")]
    Malformed {
        /// Which of them, from 1.
        position: usize,
    },
    /// A cluster has only database 0.
    #[error("address {position} names a database; a cluster has only database 0")]
    Database {
        /// Which of them, from 1.
        position: usize,
    },
}

impl RedisOptions {
    /// One server.
    ///
    /// # Errors
    /// If the text is not its address.
    pub fn single(url: &str) -> Result<Self, AddressError> {
        let url = url.trim();
        if url.is_empty() {
            return Err(AddressError::Empty);
        }
        database(url).ok_or(AddressError::Malformed { position: 1 })?;
        Ok(Self::of(vec![url.to_owned()], false))
    }

    /// A cluster: addresses of some of its nodes, with commas or white space between them.
    ///
    /// # Errors
    /// If one of them is not an address, or there is none.
    pub fn cluster(urls: &str) -> Result<Self, AddressError> {
        let between = |c: char| c == ',' || c.is_whitespace();
        let nodes: Vec<_> = urls.split(between).filter(|url| !url.is_empty()).map(str::to_owned).collect();
        if nodes.is_empty() {
            return Err(AddressError::Empty);
        }
        for (position, url) in (1..).zip(&nodes) {
            match database(url) {
                Some(0) => {}
                Some(_) => return Err(AddressError::Database { position }),
                None => return Err(AddressError::Malformed { position }),
            }
        }
        Ok(Self::of(nodes, true))
    }

    const fn of(nodes: Vec<String>, cluster: bool) -> Self {
        Self {
            nodes,
            cluster,
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(5),
        }
    }
}

/// The database that a TCP address names; `None` if it is no such address.
fn database(url: &str) -> Option<i64> {
    if !url.starts_with("redis://") {
        return None;
    }
    let info = url.into_connection_info().ok()?;
    Some(info.redis_settings().db())
}

impl std::fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The addresses may hold a password.
        f.debug_struct("RedisOptions")
            .field("nodes", &self.nodes.len())
            .field("cluster", &self.cluster)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_never_shown() {
        let one = RedisOptions::single(" redis://:secret@r1.internal:6379/2\n").unwrap();
        assert_eq!((one.nodes.len(), one.cluster), (1, false));
        assert!(!format!("{one:?}").contains("secret"));
        let cluster = RedisOptions::cluster("redis://r1:7000, redis://r2:7000\nredis://r3:7000/0").unwrap();
        assert_eq!((cluster.nodes.len(), cluster.cluster), (3, true));
        for (text, expected) in [
            ("", AddressError::Empty),
            (" , ", AddressError::Empty),
            ("redis://a:1,http://b:2", AddressError::Malformed { position: 2 }),
            ("a:6379", AddressError::Malformed { position: 1 }),
            ("redis://a:1 redis://b:2/3", AddressError::Database { position: 2 }),
        ] {
            assert_eq!(RedisOptions::cluster(text), Err(expected), "{text}");
        }
        for text in ["rediss://a:1", "unix:///tmp/redis.sock", "redis://", "redis://a:b"] {
            assert_eq!(RedisOptions::single(text), Err(AddressError::Malformed { position: 1 }), "{text}");
        }
    }
}
