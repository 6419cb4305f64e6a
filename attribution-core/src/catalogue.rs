//! What an edge must know to judge a click: rows of small tables, and the changes that carry them from the core.
//!
//! A link row is small and points at its placement and its target; the destination belongs to the target, so
//! withdrawing one product changes one row and stops a million links.

use crate::app_page::AppPage;
use crate::code::{Alias, Code};
use crate::history::HistoryId;
use crate::ids::{CategoryNum, PlacementNum, ProgrammeId, ProgrammeNum, PromoterNum, TargetNum};
use crate::time::{Instant, Period, SECOND_MS};
use serde::{Deserialize, Serialize};

/// Facts about a link, frozen when it was shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkFlags(pub u8);

impl LinkFlags {
    /// A QR code's own link; its life can differ from its sibling's.
    pub const QR: Self = Self(1);
    /// Shared while the salesperson's badge (小黄人) was shown.
    pub const BADGE: Self = Self(1 << 1);
    /// Converted through the alliance (联盟转换链接).
    pub const CONVERTED: Self = Self(1 << 2);
    /// Closed by its promoter.
    pub const CLOSED: Self = Self(1 << 3);

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Whole seconds since 1970; zero means "no limit".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkSeconds(pub u32);

impl LinkSeconds {
    /// No limit.
    pub const NONE: Self = Self(0);

    /// From an instant, floored to whole seconds. An instant before 1970 or after 2106 becomes the nearest that
    /// fits: a link that ended long ago must not turn into one without an end.
    pub fn from_instant(at: Instant) -> Self {
        let seconds = at.floor_seconds().clamp(1, i64::from(u32::MAX));
        u32::try_from(seconds).map_or(Self::NONE, Self)
    }

    /// The instant, unless there is no limit.
    pub fn instant(self) -> Option<Instant> {
        (self.0 != 0).then(|| Instant(i64::from(self.0) * SECOND_MS))
    }
}

/// One link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRow {
    /// Its code.
    pub code: Code,
    /// Whose link, under which programme.
    pub placement: PlacementNum,
    /// Where it leads.
    pub target: TargetNum,
    /// It works from here on.
    pub starts: LinkSeconds,
    /// It stops here (half-open).
    pub expires: LinkSeconds,
    /// Frozen facts.
    pub flags: LinkFlags,
}

impl LinkRow {
    /// A link without a beginning, an end or marks.
    pub const fn endless(code: Code, placement: PlacementNum, target: TargetNum) -> Self {
        let (starts, expires) = (LinkSeconds::NONE, LinkSeconds::NONE);
        Self { code, placement, target, starts, expires, flags: LinkFlags(0) }
    }
}

/// One placement (推广位).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacementRow {
    /// Its number.
    pub num: PlacementNum,
    /// Its promoter.
    pub promoter: PromoterNum,
    /// Its programme.
    pub programme: ProgrammeNum,
}

/// One promoter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromoterRow {
    /// Its number.
    pub num: PromoterNum,
    /// Disabled from this instant on.
    pub disabled_from: Option<Instant>,
}

/// What a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// One product.
    Product,
    /// A whole shop.
    Shop,
    /// Any other page of the merchant.
    Page,
}

/// One target: a product, a shop or a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetRow {
    /// Its number.
    pub num: TargetNum,
    /// What it is.
    pub kind: TargetKind,
    /// Where the browser is sent: an absolute http(s) URL in ASCII, validated when it was stored.
    pub destination: String,
    /// Shown on the preview page.
    pub title: String,
    /// Its category; bans are by category.
    pub category: Option<CategoryNum>,
    /// The merchant cancelled the promotion from this instant on.
    pub cancelled_from: Option<Instant>,
    /// The product is delisted from this instant on.
    pub delisted_from: Option<Instant>,
    /// The visitor's own query is appended to the destination.
    pub pass_query: bool,
    /// Query parameter that carries the click token.
    pub click_param: String,
    /// List price in fen, for cards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_fen: Option<i64>,
    /// Address of its picture, for cards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// Some browsers get a page in between; rare, and so in a place of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_page: Option<Box<AppPage>>,
}

