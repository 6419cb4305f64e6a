//! The row of a click, as both databases take it in bulk.

use attribution_core::click::ClickId;
use attribution_core::ids::VisitorId;
use attribution_core::time::Instant;

/// One click to insert. The payload is the edge's record, byte for byte: the evidence. The columns beside it are
/// what queries look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClickInsert<'a> {
    /// The key.
    pub click: ClickId,
    /// `min(edge time, ingest time)`: the time that rules use.
    pub effective: Instant,
    /// When the edge received the request.
    pub edge: Instant,
    /// When the core first saw it; stamped once.
    pub ingested: Instant,
    /// The outcome's number.
    pub outcome: u8,
    /// The visitor, if any.
    pub visitor: VisitorId,
    /// The link's code, packed.
    pub code: u64,
    /// The placement's number.
    pub placement: u32,
    /// The target's number.
    pub target: u32,
    /// The record as the edge wrote it.
    pub payload: &'a [u8],
}

/// The columns of [`ClickInsert`], in the order both implementations write them.
pub(super) const COLUMNS: &str =
    "click_id, effective_ms, edge_ms, ingested_ms, outcome, visitor, code, placement, target, payload";
