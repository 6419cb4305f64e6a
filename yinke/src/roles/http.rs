//! Serving the API and the admin pages: HTTP/1 with bounds on what a client may make the server wait for.

use super::places::Places;
use axum::Router;
use http::{HeaderValue, Request};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use redirector::client_address;
use redirector::config::AddressRange;
use settlement_core::api::Peer;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Sleep;
use tower::ServiceExt as _;

/// How long a request's head may take, from the moment the connection waits for it: a slow sender cannot hold a
/// connection open, and neither can an idle one.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long a request's body may take: what was read of it is held in memory until it ends. A long one takes longer.
const BODY_WITHIN: Duration = Duration::from_secs(30);
/// The least pace of a long body, bytes a second: 8 MiB of a file may take nine minutes, for merchants on a phone.
const BODY_PACE: u32 = 16 << 10;
/// Bytes of a head, and of a body read ahead, that one connection may make us hold.
const BUFFER_MAX: usize = 64 << 10;
/// What a proxy says whom it asks for.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// No client of ours sends a fifth of this.
const MAX_HEADERS: usize = 100;
/// Pause when no connection can be taken, such as for want of file descriptors: they come back as others end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop`, then accepts nothing more and finishes the requests under way. Dropping the future cuts them
/// off. Who asks is the peer, or behind `trusted` proxies whom they name: limits count by that address.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    trusted: Vec<AddressRange>,
    stop: impl Future<Output = ()>,
) {
    let patience = Patience { head: HEAD_WITHIN, body: BODY_WITHIN };
    serve_with(listener, router, trusted, patience, Places::of_this_process(), stop).await;
}

/// How long a client may take to say what it wants.
#[derive(Debug, Clone, Copy)]
struct Patience {
    head: Duration,
    body: Duration,
}

async fn serve_with(
    listener: TcpListener,
    router: Router,
    trusted: Vec<AddressRange>,
    patience: Patience,
    mut places: Places,
    stop: impl Future<Output = ()>,
) {
    let trusted: Arc<[AddressRange]> = trusted.into();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience.head).max_headers(MAX_HEADERS);
    http.max_buf_size(BUFFER_MAX);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            Some(ended) = connections.join_next_with_id() => {
                places.leave(ended.map_or_else(|panicked| panicked.id(), |(task, ())| task));
                continue;
            }
            accepted = accept(&listener), if !places.are_full() => accepted,
        };
        // A proxy's connections are those of many.
        if places.has_its_part(peer.ip()) && !trusted.iter().any(|range| range.contains(peer.ip())) {
            metrics::counter!("yinke_core_connections_refused_total").increment(1);
            continue;
        }
        let (router, trusted) = (router.clone(), Arc::clone(&trusted));
        let service = service_fn(move |mut request: Request<Incoming>| {
            let lines = request.headers().get_all(FORWARDED_FOR).iter();
            let forwarded: Vec<&[u8]> = lines.map(HeaderValue::as_bytes).collect();
            let client = client_address(peer.ip(), &forwarded, &trusted);
            request.extensions_mut().insert(Peer(client));
            router.clone().oneshot(request.map(|body| InTime::new(body, patience.body)))
        });
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        let task = connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
        places.take(task.id(), peer.ip());
    }
    drop(listener);
    graceful.shutdown().await;
}

/// A body that fails when it takes too long to come: the time that any may take, and more for what has come.
struct InTime<B> {
    body: B,
    /// None if all of it is here.
    ends: Option<Pin<Box<Sleep>>>,
}

/// The rest of a body did not come.
#[derive(Debug, thiserror::Error)]
#[error("the body took too long")]
struct TooSlow;

impl<B: Body> InTime<B> {
    fn new(body: B, within: Duration) -> Self {
        let ends = (!body.is_end_stream()).then(|| Box::pin(tokio::time::sleep(within)));
        Self { body, ends }
    }
}

