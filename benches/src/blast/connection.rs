//! One connection of the loader: it has either sent a request and waits, or is free.

use crate::request::Request;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Room for the longest answer.
const BUFFER: usize = 16 << 10;

/// How an answer is told from its bytes; learned from the first one.
#[derive(Debug, Clone, Copy)]
pub struct AnswerShape {
    /// Bytes of the body.
    pub body: usize,
    /// Bytes altogether, for the report.
    pub bytes: usize,
}

/// What a read brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Not the whole answer yet.
    Waiting,
    /// The whole answer; see [`Connection::answer`].
    Answered,
    /// The server closed after its answer: the connection is free again.
    Closed,
    /// The connection broke before the answer was whole.
    Broken,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    /// The socket, if connected.
    pub stream: Option<TcpStream>,
    /// The code asked for.
    pub code: [u8; 9],
    /// From when the latency counts.
    pub since: Instant,
    /// A request is out and its answer is not whole.
    pub waiting: bool,
    request: Request,
    buffer: Box<[u8; BUFFER]>,
    filled: usize,
}

impl Connection {
    /// Not connected yet.
    pub fn new(request: Request) -> Self {
        Self {
            stream: None,
            code: [0; 9],
            since: Instant::now(),
            waiting: false,
            request,
            buffer: Box::new([0; BUFFER]),
            filled: 0,
        }
    }

    /// Connects; on loopback this is over at once.
    ///
    /// # Errors
    /// If the server refuses, or this machine is out of ports.
    pub fn connect(&mut self, target: SocketAddr) -> io::Result<&TcpStream> {
        let stream = TcpStream::connect(target)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(self.stream.insert(stream))
    }

    /// Sends the request for `code`.
    ///
    /// # Errors
    /// If the connection is gone.
    pub fn send(&mut self, code: [u8; 9], since: Instant) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Err(ErrorKind::NotConnected.into()) };
        (self.code, self.since, self.waiting, self.filled) = (code, since, true, 0);
        stream.write_all(self.request.with_code(code))
    }

    /// Reads what is there.
    pub fn receive(&mut self, shape: AnswerShape) -> Progress {
        let Some(stream) = &mut self.stream else { return Progress::Broken };
        match stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) if self.waiting => Progress::Broken,
            Ok(0) => Progress::Closed,
            Ok(read) => {
                self.filled += read;
                let end = self.filled.saturating_sub(shape.body);
                if self.waiting && self.buffer[..end].ends_with(b"\r\n\r\n") {
                    self.waiting = false;
                    Progress::Answered
                } else {
                    Progress::Waiting
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Progress::Waiting,
            Err(_) => Progress::Broken,
        }
    }

    /// The bytes of the answer.
    pub fn answer(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }

    /// The three digits of the status.
    pub fn status(&self) -> &[u8] {
        self.answer().get(9..12).unwrap_or_default()
    }
}

/// Asks once and learns how answers of this server end.
///
/// # Errors
/// If there is no answer within two seconds, or none with a plain length.
pub fn learn(target: SocketAddr, request: &mut Request, code: [u8; 9]) -> anyhow::Result<AnswerShape> {
    let mut stream = TcpStream::connect(target)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(request.with_code(code))?;
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk)?;
        bytes.extend_from_slice(&chunk[..read]);
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = std::str::from_utf8(&bytes[..end])?.to_ascii_lowercase();
            let body = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .map_or(Ok(0), |length| length.trim().parse::<usize>())?;
            return Ok(AnswerShape { body, bytes: end + 4 + body });
        }
        anyhow::ensure!(
            read > 0,
            "the server closed without an answer: {:?}",
            String::from_utf8_lossy(&bytes)
        );
    }
}
