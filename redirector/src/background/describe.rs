//! What the background's metrics mean, for whoever scrapes them.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Describes every metric that the background writes.
pub(super) fn metrics() {
    table();
    shipping();
    redis();
    describe_counter!("yinke_edge_heartbeat_errors_total", "Heartbeats that the core did not take");
    describe_counter!(
        "yinke_edge_background_restarts_total",
        "Background workers that died and were started again"
    );
    describe_counter!("yinke_journal_cursor_errors_total", "Times the cursors could not be saved");
}

/// What the edge hears of the core.
fn table() {
    describe_histogram!(
        "yinke_edge_change_apply_seconds",
        Unit::Seconds,
        "From a change in the core to the table that answers, by kind of row; withdrawals are changes of targets"
    );
    describe_gauge!("yinke_edge_changes_behind", "Changes that the core has and the table not yet");
    describe_counter!("yinke_edge_feed_errors_total", "Questions for changes without a usable answer");
    describe_counter!(
        "yinke_edge_table_reloads_total",
        "Times the table was loaded anew because the core turned out to have another past: restored, or a new store"
    );
    describe_counter!("yinke_edge_snapshot_errors_total", "Times the table could not be saved");
}

/// What the core has of the journal.
fn shipping() {
    describe_counter!("yinke_ship_batches_total", "Batches that the core took");
    describe_counter!("yinke_ship_frames_total", "Frames that the core took");
    describe_histogram!("yinke_ship_batch_frames", Unit::Count, "Frames in a batch");
    describe_histogram!(
        "yinke_ship_lag_seconds",
        Unit::Seconds,
        "From the oldest request in a batch to the core's answer to the batch"
    );
    describe_gauge!("yinke_ship_pending_frames", "Frames in the kernel that the core does not have yet");
    describe_gauge!(
        "yinke_ship_behind_seconds",
        Unit::Seconds,
        "Age of the moment before which everything recorded is in the core"
    );
    describe_counter!("yinke_ship_errors_total", "Batches that did not get through, by reason");
    describe_counter!(
        "yinke_ship_core_ahead_total",
        "Ended streams of which the core had more than was left here: their end is damaged"
    );
    describe_counter!("yinke_ship_rewinds_total", "Times the core's cursor was elsewhere");
    describe_counter!(
        "yinke_ship_lost_frames_total",
        "Frames that could not be read back, named to the core"
    );
}

/// What Redis was told.
fn redis() {
    describe_counter!("yinke_redis_records_total", "Records of who holds whom that changed");
    describe_histogram!(
        "yinke_redis_lag_seconds",
        Unit::Seconds,
        "From the oldest request of a round to Redis' answer"
    );
    describe_gauge!("yinke_redis_pending_frames", "Durable frames that Redis has not been told");
    describe_counter!("yinke_redis_errors_total", "Rounds that Redis did not take, by reason");
    describe_counter!("yinke_redis_rewinds_total", "Times a restarted Redis was told everything again");
    describe_counter!(
        "yinke_redis_skipped_frames_total",
        "Frames passed over because Redis was away for too long"
    );
    describe_counter!("yinke_redis_unreadable_total", "Frames that are no known record");
    describe_counter!(
        "yinke_redis_newer_format_total",
        "Records left alone because a newer version wrote them"
    );
}
