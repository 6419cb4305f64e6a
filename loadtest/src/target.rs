//! Where the load goes: a loopback address, fixed or read anew from a file whenever a connection is made.
//!
//! The file is for servers that are killed and started again and get a new port each time.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where to connect.
#[derive(Debug, Clone)]
pub enum Target {
    /// Always here.
    Fixed(SocketAddr),
    /// At the address that stands in this file now.
    File(PathBuf),
}

/// Why there is nothing to connect to.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Other machines are not loaded.
    #[error("{0} is not on this machine; only loopback addresses are loaded")]
    NotLoopback(SocketAddr),
    /// The file cannot be read.
    #[error("cannot read the target's file")]
    File(#[source] io::Error),
    /// The file holds something else.
    #[error("{0:?} is not an address with a port")]
    NotAnAddress(String),
}

impl Target {
    /// The address now.
    ///
    /// # Errors
    /// If the file has none, or the address is not on this machine.
    pub fn address(&self) -> Result<SocketAddr, TargetError> {
        let address = match self {
            Self::Fixed(address) => *address,
            Self::File(path) => {
                let text = fs::read_to_string(path).map_err(TargetError::File)?;
                text.trim().parse().map_err(|_| TargetError::NotAnAddress(text))?
            }
        };
        if address.ip().is_loopback() { Ok(address) } else { Err(TargetError::NotLoopback(address)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loaded() {
        assert!(Target::Fixed("127.0.0.1:80".parse().unwrap()).address().is_ok());
        assert!(Target::Fixed("[::1]:80".parse().unwrap()).address().is_ok());
        let elsewhere = Target::Fixed("192.0.2.1:80".parse().unwrap()).address();
        assert!(matches!(elsewhere, Err(TargetError::NotLoopback(_))));
    }

    #[test]
    fn a_file_is_read_anew_each_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("edge.address");
        let target = Target::File(path.clone());
        assert!(matches!(target.address(), Err(TargetError::File(_))));
        for port in [1, 2] {
            fs::write(&path, format!("127.0.0.1:{port}\n")).unwrap();
            assert_eq!(target.address().unwrap().port(), port);
        }
        fs::write(&path, "nonsense").unwrap();
        assert!(matches!(target.address(), Err(TargetError::NotAnAddress(_))));
    }
}
