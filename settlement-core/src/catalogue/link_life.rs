//! From when until when a new link works: what the rules say at its sharing, and what its maker wishes. Pure.

use super::link_new::NewLink;
use crate::api::Problem;
use crate::api::time::EARLIEST;
use attribution_core::catalogue::LinkSeconds;
use attribution_core::policy::{LinkKind, Policy};
use attribution_core::time::{Instant, SECOND_MS};

/// The life of a link and of its QR code, frozen at the sharing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    pub(super) starts: LinkSeconds,
    pub(super) expires: LinkSeconds,
    pub(super) qr_expires: LinkSeconds,
}

impl Life {
    /// What becomes of the wishes under the rules in force at the sharing.
    pub(super) fn of(link: &NewLink, policy: &Policy, shared: Instant) -> Result<Self, Problem> {
        let starts = seconds("starts", link.starts)?;
        let expires = earlier(policy.expires_at(shared, LinkKind::Link), link.expires);
        let qr_expires = earlier(policy.expires_at(shared, LinkKind::Qr), link.qr_expires);
        if let (Some(starts), Some(end)) = (link.starts, expires)
            && starts >= end
        {
            return Err(Problem::invalid("starts", "the rules end this link before it would start"));
        }
        let (expires, qr_expires) = (seconds("expires", expires)?, seconds("qr_expires", qr_expires)?);
        Ok(Self { starts, expires, qr_expires })
    }
}

/// The wishes for a link's life must be times that a link can keep, and leave it some life.
pub(super) fn refuse_empty_life(link: &NewLink) -> Result<(), Problem> {
    for (field, wish) in [("starts", link.starts), ("expires", link.expires), ("qr_expires", link.qr_expires)]
    {
        if wish.is_some_and(|at| !(EARLIEST..=LATEST).contains(&at)) {
            return Err(Problem::invalid(field, "must lie between 2000 and 2106, in milliseconds"));
        }
    }
    for (field, end) in [("expires", link.expires), ("qr_expires", link.qr_expires)] {
        if let (Some(starts), Some(end)) = (link.starts, end)
            && starts.floor_seconds() >= end.floor_seconds()
        {
            return Err(Problem::invalid(field, "must lie at least a second after starts"));
        }
    }
    Ok(())
}

fn earlier(rule: Option<Instant>, wish: Option<Instant>) -> Option<Instant> {
    match (rule, wish) {
        (Some(rule), Some(wish)) => Some(rule.min(wish)),
        (rule, wish) => rule.or(wish),
    }
}

/// The last second a link can keep (in 2106).
const LATEST: Instant = Instant(u32::MAX as i64 * SECOND_MS);

/// Links keep whole seconds; what cannot be kept is refused, because 0 would mean "no limit".
fn seconds(field: &str, at: Option<Instant>) -> Result<LinkSeconds, Problem> {
    let Some(at) = at else { return Ok(LinkSeconds::NONE) };
    match LinkSeconds::from_instant(at) {
        LinkSeconds::NONE => Err(Problem::invalid(field, "must lie between 1970 and 2106")),
        seconds => Ok(seconds),
    }
}
