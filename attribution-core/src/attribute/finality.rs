//! From when on a decision stands.

use crate::policy::AttributionPolicy;
use crate::time::{Instant, SECOND_MS};
use serde::{Deserialize, Serialize};

/// Whether every registered edge has delivered what it recorded before the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgesCaughtUp {
    /// Since this instant.
    Since(Instant),
    /// Some edge has not.
    #[default]
    NotYet,
}

/// When a decision becomes final: after the grace for late clicks or with the settlement, whichever is first; but
/// not while an edge still holds clicks from before the order, up to the policy's hold. What the last edge delivered in
/// the second in which it had delivered everything still counts.
pub fn final_at(
    policy: &AttributionPolicy,
    order: Instant,
    settled: Option<Instant>,
    edges: EdgesCaughtUp,
) -> Instant {
    let grace = order.plus(policy.late_click_grace.millis());
    let soonest = settled.map_or(grace, |settled| settled.min(grace));
    let hold = order.plus(policy.edge_hold.millis());
    match edges {
        EdgesCaughtUp::Since(at) if at > soonest && at < hold => at.floor().plus(SECOND_MS).min(hold),
        EdgesCaughtUp::Since(at) => soonest.max(at.min(hold)),
        EdgesCaughtUp::NotYet => soonest.max(hold),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::HOUR_MS;

    #[test]
    fn grace_settlement_and_edges_decide_together() {
        let hour = |h: i64| Instant(h * HOUR_MS);
        let policy = AttributionPolicy::default(); // 72 h grace, 7 days hold
        // settled after, edges delivered after, final after (hours from the order)
        let rows = [
            (None, Some(0), 72),
            (Some(10), Some(0), 10),
            (Some(100), Some(0), 72),
            (None, Some(100), 100),
            (Some(10), Some(20), 20),
            (None, None, 168),
            (None, Some(200), 168),
            (Some(10), Some(168), 168),
        ];
        for (settled, caught_up, expected) in rows {
            let edges = caught_up.map_or(EdgesCaughtUp::NotYet, |h| EdgesCaughtUp::Since(hour(h)));
            let got = final_at(&policy, hour(0), settled.map(hour), edges);
            // What an edge delivers in the second in which it catches up still counts.
            // At the end of the hold nothing more is waited for.
            let second = if caught_up == Some(expected) && expected < 168 { SECOND_MS } else { 0 };
            assert_eq!(got, hour(expected).plus(second), "settled {settled:?}, edges {caught_up:?}");
        }
        let at_the_grace = final_at(&policy, hour(0), None, EdgesCaughtUp::Since(hour(72)));
        assert_eq!(at_the_grace, hour(72), "final by itself in the instant in which the edges caught up");
    }
}
