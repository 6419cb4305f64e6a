//! The metrics recorder of this process: installed once, with explicit buckets, and kept tidy.

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::time::Duration;

/// Seconds, from an answer of the API to a job: wide steps, because they are only looked at when slow.
const SECONDS: &[f64] =
    &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];
/// Bytes of batches and bodies.
const BYTES: &[f64] = &[256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 8_388_608.0];
/// Anything that is counted per batch.
const COUNTS: &[f64] = &[1.0, 10.0, 100.0, 1_000.0, 10_000.0, 30_000.0];
/// Histograms are drained this often; otherwise they grow until somebody scrapes.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Renders what the recorder holds.
#[derive(Clone)]
pub(crate) struct Metrics(PrometheusHandle);

impl Metrics {
    /// Installs the recorder. Must be called within a runtime, once, before anything is counted.
    ///
    /// # Errors
    /// If there is a recorder already.
    pub(crate) fn install() -> Result<Self, BuildError> {
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
            .set_buckets_for_metric(Matcher::Suffix("_bytes".to_owned()), BYTES)?
            .set_buckets(COUNTS)?
            .install_recorder()?;
        metrics::describe_gauge!("yinke_build_info", "Always 1; the labels say what runs.");
        metrics::gauge!("yinke_build_info", "version" => env!("CARGO_PKG_VERSION"), "revision" => env!("YINKE_REVISION"))
            .set(1.0);
        let upkeep = handle.clone();
        tokio::spawn(async move {
            let mut every = tokio::time::interval(UPKEEP_EVERY);
            loop {
                every.tick().await;
                upkeep.run_upkeep();
            }
        });
        Ok(Self(handle))
    }

    /// In Prometheus' text format.
    pub(crate) fn render(&self) -> String {
        self.0.render()
    }
}
