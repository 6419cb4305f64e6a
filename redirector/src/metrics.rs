//! The edge's own numbers in Prometheus' text form: the workers' cells, summed when somebody asks.

use crate::cells::{CODES, Cell, Cells, LATENCY_BOUNDS_NS};
use crate::shared::Shared;
use attribution_core::outcome::Outcome;
use attribution_core::time::Instant;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

/// Picks one cell of a worker's.
type Pick = fn(&Cells) -> &Cell;

/// What the workers count, each by name, meaning and cell.
const COUNTERS: [(&str, &str, Pick); 17] = [
    ("answered_total", "Answers released for clicks that have a frame.", |c| &c.answered),
    ("recorded_total", "Click frames appended to the journal.", |c| &c.recorded),
    ("unjournaled_total", "Clicks answered without a claim because the journal took no frame.", |c| {
        &c.unjournaled
    }),
    ("unwritten_total", "Clicks whose frame could not be written before their answer.", |c| &c.unwritten),
    ("clients_left_total", "Clients that left before their answer; their click is recorded.", |c| &c.left),
    ("pages_total", "Preview pages, QR codes and robots.txt.", |c| &c.pages),
    ("turns_total", "Turns of the event loops with requests.", |c| &c.turns),
    ("flush_errors_total", "Turns whose frames could not be written.", |c| &c.flush_errors),
    ("clock_steps_back_total", "Steps back of the machine's clock by more than seconds.", |c| {
        &c.clock_steps_back
    }),
    ("connections_accepted_total", "Connections accepted.", |c| &c.accepted),
    ("connections_rejected_total", "Connections closed at once because there were too many.", |c| {
        &c.rejected
    }),
    (
        "connections_displaced_total",
        "Waiting connections closed for somebody whose network holds fewer.",
        |c| &c.displaced,
    ),
    ("accept_errors_total", "Accepts that failed.", |c| &c.accept_errors),
    ("connections_closed_total", "Connections that have ended.", |c| &c.closed),
    ("connection_timeouts_total", "Connections closed for standing still.", |c| &c.timeouts),
    ("unfinished_heads_dropped_total", "Connections closed for want of room for unfinished heads.", |c| {
        &c.heads_dropped
    }),
    ("handler_panics_total", "Connections lost to a fault of ours.", |c| &c.handler_panics),
];

/// Writes into a `String`, which cannot fail.
macro_rules! line {
    ($out:expr, $($part:tt)*) => { let _ = writeln!($out, $($part)*); };
}

pub(crate) use line;

pub(crate) fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    line!(out, "# HELP {name} {help}");
    line!(out, "# TYPE {name} {kind}");
}

pub(crate) fn single(out: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    head(out, name, kind, help);
    line!(out, "{name} {value}");
}

/// Appends the edge's metrics to `out`.
pub(crate) fn render(shared: &Shared, now: Instant, out: &mut String) {
    let cells = &*shared.cells;
    answers(cells, out);
    latency(cells, out);
    for (name, help, cell) in COUNTERS {
        single(out, &format!("yinke_edge_{name}"), "counter", help, sum(cells, cell));
    }
    gauges(shared, out);
    silence(shared, now, out);
}

/// One cell, summed over all workers.
fn sum(cells: &[Cells], cell: impl Fn(&Cells) -> &Cell) -> u64 {
    cells.iter().map(|cells| cell(cells).get()).sum()
}

fn answers(cells: &[Cells], out: &mut String) {
    let name = "yinke_edge_requests_total";
    head(out, name, "counter", "Requests answered, by outcome.");
    for outcome in Outcome::ALL {
        let value = sum(cells, |cells| &cells.outcomes[outcome as usize]);
        line!(out, "{name}{{outcome=\"{}\"}} {value}", outcome.name());
    }
    let name = "yinke_edge_http_responses_total";
    head(out, name, "counter", "Answers, by HTTP status code.");
    for (at, code) in CODES.iter().enumerate() {
        line!(out, "{name}{{code=\"{code}\"}} {}", sum(cells, |cells| &cells.codes[at]));
    }
}

fn latency(cells: &[Cells], out: &mut String) {
    let name = "yinke_edge_request_duration_seconds";
    head(
        out,
        name,
        "histogram",
        "From the arrival of a turn's first request to the release of its answers: an upper bound for each of them.",
    );
    let mut below = 0;
    for (at, bound) in LATENCY_BOUNDS_NS.iter().enumerate() {
        below += sum(cells, |cells| &cells.latency[at]);
        line!(out, "{name}_bucket{{le=\"{}\"}} {below}", seconds(*bound));
    }
    below += sum(cells, |cells| &cells.latency[LATENCY_BOUNDS_NS.len()]);
    line!(out, "{name}_bucket{{le=\"+Inf\"}} {below}");
    line!(out, "{name}_sum {}", seconds(sum(cells, |cells| &cells.latency_sum_ns)));
    line!(out, "{name}_count {below}");
}

fn gauges(shared: &Shared, out: &mut String) {
    let cells = &*shared.cells;
    let sizes = shared.table.sizes();
    let open = shared.connections.load(Ordering::Relaxed);
    let unfinished = sum(cells, |cells| &cells.unfinished_bytes);
    let draining = u64::from(shared.draining.load(Ordering::Relaxed));
    let gauges = [
        ("connections_open", "Connections open now.", open as u64),
        ("connections_max", "Connections that may be open.", shared.connection_cap as u64),
        ("unfinished_head_bytes", "Bytes that request heads take which have not come whole yet.", unfinished),
        (
            "disk_queue",
            "Answers of strict programmes that wait for the disk.",
            sum(cells, |cells| &cells.disk_queue),
        ),
        ("table_generation", "Number of the last change applied.", shared.table.generation()),
        ("table_base_links", "Links in the packed base.", sizes.base_links as u64),
        ("table_overlay_links", "Links in the overlay of recent changes.", sizes.overlay_links as u64),
        ("table_base_bytes", "Bytes of the packed base.", sizes.base_bytes as u64),
        ("table_aliases", "Custom aliases.", sizes.aliases as u64),
        ("table_placements", "Placements.", sizes.placements as u64),
        ("table_promoters", "Promoters.", sizes.promoters as u64),
        ("table_targets", "Targets.", sizes.targets as u64),
        ("table_programmes", "Programmes.", sizes.programmes as u64),
        ("draining", "1 while the edge shuts down.", draining),
    ];
    for (name, help, value) in gauges {
        single(out, &format!("yinke_edge_{name}"), "gauge", help, value);
    }
}

/// How long the core has been silent.
fn silence(shared: &Shared, now: Instant, out: &mut String) {
    let heard = shared.contact.heard().map_or(0, |at| now.millis().saturating_sub(at.millis()).max(0));
    let name = "yinke_edge_core_silence_seconds";
    head(
        out,
        name,
        "gauge",
        "Time since the table last held all that the core had; 0 before the first time.",
    );
    line!(out, "{name} {}.{:03}", heard / 1_000, heard % 1_000);
}

/// Nanoseconds as seconds, exactly, without closing zeros.
fn seconds(nanos: u64) -> String {
    let text = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_read_as_seconds() {
        let rows = [(0, "0"), (25_000, "0.000025"), (1_000_000_000, "1"), (1_500_000_001, "1.500000001")];
        for (nanos, expected) in rows {
            assert_eq!(seconds(nanos), expected);
        }
    }
}
