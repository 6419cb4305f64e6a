//! One connection: whose it is, how long it has been silent, and the socket that notes when it stands still.
//!
//! hyper's own header timer costs a boxed sleep per request. Here every connection notes in which second it last
//! moved, and one sweep a second closes those that have not: idle ones, slow senders of heads, and, which hyper does
//! not do at all, readers that take no answer.

use crate::address::{Trace, Tracer, client, day_of};
use crate::config::AddressRange;
use crate::unfinished::Held;
use attribution_core::record::AddressPrefix;
use attribution_core::time::Instant;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use std::cell::{Cell, RefCell};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::TcpStream;

/// What a connection has been told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Order {
    /// Serve.
    #[default]
    Serve,
    /// Finish the request under way and close.
    Drain,
    /// Close now.
    Close,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waits {
    /// The client's next request.
    ForHead,
    /// Our own answer.
    ForAnswer,
}

/// One connection, seen by its worker.
pub(crate) struct Connection {
    peer: IpAddr,
    peer_is_trusted: bool,
    /// The peer's own trace, while its day lasts.
    trace: Cell<Option<Trace>>,
    waits: Cell<Waits>,
    /// The client takes no bytes since the second noted in `since`.
    blocked: Cell<bool>,
    /// In which second of the worker it began to wait.
    since: Cell<u32>,
    order: Cell<Order>,
    waker: RefCell<Option<Waker>>,
}

impl Connection {
    pub(crate) fn new(peer: IpAddr, trusted: &[AddressRange], second: u32) -> Self {
        Self {
            peer,
            peer_is_trusted: trusted.iter().any(|range| range.contains(peer)),
            trace: Cell::new(None),
            waits: Cell::new(Waits::ForHead),
            blocked: Cell::new(false),
            since: Cell::new(second),
            order: Cell::new(Order::Serve),
            waker: RefCell::new(None),
        }
    }

    /// The traces of the client's address. A peer that is no proxy has the same ones all day.
    pub(crate) fn trace(
        &self,
        tracer: &mut Tracer,
        forwarded: &[&[u8]],
        trusted: &[AddressRange],
        now: Instant,
    ) -> Trace {
        if self.peer_is_trusted && !forwarded.is_empty() {
            return tracer.trace(client(self.peer, forwarded, trusted), now);
        }
        match self.trace.get() {
            Some(trace) if trace.day == day_of(now) => trace,
            _ => {
                let trace = tracer.trace(self.peer, now);
                self.trace.set(Some(trace));
                trace
            }
        }
    }

    pub(crate) fn now_waits(&self, waits: Waits, second: u32) {
        self.waits.set(waits);
        self.since.set(second);
    }

    /// Whether the client takes no bytes.
    pub(crate) fn now_blocked(&self, blocked: bool, second: u32) {
        if blocked != self.blocked.replace(blocked) {
            self.since.set(second);
        } else if !blocked && self.waits.get() == Waits::ForHead {
            // An answer that is taken bit by bit is no silence.
            self.since.set(second);
        }
    }

    /// Runs its task again.
    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Whether it has stood still for too long.
    pub(crate) fn is_overdue(&self, second: u32, head_seconds: u32, write_seconds: u32) -> bool {
        let silent = second.saturating_sub(self.since.get());
        if self.blocked.get() {
            silent > write_seconds
        } else {
            self.waits.get() == Waits::ForHead && silent > head_seconds
        }
    }

    /// Whose connection it is, as far as it counts for limits.
    pub(crate) fn prefix(&self) -> AddressPrefix {
        AddressPrefix::of(self.peer)
    }

    /// In which second it began to wait.
    pub(crate) const fn since(&self) -> u32 {
        self.since.get()
    }

    /// Whether nothing of ours is under way on it: no request that was read whole, no answer that is not yet taken.
    pub(crate) fn waits_for_head(&self) -> bool {
        self.waits.get() == Waits::ForHead && !self.blocked.get()
    }

