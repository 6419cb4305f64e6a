//! The rules of video tasks (V任务): the platform's technical fee, and when it applies.

use crate::money::BasisPoints;
use crate::time::{Instant, Period};
use serde::{Deserialize, Serialize};

/// When the fee applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeApplies {
    /// Only to tasks that are confirmed in an event (双11 and the like).
    #[default]
    InEvents,
    /// To every task.
    Always,
}

/// The fee on video tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VideoTaskPolicy {
    /// The platform's part of the price.
    pub fee: BasisPoints,
    /// When it applies.
    pub applies: FeeApplies,
    /// The events. The platform dates them: whoever pays has no say in its own fee.
    pub events: Vec<Period>,
}

impl Default for VideoTaskPolicy {
    fn default() -> Self {
        Self { fee: BasisPoints::const_new::<2_000>(), applies: FeeApplies::InEvents, events: Vec::new() }
    }
}

impl VideoTaskPolicy {
    /// Whether there is an event at `confirmed`, when the merchant confirms and the fee would come off.
    pub fn in_event(&self, confirmed: Instant) -> bool {
        self.events.iter().any(|event| event.contains(confirmed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_half_open_like_every_period() {
        let policy = VideoTaskPolicy {
            events: vec![Period { from: Instant(10), to: Some(Instant(20)) }, Period::since(Instant(30))],
            ..VideoTaskPolicy::default()
        };
        let rows = [(9, false), (10, true), (19, true), (20, false), (29, false), (30, true), (1_000, true)];
        for (at, in_event) in rows {
            assert_eq!(policy.in_event(Instant(at)), in_event, "{at}");
        }
    }
}
