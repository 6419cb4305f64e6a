//! The command line: flags that several commands share. A command's own stand in its own file.

use crate::config::{CoreFile, SQLITE_FILE, StoreChoice, load};
use crate::exit::{Exit, Failure};
use crate::roles::core::store_config;
use crate::scenario::time;
use attribution_core::time::Instant;
use clap::{Args, ValueEnum};
use redis_view::RedisOptions;
use settlement_core::Clock;
use settlement_core::replay::Selection;
use settlement_core::store::{OpenStoreError, PostgresUrl, Store, StoreConfig};
use std::path::PathBuf;

/// What `--version` prints after the name.
pub(crate) const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("YINKE_REVISION"), ")");

/// Where `yinke up` keeps everything unless told otherwise.
pub(crate) const DATA_DEFAULT: &str = "./yinke-data";

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// What to log: error, warn, info, debug, trace, or a filter like "info,redirector=debug" (also RUST_LOG)
    #[arg(long, env = "YINKE_LOG_LEVEL", global = true, value_name = "FILTER", help_heading = "Logging")]
    pub(crate) log_level: Option<String>,
    /// How logs look; auto is text at a terminal and JSON elsewhere
    #[arg(
        long,
        env = "YINKE_LOG_FORMAT",
        global = true,
        value_enum,
        default_value_t,
        help_heading = "Logging"
    )]
    pub(crate) log_format: LogFormat,
}

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// Text at a terminal, JSON elsewhere
    #[default]
    Auto,
    /// For people
    Text,
    /// One JSON object per line
    Json,
}

/// How to reach a core's API.
#[derive(Debug, Clone, Args)]
pub(crate) struct CoreArgs {
    /// The core's API [default: the one running in --data, else http://127.0.0.1:8081]
    #[arg(long, env = "YINKE_CORE_URL", value_name = "URL")]
    pub(crate) core: Option<String>,
    /// Bearer token for it [default: YINKE_ADMIN_TOKEN, else the admin token in --data]
    #[arg(long, env = "YINKE_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Data directory of a `yinke up` on this machine
    #[arg(long, env = "YINKE_DATA", value_name = "DIR", default_value = DATA_DEFAULT)]
    pub(crate) data: PathBuf,
}

/// Which core's store: for commands that open it themselves, beside a running core or without one.
#[derive(Debug, Clone, Args)]
pub(crate) struct StoreArgs {
    /// The core's configuration file, which names its store
    #[arg(long, short, env = "YINKE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data directory of a `yinke up` on this machine, if there is no configuration file
    #[arg(long, env = "YINKE_DATA", value_name = "DIR", default_value = DATA_DEFAULT)]
    data: PathBuf,
    /// The PostgreSQL of a `yinke up --postgres`
    #[arg(long, env = "YINKE_POSTGRES", value_name = "URL", hide_env_values = true)]
    postgres: Option<String>,
}

impl StoreArgs {
    /// The configuration file, if one is named.
    ///
    /// # Errors
    /// If it cannot be read or has mistakes.
    pub(crate) fn file(&self) -> Result<Option<CoreFile>, Failure> {
        self.config.as_ref().map(|file| Ok(load::<CoreFile>(file)?.settings)).transpose()
    }

    /// Opens the store.
    ///
    /// # Errors
    /// If there is none, or it cannot be opened.
    pub(crate) fn open(&self) -> Result<Store, Failure> {
        self.open_by(Store::open)
    }

    /// Opens the store in a process that only looks.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn open_for_looking(&self) -> Result<Store, Failure> {
        self.open_by(Store::open_for_looking)
    }

    fn open_by(
        &self,
        open: fn(&StoreConfig, Instant) -> Result<Store, OpenStoreError>,
    ) -> Result<Store, Failure> {
        let choice = match self.file()? {
            Some(file) => file.store,
            None => self.choice()?,
        };
        if let StoreChoice::Sqlite(path) = &choice
            && !path.exists()
        {
            return Err(Failure::message(Exit::NotFound, format!("there is no store at {}", path.display())));
        }
        open(&store_config(choice), Clock::System.now())
            .map_err(|error| Failure::new(Exit::Unavailable, error))
    }

    fn choice(&self) -> Result<StoreChoice, Failure> {
        match &self.postgres {
            None => Ok(StoreChoice::Sqlite(self.data.join(SQLITE_FILE))),
            Some(url) => postgres(url),
        }
    }
}

