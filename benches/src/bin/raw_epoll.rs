//! The floor of the machine: one thread, epoll, and the same bytes for everybody. It reads until a blank line ends
//! the request and writes the answer; it parses nothing and remembers nothing.
//!
//! Prints the port it listens on, then serves until it is killed or its parent ends.
#![expect(clippy::print_stdout, reason = "the runner reads the port from here")]

use anyhow::Result;
use benches::answer;
use clap::Parser;
use rustix::event::{Timespec, epoll};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

#[derive(Parser)]
struct Arguments {
    /// Closes each connection after its answer.
    #[arg(long)]
    close: bool,
}

struct Connection {
    stream: TcpStream,
    buffer: [u8; 4096],
    filled: usize,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    rustix::net::listen(&listener, 4096)?;
    listener.set_nonblocking(true)?;
    println!("port {}", listener.local_addr()?.port());
    serve(&listener, &answer::raw(arguments.close), arguments.close)
}

fn serve(listener: &TcpListener, answer: &[u8], close: bool) -> Result<()> {
    const LISTENER: u64 = u64::MAX;
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&poll, listener, epoll::EventData::new_u64(LISTENER), epoll::EventFlags::IN)?;
    let mut connections: Vec<Option<Box<Connection>>> = Vec::new();
    let mut events = Vec::with_capacity(512);
    loop {
        events.clear();
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), None::<&Timespec>)?;
        for event in &events {
            let key = event.data.u64();
            if key == LISTENER {
                accept(listener, &poll, &mut connections)?;
                continue;
            }
            let slot = &mut connections[usize::try_from(key)?];
            let keep = slot.as_mut().is_some_and(|connection| turn(connection, answer, close));
            if !keep {
                *slot = None; // closing the socket takes it out of the poll set
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    poll: &impl std::os::fd::AsFd,
    connections: &mut Vec<Option<Box<Connection>>>,
) -> Result<()> {
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let free = connections.iter().position(Option::is_none).unwrap_or_else(|| {
            connections.push(None);
            connections.len() - 1
        });
        epoll::add(poll, &stream, epoll::EventData::new_u64(free as u64), epoll::EventFlags::IN)?;
        connections[free] = Some(Box::new(Connection { stream, buffer: [0; 4096], filled: 0 }));
    }
}

/// Reads what is there and answers a whole request; `false` if the connection is over.
fn turn(connection: &mut Connection, answer: &[u8], close: bool) -> bool {
    match connection.stream.read(&mut connection.buffer[connection.filled..]) {
        Ok(0) => return false,
        Ok(read) => connection.filled += read,
        Err(error) => return error.kind() == ErrorKind::WouldBlock,
    }
    if connection.buffer[..connection.filled].ends_with(b"\r\n\r\n") {
        connection.filled = 0;
        return connection.stream.write_all(answer).is_ok() && !close;
    }
    connection.filled < connection.buffer.len()
}
