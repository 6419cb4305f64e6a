//! When an amount is due and when a programme pays: civil days in Asia/Shanghai, from the rules and the calendar.

use crate::ledger::earned::Cycle;
use crate::store::StoreError;
use attribution_core::calendar::Calendar;
use attribution_core::payout::PayoutError;
use attribution_core::policy::SettlementPolicy;
use attribution_core::policy::settlement::{Destination, Payout};
use attribution_core::time::Instant;
use jiff::civil::Date;

/// Why no day can be named.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The rules and the calendar name none.
    #[error("there is no payout day")]
    Day(#[from] PayoutError),
    /// What is stored is no month.
    #[error("{0:?} is no month")]
    Month(String),
    /// What is stored cannot be read.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// The day on which a month's amounts are due; `None` if they are due at once.
///
/// # Errors
/// If the calendar does not reach so far.
pub(super) fn due_day(
    policy: &SettlementPolicy,
    month: &str,
    calendar: &Calendar,
) -> Result<Option<Date>, ScheduleError> {
    let first = format!("{month}-01").parse().map_err(|_| ScheduleError::Month(month.to_owned()))?;
    let own = Instant::of_shanghai_date(first);
    Ok(policy.payout.due(own, own, calendar)?.map(|run| run.pays_on))
}

/// The last payout day up to `today`; `None` if the programme pays all the time.
///
/// # Errors
/// If the calendar does not reach so far.
pub(super) fn last_payout_day(
    policy: &SettlementPolicy,
    today: Date,
    calendar: &Calendar,
) -> Result<Option<Date>, ScheduleError> {
    if policy.payout == Payout::Immediate {
        // Without an account a payout fails: it is tried once a day, not all the time.
        return Ok((policy.destination == Destination::BoundAtPayout).then_some(today));
    }
    Ok(policy.payout.latest_run(today, calendar)?.map(|run| run.pays_on))
}

/// The first day after `today` on which a month's amounts can be paid: its own day, or once that has passed, the
/// programme's next one. `None` if they are paid at once.
///
/// # Errors
/// If the calendar does not reach so far.
pub(super) fn next_payout_day(
    policy: &SettlementPolicy,
    month: &str,
    today: Date,
    calendar: &Calendar,
) -> Result<Option<Date>, ScheduleError> {
    if policy.payout != Payout::Immediate
        && let Some(day) = due_day(policy, month, calendar)?
        && day > today
    {
        return Ok(Some(day));
    }
    following_payout_day(policy, today, calendar)
}

/// The programme's first payout day after `today`; `None` if it sends nothing by itself.
///
/// # Errors
/// If the calendar does not reach so far.
pub(super) fn following_payout_day(
    policy: &SettlementPolicy,
    today: Date,
    calendar: &Calendar,
) -> Result<Option<Date>, ScheduleError> {
    if policy.payout == Payout::Immediate {
        return Ok((policy.destination == Destination::BoundAtPayout)
            .then(|| today.tomorrow().ok())
            .flatten());
    }
    let Some(last) = policy.payout.latest_run(today, calendar)? else { return Ok(None) };
    Ok(policy.payout.next_run(last.run_date, calendar)?.map(|run| run.pays_on))
}

/// Amounts that are due, and since when.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Due {
    pub version: u32,
    /// Empty for payments that came back.
    pub month: String,
    /// `None`: at once.
    pub day: Option<Date>,
}

impl Due {
    pub(super) fn is(&self, cycle: &Cycle) -> bool {
        self.version == cycle.version && self.month == cycle.month
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attribution_core::policy::Preset;

    #[test]
    fn months_are_paid_on_their_days() {
        let policy = |preset: Preset| preset.policy().settlement;
        // The fifteenth, two months later, on a workday; the twentieth of the next month, whatever it is.
        let rows = [
            (Preset::Distributor1688, "2020-07", "2020-09-15"),
            (Preset::Distributor1688, "2020-08", "2020-10-15"),
            (Preset::Distributor1688, "2019-07", "2019-09-16"),
            (Preset::Distributor1688, "2020-02", "2020-04-15"),
            (Preset::Distributor1688, "2023-12", "2024-02-18"),
            (Preset::TaobaoLive, "2017-02", "2017-03-20"),
            (Preset::TaobaoLive, "2024-12", "2025-01-20"),
            (Preset::TaobaoLive, "2026-01", "2026-02-20"),
        ];
        let calendar = Calendar::official();
        for (preset, month, due) in rows {
            let policy = policy(preset);
            let day = due_day(&policy, month, &calendar).unwrap().unwrap();
            assert_eq!(day.to_string(), due, "{month}");
            assert_eq!(last_payout_day(&policy, day, &calendar).unwrap(), Some(day));
            let eve = day.yesterday().unwrap();
            assert!(last_payout_day(&policy, eve, &calendar).unwrap().unwrap() < day, "{month}");
            assert_eq!(next_payout_day(&policy, month, eve, &calendar).unwrap(), Some(day));
            let after = next_payout_day(&policy, month, day, &calendar).unwrap().unwrap();
            assert_eq!(last_payout_day(&policy, after, &calendar).unwrap(), Some(after), "{month}");
            let before = after.yesterday().unwrap();
            assert_eq!(last_payout_day(&policy, before, &calendar).unwrap(), Some(day), "{month}");
        }
        assert_eq!(due_day(&policy(Preset::YouzanPermanent), "2020-07", &calendar).unwrap(), None);
    }
}
