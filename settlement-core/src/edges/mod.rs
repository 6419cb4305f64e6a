//! The edges as the core knows them: their heartbeats, and what they say they have lost.

mod api;

pub(crate) use api::routes;

use crate::catalogue::histories;
use crate::ingest::stream;
use crate::store::{StoreError, Tx};
use crate::{Core, params};
use attribution_core::click::{EdgeId, Stream};
use attribution_core::shipping::{Heartbeat, HeartbeatAck, LostRange, StreamCursor, StreamStatus};
use attribution_core::time::{Instant, SECOND_MS};

/// An edge that has said nothing for so long no longer counts where clocks are compared: it may be retired.
const HEARD_WITHIN_MS: i64 = 600 * SECOND_MS;

impl Core {
    /// Notes how an edge stands, and answers of which streams it believes too much to be here.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn heartbeat(&self, heartbeat: Heartbeat, now: Instant) -> Result<HeartbeatAck, StoreError> {
        self.store().write(move |tx| note(tx, &heartbeat, now)).await
    }

    /// Writes down ranges that an edge can never deliver, and moves cursors that stand in or at one to its end.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn lost(&self, edge: EdgeId, ranges: Vec<LostRange>, now: Instant) -> Result<(), StoreError> {
        for range in &ranges {
            tracing::error!(edge = edge.0, ?range, "an edge has lost clicks");
        }
        self.store().write(move |tx| ranges.iter().try_for_each(|range| lose(tx, edge, range, now))).await
    }
}

/// The streams of which the core has less than the edge believes. Cursors only grow, so this core was set back.
fn behind(tx: &mut dyn Tx, heartbeat: &Heartbeat) -> Result<Vec<StreamCursor>, StoreError> {
    let mut behind = Vec::new();
    for status in heartbeat.streams.iter().filter(|status| status.shipped > 0) {
        let row = tx.query_opt(
            "SELECT next_sequence FROM edge_streams WHERE edge = $1 AND epoch = $2 AND worker = $3",
            params![heartbeat.edge, status.epoch, status.worker],
        )?;
        let next_sequence = row.map_or(Ok(0), |row| row.count(0))?;
        if next_sequence < status.shipped {
            behind.push(StreamCursor { epoch: status.epoch, worker: status.worker, next_sequence });
        }
    }
    Ok(behind)
}

/// Shows how far the clock is ahead that is most so, of the edges that are still heard.
fn measure_clocks(tx: &mut dyn Tx, now: Instant) -> Result<(), StoreError> {
    let ahead = tx.query_one(
        "SELECT MAX(edge_clock - heartbeat_at) FROM edges WHERE heartbeat_at > $1",
        params![now.plus(-HEARD_WITHIN_MS)],
    )?;
    #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
    metrics::gauge!("yinke_core_edge_clock_ahead_seconds")
        .set(ahead.opt_int(0)?.unwrap_or_default() as f64 / 1_000.0);
    Ok(())
}

