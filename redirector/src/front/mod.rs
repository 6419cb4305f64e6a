//! The front: takes the plain tap, a GET with nothing unusual about it, straight from the socket, and leaves everything
//! else to hyper.
//!
//! A tap is one small head and one small answer; a header map, a service and an encoder cost more than all the rest of
//! it (measured). The front takes a request only if its whole head is of the plainest kind (see [`head`]); the first
//! request of any other kind goes to hyper, with the bytes read of it, and its connection stays there. Both read a
//! request with the same code and answer it with the same code; only the wire is different.
//!
//! An unfinished head is kept in exactly as many bytes as have come, so that many slow clients cost little.

pub(crate) mod head;

use crate::answer::Answer;
use crate::click::{self, Released};
use crate::connection::{Connection, Order};
use crate::gate::Place;
use crate::outbox::Strict;
use crate::pages::Language;
use crate::request;
use crate::step::Step;
use crate::unfinished::Kept;
use crate::wire::Wire;
use crate::worker::{Arrival, Worker};
use head::Read;
use std::future::{Future, poll_fn};
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::net::TcpStream;

/// Headers that the front takes at most; hyper has the operator's limit.
pub(crate) const HEADERS_MAX: usize = 64;

/// A connection that hyper is to go on with.
pub(crate) struct Handover {
    pub(crate) stream: TcpStream,
    /// What has been read of its next request.
    pub(crate) read: Vec<u8>,
}

/// What the front's task does next.
enum Next<'w> {
    /// The connection is over.
    End,
    /// Not a plain tap: hyper's.
    Other,
    /// Wait for the disk, then send.
    Strict {
        strict: Strict,
        arrival: Arrival,
        sequence: u64,
        place: Place<'w>,
        language: Language,
        close: bool,
    },
}

struct Front<'w> {
    worker: &'w Worker,
    wire: Rc<Wire>,
    /// An unfinished head, or what has come while an answer waited for the disk.
    kept: Kept,
    /// It has answered something.
    served: bool,
}

/// Serves the plain taps of a connection. Gives it back if something else comes.
pub(crate) async fn serve(
    worker: &Worker,
    connection: &Rc<Connection>,
    stream: std::net::TcpStream,
) -> Option<Handover> {
    let wire = Rc::new(Wire::new(stream, Rc::clone(connection)));
    let mut front = Front { worker, wire, kept: Kept::new(worker.unfinished.clone()), served: false };
    loop {
        match poll_fn(|context| front.poll(context)).await {
            Next::End => return None,
            Next::Other => break,
            Next::Strict { strict, arrival, sequence, place, language, close } => {
                let release = pin!(click::release(worker, arrival, sequence, Some(place)));
                let released = front.while_there(release).await?;
                front.send_strict(&strict, released, language, close);
                if !front.kept.bytes().is_empty() && !front.wire.ends() {
                    // hyper would know nothing of what the client has not yet taken of it.
                    front.all_sent().await?;
                    break;
                }
            }
        }
    }
    let read = front.kept.take();
    let Front { wire, .. } = front;
    // No answer is on its way any more, so nobody else holds it.
    let stream = Rc::try_unwrap(wire).ok()?.into_stream().ok()?;
    Some(Handover { stream, read })
}