/// The query parameter that carries the click token, where a merchant has not chosen another.
pub const CLICK_PARAM: &str = "yk_click";

impl TargetRow {
    /// A product that is promoted and on sale, of which nothing more is known.
    pub fn product(num: TargetNum, destination: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            num,
            kind: TargetKind::Product,
            destination: destination.into(),
            title: title.into(),
            category: None,
            cancelled_from: None,
            delisted_from: None,
            pass_query: false,
            click_param: CLICK_PARAM.to_owned(),
            price_fen: None,
            picture: None,
            app_page: None,
        }
    }
}

/// When the 302 may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// As soon as the click is in the kernel: survives kill -9; a power cut loses at most the published window.
    #[default]
    Fast,
    /// Once the click is on disk: survives a power cut.
    Strict,
}

/// May another promoter's click take over a claim?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rebind {
    /// Any eligible click takes over at once.
    #[default]
    AnyClick,
    /// Only once the protection of the (re)binding has run out.
    AfterProtection,
    /// Never: the first binding stays (长期绑定).
    Never,
}

/// When a claim ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimEnd {
    /// A while after the holder's last click: each click of the holder extends it.
    #[default]
    FromClick,
    /// A while after the (re)binding: the holder's further clicks do not extend it.
    FromBind,
    /// With the link that was clicked; a QR code's claim does not end with a link.
    WithLink,
}

/// What one claim covers, as far as an edge can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimScope {
    /// Everything of the programme.
    #[default]
    Programme,
    /// The one target (product, shop or page) that was clicked.
    Target,
}

/// What an edge must know of a programme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgrammeRow {
    /// Its number.
    pub num: ProgrammeNum,
    /// Its id, part of the claim cookie's name.
    pub id: ProgrammeId,
    /// When the 302 may leave.
    pub durability: Durability,
    /// How long a claim lives, in milliseconds; the cookie is capped at 400 days.
    pub claim_life_ms: i64,
    /// From when that life counts, or whether the link's own end decides.
    #[serde(default)]
    pub claim_end: ClaimEnd,
    /// What a record of who holds a buyer covers; the claim cookie is always the programme's.
    #[serde(default)]
    pub claim_scope: ClaimScope,
    /// How long a new claim is protected against other promoters, in milliseconds.
    pub protection_ms: i64,
    /// May another promoter's click take over?
    pub rebind: Rebind,
    /// Only links shared with the badge count.
    pub require_badge: bool,
    /// Only links converted through the alliance count.
    pub require_converted: bool,
    /// No tokens for browsers that send Sec-GPC.
    pub honour_privacy_signal: bool,
    /// Where a dead link leads instead of its page: an absolute http(s) URL in ASCII.
    pub fallback_url: Option<String>,
}

impl ProgrammeRow {
    /// A programme that demands nothing of a link: each click takes over, with a claim of that many milliseconds.
    pub const fn lax(num: ProgrammeNum, id: ProgrammeId, claim_life_ms: i64) -> Self {
        Self {
            num,
            id,
            durability: Durability::Fast,
            claim_life_ms,
            claim_end: ClaimEnd::FromClick,
            claim_scope: ClaimScope::Programme,
            protection_ms: 0,
            rebind: Rebind::AnyClick,
            require_badge: false,
            require_converted: false,
            honour_privacy_signal: false,
            fallback_url: None,
        }
    }

    /// The latest end that a claim resting on a click at `at` alone can have. `link_end` is the link's own, if it has
    /// one and is no QR code.
    pub fn claim_ends(&self, at: Instant, link_end: Option<Instant>) -> Instant {
        let life = at.floor().plus(self.claim_life_ms);
        match self.claim_end {
            ClaimEnd::FromClick | ClaimEnd::FromBind => life,
            ClaimEnd::WithLink => link_end.map_or(life, |end| end.min(life)),
        }
    }
}

/// A category that may not be promoted from an instant on (禁推), for good or up to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanRow {
    /// The category.
    pub category: CategoryNum,
    /// Only this programme, or all.
    pub programme: Option<ProgrammeNum>,
    /// From here on; may lie in the past.
    pub effective_from: Instant,
    /// Lifted from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_to: Option<Instant>,
}

