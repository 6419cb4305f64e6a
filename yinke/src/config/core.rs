//! The core's configuration file.

use super::reader::Reader;
use super::{Role, parse, proxies};
use redirector::config::AddressRange;
use redis_view::RedisOptions;
use settlement_core::api::Limits;
use settlement_core::store::PostgresUrl;
use std::net::SocketAddr;
use std::path::PathBuf;
use url::Url;

/// The store's file in a data directory.
pub(crate) const SQLITE_FILE: &str = "core.sqlite";

/// Where the core keeps everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreChoice {
    /// One file; for one core.
    Sqlite(PathBuf),
    /// A PostgreSQL server's URL; any number of cores.
    Postgres(String),
}

/// Everything a core role needs.
pub(crate) struct CoreFile {
    /// Holds the lock and, with SQLite, the store.
    pub(crate) data_dir: PathBuf,
    /// Holds the keys; made if missing. Several cores need copies of the same keys.
    pub(crate) keys_dir: PathBuf,
    /// The address of the edges, as it stands in links.
    pub(crate) public_url: Url,
    /// Further hosts of the edges: no link may lead to one.
    pub(crate) hosts: Vec<String>,
    /// The console's address in browsers, if it is not that of `listen.api`.
    pub(crate) console_url: Option<Url>,
    /// Where the API and the console are served.
    pub(crate) listen_api: SocketAddr,
    /// Whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<AddressRange>,
    /// Where the operator is served.
    pub(crate) listen_admin: SocketAddr,
    /// Where everything is kept.
    pub(crate) store: StoreChoice,
    /// The first administrator's token; made in the key folder if not given.
    pub(crate) admin_token: Option<String>,
    /// Where the authoritative records of who holds whom go.
    pub(crate) redis: Option<RedisOptions>,
    /// Lets destinations and webhooks have addresses of this network: for development.
    pub(crate) allow_private_destinations: bool,
    /// How many requests may come.
    pub(crate) limits: Limits,
}

impl Role for CoreFile {
    fn read(r: &mut Reader<'_>) -> Option<Self> {
        let data_dir = r.required("data_dir", "a path", parse::path);
        let keys_dir = r.optional("keys_dir", "a path", parse::path);
        let public_url = r.required("public_url", parse::PUBLIC_URL, parse::public_url);
        let hosts = r.defaulted("hosts", parse::HOSTS, |v| parse::list(v, parse::host), Vec::new());
        let console_url = r.optional("console_url", parse::PUBLIC_URL, parse::public_url);
        let api = r.required("listen.api", "an address such as \"0.0.0.0:8081\"", parse::address);
        let admin = r.required("listen.admin", "an address such as \"127.0.0.1:9090\"", parse::address);
        let trusted_proxies = proxies::trusted(r, "listen.trusted_proxies");
        let store = store(r);
        let admin_token = r.secret("auth.admin_token");
        let redis = super::redis::redis(r);
        let private =
            r.defaulted("allow_private_destinations", "true or false", |value| value.as_bool(), false);
        let limits = limits(r);
        r.refuse_one_address(("listen.admin", admin), ("listen.api", api));
        let data_dir = r.resolve(&data_dir?);
        Some(Self {
            keys_dir: keys_dir?.map_or_else(|| data_dir.join("keys"), |dir| r.resolve(&dir)),
            store: store?.unwrap_or_else(|| StoreChoice::Sqlite(data_dir.join(SQLITE_FILE))),
            data_dir,
            public_url: public_url?,
            hosts: hosts?,
            console_url: console_url?,
            listen_api: api?,
            trusted_proxies: trusted_proxies?,
            listen_admin: admin?,
            admin_token: admin_token?,
            redis: redis?,
            allow_private_destinations: private?,
            limits: limits?,
        })
    }
}

/// Where everything is to be kept, if the file says so.
fn store(r: &mut Reader<'_>) -> Option<Option<StoreChoice>> {
    let sqlite = r.optional("store.sqlite", "a path", parse::path);
    let postgres = r.secret("store.postgres");
    if let (Some(Some(_)), Some(Some(_))) = (&sqlite, &postgres) {
        r.conflict("store.sqlite", "expected only one of store.sqlite and store.postgres");
    }
    if let Some(Some(url)) = &postgres
        && let Err(error) = url.parse::<PostgresUrl>()
    {
        r.conflict("store.postgres", &format!("{:#}", anyhow::Error::new(error)));
    }
    let sqlite = sqlite?.map(|path| StoreChoice::Sqlite(r.resolve(&path)));
    Some(postgres?.map(StoreChoice::Postgres).or(sqlite))
}

/// Requests a second, by who asks.
fn limits(r: &mut Reader<'_>) -> Option<Limits> {
    let usual = Limits::default();
    let mut rate = |key: &str, usual: u32| {
        r.defaulted(key, "requests a second from 0 (no limit) to 100000", parse::rate, usual)
    };
    let operator = rate("limits.operator", usual.operator);
    let merchant = rate("limits.merchant", usual.merchant);
    let promoter = rate("limits.promoter", usual.promoter);
    let agency = rate("limits.agency", usual.agency);
    let unauthenticated = rate("limits.unauthenticated", usual.unauthenticated);
    Some(Limits {
        operator: operator?,
        merchant: merchant?,
        promoter: promoter?,
        agency: agency?,
        unauthenticated: unauthenticated?,
    })
}
