//! The open core: its store, its keys, and what wakes those who wait for a change.

use crate::catalogue::histories;
use crate::clock::Clock;
use crate::store::{OpenStoreError, Store, StoreConfig, StoreError};
use attribution_core::code::CheckKey;
use attribution_core::time::Instant;
use attribution_core::token::{BrowserKeys, ClickKeys};
use std::sync::Arc;
use tokio::sync::watch;
use url::Url;

/// What the core must be told at start.
#[derive(Debug, Clone)]
pub struct CoreConfig {
    /// Which database.
    pub store: StoreConfig,
    /// Where buyers reach the edges: the front of every short link.
    pub public_base: Url,
    /// Hosts that no destination may have, because they are ours: a link to a link would loop. The host of
    /// `public_base` is always among them.
    pub own_hosts: Vec<String>,
    /// Lets destinations have private addresses and plain host names (development and tests).
    pub allow_private_destinations: bool,
    /// What every request and every job of it takes for the time.
    pub clock: Clock,
}

/// The core's secrets.
#[derive(Debug, Clone)]
pub struct CoreKeys {
    /// Reads visitors' cookies.
    pub browser: BrowserKeys,
    /// Reads every edge's click tokens.
    pub click: ClickKeys,
    /// Makes the check character of a code.
    pub check: CheckKey,
}

/// Why the core could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its store could not.
    #[error("the core's store could not be opened")]
    Store(#[from] OpenStoreError),
    /// The public base is not an http(s) address.
    #[error("the public base must be an http or https address, not {0}")]
    PublicBase(Url),
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Randomness(#[source] getrandom::Error),
    /// The store does not take the beginning of a new history of changes.
    #[error("a new history of changes could not be begun in the core's store")]
    History(#[source] StoreError),
}

/// The open core. Clones share it.
#[derive(Clone)]
pub struct Core {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    config: CoreConfig,
    keys: CoreKeys,
    /// Counts this process's committed catalogue changes; waiting feeds wake on it.
    changed: watch::Sender<u64>,
    /// Counts this process's batches that brought clicks.
    clicked: watch::Sender<u64>,
}

impl Core {
    /// Opens the store, brings it to this program's version and starts its threads. Blocks until that is done.
    ///
    /// # Errors
    /// If the store cannot be opened or the configuration makes no sense.
    pub fn open(config: CoreConfig, keys: CoreKeys) -> Result<Self, OpenError> {
        if !matches!(config.public_base.scheme(), "http" | "https") || config.public_base.host().is_none() {
            return Err(OpenError::PublicBase(config.public_base));
        }
        crate::describe::describe();
        let now = config.clock.now();
        let store = Store::open(&config.store, now)?;
        let random = histories::random().map_err(OpenError::Randomness)?;
        store.write_blocking(move |tx| histories::begin(tx, random, now)).map_err(OpenError::History)?;
        Ok(Self {
            shared: Arc::new(Shared {
                store,
                config,
                keys,
                changed: watch::Sender::new(0),
                clicked: watch::Sender::new(0),
            }),
        })
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The configuration it was opened with.
    pub fn config(&self) -> &CoreConfig {
        &self.shared.config
    }

    /// What time it is for this core.
    pub fn now(&self) -> Instant {
        self.shared.config.clock.now()
    }

    /// The secrets.
    pub fn keys(&self) -> &CoreKeys {
        &self.shared.keys
    }

    /// The HTTP interface.
    pub fn router(&self) -> axum::Router {
        crate::api::router(self.clone())
    }

    /// Wakes those who wait for catalogue changes; call it after the transaction has committed.
    pub(crate) fn announce_change(&self) {
        self.shared.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Changes whenever this process has committed a catalogue change.
    pub fn changes_announced(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    /// Says that new clicks are in; call it after the transaction has committed.
    pub(crate) fn announce_clicks(&self) {
        self.shared.clicked.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Changes whenever this process has taken new clicks in.
    pub fn clicks_arrived(&self) -> watch::Receiver<u64> {
        self.shared.clicked.subscribe()
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// If it does not.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.store()
            .read(|tx| tx.query_one("SELECT value FROM counters WHERE name = 'change'", &[]).map(|_| ()))
            .await
    }

    /// Finishes what waits and ends the store's threads. Blocks until then; later calls answer "closed".
    pub fn close(&self) {
        self.shared.store.close();
    }
}
