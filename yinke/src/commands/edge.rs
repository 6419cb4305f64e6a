//! `yinke edge --config FILE`: an edge alone; the core is elsewhere.

use crate::admin::{self, Metrics};
use crate::config::{EdgeFile, load};
use crate::data_dir::{DataDir, Running, takes_writes};
use crate::exit::{Exit, Failure};
use crate::handover::{self, Inherited, Name};
use crate::keys::EdgeSecrets;
use crate::roles::{Roles, Served, edge, listen};
use crate::shutdown::{self, Ask, Ended, Signals};
use clap::Args;
use redirector::EdgeConfig;
use redirector::core_link::{CoreToken, HttpCoreLink, HttpCoreLinkOptions};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Run an edge: redirect buyers and record their clicks
#[derive(Debug, Args)]
pub(crate) struct EdgeArgs {
    /// Configuration file; see deploy/config/edge.example.toml
    #[arg(long, short, env = "YINKE_CONFIG", value_name = "FILE")]
    config: PathBuf,
}

impl EdgeArgs {
    /// Runs until a signal.
    ///
    /// # Errors
    /// If the edge cannot start.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let settings = load::<EdgeFile>(&self.config)?.settings;
        let runtime = super::runtime()?;
        let ended = runtime.block_on(serve(settings, self.config));
        runtime.shutdown_background();
        ended?.finish()
    }
}

async fn serve(settings: EdgeFile, file: PathBuf) -> Result<Ended, Failure> {
    let mut inherited = Inherited::take()?;
    let mut signals = Signals::watch().map_err(|e| Failure::new(Exit::Runtime, e))?;
    let data = DataDir::open(&settings.data_dir)?;
    let secrets = EdgeSecrets::open(&settings.keys_dir, settings.edge)?;
    let given = inherited.listeners(Name::Admin);
    let admin_port = listen::listen("the admin listener", given, settings.listen_admin)?;
    let admin = listen::local_url(&admin_port.listener)?;
    let public = settings.public_url.to_string();
    let port = listen::edge_port(inherited.listeners(Name::Edge), settings.listen_public)?;
    let token = CoreToken::new(&settings.core_token).map_err(|e| Failure::new(Exit::Config, e))?;
    let options = HttpCoreLinkOptions::new(settings.core_url.clone(), token);
    let link = HttpCoreLink::new(options).map_err(|e| Failure::new(Exit::Config, e))?;
    let served = Served::new(Roles { edge: true, core: false });
    let metrics = Metrics::install().map_err(|e| Failure::new(Exit::Runtime, e))?;
    let admin_server = admin::serve(admin_port.listener, served.clone(), metrics, inherited.restarts);
    let config = EdgeConfig {
        workers: settings.workers,
        hosts: settings.hosts,
        limits: settings.limits,
        trusted_proxies: settings.trusted_proxies,
        agent_patterns: settings.agent_patterns,
        max_stale: settings.max_stale,
        durability: settings.durability,
        journal: settings.journal,
        snapshot_every: settings.snapshot_every,
        redis: settings.redis,
        ..EdgeConfig::new(settings.edge, port.listen, settings.public_url, settings.data_dir)
    };
    let running = tokio::select! {
        running = edge::start(config, secrets, Arc::new(link)) => running?,
        code = signals.next() => return Ok(Ended::Stopped(shutdown::interrupted(code))),
    };
    served.edge_started(running);
    data.note_running(&Running {
        pid: std::process::id(),
        public,
        edge: Some(listen::base_url(port.address)),
        core: None,
        admin,
    });
    let ask = signals.next_or_reload(&served, move || may_restart(&file)).await;
    signals.exit_on_next();
    tracing::info!(?ask, "draining");
    served.drain();
    let mut edge = served.take_edge();
    let sockets = edge.as_mut().map(redirector::Edge::take_listeners).unwrap_or_default();
    let mut kept: Vec<(Name, TcpListener)> = vec![(Name::Admin, admin_port.kept)];
    kept.extend(sockets.into_iter().map(|socket| (Name::Edge, socket)));
    if ask == Ask::Stop {
        kept.clear();
    }
    edge::shutdown(edge, shutdown::DRAIN).await;
    if ask == Ask::Restart {
        admin_server.finish().await;
    }
    Ok(Ended::asked(ask, kept, inherited.restarts))
}

/// Whether an edge that starts now would take its configuration and its keys, and find room.
fn may_restart(file: &Path) -> Result<(), Failure> {
    handover::try_configuration("edge", file)?;
    // What only the next program can read, only it can judge.
    let Ok(next) = load::<EdgeFile>(file) else { return Ok(()) };
    EdgeSecrets::open(&next.settings.keys_dir, next.settings.edge)?;
    Ok(takes_writes(&next.settings.data_dir)?)
}