impl BanRow {
    /// Whether it forbids promoting the category in `programme` at `at`.
    pub fn forbids(&self, programme: ProgrammeNum, at: Instant) -> bool {
        self.programme.is_none_or(|only| only == programme)
            && Period { from: self.effective_from, to: self.effective_to }.contains(at)
    }
}

/// One row as it is from now on. Applying a change twice, or an older one after a newer one is skipped by number,
/// changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "row", content = "value", rename_all = "snake_case")]
pub enum Change {
    /// A link.
    Link(LinkRow),
    /// A custom alias of a link.
    Alias {
        /// The alias.
        alias: Alias,
        /// The link it stands for.
        code: Code,
    },
    /// A placement.
    Placement(PlacementRow),
    /// A promoter.
    Promoter(PromoterRow),
    /// A target.
    Target(TargetRow),
    /// A programme.
    Programme(ProgrammeRow),
    /// A ban.
    Ban(BanRow),
}

/// A change with its place in the core's order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberedChange {
    /// Its number: grows with every change; a row that changes again gets a new number and keeps none of the old.
    pub number: u64,
    /// When the core wrote it.
    pub at: Instant,
    /// The row.
    #[serde(flatten)]
    pub change: Change,
}

/// A page of the change feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePage {
    /// The core's history, in which these numbers were given.
    pub history: HistoryId,
    /// The place that was asked from is not in the core's past (see [`crate::history`]): whoever asked loads
    /// everything anew, from the start. There are no changes in this page then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reload: bool,
    /// In the order of their numbers.
    pub changes: Vec<NumberedChange>,
    /// The last number the core has given; an edge that has applied it is up to date.
    pub head: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TargetNum;

    #[test]
    fn a_target_survives_the_feed_although_it_has_a_kind_of_its_own() {
        let target = TargetRow {
            kind: TargetKind::Shop,
            cancelled_from: Some(Instant(5)),
            ..TargetRow::product(TargetNum(7), "https://shop.example/", "店铺")
        };
        let change = NumberedChange { number: 3, at: Instant(9), change: Change::Target(target) };
        let text = serde_json::to_string(&change).unwrap();
        assert_eq!(serde_json::from_str::<NumberedChange>(&text).unwrap(), change);
    }

    #[test]
    fn an_end_out_of_range_stays_an_end() {
        let rows = [(i64::MIN, 1), (-1, 1), (0, 1), (1_999, 1), (2_000, 2), (i64::MAX, u32::MAX)];
        for (millis, seconds) in rows {
            assert_eq!(LinkSeconds::from_instant(Instant(millis)), LinkSeconds(seconds), "{millis}");
        }
        assert_eq!(LinkSeconds::NONE.instant(), None);
    }

    #[test]
    fn a_ban_without_an_end_reads_and_writes_as_before_there_were_any() {
        let text = r#"{"category":4,"programme":null,"effective_from":9}"#;
        let ban: BanRow = serde_json::from_str(text).unwrap();
        assert_eq!(ban.effective_to, None);
        assert_eq!(serde_json::to_string(&ban).unwrap(), text);
    }

    #[test]
    fn a_ban_forbids_in_its_programme_from_its_beginning_to_before_its_end() {
        let ban = |programme: Option<u32>, to: Option<i64>| BanRow {
            category: CategoryNum(4),
            programme: programme.map(ProgrammeNum),
            effective_from: Instant(5),
            effective_to: to.map(Instant),
        };
        let rows = [
            (ban(None, None), 4, false),
            (ban(None, None), 5, true),
            (ban(None, None), i64::MAX, true),
            (ban(Some(1), Some(8)), 7, true),
            (ban(Some(1), Some(8)), 8, false),
            (ban(Some(2), None), 5, false),
            // Lifted before it began: it never holds.
            (ban(None, Some(3)), 3, false),
            (ban(None, Some(3)), 5, false),
        ];
        for (ban, at, forbids) in rows {
            assert_eq!(ban.forbids(ProgrammeNum(1), Instant(at)), forbids, "{ban:?} at {at}");
        }
    }
}
