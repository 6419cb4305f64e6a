//! What of a policy an edge must know, and the life of a link.

use super::{Policy, Scope, Validity};
use crate::catalogue::{ClaimEnd, ClaimScope, Durability, ProgrammeRow};
use crate::ids::{ProgrammeId, ProgrammeNum};
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};

/// How the edge treats the programme's links.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EdgePolicy {
    /// When the 302 may leave.
    pub durability: Durability,
    /// No tokens for browsers that send Sec-GPC.
    pub honour_privacy_signal: bool,
    /// Where a dead link leads instead of its page: an absolute http(s) URL in ASCII.
    pub fallback_url: Option<String>,
}

/// What stands behind a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// A link that is shared.
    #[default]
    Link,
    /// A QR code, which does not age.
    Qr,
}

impl Policy {
    /// When a link shared at `shared_at` stops (half-open), frozen at sharing; `None` for never.
    pub fn expires_at(&self, shared_at: Instant, kind: LinkKind) -> Option<Instant> {
        match kind {
            LinkKind::Qr => None,
            LinkKind::Link => self.attribution.link_ttl.map(|ttl| shared_at.floor().plus(ttl.millis())),
        }
    }

    /// The row an edge gets.
    pub fn programme_row(&self, num: ProgrammeNum, id: ProgrammeId) -> ProgrammeRow {
        let attribution = &self.attribution;
        // A claim may outlive one kind of link: the core decides by the window of the click itself.
        let longest = |window: Span| attribution.content.map_or(window, |c| c.validity.max(window)).millis();
        let (claim_life_ms, claim_end) = match attribution.validity {
            Validity::Permanent => (i64::MAX, ClaimEnd::FromClick),
            Validity::FromLastClick(window) => (longest(window), ClaimEnd::FromClick),
            Validity::FromBind(window) => (longest(window), ClaimEnd::FromBind),
            Validity::UntilLinkExpiry => (i64::MAX, ClaimEnd::WithLink),
        };
        ProgrammeRow {
            num,
            id,
            durability: self.edge.durability,
            claim_life_ms,
            claim_end,
            claim_scope: match attribution.scope {
                Scope::Product | Scope::ProductThenShop => ClaimScope::Target,
                Scope::Shop | Scope::Platform => ClaimScope::Programme,
            },
            protection_ms: attribution.protection.millis(),
            rebind: attribution.rebind,
            require_badge: attribution.require_badge,
            require_converted: attribution.require_converted_link,
            honour_privacy_signal: self.edge.honour_privacy_signal,
            fallback_url: self.edge.fallback_url.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Rebind;
    use crate::policy::{PolicyVersion, Preset};
    use crate::testing::at;
    use crate::time::{DAY_MS, Period};

    #[test]
    fn an_edge_gets_what_its_programmes_claims_need() {
        use ClaimEnd::{FromClick, WithLink};
        use ClaimScope::{Programme, Target};
        // preset, life in days (none: without an end), when it ends, what it covers, rebind, badge, converted
        let rows = [
            (Preset::Distributor1688, Some(15), FromClick, Target, Rebind::AnyClick, false, true),
            (Preset::YouzanPermanent, None, FromClick, Programme, Rebind::AnyClick, true, false),
            (Preset::YouzanShort, None, WithLink, Programme, Rebind::AnyClick, true, false),
            (Preset::YouzanLock, None, FromClick, Programme, Rebind::Never, true, false),
            (Preset::AllianceCreditBan, Some(15), FromClick, Programme, Rebind::AnyClick, false, true),
            (Preset::TaobaoLive, Some(15), FromClick, Programme, Rebind::AnyClick, false, true),
        ];
        for (preset, days, end, scope, rebind, badge, converted) in rows {
            let id = ProgrammeId::new("prog").unwrap();
            let row = preset.policy().programme_row(ProgrammeNum(1), id);
            let life = days.map_or(i64::MAX, |days: i64| days * DAY_MS);
            assert_eq!((row.claim_life_ms, row.claim_end, row.claim_scope), (life, end, scope), "{preset:?}");
            assert_eq!(
                (row.rebind, row.require_badge, row.require_converted),
                (rebind, badge, converted),
                "{preset:?}"
            );
        }
    }

    #[test]
    fn the_highest_version_in_force_counts() {
        let version = |version, from: &str, to: Option<&str>| PolicyVersion {
            programme: ProgrammeId::new("prog").unwrap(),
            version,
            effective: Period { from: at(from), to: to.map(at) },
            policy: Policy::default(),
        };
        let versions = [
            version(1, "06-01 00:00:00", None),
            version(3, "06-10 00:00:00", Some("06-20 00:00:00")),
            version(2, "06-05 00:00:00", None),
        ];
        let rows = [
            ("05-31 23:59:59", None),
            ("06-01 00:00:00", Some(1)),
            ("06-05 00:00:00", Some(2)),
            ("06-19 23:59:59", Some(3)),
            ("06-20 00:00:00", Some(2)),
        ];
        for (when, expected) in rows {
            assert_eq!(PolicyVersion::in_force(&versions, at(when)).map(|v| v.version), expected, "{when}");
        }
    }
}
