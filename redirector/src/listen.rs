//! The listening sockets: one per worker on one address, or those that were given.

use crate::config::Listen;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};

/// Connections that may wait to be accepted. The kernel caps it (`net.core.somaxconn`).
const BACKLOG: i32 = 4_096;
/// Files kept for everything but connections: journal, snapshot, links to the core.
const FILE_RESERVE: u64 = 256;

/// Why the edge cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else has the address.
    #[error("the address {0} is in use")]
    InUse(SocketAddr),
    /// Not ours, not allowed, or no sockets left.
    #[error("cannot listen on {0}")]
    Bind(SocketAddr, #[source] io::Error),
    /// The given listener cannot be used.
    #[error("the given listener cannot be used")]
    Given(#[source] io::Error),
}

/// The listeners of each of `workers`, and the address they listen on.
pub(crate) fn open(listen: Listen, workers: u8) -> Result<(Vec<Vec<TcpListener>>, SocketAddr), ListenError> {
    let workers = usize::from(workers);
    match listen {
        Listen::Given(given) => {
            let first =
                given.first().ok_or_else(|| ListenError::Given(io::ErrorKind::InvalidInput.into()))?;
            let address = first.local_addr().map_err(ListenError::Given)?;
            let mut all: Vec<Vec<TcpListener>> = (0..workers).map(|_| Vec::new()).collect();
            for at in 0..workers.max(given.len()) {
                let listener = given[at % given.len()].try_clone().map_err(ListenError::Given)?;
                listener.set_nonblocking(true).map_err(ListenError::Given)?;
                all[at % workers].push(listener);
            }
            Ok((all, address))
        }
        Listen::Bind(address) => {
            let failed = |error: io::Error| match error.kind() {
                io::ErrorKind::AddrInUse => ListenError::InUse(address),
                _ => ListenError::Bind(address, error),
            };
            // Alone first: with SO_REUSEPORT a second process of ours would silently share the port.
            if address.port() != 0 {
                drop(bind(address, false).map_err(failed)?);
            }
            let first = bind(address, true).map_err(failed)?;
            let address = first.local_addr().map_err(failed)?;
            let mut all = vec![vec![first]];
            while all.len() < workers {
                all.push(vec![bind(address, true).map_err(failed)?]);
            }
            Ok((all, address))
        }
    }
}

fn bind(address: SocketAddr, reuse_port: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(reuse_port)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    if reuse_port {
        socket.listen(BACKLOG)?;
    }
    Ok(socket.into())
}

/// Connections that the limit of open files leaves room for.
pub(crate) fn connection_cap(wanted: usize) -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let room = limit.map_or(u64::MAX, |limit| limit.saturating_sub(FILE_RESERVE).max(16));
    wanted.min(usize::try_from(room).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_share_one_port() {
        let (all, address) = open(Listen::Bind("127.0.0.1:0".parse().unwrap()), 3).unwrap();
        assert_eq!(all.len(), 3);
        assert!(all.iter().flatten().all(|one| one.local_addr().unwrap() == address));
        let taken = open(Listen::Bind(address), 1);
        assert!(matches!(taken, Err(ListenError::InUse(port)) if port == address), "{taken:?}");
    }

    #[test]
    fn no_given_listener_is_left_unserved() {
        let one = || TcpListener::bind("127.0.0.1:0").unwrap();
        for (given, workers, each) in [(1, 3, [1, 1, 1].as_slice()), (3, 2, &[2, 1]), (2, 2, &[1, 1])] {
            let listeners = (0..given).map(|_| one()).collect();
            let (all, _) = open(Listen::Given(listeners), workers).unwrap();
            let counts: Vec<usize> = all.iter().map(Vec::len).collect();
            assert_eq!(counts, each, "{given} for {workers}");
        }
        assert!(matches!(open(Listen::Given(Vec::new()), 1), Err(ListenError::Given(_))));
    }

    #[test]
    fn the_cap_leaves_files_for_the_journal() {
        assert_eq!(connection_cap(1), 1);
        assert!(connection_cap(usize::MAX) < usize::MAX);
    }
}
