//! The journal's numbers in Prometheus' text form: above all how old the oldest click is that a power cut would take,
//! and for how long the disk still has room.

use crate::metrics::{head, line, single};
use journal::Stats;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The rate of writing is taken over one to two of these.
const RATE_SPAN: Duration = Duration::from_mins(5);

/// How fast the journal grew lately.
pub(crate) struct Growth {
    samples: Mutex<[Sample; 2]>,
}

/// How much had been written when.
#[derive(Clone, Copy)]
struct Sample {
    at: Instant,
    bytes: u64,
}

impl Growth {
    pub(crate) fn new(at: Instant) -> Self {
        Self { samples: Mutex::new([Sample { at, bytes: 0 }; 2]) }
    }

    /// Seconds until `space_left` is written at the rate of late; infinite if nothing was written.
    fn seconds_left(&self, at: Instant, bytes: u64, space_left: u64) -> f64 {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if at.saturating_duration_since(samples[1].at) >= RATE_SPAN {
            *samples = [samples[1], Sample { at, bytes }];
        }
        let written = bytes.saturating_sub(samples[0].bytes);
        let seconds = at.saturating_duration_since(samples[0].at).as_secs_f64().max(1.0);
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        if written == 0 { f64::INFINITY } else { space_left as f64 / (written as f64 / seconds) }
    }
}

/// Appends the journal's metrics. `at` is a moment of the clock that never goes back.
pub(crate) fn render(stats: &Stats, unsynced_ms: u64, growth: &Growth, at: Instant, out: &mut String) {
    counts(stats, out);
    syncs(stats, unsynced_ms, out);
    state(stats, out);
    time_left(growth.seconds_left(at, stats.bytes, stats.space_left), out);
}

/// What happened since the start.
fn counts(stats: &Stats, out: &mut String) {
    let counters = [
        ("frames_total", "Frames written.", stats.frames),
        ("bytes_total", "Bytes of frames written, headers and padding included.", stats.bytes),
        (
            "refused_total",
            "Appends refused for want of space or because the disk stands still.",
            stats.refused,
        ),
        ("syncs_total", "Files synced.", stats.syncs),
        ("sync_errors_total", "Syncs that failed; each ended its segment.", stats.sync_errors),
        ("spare_errors_total", "Attempts to prepare a segment that failed.", stats.spare_errors),
    ];
    for (name, help, value) in counters {
        single(out, &format!("yinke_journal_{name}"), "counter", help, value);
    }
}

/// How long syncs take, and what waits for one.
fn syncs(stats: &Stats, unsynced_ms: u64, out: &mut String) {
    let name = "yinke_journal_sync_seconds_total";
    head(out, name, "counter", "Time spent in syncs.");
    line!(out, "{name} {}", stats.sync_time.as_secs_f64());
    let name = "yinke_journal_slowest_sync_seconds";
    head(out, name, "gauge", "The longest sync of this start.");
    line!(out, "{name} {}", stats.slowest_sync.as_secs_f64());

    let name = "yinke_journal_unsynced_age_seconds";
    head(
        out,
        name,
        "gauge",
        "Age of the oldest frame that is written and not on disk: what a power cut now would take.",
    );
    line!(out, "{name} {}", Duration::from_millis(unsynced_ms).as_secs_f64());
}

/// How it stands now.
fn state(stats: &Stats, out: &mut String) {
    let gauges = [
        ("unsynced_frames", "Frames written and not on disk.", stats.unsynced_frames),
        ("unsynced_bytes", "Bytes written and not on disk.", stats.unsynced_bytes),
        ("space_left_bytes", "Bytes that can still be appended.", stats.space_left),
        (
            "reserve_files",
            "Files that keep room for starts on a full disk: 16, and less once starts have used some.",
            stats.reserve_files,
        ),
        ("threads_alive", "1 while the journal's threads run; without them nothing gets to the disk.", {
            u64::from(stats.threads_alive)
        }),
    ];
    for (name, help, value) in gauges {
        single(out, &format!("yinke_journal_{name}"), "gauge", help, value);
    }
    let name = "yinke_journal_segments";
    head(out, name, "gauge", "Segment files, by state.");
    let states = [
        ("ready", stats.ready_segments),
        ("live", stats.live_segments),
        ("old", stats.old_segments),
        ("spare", stats.spare_files),
    ];
    for (state, count) in states {
        line!(out, "{name}{{state=\"{state}\"}} {count}");
    }
}

/// For how long the disk still has room.
fn time_left(seconds: f64, out: &mut String) {
    let name = "yinke_journal_space_left_seconds";
    head(out, name, "gauge", "Time until the disk is full at the rate of the last minutes.");
    if seconds.is_finite() {
        line!(out, "{name} {seconds:.0}");
    } else {
        line!(out, "{name} +Inf");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_the_rate_of_late() {
        let begun = Instant::now();
        let growth = Growth::new(begun);
        let at = |minutes: u64| begun + Duration::from_mins(minutes);
        assert!(growth.seconds_left(at(1), 0, 1_000).is_infinite());
        // 600 bytes in 2 minutes are 18,000 in an hour.
        assert!((growth.seconds_left(at(2), 600, 36_000) - 7_200.0).abs() < 1e-6);
        let _ = growth.seconds_left(at(10), 6_000, 36_000);
        // Since minute 10: a hundred bytes in 10 minutes.
        let _ = growth.seconds_left(at(16), 6_060, 36_000);
        assert!((growth.seconds_left(at(20), 6_100, 600) - 3_600.0).abs() < 1e-6);
    }
}
