//! What the core's metrics mean, in the words a scrape shows.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// What a metric is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

use Kind::{Counter, Gauge, Histogram};

const METRICS: &[(Kind, &str, &str)] = &[
    (Counter, "yinke_core_http_requests_total", "Answers of the API, by HTTP status code"),
    (
        Counter,
        "yinke_core_connections_refused_total",
        "Connections closed at once: their client has a quarter of all that the core serves",
    ),
    (Counter, "yinke_core_sign_ins_total", "Attempts to sign in, by outcome"),
    (Counter, "yinke_core_store_transactions_total", "Transactions of the store, by result"),
    (
        Counter,
        "yinke_core_store_retries_total",
        "Transactions tried again after a deadlock, a conflict or a busy file",
    ),
    (Counter, "yinke_core_ingest_batches_total", "Batches from edges, by result"),
    (Counter, "yinke_core_ingest_clicks_total", "Clicks taken in"),
    (
        Counter,
        "yinke_core_ingest_unactivated_clicks_total",
        "Attributed clicks taken in to which a page led without a person's gesture",
    ),
    (Counter, "yinke_core_ingest_tallies_total", "Running totals of edges taken in"),
    (Counter, "yinke_core_ingest_duplicates_total", "Clicks delivered again; they change nothing"),
    (Counter, "yinke_core_ingest_dead_letters_total", "Records set aside because they cannot be read"),
    (
        Counter,
        "yinke_core_dead_letters_put_back_total",
        "Records that were set aside and tried again, by result: taken among the clicks, or kept aside",
    ),
    (
        Counter,
        "yinke_core_ingest_quarantined_total",
        "Records set aside because their number is taken by a record with other contents",
    ),
    (Histogram, "yinke_core_ingest_duration_seconds", "One batch, from its arrival to its commit"),
    (Histogram, "yinke_core_ingest_lag_seconds", "Age of a batch's oldest record when it is committed"),
    (
        Gauge,
        "yinke_core_unindexed_clicks",
        "Clicks that SQLite's order by visitor does not have yet; questions look through them one by one",
    ),
    (
        Gauge,
        "yinke_core_visitor_runs",
        "Sorted runs that SQLite's order of clicks by visitor is made of; a question asks each",
    ),
    (
        Gauge,
        "yinke_core_edge_clock_ahead_seconds",
        "How far the edges' clocks are ahead of the core's, the one that is most so; an edge's word on what it has shipped is corrected by it",
    ),
    (
        Counter,
        "yinke_core_lost_tail_clicks_total",
        "Clicks that an edge said it had written and no longer had after a crash",
    ),
    (Counter, "yinke_core_lost_ranges_total", "Ranges of records that an edge reported as lost"),
    (
        Counter,
        "yinke_core_feed_set_back_total",
        "Times the store turned out to be set back while it was open; edges then load their tables anew",
    ),
    (Counter, "yinke_redis_decisions_total", "Records of who holds whom that the core's decisions changed"),
    (
        Histogram,
        "yinke_redis_decision_lag_seconds",
        "From the oldest change of a round to Redis' answer to the decisions",
    ),
    (
        Gauge,
        "yinke_redis_decisions_behind_seconds",
        "Age of the oldest change that Redis has not been told; 0 on cores whose turn it is not",
    ),
    (
        Gauge,
        "yinke_redis_outbox_rows",
        "Changes other than clicks that Redis has not been told; not counted beyond 100000",
    ),
    (Counter, "yinke_redis_decision_errors_total", "Rounds of decisions that Redis did not take, by reason"),
    (
        Counter,
        "yinke_redis_decisions_newer_format_total",
        "Records left alone because a newer version wrote them",
    ),
    (
        Counter,
        "yinke_redis_walks_total",
        "Times everything was told again: a new Redis, another primary, or new rules",
    ),
    (Gauge, "yinke_redis_walk_active", "1 while everything is being told again"),
    (Counter, "yinke_core_library_products_total", "Changed products that the library's index took in"),
    (
        Counter,
        "yinke_core_intake_total",
        "Notifications of shops, by the source's kind and what came of them",
    ),
    (Counter, "yinke_core_rate_limited_total", "Requests refused because there were too many"),
    (
        Counter,
        "yinke_core_webhook_attempts_total",
        "Webhooks sent, by what came of it: delivered, again, failed, overtaken",
    ),
    (Histogram, "yinke_core_webhook_duration_seconds", "One webhook, from its connection to its answer"),
    (
        Gauge,
        "yinke_core_webhooks_behind_seconds",
        "How long the oldest webhook that is due has been waiting for its turn",
    ),
    (Counter, "yinke_core_order_events_total", "Order events taken in, by outcome"),
    (Counter, "yinke_core_orders_judged_again_total", "Lines decided again because of new facts"),
    (Counter, "yinke_core_orders_undecided_total", "Lines that could not be decided; the log says why"),
    (Gauge, "yinke_core_click_gaps", "Recorded clicks that are nowhere: must be 0"),
    (Gauge, "yinke_core_clicks_pending", "Recorded clicks that are still on their way"),
    (Gauge, "yinke_core_clicks_lost", "Clicks in ranges that edges reported as lost"),
    (Gauge, "yinke_ledger_imbalance_fen", "Sum over all accounts: must be 0"),
    (
        Gauge,
        "yinke_ledger_wrong_balances",
        "Accounts whose balance is not the sum of their entries, or not what is noted of payouts: must be 0",
    ),
    (Gauge, "yinke_ledger_expected_fen", "Commission expected and not yet settled"),
    (Counter, "yinke_ledger_lines_settled_total", "Order lines settled"),
    (Counter, "yinke_ledger_payouts_total", "Payees served by payout runs, by result"),
    (
        Counter,
        "yinke_ledger_payout_runs_refused_total",
        "Payout runs that could not begin, such as beyond the last year of the calendar; the log says why",
    ),
    (Counter, "yinke_ledger_withdrawals_total", "Withdrawals, by result"),
];

/// Describes all of them to the recorder in force.
pub(crate) fn describe() {
    for (kind, name, about) in METRICS {
        match kind {
            Counter => describe_counter!(*name, *about),
            Gauge => describe_gauge!(*name, *about),
            Histogram => describe_histogram!(*name, *about),
        }
    }
}

/// Has the counters that alerts watch begin at zero: an alert sees an increase only from a value that was there before.
pub(crate) fn begin() {
    for name in [
        "yinke_core_lost_tail_clicks_total",
        "yinke_core_ingest_quarantined_total",
        "yinke_core_ingest_dead_letters_total",
        "yinke_ledger_payout_runs_refused_total",
    ] {
        metrics::counter!(name).increment(0);
    }
    crate::intake::begin_counting();
    crate::webhooks::begin_counting();
}

#[cfg(test)]
mod tests {
    use super::METRICS;
    use std::path::Path;

    /// Every metric that the sources count has a description here.
    #[test]
    fn no_metric_is_without_words() {
        let mut files = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut counted = 0;
        while let Some(path) = files.pop() {
            if path.is_dir() {
                files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for macro_name in ["counter!(\"", "gauge!(\"", "histogram!(\""] {
                for rest in text.split(&format!("metrics::{macro_name}")).skip(1) {
                    let name = rest.split('"').next().unwrap();
                    counted += 1;
                    let described = METRICS.iter().any(|(_, described, _)| *described == name);
                    assert!(described, "{name} in {}", path.display());
                }
            }
        }
        assert!(counted > 10, "the sources were not found");
    }
}
