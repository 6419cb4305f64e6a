//! Asks the core, over its public API, what it has.

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// A connection to the core.
#[derive(Debug)]
pub struct CoreClient {
    sender: SendRequest<Empty<Bytes>>,
    host: String,
    token: String,
}

/// Why the core gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    /// No connection.
    #[error("cannot connect to the core")]
    Connect(#[source] std::io::Error),
    /// The exchange failed.
    #[error("the core did not answer {path}")]
    Http {
        /// What was asked.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another status than 200.
    #[error("the core answered {path} with {status}: {body}")]
    Status {
        /// What was asked.
        path: String,
        /// The status.
        status: u16,
        /// What it said.
        body: String,
    },
}

/// One click as the core lists it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CoreClick {
    /// Its id, 32 hex digits.
    pub click_id: String,
    /// The link's code.
    pub code: String,
    /// What the edge answered.
    pub outcome: String,
    /// The visitor, 32 hex digits, if any.
    pub visitor: Option<String>,
    /// The sub-id, if any.
    pub sub_id: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<CoreClick>,
    next_cursor: Option<String>,
}

impl CoreClient {
    /// Connects.
    ///
    /// # Errors
    /// If nothing answers there.
    pub async fn connect(address: SocketAddr, token: &str) -> Result<Self, CoreError> {
        let stream = TcpStream::connect(address).await.map_err(CoreError::Connect)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| CoreError::Connect(std::io::Error::other(error)))?;
        tokio::spawn(connection);
        Ok(Self { sender, host: address.to_string(), token: token.to_owned() })
    }

    /// One GET.
    ///
    /// # Errors
    /// If the core does not answer 200 with the expected JSON.
    pub async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, CoreError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| CoreError::Http {
            path: path.to_owned(),
            source,
        };
        let request = Request::get(path)
            .header(header::HOST, &self.host)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .body(Empty::new())
            .map_err(|error| failed(error.into()))?;
        self.sender.ready().await.map_err(|error| failed(error.into()))?;
        let response = self.sender.send_request(request).await.map_err(|error| failed(error.into()))?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|error| failed(error.into()))?.to_bytes();
        if status != http::StatusCode::OK {
            return Err(CoreError::Status {
                path: path.to_owned(),
                status: status.as_u16(),
                body: String::from_utf8_lossy(&body).into_owned(),
            });
        }
        serde_json::from_slice(&body).map_err(|error| failed(error.into()))
    }

    /// All clicks, page by page.
    ///
    /// # Errors
    /// If a page cannot be had.
    pub async fn clicks(&mut self) -> Result<Vec<CoreClick>, CoreError> {
        let mut clicks = Vec::new();
        let mut path = "/v1/clicks?limit=500".to_owned();
        loop {
            let page: Page = self.get(&path).await?;
            clicks.extend(page.items);
            match page.next_cursor {
                Some(cursor) => path = format!("/v1/clicks?limit=500&cursor={cursor}"),
                None => return Ok(clicks),
            }
        }
    }
}
