//! The edge's role: its configuration put together, started, and drained.

use crate::exit::{Exit, Failure};
use crate::keys::EdgeSecrets;
use redirector::core_link::CoreLink;
use redirector::{Edge, EdgeConfig, EdgeKeys};
use std::sync::Arc;
use std::time::Duration;

/// Starts an edge.
///
/// # Errors
/// If its journal or its listener cannot be opened.
pub(crate) async fn start(
    config: EdgeConfig,
    secrets: EdgeSecrets,
    link: Arc<dyn CoreLink>,
) -> Result<Edge, Failure> {
    let keys = EdgeKeys {
        browser: secrets.browser,
        click: secrets.click,
        check: secrets.check,
        address_secret: secrets.address,
    };
    // Opening the journal reads the disk.
    let edge = tokio::task::spawn_blocking(move || Edge::start(config, keys, link))
        .await
        .map_err(|e| Failure::new(Exit::Runtime, e))??;
    tracing::info!(address = %edge.address(), "the edge serves links");
    Ok(edge)
}

/// Stops accepting, finishes, syncs the journal and ships what it can within the time.
pub(crate) async fn shutdown(edge: Option<Edge>, within: Duration) {
    let Some(edge) = edge else { return };
    let report = edge.shutdown(within).await;
    tracing::info!(?report, "the edge has stopped");
}
