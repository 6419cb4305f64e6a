//! A client that says exactly what it is told to say, byte by byte.

use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// A person's browser.
pub(crate) const BROWSER: &str = "Mozilla/5.0 (Linux; Android 13; V2148A; wv) AppleWebKit/537.36 (KHTML, like Gecko) \
    Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.48 NetType/WIFI Language/zh_CN";

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location").expect("a redirect")
    }

    pub(crate) fn outcome(&self) -> Option<&str> {
        self.header("x-yinke-outcome")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The cookies it sets, as name and value.
    pub(crate) fn cookies(&self) -> Vec<(String, String)> {
        let parse = |line: &str| {
            let (name, rest) = line.split_once('=').expect("a cookie");
            (name.to_owned(), rest.split(';').next().unwrap_or_default().to_owned())
        };
        self.all("set-cookie").into_iter().map(parse).collect()
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies().into_iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }
}

/// A connection that is kept.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the edge listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(stream)
    }

    /// As a client at another of this machine's addresses.
    pub(crate) fn connect_from(source: Ipv4Addr, address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
        socket.connect(&address.into()).expect("the edge listens");
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(stream)
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).expect("the edge reads");
    }

    /// Reads one answer; `None` if the edge closed instead.
    pub(crate) fn receive(&mut self, head: bool) -> Option<Answer> {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !bytes.ends_with(b"\r\n\r\n") {
            if self.0.read(&mut byte).ok()? == 0 {
                return None;
            }
            bytes.push(byte[0]);
        }
        let text = String::from_utf8(bytes).expect("heads are ASCII");
        let mut lines = text.trim_end().split("\r\n");
        let status =
            lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status line");
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").expect("a header"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length: usize = length.map_or(0, |(_, value)| value.parse().expect("a length"));
        let mut body = vec![0; if head { 0 } else { length }];
        self.0.read_exact(&mut body).ok()?;
        Some(Answer { status, headers, body })
    }

    pub(crate) fn request(&mut self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(request(method, target, headers).as_bytes());
        self.receive(method == "HEAD").expect("an answer")
    }
}

/// A request as text: Host and a person's agent, unless `headers` say otherwise.
pub(crate) fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> String {
    let mut text = format!("{method} {target} HTTP/1.1\r\n");
    for (name, value) in [("host", "127.0.0.1"), ("user-agent", BROWSER)] {
        if !headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name)) {
            text += &format!("{name}: {value}\r\n");
        }
    }
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        text += &format!("{name}: {value}\r\n");
    }
    text + "\r\n"
}