impl<'w> Front<'w> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Next<'w>> {
        let (worker, wire) = (self.worker, Rc::clone(&self.wire));
        wire.connection.note_waker(context);
        loop {
            if wire.connection.order() == Order::Close {
                return Poll::Ready(Next::End);
            }
            if wire.is_answering() {
                return Poll::Pending;
            }
            match wire.poll_unsent(context, worker.second.get()) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Next::End),
                Poll::Pending => return Poll::Pending,
            }
            if wire.ends() {
                return Poll::Ready(Next::End);
            }
            let scratch = &mut *worker.scratch.borrow_mut();
            let Poll::Ready(read) = wire.poll_read(context, scratch) else {
                // A new client's first request is on its way: it gets its answer. Who has had one comes again.
                let drained =
                    wire.connection.order() == Order::Drain && self.kept.bytes().is_empty() && self.served;
                return if drained { Poll::Ready(Next::End) } else { Poll::Pending };
            };
            let got = match read {
                Ok(got) if got > 0 => got,
                _ => return Poll::Ready(Next::End),
            };
            match self.take(&scratch[..got]) {
                Taken::Queued => {
                    // The last answer of a connection wakes its task by itself.
                    if !wire.ends() {
                        wire.listen(context);
                    }
                    return Poll::Pending;
                }
                Taken::Partial => {}
                Taken::Next(next) => return Poll::Ready(next),
            }
        }
    }

    /// Takes what has been read.
    fn take(&mut self, got: &[u8]) -> Taken<'w> {
        let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
        let limits = &self.worker.shared.limits;
        let headers = &mut headers[..limits.headers.min(HEADERS_MAX)];
        let anew = self.kept.bytes().is_empty();
        if !anew && self.kept.add(got).is_err() {
            return self.no_room();
        }
        let bytes = if anew { got } else { self.kept.bytes() };
        // A link among a million is in no cache: its memory is on its way while the head is parsed.
        if let Some(code) = head::code_ahead(bytes) {
            self.worker.state.borrow_mut().small.load().fetch_ahead(code);
        }
        let read = if bytes.len() >= limits.head_bytes { Read::Other } else { head::read(bytes, headers) };
        let plain = match read {
            Read::Plain(plain) => plain,
            Read::Partial | Read::Other => {
                let is_partial = matches!(read, Read::Partial);
                if anew && self.kept.add(got).is_err() {
                    return self.no_room();
                }
                return if is_partial { Taken::Partial } else { Taken::Next(Next::Other) };
            }
        };
        let taken = self.answer(&plain);
        self.served = true;
        if !anew {
            self.kept.take();
        }
        taken
    }

    /// Too many unfinished heads: this one ends, so that whole ones are served.
    fn no_room(&self) -> Taken<'w> {
        self.worker.cells().heads_dropped.add(1);
        Taken::Next(Next::End)
    }

    /// Answers a plain tap: into the outbox, or, for a strict programme, through the queue for the disk.
    fn answer(&self, plain: &head::Plain<'_, '_>) -> Taken<'w> {
        let (worker, wire) = (self.worker, &self.wire);
        let shared = &*worker.shared;
        let asked = request::read(&plain.line, plain.headers(), &shared.hosts);
        // What follows a refused request cannot be trusted.
        let close = plain.close || asked.is_err() || wire.connection.order() == Order::Drain;
        wire.begin_answer(close, worker.second.get());
        let arrival = worker.arrive();
        let outbox = &mut *worker.outbox.borrow_mut();
        let (lines, start) = outbox.start(arrival.now);
        match click::record(worker, &wire.connection, asked.as_ref(), lines, arrival) {
            Step::Recorded { outcome, reply, sequence, place: Some(place) } => {
                let strict = outbox.take(start, outcome, reply, close);
                let languages = asked.map_or(&[][..], |asked| asked.languages);
                let language = Language::preferred(languages);
                Taken::Next(Next::Strict { strict, arrival, sequence, place, language, close })
            }
            step => {
                outbox.put(wire, start, step, close, worker.cells());
                Taken::Queued
            }
        }
    }

    /// Waits for `release` while the client is there and the connection may live; `None` otherwise.
    async fn while_there(
        &mut self,
        mut release: Pin<&mut impl Future<Output = Released>>,
    ) -> Option<Released> {
        poll_fn(|context| {
            if self.wire.connection.order() == Order::Close {
                return Poll::Ready(None);
            }
            if let Poll::Ready(released) = release.as_mut().poll(context) {
                return Poll::Ready(Some(released));
            }
            let scratch = &mut *self.worker.scratch.borrow_mut();
            while self.kept.bytes().len() < self.worker.shared.limits.head_bytes {
                match self.wire.poll_read(context, scratch) {
                    Poll::Pending => break,
                    Poll::Ready(Ok(got)) if got > 0 && self.kept.add(&scratch[..got]).is_ok() => {}
                    Poll::Ready(_) => return Poll::Ready(None),
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Waits until the client has taken the whole answer; `None` if it is gone or the connection may live no longer.
    async fn all_sent(&self) -> Option<()> {
        poll_fn(|context| {
            if self.wire.connection.order() == Order::Close {
                return Poll::Ready(None);
            }
            self.wire.poll_unsent(context, self.worker.second.get()).map(Result::ok)
        })
        .await
    }

    fn send_strict(&self, strict: &Strict, released: Released, language: Language, close: bool) {
        let cells = self.worker.cells();
        let second = self.worker.second.get();
        cells.outcome(strict.outcome);
        if released == Released::Written {
            cells.answered.add(1);
            cells.code(strict.code);
            self.wire.send(&strict.bytes, second);
        } else {
            cells.unwritten.add(1);
            let answer: Answer = click::overload_page(self.worker, language);
            cells.code(answer.status.as_u16());
            let mut bytes = Vec::new();
            self.worker.outbox.borrow().push_page(&answer, close, &mut bytes);
            self.wire.send(&bytes, second);
        }
    }
}

/// What became of the bytes read.
enum Taken<'w> {
    /// The answer is in the outbox.
    Queued,
    /// More must come.
    Partial,
    Next(Next<'w>),
}
