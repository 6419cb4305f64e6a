//! What a run of the loader found, as one line of JSON, and the sampled answers.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

/// The figures of one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// Answers within the time that counts.
    pub answers: u64,
    /// All answers, the warm-up and the last ones included: so many records the journal must have.
    pub answers_total: u64,
    /// Requests sent whose answer never came, because the connection broke.
    pub unanswered: u64,
    /// Answers with another status than expected.
    pub wrong_status: u64,
    /// Seconds that counted.
    pub seconds: f64,
    /// Answers per second.
    pub per_second: f64,
    /// Latency in microseconds: half of the answers came at least as fast.
    pub p50_us: f64,
    /// The same for 99 %.
    pub p99_us: f64,
    /// The same for 99.9 %.
    pub p999_us: f64,
    /// The slowest.
    pub max_us: f64,
    /// The server's processor time per answer in microseconds, all threads.
    pub server_cpu_us: f64,
    /// The share of the time in which the server ran.
    pub server_busy: f64,
    /// The loader's own processor time per answer in microseconds.
    pub loader_cpu_us: f64,
    /// Bytes of the first answer.
    pub answer_bytes: usize,
}

/// What was counted while the clock ran.
#[derive(Debug, Clone)]
pub struct Count {
    /// Latencies in nanoseconds.
    pub latencies: Histogram<u64>,
    /// Answers with another status than expected.
    pub wrong_status: u64,
    /// Requests whose answer never came.
    pub unanswered: u64,
}

impl Count {
    /// Nothing counted yet.
    ///
    /// # Errors
    /// Never: the histogram's bounds are valid.
    pub fn new() -> anyhow::Result<Self> {
        // 100 ns to 100 s with three digits.
        Ok(Self {
            latencies: Histogram::new_with_bounds(100, 100_000_000_000, 3)?,
            wrong_status: 0,
            unanswered: 0,
        })
    }

    /// One answer that took so long.
    pub fn answer(&mut self, took: Duration) {
        self.latencies.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// A quantile in microseconds.
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds below 2^53")]
    pub fn quantile_us(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64 / 1_000.0
    }
}

/// An answer kept for checking.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sample {
    /// The code that was asked for.
    pub code: String,
    /// Status line and headers.
    pub head: String,
}

/// Appends samples as JSON lines.
///
/// # Errors
/// If the file cannot be written.
pub fn append_samples(path: &Path, samples: &[Sample]) -> io::Result<()> {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    let mut out = io::BufWriter::new(file);
    for sample in samples {
        serde_json::to_writer(&mut out, sample)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
