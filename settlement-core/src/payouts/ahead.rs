//! What a payee has to wait for: settled amounts by the month that makes them due, with the day on which each can be paid,
//! and the programme's next payout day.

use super::calendar;
use super::due::UNPAID;
use super::schedule::{due_day, following_payout_day};
use crate::attribution::Catalogue;
use crate::catalogue::rules::of_id;
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::calendar::Calendar;
use attribution_core::ids::ProgrammeId;
use attribution_core::policy::SettlementPolicy;
use attribution_core::time::Instant;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

/// What is settled and not paid out yet, of one month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct WaitingMonth {
    /// The civil month by which it is due, `2020-07`.
    month: String,
    /// Fen; negative if more was taken back than earned.
    amount_fen: i64,
    /// The first day on which it can be paid, `2020-09-15`; absent while the calendar of that year is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    payable_on: Option<String>,
}

/// What lies ahead of a payee in one programme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ahead {
    /// The programme's next payout day from today on, if it has such days and the calendar names it.
    pub(super) next_payout_on: Option<String>,
    /// By month, the oldest first.
    pub(super) waiting: Vec<WaitingMonth>,
}

/// Looks ahead.
///
/// # Errors
/// If the store fails.
pub(super) fn ahead(
    tx: &mut dyn Tx,
    programme: &ProgrammeId,
    owner: &str,
    now: Instant,
) -> Result<Ahead, StoreError> {
    let calendar = calendar::in_force(tx)?;
    let today = now.shanghai_date();
    let rows = tx.query(
        &format!(
            "SELECT b.version, b.month, b.amount_fen - b.paid_fen FROM payout_buckets b \
             WHERE b.programme = $1 AND b.payee = $2 AND {UNPAID} ORDER BY b.month, b.version"
        ),
        params![programme, owner],
    )?;
    let mut rules = Catalogue::default();
    let mut waiting: Vec<WaitingMonth> = Vec::with_capacity(rows.len());
    for row in &rows {
        let (month, amount_fen) = (row.text(1)?.to_owned(), row.int(2)?);
        let policy = rules.policy(tx, programme, row.num(0)?)?;
        let payable_on = payable_day(&policy.settlement, &month, today, &calendar).map(|day| day.to_string());
        match waiting.last_mut().filter(|last| last.month == month && last.payable_on == payable_on) {
            Some(same) => same.amount_fen += amount_fen,
            None => waiting.push(WaitingMonth { month, amount_fen, payable_on }),
        }
    }
    let in_force = of_id(tx, programme)?;
    let rules = in_force.as_ref().and_then(|programme| programme.in_force(now));
    // The day that follows yesterday may be today.
    let next = match (rules, today.yesterday()) {
        (Some(rules), Ok(yesterday)) => {
            following_payout_day(&rules.policy.settlement, yesterday, &calendar).ok().flatten()
        }
        _ => None,
    };
    Ok(Ahead { next_payout_on: next.map(|day| day.to_string()), waiting })
}

/// The first day from `today` on at which a month's amounts can be paid; none if the calendar cannot say.
fn payable_day(policy: &SettlementPolicy, month: &str, today: Date, calendar: &Calendar) -> Option<Date> {
    match due_day(policy, month, calendar).ok()? {
        Some(day) if day >= today => Some(day),
        // Its own day has gone by: with the next run.
        Some(_) => following_payout_day(policy, today, calendar).ok()?,
        None => Some(today),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attribution_core::policy::Preset;

    #[test]
    fn a_month_is_payable_on_its_day_or_with_the_next_run() {
        let calendar = Calendar::official();
        let policy = |preset: Preset| preset.policy().settlement;
        let monthly = policy(Preset::Distributor1688);
        let rows = [
            ("2020-08-01", "2020-07", Some("2020-09-15")),
            ("2020-09-15", "2020-07", Some("2020-09-15")),
            // The run of that day is over, and something of that month came after it.
            ("2020-09-16", "2020-07", Some("2020-10-15")),
            // Nobody has said yet which days of that year are workdays.
            ("2026-11-30", "2026-11", None),
        ];
        for (today, month, expected) in rows {
            let day = payable_day(&monthly, month, today.parse().unwrap(), &calendar);
            assert_eq!(day.map(|day| day.to_string()).as_deref(), expected, "{month} on {today}");
        }
        let today: Date = "2020-08-01".parse().unwrap();
        assert_eq!(payable_day(&policy(Preset::YouzanPermanent), "2020-07", today, &calendar), Some(today));
    }
}
