//! One request to an address that somebody else chose: resolved, checked, and connected to exactly the address that was
//! checked. No redirect is followed; what is read and how long it may take is bounded.

use super::address::is_public;
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

/// A connection, with its handshake, takes at most so long.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// And everything together.
const ALL_WITHIN: Duration = Duration::from_secs(15);
/// Bytes of an answer that are read; the rest is left.
const ANSWER_MAX: usize = 1_024;
/// Bytes of an answer's head at most.
const HEAD_MAX: usize = 16 << 10;

/// What an endpoint answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Its first bytes, as text.
    pub(crate) excerpt: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// No address that may be connected to.
    #[error("the host has no public address")]
    Private,
    /// The name means nothing.
    #[error("the host name cannot be resolved")]
    Resolve(#[source] std::io::Error),
    /// Nobody listens.
    #[error("no connection")]
    Connect(#[source] std::io::Error),
    /// Encryption failed, such as for a certificate of another name.
    #[error("no TLS connection")]
    Tls(#[source] std::io::Error),
    /// It is no HTTP, or broke off.
    #[error("the exchange broke off")]
    Http(#[source] hyper::Error),
    /// It took too long.
    #[error("no answer in time")]
    Timeout,
    /// The stored address is none.
    #[error("the address cannot be used")]
    Address,
}

/// Asks others. Clones share it.
#[derive(Clone)]
pub(crate) struct Client {
    tls: TlsConnector,
    allow_private: bool,
}

impl Client {
    /// One that trusts the usual certificate authorities. `allow_private` is for development and tests.
    pub(crate) fn new(allow_private: bool) -> Result<Self, rustls::Error> {
        let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Self::trusting(roots, allow_private)
    }

    fn trusting(roots: RootCertStore, allow_private: bool) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)), allow_private })
    }

    /// Posts `body`, which is JSON, with these headers.
    pub(crate) async fn post(
        &self,
        url: &Url,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<Answer, SendError> {
        let mut request = start(Method::POST, url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("yinke-webhooks/", env!("CARGO_PKG_VERSION")));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(body)).map_err(|_| SendError::Address)?;
        let (status, read) = self.send(url, request, ANSWER_MAX).await?;
        let excerpt = String::from_utf8_lossy(&read).chars().filter(|c| !c.is_control()).collect();
        Ok(Answer { status, excerpt })
    }

    /// Fetches what is there, of one of the kinds in `accept`; none if there is no such thing, or more than `most` bytes.
    pub(crate) async fn get(
        &self,
        url: &Url,
        accept: &'static str,
        most: usize,
    ) -> Result<Option<Bytes>, SendError> {
        let request = start(Method::GET, url)
            .header(header::ACCEPT, accept)
            .header(header::USER_AGENT, concat!("yinke/", env!("CARGO_PKG_VERSION")));
        let request = request.body(Full::new(Bytes::new())).map_err(|_| SendError::Address)?;
        let (status, read) = self.send(url, request, most + 1).await?;
        Ok((status == StatusCode::OK && read.len() <= most).then(|| read.into()))
    }

    /// The answer's status, and its first bytes, at most so many.
    async fn send(
        &self,
        url: &Url,
        request: Request<Full<Bytes>>,
        most: usize,
    ) -> Result<(StatusCode, Vec<u8>), SendError> {
        tokio::time::timeout(ALL_WITHIN, self.exchange(url, request, most))
            .await
            .unwrap_or(Err(SendError::Timeout))
    }

    async fn exchange(
        &self,
        url: &Url,
        request: Request<Full<Bytes>>,
        most: usize,
    ) -> Result<(StatusCode, Vec<u8>), SendError> {
        let host = url.host_str().ok_or(SendError::Address)?;
        let port = url.port_or_known_default().ok_or(SendError::Address)?;
        let connect = async {
            let stream = self.connect(url, port).await?;
            if url.scheme() != "https" {
                return Ok(Stream::Plain(stream));
            }
            let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
                .map_err(|_| SendError::Address)?;
            let stream = self.tls.connect(name, stream).await.map_err(SendError::Tls)?;
            Ok(Stream::Tls(Box::new(stream)))
        };
        let stream =
            tokio::time::timeout(CONNECT_WITHIN, connect).await.unwrap_or(Err(SendError::Timeout))?;
        match stream {
            Stream::Plain(stream) => talk(stream, request, most).await,
            Stream::Tls(stream) => talk(stream, request, most).await,
        }
    }

    /// Connects to the first address that may be connected to and answers.
    async fn connect(&self, url: &Url, port: u16) -> Result<TcpStream, SendError> {
        let addresses: Vec<SocketAddr> = match url.host().ok_or(SendError::Address)? {
            Host::Ipv4(v4) => vec![(IpAddr::V4(v4), port).into()],
            Host::Ipv6(v6) => vec![(IpAddr::V6(v6), port).into()],
            Host::Domain(name) => {
                tokio::net::lookup_host((name, port)).await.map_err(SendError::Resolve)?.collect()
            }
        };
        let mut failure = SendError::Private;
        for address in addresses {
            if !self.allow_private && !is_public(address.ip()) {
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = SendError::Connect(error),
            }
        }
        Err(failure)
    }
}

/// A request with what every one of ours has.
fn start(method: Method, url: &Url) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(header::HOST, &url[url::Position::BeforeHost..url::Position::AfterPort])
        .header(header::CONNECTION, "close")
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

