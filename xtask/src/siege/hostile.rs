//! The attackers: sockets that send as little as keeps them alive, and guesses at codes as fast as they are answered.

use super::Field;
use anyhow::{Context as _, Result};
use socket2::{Domain, Socket, Type};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Guessers at once.
pub(super) const GUESSERS: u64 = 8;
/// A slow socket sends a byte this often.
const BYTE_EVERY: Duration = Duration::from_secs(4);
/// A guess that has no answer by then is made again on another connection.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// Hosts of one network of attackers.
const HOSTS: usize = 200;
/// One slow socket in so many first asks for something that the edge leaves to hyper.
const BY_HYPER: usize = 4;

/// An attacker's address: networks 127.66.n.0/24 with some hosts each.
fn address(number: usize) -> Ipv4Addr {
    let network = u8::try_from(number / HOSTS % 100).unwrap_or_default();
    let host = u8::try_from(number % HOSTS).unwrap_or_default();
    Ipv4Addr::new(127, 66, network, host + 1)
}

fn connect(field: &Field, from: Ipv4Addr) -> Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect_timeout(&field.edge.into(), ANSWERED_WITHIN).context("an attacker cannot connect")?;
    socket.set_read_timeout(Some(ANSWERED_WITHIN))?;
    socket.set_write_timeout(Some(ANSWERED_WITHIN))?;
    Ok(socket.into())
}

/// Begins a request that will never be whole.
fn slow(field: &Field, number: usize) -> Result<TcpStream> {
    let mut stream = connect(field, address(number))?;
    if number.is_multiple_of(BY_HYPER) {
        stream.write_all(format!("HEAD / HTTP/1.1\r\nHost: {}\r\n\r\n", field.edge).as_bytes())?;
    }
    stream.write_all(b"GET /a HTTP/1.1\r\nX: ")?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// All slow sockets.
pub(super) fn connect_slow(field: &Field, sockets: usize) -> Result<Vec<TcpStream>> {
    (0..sockets).map(|number| slow(field, number)).collect()
}

/// Sends a byte on each now and then, and connects anew in place of those that were closed.
pub(super) fn trickle(field: &Field, mut slow_ones: Vec<TcpStream>) {
    let mut sent = 0;
    let began = Instant::now();
    while !field.over.load(Ordering::Relaxed) {
        let number = sent % slow_ones.len();
        if slow_ones[number].write(b"x").is_err()
            && let Ok(new) = slow(field, number)
        {
            slow_ones[number] = new;
        }
        sent += 1;
        let due = BYTE_EVERY.mul_f64(sent as f64 / slow_ones.len() as f64);
        if let Some(early) = due.checked_sub(began.elapsed()) {
            std::thread::park_timeout(early);
        }
    }
}

/// Guesses so many codes, one after the other.
pub(super) fn guess(field: &Field, part: u64, guesses: u64) {
    let from = Ipv4Addr::new(127, 67, u8::try_from(part).unwrap_or_default(), 1);
    let mut state = part << 40;
    let mut left = guesses;
    while left > 0 && !field.over.load(Ordering::Relaxed) {
        let Ok(stream) = connect(field, from) else { continue };
        while left > 0 && !field.over.load(Ordering::Relaxed) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            if ask(field, &stream, state >> 28).is_err() {
                break;
            }
            field.guessed.fetch_add(1, Ordering::Relaxed);
            left -= 1;
        }
    }
}

fn ask(field: &Field, mut stream: &TcpStream, code: u64) -> Result<()> {
    let request = format!("GET /{code:09x} HTTP/1.1\r\nHost: {}\r\nUser-Agent: guesser\r\n\r\n", field.edge);
    stream.write_all(request.as_bytes())?;
    let mut answer = [0; 16 << 10];
    let mut len = 0;
    loop {
        let more = stream.read(&mut answer[len..])?;
        anyhow::ensure!(more > 0, "closed");
        len += more;
        let text = &answer[..len];
        let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        if len >= end + 4 + body_len(&text[..end]) {
            return Ok(());
        }
    }
}

fn body_len(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let line = head.lines().find_map(|line| line.strip_prefix("content-length:").map(str::to_owned));
    line.and_then(|text| text.trim().parse().ok()).unwrap_or_default()
}
