//! The open core: its store, its keys, and what wakes those who wait for a change.

use crate::accounts::Passwords;
use crate::api::{Limiter, Limits};
use crate::catalogue::histories;
use crate::clock::Clock;
use crate::installation;
use crate::outgoing::{Client, Pictures};
use crate::store::{OpenStoreError, Store, StoreConfig, StoreError};
use attribution_core::code::CheckKey;
use attribution_core::time::Instant;
use attribution_core::token::{BrowserKeys, ClickKeys};
use futures_util::future::BoxFuture;
use std::sync::{Arc, OnceLock};
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
    /// How many requests may come.
    pub limits: Limits,
    /// What every request and every job of it takes for the time.
    pub clock: Clock,
}

impl CoreConfig {
    /// The hosts that are ours, that of the public base first.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.public_base.host_str().into_iter().chain(self.own_hosts.iter().map(String::as_str))
    }

    /// An address of ours at another host of ours: all but the host stays. None if it is none of ours.
    pub fn at_host(&self, address: &str, host: &str) -> Option<String> {
        let host = self.hosts().find(|own| own.eq_ignore_ascii_case(host))?;
        let mut url = Url::parse(address).ok()?;
        url.set_host(Some(host)).ok()?;
        Some(url.into())
    }
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
    /// The key of the check character is not the one that the store's codes were made with.
    #[error(
        "the key of the codes' check character is not the one that this store was made with: every code that was \
         printed would be unknown. Restore check.key from a backup"
    )]
    CheckKey,
    /// What the store knows about its installation cannot be read or written.
    #[error("the store's facts about its installation cannot be read or written")]
    Installation(#[source] StoreError),
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Randomness(#[source] getrandom::Error),
    /// There is no way to speak https.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
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
    limiter: Limiter,
    keys: CoreKeys,
    passwords: Passwords,
    outgoing: Client,
    pictures: Pictures,
    /// Counts this process's committed catalogue changes; waiting feeds wake on it.
    changed: watch::Sender<u64>,
    /// Counts this process's batches that brought clicks.
    clicked: watch::Sender<u64>,
    /// See [`Core::set_edge_bell`].
    edge_bell: OnceLock<Box<EdgeBell>>,
}

/// Has an edge in the same process say how it stands, and ends when it has.
pub type EdgeBell = dyn Fn() -> BoxFuture<'static, ()> + Send + Sync;

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
        crate::describe::begin();
        let outgoing = Client::new(config.allow_private_destinations).map_err(OpenError::Tls)?;
        let now = config.clock.now();
        let store = Store::open(&config.store, now)?;
        let check_key = format!("{:08x}", keys.check.fingerprint());
        let first_key = store
            .write_blocking(move |tx| installation::keep_first(tx, "check_key", &check_key))
            .map_err(OpenError::Installation)?;
        if !first_key {
            return Err(OpenError::CheckKey);
        }
        let random = histories::random().map_err(OpenError::Randomness)?;
        store.write_blocking(move |tx| histories::begin(tx, random, now)).map_err(OpenError::History)?;
        Ok(Self {
            shared: Arc::new(Shared {
                store,
                limiter: Limiter::new(config.limits),
                config,
                keys,
                passwords: Passwords::new(),
                pictures: Pictures::new(outgoing.clone()),
                outgoing,
                changed: watch::Sender::new(0),
                clicked: watch::Sender::new(0),
                edge_bell: OnceLock::new(),
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

    /// How many requests may still come.
    pub(crate) fn limiter(&self) -> &Limiter {
        &self.shared.limiter
    }

    /// What time it is for this core.
    pub fn now(&self) -> Instant {
        self.shared.config.clock.now()
    }

    /// The secrets.
    pub fn keys(&self) -> &CoreKeys {
        &self.shared.keys
    }

    /// Hashes and compares passwords.
    pub(crate) fn passwords(&self) -> &Passwords {
        &self.shared.passwords
    }

    /// Asks addresses that others chose.
    pub(crate) fn outgoing(&self) -> &Client {
        &self.shared.outgoing
    }

    /// Fetches products' pictures.
    pub(crate) fn pictures(&self) -> &Pictures {
        &self.shared.pictures
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

    /// Gives the core a way to hear from the edge in its own process before it answers an audit: elsewhere an edge's
    /// word is up to a heartbeat old. The first call counts.
    pub fn set_edge_bell(&self, bell: Box<EdgeBell>) {
        let _ = self.shared.edge_bell.set(bell);
    }

    /// Has the edge in this process, if there is one, say how it stands.
    pub(crate) async fn hear_edge(&self) {
        if let Some(bell) = self.shared.edge_bell.get() {
            bell().await;
        }
    }

    /// Whether the store answers, and takes what is written, as far as it says so without a write.
    ///
    /// # Errors
    /// If it does not.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.store()
            .read(|tx| {
                tx.query_one("SELECT value FROM counters WHERE name = 'change'", &[])?;
                tx.require_writable()
            })
            .await
    }

    /// Finishes what waits and ends the store's threads. Blocks until then; later calls answer "closed".
    pub fn close(&self) {
        self.shared.store.close();
    }
}
