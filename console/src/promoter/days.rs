//! Days of clicks, orders and commission: what the overview and the report both show.

use crate::show::yuan;
use attribution_core::time::Instant;
use serde::Deserialize;

/// The API's report.
#[derive(Debug, Deserialize)]
pub(super) struct Report {
    pub(super) days: Vec<Day>,
    /// Otherwise than by day.
    #[serde(default)]
    pub(super) rows: Vec<Keyed>,
    pub(super) total: Day,
}

/// The figures of a product, a placement or a label.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Keyed {
    pub(super) key: String,
    name: Option<String>,
    pub(super) clicks: i64,
    pub(super) orders: i64,
    expected_fen: i64,
    settled_fen: i64,
}

impl Keyed {
    /// What people call it; `none` if it is none of them.
    pub(super) fn words(&self, none: &str) -> String {
        let named = self.name.as_ref().filter(|name| !name.is_empty()).unwrap_or(&self.key);
        if named.is_empty() { none.to_owned() } else { named.clone() }
    }

    pub(super) fn expected(&self) -> String {
        yuan(self.expected_fen)
    }

    pub(super) fn settled(&self) -> String {
        yuan(self.settled_fen)
    }
}

/// A day of it.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Day {
    pub(super) date: String,
    pub(super) clicks: i64,
    pub(super) orders: i64,
    pub(super) expected_fen: i64,
    pub(super) settled_fen: i64,
}

impl Day {
    /// Nothing happened.
    pub(super) const fn is_quiet(&self) -> bool {
        self.clicks == 0 && self.orders == 0 && self.expected_fen == 0 && self.settled_fen == 0
    }
}

/// A day of the chart and its table.
pub(super) struct Row {
    pub(super) date: String,
    pub(super) clicks: i64,
    pub(super) orders: i64,
    pub(super) expected_fen: i64,
    pub(super) expected: String,
    pub(super) settled_fen: i64,
    pub(super) settled: String,
}

impl From<Day> for Row {
    fn from(day: Day) -> Self {
        Self {
            expected: yuan(day.expected_fen),
            settled: yuan(day.settled_fen),
            date: day.date,
            clicks: day.clicks,
            orders: day.orders,
            expected_fen: day.expected_fen,
            settled_fen: day.settled_fen,
        }
    }
}

/// The civil date of a day's number.
pub(super) fn date(day: i64) -> String {
    Instant::of_shanghai_day(day).to_string().chars().take(10).collect()
}

/// Days one by one, those without anything too: a chart must not hide them.
pub(super) fn every_day(days: &[Day], first: i64, last: i64) -> Vec<Day> {
    let found = |date: String| {
        let known = days.iter().find(|day| day.date == date).cloned();
        known.unwrap_or_else(|| Day { date, ..Day::default() })
    };
    (first..=last).map(date).map(found).collect()
}

/// The number of a civil date as somebody typed it.
pub(super) fn number(date: &str) -> Option<i64> {
    let date: jiff::civil::Date = date.parse().ok()?;
    Some(Instant::of_shanghai_date(date).shanghai_day())
}
