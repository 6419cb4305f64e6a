//! How a link stands: live, still to come, or dead (失效), and why.

use super::bans::Banned;
use crate::store::{Row, StoreError};
use attribution_core::catalogue::LinkSeconds;
use attribution_core::time::Instant;
use serde::Serialize;
use utoipa::ToSchema;

/// How a link stands. The first that holds is told, in the order in which an edge decides. All but `live` and `not_started`
/// are dead (失效).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum LinkState {
    /// It leads to its target and can earn.
    Live,
    /// It works from a later time on.
    NotStarted,
    /// Its time is over.
    Expired,
    /// The merchant cancelled the promotion (当前页面已过期).
    PromotionCancelled,
    /// The product is off the shelf.
    ProductDelisted,
    /// It leads on, but its promoter is disabled.
    PromoterDisabled,
    /// It leads on, but products of this category may not be promoted (禁推).
    CategoryBanned,
}

impl LinkState {
    /// Whether it earns nothing and will not by itself: neither live nor still to come.
    pub(super) const fn is_dead(self) -> bool {
        !matches!(self, Self::Live | Self::NotStarted)
    }

    /// As it is written.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::NotStarted => "not_started",
            Self::Expired => "expired",
            Self::PromotionCancelled => "promotion_cancelled",
            Self::ProductDelisted => "product_delisted",
            Self::PromoterDisabled => "promoter_disabled",
            Self::CategoryBanned => "category_banned",
        }
    }
}

/// What a link's state is computed from.
pub(super) struct LinkFacts {
    pub(super) starts: LinkSeconds,
    pub(super) expires: LinkSeconds,
    pub(super) cancelled_from: Option<Instant>,
    pub(super) delisted_from: Option<Instant>,
    pub(super) disabled_from: Option<Instant>,
    /// In its programme, now.
    pub(super) banned: bool,
}

impl LinkFacts {
    /// The columns of which [`read`](Self::read) makes it: of the link `l`, its target `t`, its promoter `r` and its
    /// placement `p`.
    pub(super) const COLUMNS: &str = "l.starts, l.expires, t.cancelled_from, t.delisted_from, r.disabled_from, \
         t.category, p.programme";

    /// The condition on the same tables that every link fulfils which is not live, dead or still to come; `now` and `seconds`
    /// are the marks of the time, in milliseconds and in seconds.
    pub(super) fn may_not_be_live(now: &str, seconds: &str) -> String {
        format!(
            "(t.cancelled_from <= {now} OR t.delisted_from <= {now} OR r.disabled_from <= {now} \
             OR (l.expires <> 0 AND l.expires <= {seconds}) OR l.starts > {seconds} \
             OR t.category IN (SELECT b.category FROM ({}) b))",
            Banned::at(now)
        )
    }

    /// Out of a row in which these columns begin at `at`.
    pub(super) fn read(row: &Row, at: usize, banned: &Banned) -> Result<Self, StoreError> {
        Ok(Self {
            starts: LinkSeconds(row.num(at)?),
            expires: LinkSeconds(row.num(at + 1)?),
            cancelled_from: row.opt_instant(at + 2)?,
            delisted_from: row.opt_instant(at + 3)?,
            disabled_from: row.opt_instant(at + 4)?,
            banned: match row.opt_int(at + 5)? {
                Some(category) => banned.forbids(category, row.int(at + 6)?),
                None => false,
            },
        })
    }

    /// How it stands at `now`.
    pub(super) fn at(&self, now: Instant) -> LinkState {
        let begun = |from: Option<Instant>| from.is_some_and(|from| from <= now);
        if begun(self.cancelled_from) {
            LinkState::PromotionCancelled
        } else if begun(self.delisted_from) {
            LinkState::ProductDelisted
        } else if begun(self.expires.instant()) {
            LinkState::Expired
        } else if self.starts.instant().is_some_and(|starts| starts > now) {
            LinkState::NotStarted
        } else if begun(self.disabled_from) {
            LinkState::PromoterDisabled
        } else if self.banned {
            LinkState::CategoryBanned
        } else {
            LinkState::Live
        }
    }
}
