//! Payout days against dates that people can check with a calendar on the wall.

use super::*;
use crate::calendar::CalendarOverride;
use crate::testing::at;
use proptest::prelude::*;

const FIFTEENTH: Payout =
    Payout::Monthly { day: 15, lag_months: 2, roll: Roll::NextWorkday, key: PayoutKey::SuccessMonth };
const TWENTIETH: Payout =
    Payout::Monthly { day: 20, lag_months: 1, roll: Roll::None, key: PayoutKey::SettledMonth };

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn an_entry_comes_due_by_its_month() {
    let rolled =
        Payout::Monthly { day: 20, lag_months: 1, roll: Roll::NextWorkday, key: PayoutKey::SettledMonth };
    // payout, success, settled, run date, day on which it pays
    let rows = [
        (FIFTEENTH, "2020-07-01 00:00:00", "2020-07-01 00:00:00", "2020-09-15", "2020-09-15"),
        (FIFTEENTH, "2020-07-31 23:59:59.999", "2020-08-02 00:00:00", "2020-09-15", "2020-09-15"),
        (FIFTEENTH, "2020-08-01 00:00:00", "2020-08-01 00:00:00", "2020-10-15", "2020-10-15"),
        (FIFTEENTH, "2019-07-10 10:00:00", "2019-07-10 10:00:00", "2019-09-15", "2019-09-16"),
        (FIFTEENTH, "2020-02-29 23:59:59", "2020-02-29 23:59:59", "2020-04-15", "2020-04-15"),
        (FIFTEENTH, "2023-12-31 23:59:59", "2024-01-01 00:00:00", "2024-02-15", "2024-02-18"),
        (FIFTEENTH, "2023-11-30 23:59:59", "2023-11-30 23:59:59", "2024-01-15", "2024-01-15"),
        (TWENTIETH, "2017-01-31 00:00:00", "2017-02-28 23:59:59", "2017-03-20", "2017-03-20"),
        (TWENTIETH, "2017-02-28 23:59:59", "2017-03-01 00:00:00", "2017-04-20", "2017-04-20"),
        (TWENTIETH, "2024-02-01 00:00:00", "2024-02-29 23:59:59", "2024-03-20", "2024-03-20"),
        (TWENTIETH, "2024-12-31 00:00:00", "2024-12-31 00:00:00", "2025-01-20", "2025-01-20"),
        (TWENTIETH, "2026-01-31 00:00:00", "2026-01-31 00:00:00", "2026-02-20", "2026-02-20"),
        (rolled, "2026-01-31 00:00:00", "2026-01-31 00:00:00", "2026-02-20", "2026-02-24"),
    ];
    let calendar = Calendar::official();
    for (payout, success, settled, run_date, pays_on) in rows {
        let run = payout.due(at(success), at(settled), &calendar).unwrap().unwrap();
        assert_eq!((run.run_date, run.pays_on), (day(run_date), day(pays_on)), "{success}");
        let key = if payout == FIFTEENTH { at(success) } else { at(settled) };
        assert!(run.covers.contains(key) && run.is_due(key), "{success}: {:?}", run.covers);
        assert_eq!(run.calendar.is_some(), payout != TWENTIETH, "only a roll rests on the tables");
        assert_eq!(run.opens(), Instant::of_shanghai_date(day(pays_on)));
    }
    assert_eq!(
        Payout::Immediate.due(at("2020-07-01 00:00:00"), at("2020-07-01 00:00:00"), &calendar),
        Ok(None)
    );
}

#[test]
fn a_run_covers_one_civil_month_and_what_was_left_over() {
    let calendar = Calendar::official();
    let run = FIFTEENTH.run(day("2020-04-15"), &calendar).unwrap().unwrap();
    assert_eq!(run.covers.from, at("2020-02-01 00:00:00"));
    assert_eq!(run.covers.to, Some(at("2020-03-01 00:00:00")), "29 days");
    assert!(run.is_due(at("2019-11-11 00:00:00")), "left over from an earlier run");
    assert!(!run.is_due(at("2020-03-01 00:00:00")));
    assert_eq!(FIFTEENTH.run(day("2020-04-16"), &calendar), Ok(None), "no run is named by a rolled day");
    assert_eq!(Payout::Immediate.run(day("2020-04-15"), &calendar), Ok(None));
}

#[test]
fn a_table_amended_later_moves_the_day_and_not_the_run() {
    let before = Calendar::official();
    let over = CalendarOverride { days: [(day("2020-09-15"), false)].into(), complete_through: None };
    let after = Calendar::overridden(&over).unwrap();
    let (success, settled) = (at("2020-07-10 10:00:00"), at("2020-07-10 10:00:00"));
    let scheduled = FIFTEENTH.due(success, settled, &before).unwrap().unwrap();
    let amended = FIFTEENTH.due(success, settled, &after).unwrap().unwrap();
    assert_eq!((scheduled.run_date, scheduled.pays_on), (day("2020-09-15"), day("2020-09-15")));
    assert_eq!((amended.run_date, amended.pays_on), (day("2020-09-15"), day("2020-09-16")));
    assert_ne!(scheduled.calendar, amended.calendar);
}

