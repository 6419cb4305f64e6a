//! TLS to PostgreSQL: rustls with ring, as everywhere here, behind the client library's own seam.

use futures_util::future::BoxFuture;
use postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime, pem};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Whom a server's certificate must come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trust {
    /// From anybody: nobody on the way can listen, but the server may be another one.
    Anybody,
    /// From an authority in this file.
    Authority(PathBuf),
    /// From an authority in this file, or from a public one, for the very name that the URL has.
    Name(Option<PathBuf>),
}

/// Why TLS cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub(in crate::store) enum TlsSetupError {
    /// The file of authorities cannot be read.
    #[error("the certificates of sslrootcert ({}) cannot be read", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: pem::Error,
    },
    /// It has no certificate in it.
    #[error("there is no certificate in sslrootcert ({})", path.display())]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// A certificate in it is no authority's.
    #[error("a certificate of sslrootcert ({}) cannot be used", path.display())]
    Certificate {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: rustls::Error,
    },
    /// The library refuses its own settings.
    #[error("TLS cannot be prepared")]
    Settings(#[from] rustls::Error),
}

/// What a URL asks of TLS.
#[derive(Debug, Clone)]
pub(super) struct Tls(pub(super) Trust);

impl Tls {
    pub(super) const fn new(trust: Trust) -> Self {
        Self(trust)
    }

    /// Reads the authorities' certificates, and makes what connections are made with.
    pub(super) fn connector(&self) -> Result<Connector, TlsSetupError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let unnamed = |roots| Arc::new(AnyName::new(roots, &provider));
        let builder = match &self.0 {
            Trust::Anybody => builder.dangerous().with_custom_certificate_verifier(unnamed(None)),
            Trust::Authority(file) => {
                builder.dangerous().with_custom_certificate_verifier(unnamed(Some(authorities(file)?)))
            }
            Trust::Name(Some(file)) => builder.with_root_certificates(authorities(file)?),
            Trust::Name(None) => {
                let public: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
                builder.with_root_certificates(public)
            }
        };
        Ok(Connector(tokio_rustls::TlsConnector::from(Arc::new(builder.with_no_client_auth()))))
    }
}

fn authorities(path: &Path) -> Result<RootCertStore, TlsSetupError> {
    let read = |cause| TlsSetupError::Read { path: path.to_owned(), cause };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(read)? {
        roots
            .add(certificate.map_err(read)?)
            .map_err(|cause| TlsSetupError::Certificate { path: path.to_owned(), cause })?;
    }
    if roots.is_empty() { Err(TlsSetupError::Empty { path: path.to_owned() }) } else { Ok(roots) }
}

/// A certificate for whatever name: from one of these authorities, or from anybody. The server must have its key.
#[derive(Debug)]
struct AnyName {
    roots: Option<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl AnyName {
    fn new(roots: Option<RootCertStore>, provider: &CryptoProvider) -> Self {
        Self { roots, algorithms: provider.signature_verification_algorithms }
    }
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let all = self.algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, all)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Makes TLS connections. Clones share what was prepared.
#[derive(Clone)]
pub(super) struct Connector(tokio_rustls::TlsConnector);

impl<S> MakeTlsConnect<S> for Connector
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Encrypted<S>;
    type TlsConnect = ToHost;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> Result<ToHost, io::Error> {
        // Without a name there is no network between, and no TLS.
        Ok(ToHost { connector: self.0.clone(), host: host.to_owned() })
    }
}

/// Makes one TLS connection to a host.
pub(super) struct ToHost {
    connector: tokio_rustls::TlsConnector,
    host: String,
}

impl<S> TlsConnect<S> for ToHost
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Encrypted<S>;
    type Error = io::Error;
    type Future = BoxFuture<'static, Result<Encrypted<S>, io::Error>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let name = ServerName::try_from(self.host).map_err(io::Error::other)?;
            self.connector.connect(name, stream).await.map(|stream| Encrypted(Box::new(stream)))
        })
    }
}

/// A connection under TLS.
pub(super) struct Encrypted<S>(Box<tokio_rustls::client::TlsStream<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Encrypted<S> {
    /// None is offered: the password then goes by SCRAM without it.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
