//! The Chinese workday calendar: the official table first, the weekday where the table is silent.
//!
//! A make-up day (调休) can make a Sunday a workday, so neither the table nor the weekday is enough alone. Beyond its
//! last complete year the calendar answers with an error instead of a guess; an operator's override adds days and
//! years. Whatever is computed from a calendar records its [`CalendarVersion`], because tables are amended.

mod over;
mod table;

pub use over::{CalendarOverride, OverrideError};

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday, date};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a civil day is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayKind {
    /// Monday to Friday, and no holiday.
    Workday,
    /// The table names it a workday (调休), mostly a weekend day.
    MakeUpWorkday,
    /// Saturday or Sunday.
    Weekend,
    /// The table names it a day off.
    Holiday,
}

impl DayKind {
    /// Whether people work on it.
    pub const fn is_workday(self) -> bool {
        matches!(self, Self::Workday | Self::MakeUpWorkday)
    }
}

/// Which tables an answer rests on: the edition, and a digest of the operator's overrides if there are any.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CalendarVersion(pub String);

impl std::fmt::Display for CalendarVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why the calendar has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// No table says what this day is, and a guess could pay on a holiday.
    #[error(
        "whether {date} is a workday is not known: the tables cover {first} to {last}; add the official days with an override"
    )]
    OutsideTables {
        /// The day asked for.
        date: Date,
        /// The first day covered.
        first: Date,
        /// The last day covered.
        last: Date,
    },
    /// The count runs past the end of all dates.
    #[error("{from} and {days} workdays is no date")]
    NoSuchDate {
        /// Counted from here.
        from: Date,
        /// So many workdays.
        days: u32,
    },
}

/// The workday calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// The operator's days, `true` for a workday; they go before the official table.
    overridden: BTreeMap<Date, bool>,
    last_year: i16,
    version: CalendarVersion,
}

impl Default for Calendar {
    fn default() -> Self {
        Self::official()
    }
}

impl Calendar {
    /// The official tables, 2007 to the last year announced.
    pub fn official() -> Self {
        Self {
            overridden: BTreeMap::new(),
            last_year: table::LAST_YEAR,
            version: CalendarVersion(table::VERSION.to_owned()),
        }
    }

    /// Which tables this is, to be recorded with what is computed from it.
    pub const fn version(&self) -> &CalendarVersion {
        &self.version
    }

    /// The first day covered.
    pub const fn first_day(&self) -> Date {
        date(table::FIRST_YEAR, 1, 1)
    }

    /// The last day covered: the end of the last complete year. The next year's notice can still move its last days.
    pub const fn last_day(&self) -> Date {
        date(self.last_year, 12, 31)
    }

    /// What `day` is.
    ///
    /// # Errors
    /// If no table covers it.
    pub fn kind(&self, day: Date) -> Result<DayKind, CalendarError> {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        if let Some(workday) = self.overridden.get(&day) {
            return Ok(match (workday, weekend) {
                (true, false) => DayKind::Workday,
                (true, true) => DayKind::MakeUpWorkday,
                (false, _) => DayKind::Holiday,
            });
        }
        let (first, last) = (self.first_day(), self.last_day());
        let named = number(day);
        if table::DAYS_OFF.binary_search(&named).is_ok() {
            Ok(DayKind::Holiday)
        } else if table::MAKE_UP_WORKDAYS.binary_search(&named).is_ok() {
            Ok(DayKind::MakeUpWorkday)
        } else if day < first || day > last {
            Err(CalendarError::OutsideTables { date: day, first, last })
        } else if weekend {
            Ok(DayKind::Weekend)
        } else {
            Ok(DayKind::Workday)
        }
    }

    /// Whether people work on `day`.
    ///
    /// # Errors
    /// If no table covers it.
    pub fn is_workday(&self, day: Date) -> Result<bool, CalendarError> {
        self.kind(day).map(DayKind::is_workday)
    }

    /// `day` itself if it is a workday, else the next one.
    ///
    /// # Errors
    /// If the tables end before there is one.
    pub fn workday_on_or_after(&self, day: Date) -> Result<Date, CalendarError> {
        let mut at = day;
        while !self.is_workday(at)? {
            at = at.checked_add(1.day()).map_err(|_| CalendarError::NoSuchDate { from: day, days: 0 })?;
        }
        Ok(at)
    }

    /// The `days`-th workday after `day`: day 1 is the first workday later than it. Zero is `day` itself.
    ///
    /// # Errors
    /// If the tables end before there are so many.
    pub fn workdays_after(&self, day: Date, days: u32) -> Result<Date, CalendarError> {
        let mut at = day;
        for _ in 0..days {
            let next = at.checked_add(1.day()).map_err(|_| CalendarError::NoSuchDate { from: day, days })?;
            at = self.workday_on_or_after(next)?;
        }
        Ok(at)
    }
}

/// `yyyymmdd`, as the table writes it; 0 for years before the common era.
fn number(day: Date) -> u32 {
    let part = |n: i8| u32::try_from(n).unwrap_or(0);
    u32::try_from(day.year()).unwrap_or(0) * 10_000 + part(day.month()) * 100 + part(day.day())
}

#[cfg(test)]
mod tests;
