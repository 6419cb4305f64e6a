//! The calendar against its source, and at the days that trap people.

use super::*;
use proptest::prelude::*;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// Every entry of the official files is in our table, and nothing else is.
#[test]
fn the_table_is_its_source() {
    #[derive(Deserialize)]
    struct Year {
        year: i16,
        days: Vec<Entry>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Entry {
        date: Date,
        is_off_day: bool,
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/holiday-cn");
    let calendar = Calendar::official();
    let (mut off, mut make_up) = (Vec::new(), Vec::new());
    for year in 2007..=2027 {
        let text = std::fs::read_to_string(folder.join(format!("{year}.json"))).unwrap();
        let read: Year = serde_json::from_str(&text).unwrap();
        assert_eq!(read.year, year);
        assert_eq!(read.days.is_empty(), year > table::LAST_YEAR, "{year}: complete or not announced");
        for entry in read.days {
            let kind = calendar.kind(entry.date).unwrap();
            assert_eq!(kind.is_workday(), !entry.is_off_day, "{}", entry.date);
            if entry.is_off_day { &mut off } else { &mut make_up }.push(number(entry.date));
        }
    }
    off.sort_unstable();
    make_up.sort_unstable();
    assert_eq!(table::DAYS_OFF, off);
    assert_eq!(table::MAKE_UP_WORKDAYS, make_up);
}

#[test]
fn table_and_weekday_together_say_what_a_day_is() {
    use DayKind::{Holiday, MakeUpWorkday, Weekend, Workday};
    let rows = [
        ("2024-02-15", Holiday),       // a Thursday in the Spring Festival
        ("2024-02-18", MakeUpWorkday), // a Sunday
        ("2024-02-19", Workday),
        ("2024-02-24", Weekend),
        ("2020-01-31", Holiday), // added while the holiday was on
        ("2020-02-03", MakeUpWorkday),
        ("2006-12-30", MakeUpWorkday), // before the first year, yet named
        ("2007-01-01", Holiday),
        ("2026-12-31", Workday),
    ];
    let calendar = Calendar::official();
    for (when, expected) in rows {
        assert_eq!(calendar.kind(day(when)), Ok(expected), "{when}");
    }
}

#[test]
fn a_day_off_rolls_to_the_next_workday() {
    let rows = [
        ("2020-09-15", "2020-09-15"),
        ("2019-09-15", "2019-09-16"), // a Sunday
        ("2024-02-15", "2024-02-18"), // a holiday, then a Sunday that is worked
        ("2026-02-20", "2026-02-24"),
        ("2020-01-24", "2020-02-03"), // the amended Spring Festival
        ("2022-10-01", "2022-10-08"), // a Saturday that is worked
    ];
    let calendar = Calendar::official();
    for (from, to) in rows {
        assert_eq!(calendar.workday_on_or_after(day(from)), Ok(day(to)), "{from}");
    }
}

#[test]
fn workdays_are_counted_from_the_first_one_after() {
    let rows = [
        ("2020-09-14", 0, "2020-09-14"),
        ("2020-09-14", 1, "2020-09-15"),
        ("2020-09-12", 1, "2020-09-14"), // from a Saturday
        ("2020-09-11", 3, "2020-09-16"), // over a weekend
        ("2020-09-29", 3, "2020-10-10"), // over the October holiday; 9 and 10 October are worked, 27 September was
        ("2024-02-08", 7, "2024-02-23"), // 9 and 18 February are worked
    ];
    let calendar = Calendar::official();
    for (from, days, to) in rows {
        assert_eq!(calendar.workdays_after(day(from), days), Ok(day(to)), "{from} + {days}");
    }
}

#[test]
fn it_does_not_guess_beyond_its_last_complete_year() {
    let calendar = Calendar::official();
    let outside = |date| CalendarError::OutsideTables {
        date: day(date),
        first: day("2007-01-01"),
        last: day("2026-12-31"),
    };
    assert_eq!(calendar.kind(day("2027-01-01")), Err(outside("2027-01-01")));
    assert_eq!(calendar.kind(day("2006-12-29")), Err(outside("2006-12-29")));
    assert_eq!(calendar.workdays_after(day("2026-12-30"), 1), Ok(day("2026-12-31")));
    assert_eq!(calendar.workdays_after(day("2026-12-31"), 1), Err(outside("2027-01-01")));
    assert_eq!(
        outside("2027-01-01").to_string(),
        "whether 2027-01-01 is a workday is not known: the tables cover 2007-01-01 to 2026-12-31; add the official \
         days with an override"
    );
    let last = Date::MAX;
    let mut endless = Calendar::official();
    endless.last_year = 9999;
    assert_eq!(endless.workdays_after(last, 2), Err(CalendarError::NoSuchDate { from: last, days: 2 }));
    endless.overridden.insert(last, false);
    assert_eq!(endless.workday_on_or_after(last), Err(CalendarError::NoSuchDate { from: last, days: 0 }));
}

#[test]
fn an_operator_adds_days_and_years_and_the_version_says_so() {
    use DayKind::{Holiday, MakeUpWorkday, Weekend, Workday};
    let over = |days: &[(&str, bool)], complete_through| CalendarOverride {
        days: days.iter().map(|(d, w)| (day(d), *w)).collect(),
        complete_through,
    };
    let official = Calendar::official();
    assert_eq!(official.version().to_string(), "holiday-cn@d4e53bf2");
    assert_eq!(Calendar::overridden(&CalendarOverride::default()), Ok(official.clone()));

    let typhoon = Calendar::overridden(&over(&[("2026-08-03", false)], None)).unwrap();
    assert_eq!(typhoon.kind(day("2026-08-03")), Ok(Holiday));
    assert_eq!(official.kind(day("2026-08-03")), Ok(Workday));
    assert_ne!(typhoon.version(), official.version());
    assert_eq!(typhoon.last_day(), day("2026-12-31"), "no further year is claimed");

    let next = over(&[("2027-01-01", false), ("2027-01-03", true), ("2027-01-04", true)], Some(2027));
    let next = Calendar::overridden(&next).unwrap();
    let kinds = ["2027-01-01", "2027-01-02", "2027-01-03", "2027-01-04", "2027-12-31"]
        .map(|when| next.kind(day(when)).unwrap());
    assert_eq!(kinds, [Holiday, Weekend, MakeUpWorkday, Workday, Workday]);
    assert!(next.kind(day("2028-01-01")).is_err());
    assert_ne!(next.version(), typhoon.version());

    // The operator's word goes before the table's.
    let amended = Calendar::overridden(&over(&[("2024-02-18", false)], None)).unwrap();
    assert_eq!(amended.workday_on_or_after(day("2024-02-15")), Ok(day("2024-02-19")));

    assert_eq!(
        Calendar::overridden(&over(&[], Some(2025))),
        Err(OverrideError::TakesYearsAway { last: 2026, given: 2025 })
    );
    assert_eq!(Calendar::overridden(&over(&[], Some(10_000))), Err(OverrideError::NoSuchYear(10_000)));
    assert_eq!(
        Calendar::overridden(&over(&[("2028-01-01", false)], Some(2028))),
        Err(OverrideError::YearWithoutDays(2027))
    );
    assert!(Calendar::overridden(&over(&[], Some(2026))).is_ok());
}

proptest! {
    /// Against the slow way: walk day by day and ask.
    #[test]
    fn counting_workdays_is_walking(start in 0i64..7_000, days in 0u32..40) {
        let calendar = Calendar::official();
        let from = day("2007-01-01").checked_add(start.days()).unwrap();
        let got = calendar.workdays_after(from, days).unwrap();
        let (mut at, mut seen) = (from, 0);
        while seen < days {
            at = at.tomorrow().unwrap();
            seen += u32::from(calendar.is_workday(at).unwrap());
        }
        prop_assert_eq!(got, at);
    }
}
