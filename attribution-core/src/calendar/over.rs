//! An operator's word on the calendar: days that differ from the table, and years the table does not have yet.

use super::{Calendar, CalendarVersion, table};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What an operator lays over the official tables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CalendarOverride {
    /// Days by date, `true` for a workday. They go before the official table.
    pub days: BTreeMap<Date, bool>,
    /// With `days`, the calendar is complete up to the end of this year; the weekday decides the days not named.
    pub complete_through: Option<i16>,
}

/// Why an override cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// A year that no calendar has.
    #[error("complete_through: {0} is no year from 1 to 9999")]
    NoSuchYear(i16),
    /// The tables already go further.
    #[error("complete_through: the official tables already cover {last}; {given} would take years away")]
    TakesYearsAway {
        /// The last year covered.
        last: i16,
        /// The year given.
        given: i16,
    },
    /// A year said to be complete in which the override names no day: every year has holidays.
    #[error("complete_through: no day of {0} is given, and every year has holidays")]
    YearWithoutDays(i16),
}

impl Calendar {
    /// The official tables with an operator's days and years over them.
    ///
    /// # Errors
    /// If the override takes years away or claims a year whose holidays it does not name.
    pub fn overridden(by: &CalendarOverride) -> Result<Self, OverrideError> {
        let mut calendar = Self::official();
        if let Some(through) = by.complete_through {
            if !(1..=9999).contains(&through) {
                return Err(OverrideError::NoSuchYear(through));
            }
            if through < table::LAST_YEAR {
                return Err(OverrideError::TakesYearsAway { last: table::LAST_YEAR, given: through });
            }
            let names = |year: i16| by.days.keys().any(|day| day.year() == year);
            if let Some(year) = (table::LAST_YEAR + 1..=through).find(|year| !names(*year)) {
                return Err(OverrideError::YearWithoutDays(year));
            }
            calendar.last_year = through;
        }
        if *by != CalendarOverride::default() {
            calendar.version = CalendarVersion(format!("{}+{:016x}", table::VERSION, digest(by)));
        }
        calendar.overridden.clone_from(&by.days);
        Ok(calendar)
    }
}

/// The same override always has the same digest, on any machine.
fn digest(by: &CalendarOverride) -> u64 {
    let mut text = String::new();
    for (day, workday) in &by.days {
        let _ = writeln!(text, "{day} {workday}");
    }
    let _ = write!(text, "through {:?}", by.complete_through);
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}
