//! Listening sockets that outlive a process: taken from the one before, or from systemd, and handed to the one after.
//!
//! On SIGUSR2 a server drains as on SIGTERM, but keeps its sockets open and then becomes the program anew (the same process
//! id). Clients that connect meanwhile wait in the sockets' queues; none is refused or cut off.

use crate::exit::{Exit, Failure};
use crate::logging;
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _};
use std::net::TcpListener;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Says what is handed over: `PID RESTARTS NAME=FD NAME=FD ...`.
const HANDED_OVER: &str = "YINKE_HANDED_OVER";
/// systemd's first descriptor.
const SYSTEMD_FIRST: RawFd = 3;

/// Which listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    Edge,
    Core,
    Admin,
}

impl Name {
    const ALL: [Self; 3] = [Self::Edge, Self::Core, Self::Admin];

    const fn text(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Core => "core",
            Self::Admin => "admin",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.text() == text)
    }
}

/// Why sockets could not be taken over.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum InheritError {
    #[error("{0} says {1:?}, which is not a list of descriptors")]
    Unreadable(&'static str, String),
    #[error(
        "systemd hands over {fds} sockets and {names} names: give each a FileDescriptorName= of edge, core or admin"
    )]
    Names { fds: usize, names: usize },
    #[error("a socket is called {0:?}: expected edge, core or admin")]
    UnknownName(String),
    #[error("descriptor {0}, said to be a listening socket, is none")]
    NotListening(RawFd),
}

/// Sockets that this process was started with.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    listeners: Vec<(Name, TcpListener)>,
    /// How often the process has become the program anew.
    pub(crate) restarts: u32,
}

impl Inherited {
    /// Takes what the environment says was handed over. Called once, before anything else opens a file.
    ///
    /// # Errors
    /// If it says something that is not so: better not to start than to leave clients waiting in a socket.
    pub(crate) fn take() -> Result<Self, Failure> {
        let said = Said::read(std::process::id(), |name| std::env::var(name).ok());
        let said = said.map_err(|e| Failure::new(Exit::Config, e))?;
        let listeners = said.fds.into_iter().map(|(name, fd)| Ok((name, adopt(fd)?)));
        let listeners = listeners.collect::<Result<_, InheritError>>();
        let listeners = listeners.map_err(|e| Failure::new(Exit::Config, e))?;
        Ok(Self { listeners, restarts: said.restarts })
    }

    /// Takes the listeners of one name out.
    pub(crate) fn listeners(&mut self, name: Name) -> Vec<TcpListener> {
        let (these, others) = std::mem::take(&mut self.listeners).into_iter().partition(|(n, _)| *n == name);
        self.listeners = others;
        let these: Vec<(Name, TcpListener)> = these;
        these.into_iter().map(|(_, listener)| listener).collect()
    }
}

/// What the environment says, before it is believed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    fds: Vec<(Name, RawFd)>,
    restarts: u32,
}

