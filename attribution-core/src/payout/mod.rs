//! On which day settled money becomes available, and what a run of that day covers.
//!
//! A run has a nominal date, the policy's day of a month: it names the run for ever, in its idempotency key too. The
//! day on which money really moves is computed from it and the workday calendar, again each time it is asked for: the
//! tables may be amended after a run was scheduled, and a payout account "bound on the payout day" is that of the real
//! day.

use crate::calendar::{Calendar, CalendarError, CalendarVersion};
use crate::policy::settlement::{Payout, PayoutKey, Roll};
use crate::time::{Instant, Period};
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Why a payout day cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayoutError {
    /// The calendar does not cover the day. The run's nominal date still stands.
    #[error("the payout of {run_date} has no day yet")]
    Calendar {
        /// The run's nominal date.
        run_date: Date,
        /// Why.
        #[source]
        cause: CalendarError,
    },
    /// The policy's day does not exist in that month, or the month lies beyond all dates.
    #[error("the payout's day {day} does not exist {months} months after {from}")]
    NoSuchDay {
        /// The policy's day.
        day: u8,
        /// The entry's month, its first day.
        from: Date,
        /// The policy's lag.
        months: u8,
    },
}

/// One run of a monthly payout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The nominal date, which names the run: the 15th, also if nothing moves on it.
    pub run_date: Date,
    /// The civil month that comes due with it, by the policy's key. A run also takes what is still unpaid from
    /// before `covers.from`; what lies at or after `covers.to` is not due.
    pub covers: Period,
    /// The day on which money moves.
    pub pays_on: Date,
    /// The tables by which `pays_on` was told; none where no roll is asked for.
    pub calendar: Option<CalendarVersion>,
}

impl Run {
    /// Whether an entry with this key instant is due with the run.
    pub fn is_due(&self, key: Instant) -> bool {
        self.covers.to.is_none_or(|to| key < to)
    }

    /// From when on the run may move money: midnight of its day in Asia/Shanghai.
    pub fn opens(&self) -> Instant {
        Instant::of_shanghai_date(self.pays_on)
    }
}

/// The instant by which an entry belongs to a month.
pub const fn key_instant(key: PayoutKey, success: Instant, settled: Instant) -> Instant {
    match key {
        PayoutKey::SuccessMonth => success,
        PayoutKey::SettledMonth => settled,
    }
}

impl Payout {
    /// The nominal date of the run with which an entry comes due; `None` if it is available at once. Needs no
    /// calendar, so it can be recorded when the entry is made.
    ///
    /// # Errors
    /// If the day does not exist.
    pub fn run_date(self, success: Instant, settled: Instant) -> Result<Option<Date>, PayoutError> {
        let Self::Monthly { day, lag_months, key, .. } = self else { return Ok(None) };
        let month = key_instant(key, success, settled).shanghai_date().first_of_month();
        nominal(day, lag_months, month).map(Some)
    }

    /// The run of this nominal date; `None` if the policy has none on it.
    ///
    /// # Errors
    /// If the calendar does not cover the day on which it would pay, or the day does not exist.
    pub fn run(self, run_date: Date, calendar: &Calendar) -> Result<Option<Run>, PayoutError> {
        let Self::Monthly { day, lag_months, roll, .. } = self else { return Ok(None) };
        if u8::try_from(run_date.day()) != Ok(day) {
            return Ok(None);
        }
        let no_day = || PayoutError::NoSuchDay { day, from: run_date.first_of_month(), months: lag_months };
        let month =
            run_date.first_of_month().checked_sub(i32::from(lag_months).months()).map_err(|_| no_day())?;
        let after = month.checked_add(1.month()).map_err(|_| no_day())?;
        let covers =
            Period { from: Instant::of_shanghai_date(month), to: Some(Instant::of_shanghai_date(after)) };
        let (pays_on, version) = match roll {
            Roll::None => (run_date, None),
            Roll::NextWorkday => {
                let rolled = calendar.workday_on_or_after(run_date);
                let pays_on = rolled.map_err(|cause| PayoutError::Calendar { run_date, cause })?;
                (pays_on, Some(calendar.version().clone()))
            }
        };
        Ok(Some(Run { run_date, covers, pays_on, calendar: version }))
    }

    /// The run with which an entry comes due; `None` if it is available at once.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn due(
        self,
        success: Instant,
        settled: Instant,
        calendar: &Calendar,
    ) -> Result<Option<Run>, PayoutError> {
        match self.run_date(success, settled)? {
            None => Ok(None),
            Some(run_date) => self.run(run_date, calendar),
        }
    }

    /// The last run that may move money on `today` or did before, by its real day; `None` without monthly runs. A
    /// job executes it and every earlier one it has not executed yet.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn latest_run(self, today: Date, calendar: &Calendar) -> Result<Option<Run>, PayoutError> {
        let Self::Monthly { day, .. } = self else { return Ok(None) };
        let mut month = today.first_of_month();
        // A rolled day can lie in the month after its nominal date, hence more than one step back.
        for _ in 0..3 {
            let run_date = nominal(day, 0, month)?;
            if run_date <= today
                && let Some(run) = self.run(run_date, calendar)?
                && run.pays_on <= today
            {
                return Ok(Some(run));
            }
            let no_day = |_| PayoutError::NoSuchDay { day, from: today, months: 0 };
            month = month.checked_sub(1.month()).map_err(no_day)?;
        }
        Ok(None)
    }

    /// The first run whose nominal date is later than `after`; `None` without monthly runs.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn next_run(self, after: Date, calendar: &Calendar) -> Result<Option<Run>, PayoutError> {
        let Self::Monthly { day, .. } = self else { return Ok(None) };
        let this = nominal(day, 0, after.first_of_month())?;
        let run_date = if this > after { this } else { nominal(day, 1, after.first_of_month())? };
        self.run(run_date, calendar)
    }
}

/// The `day` of the month that lies `months` after the one beginning with `first`.
fn nominal(day: u8, months: u8, first: Date) -> Result<Date, PayoutError> {
    let no_day = PayoutError::NoSuchDay { day, from: first, months };
    let Ok(month) = first.checked_add(i32::from(months).months()) else { return Err(no_day) };
    let day = i8::try_from(day).map_err(|_| no_day.clone())?;
    Date::new(month.year(), month.month(), day).map_err(|_| no_day)
}

#[cfg(test)]
mod tests;
