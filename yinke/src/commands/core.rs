//! `yinke core --config FILE`: the core alone.

use crate::admin::{self, Metrics};
use crate::config::{CoreFile, StoreChoice, load};
use crate::data_dir::{DataDir, Running, create_private};
use crate::exit::{Exit, Failure};
use crate::keys::CoreSecrets;
use crate::roles::core::{CoreRole, CoreStart};
use crate::roles::{Roles, Served, listen};
use crate::shutdown::{self, Signals};
use clap::Args;
use std::path::PathBuf;
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
        super::runtime()?.block_on(serve(settings))
    }
}

async fn serve(settings: CoreFile) -> Result<ExitCode, Failure> {
    let mut signals = Signals::watch().map_err(|e| Failure::new(Exit::Runtime, e))?;
    let data = DataDir::open(&settings.data_dir)?;
    create_private(&settings.keys_dir)?;
    let used = matches!(&settings.store, StoreChoice::Sqlite(path) if path.exists());
    let secrets = CoreSecrets::open_or_create(&settings.keys_dir, used)?;
    let admin_listener = listen::listen("the admin listener", settings.listen_admin)?;
    let admin = listen::local_url(&admin_listener)?;
    let public = settings.public_url.to_string();
    let api_listener = listen::listen("the core", settings.listen_api)?;
    let served = Served::new(Roles { edge: false, core: true });
    let metrics = Metrics::install().map_err(|e| Failure::new(Exit::Runtime, e))?;
    admin::serve(admin_listener, served.clone(), metrics);
    let start = CoreStart {
        store: settings.store,
        public_base: settings.public_url,
        own_hosts: Vec::new(),
        secrets: &secrets,
        admin_tokens: settings.admin_token.into_iter().chain([secrets.admin_token().to_owned()]).collect(),
    };
    let role = tokio::select! {
        role = CoreRole::start(start, api_listener) => role?,
        code = signals.next() => return Ok(shutdown::interrupted(code)),
    };
    served.core_started(role.core().clone());
    data.note_running(&Running {
        pid: std::process::id(),
        public,
        edge: None,
        core: Some(role.base_url()),
        admin,
    })?;
    signals.next_or_reload(&served).await;
    signals.exit_on_next();
    tracing::info!("draining");
    served.drain();
    let finished = role.shutdown(shutdown::DRAIN).await;
    tracing::info!(finished, "stopped");
    Ok(ExitCode::SUCCESS)
}
