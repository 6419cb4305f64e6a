//! From when until when a new link works: what the rules say at its sharing, and what its maker wishes. Pure.

use super::link_new::NewLink;
use crate::api::time::EARLIEST;
use crate::api::{ApiTime, Problem, all_of};
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
        let [(_, starts), (_, expires), (_, qr_expires)] = wishes(link);
        let expires = earlier(policy.expires_at(shared, LinkKind::Link), expires);
        let qr_expires = earlier(policy.expires_at(shared, LinkKind::Qr), qr_expires);
        if let (Some(starts), Some(end)) = (starts, expires)
            && starts >= end
        {
            return Err(Problem::invalid("starts", "the rules end this link before it would start"));
        }
        Ok(Self {
            starts: seconds("starts", starts)?,
            expires: seconds("expires", expires)?,
            qr_expires: seconds("qr_expires", qr_expires)?,
        })
    }
}

/// What its maker wishes of a link's life: when it starts, when it ends, when its QR code does.
fn wishes(link: &NewLink) -> [(&'static str, Option<Instant>); 3] {
    [("starts", link.starts), ("expires", link.expires), ("qr_expires", link.qr_expires)]
        .map(|(field, wish)| (field, wish.map(ApiTime::instant)))
}

/// The wishes for a link's life must be times that a link can keep, and leave it some life.
pub(super) fn refuse_empty_life(link: &NewLink) -> Result<(), Problem> {
    let wishes = wishes(link);
    all_of(wishes.map(|(field, wish)| match wish {
        Some(at) if !(EARLIEST..=LATEST).contains(&at) => {
            Err(Problem::invalid(field, "must lie between 2000 and 2106, in milliseconds"))
        }
        _ => Ok(()),
    }))?;
    let [(_, starts), ends @ ..] = wishes;
    all_of(ends.map(|(field, end)| match (starts, end) {
        (Some(starts), Some(end)) if starts.floor_seconds() >= end.floor_seconds() => {
            Err(Problem::invalid(field, "must lie at least a second after starts"))
        }
        _ => Ok(()),
    }))
}

/// A link that is over already would be of no use to anybody.
pub(super) fn refuse_over(link: &NewLink, now: Instant) -> Result<(), Problem> {
    let [_, ends @ ..] = wishes(link);
    all_of(ends.map(|(field, end)| match end {
        Some(end) if end.floor_seconds() <= now.floor_seconds() => {
            Err(Problem::invalid(field, "must lie in the future"))
        }
        _ => Ok(()),
    }))
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
