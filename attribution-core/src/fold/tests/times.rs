//! Which of its times a click counts at: slow clocks, late arrival, clocks that run ahead.

use super::*;
use crate::time::HOUR_MS;

#[test]
fn a_token_on_the_order_forgives_a_slow_clock() {
    let ask = |token: bool, clicked: &str| {
        let mut ask = Ask::of(&["a 06-01 09:00:00", &format!("b 06-01 {clicked}")]);
        ask.token = token.then(|| ask.clicks[1].id);
        ask.owner(&window(15), "06-01 10:00:00")
    };
    let rows = [
        ("five seconds, with the token", true, "10:00:05.999", "b"),
        ("six seconds, with the token", true, "10:00:06", "a"),
        ("one second, without the token", false, "10:00:01", "a"),
    ];
    for (what, token, clicked, expected) in rows {
        assert_eq!(ask(token, clicked), expected, "{what}");
    }
    // A token has no precedence: a later click without one still owns the order.
    let mut ask = Ask::of(&["a 06-01 09:00:00", "b 06-01 09:30:00"]);
    ask.token = Some(ask.clicks[0].id);
    assert_eq!(ask.owner(&window(15), "06-01 10:00:00"), "b");
}

#[test]
fn a_late_click_counts_until_the_decision_is_final() {
    let order = "06-03 10:00:00";
    let rows = [
        ("ingested five hours after the order", "06-03 15:00:00", "b", "won"),
        ("ingested in the last second of the grace", "06-06 09:59:59", "b", "won"),
        ("ingested 72 hours and a second after the order", "06-06 10:00:01", "a", "late_after_final"),
    ];
    for (what, ingested, expected, code) in rows {
        let mut ask = Ask::of(&["a 06-01 10:00:00", "b 06-02 10:00:00"]);
        ask.clicks[1].ingested = at(ingested);
        ask.final_at = Some(at(order).plus(72 * HOUR_MS));
        assert_eq!(ask.owner(&window(15), order), expected, "{what}");
        assert_eq!(codes(&ask.fold(&window(15), order))[1], format!("b {code}"), "{what}");
    }
}

#[test]
fn an_edge_whose_clock_runs_ahead_gains_nothing() {
    let mut ask = Ask::of(&["a 06-01 10:00:00", "b 06-01 09:00:00"]);
    ask.clicks[1].received = at("06-01 10:30:00");
    assert_eq!(ask.owner(&window(15), "06-01 11:00:00"), "a");
}
