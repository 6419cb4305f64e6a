//! A programme's rules as data: versioned, never edited in place, every field overridable.
//!
//! One file per part: [`attribution`] (whose order is it), [`commission`] (how much), [`settlement`] (when and how it
//! is paid), [`eligibility`] (who and what may take part), [`video_task`] (what a video task costs), [`preset`] (the
//! source documents as policies), [`patch`] (overriding fields), [`validate`] (all mistakes at once), [`edge`] (what of
//! it an edge must know).

pub mod attribution;
pub mod commission;
pub mod edge;
pub mod eligibility;
pub mod patch;
pub mod preset;
pub mod settlement;
pub mod validate;
pub mod video_task;

pub use attribution::{AttributionPolicy, Model, Scope, Validity};
pub use commission::CommissionPolicy;
pub use edge::{EdgePolicy, LinkKind};
pub use eligibility::EligibilityPolicy;
pub use preset::Preset;
pub use settlement::SettlementPolicy;
pub use video_task::VideoTaskPolicy;

use crate::dispute::BatchRule;
use crate::ids::{CategoryId, ProgrammeId};
use crate::time::{Instant, Period};
use serde::{Deserialize, Serialize};

/// A whole set of rules.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Whose order is it?
    pub attribution: AttributionPolicy,
    /// How much?
    pub commission: CommissionPolicy,
    /// When and how is it paid?
    pub settlement: SettlementPolicy,
    /// Who and what may take part?
    pub eligibility: EligibilityPolicy,
    /// How the edge treats its links.
    pub edge: EdgePolicy,
    /// Categories that must not be promoted.
    pub bans: Vec<BanRule>,
    /// Repairs of refunds that got no record when they were made.
    pub refund_batches: Vec<BatchRule>,
    /// Video tasks beside the commission, if the programme has them.
    pub video_tasks: Option<VideoTaskPolicy>,
}

/// One version of a programme's rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// Which programme.
    pub programme: ProgrammeId,
    /// Counts from 1.
    pub version: u32,
    /// In force within; orders created then are judged by it.
    pub effective: Period,
    /// The rules.
    pub policy: Policy,
}

impl PolicyVersion {
    /// The version in force at `at`: of those that contain it, the highest.
    pub fn in_force<'v>(versions: impl IntoIterator<Item = &'v Self>, at: Instant) -> Option<&'v Self> {
        versions.into_iter().filter(|v| v.effective.contains(at)).max_by_key(|v| v.version)
    }
}

/// A category that must not be promoted (禁推). Orders created before it keep settling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BanRule {
    /// The category.
    pub category: CategoryId,
    /// In force from here on; may lie before its announcement.
    pub effective_from: Instant,
    /// Lifted from here on.
    #[serde(default)]
    pub effective_to: Option<Instant>,
    /// When it was made known.
    #[serde(default)]
    pub announced_at: Option<Instant>,
}

impl BanRule {
    /// When it holds.
    pub const fn period(&self) -> Period {
        Period { from: self.effective_from, to: self.effective_to }
    }

    /// Whether it forbids `category` at `at`.
    pub fn forbids(&self, category: &CategoryId, at: Instant) -> bool {
        self.category == *category && self.period().contains(at)
    }
}
