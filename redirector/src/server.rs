//! A worker's thread: one event loop, its listener, its connections, and the small tasks beside them.

use crate::click;
use crate::config::Limits;
use crate::connection::{Connection, Connections, Order, Socket, Waits};
use crate::front::{self, Handover};
use crate::hoard::Hoard;
use crate::shared::{ConnectionPermit, Shared};
use crate::unfinished::Held;
use crate::worker::Worker;
use attribution_core::outcome::Outcome;
use attribution_core::record::AddressPrefix;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use journal::Writer;
use rustix::io::Errno;
use rustix::net::{SocketFlags, acceptfrom_with};
use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinSet, spawn_local, yield_now};
use tokio::time::MissedTickBehavior;

/// After an accept that failed for want of files or memory: trying again at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// In a shutdown, a client may take so long to finish a request that it has begun to send.
const HALF_SENT_GRACE: Duration = Duration::from_millis(250);
/// Overdue connections that are closed in one turn: some 20 microseconds each, most of them in the kernel.
const CLOSED_AT_ONCE: usize = 4;
/// The beat of sweeps and tallies.
const BEAT: Duration = Duration::from_secs(1);

/// How far a shutdown has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Serve.
    Serving,
    /// Accept nothing more, finish what is under way.
    Draining,
    /// Close what is left.
    Closing,
}

/// What a worker's thread is started with.
pub(crate) struct Setup {
    pub(crate) shared: Arc<Shared>,
    pub(crate) writer: Writer,
    pub(crate) listeners: Vec<TcpListener>,
    pub(crate) stage: watch::Receiver<Stage>,
    /// Rung by the journal's sync thread when this worker waits for the disk.
    pub(crate) durable: Arc<Notify>,
}

/// Why a worker ended before its time.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkerError {
    #[error("the event loop could not be built")]
    Runtime(#[from] io::Error),
    #[error(transparent)]
    Randomness(#[from] crate::random::NoRandomness),
    #[error("a task that the worker cannot do without has ended")]
    TaskEnded,
}

/// What the connections of a worker have in common.
struct Floor {
    worker: Worker,
    http: http1::Builder,
    connections: RefCell<Connections>,
    hoard: RefCell<Hoard>,
}

/// Runs a worker until it is told to end. Called on a thread of its own.
pub(crate) fn run(setup: Setup) -> Result<(), WorkerError> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(serve(setup))
}

async fn serve(setup: Setup) -> Result<(), WorkerError> {
    let Setup { shared, writer, listeners, mut stage, durable } = setup;
    #[expect(
        deprecated,
        reason = "sound for a listener, which keeps its descriptor; the new form is `unsafe`"
    )]
    let watched = |listener| AsyncFd::with_interest(listener, Interest::READABLE);
    let listeners: Result<Vec<_>, _> = listeners.into_iter().map(watched).collect();
    let mut http = http1::Builder::new();
    // No timer: `Connection` bounds silence. No flush per pipelined request: it would lift hyper's own back-pressure.
    http.header_read_timeout(None)
        .keep_alive(true)
        .half_close(false)
        .pipeline_flush(false)
        // An answer is one short head: copying a page's few hundred bytes behind it is cheaper than a vectored write.
        .writev(false)
        .max_headers(shared.limits.headers)
        .max_buf_size(head_buffer(&shared.limits));
    let worker = Worker::new(shared, writer)?;
    let floor = Rc::new(Floor { worker, http, connections: RefCell::default(), hoard: RefCell::default() });

    let mut tasks = floor.start_tasks(durable);
    let mut accepting = JoinSet::new();
    for listener in listeners? {
        let floor = Rc::clone(&floor);
        accepting.spawn_local(async move { floor.accept(listener).await });
    }
    let ended = tokio::select! {
        _ = stage.wait_for(|stage| *stage > Stage::Serving) => None,
        ended = tasks.join_next() => ended,
    };
    accepting.shutdown().await;
    if ended.is_some() {
        floor.worker.finish();
        return Err(WorkerError::TaskEnded);
    }
    floor.order(Order::Drain, |_| true);
    let half_sent = async {
        tokio::time::sleep(HALF_SENT_GRACE).await;
        floor.order(Order::Close, Connection::waits_for_head);
        floor.empty().await;
    };
    tokio::select! {
        () = floor.empty() => {}
        () = half_sent => {}
        _ = stage.wait_for(|stage| *stage > Stage::Draining) => {
            floor.order(Order::Close, |_| true);
            floor.empty().await;
        }
    }
    floor.worker.finish();
    Ok(())
}

