//! The balance of clicks: recorded = ingested + pending + quarantined + lost, stream by stream.
//!
//! What was recorded comes from the edges (their tallies travel in the journal and in heartbeats); what was ingested
//! comes from the core's own counts, which move in the transaction that inserts the clicks. Whatever the two sides
//! cannot explain is a gap.

use crate::Core;
use crate::store::{StoreError, Tx};
use attribution_core::click::Stream;
use attribution_core::shipping::StreamStatus;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The balance over all edges, in clicks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct ClickAudit {
    /// Answers released for requests that have a frame, and those in doubt.
    pub answered: u64,
    /// Click frames the edges wrote.
    pub recorded: u64,
    /// Recorded clicks of edges that crashed, of which nobody knows whether their answer left; they count as answered.
    pub in_doubt: u64,
    /// Requests that were only counted.
    pub counted: Counted,
    /// Clicks answered without a frame because an edge's disk was full; paid only after a review.
    pub unjournaled: u64,
    /// Click frames that arrived at the core, each counted once.
    pub shipped: u64,
    /// Clicks in the core.
    pub ingested: u64,
    /// Recorded, not yet arrived.
    pub pending: u64,
    /// Frames that arrived again, byte for byte the same.
    pub duplicates: u64,
    /// Frames that could not be read: set aside at the edge or kept unread in the core.
    pub quarantined: u64,
    /// Frames that arrived again with other bytes. The first are ingested; these are kept for a person to look at.
    pub conflicts: u64,
    /// Numbers an edge says it can never deliver, and the lost tails.
    pub lost: u64,
    /// Of the lost: clicks that an edge had said it had written and, after a crash, no longer has (fast mode and a power
    /// cut, or deleted segments). What it wrote after its last word before the crash is in nobody's count.
    pub lost_tail: u64,
    /// What neither side can explain. Anything but 0 is a fault.
    pub gaps: u64,
    /// Whether recorded = ingested + pending + quarantined + lost, without gaps.
    pub balanced: bool,
    /// Each edge.
    pub edges: Vec<EdgeAudit>,
    /// Each stream that ended earlier than it should have.
    pub tails: Vec<TailAudit>,
}

/// A stream whose end is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct TailAudit {
    /// The edge.
    pub edge: u16,
    /// Its start.
    pub epoch: u64,
    /// Its worker.
    pub worker: u8,
    /// Frames that it had said it had and no longer has.
    pub frames: u64,
    /// Clicks among them.
    pub clicks: u64,
    /// The edge's journal found the end damaged or gone: there may have been more, and nobody knows how much.
    pub unknown: bool,
}

/// Requests without a frame, by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct Counted {
    /// Not a request we answer.
    pub refused: u64,
    /// Too many misses from one address prefix.
    pub rate_limited: u64,
    /// No such code.
    pub not_found: u64,
    /// Strict mode could not promise durability.
    pub overloaded: u64,
}

/// How one edge stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct EdgeAudit {
    /// Its number.
    pub edge: u16,
    /// Click frames it wrote.
    pub recorded: u64,
    /// Clicks of it in the core.
    pub ingested: u64,
    /// Recorded, not yet arrived.
    pub pending: u64,
    /// What neither side can explain.
    pub gaps: u64,
    /// When it last reported, in UTC milliseconds.
    pub heartbeat_at: Option<i64>,
    /// Everything it recorded before this time (UTC milliseconds) has arrived.
    pub shipped_through: i64,
}

/// One stream as the core counts it.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    next_sequence: u64,
    clicks: u64,
    tallies: u64,
    dead: u64,
    conflicts: u64,
    duplicates: u64,
    answered: u64,
    recorded: u64,
    counted: [u64; 4],
    unjournaled: u64,
    /// Lost numbers below the cursor, and in all.
    lost_below: u64,
    lost: u64,
    tail: Tail,
}

/// What a stream had once and no longer has.
#[derive(Debug, Clone, Copy, Default)]
struct Tail {
    frames: u64,
    clicks: u64,
    /// Answers that the edge had given, as far as it had said.
    answered: u64,
}

impl Core {
    /// Reads the balance of clicks and shows it as metrics.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn audit_clicks(&self) -> Result<ClickAudit, StoreError> {
        let audit = self.store().read(|tx| audit(tx)).await?;
        #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
        {
            metrics::gauge!("yinke_core_click_gaps").set(audit.gaps as f64);
            metrics::gauge!("yinke_core_clicks_pending").set(audit.pending as f64);
            metrics::gauge!("yinke_core_clicks_lost").set(audit.lost as f64);
        }
        Ok(audit)
    }
}

/// Reads the balance.
///
/// # Errors
/// If the store fails.
pub(crate) fn audit(tx: &mut dyn Tx) -> Result<ClickAudit, StoreError> {
    let mut held = held_streams(tx)?;
    let mut said = BTreeMap::new();
    for row in tx.query("SELECT edge, epoch, worker, status FROM stream_status", &[])? {
        let status: StreamStatus =
            serde_json::from_str(row.text(3)?).map_err(StoreError::corrupt("stream status"))?;
        let stream = row.stream(0)?;
        held.entry(stream).or_default();
        said.insert(stream, status);
    }
    let mut total = ClickAudit::default();
    let mut edges = BTreeMap::new();
    for row in tx.query("SELECT edge, heartbeat_at, shipped_through FROM edges ORDER BY edge", &[])? {
        let edge = row.edge(0)?;
        let audit = EdgeAudit {
            edge: edge.0,
            recorded: 0,
            ingested: 0,
            pending: 0,
            gaps: 0,
            heartbeat_at: row.opt_int(1)?,
            shipped_through: row.int(2)?,
        };
        edges.insert(edge, audit);
    }
    for (stream, held) in &held {
        let balance = balance(held, said.get(stream));
        total.add(&balance);
        total.tails.extend(tail(*stream, held, said.get(stream)));
        if let Some(edge) = edges.get_mut(&stream.edge) {
            edge.recorded += balance.recorded;
            edge.ingested += balance.ingested;
            edge.pending += balance.pending;
            edge.gaps += balance.gaps;
        }
    }
    total.edges = edges.into_values().collect();
    let explained = total.ingested + total.pending + total.quarantined + total.lost;
    total.balanced = total.gaps == 0 && total.recorded == explained;
    Ok(total)
}

