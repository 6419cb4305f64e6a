//! The metrics of this test process, as a scraper sees them. All tests share them: wait for names of your own.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use std::time::Duration;

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Collects metrics from here on.
pub(crate) fn install() {
    HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).unwrap();
        handle
    });
}

/// Waits until a line begins so.
pub(crate) async fn scraped(line: &str) {
    let waiting = async {
        while !HANDLE.get().unwrap().render().lines().any(|scraped| scraped.starts_with(line)) {
            tokio::task::yield_now().await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(20), waiting).await.is_err() {
        panic!("{line} is not in\n{}", HANDLE.get().unwrap().render());
    }
}
