//! `yinke edge --config FILE`: an edge alone; the core is elsewhere.

use crate::admin::{self, Metrics};
use crate::config::{EdgeFile, load};
use crate::data_dir::{DataDir, Running};
use crate::exit::{Exit, Failure};
use crate::keys::EdgeSecrets;
use crate::roles::{Roles, Served, edge, listen};
use crate::shutdown::{self, Signals};
use clap::Args;
use redirector::EdgeConfig;
use redirector::config::Listen;
use redirector::core_link::{CoreToken, HttpCoreLink, HttpCoreLinkOptions};
use std::path::PathBuf;
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
        let ended = runtime.block_on(serve(settings));
        runtime.shutdown_background();
        ended
    }
}

async fn serve(settings: EdgeFile) -> Result<ExitCode, Failure> {
    let mut signals = Signals::watch().map_err(|e| Failure::new(Exit::Runtime, e))?;
    let data = DataDir::open(&settings.data_dir)?;
    let secrets = EdgeSecrets::open(&settings.keys_dir, settings.edge)?;
    let admin_listener = listen::listen("the admin listener", settings.listen_admin)?;
    let admin = listen::local_url(&admin_listener)?;
    let public = settings.public_url.to_string();
    let port = listen::reserve("the edge", settings.listen_public)?;
    let token = CoreToken::new(&settings.core_token).map_err(|e| Failure::new(Exit::Config, e))?;
    let options = HttpCoreLinkOptions::new(settings.core_url.clone(), token);
    let link = HttpCoreLink::new(options).map_err(|e| Failure::new(Exit::Config, e))?;
    let served = Served::new(Roles { edge: true, core: false });
    let metrics = Metrics::install().map_err(|e| Failure::new(Exit::Runtime, e))?;
    admin::serve(admin_listener, served.clone(), metrics);
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
        redis_url: settings.redis_url,
        ..EdgeConfig::new(settings.edge, Listen::Bind(port.address), settings.public_url, settings.data_dir)
    };
    let running = tokio::select! {
        running = edge::start(config, secrets, Arc::new(link)) => running?,
        code = signals.next() => return Ok(shutdown::interrupted(code)),
    };
    served.edge_started(running);
    data.note_running(&Running {
        pid: std::process::id(),
        public,
        edge: Some(listen::base_url(port.address)),
        core: None,
        admin,
    })?;
    signals.next_or_reload(&served).await;
    signals.exit_on_next();
    tracing::info!("draining");
    served.drain();
    edge::shutdown(served.take_edge(), shutdown::DRAIN).await;
    Ok(ExitCode::SUCCESS)
}