async fn talk<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    most: usize,
) -> Result<(StatusCode, Vec<u8>), SendError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut client = http1::Builder::new();
    client.max_buf_size(HEAD_MAX);
    let (mut sender, connection) = client.handshake(TokioIo::new(stream)).await.map_err(SendError::Http)?;
    let exchange = async {
        let mut response = sender.send_request(request).await.map_err(SendError::Http)?;
        let mut read = Vec::new();
        while read.len() < most {
            match response.body_mut().frame().await {
                None => break,
                Some(frame) => {
                    if let Ok(data) = frame.map_err(SendError::Http)?.into_data() {
                        read.extend_from_slice(&data[..data.len().min(most - read.len())]);
                    }
                }
            }
        }
        Ok((response.status(), read))
    };
    // The connection lives no longer than the exchange.
    tokio::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        ended = connection => match ended {
            Ok(()) => exchange.await,
            Err(error) => Err(SendError::Http(error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::ServerConfig;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    fn sample(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/tests/samples/tls/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    async fn listener() -> (TcpListener, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, answer: &[u8]) -> String {
        let mut read = vec![0; 4_096];
        let length = stream.read(&mut read).await.unwrap();
        // Whoever has heard enough may leave.
        let _ = stream.write_all(answer).await;
        let _ = stream.shutdown().await;
        String::from_utf8_lossy(&read[..length]).into_owned()
    }

    #[tokio::test]
    async fn what_only_we_can_reach_is_not_connected_to() {
        let (listener, port) = listener().await;
        let client = Client::new(false).unwrap();
        for host in [
            "127.0.0.1",
            "localhost",
            "[::ffff:127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "0.0.0.0",
            "169.254.169.254",
        ] {
            let url = Url::parse(&format!("http://{host}:{port}/")).unwrap();
            let refused = client.post(&url, &[], Bytes::new()).await.unwrap_err();
            assert!(matches!(refused, SendError::Private), "{host}: {refused:?}");
        }
        let nobody = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
        assert!(nobody.is_err(), "somebody connected");
    }

    #[tokio::test]
    async fn an_answer_is_read_only_so_far() {
        let (listener, port) = listener().await;
        let server = tokio::spawn(async move {
            let body = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &[b'x'; 1 << 20]].concat();
            answer(listener.accept().await.unwrap().0, &body).await
        });
        let url = Url::parse(&format!("http://127.0.0.1:{port}/hook?a=b")).unwrap();
        let client = Client::new(true).unwrap();
        let answer =
            client.post(&url, &[("webhook-id", "m1".into())], Bytes::from_static(b"{}")).await.unwrap();
        assert_eq!((answer.status, answer.excerpt.len()), (StatusCode::OK, ANSWER_MAX));
        let asked = server.await.unwrap();
        assert!(
            asked.starts_with("POST /hook?a=b HTTP/1.1\r\n") && asked.contains("webhook-id: m1\r\n"),
            "{asked}"
        );
        assert!(asked.contains(&format!("host: 127.0.0.1:{port}\r\n")), "{asked}");
    }

    #[tokio::test]
    async fn a_picture_is_had_whole_or_not_at_all() {
        let client = Client::new(true).unwrap();
        for (head, length, had) in [
            ("HTTP/1.1 200 OK", 100, true),
            ("HTTP/1.1 200 OK", 101, false),
            ("HTTP/1.1 404 Not Found", 10, false),
            ("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/", 10, false),
        ] {
            let (listener, port) = listener().await;
            let server = tokio::spawn(async move {
                let body = [head.as_bytes(), b"\r\n\r\n", &vec![b'x'; length]].concat();
                answer(listener.accept().await.unwrap().0, &body).await
            });
            let url = Url::parse(&format!("http://127.0.0.1:{port}/cup.jpg")).unwrap();
            let got = client.get(&url, "image/png", 100).await.unwrap();
            assert_eq!(got.map(|bytes| bytes.len()), had.then_some(length), "{head} {length}");
            let asked = server.await.unwrap();
            assert!(
                asked.starts_with("GET /cup.jpg HTTP/1.1\r\n") && asked.contains("accept: image/png"),
                "{asked}"
            );
        }
    }

    #[tokio::test]
    async fn https_is_spoken_to_whom_the_certificate_names() {
        let certificate = CertificateDer::from_pem_slice(&sample("receiver.cert.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_slice(&sample("receiver.key.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (listener, port) = listener().await;
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                if let Ok(stream) = acceptor.accept(stream).await {
                    answer(stream, b"HTTP/1.1 204 No Content\r\n\r\n").await;
                }
            }
        });
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        let post = async |client: &Client, host: &str| {
            let url = Url::parse(&format!("https://{host}:{port}/")).unwrap();
            client.post(&url, &[], Bytes::new()).await
        };
        let trusting = Client::trusting(roots, true).unwrap();
        assert_eq!(post(&trusting, "localhost").await.unwrap().status, StatusCode::NO_CONTENT);
        let other_name = post(&trusting, "127.0.0.1").await.unwrap_err();
        assert!(matches!(other_name, SendError::Tls(_)), "{other_name:?}");
        let unknown_issuer = post(&Client::new(true).unwrap(), "localhost").await.unwrap_err();
        assert!(matches!(unknown_issuer, SendError::Tls(_)), "{unknown_issuer:?}");
    }
}