impl Said {
    fn read(pid: u32, variable: impl Fn(&'static str) -> Option<String>) -> Result<Self, InheritError> {
        if let Some(text) = variable(HANDED_OVER) {
            let unreadable = || InheritError::Unreadable(HANDED_OVER, text.clone());
            let mut words = text.split(' ');
            // Another process' inheritance is none of ours: a child of the server sees its variables too.
            let addressee: u32 = words.next().and_then(|w| w.parse().ok()).ok_or_else(unreadable)?;
            if addressee == pid {
                let restarts = words.next().and_then(|w| w.parse().ok()).ok_or_else(unreadable)?;
                let mut fds = Vec::new();
                for word in words {
                    let (name, fd) = word.split_once('=').ok_or_else(unreadable)?;
                    let name = Name::parse(name).ok_or_else(|| InheritError::UnknownName(name.to_owned()))?;
                    fds.push((name, fd.parse().map_err(|_| unreadable())?));
                }
                return Ok(Self { fds, restarts });
            }
        }
        if variable("LISTEN_PID").and_then(|text| text.parse().ok()) != Some(pid) {
            return Ok(Self::default());
        }
        let count = variable("LISTEN_FDS").unwrap_or_default();
        let fds: usize = count.parse().map_err(|_| InheritError::Unreadable("LISTEN_FDS", count))?;
        let names = variable("LISTEN_FDNAMES").unwrap_or_default();
        let names: Vec<&str> = names.split(':').filter(|name| !name.is_empty()).collect();
        if names.len() != fds {
            return Err(InheritError::Names { fds, names: names.len() });
        }
        let named = (SYSTEMD_FIRST..).zip(names).map(|(fd, text)| {
            let name = Name::parse(text).ok_or_else(|| InheritError::UnknownName(text.to_owned()))?;
            Ok((name, fd))
        });
        Ok(Self { fds: named.collect::<Result<_, _>>()?, restarts: 0 })
    }
}

/// Makes a descriptor that was handed over ours.
#[expect(
    unsafe_code,
    reason = "a number from the environment becomes an owned descriptor; there is no safe way"
)]
fn adopt(fd: RawFd) -> Result<TcpListener, InheritError> {
    let broken = InheritError::NotListening(fd);
    if fd < SYSTEMD_FIRST {
        return Err(broken);
    }
    // SAFETY: called once per descriptor and process, before this process has opened any: nobody else owns it. That it is
    // open at all, and a listening socket, is asked of the system before it is used.
    let owned = unsafe { OwnedFd::from_raw_fd(fd) };
    let is_open = fcntl_getfd(&owned).is_ok();
    let listens = is_open && rustix::net::sockopt::socket_acceptconn(&owned) == Ok(true);
    if !listens {
        std::mem::forget(owned); // not ours to close
        return Err(broken);
    }
    let _ = fcntl_setfd(&owned, FdFlags::CLOEXEC);
    Ok(TcpListener::from(owned))
}

/// The sockets on their way to the program's next life.
#[derive(Debug)]
pub(crate) struct Handover {
    listeners: Vec<(Name, TcpListener)>,
    restarts: u32,
}

impl Handover {
    /// With what this process holds; `restarts` is how often it has been started anew so far.
    pub(crate) const fn new(listeners: Vec<(Name, TcpListener)>, restarts: u32) -> Self {
        Self { listeners, restarts }
    }

    /// Becomes the program anew, with the same arguments. Returns only if that fails.
    pub(crate) fn exec(self) -> Failure {
        let mut words = vec![std::process::id().to_string(), (self.restarts + 1).to_string()];
        for (name, listener) in &self.listeners {
            if let Err(error) = fcntl_setfd(listener, FdFlags::empty()) {
                return Failure::new(Exit::Runtime, io::Error::from(error));
            }
            words.push(format!("{}={}", name.text(), listener.as_raw_fd()));
        }
        let mut arguments = std::env::args_os();
        let mut program = Command::new(arguments.next().unwrap_or_else(|| OsString::from("yinke")));
        program.args(arguments).env(HANDED_OVER, words.join(" "));
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] {
            program.env_remove(name);
        }
        // The thread that writes the log does not come along.
        logging::finish(None);
        Failure::new(Exit::Runtime, program.exec())
    }
}

/// A program that has not ended by then hangs: on a file system that does not answer, say.
const TRIAL: Duration = Duration::from_secs(10);

/// Runs the program that a restart would start, with arguments by which it ends at once. Asked before anything is given up.
///
/// # Errors
/// If it cannot be started, hangs, or ends with an error: then what it says.
pub(crate) fn try_program(arguments: &[&OsStr]) -> Result<(), Failure> {
    let mut program = Command::new(std::env::args_os().next().unwrap_or_else(|| OsString::from("yinke")));
    ends_well(program.args(arguments), TRIAL).map_err(|e| Failure::new(Exit::Runtime, e))
}

