//! What of a policy an edge must know, and the life of a link.

use super::{Policy, Scope, Validity};
use crate::catalogue::{ClaimEnd, ClaimScope, Durability, ProgrammeRow};
use crate::ids::{ProgrammeId, ProgrammeNum};
use crate::time::Instant;
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
        let (claim_life_ms, claim_end) = match attribution.validity {
            Validity::Permanent => (i64::MAX, ClaimEnd::FromClick),
            Validity::FromLastClick(window) => (window.millis(), ClaimEnd::FromClick),
            Validity::FromBind(window) => (window.millis(), ClaimEnd::FromBind),
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
