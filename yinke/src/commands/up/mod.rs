//! `yinke up`: edge, core and admin listener in one process, everything in one directory.

mod story;

use crate::admin::{self, Metrics};
use crate::api::CoreApi;
use crate::cli::{self, DATA_DEFAULT, RedisArgs};
use crate::config::{self, SQLITE_FILE, StoreChoice};
use crate::data_dir::{DataDir, Running, takes_writes};
use crate::demo;
use crate::exit::{Exit, Failure};
use crate::handover::{self, Inherited, Name};
use crate::keys::CoreSecrets;
use crate::output::{note, say};
use crate::roles::core::{CoreRole, CoreStart};
use crate::roles::link::InProcess;
use crate::roles::{Roles, Served, edge, listen};
use crate::shutdown::{self, Ask, Ended, Signals};
use attribution_core::click::EdgeId;
use clap::Args;
use redirector::EdgeConfig;
use redirector::background::Pulse;
use redirector::config::Listen;
use settlement_core::Clock;
use settlement_core::api::Limits;
use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

/// Run everything in one process: edge, core and admin listener
///
/// Needs no server. Keys, journal and store are made in the data directory. SIGTERM or Ctrl-C drains and ends
/// within five seconds; a second one ends at once. SIGUSR2 restarts without refusing a client.
#[derive(Debug, Args)]
#[command(after_help = "Example: yinke up --demo")]
pub(crate) struct UpArgs {
    /// Make a small believable world: five programmes, a hundred products, links, orders, taps
    #[arg(long, env = "YINKE_DEMO")]
    demo: bool,
    /// Keeps everything; made if it is not there
    #[arg(long, env = "YINKE_DATA", value_name = "DIR", default_value = DATA_DEFAULT)]
    data: PathBuf,
    /// Where buyers are served; port 0 takes a free one
    #[arg(long, env = "YINKE_EDGE", value_name = "ADDR", default_value = "127.0.0.1:8080")]
    edge: SocketAddr,
    /// Where the API and the console are served
    #[arg(long, env = "YINKE_CORE", value_name = "ADDR", default_value = "127.0.0.1:8081")]
    core: SocketAddr,
    /// Where metrics and health are served
    #[arg(long, env = "YINKE_ADMIN", value_name = "ADDR", default_value = "127.0.0.1:9090")]
    admin: SocketAddr,
    /// The address that stands in links [default: http:// and the --edge address]
    #[arg(long, env = "YINKE_PUBLIC_URL", value_name = "URL", value_parser = config::public_base)]
    public_url: Option<Url>,
    /// A further host of yours for links, such as yk2.example; may be given several times
    #[arg(long = "host", env = "YINKE_HOST", value_name = "HOST", value_delimiter = ',', value_parser = config::own_host)]
    hosts: Vec<String>,
    /// The console's address in browsers; with https its cookies are kept to it [default: http:// and the --core address]
    #[arg(long, env = "YINKE_CONSOLE_URL", value_name = "URL", value_parser = config::public_base)]
    console_url: Option<Url>,
    /// Edge workers [default: one per core of the machine]
    #[arg(long, env = "YINKE_WORKERS", value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=128))]
    workers: Option<u8>,
    /// Let links and webhooks lead to addresses of this network; for development, never where others have tokens
    #[arg(long, env = "YINKE_ALLOW_PRIVATE_DESTINATIONS")]
    allow_private_destinations: bool,
    #[command(flatten)]
    redis: RedisArgs,
    /// Keep the core's data in this PostgreSQL instead of DIR/core.sqlite
    #[arg(long, env = "YINKE_POSTGRES", value_name = "URL", hide_env_values = true)]
    postgres: Option<String>,
    /// The administrator's bearer token [default: made in DIR/keys]
    #[arg(long, env = "YINKE_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    admin_token: Option<String>,
}

/// The edge's number in a process that is alone.
const EDGE: EdgeId = EdgeId(1);
/// How often it is looked whether everything serves.
const READY_EVERY: Duration = Duration::from_millis(20);
/// How long the start may take before it is said aloud that it takes long.
const READY_SLOW: Duration = Duration::from_secs(10);
/// An audit waits so long for the edge's word.
const HEAR_WITHIN: Duration = Duration::from_secs(1);
/// Of the drain's time, what is kept for the core behind the edge.
const CORE_DRAIN: Duration = Duration::from_secs(1);

