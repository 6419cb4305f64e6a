//! What every page has at hand: the core, its API, the texts, the files, and how browsers reach us.

use crate::api::Api;
use crate::assets::Assets;
use crate::drawing::Desks;
use crate::lang::Lang;
use crate::texts::{Texts, TextsError};
use crate::thumbnails::Thumbnails;
use axum::Router;
use settlement_core::Core;
use std::sync::Arc;
use url::Url;

/// How the console is reached.
#[derive(Debug, Clone, Default)]
pub struct ConsoleConfig {
    /// The address in browsers. `None`: plain http, under whatever host they ask for. With https, cookies are
    /// `Secure` and bound to the host.
    pub url: Option<Url>,
}

/// Why the console cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A built-in text file is broken.
    #[error("the console's texts cannot be read")]
    Texts(#[from] TextsError),
    /// A built-in file cannot be compressed.
    #[error("the console's files cannot be compressed")]
    Assets(#[from] std::io::Error),
}

/// The open console. Clones share it.
#[derive(Clone)]
pub(crate) struct Console {
    shared: Arc<Shared>,
}

struct Shared {
    core: Core,
    api: Api,
    config: ConsoleConfig,
    assets: Arc<Assets>,
    desks: Desks,
    thumbnails: Thumbnails,
    zh: Arc<Texts>,
    en: Arc<Texts>,
}

impl Console {
    pub(crate) fn new(core: Core, api: Router, config: ConsoleConfig) -> Result<Self, StartError> {
        let shared = Shared {
            core,
            api: Api::new(api),
            config,
            assets: Arc::new(Assets::load()?),
            desks: Desks::default(),
            thumbnails: Thumbnails::default(),
            zh: Arc::new(Texts::load(Lang::Zh)?),
            en: Arc::new(Texts::load(Lang::En)?),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub(crate) fn core(&self) -> &Core {
        &self.shared.core
    }

    pub(crate) fn api(&self) -> &Api {
        &self.shared.api
    }

    pub(crate) fn assets(&self) -> &Arc<Assets> {
        &self.shared.assets
    }

    pub(crate) fn desks(&self) -> &Desks {
        &self.shared.desks
    }

    pub(crate) fn thumbnails(&self) -> &Thumbnails {
        &self.shared.thumbnails
    }

    pub(crate) fn texts(&self, lang: Lang) -> Arc<Texts> {
        match lang {
            Lang::Zh => self.shared.zh.clone(),
            Lang::En => self.shared.en.clone(),
        }
    }

    /// The configured address.
    pub(crate) fn url(&self) -> Option<&Url> {
        self.shared.config.url.as_ref()
    }

    /// Whether browsers reach us over https.
    pub(crate) fn is_secure(&self) -> bool {
        self.url().is_some_and(|url| url.scheme() == "https")
    }
}
