//! The core's role: its store open and its API served.

use super::{http, jobs, listen};
use crate::config::StoreChoice;
use crate::exit::{Exit, Failure};
use crate::keys::CoreSecrets;
use redirector::config::AddressRange;
use redis_view::RedisOptions;
use settlement_core::api::{Limits, TokenText};
use settlement_core::holders;
use settlement_core::store::StoreConfig;
use settlement_core::webhooks;
use settlement_core::{Core, CoreConfig, CoreKeys, OpenError, Task};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle};
use url::Url;
use yinke_console::ConsoleConfig;

/// Connections for writes to a PostgreSQL server, and as many again for reads.
const POSTGRES_CONNECTIONS: usize = 8;

/// What of a drain's time the work for Redis may take: it loses nothing by ending early.
const HOLDERS_DRAIN: Duration = Duration::from_millis(300);

/// And what webhooks may take: one that is cut off is sent again.
const WEBHOOKS_DRAIN: Duration = Duration::from_millis(200);

/// A core that serves.
pub(crate) struct CoreRole {
    core: Core,
    /// Where the API is.
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
    jobs: JoinHandle<()>,
    audit: JoinHandle<()>,
    holders: Option<Task>,
    webhooks: Task,
}

/// What a core is started with.
pub(crate) struct CoreStart<'a> {
    /// Where everything is kept.
    pub(crate) store: StoreChoice,
    /// The address that stands in links.
    pub(crate) public_base: Url,
    /// The edges' further hosts.
    pub(crate) own_hosts: Vec<String>,
    /// The keys.
    pub(crate) secrets: &'a CoreSecrets,
    /// Let their owners in as administrators: the one in the key folder, and the one given.
    pub(crate) admin_tokens: Vec<String>,
    /// The console's address in browsers, if it is not the listener's own.
    pub(crate) console_url: Option<Url>,
    /// Where the authoritative records of who holds whom go, if anywhere.
    pub(crate) redis: Option<RedisOptions>,
    /// Lets destinations and webhooks have addresses of this network: for development.
    pub(crate) allow_private_destinations: bool,
    /// How many requests may come.
    pub(crate) limits: Limits,
    /// Whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<AddressRange>,
}

/// How a store is opened.
pub(crate) fn store_config(choice: StoreChoice) -> StoreConfig {
    match choice {
        StoreChoice::Sqlite(path) => StoreConfig::Sqlite { path },
        StoreChoice::Postgres(url) => {
            StoreConfig::Postgres { url, schema: None, connections: POSTGRES_CONNECTIONS }
        }
    }
}

impl CoreRole {
    /// Opens the store and serves on `listener`.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub(crate) async fn start(start: CoreStart<'_>, listener: TcpListener) -> Result<Self, Failure> {
        let address = listener.local_addr().map_err(|e| Failure::new(Exit::Io, e))?;
        let config = CoreConfig {
            store: store_config(start.store),
            public_base: start.public_base,
            own_hosts: start.own_hosts,
            allow_private_destinations: start.allow_private_destinations,
            limits: start.limits,
            clock: settlement_core::Clock::System,
        };
        let keys = CoreKeys {
            browser: start.secrets.browser(),
            click: start.secrets.click(),
            check: start.secrets.check(),
        };
        let core = tokio::task::spawn_blocking(move || Core::open(config, keys))
            .await
            .map_err(|e| Failure::new(Exit::Runtime, e))?
            .map_err(|e| {
                let exit = if matches!(e, OpenError::CheckKey) { Exit::Config } else { Exit::Unavailable };
                Failure::new(exit, e)
            })?;
        let administrators = start.admin_tokens.into_iter().map(TokenText::given).collect();
        core.admit_administrators(administrators).await.map_err(|e| Failure::new(Exit::Io, e))?;
        let (stop, stopped) = oneshot::channel();
        let router = yinke_console::router(&core, ConsoleConfig { url: start.console_url })
            .map_err(|e| Failure::new(Exit::Runtime, e))?;
        let server = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            http::serve(listener, router, start.trusted_proxies, stopped).await;
        });
        tracing::info!(%address, "the core serves its API and the console");
        let jobs = jobs::spawn(core.clone());
        let audit = jobs::spawn_audit(core.clone());
        let holders = start.redis.map(|redis| holders::spawn(core.clone(), redis)).transpose();
        let holders = holders.map_err(|e| Failure::new(Exit::Runtime, e))?;
        let webhooks = webhooks::spawn(core.clone()).map_err(|e| Failure::new(Exit::Runtime, e))?;
        Ok(Self { core, address, stop, server, jobs, audit, holders, webhooks })
    }

    /// The core itself.
    pub(crate) const fn core(&self) -> &Core {
        &self.core
    }

    /// What it does beside answering, by name: all of it runs as long as the core does.
    pub(super) fn tasks(&self) -> Vec<(&'static str, AbortHandle)> {
        let mut tasks = vec![
            ("orders", self.jobs.abort_handle()),
            ("audit", self.audit.abort_handle()),
            ("webhooks", self.webhooks.handle()),
        ];
        tasks.extend(self.holders.as_ref().map(|holders| ("redis", holders.handle())));
        tasks
    }

    /// Its base URL.
    pub(crate) fn base_url(&self) -> String {
        listen::base_url(self.address)
    }

    /// Stops accepting, finishes what is under way, and closes the store. Says whether all was finished in time.
    pub(crate) async fn shutdown(self, within: Duration) -> bool {
        let _ = self.stop.send(());
        let mut server = self.server;
        let finished = tokio::time::timeout(within, &mut server).await.is_ok();
        if !finished {
            // Its connections end with it; a write under way is in the store's hands.
            server.abort();
        }
        // A job is a row of transactions, each whole or not at all; the store finishes the one under way.
        self.jobs.abort();
        self.audit.abort();
        if let Some(holders) = self.holders {
            holders.stop(HOLDERS_DRAIN).await;
        }
        self.webhooks.stop(WEBHOOKS_DRAIN).await;
        let core = self.core;
        let _ = tokio::task::spawn_blocking(move || core.close()).await;
        finished
    }
}