impl UpArgs {
    /// Runs until a signal.
    ///
    /// # Errors
    /// If something cannot start.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        // A mistake here is told before anything is made.
        self.postgres.as_deref().map(cli::postgres).transpose()?;
        self.redis.options()?;
        let runtime = super::runtime()?;
        let ended = runtime.block_on(self.serve());
        // Whatever still hangs must not hold the process beyond its five seconds.
        runtime.shutdown_background();
        ended?.finish()
    }

    async fn serve(self) -> Result<Ended, Failure> {
        let mut signals = Signals::watch().map_err(|e| Failure::new(Exit::Runtime, e))?;
        let started = tokio::select! {
            started = self.start() => started?,
            code = signals.next() => return Ok(Ended::Stopped(shutdown::interrupted(code))),
        };
        // From here on a signal drains: what has started may have answered somebody.
        let ready_and_told = async {
            started.ready().await;
            self.tell(&started).await
        };
        let told = tokio::select! {
            told = ready_and_told => told.map(|()| None),
            _ = signals.next() => Ok(Some(Ask::Stop)),
        };
        // A demo that failed is no reason to leave the store in the middle of something.
        let ask = match told {
            Ok(None) => {
                let data = self.data.clone();
                signals.next_or_reload(&started.served, move || may_restart(&data)).await
            }
            Ok(Some(_)) | Err(_) => Ask::Stop,
        };
        signals.exit_on_next();
        let restarts = started.restarts;
        let kept = started.stop(ask).await;
        told.map(|_| Ended::asked(ask, kept, restarts))
    }

    async fn start(&self) -> Result<Up, Failure> {
        let data = DataDir::open(&self.data)?;
        // The journal's folder tells of earlier use also where the store is elsewhere.
        let used = data.join(SQLITE_FILE).exists() || data.join("edge").exists();
        let secrets = CoreSecrets::open_or_create(&data.subdirectory("keys")?, used)?;
        let mut inherited = Inherited::take()?;
        let edge_port = listen::edge_port(inherited.listeners(Name::Edge), self.edge)?;
        let core_port = listen::listen("the core", inherited.listeners(Name::Core), self.core)?;
        let given = inherited.listeners(Name::Admin);
        let admin_port = listen::listen("the admin listener", given, self.admin)?;
        let admin = listen::local_url(&admin_port.listener)?;
        let edge_base = listen::base_url(edge_port.address);
        let public = match &self.public_url {
            Some(url) => url.clone(),
            None => Url::parse(&edge_base).map_err(|e| Failure::new(Exit::Usage, e))?,
        };
        let served = Served::new(Roles { edge: true, core: true });
        let metrics = Metrics::install().map_err(|e| Failure::new(Exit::Runtime, e))?;
        let admin_server = admin::serve(admin_port.listener, served.clone(), metrics, inherited.restarts);
        let admin_token = self.admin_token.clone().unwrap_or_else(|| secrets.admin_token().to_owned());
        let start = CoreStart {
            store: match &self.postgres {
                Some(url) => StoreChoice::Postgres(url.clone()),
                None => StoreChoice::Sqlite(data.join(SQLITE_FILE)),
            },
            public_base: public.clone(),
            own_hosts: self.hosts.clone(),
            secrets: &secrets,
            console_url: self.console_url.clone(),
            redis: self.redis.options()?,
            allow_private_destinations: self.allow_private_destinations,
            limits: Limits::default(),
            trusted_proxies: Vec::new(),
            admin_tokens: self
                .admin_token
                .clone()
                .into_iter()
                .chain([secrets.admin_token().to_owned()])
                .collect(),
        };
        let core = CoreRole::start(start, core_port.listener).await?;
        served.core_started(&core);
        let link = Arc::new(InProcess(core.core().clone()));
        let edge =
            edge::start(self.edge_config(&data, edge_port.listen, public.clone())?, secrets.edge(EDGE), link)
                .await?;
        if let Some(pulse) = edge.pulse() {
            core.core().set_edge_bell(Box::new(move || Box::pin(hear(pulse.clone()))));
        }
        served.edge_started(edge);
        let running = Running {
            pid: std::process::id(),
            public: public.as_str().trim_end_matches('/').to_owned(),
            edge: Some(edge_base.clone()),
            core: Some(core.base_url()),
            admin,
        };
        let kept = vec![(Name::Core, core_port.kept), (Name::Admin, admin_port.kept)];
        let restarts = inherited.restarts;
        Ok(Up { data, served, core, edge_base, running, public, admin_token, admin_server, kept, restarts })
    }

    fn edge_config(&self, data: &DataDir, listen: Listen, public: Url) -> Result<EdgeConfig, Failure> {
        let mut config = EdgeConfig::new(EDGE, listen, public, data.subdirectory("edge")?);
        config.hosts.clone_from(&self.hosts);
        config.workers = self.workers.unwrap_or_else(config::workers_here);
        config.redis = self.redis.options()?;
        if self.demo {
            config.agent_patterns = Some(demo::agent_patterns(&data.subdirectory("demo")?)?);
        }
        Ok(config)
    }

    /// Says where everything is; makes the demo.
    async fn tell(&self, up: &Up) -> Result<(), Failure> {
        say(story::banner(&up.running, &self.data, &up.admin_token));
        // After a restart the world is there already.
        if !self.demo || up.restarts > 0 {
            say(story::first_steps(&up.running));
            return Ok(());
        }
        let api = CoreApi::new(&up.core.base_url(), Some(&up.admin_token))?;
        let host = story::host_of(&up.public);
        let servers = demo::Servers { api: &api, edge: &up.edge_base, public_host: &host };
        let dir = up.data.subdirectory("demo")?;
        let story = demo::run(
            &dir,
            &servers,
            Clock::System.now(),
            |done| note(format_args!("demo: {done}")),
            async || {
                up.table_is_current().await;
            },
        )
        .await?;
        say(story::demo(&up.running, &self.data, &story));
        Ok(())
    }
}

