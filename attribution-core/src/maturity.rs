//! When a trade is complete (交易完成), and with it when its commission may settle.
//!
//! The completion itself is the trigger; without one, a timer from the last parcel stands in where the policy has it.
//! While a refund is being asked for the timer stands still, and afterwards it runs on from where it was, unless the
//! policy says that it runs on regardless.

use crate::policy::settlement::Maturity;
use crate::time::{Instant, Period, Span};
use serde::{Deserialize, Serialize};

/// The trade, as far as its completion goes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trade<'a> {
    /// When it was paid.
    pub paid: Option<Instant>,
    /// When each parcel was shipped, in any order.
    pub parcels: &'a [Instant],
    /// Some parcel is still to be shipped: the timer does not run yet.
    pub more_to_ship: bool,
    /// When it was completed. One that was paid only afterwards is complete with its payment.
    pub completed: Option<Instant>,
    /// When it was closed; without a trade, unless the timer had completed it by then.
    pub closed: Option<Instant>,
    /// While a refund was asked for and neither granted nor refused; open ones have no end.
    pub refunds_asked: &'a [Period],
}

/// Where a trade stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Standing {
    /// It will not complete: not paid, or closed.
    NoTrade,
    /// It waits for its completion; no timer runs.
    Waits,
    /// The timer runs, and completes it then unless something happens.
    Runs {
        /// When it runs out.
        until: Instant,
    },
    /// A refund is being asked for: the timer stands still.
    Stopped {
        /// Since when.
        since: Instant,
        /// What is left of it.
        left: Span,
    },
    /// It is complete.
    Complete {
        /// Since when.
        at: Instant,
    },
}

/// Where the trade stands at `now`.
pub fn standing(rule: Maturity, trade: &Trade<'_>, now: Instant) -> Standing {
    let Some(paid) = trade.paid else { return Standing::NoTrade };
    if let Some(completed) = trade.completed {
        return Standing::Complete { at: completed.max(paid) };
    }
    // What the timer had completed by then closes no more, as little as what was confirmed.
    let until = trade.closed.map_or(now, |closed| now.min(closed));
    match (by_timer(rule, trade, until), trade.closed) {
        (standing @ Standing::Complete { .. }, _) | (standing, None) => standing,
        (_, Some(_)) => Standing::NoTrade,
    }
}

/// Where a paid trade stands at `now` that was not confirmed.
fn by_timer(rule: Maturity, trade: &Trade<'_>, now: Instant) -> Standing {
    let Some(timer) = rule.auto_after_ship else { return Standing::Waits };
    let last = trade.parcels.iter().max().filter(|_| !trade.more_to_ship);
    match last {
        None => Standing::Waits,
        Some(last) => {
            let stops = if rule.runs_during_refunds { &[] } else { trade.refunds_asked };
            match run(last.floor(), timer, stops) {
                Standing::Runs { until } if now >= until => Standing::Complete { at: until },
                other => other,
            }
        }
    }
}