/// Whether the program that a restart would start takes this configuration of a role.
///
/// # Errors
/// As [`try_program`].
pub(crate) fn try_configuration(role: &str, file: &Path) -> Result<(), Failure> {
    let [config, check, option, role, end] = ["config", "check", "--role", role, "--"].map(OsStr::new);
    try_program(&[config, check, option, role, end, file.as_os_str()])
}

fn ends_well(program: &mut Command, within: Duration) -> io::Result<()> {
    let streams = program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = streams.spawn()?;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begun.elapsed() > within {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::other(format!("{program:?} does not end")));
        }
        std::thread::park_timeout(Duration::from_millis(10));
    };
    if status.success() {
        return Ok(());
    }
    let mut said = String::new();
    if let Some(stderr) = child.stderr.take() {
        stderr.take(8 << 10).read_to_string(&mut said)?;
    }
    Err(io::Error::other(format!("{program:?} ended with {status}: {}", said.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(pairs: &[(&'static str, &str)]) -> Result<Said, InheritError> {
        Said::read(7, |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn only_what_is_addressed_to_this_process_is_taken() {
        assert_eq!(said(&[]), Ok(Said::default()));
        assert_eq!(said(&[(HANDED_OVER, "8 1 edge=9")]), Ok(Said::default()));
        let fds = vec![(Name::Edge, 9), (Name::Edge, 10), (Name::Core, 11)];
        assert_eq!(said(&[(HANDED_OVER, "7 2 edge=9 edge=10 core=11")]), Ok(Said { fds, restarts: 2 }));
        let systemd = [("LISTEN_PID", "7"), ("LISTEN_FDS", "2"), ("LISTEN_FDNAMES", "edge:admin")];
        let fds = vec![(Name::Edge, 3), (Name::Admin, 4)];
        assert_eq!(said(&systemd), Ok(Said { fds, restarts: 0 }));
        assert_eq!(said(&[("LISTEN_PID", "8"), ("LISTEN_FDS", "2")]), Ok(Said::default()));
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for text in ["", "x", "7", "7 1 edge", "7 1 edge=x"] {
            let error = said(&[(HANDED_OVER, text)]).unwrap_err();
            assert_eq!(error, InheritError::Unreadable(HANDED_OVER, text.to_owned()));
        }
        let error = said(&[(HANDED_OVER, "7 1 front=3")]).unwrap_err();
        assert_eq!(error, InheritError::UnknownName("front".to_owned()));
        let error = said(&[("LISTEN_PID", "7"), ("LISTEN_FDS", "1")]).unwrap_err();
        assert_eq!(error, InheritError::Names { fds: 1, names: 0 });
    }

    #[test]
    fn a_descriptor_that_is_no_listener_is_refused() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let fd = file.as_raw_fd();
        assert_eq!(adopt(fd).unwrap_err(), InheritError::NotListening(fd));
        assert!(fcntl_getfd(&file).is_ok(), "it was left alone");
        assert_eq!(adopt(1).unwrap_err(), InheritError::NotListening(1));
    }

    #[test]
    fn a_program_that_fails_is_quoted_and_one_that_hangs_is_ended() {
        let shell = |script: &str| {
            let mut shell = Command::new("sh");
            shell.args(["-c", script]);
            shell
        };
        assert!(ends_well(&mut shell("echo x >&2"), TRIAL).is_ok());
        let error = ends_well(&mut shell("echo no such key >&2; exit 78"), TRIAL).unwrap_err().to_string();
        assert!(error.contains("78") && error.ends_with("no such key"), "{error}");
        let begun = Instant::now();
        assert!(ends_well(&mut shell("exec sleep 60"), Duration::from_millis(50)).is_err());
        assert!(begun.elapsed() < TRIAL);
        assert!(ends_well(&mut Command::new("/nowhere/yinke"), TRIAL).is_err());
    }
}