impl Floor {
    /// The tasks that a worker cannot do without. None of them ends by itself.
    fn start_tasks(self: &Rc<Self>, durable: Arc<Notify>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let floor = Rc::clone(self);
        tasks.spawn_local(async move { floor.worker.flush_turns().await });
        let floor = Rc::clone(self);
        tasks.spawn_local(async move {
            loop {
                durable.notified().await;
                floor.worker.note_durable();
            }
        });
        let floor = Rc::clone(self);
        tasks.spawn_local(async move {
            let mut beat = tokio::time::interval(BEAT);
            beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                beat.tick().await;
                floor.worker.tell();
                floor.worker.note_durable();
                floor.worker.second.set(floor.worker.second.get() + 1);
                floor.sweep().await;
            }
        });
        tasks
    }

    /// Closes the connections that have stood still for too long, a few in each turn: thousands that came together are
    /// overdue together, and taps are not to wait until all of them are closed.
    async fn sweep(&self) {
        let limits = &self.worker.shared.limits;
        let seconds = |limit: Duration| u32::try_from(limit.as_secs()).unwrap_or(u32::MAX).max(1);
        let (head, write) = (seconds(limits.header_timeout), seconds(limits.write_timeout));
        let second = self.worker.second.get();
        self.hoard.borrow_mut().forget();
        let is_overdue = |connection: &Connection| connection.is_overdue(second, head, write);
        let overdue: Vec<_> =
            self.connections.borrow().iter().filter(|connection| is_overdue(connection)).cloned().collect();
        for some in overdue.chunks(CLOSED_AT_ONCE) {
            // It may have moved, or ended, while the others were closed.
            for connection in some.iter().filter(|connection| is_overdue(connection)) {
                self.worker.cells().timeouts.add(1);
                connection.give(Order::Close);
            }
            yield_now().await;
        }
    }

    /// A permit for one more connection; if there is none left, whoever holds many gives way.
    fn permit(&self, peer: SocketAddr) -> Option<ConnectionPermit> {
        let (shared, prefix) = (&self.worker.shared, AddressPrefix::of(peer.ip()));
        let mut hoard = self.hoard.borrow_mut();
        if let Some(permit) = ConnectionPermit::take(shared) {
            hoard.came(prefix);
            return Some(permit);
        }
        let (connections, second) = (self.connections.borrow(), self.worker.second.get());
        let other = hoard.gives_way(connections.iter(), prefix, second)?;
        other.give(Order::Close);
        self.worker.cells().displaced.add(1);
        Some(ConnectionPermit::take_over(shared))
    }

    fn order(&self, order: Order, concerns: impl Fn(&Connection) -> bool) {
        for connection in self.connections.borrow().iter().filter(|connection| concerns(connection)) {
            connection.give(order);
        }
    }

    /// Until no connection is left.
    async fn empty(&self) {
        let mut look = tokio::time::interval(Duration::from_millis(5));
        while !self.connections.borrow().is_empty() {
            look.tick().await;
        }
    }

    async fn accept(self: Rc<Self>, listener: AsyncFd<TcpListener>) {
        let cells = self.worker.cells();
        loop {
            match listener.async_io(Interest::READABLE, accept).await {
                Ok((stream, peer)) => match self.permit(peer) {
                    Some(permit) => {
                        cells.accepted.add(1);
                        // Its place is taken before its task runs, or a shutdown could overlook it.
                        let place = Place::take(&self, peer, permit);
                        spawn_local(async move { place.serve(stream).await });
                    }
                    None => cells.rejected.add(1), // closed at once: better than a queue that nobody serves
                },
                Err(error) => {
                    cells.accept_errors.add(1);
                    if is_exhaustion(&error) {
                        tracing::error!(%error, "no connection can be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
    }
}

/// A connection's place in the list; given back when the connection ends, however it ends.
struct Place {
    floor: Rc<Floor>,
    connection: Rc<Connection>,
    index: usize,
    _permit: ConnectionPermit,
}

impl Place {
    fn take(floor: &Rc<Floor>, peer: SocketAddr, permit: ConnectionPermit) -> Self {
        let trusted = &floor.worker.shared.trusted;
        let connection = Rc::new(Connection::new(peer.ip(), trusted, floor.worker.second.get()));
        let index = floor.connections.borrow_mut().add(Rc::clone(&connection));
        Self { floor: Rc::clone(floor), connection, index, _permit: permit }
    }

    /// Serves the connection to its end.
    async fn serve(self, stream: TcpStream) {
        if let Some(handover) = front::serve(&self.floor.worker, &self.connection, stream).await {
            // On the heap, and only then: the task of a connection that brings one tap stays small.
            Box::pin(self.serve_with_hyper(handover)).await;
        }
    }

    /// Serves what the front has left to hyper, to the connection's end.
    async fn serve_with_hyper(&self, Handover { stream, read }: Handover) {
        let (worker, connection) = (&self.floor.worker, &*self.connection);
        let second = &worker.second;
        let held = Rc::new(Held::new(worker.unfinished.clone(), head_buffer(&worker.shared.limits)));
        if held.add(read.len()).is_err() {
            worker.cells().heads_dropped.add(1);
            return;
        }
        let socket = Socket {
            read,
            stream: TokioIo::new(stream),
            connection: Rc::clone(&self.connection),
            second: Rc::clone(second),
            held: Rc::clone(&held),
        };
        let held = &*held;
        let service = service_fn(move |request| async move {
            held.found(head_bytes(&request));
            connection.now_waits(Waits::ForAnswer, second.get());
            let answer = click::serve(worker, connection, request).await;
            connection.now_waits(Waits::ForHead, second.get());
            Ok::<_, Infallible>(answer.into_response())
        });
        let mut serving = pin!(self.floor.http.serve_connection(socket, service));
        let mut draining = false;
        let ended = poll_fn(|context| {
            connection.note_waker(context);
            match connection.order() {
                Order::Close => return Poll::Ready(Ok(())),
                Order::Drain if !draining => {
                    draining = true;
                    serving.as_mut().graceful_shutdown();
                }
                _ => {}
            }
            serving.as_mut().poll(context)
        })
        .await;
        if held.was_refused() {
            worker.cells().heads_dropped.add(1);
        } else if let Err(error) = ended
            && error.is_parse()
        {
            // hyper has answered it without asking us.
            worker.cells().outcome(Outcome::Refused);
            worker.cells().code(if error.is_parse_too_large() { 431 } else { 400 });
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.floor.connections.borrow_mut().remove(self.index);
        self.floor.worker.cells().closed.add(1);
        if std::thread::panicking() {
            self.floor.worker.cells().handler_panics.add(1);
        }
    }
}

/// Takes a waiting connection; its socket does not block. Not the event loop's own accept: that would register the
/// socket at once, and one that brings a single click need not be (see [`front`]).
fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (socket, peer) = acceptfrom_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)?;
    let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
    Ok((socket.into(), peer.ok_or(io::ErrorKind::ConnectionAborted)?))
}

/// Bytes of hyper's buffer, which cannot be smaller than its least.
fn head_buffer(limits: &Limits) -> usize {
    limits.head_bytes.max(8_192)
}

/// Bytes that the head of a request took at least.
fn head_bytes(request: &http::Request<Incoming>) -> usize {
    let target = request.uri().path_and_query().map_or(1, |target| target.as_str().len());
    let lines =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    request.method().as_str().len() + target + "  HTTP/1.1\r\n\r\n".len() + lines.sum::<usize>()
}

/// Whether an accept failed because something ran out, not because its client has gone.
fn is_exhaustion(error: &io::Error) -> bool {
    let raw = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(raw, Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
}