/// Runs the timer over its stops.
fn run(start: Instant, timer: Span, stops: &[Period]) -> Standing {
    let mut stops: Vec<Period> = stops.to_vec();
    stops.sort_by_key(|stop| stop.from);
    let (mut at, mut left) = (start, timer.millis());
    for stop in stops {
        let from = stop.from.floor();
        let ran = from.millis().saturating_sub(at.millis()).max(0);
        if ran >= left {
            break;
        }
        left -= ran;
        match stop.to {
            None => return Standing::Stopped { since: from.max(at), left: Span::of_millis(left) },
            Some(to) => at = at.max(from).max(to.floor()),
        }
    }
    Standing::Runs { until: at.plus(left) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    const SEVEN_DAYS: Maturity =
        Maturity { auto_after_ship: Some(Span::days(7)), runs_during_refunds: false };

    #[test]
    fn completion_is_the_trigger_and_the_timer_stands_in() {
        let shipped = [at("2015-06-02 10:00:00"), at("2015-05-30 09:00:00")];
        let paid = Trade { paid: Some(at("2015-05-29 00:00:00")), ..Trade::default() };
        let sent = Trade { parcels: &shipped, ..paid };
        let done = Trade { completed: Some(at("2015-06-04 12:00:00")), ..sent };
        let runs_out = at("2015-06-09 10:00:00");
        let rows = [
            ("not paid", Trade { paid: None, ..sent }, SEVEN_DAYS, Standing::NoTrade),
            (
                "closed",
                Trade { closed: Some(at("2015-06-03 00:00:00")), ..sent },
                SEVEN_DAYS,
                Standing::NoTrade,
            ),
            (
                "closed in the timer's last second",
                Trade { closed: Some(at("2015-06-09 09:59:59")), ..sent },
                SEVEN_DAYS,
                Standing::NoTrade,
            ),
            ("completed and never paid", Trade { paid: None, ..done }, SEVEN_DAYS, Standing::NoTrade),
            (
                "paid after the completion",
                Trade { paid: Some(at("2015-06-04 12:00:01")), ..done },
                SEVEN_DAYS,
                Standing::Complete { at: at("2015-06-04 12:00:01") },
            ),
            ("not shipped", paid, SEVEN_DAYS, Standing::Waits),
            ("a parcel is missing", Trade { more_to_ship: true, ..sent }, SEVEN_DAYS, Standing::Waits),
            ("no timer", sent, Maturity::default(), Standing::Waits),
            ("from the last parcel", sent, SEVEN_DAYS, Standing::Runs { until: runs_out }),
            ("completed early", done, SEVEN_DAYS, Standing::Complete { at: at("2015-06-04 12:00:00") }),
        ];
        for (what, trade, rule, expected) in rows {
            assert_eq!(standing(rule, &trade, at("2015-06-09 09:59:59.999")), expected, "{what}");
        }
        assert_eq!(standing(SEVEN_DAYS, &sent, runs_out), Standing::Complete { at: runs_out });
        let closed = Trade { closed: Some(runs_out), ..sent };
        assert_eq!(
            standing(SEVEN_DAYS, &closed, runs_out),
            Standing::Complete { at: runs_out },
            "closed too late"
        );
    }

    #[test]
    fn a_refund_that_is_asked_for_stops_the_timer() {
        let shipped = [at("06-02 10:00:00.700")];
        let stop = |from: &str, to: Option<&str>| Period { from: at(from), to: to.map(at) };
        let ask = |stops: &[Period], now: &str| {
            let trade = Trade {
                paid: Some(at("06-01 00:00:00")),
                parcels: &shipped,
                refunds_asked: stops,
                ..Trade::default()
            };
            standing(SEVEN_DAYS, &trade, at(now))
        };
        let open = [stop("06-05 10:00:00", None)];
        let stopped = Standing::Stopped { since: at("06-05 10:00:00"), left: Span::days(4) };
        assert_eq!(ask(&open, "06-30 00:00:00"), stopped, "three of seven days had passed");
        let regardless = Maturity { runs_during_refunds: true, ..SEVEN_DAYS };
        let trade = Trade {
            paid: Some(at("06-01 00:00:00")),
            parcels: &shipped,
            refunds_asked: &open,
            ..Trade::default()
        };
        let complete = Standing::Complete { at: at("06-09 10:00:00") };
        assert_eq!(standing(regardless, &trade, at("06-09 10:00:00")), complete);
        let refused = [stop("06-05 10:00:00", Some("06-07 10:00:00"))];
        assert_eq!(ask(&refused, "06-07 10:00:00"), Standing::Runs { until: at("06-11 10:00:00") });
        assert_eq!(ask(&refused, "06-11 10:00:00"), Standing::Complete { at: at("06-11 10:00:00") });
        let twice = [
            stop("06-06 10:00:00", Some("06-08 10:00:00")), // overlaps the first one
            stop("06-05 10:00:00", Some("06-07 10:00:00")),
        ];
        assert_eq!(ask(&twice, "06-09 00:00:00"), Standing::Runs { until: at("06-12 10:00:00") });
        let inside = [
            stop("06-05 10:00:00", Some("06-08 10:00:00")),
            stop("06-06 10:00:00", Some("06-07 10:00:00")),
            stop("06-01 10:00:00", Some("06-01 12:00:00")), // over before the parcel left
        ];
        assert_eq!(ask(&inside, "06-09 00:00:00"), Standing::Runs { until: at("06-12 10:00:00") });
        let too_late = [stop("06-09 10:00:00", None)];
        assert_eq!(
            ask(&too_late, "06-20 00:00:00"),
            Standing::Complete { at: at("06-09 10:00:00") },
            "the timer had run out in that second"
        );
        let before = [stop("06-01 10:00:00", None)];
        let never_ran = Standing::Stopped { since: at("06-02 10:00:00"), left: Span::days(7) };
        assert_eq!(ask(&before, "06-20 00:00:00"), never_ran);
    }
}
