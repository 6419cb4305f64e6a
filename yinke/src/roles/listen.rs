//! Taking addresses: errors that say which one and why, and knowing the real port before anything starts.

use crate::exit::{Exit, Failure};
use redirector::config::Listen;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};

/// Why an address cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    /// Another process listens there.
    #[error("{what} cannot listen on {address}: the port is in use by another process")]
    InUse {
        /// Who wanted it.
        what: &'static str,
        /// Which address.
        address: SocketAddr,
    },
    /// Anything else: no such address on this machine, or a privileged port.
    #[error("{what} cannot listen on {address}")]
    Other {
        /// Who wanted it.
        what: &'static str,
        /// Which address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

impl From<ListenError> for Failure {
    fn from(error: ListenError) -> Self {
        let exit = match &error {
            ListenError::Other { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Exit::NoPermission
            }
            _ => Exit::Unavailable,
        };
        Self::new(exit, error)
    }
}

/// A port that is ours although nobody listens on it yet: whoever listens next with `SO_REUSEADDR` gets it, and
/// nobody else is given it. Keep it until then.
struct Reserved {
    /// With the real port.
    address: SocketAddr,
    _socket: Socket,
}

/// Reserves an address for listeners that bind it themselves, one per worker. Their `SO_REUSEPORT` would let a second
/// process share the port unnoticed; this refuses if anybody listens there.
///
/// # Errors
/// If it cannot be had.
fn reserve(what: &'static str, address: SocketAddr) -> Result<Reserved, ListenError> {
    let bound = (|| {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        let real = socket.local_addr()?.as_socket().unwrap_or(address);
        Ok((socket, real))
    })();
    match bound {
        Ok((socket, real)) => Ok(Reserved { address: real, _socket: socket }),
        Err(source) => Err(refused(what, address, source)),
    }
}

/// Where an edge is to listen, and the address, known before it starts.
pub(crate) struct EdgePort {
    pub(crate) listen: Listen,
    pub(crate) address: SocketAddr,
    _reserved: Option<Reserved>,
}

/// The sockets that the process was given for its edge, or else a reserved address.
///
/// # Errors
/// If it cannot be had.
pub(crate) fn edge_port(given: Vec<TcpListener>, address: SocketAddr) -> Result<EdgePort, ListenError> {
    let what = "the edge";
    if let Some(first) = given.first() {
        let address = first.local_addr().map_err(|source| refused(what, address, source))?;
        return Ok(EdgePort { listen: Listen::Given(given), address, _reserved: None });
    }
    let reserved = reserve(what, address)?;
    Ok(EdgePort {
        listen: Listen::Bind(reserved.address),
        address: reserved.address,
        _reserved: Some(reserved),
    })
}

/// A socket that listens, twice: to serve, and to keep for the process that comes after.
pub(crate) struct Listening {
    pub(crate) listener: tokio::net::TcpListener,
    /// While it is held, clients that connect wait instead of being refused.
    pub(crate) kept: TcpListener,
}

/// Listens on the socket that the process was given, or else on an address.
///
/// # Errors
/// If it cannot be had.
pub(crate) fn listen(
    what: &'static str,
    given: Vec<TcpListener>,
    address: SocketAddr,
) -> Result<Listening, ListenError> {
    given
        .into_iter()
        .next()
        .map_or_else(|| TcpListener::bind(address), Ok)
        .and_then(|kept| {
            kept.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(kept.try_clone()?)?;
            Ok(Listening { listener, kept })
        })
        .map_err(|source| refused(what, address, source))
}

fn refused(what: &'static str, address: SocketAddr, source: io::Error) -> ListenError {
    if source.kind() == io::ErrorKind::AddrInUse {
        ListenError::InUse { what, address }
    } else {
        ListenError::Other { what, address, source }
    }
}

/// How others reach a listener: an unspecified address is reached as loopback.
pub(crate) fn base_url(address: SocketAddr) -> String {
    let mut reachable = address;
    if reachable.ip().is_unspecified() {
        let loopback: std::net::IpAddr = if address.is_ipv4() {
            std::net::Ipv4Addr::LOCALHOST.into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        };
        reachable.set_ip(loopback);
    }
    format!("http://{reachable}")
}

/// How others reach a listener that is bound.
///
/// # Errors
/// If the system does not say where it is bound.
pub(crate) fn local_url(listener: &tokio::net::TcpListener) -> Result<String, Failure> {
    listener.local_addr().map(base_url).map_err(|e| Failure::new(Exit::Io, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    #[test]
    fn a_reserved_port_is_free_for_its_workers_and_nobody_elses() {
        let reserved = reserve("the edge", ANY).unwrap();
        assert_ne!(reserved.address.port(), 0);
        let worker = || {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
            socket.set_reuse_address(true).unwrap();
            socket.set_reuse_port(true).unwrap();
            socket.bind(&reserved.address.into())?;
            socket.listen(8)?;
            io::Result::Ok(socket)
        };
        let _first = worker().unwrap();
        assert!(matches!(reserve("another", reserved.address), Err(ListenError::InUse { .. })));
    }

    #[test]
    fn an_unspecified_address_is_reached_as_loopback() {
        for (address, url) in [
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"),
            ("192.0.2.1:80", "http://192.0.2.1:80"),
        ] {
            assert_eq!(base_url(address.parse().unwrap()), url);
        }
    }
}
