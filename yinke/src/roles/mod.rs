//! The roles of a process: the core, the edge, or both; how they start, how they stand, how they drain.

pub(crate) mod core;
pub(crate) mod edge;
pub(crate) mod http;
mod jobs;
pub(crate) mod link;
pub(crate) mod listen;
mod places;

use self::core::CoreRole;
use ::core::sync::atomic::{AtomicBool, Ordering};
use attribution_core::with_causes;
use redirector::{AgentsError, Edge};
use settlement_core::Core;
use settlement_core::store::StoreError;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;

/// What this process is there for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Roles {
    /// It redirects buyers.
    pub(crate) edge: bool,
    /// It answers the API.
    pub(crate) core: bool,
}

/// The roles as the admin listener sees them; they appear as they start.
pub(crate) struct Served {
    roles: Roles,
    /// Held for moments only: a look at it, or its taking when the process drains.
    edge: Mutex<Option<Edge>>,
    core: OnceLock<StartedCore>,
    draining: AtomicBool,
}

/// The core, and what it does beside answering.
struct StartedCore {
    core: Core,
    tasks: Vec<(&'static str, AbortHandle)>,
}

/// One line of `/readyz?verbose`.
pub(crate) struct Check {
    /// Which part.
    pub(crate) name: &'static str,
    /// Why it is not ready, if so.
    pub(crate) problem: Option<String>,
    /// What else an operator may want to know.
    pub(crate) note: Option<String>,
}

/// A store that has not answered by then is not ready.
const CORE_TIMEOUT: Duration = Duration::from_secs(2);

impl Served {
    /// Nothing has started yet.
    pub(crate) fn new(roles: Roles) -> Arc<Self> {
        Arc::new(Self {
            roles,
            edge: Mutex::new(None),
            core: OnceLock::new(),
            draining: AtomicBool::new(false),
        })
    }

    /// The edge has started.
    pub(crate) fn edge_started(&self, edge: Edge) {
        *self.edge() = Some(edge);
    }

    /// Takes the edge out, to end it.
    pub(crate) fn take_edge(&self) -> Option<Edge> {
        self.edge().take()
    }

    /// The last change that the edge's table holds; `None` without an edge.
    pub(crate) fn applied(&self) -> Option<u64> {
        self.edge().as_ref().map(|edge| edge.contact().applied())
    }

    fn edge(&self) -> MutexGuard<'_, Option<Edge>> {
        self.edge.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The core has started.
    pub(crate) fn core_started(&self, role: &CoreRole) {
        let _ = self.core.set(StartedCore { core: role.core().clone(), tasks: role.tasks() });
    }

    /// From here on the process is not ready: load balancers look elsewhere.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// How every part stands.
    pub(crate) async fn checks(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        if self.draining.load(Ordering::Relaxed) {
            checks.push(Check { name: "process", problem: Some("shutting down".to_owned()), note: None });
        }
        if self.roles.core {
            let problem = match self.core.get() {
                None => Some("starting".to_owned()),
                Some(started) => match tokio::time::timeout(CORE_TIMEOUT, started.core.ready()).await {
                    Ok(Ok(())) => None,
                    // It says itself that it does answer, and takes nothing.
                    Ok(Err(error @ StoreError::Unusable(_))) => Some(with_causes(&error)),
                    Ok(Err(error)) => Some(format!("the store does not answer: {}", with_causes(&error))),
                    Err(_) => Some("the store does not answer in time".to_owned()),
                },
            };
            checks.push(Check { name: "core", problem, note: None });
            if let Some(started) = self.core.get() {
                // A core that answers and settles nothing would go unnoticed. One failing round does not end a task.
                let ended = started.tasks.iter().filter(|(_, task)| task.is_finished());
                let ended: Vec<String> = ended.map(|(name, _)| format!("{name} has ended")).collect();
                let problem = (!ended.is_empty()).then(|| ended.join("; "));
                checks.push(Check { name: "jobs", problem, note: None });
            }
        }
        if self.roles.edge {
            let readiness = self.edge().as_ref().map(Edge::readiness);
            let (problem, note) = match readiness {
                None => (Some("not there".to_owned()), None),
                Some(readiness) => {
                    let reasons: Vec<String> = readiness.reasons.iter().map(ToString::to_string).collect();
                    let note = format!("unsynced for {} ms", readiness.unsynced_ms);
                    ((!reasons.is_empty()).then(|| reasons.join("; ")), Some(note))
                }
            };
            checks.push(Check { name: "edge", problem, note });
        }
        checks
    }

    /// Whether everything serves.
    pub(crate) async fn is_ready(&self) -> bool {
        self.checks().await.iter().all(|check| check.problem.is_none())
    }

    /// Appends what the click path counts by itself.
    pub(crate) fn render_metrics(&self, out: &mut String) {
        if let Some(edge) = self.edge().as_ref() {
            edge.render_metrics(out);
        }
    }

    /// Reads again what can change while running.
    ///
    /// # Errors
    /// If something cannot be read; the old stays in force.
    pub(crate) fn reload(&self) -> Result<(), AgentsError> {
        let result = self.edge().as_ref().map_or(Ok(()), Edge::reload);
        match &result {
            Ok(()) => tracing::info!("reloaded"),
            Err(error) => {
                let error = with_causes(error);
                tracing::error!(error, "reload failed; the old stays in force");
            }
        }
        metrics::describe_gauge!(
            "yinke_edge_last_reload_successful",
            "1 if the last reload was taken, 0 if the old configuration stayed."
        );
        metrics::gauge!("yinke_edge_last_reload_successful").set(f64::from(u8::from(result.is_ok())));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::core::CoreStart;
    use super::*;
    use crate::config::StoreChoice;
    use crate::keys::CoreSecrets;
    use settlement_core::api::Limits;
    use tokio::net::TcpListener;
    use url::Url;

    async fn started(dir: &std::path::Path) -> CoreRole {
        std::fs::create_dir(dir.join("keys")).unwrap();
        let secrets = CoreSecrets::open_or_create(&dir.join("keys"), false).unwrap();
        let start = CoreStart {
            store: StoreChoice::Sqlite(dir.join("core.db")),
            public_base: Url::parse("http://127.0.0.1/").unwrap(),
            own_hosts: Vec::new(),
            secrets: &secrets,
            admin_tokens: Vec::new(),
            console_url: None,
            redis: None,
            allow_private_destinations: false,
            limits: Limits::default(),
            trusted_proxies: Vec::new(),
        };
        CoreRole::start(start, TcpListener::bind("127.0.0.1:0").await.unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn a_core_whose_jobs_have_ended_is_not_ready() {
        let dir = tempfile::tempdir().unwrap();
        let served = Served::new(Roles { edge: false, core: true });
        assert!(!served.is_ready().await);
        let role = started(dir.path()).await;
        served.core_started(&role);
        assert!(served.is_ready().await);
        let (name, task) = role.tasks().swap_remove(0);
        task.abort();
        while !task.is_finished() {
            tokio::task::yield_now().await;
        }
        let checks = served.checks().await;
        let problems: Vec<_> = checks.into_iter().filter_map(|check| check.problem).collect();
        assert_eq!(problems, [format!("{name} has ended")]);
        assert!(role.shutdown(Duration::from_secs(5)).await);
    }
}