impl<B: Body<Data = Bytes, Error: Into<axum::BoxError>> + Unpin> Body for InTime<B> {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            if let (Some(ends), Some(Ok(frame))) = (&mut this.ends, &frame) {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                let longer = ends.deadline() + Duration::from_secs_f64(bytes as f64 / f64::from(BODY_PACE));
                ends.as_mut().reset(longer);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        match this.ends.as_mut().map(|ends| ends.as_mut().poll(cx)) {
            Some(Poll::Ready(())) => Poll::Ready(Some(Err(TooSlow.into()))),
            _ => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The next connection and who is at its other end; what keeps it from being taken is waited out.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if gone(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether only that one client is gone.
fn gone(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(error.kind(), K::ConnectionAborted | K::ConnectionRefused | K::ConnectionReset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Extension;
    use axum::routing::{get, post};
    use http_body_util::BodyExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::{Notify, oneshot};
    use tokio::task::JoinHandle;

    /// Longer than anything here takes.
    const ENOUGH: Duration = Duration::from_secs(20);

    struct Server {
        address: SocketAddr,
        /// A request to `/slow` has come in.
        asked: Arc<Notify>,
        /// Lets it be answered.
        answer: Arc<Notify>,
        stop: oneshot::Sender<()>,
        task: JoinHandle<()>,
    }

    async fn server(head: Duration) -> Server {
        server_behind(Vec::new(), Patience { head, body: ENOUGH }).await
    }

    async fn server_behind(trusted: Vec<AddressRange>, patience: Patience) -> Server {
        server_with(trusted, patience, Places::of_this_process()).await
    }

    async fn server_with(trusted: Vec<AddressRange>, patience: Patience, places: Places) -> Server {
        let (asked, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let slow = {
            let (asked, answer) = (asked.clone(), answer.clone());
            move || async move {
                asked.notify_one();
                answer.notified().await;
                "done"
            }
        };
        let whose = async |Extension(Peer(address)): Extension<Peer>| address.to_string();
        let router = Router::new()
            .route("/", get(|| async { "ok" }))
            .route("/slow", get(slow))
            .route("/length", post(async |body: Bytes| body.len().to_string()))
            .route("/whose", get(whose));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve_with(listener, router, trusted, patience, places, async {
            let _ = stopped.await;
        }));
        Server { address, asked, answer, stop, task }
    }

    async fn send(server: &Server, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// What comes until the server closes.
    async fn rest(mut stream: TcpStream) -> String {
        let mut text = String::new();
        tokio::time::timeout(ENOUGH, stream.read_to_string(&mut text)).await.unwrap().unwrap();
        text
    }

    #[tokio::test]
    async fn a_head_that_does_not_end_ends_its_connection() {
        let server = server(Duration::from_millis(50)).await;
        let half = send(&server, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
        assert!(!rest(half).await.starts_with("HTTP/1.1 200"));
        let silent = send(&server, "").await;
        assert_eq!(rest(silent).await, "");
        assert!(rest(send(&server, "GET / HTTP/1.0\r\n\r\n").await).await.ends_with("ok"));
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_ends_its_connection() {
        let patience = Patience { head: ENOUGH, body: Duration::from_millis(50) };
        let server = server_behind(Vec::new(), patience).await;
        let head = "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";
        let half = send(&server, &format!("{head}{}", "a".repeat(1_000))).await;
        assert!(rest(half).await.starts_with("HTTP/1.1 400"));
        let whole = format!("POST /length HTTP/1.0\r\nContent-Length: 100000\r\n\r\n{}", "a".repeat(100_000));
        assert!(rest(send(&server, &whole).await).await.ends_with("100000"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_body_may_take_longer_but_not_for_ever() {
        let chunks = |bytes: usize, every: Duration| {
            let stream = futures_util::stream::unfold(0, move |sent| async move {
                tokio::time::sleep(every).await;
                (sent < 40).then(|| (Ok::<_, io::Error>(Bytes::from(vec![0; bytes])), sent + 1))
            });
            InTime::new(axum::body::Body::from_stream(stream), BODY_WITHIN).collect()
        };
        let (pace, second) = (BODY_PACE as usize, Duration::from_secs(1));
        let steady = chunks(4 * pace, 3 * second).await.expect("two minutes for 2.5 MiB");
        assert_eq!(steady.to_bytes().len(), 160 * pace);
        assert!(chunks(1, second).await.is_err(), "forty seconds for forty bytes");
        assert!(chunks(pace / 2, 2 * second).await.is_err(), "half of the least pace");
    }

    #[tokio::test]
    async fn a_head_is_not_held_beyond_its_bound() {
        let server = server(ENOUGH).await;
        // It never ends: one that does could come whole in the last read before the bound.
        let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}", "a".repeat(80_000));
        let mut stream = send(&server, &head).await;
        // What is behind it, if anything, is a reset for what was not read.
        let mut status = [0; 12];
        tokio::time::timeout(ENOUGH, stream.read_exact(&mut status)).await.unwrap().unwrap();
        assert_eq!(&status, b"HTTP/1.1 431");
    }

    #[tokio::test]
    async fn only_a_trusted_proxy_says_who_asks() {
        let asked =
            "GET /whose HTTP/1.0\r\nX-Forwarded-For: 198.51.100.7\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n";
        for (trusted, whose) in
            [(vec![], "127.0.0.1"), (vec!["10.0.0.0/8"], "127.0.0.1"), (vec!["127.0.0.0/8"], "203.0.113.9")]
        {
            let ranges = trusted.iter().map(|range| range.parse().unwrap()).collect();
            let server = server_behind(ranges, Patience { head: ENOUGH, body: ENOUGH }).await;
            let answer = rest(send(&server, asked).await).await;
            assert!(answer.ends_with(&format!("\r\n\r\n{whose}")), "trusting {trusted:?}: {answer}");
        }
    }

    #[tokio::test]
    async fn one_client_has_a_part_of_the_connections() {
        let patience = Patience { head: ENOUGH, body: ENOUGH };
        let ask = "GET / HTTP/1.0\r\n\r\n";
        let server = server_with(Vec::new(), patience, Places::new(8)).await;
        let from = async |host: u8| {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind((std::net::Ipv4Addr::new(127, 0, 0, host), 0).into()).unwrap();
            let mut stream = socket.connect(server.address).await.unwrap();
            let _ = stream.write_all(ask.as_bytes()).await; // one that is refused may be gone by then
            stream
        };
        let first = send(&server, "").await;
        let second = send(&server, "").await;
        let mut refused = Vec::new();
        let _ = from(1).await.read_to_end(&mut refused).await;
        assert_eq!(refused, b"", "a third of two");
        assert!(rest(from(2).await).await.ends_with("ok"), "another client");
        drop((first, second));
        // As soon as the server has seen them go.
        tokio::time::timeout(ENOUGH, async {
            let mut answer = String::new();
            while !answer.ends_with("ok") {
                answer.clear();
                let _ = from(1).await.read_to_string(&mut answer).await;
            }
        })
        .await
        .unwrap();

        let trusted = vec!["127.0.0.0/8".parse().unwrap()];
        let server = server_with(trusted, patience, Places::new(2)).await;
        let (_one, other) = (send(&server, "").await, send(&server, "").await);
        let third = send(&server, ask).await; // waits for a place
        drop(other);
        assert!(rest(third).await.ends_with("ok"));
    }

    #[tokio::test]
    async fn too_many_headers_are_refused() {
        let server = server(ENOUGH).await;
        let head = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(MAX_HEADERS));
        assert!(rest(send(&server, &head).await).await.starts_with("HTTP/1.1 431"));
    }

    #[tokio::test]
    async fn what_is_under_way_is_finished_and_nothing_new_is_taken() {
        let server = server(ENOUGH).await;
        let _idle = send(&server, "").await;
        let slow = send(&server, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
        tokio::time::timeout(ENOUGH, server.asked.notified()).await.unwrap();
        server.stop.send(()).unwrap();
        tokio::time::timeout(ENOUGH, async {
            while TcpStream::connect(server.address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        server.answer.notify_one();
        assert!(rest(slow).await.ends_with("done"));
        tokio::time::timeout(ENOUGH, server.task).await.unwrap().unwrap();
    }
}