    /// The connection's task is its own: its waker stays the same.
    pub(crate) fn note_waker(&self, context: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        if waker.is_none() {
            *waker = Some(context.waker().clone());
        }
    }

    pub(crate) fn order(&self) -> Order {
        self.order.get()
    }

    /// Gives an order; a closing connection does not serve again.
    pub(crate) fn give(&self, order: Order) {
        if self.order.get() == Order::Close {
            return;
        }
        self.order.set(order);
        self.wake();
    }
}

/// Bytes that hyper gets at once; nearly every head is smaller.
const READ_AT_ONCE: usize = 4_096;

/// The socket as hyper gets it. It gives first what was read before, passes everything on, and notes when the client
/// takes nothing.
pub(crate) struct Socket {
    pub(crate) read: Vec<u8>,
    pub(crate) stream: TokioIo<TcpStream>,
    pub(crate) connection: Rc<Connection>,
    pub(crate) second: Rc<Cell<u32>>,
    /// The room that an unfinished head takes in hyper's buffer.
    pub(crate) held: Rc<Held>,
}

impl Socket {
    fn note<T>(&self, result: Poll<T>) -> Poll<T> {
        self.connection.now_blocked(result.is_pending(), self.second.get());
        result
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.read.is_empty() {
            let len = self.read.len().min(buffer.remaining());
            buffer.put_slice(&self.read[..len]);
            self.read.drain(..len);
            if self.read.is_empty() {
                self.read = Vec::new();
            }
            return Poll::Ready(Ok(()));
        }
        // hyper's cursor does not say what came: the bytes are counted on their way through.
        let mut part = [0; READ_AT_ONCE];
        let mut part = ReadBuf::new(&mut part[..READ_AT_ONCE.min(buffer.remaining())]);
        ready!(Pin::new(self.stream.inner_mut()).poll_read(context, &mut part))?;
        let came = part.filled();
        self.held.add(came.len()).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        buffer.put_slice(came);
        Poll::Ready(Ok(()))
    }
}

impl Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note(result)
    }
}

/// The open connections of a worker.
#[derive(Default)]
pub(crate) struct Connections {
    places: Vec<Option<Rc<Connection>>>,
    free: Vec<usize>,
}

impl Connections {
    /// Notes a connection; gives its place.
    pub(crate) fn add(&mut self, connection: Rc<Connection>) -> usize {
        match self.free.pop() {
            Some(place) => {
                self.places[place] = Some(connection);
                place
            }
            None => {
                self.places.push(Some(connection));
                self.places.len() - 1
            }
        }
    }

    pub(crate) fn remove(&mut self, place: usize) {
        self.places[place] = None;
        self.free.push(place);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rc<Connection>> {
        self.places.iter().flatten()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.places.len() == self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        Connection::new("203.0.113.7".parse().unwrap(), &[], 100)
    }

    #[test]
    fn silence_is_measured_from_the_last_move() {
        let idle = connection();
        assert!(!idle.is_overdue(110, 10, 5) && idle.is_overdue(111, 10, 5));
        idle.now_waits(Waits::ForAnswer, 105);
        assert!(!idle.is_overdue(1_000, 10, 5), "our own slowness is not the client's");
        idle.blocked.set(true);
        assert!(idle.is_overdue(111, 10, 5));
        idle.blocked.set(false);
        idle.now_waits(Waits::ForHead, 200);
        assert!(!idle.is_overdue(210, 10, 5));
    }

    #[test]
    fn a_closing_connection_stays_so() {
        let connection = connection();
        connection.give(Order::Close);
        connection.give(Order::Drain);
        assert_eq!(connection.order(), Order::Close);
    }

    #[test]
    fn places_are_used_again() {
        let mut connections = Connections::default();
        let (a, b) = (connections.add(Rc::new(connection())), connections.add(Rc::new(connection())));
        connections.remove(a);
        assert_eq!((connections.iter().count(), connections.is_empty()), (1, false));
        assert_eq!(connections.add(Rc::new(connection())), a);
        connections.remove(a);
        connections.remove(b);
        assert!(connections.is_empty());
    }
}
