//! The admin listener: metrics, health, readiness, version, reload. For operators and machines, never for buyers.

mod metrics;
mod process;

pub(crate) use metrics::Metrics;

use crate::cli::VERSION;
use crate::roles::{Served, http};
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use std::fmt::Write as _;
use std::sync::Arc;
use tokio::net::TcpListener;

#[derive(Clone)]
struct Admin {
    served: Arc<Served>,
    metrics: Metrics,
}

/// Serves until the process ends: an operator may look while it drains.
pub(crate) fn serve(listener: TcpListener, served: Arc<Served>, metrics: Metrics) {
    let router = Router::new()
        .route("/metrics", get(render_metrics))
        .route("/healthz", get(healthy))
        .route("/livez", get(healthy))
        .route("/readyz", get(ready))
        .route("/version", get(version))
        .route("/-/reload", post(reload))
        .with_state(Admin { served, metrics });
    tokio::spawn(http::serve(listener, router, std::future::pending()));
}

async fn render_metrics(State(admin): State<Admin>) -> Response {
    let mut text = admin.metrics.render();
    admin.served.render_metrics(&mut text);
    process::render(&mut text);
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

async fn version() -> Json<serde_json::Value> {
    Json(serde_json::json!({
        "name": "yinke",
        "version": env!("CARGO_PKG_VERSION"),
        "revision": env!("YINKE_REVISION"),
        "text": format!("yinke {VERSION}"),
    }))
}

async fn reload(State(admin): State<Admin>) -> Response {
    match admin.served.reload() {
        Ok(()) => "reloaded\n".into_response(),
        Err(problem) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("kept the old: {problem}\n")).into_response()
        }
    }
}
