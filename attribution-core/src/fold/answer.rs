//! What the fold answers: the owner, those before, and every click with its verdict.

use super::question::{Evidence, Ineligible};
use crate::click::ClickId;
use crate::ids::{OrderId, PlacementId, PromoterId};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What became of one click.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Verdict {
    /// The order is owned through it.
    Won,
    /// Its promoter's relation is shown by another click.
    RepeatOfOwner {
        /// That click.
        shown: ClickId,
    },
    /// Another promoter's later click took over.
    Replaced {
        /// That click.
        by: ClickId,
    },
    /// Its relation had ended before the order.
    WindowOver {
        /// When it ended.
        ended: Instant,
    },
    /// An earlier order ended its relation.
    ClosedByOrder {
        /// That order.
        order: OrderId,
    },
    /// Another promoter's relation was protected.
    Protected {
        /// The click that made it.
        by: ClickId,
        /// Until when.
        until: Instant,
    },
    /// Another promoter's relation is never replaced.
    Locked {
        /// The click that made it.
        by: ClickId,
    },
    /// A click on the product itself comes before clicks on its shop.
    ProductFirst,
    /// An exclusive coupon decided.
    CouponFirst,
    /// Later than the order.
    AfterOrder,
    /// It arrived when the decision was final.
    LateAfterFinal {
        /// Since when it was.
        final_at: Instant,
    },
    /// It counts for other goods than these.
    OutOfScope,
    /// It never entered the chain.
    Ineligible {
        /// Why.
        reason: Ineligible,
    },
}

impl Verdict {
    /// The code by which programs know the verdict, as in the JSON.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Won => "won",
            Self::RepeatOfOwner { .. } => "repeat_of_owner",
            Self::Replaced { .. } => "replaced",
            Self::WindowOver { .. } => "window_over",
            Self::ClosedByOrder { .. } => "closed_by_order",
            Self::Protected { .. } => "protected",
            Self::Locked { .. } => "locked",
            Self::ProductFirst => "product_first",
            Self::CouponFirst => "coupon_first",
            Self::AfterOrder => "after_order",
            Self::LateAfterFinal { .. } => "late_after_final",
            Self::OutOfScope => "out_of_scope",
            Self::Ineligible { .. } => "ineligible",
        }
    }
}

/// A click with its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The click.
    pub click: ClickId,
    /// Whose link.
    pub promoter: PromoterId,
    /// Through which placement.
    pub placement: PlacementId,
    /// Its effective time.
    pub at: Instant,
    /// When the core took it in.
    pub ingested: Instant,
    /// How we know of it.
    pub evidence: Evidence,
    /// What became of it.
    pub verdict: Verdict,
}

/// How a relation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum RelationEnd {
    /// Another promoter's click took over ("跑路").
    Replaced {
        /// That click.
        by: ClickId,
    },
    /// Its time was over.
    WindowOver,
    /// An order closed it.
    ClosedByOrder {
        /// That order.
        order: OrderId,
    },
}

/// A promoter's hold on the buyer, within the scope asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// Who.
    pub promoter: PromoterId,
    /// The click that shows it: the last one for last click, the first one for a binding.
    pub click: ClickId,
    /// That click's placement.
    pub placement: PlacementId,
    /// How we know of that click.
    pub evidence: Evidence,
    /// From when on it counts.
    pub bound_at: Instant,
    /// The promoter's last click within it.
    pub last_click_at: Instant,
    /// Until when other promoters' clicks change nothing, if the policy protects.
    pub protected_until: Option<Instant>,
    /// When it ends by itself (half-open); `None` for never.
    pub ends: Option<Instant>,
    /// The order without which it would end sooner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prolonged_by: Option<OrderId>,
    /// How and when it ended, if it has.
    pub ended: Option<(Instant, RelationEnd)>,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folded {
    /// Who owns it, if anybody does.
    pub owner: Option<Relation>,
    /// Earlier relations, oldest first.
    pub earlier: Vec<Relation>,
    /// Every click with its verdict, in the order of the fold.
    pub candidates: Vec<Candidate>,
}
