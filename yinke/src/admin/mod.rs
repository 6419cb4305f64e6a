//! The admin listener: metrics, health, readiness, version, reload. For operators and machines, never for buyers.

mod metrics;
mod process;

pub(crate) use metrics::Metrics;

use crate::cli::VERSION;
use crate::logging;
use crate::roles::{Served, http};
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

#[derive(Clone)]
struct Admin {
    served: Arc<Served>,
    metrics: Metrics,
    restarts: u32,
}

/// The admin listener at work. Dropping it changes nothing.
pub(crate) struct Serving {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Answers under way at a restart get so long.
const FINISH_WITHIN: Duration = Duration::from_millis(500);

impl Serving {
    /// Accepts nothing more and finishes the answers under way: the next process goes on with the socket.
    pub(crate) async fn finish(self) {
        let _ = self.stop.send(());
        let _ = tokio::time::timeout(FINISH_WITHIN, self.task).await;
    }
}

/// Serves until the process ends: an operator may look while it drains.
pub(crate) fn serve(listener: TcpListener, served: Arc<Served>, metrics: Metrics, restarts: u32) -> Serving {
    let router = Router::new()
        .route("/metrics", get(render_metrics))
        .route("/healthz", get(healthy))
        .route("/livez", get(healthy))
        .route("/readyz", get(ready))
        .route("/version", get(version))
        .route("/-/reload", post(reload))
        .with_state(Admin { served, metrics, restarts });
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(http::serve(listener, router, Vec::new(), async {
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
    }));
    Serving { stop, task }
}

async fn render_metrics(State(admin): State<Admin>) -> Response {
    let mut text = admin.metrics.render();
    admin.served.render_metrics(&mut text);
    process::render(&mut text);
    logging::render_metrics(&mut text);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// The process answers; nothing else is asked, so that a supervisor does not kill it for another's failure.
async fn healthy() -> &'static str {
    "ok\n"
}

async fn ready(State(admin): State<Admin>, RawQuery(query): RawQuery) -> Response {
    let checks = admin.served.checks().await;
    let all_good = checks.iter().all(|check| check.problem.is_none());
    let verbose = query.is_some_and(|q| q.split('&').any(|p| p == "verbose" || p.starts_with("verbose=")));
    let mut text = String::new();
    if verbose || !all_good {
        for check in checks {
            let _ = match check.problem {
                None => write!(text, "[+] {} ok", check.name),
                Some(problem) => write!(text, "[-] {}: {problem}", check.name),
            };
            let _ = match check.note {
                None => writeln!(text),
                Some(note) => writeln!(text, " ({note})"),
            };
        }
    }
    let (status, line) =
        if all_good { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready\n") };
    (status, format!("{text}{line}")).into_response()
}

async fn version(State(admin): State<Admin>) -> Json<serde_json::Value> {
    Json(serde_json::json!({
        "name": "yinke",
        "version": env!("CARGO_PKG_VERSION"),
        "revision": env!("YINKE_REVISION"),
        "text": format!("yinke {VERSION}"),
        "restarts": admin.restarts,
    }))
}

async fn reload(State(admin): State<Admin>) -> Response {
    match admin.served.reload() {
        Ok(()) => "reloaded\n".into_response(),
        Err(error) => {
            let why = anyhow::Error::new(error);
            (StatusCode::INTERNAL_SERVER_ERROR, format!("kept the old: {why:#}\n")).into_response()
        }
    }
}
