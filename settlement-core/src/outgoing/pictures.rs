//! Products' pictures, for whoever draws them. Nothing is kept: a merchant who changes a picture is seen at once.

use super::client::Client;
use crate::Core;
use attribution_core::with_causes;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

/// Bytes of a picture at most.
const BYTES_MAX: usize = 4 << 20;
/// Somebody waits for what is drawn with it.
const WITHIN: Duration = Duration::from_secs(5);
/// Pictures on their way or waiting to be drawn at once: each takes memory.
const AT_ONCE: usize = 8;

/// Fetches pictures, some at a time.
pub(crate) struct Pictures {
    client: Client,
    places: Arc<Semaphore>,
}

/// What is at the address of a picture. It is a stranger's word: whether it is a picture is for the reader to find out.
pub struct Picture {
    bytes: Bytes,
    /// Others wait until it is dropped.
    _place: OwnedSemaphorePermit,
}

impl Picture {
    /// As they came.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Pictures {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    async fn fetch(&self, url: &str) -> Option<Picture> {
        let url = Url::parse(url).ok()?;
        let fetched = async {
            let place = self.places.clone().acquire_owned().await.ok()?;
            let got = self.client.get(&url, "image/jpeg, image/png", BYTES_MAX).await;
            let got = got.inspect_err(|error| tracing::debug!(error = with_causes(error), "no picture"));
            Some(Picture { bytes: got.ok().flatten()?, _place: place })
        };
        tokio::time::timeout(WITHIN, fetched).await.ok().flatten()
    }
}

impl Core {
    /// What is at the address of a product's picture; none if it cannot be had in time, or is too large: whoever draws
    /// goes on without it.
    pub async fn picture(&self, url: &str) -> Option<Picture> {
        self.pictures().fetch(url).await
    }
}
