//! What a run found: counts and latencies, as a table for people and as JSON for programs.

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Latencies from 1 microsecond to 100 seconds, three digits.
#[derive(Debug, Clone)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, 100_000_000, 3);
        Self(histogram.unwrap_or_else(|_| unreachable!("the bounds are valid")))
    }
}

impl Latencies {
    /// Notes one.
    pub fn note(&mut self, took: Duration) {
        self.0.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// A quantile in microseconds.
    pub fn quantile(&self, quantile: f64) -> u64 {
        self.0.value_at_quantile(quantile)
    }

    fn json(&self) -> Value {
        json!({
            "p50_us": self.quantile(0.5), "p90_us": self.quantile(0.9), "p99_us": self.quantile(0.99),
            "p999_us": self.quantile(0.999), "max_us": self.0.max(),
        })
    }
}

/// The figures of a run.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Arrivals that were due.
    pub due: u64,
    /// Requests sent that got an answer.
    pub answered: u64,
    /// Requests sent whose answer never came: in doubt.
    pub unanswered: u64,
    /// Arrivals that found no connection or were still queued at the end: nothing was sent.
    pub not_sent: u64,
    /// Answers by status.
    pub by_status: BTreeMap<u16, u64>,
    /// Answers by outcome, as far as the answer shows it.
    pub by_outcome: BTreeMap<String, u64>,
    /// From the intended time to the end of the answer.
    pub latency: Latencies,
    /// From sending to the end of the answer: what a closed loop would report.
    pub service: Latencies,
    /// From the intended time to sending: how late the loader itself was.
    pub lag: Latencies,
    /// How long the run took.
    pub took: Duration,
}

impl Figures {
    /// Answers per second.
    pub fn per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
        {
            self.answered as f64 / self.took.as_secs_f64().max(f64::MIN_POSITIVE)
        }
    }

    /// The figures for programs.
    pub fn json(&self) -> Value {
        json!({
            "due": self.due, "answered": self.answered, "unanswered": self.unanswered, "not_sent": self.not_sent,
            "seconds": self.took.as_secs_f64(), "answers_per_second": self.per_second(),
            "by_status": self.by_status, "by_outcome": self.by_outcome,
            "latency": self.latency.json(), "service": self.service.json(), "lag": self.lag.json(),
        })
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "due {}, answered {} ({:.0}/s), unanswered {}, not sent {}",
            self.due,
            self.answered,
            self.per_second(),
            self.unanswered,
            self.not_sent
        )?;
        writeln!(f, "{:<34} {:>9} {:>9} {:>9} {:>9}", "microseconds", "p50", "p90", "p99", "p99.9")?;
        let lines = [
            ("latency, from the intended time", &self.latency),
            ("service, from sending", &self.service),
            ("lag of the loader", &self.lag),
        ];
        for (name, line) in lines {
            let [p50, p90, p99, p999] = [0.5, 0.9, 0.99, 0.999].map(|q| line.quantile(q));
            writeln!(f, "{name:<34} {p50:>9} {p90:>9} {p99:>9} {p999:>9}")?;
        }
        for (status, count) in &self.by_status {
            writeln!(f, "status {status}: {count}")?;
        }
        for (outcome, count) in &self.by_outcome {
            writeln!(f, "outcome {outcome}: {count}")?;
        }
        Ok(())
    }
}
