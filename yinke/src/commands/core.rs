//! `yinke core --config FILE`: the core alone.

use crate::admin::{self, Metrics};
use crate::config::{CoreFile, StoreChoice, load};
use crate::data_dir::{DataDir, Running, create_private, takes_writes};
use crate::exit::{Exit, Failure};
use crate::handover::{self, Inherited, Name};
use crate::keys::CoreSecrets;
use crate::roles::core::{CoreRole, CoreStart};
use crate::roles::{Roles, Served, listen};
use crate::shutdown::{self, Ask, Ended, Signals};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Run the core: ingest, attribution, ledger and API
#[derive(Debug, Args)]
pub(crate) struct CoreRoleArgs {
    /// Configuration file; see deploy/config/core.example.toml
    #[arg(long, short, env = "YINKE_CONFIG", value_name = "FILE")]
    config: PathBuf,
}

impl CoreRoleArgs {
    /// Runs until a signal.
    ///
    /// # Errors
    /// If the core cannot start.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let settings = load::<CoreFile>(&self.config)?.settings;
        let runtime = super::runtime()?;
        let ended = runtime.block_on(serve(settings, self.config));
        runtime.shutdown_background();
        ended?.finish()
    }
}

async fn serve(settings: CoreFile, file: PathBuf) -> Result<Ended, Failure> {
    let mut inherited = Inherited::take()?;
    let mut signals = Signals::watch().map_err(|e| Failure::new(Exit::Runtime, e))?;
    let data = DataDir::open(&settings.data_dir)?;
    create_private(&settings.keys_dir)?;
    let used = matches!(&settings.store, StoreChoice::Sqlite(path) if path.exists());
    let secrets = CoreSecrets::open_or_create(&settings.keys_dir, used)?;
    let given = inherited.listeners(Name::Admin);
    let admin_port = listen::listen("the admin listener", given, settings.listen_admin)?;
    let admin = listen::local_url(&admin_port.listener)?;
    let public = settings.public_url.to_string();
    let api_port = listen::listen("the core", inherited.listeners(Name::Core), settings.listen_api)?;
    let served = Served::new(Roles { edge: false, core: true });
    let metrics = Metrics::install().map_err(|e| Failure::new(Exit::Runtime, e))?;
    let admin_server = admin::serve(admin_port.listener, served.clone(), metrics, inherited.restarts);
    let start = CoreStart {
        store: settings.store,
        public_base: settings.public_url,
        own_hosts: settings.hosts,
        secrets: &secrets,
        console_url: settings.console_url,
        redis: settings.redis,
        allow_private_destinations: settings.allow_private_destinations,
        limits: settings.limits,
        trusted_proxies: settings.trusted_proxies,
        admin_tokens: settings.admin_token.into_iter().chain([secrets.admin_token().to_owned()]).collect(),
    };
    let role = tokio::select! {
        role = CoreRole::start(start, api_port.listener) => role?,
        code = signals.next() => return Ok(Ended::Stopped(shutdown::interrupted(code))),
    };
    served.core_started(&role);
    data.note_running(&Running {
        pid: std::process::id(),
        public,
        edge: None,
        core: Some(role.base_url()),
        admin,
    });
    let ask = signals.next_or_reload(&served, move || may_restart(&file)).await;
    signals.exit_on_next();
    tracing::info!(?ask, "draining");
    served.drain();
    let mut kept = vec![(Name::Admin, admin_port.kept), (Name::Core, api_port.kept)];
    if ask == Ask::Stop {
        kept.clear();
    }
    let finished = role.shutdown(shutdown::DRAIN).await;
    tracing::info!(finished, "stopped");
    if ask == Ask::Restart {
        admin_server.finish().await;
    }
    Ok(Ended::asked(ask, kept, inherited.restarts))
}

/// Whether a core that starts now would take its configuration and its keys, and find room.
fn may_restart(file: &Path) -> Result<(), Failure> {
    handover::try_configuration("core", file)?;
    // What only the next program can read, only it can judge.
    let Ok(next) = load::<CoreFile>(file) else { return Ok(()) };
    CoreSecrets::open_or_create(&next.settings.keys_dir, true)?;
    Ok(takes_writes(&next.settings.data_dir)?)
}