#[test]
fn beyond_the_tables_the_run_has_a_date_and_no_day() {
    let calendar = Calendar::official();
    let success = at("2026-11-30 10:00:00");
    assert_eq!(FIFTEENTH.run_date(success, success), Ok(Some(day("2027-01-15"))));
    let error = FIFTEENTH.due(success, success, &calendar).unwrap_err();
    assert!(
        matches!(error, PayoutError::Calendar { run_date, .. } if run_date == day("2027-01-15")),
        "{error}"
    );
    let unrolled = TWENTIETH.due(success, success, &calendar).unwrap().unwrap();
    assert_eq!(unrolled.pays_on, day("2026-12-20"), "without a roll no table is needed");
}

#[test]
fn runs_follow_each_other() {
    let calendar = Calendar::official();
    let next = |payout: Payout, after| payout.next_run(day(after), &calendar).unwrap().unwrap().run_date;
    assert_eq!(next(FIFTEENTH, "2020-09-14"), day("2020-09-15"));
    assert_eq!(next(FIFTEENTH, "2020-09-15"), day("2020-10-15"));
    assert_eq!(next(TWENTIETH, "2024-12-20"), day("2025-01-20"));
    let latest = |payout: Payout, today| payout.latest_run(day(today), &calendar).unwrap().unwrap().run_date;
    assert_eq!(latest(FIFTEENTH, "2020-09-14"), day("2020-08-15"), "a Saturday, rolled to 08-17");
    assert_eq!(latest(FIFTEENTH, "2020-08-16"), day("2020-07-15"), "08-15 pays on 08-17");
    assert_eq!(latest(FIFTEENTH, "2020-08-17"), day("2020-08-15"));
    assert_eq!(latest(FIFTEENTH, "2020-09-15"), day("2020-09-15"));
    assert_eq!(latest(TWENTIETH, "2025-01-19"), day("2024-12-20"));
    assert_eq!(Payout::Immediate.latest_run(day("2020-09-15"), &calendar), Ok(None));
    assert_eq!(Payout::Immediate.next_run(day("2020-09-15"), &calendar), Ok(None));
}

#[test]
fn a_roll_over_the_end_of_a_month_is_found_again() {
    let calendar = Calendar::official();
    let last =
        Payout::Monthly { day: 28, lag_months: 1, roll: Roll::NextWorkday, key: PayoutKey::SettledMonth };
    // 2022-01-28 is a Friday, 01-29 and 01-30 are worked; 2017-01-28 begins a holiday that lasts until 02-02.
    let run = last.run(day("2017-01-28"), &calendar).unwrap().unwrap();
    assert_eq!(run.pays_on, day("2017-02-03"));
    assert_eq!(last.latest_run(day("2017-02-02"), &calendar).unwrap().unwrap().run_date, day("2016-12-28"));
    assert_eq!(last.latest_run(day("2017-02-03"), &calendar).unwrap().unwrap().run_date, day("2017-01-28"));
}

#[test]
fn a_day_that_does_not_exist_is_an_error() {
    let no_day = Payout::Monthly { day: 31, lag_months: 1, roll: Roll::None, key: PayoutKey::SettledMonth };
    let when = at("2020-01-10 00:00:00");
    assert_eq!(
        no_day.run_date(when, when),
        Err(PayoutError::NoSuchDay { day: 31, from: day("2020-01-01"), months: 1 })
    );
    assert!(FIFTEENTH.run_date(Instant(i64::MAX), Instant(0)).is_err());
}

proptest! {
    /// Every entry is covered by exactly the run it is due with, never earlier than its month's end.
    #[test]
    fn an_entrys_run_covers_it(ms in 1_170_000_000_000i64..1_790_000_000_000, lag in 1u8..6, day in 1u8..=28) {
        let calendar = Calendar::official();
        let payout = Payout::Monthly { day, lag_months: lag, roll: Roll::NextWorkday, key: PayoutKey::SettledMonth };
        let settled = Instant(ms);
        let Ok(Some(run)) = payout.due(settled, settled, &calendar) else {
            return Err(TestCaseError::reject("beyond the tables"));
        };
        prop_assert!(run.covers.contains(settled));
        prop_assert!(run.pays_on >= run.run_date);
        prop_assert!(run.opens() >= run.covers.to.unwrap());
        prop_assert!(calendar.is_workday(run.pays_on).unwrap());
        prop_assert_eq!(payout.latest_run(run.pays_on, &calendar).unwrap().unwrap().run_date >= run.run_date, true);
    }
}
