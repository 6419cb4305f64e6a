//! New and returning customers (新客, 老客), judged when the order is created.

use crate::policy::commission::{Class, DayCount, NewReturning};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What is known of a buyer's successful orders at a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum History {
    /// None is known, and not all of this shop's orders are: counts as new, and is flagged.
    #[default]
    Unknown,
    /// None.
    None,
    /// The first one succeeded then.
    FirstSuccess(Instant),
}

const DAY_SECONDS: i64 = 86_400;

/// The class of a buyer whose order is created at `order`. A success after that instant is no history yet.
pub fn classify(rule: NewReturning, history: History, order: Instant) -> Class {
    let History::FirstSuccess(first) = history else { return Class::New };
    let elapsed = order.floor_seconds() - first.floor_seconds();
    if elapsed < 0 {
        return Class::New;
    }
    let days = i64::from(rule.days);
    let calendar = order.shanghai_day() - first.shanghai_day();
    let is_new = match rule.count {
        DayCount::Elapsed => elapsed <= days * DAY_SECONDS,
        DayCount::WholeDays => elapsed / DAY_SECONDS <= days,
        DayCount::CalendarDay0 => calendar <= days,
        DayCount::CalendarDay1 => calendar < days,
    };
    if is_new { Class::New } else { Class::Returning }
}