fn note(tx: &mut dyn Tx, heartbeat: &Heartbeat, now: Instant) -> Result<HeartbeatAck, StoreError> {
    let edge = heartbeat.edge;
    stream::register(tx, edge, now)?;
    // The edge speaks of its own clock. A clock that runs ahead of ours would let orders become final before the
    // clicks are here, so what it runs ahead is taken off; one that runs behind only makes orders wait.
    let ahead = heartbeat.at.millis().saturating_sub(now.millis());
    let behind = behind(tx, heartbeat)?;
    let shipped_through = match behind.is_empty() {
        true => heartbeat.shipped_through.plus(-ahead.max(0)).min(now),
        // The edge does not know yet that it must send some of it again.
        false => Instant(0),
    };
    // Heartbeats may overtake each other on the way: what only grows never goes back. Numbers of another history are
    // not comparable: the edge has loaded its table anew.
    tx.execute(
        "UPDATE edges SET heartbeat_at = $2, edge_clock = $3, \
         applied = CASE WHEN history = $6 AND applied > $4 THEN applied ELSE $4 END, history = $6, \
         shipped_through = CASE WHEN shipped_through < $5 THEN $5 ELSE shipped_through END WHERE edge = $1",
        params![
            edge,
            now,
            heartbeat.at,
            stream::int(heartbeat.applied),
            shipped_through,
            heartbeat.history.map(histories::int)
        ],
    )?;
    measure_clocks(tx, now)?;
    for status in &heartbeat.streams {
        note_lost_tail(tx, edge, status, now)?;
        let text = serde_json::to_string(status).map_err(StoreError::corrupt("stream status"))?;
        // The last word on a stream is that it has ended. Before and after it the numbers tell which word is newer,
        // as they only grow; the edge's clock may have been set back in between.
        tx.execute(
            "INSERT INTO stream_status (edge, epoch, worker, status, live, appended, shipped, at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (edge, epoch, worker) DO UPDATE SET status = excluded.status, live = excluded.live, \
             appended = excluded.appended, shipped = excluded.shipped, at_ms = excluded.at_ms \
             WHERE stream_status.live > excluded.live OR (stream_status.live = excluded.live AND \
             (stream_status.appended < excluded.appended OR (stream_status.appended = excluded.appended \
             AND stream_status.shipped <= excluded.shipped)))",
            params![
                edge,
                status.epoch,
                status.worker,
                &text,
                i64::from(status.live),
                stream::int(status.appended),
                stream::int(status.shipped),
                heartbeat.at
            ],
        )?;
    }
    Ok(HeartbeatAck { behind })
}

/// Writes down what an edge had said it had in its journal and, after a crash, no longer has: answers of fast mode
/// whose frames a power cut took.
fn note_lost_tail(
    tx: &mut dyn Tx,
    edge: EdgeId,
    ended: &StreamStatus,
    now: Instant,
) -> Result<(), StoreError> {
    if ended.live {
        return Ok(());
    }
    let row = tx.query_opt(
        "SELECT status FROM stream_status WHERE edge = $1 AND epoch = $2 AND worker = $3 AND live = 1",
        params![edge, ended.epoch, ended.worker],
    )?;
    let Some(row) = row else { return Ok(()) };
    let said: StreamStatus =
        serde_json::from_str(row.text(0)?).map_err(StoreError::corrupt("stream status"))?;
    let frames = said.appended.saturating_sub(ended.appended);
    if frames == 0 {
        return Ok(());
    }
    // A click that was counted before its frame was written was not answered; it is no lost one.
    let clicks = said.tally.recorded.saturating_sub(ended.tally.recorded).min(frames);
    tx.execute(
        "INSERT INTO lost_tails (edge, epoch, worker, frames, clicks, answered, noted_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (edge, epoch, worker) DO NOTHING",
        params![
            edge,
            ended.epoch,
            ended.worker,
            stream::int(frames),
            stream::int(clicks),
            stream::int(said.tally.answered),
            now
        ],
    )?;
    metrics::counter!("yinke_core_lost_tail_clicks_total").increment(clicks);
    tracing::error!(
        edge = edge.0,
        epoch = ended.epoch.0,
        worker = ended.worker.0,
        frames,
        clicks,
        "an edge no longer has what it said it had written: a power cut, or deleted segments"
    );
    Ok(())
}

fn lose(tx: &mut dyn Tx, edge: EdgeId, range: &LostRange, now: Instant) -> Result<(), StoreError> {
    let LostRange { epoch, worker, from, to } = *range;
    let lost = Stream { edge, epoch, worker };
    let cursor = stream::lock(tx, lost, now)?;
    // What lies below the cursor has arrived after all.
    let from = from.max(cursor);
    if from >= to {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO lost_ranges (edge, epoch, worker, from_sequence, to_sequence, reported_at) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (edge, epoch, worker, from_sequence) DO UPDATE SET \
         to_sequence = CASE WHEN lost_ranges.to_sequence < excluded.to_sequence THEN excluded.to_sequence \
         ELSE lost_ranges.to_sequence END",
        params![edge, epoch, worker, stream::int(from), stream::int(to), now],
    )?;
    metrics::counter!("yinke_core_lost_ranges_total").increment(1);
    stream::skip_lost(tx, lost, cursor, to)?;
    Ok(())
}