/// The store at the URL of `--postgres`.
///
/// # Errors
/// If it is none.
pub(crate) fn postgres(url: &str) -> Result<StoreChoice, Failure> {
    url.parse::<PostgresUrl>().map(|_| StoreChoice::Postgres(url.to_owned())).map_err(|error| {
        Failure::message(Exit::Usage, format!("--postgres: {:#}", anyhow::Error::new(error)))
    })
}

/// Which orders.
#[derive(Debug, Clone, Args)]
pub(crate) struct SelectionArgs {
    /// Orders placed from here on: a day in China such as 2026-03-01, or an instant such as 2026-03-01T12:00:00+08:00
    #[arg(long, env = "YINKE_SINCE", value_name = "DATE")]
    since: Option<String>,
    /// Orders placed before
    #[arg(long, env = "YINKE_UNTIL", value_name = "DATE")]
    until: Option<String>,
    /// Only this merchant's orders
    #[arg(long, env = "YINKE_MERCHANT", value_name = "ID")]
    merchant: Option<String>,
}

impl SelectionArgs {
    /// What was asked for.
    ///
    /// # Errors
    /// If a date or an id is none.
    pub(crate) fn read(&self) -> Result<Selection, Failure> {
        let merchant = self.merchant.as_deref().map(str::parse).transpose();
        let selection = Selection {
            since: instant("--since", self.since.as_deref())?,
            until: instant("--until", self.until.as_deref())?,
            merchant: merchant
                .map_err(|error| Failure::message(Exit::Usage, format!("--merchant: {error}")))?,
            order: None,
        };
        match (selection.since, selection.until) {
            (Some(since), Some(until)) if until <= since => {
                Err(Failure::message(Exit::Usage, "--until: must be later than --since"))
            }
            _ => Ok(selection),
        }
    }
}

/// The time that a flag names, if it is given.
///
/// # Errors
/// If it is none.
pub(crate) fn instant(flag: &str, text: Option<&str>) -> Result<Option<Instant>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let at = time::read(text);
    at.map(Some)
        .ok_or_else(|| Failure::message(Exit::Usage, format!("{flag}: {text:?} is not {}", time::FORM)))
}

/// Where the records of who holds whom are.
#[derive(Debug, Clone, Args)]
pub(crate) struct RedisArgs {
    /// The Redis with the last-click and binding records
    // Parsed by us: a refusal of the argument parser would print the text, which may hold a password.
    #[arg(long, env = "YINKE_REDIS", value_name = "URL", hide_env_values = true)]
    redis: Option<String>,
    /// The same as a Redis Cluster: addresses of some of its nodes, with commas between them
    #[arg(
        long,
        env = "YINKE_REDIS_CLUSTER",
        value_name = "URLS",
        hide_env_values = true,
        conflicts_with = "redis"
    )]
    redis_cluster: Option<String>,
}

impl RedisArgs {
    /// The one that was given, if any.
    ///
    /// # Errors
    /// If it is no address; the message does not repeat it.
    pub(crate) fn options(&self) -> Result<Option<RedisOptions>, Failure> {
        let (name, parsed) = match (&self.redis, &self.redis_cluster) {
            (Some(url), _) => ("--redis", RedisOptions::single(url)),
            (None, Some(urls)) => ("--redis-cluster", RedisOptions::cluster(urls)),
            (None, None) => return Ok(None),
        };
        parsed.map(Some).map_err(|error| Failure::message(Exit::Usage, format!("{name}: {error}")))
    }
}

/// How a list is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// As the API gives it
    Json,
    /// For a spreadsheet (UTF-8 with a byte order mark)
    Csv,
}

/// `--output` for commands that list something.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct OutputArgs {
    /// How to print the result
    #[arg(long, short, env = "YINKE_OUTPUT", value_enum, default_value_t)]
    pub(crate) output: Format,
}
