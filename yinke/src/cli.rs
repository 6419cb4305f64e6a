//! The command line: what every command shares. A command's own flags stand in its own file.

use crate::commands::Command;
use crate::exit::{self, Exit, Failure};
use clap::{Args, Parser, ValueEnum};
use redis_view::RedisOptions;
use std::path::PathBuf;

/// What `--version` prints after the name.
pub(crate) const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("YINKE_REVISION"), ")");

/// Where `yinke up` keeps everything unless told otherwise.
pub(crate) const DATA_DEFAULT: &str = "./yinke-data";

/// Turns taps on promo links into money owed to the right person
///
/// Yinke (引客) redirects promo links in microseconds, makes every click durable, decides whose order it is,
/// computes the commission, and can explain every decision. `yinke up --demo` shows all of it.
#[derive(Debug, Parser)]
#[command(name = "yinke", version = VERSION, after_long_help = exit::HELP, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

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
