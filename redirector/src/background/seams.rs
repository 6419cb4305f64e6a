//! What the background needs of the edge that serves: a few functions, so that it knows neither table nor workers.

use crate::frame_clock::StepBack;
use attribution_core::catalogue::{ClaimEnd, ClaimScope, NumberedChange, Rebind};
use attribution_core::click::WorkerId;
use attribution_core::history::HistoryId;
use attribution_core::record::{ClickRecord, Tally};
use attribution_core::time::Instant;

/// Why a snapshot could not be saved; only logged.
pub type SaveError = Box<dyn std::error::Error + Send + Sync>;

/// Applies a page of a history's changes, in the order of their numbers.
pub type ApplyPage = dyn Fn(HistoryId, &[NumberedChange]) + Send + Sync;

/// Finds the terms of the claim that an attributed click makes; `None` if its programme is unknown here.
pub type FindTerms = dyn Fn(&ClickRecord<'_>) -> Option<ClaimTerms> + Send + Sync;

/// The functions an edge gives. They are called from the background's threads.
///
/// An edge also promises that the times it gives to the frames of one stream never go backwards while the machine's
/// clock does not by more than seconds: what the core may call final rests upon that. A larger step back is logged.
pub struct Seams {
    /// The clock.
    pub now: fn() -> Instant,
    /// Applies a page of changes to the table at once: the small tables are copied once per call. Called in the order
    /// of the numbers.
    pub apply: Box<ApplyPage>,
    /// From now on pages go to an empty table beside the one that serves.
    pub begin_anew: Box<dyn Fn() + Send + Sync>,
    /// Puts the table that was loaded beside the one that serves in its place.
    pub take_over: Box<dyn Fn() + Send + Sync>,
    /// Saves the table, which holds everything up to this number. Called on a thread that may block; if it fails it
    /// is called again at the next occasion.
    pub save: Box<dyn Fn(u64) -> Result<(), SaveError> + Send + Sync>,
    /// A live worker's running totals.
    pub tally: Box<dyn Fn(WorkerId) -> Tally + Send + Sync>,
    /// The time of the oldest frame that a worker has appended and not yet written, over all workers. Such frames have
    /// numbers that nobody can read yet: without this, the edge would speak for a time that they belong to.
    pub unwritten: Box<dyn Fn() -> Option<Instant> + Send + Sync>,
    /// The last step back of the times of a live worker's frames.
    pub stepped_back: Box<dyn Fn(WorkerId) -> Option<StepBack> + Send + Sync>,
    /// The terms of a click's claim.
    pub terms: Box<FindTerms>,
}

impl std::fmt::Debug for Seams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seams(..)")
    }
}

/// The terms of a claim: what the programme says, and the link's own end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimTerms {
    /// What the record covers.
    pub scope: ClaimScope,
    /// How long a claim lives, in milliseconds.
    pub life_ms: i64,
    /// From when that life counts.
    pub end: ClaimEnd,
    /// How long a new claim is protected, in milliseconds.
    pub protection_ms: i64,
    /// May another promoter's click take over?
    pub rebind: Rebind,
    /// The link's own end, if it has one and is not a QR code's.
    pub link_end: Option<Instant>,
}
