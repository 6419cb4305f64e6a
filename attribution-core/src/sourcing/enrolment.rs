//! The life of an enrolment: how long the audit takes, and what may change once it is through.

use crate::calendar::{Calendar, CalendarVersion};
use crate::policy::eligibility::SourcingRules;
use crate::time::Instant;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// When an audit is through, as far as the calendar says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditTimes {
    /// Normally by the end of this day; `None` while nobody has said which days up to then are workdays.
    pub usual: Option<Date>,
    /// By the end of this day at the latest; `None` as above.
    pub latest: Option<Date>,
    /// The tables by which the days were counted.
    pub calendar: CalendarVersion,
}

/// When the audit of what was submitted then is through. Day 1 is the first workday after the submission.
pub fn audit_times(rules: &SourcingRules, submitted: Instant, calendar: &Calendar) -> AuditTimes {
    let from = submitted.shanghai_date();
    let after = |workdays: u8| calendar.workdays_after(from, u32::from(workdays)).ok();
    AuditTimes {
        usual: after(rules.audit_workdays),
        latest: after(rules.audit_workdays_max),
        calendar: calendar.version().clone(),
    }
}

/// What somebody wants to change on an approved enrolment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    /// The main picture.
    MainPicture,
    /// The detail page on the platform.
    Detail,
    /// The price on the platform.
    MarketPrice,
    /// Deleting a SKU that is enrolled.
    DeleteEnrolledSku,
    /// Deleting a SKU that is not.
    DeleteOtherSku,
    /// The channel's price.
    ChannelPrice,
    /// The channel's detail page.
    ChannelDetail,
    /// The market's stock of an enrolled SKU is now so many.
    Stock(u32),
    /// The product joins a group purchase (伙拼团).
    JoinGroupPurchase,
    /// The product joins another promotion of the platform.
    JoinOtherPromotion,
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EditVerdict {
    /// It is made, and the enrolment stands.
    Allowed,
    /// It is made and the enrolment stands, with a warning: the channel's stock falls with the market's.
    AllowedWithWarning,
    /// It is refused.
    Refused,
    /// It takes leaving and enrolling anew, with a new audit.
    NeedsNewEnrolment,
}

/// Whether an approved enrolment allows an edit.
pub const fn edit(rules: &SourcingRules, edit: Edit) -> EditVerdict {
    match edit {
        Edit::MainPicture
        | Edit::Detail
        | Edit::MarketPrice
        | Edit::DeleteOtherSku
        | Edit::JoinOtherPromotion => EditVerdict::Allowed,
        Edit::Stock(stock) if stock >= rules.min_stock => EditVerdict::Allowed,
        Edit::Stock(_) => EditVerdict::AllowedWithWarning,
        Edit::DeleteEnrolledSku | Edit::JoinGroupPurchase => EditVerdict::Refused,
        Edit::ChannelPrice | Edit::ChannelDetail => EditVerdict::NeedsNewEnrolment,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    #[test]
    fn an_audit_takes_workdays_from_the_first_one_after_the_submission() {
        let rows = [
            ("2020-09-14 23:59:59", Some("2020-09-17"), Some("2020-09-23")), // a Monday
            ("2020-09-15 00:00:00", Some("2020-09-18"), Some("2020-09-24")),
            ("2020-09-12 10:00:00", Some("2020-09-16"), Some("2020-09-22")), // a Saturday
            // New Year's Eve; 18 February is a worked Sunday.
            ("2024-02-09 10:00:00", Some("2024-02-20"), Some("2024-02-26")),
            // Which days of 2027 are workdays nobody has said.
            ("2026-12-22 10:00:00", Some("2026-12-25"), Some("2026-12-31")),
            ("2026-12-23 10:00:00", Some("2026-12-28"), None),
            ("2026-12-28 10:00:00", Some("2026-12-31"), None),
            ("2026-12-29 10:00:00", None, None),
        ];
        let calendar = Calendar::official();
        for (submitted, usual, latest) in rows {
            let times = audit_times(&SourcingRules::default(), at(submitted), &calendar);
            let day = |text: Option<&str>| text.map(|text| text.parse().unwrap());
            assert_eq!((times.usual, times.latest), (day(usual), day(latest)), "{submitted}");
            assert_eq!(times.calendar, *calendar.version());
        }
    }

    #[test]
    fn what_may_change_after_the_approval() {
        use EditVerdict::{Allowed, AllowedWithWarning, NeedsNewEnrolment, Refused};
        let rows = [
            (Edit::MainPicture, Allowed),
            (Edit::Detail, Allowed),
            (Edit::MarketPrice, Allowed),
            (Edit::DeleteOtherSku, Allowed),
            (Edit::JoinOtherPromotion, Allowed),
            (Edit::Stock(200), Allowed),
            (Edit::Stock(199), AllowedWithWarning),
            (Edit::DeleteEnrolledSku, Refused),
            (Edit::JoinGroupPurchase, Refused),
            (Edit::ChannelPrice, NeedsNewEnrolment),
            (Edit::ChannelDetail, NeedsNewEnrolment),
        ];
        for (what, expected) in rows {
            assert_eq!(edit(&SourcingRules::default(), what), expected, "{what:?}");
        }
    }
}
