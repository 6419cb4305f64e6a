//! Real servers for tests: started on free ports with data of their own, never the system's, and stopped by process
//! id when the run ends.

mod postgres;
mod redis;

pub(crate) use postgres::Postgres;
pub(crate) use redis::Redis;

use anyhow::{Context as _, Result, bail};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::process::Child;
use std::time::{Duration, Instant};

/// A child that is killed and reaped when dropped.
pub(crate) struct Guard(Child);

impl Guard {
    pub(crate) const fn new(child: Child) -> Self {
        Self(child)
    }

    /// kill -9.
    fn kill(&mut self) -> Result<()> {
        self.0.kill()?;
        self.wait()
    }

    /// Waits until it has ended by itself.
    fn wait(&mut self) -> Result<()> {
        self.0.wait()?;
        Ok(())
    }

    fn has_ended(&mut self) -> Result<bool> {
        Ok(self.0.try_wait()?.is_some())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Both fail only if the child is already gone.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Waits until something accepts on the port, or the child has ended.
fn wait_for_port(guard: &mut Guard, port: u16, what: &str) -> Result<()> {
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect_timeout(&address.into(), Duration::from_millis(200)).is_err() {
        if guard.has_ended()? {
            bail!("{what} ended at once");
        }
        if Instant::now() > deadline {
            bail!("{what} does not accept on {address} after 30 s");
        }
        pause();
    }
    Ok(())
}

/// The pause between two looks at a condition.
#[expect(clippy::disallowed_methods, reason = "between two looks at a condition, not instead of one")]
fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}

/// Starts something on a free port, a few times if another program takes the port in between.
fn on_free_port<T>(start: impl Fn(u16) -> Result<T>) -> Result<T> {
    let mut last = None;
    for _ in 0..3 {
        match start(free_port()?) {
            Ok(server) => return Ok(server),
            Err(error) => last = Some(error),
        }
    }
    Err(last.context("three attempts")?)
}