/// Whether a process that starts now would take the keys in this directory, and find room.
fn may_restart(data: &Path) -> Result<(), Failure> {
    handover::try_program(&[OsStr::new("--version")])?;
    CoreSecrets::open_or_create(&data.join("keys"), true)?;
    Ok(takes_writes(data)?)
}

/// Everything that runs.
struct Up {
    data: DataDir,
    served: Arc<Served>,
    core: CoreRole,
    edge_base: String,
    running: Running,
    public: Url,
    admin_token: String,
    admin_server: admin::Serving,
    /// Sockets for the process after this one.
    kept: Vec<(Name, TcpListener)>,
    restarts: u32,
}

impl Up {
    /// Waits until everything serves, and notes where.
    async fn ready(&self) {
        wait_until_ready(&self.served).await;
        self.data.note_running(&self.running);
    }

    /// Waits until the edge knows all that the core has now.
    async fn table_is_current(&self) {
        loop {
            let head = self.core.core().feed_head().await;
            if head.is_ok_and(|head| self.served.applied() >= Some(head.number)) {
                return;
            }
            tokio::time::sleep(READY_EVERY).await;
        }
    }

    /// Drains: the edge first, which ships to the core; then the core; then the directory is free.
    /// Gives the sockets for the process after this one, if there is to be one.
    async fn stop(self, ask: Ask) -> Vec<(Name, TcpListener)> {
        tracing::info!(?ask, "draining");
        let began = Instant::now();
        self.served.drain();
        let mut edge = self.served.take_edge();
        let mut kept = self.kept;
        if ask == Ask::Stop {
            kept.clear();
        } else if let Some(edge) = &mut edge {
            kept.extend(edge.take_listeners().into_iter().map(|socket| (Name::Edge, socket)));
        }
        edge::shutdown(edge, shutdown::DRAIN.saturating_sub(CORE_DRAIN)).await;
        let left = shutdown::DRAIN.saturating_sub(began.elapsed());
        let finished = self.core.shutdown(left.max(CORE_DRAIN / 2)).await;
        if ask == Ask::Restart {
            self.admin_server.finish().await;
        }
        drop(self.data);
        tracing::info!(finished, took_s = began.elapsed().as_secs_f64(), "stopped");
        kept
    }
}

/// One heartbeat of the edge, unless it takes too long for whoever waits for it.
async fn hear(pulse: Pulse) {
    let _ = tokio::time::timeout(HEAR_WITHIN, pulse.beat()).await;
}

async fn wait_until_ready(served: &Served) {
    let began = Instant::now();
    let mut said = false;
    while !served.is_ready().await {
        if !said && began.elapsed() > READY_SLOW {
            said = true;
            tracing::warn!("the start takes long; GET /readyz?verbose on the admin listener says why");
        }
        tokio::time::sleep(READY_EVERY).await;
    }
}