fn held_streams(tx: &mut dyn Tx) -> Result<BTreeMap<Stream, Held>, StoreError> {
    let mut streams = BTreeMap::new();
    let rows = tx.query(
        "SELECT edge, epoch, worker, next_sequence, clicks, tallies, dead, quarantined, duplicates, answered, recorded, \
         counted_refused, counted_rate_limited, counted_not_found, counted_overloaded, unjournaled FROM edge_streams",
        &[],
    )?;
    for row in rows {
        let held = Held {
            next_sequence: row.count(3)?,
            clicks: row.count(4)?,
            tallies: row.count(5)?,
            dead: row.count(6)?,
            conflicts: row.count(7)?,
            duplicates: row.count(8)?,
            answered: row.count(9)?,
            recorded: row.count(10)?,
            counted: [row.count(11)?, row.count(12)?, row.count(13)?, row.count(14)?],
            unjournaled: row.count(15)?,
            ..Held::default()
        };
        streams.insert(row.stream(0)?, held);
    }
    for row in tx.query("SELECT edge, epoch, worker, from_sequence, to_sequence FROM lost_ranges", &[])? {
        let held: &mut Held = streams.entry(row.stream(0)?).or_default();
        let (from, to) = (row.count(3)?, row.count(4)?);
        held.lost += to.saturating_sub(from);
        held.lost_below += to.min(held.next_sequence).saturating_sub(from);
    }
    for row in tx.query("SELECT edge, epoch, worker, frames, clicks, answered FROM lost_tails", &[])? {
        let held: &mut Held = streams.entry(row.stream(0)?).or_default();
        held.tail = Tail { frames: row.count(3)?, clicks: row.count(4)?, answered: row.count(5)? };
    }
    Ok(streams)
}

/// The balance of one stream: what the core holds against what the edge says.
fn balance(held: &Held, said: Option<&StreamStatus>) -> ClickAudit {
    let tally = said.map(|s| s.tally).unwrap_or_default();
    let in_doubt = said.map_or(0, |s| s.in_doubt);
    let arrived = held.clicks + held.dead + held.lost;
    // The core can be ahead of the last heartbeat: what arrived was certainly recorded.
    let recorded = tally.recorded.max(held.recorded).max(arrived);
    let backlog = said.map_or(0, |s| s.appended.saturating_sub(held.next_sequence));
    let missing = recorded - arrived;
    // A live worker counts a click a moment before its frame shows as written; what is missing from a stream that has
    // ended must be on the edge's disk.
    let live = said.is_some_and(|s| s.live);
    let pending = if live { missing } else { missing.min(backlog) };
    // Every number below the cursor is a click, a tally, a frame kept unread, or named as lost.
    let numbered = held.clicks + held.tallies + held.dead + held.lost_below;
    let gaps = held.next_sequence.abs_diff(numbered) + (missing - pending);
    let most = |a: [u64; 4], b: [u64; 4]| {
        let [refused, rate_limited, not_found, overloaded] = std::array::from_fn(|i| a[i].max(b[i]));
        Counted { refused, rate_limited, not_found, overloaded }
    };
    ClickAudit {
        answered: (tally.answered + in_doubt).max(held.answered).max(held.tail.answered),
        recorded: recorded + held.tail.clicks,
        in_doubt,
        counted: most(tally.counted, held.counted),
        unjournaled: tally.unjournaled.max(held.unjournaled),
        shipped: held.clicks + held.dead,
        ingested: held.clicks,
        pending,
        duplicates: held.duplicates,
        quarantined: held.dead,
        conflicts: held.conflicts,
        lost: held.lost + held.tail.clicks,
        lost_tail: held.tail.clicks,
        gaps,
        ..ClickAudit::default()
    }
}

/// The stream's missing end, if it misses one.
fn tail(
    Stream { edge, epoch, worker }: Stream,
    held: &Held,
    said: Option<&StreamStatus>,
) -> Option<TailAudit> {
    let Tail { frames, clicks, .. } = held.tail;
    let unknown = said.is_some_and(|said| said.incomplete);
    (frames > 0 || unknown).then_some(TailAudit {
        edge: edge.0,
        epoch: epoch.0,
        worker: worker.0,
        frames,
        clicks,
        unknown,
    })
}

impl ClickAudit {
    fn add(&mut self, stream: &Self) {
        self.answered += stream.answered;
        self.recorded += stream.recorded;
        self.in_doubt += stream.in_doubt;
        self.counted.refused += stream.counted.refused;
        self.counted.rate_limited += stream.counted.rate_limited;
        self.counted.not_found += stream.counted.not_found;
        self.counted.overloaded += stream.counted.overloaded;
        self.unjournaled += stream.unjournaled;
        self.shipped += stream.shipped;
        self.ingested += stream.ingested;
        self.pending += stream.pending;
        self.duplicates += stream.duplicates;
        self.quarantined += stream.quarantined;
        self.conflicts += stream.conflicts;
        self.lost += stream.lost;
        self.lost_tail += stream.lost_tail;
        self.gaps += stream.gaps;
    }
}
