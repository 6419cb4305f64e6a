//! The core's second look at a click: against the dated state at its effective time, and only ever downwards.
//!
//! An edge can be a moment stale, and a ban can be announced after the day it takes effect. Both verdicts are kept.

use crate::catalogue::{LinkFlags, LinkSeconds};
use crate::decide::dead;
use crate::fold::Ineligible;
use crate::outcome::{Outcome, Reason};
use crate::policy::AttributionPolicy;
use crate::record::ClickFlags;
use crate::time::{Instant, Period};
use serde::{Deserialize, Serialize};

/// The state around a link, with its history.
#[derive(Debug, Clone, Copy, Default)]
pub struct DatedState<'a> {
    /// The link begins here.
    pub starts: LinkSeconds,
    /// The link ends here.
    pub expires: LinkSeconds,
    /// The link's frozen facts (`CLOSED` is read from `closed` instead).
    pub flags: LinkFlags,
    /// When the promoter closed the link.
    pub closed: &'a [Period],
    /// When the promotion was cancelled.
    pub cancelled: &'a [Period],
    /// When the product was delisted.
    pub delisted: &'a [Period],
    /// When the promoter was disabled.
    pub disabled: &'a [Period],
    /// When the target's category was banned in the programme.
    pub banned: &'a [Period],
}

/// Both verdicts on a click.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// What the buyer was answered.
    pub edge: (Outcome, Reason),
    /// What counts.
    pub core: (Outcome, Reason),
}

impl Judged {
    /// Why the click does not enter the chain, if so.
    pub const fn ineligible(self) -> Option<Ineligible> {
        Ineligible::of(self.core.0, self.core.1)
    }
}

/// Judges a click again, by what the edge noted of it (`flags`; none for a click that only a token tells of). What the
/// edge did not attribute stays as it is.
pub fn judge(
    policy: &AttributionPolicy,
    edge: (Outcome, Reason),
    flags: ClickFlags,
    state: &DatedState<'_>,
    effective: Instant,
) -> Judged {
    let core = if edge.0 == Outcome::Attributed {
        downgrade(policy, flags, state, effective).unwrap_or(edge)
    } else {
        edge
    };
    Judged { edge, core }
}

