//! A connection that the front serves, shared by its own task, which reads, and the worker's outbox, which writes.

use crate::connection::{Connection, Waits};
use std::cell::{Cell, RefCell};
use std::io::{self, Read as _, Write as _};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

/// The socket of a connection.
enum Socket {
    /// As it was accepted, and unknown to the event loop. Whoever has sent a click by then is answered without ever being
    /// watched, which saves two calls and a turn.
    Fresh(std::net::TcpStream),
    /// The event loop says when there is something.
    Watched(TcpStream),
    /// The event loop did not take it.
    Lost,
}

impl Socket {
    /// The socket with the event loop behind it, from now on.
    fn watched(&mut self) -> io::Result<&mut TcpStream> {
        if matches!(self, Self::Fresh(_))
            && let Self::Fresh(fresh) = std::mem::replace(self, Self::Lost)
        {
            // Without it, an answer of two segments waits for the client's acknowledgement of the first. The only answer
            // of a connection needs no such word: the end of the connection pushes all of it out.
            fresh.set_nodelay(true)?;
            *self = Self::Watched(TcpStream::from_std(fresh)?);
        }
        match self {
            Self::Watched(stream) => Ok(stream),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Writes what the client takes at once.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Fresh(stream) => (&*stream).write(bytes),
            Self::Watched(stream) => stream.try_write(bytes),
            Self::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// The two sides of one connection. Everything runs on its worker's thread; nothing is borrowed across a pause.
pub(crate) struct Wire {
    socket: RefCell<Socket>,
    pub(crate) connection: Rc<Connection>,
    /// An answer is being made or waits in the outbox.
    answering: Cell<bool>,
    /// The task wants to be woken once the answer is out.
    call: Cell<bool>,
    /// The connection ends with what has been answered.
    ends: Cell<bool>,
    /// What the client has not yet taken of an answer.
    unsent: RefCell<Vec<u8>>,
}

impl Wire {
    /// `stream` does not block.
    pub(crate) fn new(stream: std::net::TcpStream, connection: Rc<Connection>) -> Self {
        Self {
            socket: RefCell::new(Socket::Fresh(stream)),
            connection,
            answering: Cell::new(false),
            call: Cell::new(false),
            ends: Cell::new(false),
            unsent: RefCell::default(),
        }
    }

    /// The socket, for whoever goes on with it.
    pub(crate) fn into_stream(self) -> io::Result<TcpStream> {
        let mut socket = self.socket.into_inner();
        socket.watched()?;
        match socket {
            Socket::Watched(stream) => Ok(stream),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    pub(crate) const fn ends(&self) -> bool {
        self.ends.get()
    }

    /// Its task's side: an answer is on its way from now on, the connection's last one if `ends`.
    pub(crate) fn begin_answer(&self, ends: bool, second: u32) {
        self.answering.set(true);
        self.ends.set(ends);
        self.connection.now_waits(Waits::ForAnswer, second);
    }

    /// Its task's side: whether the answer is still on its way; if so, the task is woken once it is out.
    pub(crate) fn is_answering(&self) -> bool {
        self.call.set(self.answering.get());
        self.answering.get()
    }

    /// Its task's side: asks to be woken by the next bytes of the client, or by the answer if there are some already.
    pub(crate) fn listen(&self, context: &mut Context<'_>) {
        let ready =
            self.socket.borrow_mut().watched().map(|stream| stream.poll_read_ready(context).is_ready());
        match ready {
            Ok(false) => {}
            Ok(true) => self.call.set(true),
            Err(_) => self.ends.set(true),
        }
    }

    /// Its task's side: reads what has come into `buffer`; gives how much.
    pub(crate) fn poll_read(&self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let socket = &mut *self.socket.borrow_mut();
        if let Socket::Fresh(stream) = socket {
            match stream.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
        }
        let mut buffer = ReadBuf::new(buffer);
        // Not `try_read`: only this one knows that a short read has emptied the socket, which saves a call.
        let read = Pin::new(socket.watched()?).poll_read(context, &mut buffer);
        read.map_ok(|()| buffer.filled().len())
    }

    /// Sends an answer as far as the socket takes it at once; its task sends the rest.
    pub(crate) fn send(&self, answer: &[u8], second: u32) {
        let mut rest = answer;
        while !rest.is_empty() {
            match self.socket.borrow().try_write(rest) {
                Ok(len) => rest = &rest[len..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.ends.set(true);
                    rest = &[];
                }
            }
        }
        self.answering.set(false);
        self.connection.now_waits(Waits::ForHead, second);
        if !rest.is_empty() {
            self.unsent.borrow_mut().extend_from_slice(rest);
            self.connection.now_blocked(true, second);
        }
        if self.call.replace(false) || self.ends.get() || !rest.is_empty() {
            self.connection.wake();
        }
    }

    /// Its task's side: sends what is left of an answer.
    pub(crate) fn poll_unsent(&self, context: &mut Context<'_>, second: u32) -> Poll<io::Result<()>> {
        let mut unsent = self.unsent.borrow_mut();
        while !unsent.is_empty() {
            let written = Pin::new(self.socket.borrow_mut().watched()?).poll_write(context, &unsent);
            self.connection.now_blocked(written.is_pending(), second);
            match written {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(len)) => drop(unsent.drain(..len)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            }
        }
        if unsent.capacity() > 0 {
            *unsent = Vec::new();
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    /// A client that reads late gets every byte once; its connection counts as blocked meanwhile.
    #[test]
    fn a_slow_reader_gets_its_answer_whole() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let client = TcpStream::connect(listener.local_addr().unwrap());
            let (mut client, accepted) = (client.await.unwrap(), listener.accept().await.unwrap());
            let (stream, peer) = accepted;
            stream.writable().await.unwrap();
            let wire = Wire::new(stream.into_std().unwrap(), Rc::new(Connection::new(peer.ip(), &[], 0)));
            let answer: Vec<u8> = (0..32 << 20).map(|i: u32| (i % 251) as u8).collect();
            wire.begin_answer(false, 0);
            wire.send(&answer, 1);
            assert!(!wire.unsent.borrow().is_empty() && !wire.is_answering());
            assert!(wire.connection.is_overdue(12, 1_000, 10), "who takes nothing is in the way");

            let mut taken = vec![0; answer.len()];
            let taking = client.read_exact(&mut taken);
            let sending = poll_fn(|context| wire.poll_unsent(context, 2));
            let (taken_len, sent) = tokio::join!(taking, sending);
            assert_eq!(taken_len.unwrap(), answer.len());
            sent.unwrap();
            assert!(taken == answer);
            assert!(!wire.connection.is_overdue(12, 1_000, 10));
        });
    }
}