fn downgrade(
    policy: &AttributionPolicy,
    flags: ClickFlags,
    state: &DatedState<'_>,
    at: Instant,
) -> Option<(Outcome, Reason)> {
    let within = |periods: &[Period]| periods.iter().any(|period| period.contains(at));
    let over = within(state.closed) || state.expires.instant().is_some_and(|expires| at >= expires);
    let early = state.starts.instant().is_some_and(|starts| at < starts);
    if let Some(outcome) = dead(within(state.cancelled), within(state.delisted), over, early) {
        Some((outcome, Reason::None))
    } else if within(state.disabled) {
        Some((Outcome::PromoterDisabled, Reason::None))
    } else if within(state.banned) {
        Some((Outcome::Untracked, Reason::CategoryBanned))
    } else if policy.require_badge && !state.flags.has(LinkFlags::BADGE) {
        Some((Outcome::Untracked, Reason::NoBadge))
    } else if policy.require_converted_link && !state.flags.has(LinkFlags::CONVERTED) {
        Some((Outcome::Untracked, Reason::NotConverted))
    } else if policy.require_user_activation && flags.has(ClickFlags::NO_USER_ACTIVATION) {
        Some((Outcome::Untracked, Reason::NoUserActivation))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::DAY_MS;

    const OK: (Outcome, Reason) = (Outcome::Attributed, Reason::None);

    fn day(day: i64) -> Instant {
        Instant(day * DAY_MS)
    }

    fn judged(state: &DatedState<'_>, at: Instant) -> (Outcome, Reason) {
        judge(&AttributionPolicy::default(), OK, ClickFlags::NO_USER_ACTIVATION, state, at).core
    }

    #[test]
    fn state_counts_from_its_first_instant_to_before_its_last() {
        let withdrawn = [Period { from: day(10), to: Some(day(20)) }];
        let states = [
            (
                DatedState { cancelled: &withdrawn, ..DatedState::default() },
                (Outcome::PromotionCancelled, Reason::None),
            ),
            (
                DatedState { delisted: &withdrawn, ..DatedState::default() },
                (Outcome::ProductDelisted, Reason::None),
            ),
            (
                DatedState { closed: &withdrawn, ..DatedState::default() },
                (Outcome::LinkExpired, Reason::None),
            ),
            (
                DatedState { disabled: &withdrawn, ..DatedState::default() },
                (Outcome::PromoterDisabled, Reason::None),
            ),
            (
                DatedState { banned: &withdrawn, ..DatedState::default() },
                (Outcome::Untracked, Reason::CategoryBanned),
            ),
        ];
        for (state, expected) in states {
            assert_eq!(judged(&state, day(10).plus(-1)), OK);
            assert_eq!(judged(&state, day(10)), expected);
            assert_eq!(judged(&state, day(20).plus(-1)), expected);
            assert_eq!(judged(&state, day(20)), OK);
        }
    }

    #[test]
    fn a_link_counts_from_its_start_to_before_its_end() {
        let at_day = |n: i64| LinkSeconds::from_instant(day(n));
        let state = DatedState { starts: at_day(10), expires: at_day(20), ..DatedState::default() };
        let rows = [
            (day(10).plus(-1), (Outcome::NotYetEffective, Reason::None)),
            (day(10), OK),
            (day(10).plus(1), OK),
            (day(20).plus(-1), OK),
            (day(20), (Outcome::LinkExpired, Reason::None)),
        ];
        for (when, expected) in rows {
            assert_eq!(judged(&state, when), expected, "{when}");
        }
    }

    #[test]
    fn what_the_edge_refused_is_never_upgraded() {
        for outcome in Outcome::ALL.into_iter().filter(|o| *o != Outcome::Attributed) {
            let edge = (outcome, Reason::None);
            let strict = AttributionPolicy { require_user_activation: true, ..AttributionPolicy::default() };
            let judged = judge(&strict, edge, ClickFlags::NO_USER_ACTIVATION, &DatedState::default(), day(1));
            assert_eq!(judged.core, edge);
            assert!(judged.ineligible().is_some(), "{outcome:?}");
        }
    }

    #[test]
    fn a_required_badge_or_conversion_is_looked_for_again() {
        let badge = AttributionPolicy { require_badge: true, ..AttributionPolicy::default() };
        let converted = AttributionPolicy { require_converted_link: true, ..AttributionPolicy::default() };
        let with = |flags| DatedState { flags, ..DatedState::default() };
        let rows = [
            (&badge, LinkFlags::default(), (Outcome::Untracked, Reason::NoBadge)),
            (&badge, LinkFlags::BADGE, OK),
            (&converted, LinkFlags::BADGE, (Outcome::Untracked, Reason::NotConverted)),
            (&converted, LinkFlags::CONVERTED, OK),
        ];
        for (policy, flags, expected) in rows {
            assert_eq!(judge(policy, OK, ClickFlags::default(), &with(flags), day(1)).core, expected);
        }
    }

    #[test]
    fn a_click_without_a_gesture_counts_unless_the_programme_requires_one() {
        let required = AttributionPolicy { require_user_activation: true, ..AttributionPolicy::default() };
        let risky = ClickFlags::NO_FETCH_METADATA.with(ClickFlags::MAYBE_REPEAT);
        let none = (Outcome::Untracked, Reason::NoUserActivation);
        let rows = [
            (&AttributionPolicy::default(), ClickFlags::NO_USER_ACTIVATION, OK),
            (&required, ClickFlags::NO_USER_ACTIVATION, none),
            // What only looks odd is no proof, and nor is the bit that earlier edges set for every Safari.
            (&required, risky, OK),
            (&required, ClickFlags(1 << 1), OK),
        ];
        for (policy, flags, expected) in rows {
            assert_eq!(judge(policy, OK, flags, &DatedState::default(), day(1)).core, expected, "{flags:?}");
        }
    }
}
